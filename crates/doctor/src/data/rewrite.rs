//! Pickles written anew: for numpy 1, or as npz files. Nothing of them is run, and what is written is
//! looked into before and after it is.

use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use artifacts::{
    DataFacts, DataFaultKind, DataFormat, DataOptions, LeftOut, RepairOptions, Rewrite, Source,
};
use host::{Host, NewFile};
use numpy_rules::Renamed;
use pep440_rs::Version;

use super::findings::dotted;
use super::{Opened, extension, versions};

/// Bytes that are held in memory without their compression.
const INFLATED_LIMIT: u64 = 1 << 30;

/// Instructions that are followed.
const INSTRUCTIONS: u64 = 1 << 26;

/// Where the result goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Beside the file, under a name made of its own.
    Beside,
    /// To this file.
    File(PathBuf),
    /// In its place, with the old one kept beside it.
    InPlace,
}

/// What to write.
#[derive(Debug, Clone)]
pub struct Request {
    /// Where.
    pub target: Target,
    /// The newest pickle protocol that the readers know: 4 or 5.
    pub protocol: u8,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The new file.
    pub path: PathBuf,
    /// Where the old one is kept, if the new one took its place.
    pub backup: Option<PathBuf>,
    /// What was changed, with how often.
    pub changes: Vec<(String, usize)>,
    /// The arrays of an npz file: name, type and shape.
    pub arrays: Vec<(String, String, Vec<usize>)>,
    /// What is not in it.
    pub left_out: Vec<LeftOut>,
}

/// What became of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was written anew.
    Written(Written),
    /// There is nothing to change in it.
    Nothing(String),
    /// It was not written anew, for this reason.
    Refused(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Written(written) => write!(f, "written to {}", written.path.display()),
            Self::Nothing(reason) | Self::Refused(reason) => f.write_str(reason),
        }
    }
}

/// Writes a pickle of numpy 2 for numpy 1.
#[must_use]
pub fn repair(host: &Host, path: &Path, request: &Request) -> Outcome {
    with_source(host, path, |source| repair_from(source, path, request))
}

/// Writes the arrays of a pickle into an npz file.
#[must_use]
pub fn to_npz(host: &Host, path: &Path, request: &Request) -> Outcome {
    with_source(host, path, |source| convert(source, path, request))
}

/// Does something with the bytes of a file, without their compression.
fn with_source(
    host: &Host,
    path: &Path,
    work: impl FnOnce(&dyn Source) -> Result<Outcome, String>,
) -> Outcome {
    let file = match host.open(path) {
        Ok(file) => file,
        Err(error) => return Outcome::Refused(error.to_string()),
    };
    let opened = Opened(&file);
    let done = match artifacts::inflated(&opened, INFLATED_LIMIT) {
        None => work(&opened),
        Some(Ok(data)) => work(&data.as_slice()),
        // Two bytes can look like those of zlib: then it is looked at as it is.
        Some(Err(_)) if artifacts::starts_as_pickle(&start(&opened)) => work(&opened),
        Some(Err(reason)) => Err(reason),
    };
    done.unwrap_or_else(Outcome::Refused)
}

fn start(source: &dyn Source) -> [u8; 2] {
    let mut start = [0; 2];
    // A file of one byte is no pickle either.
    let _ = source.read_exact_at(&mut start, 0);
    start
}

fn options(extension: &str) -> DataOptions<'_> {
    DataOptions { instructions: INSTRUCTIONS, ..DataOptions::thorough(extension, false) }
}

/// Looks into what is to be rewritten, and refuses what nobody should touch.
fn looked_into(source: &dyn Source, extension: &str) -> Result<DataFacts, String> {
    let facts = artifacts::inspect_data(source, &options(extension));
    let dangerous = facts.pickles().find_map(|(_, pickle)| pickle.dangerous().next());
    if let Some(name) = dangerous {
        return Err(format!(
            "it is dangerous: it calls or imports {} when it is loaded; it was left as it is",
            dotted(name)
        ));
    }
    let is_wrong = |kind| {
        matches!(kind, DataFaultKind::Damaged | DataFaultKind::Hostile | DataFaultKind::Unreadable)
    };
    match facts.faults.iter().find(|fault| is_wrong(fault.kind)) {
        Some(fault) => Err(fault.message.clone()),
        None => Ok(facts),
    }
}

fn repair_from(source: &dyn Source, path: &Path, request: &Request) -> Result<Outcome, String> {
    let extension = extension(path);
    let facts = looked_into(source, &extension)?;
    let start = match facts.format {
        DataFormat::Pickle | DataFormat::Joblib => 0,
        DataFormat::Npy => match facts.arrays.first().filter(|array| array.pickle.is_some()) {
            Some(array) => source.length().saturating_sub(array.nbytes),
            None => {
                let reason = "it is an array without a pickle, which every numpy can load";
                return Ok(Outcome::Nothing(reason.to_owned()));
            }
        },
        other => return Err(format!("it is {}, which is not rewritten", what(other))),
    };
    let rewrite = |module: &str, name: &str| {
        Some(match numpy_rules::name_in_numpy_1(module, name)? {
            Renamed::Name { module, name } => Rewrite::Name { module, name },
            Renamed::BitGenerator => Rewrite::BitGenerator,
            Renamed::Impossible(what) => Rewrite::Impossible(what.to_owned()),
        })
    };
    let options = RepairOptions {
        rewrite: &rewrite,
        protocol: request.protocol,
        start,
        instructions: INSTRUCTIONS,
    };
    let repaired = artifacts::repair(source, &options).map_err(|refusal| refusal.to_string())?;
    if repaired.changes.is_empty() {
        let reason = "it names nothing that only numpy 2 has";
        return Ok(Outcome::Nothing(reason.to_owned()));
    }
    verify(&repaired, &extension, &facts)?;
    let changes = repaired.changes.clone();
    let output = output(path, &request.target, "numpy1", None);
    let backup = write(path, &output, &request.target, |file| {
        repaired.write_to(file).map_err(|error| error.to_string())
    })?;
    Ok(Outcome::Written(Written {
        path: output,
        backup,
        changes,
        arrays: Vec::new(),
        left_out: Vec::new(),
    }))
}

