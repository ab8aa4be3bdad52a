//! From files to verdicts: arrays and results against those of the others.
//!
//! What is right is what most say. Of arrays, all cells are asked; of results, all who read a file
//! of that contents, among whom each writer counts with what it made of its own arrays, so that one
//! reader alone, in a shard, has somebody to differ from. When as many say one as the other, the
//! first of them is right: a writer before a reader, and an earlier cell before a later one.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use host::Host;
use npz::{Array, Npz, Order};
use sha2::{Digest as _, Sha256};

use super::ERROR_SUFFIX;
use super::difference::difference;
use crate::parallel::parallel;
use crate::{Format, FormatResult, PairResult, Problem, ProblemKind, StoredCase};

/// The longest reason of a reader that is read.
const REASON_LIMIT: usize = 4096;
/// Stands for a case where a file as a whole is wrong.
const WHOLE_FILE: &str = "the whole file";

/// A cell that wrote its arrays.
pub(crate) struct Written {
    pub(crate) name: String,
    /// What it wrote, and what it made of that itself.
    pub(crate) arrays: PathBuf,
    pub(crate) own_results: PathBuf,
    /// Whether it says that every cell writes something else.
    pub(crate) differs: bool,
}

/// What a reader made of a writer's arrays.
pub(crate) struct Reading {
    /// Place of the writer among those who wrote.
    pub(crate) writer: usize,
    pub(crate) reader: String,
    pub(crate) results: PathBuf,
}

/// What came of the lane.
pub(crate) struct Judged {
    pub(crate) pairs: Vec<PairResult>,
    pub(crate) cases: Vec<StoredCase>,
}

/// A digest of type, shape, order and bytes.
type Print = [u8; 32];

/// The arrays of a file by their digests, or why there are none.
type Contents = Result<BTreeMap<String, Print>, Problem>;

/// What most have under a name.
struct Agreed {
    /// `None` if most have nothing.
    print: Option<Print>,
    /// A file that has it.
    file: PathBuf,
    agreeing: usize,
    all: usize,
}

type Reference = BTreeMap<String, Agreed>;

/// Judges every pair of a lane; `jobs` files are looked at at once.
pub(crate) fn judge(host: &Host, jobs: usize, written: &[Written], readings: &[Reading]) -> Judged {
    let of_writers = parallel(jobs, written, |cell| contents(host, &cell.arrays));
    let of_own = parallel(jobs, written, |cell| contents(host, &cell.own_results));
    let of_readings = parallel(jobs, readings, |reading| contents(host, &reading.results));

    let arrays = written.iter().zip(&of_writers).map(|(cell, contents)| Vote {
        cell: &cell.name,
        file: &cell.arrays,
        contents,
    });
    let reference = agreed(arrays);
    let may_differ = written.iter().any(|cell| cell.differs);
    let of_written: Vec<FormatResult> = written
        .iter()
        .zip(&of_writers)
        .map(|(cell, contents)| {
            let reference = if may_differ { None } else { Some(&reference) };
            compare(Format::WheelWritten, &cell.arrays, contents, reference)
        })
        .collect();

    // Whoever wrote the same is read as the same.
    let mut groups: Vec<Reference> = Vec::new();
    let mut group_of: Vec<usize> = Vec::new();
    let mut known: HashMap<&BTreeMap<String, Print>, usize> = HashMap::new();
    for (place, contents) in of_writers.iter().enumerate() {
        let group = contents.as_ref().ok().and_then(|contents| known.get(contents).copied());
        let group = group.unwrap_or_else(|| {
            let same = |other: usize| other == place || is_same(contents, &of_writers[other]);
            let own = written.iter().zip(&of_own).enumerate().filter(|(other, _)| same(*other));
            let own = own.map(|(_, (cell, contents))| Vote {
                cell: &cell.name,
                file: &cell.own_results,
                contents,
            });
            let read = readings.iter().zip(&of_readings).filter(|(read, _)| same(read.writer));
            let read = read.map(|(reading, contents)| Vote {
                cell: &reading.reader,
                file: &reading.results,
                contents,
            });
            groups.push(agreed(own.chain(read)));
            groups.len() - 1
        });
        if let Ok(contents) = contents {
            known.insert(contents, group);
        }
        group_of.push(group);
    }
    let pairs = readings.iter().zip(&of_readings).map(|(reading, contents)| {
        let reference = groups.get(group_of[reading.writer]);
        PairResult {
            writer: written[reading.writer].name.clone(),
            reader: reading.reader.clone(),
            formats: vec![
                of_written[reading.writer].clone(),
                compare(Format::WheelRead, &reading.results, contents, reference),
            ],
            pickles: None,
        }
    });
    let mut cases = cases(Format::WheelWritten, &reference);
    cases
        .extend(groups.first().into_iter().flat_map(|group| self::cases(Format::WheelRead, group)));
    Judged { pairs: pairs.collect(), cases }
}

fn is_same(one: &Contents, other: &Contents) -> bool {
    matches!((one, other), (Ok(one), Ok(other)) if one == other)
}

fn whole_file(kind: ProblemKind, message: String) -> Problem {
    Problem { case: WHOLE_FILE.to_owned(), kind, message }
}

fn contents(host: &Host, path: &Path) -> Contents {
    let error = |error: npz::Error| whole_file(ProblemKind::Error, error.to_string());
    if let Ok(said) = host.read_start(&path.with_added_extension(ERROR_SUFFIX), REASON_LIMIT) {
        let said = String::from_utf8_lossy(&said);
        let said: Vec<&str> = said.split_whitespace().collect();
        return Err(whole_file(ProblemKind::Error, said.join(" ")));
    }
    if !host.is_file(path) {
        let message = "the reader said nothing of it".to_owned();
        return Err(whole_file(ProblemKind::Missing, message));
    }
    let archive = Npz::open(path).map_err(error)?;
    let mut prints = BTreeMap::new();
    for name in archive.names() {
        prints.insert(name.to_owned(), print(&archive.read(name).map_err(error)?));
    }
    if prints.is_empty() {
        return Err(whole_file(ProblemKind::Missing, "there is no array in it".to_owned()));
    }
    Ok(prints)
}

fn print(array: &Array) -> Print {
    let mut digest = Sha256::new();
    let head = format!("{}{:?}{}", array.dtype(), array.shape(), array.order() == Order::Fortran);
    digest.update(head.as_bytes());
    digest.update(array.bytes());
    digest.finalize().into()
}

/// What a cell says, in a file.
struct Vote<'a> {
    cell: &'a str,
    file: &'a Path,
    contents: &'a Contents,
}

/// What most cells say, name by name; of what cannot be read, nobody says anything. A cell that read
/// many files of the same contents is one cell all the same.
fn agreed<'a>(votes: impl Iterator<Item = Vote<'a>>) -> Reference {
    let votes: Vec<(&str, &Path, &BTreeMap<String, Print>)> = votes
        .filter_map(|vote| Some((vote.cell, vote.file, vote.contents.as_ref().ok()?)))
        .collect();
    let names: BTreeSet<&String> = votes.iter().flat_map(|(_, _, prints)| prints.keys()).collect();
    let all = votes.iter().map(|(cell, ..)| cell).collect::<BTreeSet<_>>().len();
    let mut reference = Reference::new();
    for name in names {
        let mut variants: Vec<(Option<Print>, &Path, BTreeSet<&str>)> = Vec::new();
        for (cell, file, prints) in &votes {
            let print = prints.get(name).copied();
            match variants.iter_mut().find(|(known, ..)| *known == print) {
                Some((_, _, cells)) => drop(cells.insert(cell)),
                None => variants.push((print, file, BTreeSet::from([*cell]))),
            }
        }
        // Of several maxima, `max_by_key` gives the last one.
        let most = variants.into_iter().rev().max_by_key(|(_, _, cells)| cells.len());
        if let Some((print, file, cells)) = most {
            let (file, agreeing) = (file.to_path_buf(), cells.len());
            reference.insert(name.clone(), Agreed { print, file, agreeing, all });
        }
    }
    reference
}