fn what(format: DataFormat) -> &'static str {
    match format {
        DataFormat::Npz => "an npz archive",
        DataFormat::Torch => "a file of PyTorch",
        DataFormat::Zip => "a zip archive",
        DataFormat::Compressed => "compressed data",
        DataFormat::Empty => "empty",
        _ => "neither a pickle nor an array file",
    }
}

/// Whether what would be written is what it should be: whole, without a name that is not known of
/// numpy 1, and loaded by some numpy 1.
fn verify(repaired: &dyn Source, extension: &str, before: &DataFacts) -> Result<(), String> {
    let facts = looked_into(repaired, extension)?;
    let count = |facts: &DataFacts| -> u64 { facts.pickles().map(|(_, p)| p.pickles).sum() };
    if facts.format != before.format || count(&facts) != count(before) {
        return Err("what came of it is not what it was; nothing was written".to_owned());
    }
    let known = versions::unlisted(before);
    if let Some(name) = versions::unlisted(&facts).iter().find(|name| !known.contains(name)) {
        return Err(format!("it is not known whether numpy 1 has {name}"));
    }
    let two = Version::new([2, 0]);
    let segments = versions::segments(&facts);
    let mut last = None;
    for segment in &segments {
        if segment.since.as_ref().is_some_and(|since| *since >= two) {
            break;
        }
        last = segment.reading.failure();
        if last.is_none() {
            return Ok(());
        }
    }
    match last {
        Some(says) => Err(format!("no numpy 1 could load what comes of it: {says}")),
        None => Ok(()),
    }
}

fn convert(source: &dyn Source, path: &Path, request: &Request) -> Result<Outcome, String> {
    let extension = extension(path);
    let facts = looked_into(source, &extension)?;
    if matches!(facts.format, DataFormat::Npz | DataFormat::Npy) {
        let reason = format!(
            "it is {} already",
            if facts.format == DataFormat::Npz { "an npz file" } else { "an npy file" }
        );
        return Ok(Outcome::Nothing(reason));
    }
    let conversion =
        artifacts::conversion(source, INSTRUCTIONS).map_err(|error| error.to_string())?;
    let arrays = conversion
        .arrays()
        .map(|(name, dtype, shape)| (name.to_owned(), dtype, shape.to_vec()))
        .collect();
    let left_out = conversion.left_out.clone();
    let output = output(path, &request.target, "", Some("npz"));
    let backup = write(path, &output, &request.target, |file| {
        conversion.write_to(file).map(|_| ()).map_err(|error| error.to_string())
    })?;
    Ok(Outcome::Written(Written { path: output, backup, changes: Vec::new(), arrays, left_out }))
}

/// `data/model.pkl` becomes `data/model.numpy1.pkl` or `data/model.npz`; an end that says how it
/// was compressed is left out, since the result is not.
fn output(path: &Path, target: &Target, mark: &str, end: Option<&str>) -> PathBuf {
    match target {
        Target::File(output) => return output.clone(),
        Target::InPlace => return path.to_path_buf(),
        Target::Beside => {}
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = ["gz", "z", "zlib"]
        .iter()
        .find_map(|end| name.strip_suffix(end)?.strip_suffix('.'))
        .unwrap_or(&name);
    let (stem, own) = match name.rsplit_once('.') {
        Some((stem, own)) if !stem.is_empty() => (stem, own),
        _ => (name, "pkl"),
    };
    let end = end.unwrap_or(own);
    let dot = if mark.is_empty() { "" } else { "." };
    path.with_file_name(format!("{stem}{dot}{mark}.{end}"))
}

/// Writes a file beside its place and moves it there. Where the old one is kept, if it was one.
fn write(
    path: &Path,
    output: &Path,
    target: &Target,
    fill: impl FnOnce(&mut NewFile) -> Result<(), String>,
) -> Result<Option<PathBuf>, String> {
    let fail = |path: &Path| {
        let path = path.display().to_string();
        move |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                format!("{path} is there already; name another file with --output, or remove it")
            }
            _ => format!("cannot write {path}: {error}"),
        }
    };
    let mut file = NewFile::create(output).map_err(fail(output))?;
    fill(&mut file)?;
    file.flush().map_err(fail(output))?;
    if *target != Target::InPlace {
        file.commit(None, false).map_err(fail(output))?;
        return Ok(None);
    }
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".before");
    let backup = path.with_file_name(name);
    host::keep_beside(path, &backup).map_err(fail(&backup))?;
    file.commit(Some(path), true).map_err(fail(output))?;
    Ok(Some(backup))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_has_a_name_of_its_own() {
        let beside = |path: &str, mark: &str, end: Option<&str>| {
            output(Path::new(path), &Target::Beside, mark, end).display().to_string()
        };
        assert_eq!(beside("d/model.pkl", "numpy1", None), "d/model.numpy1.pkl");
        assert_eq!(beside("d/model.pkl.gz", "numpy1", None), "d/model.numpy1.pkl");
        assert_eq!(beside("d/model", "numpy1", None), "d/model.numpy1.pkl");
        assert_eq!(beside("d/.hidden", "numpy1", None), "d/.hidden.numpy1.pkl");
        assert_eq!(beside("a.joblib", "", Some("npz")), "a.npz");
    }
}