/// A file against what was agreed on, if anything had to be.
fn compare(
    format: Format,
    path: &Path,
    contents: &Contents,
    reference: Option<&Reference>,
) -> FormatResult {
    let prints = match contents {
        Ok(prints) => prints,
        Err(problem) => {
            return FormatResult { format, compared: 0, problems: vec![problem.clone()] };
        }
    };
    let Some(reference) = reference else {
        return FormatResult { format, compared: prints.len(), problems: Vec::new() };
    };
    let mut problems = Vec::new();
    for (name, agreed) in reference {
        let print = prints.get(name);
        if print.copied() == agreed.print {
            continue;
        }
        let Agreed { agreeing, all, .. } = agreed;
        let (kind, what) = match (print, agreed.print) {
            (None, _) => (ProblemKind::Missing, "it is not there".to_owned()),
            (_, None) => (ProblemKind::Differs, "it should not be there".to_owned()),
            _ => (ProblemKind::Differs, difference_of(name, path, &agreed.file)),
        };
        let message = format!("{what}; {agreeing} of {all} agree on that");
        problems.push(Problem { case: name.clone(), kind, message });
    }
    FormatResult { format, compared: reference.len(), problems }
}

fn difference_of(name: &str, got: &Path, wanted: &Path) -> String {
    let read = |path: &Path| Npz::open(path)?.read(name);
    match (read(got), read(wanted)) {
        (Ok(got), Ok(wanted)) => {
            difference(&got, &wanted).unwrap_or_else(|| "it changed while it was read".to_owned())
        }
        (Err(error), _) | (_, Err(error)) => error.to_string(),
    }
}

/// The arrays that were agreed on, for those who read the report.
fn cases(format: Format, reference: &Reference) -> Vec<StoredCase> {
    let step = match format {
        Format::WheelRead => "read",
        _ => "written",
    };
    let mut cases = Vec::new();
    let mut open: Option<(PathBuf, Npz<npz::FileSource>)> = None;
    for (name, agreed) in reference.iter().filter(|(_, agreed)| agreed.print.is_some()) {
        if open.as_ref().is_none_or(|(file, _)| *file != agreed.file) {
            open = Npz::open(&agreed.file).ok().map(|archive| (agreed.file.clone(), archive));
        }
        let Some(header) = open.as_ref().and_then(|(_, archive)| archive.header(name).ok()) else {
            continue;
        };
        let family = name.rsplit_once('/').map_or("", |(family, _)| family);
        cases.push(StoredCase {
            name: name.clone(),
            group: format!("{step} with the wheel: {family}").trim_end_matches(": ").to_owned(),
            descr: header.dtype().to_string(),
            shape: header.shape().iter().map(|length| *length as u64).collect(),
            fortran: header.order() == Order::Fortran,
            only_in: Some(format),
        });
    }
    cases
}

#[cfg(test)]
mod tests {
    use npz::{ArrayView, write_npz};

    use super::*;

    /// Arrays of one axis, by their names.
    type Arrays<'a> = &'a [(&'a str, &'a [i32])];

    struct Files(tempfile::TempDir);

    impl Files {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn write(&self, name: &str, arrays: Arrays<'_>) -> PathBuf {
            let path = self.0.path().join(name);
            let views = arrays.iter().map(|(name, values)| {
                (*name, ArrayView::from_slice(values, &[values.len()]).unwrap())
            });
            write_npz(&path, views, npz::Compression::Stored).unwrap();
            path
        }

        fn cell(&self, name: &str, arrays: Arrays<'_>, own: Arrays<'_>) -> Written {
            Written {
                name: name.to_owned(),
                arrays: self.write(&format!("{name}.npz"), arrays),
                own_results: self.write(&format!("{name}-own.npz"), own),
                differs: false,
            }
        }

        fn reading(&self, writer: usize, reader: &str, results: Arrays<'_>) -> Reading {
            let results = self.write(&format!("{reader}-of-{writer}.npz"), results);
            Reading { writer, reader: reader.to_owned(), results }
        }
    }

    fn judged(written: &[Written], readings: &[Reading]) -> Vec<[Vec<String>; 2]> {
        let judged = judge(&Host::current().unwrap(), 2, written, readings);
        let said = |format: &FormatResult| {
            let said = format.problems.iter();
            said.map(|problem| format!("{}: {}", problem.case, problem.message)).collect()
        };
        let pairs = judged.pairs.iter();
        pairs.map(|pair| [said(&pair.formats[0]), said(&pair.formats[1])]).collect()
    }

    #[test]
    fn most_are_right_and_a_cell_counts_once() {
        let files = Files::new();
        let good: Arrays<'_> = &[("a", &[1, 2])];
        let bad: Arrays<'_> = &[("a", &[1, 3])];
        let written =
            [files.cell("x", good, bad), files.cell("y", good, good), files.cell("z", good, good)];
        // The one that is wrong is the only reader here, and reads three files.
        let readings = [0, 1, 2].map(|writer| files.reading(writer, "x", bad));
        let said = || vec!["a: element 1 of 2 is 3, not 2; 2 of 3 agree on that".to_owned()];
        assert_eq!(judged(&written, &readings), [(); 3].map(|()| [Vec::new(), said()]));
    }

    #[test]
    fn when_as_many_say_one_as_the_other_the_first_is_right() {
        let files = Files::new();
        let (one, other): (Arrays<'_>, Arrays<'_>) = (&[("a", &[1])], &[("a", &[2])]);
        let written = [files.cell("x", one, one), files.cell("y", other, one)];
        let readings = [files.reading(0, "y", other), files.reading(1, "x", one)];
        let said = || vec!["a: element 0 of 1 is 2, not 1; 1 of 2 agree on that".to_owned()];
        assert_eq!(judged(&written, &readings), [[vec![], said()], [said(), vec![]]]);
    }

    #[test]
    fn what_is_missing_or_more_than_asked_for_is_told() {
        let files = Files::new();
        let both: Arrays<'_> = &[("a", &[1]), ("b", &[1])];
        let less: Arrays<'_> = &[("a", &[1])];
        let more: Arrays<'_> = &[("a", &[1]), ("b", &[1]), ("c", &[1])];
        let written =
            [files.cell("x", both, both), files.cell("y", less, both), files.cell("z", more, both)];
        let readings = [0, 1, 2].map(|writer| files.reading(writer, "x", both));
        let [of_x, of_y, of_z] = judged(&written, &readings).try_into().unwrap();
        assert_eq!(of_x, [vec![], Vec::<String>::new()]);
        assert_eq!(of_y[0], ["b: it is not there; 2 of 3 agree on that"]);
        assert_eq!(of_z[0], ["c: it should not be there; 2 of 3 agree on that"]);
    }

    #[test]
    fn a_file_that_is_damaged_empty_or_not_there_never_passes() {
        let files = Files::new();
        let good: Arrays<'_> = &[("a", &[1])];
        let written = [files.cell("x", good, good)];
        let mut readings: Vec<Reading> =
            ["y", "z", "u", "v"].iter().map(|name| files.reading(0, name, good)).collect();
        fs_err::write(&readings[0].results, "PK").unwrap();
        fs_err::remove_file(&readings[1].results).unwrap();
        fs_err::write(files.0.path().join("u-of-0.npz.error"), "it\nsays no\n").unwrap();
        readings[3].results = files.write("empty.npz", &[]);
        let said = judged(&written, &readings);
        assert!(said[0][1][0].starts_with("the whole file: "), "{said:?}");
        assert_eq!(said[1][1], ["the whole file: the reader said nothing of it"]);
        assert_eq!(said[2][1], ["the whole file: it says no"]);
        assert_eq!(said[3][1], ["the whole file: there is no array in it"]);
    }
}
