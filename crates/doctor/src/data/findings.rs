//! What is wrong with a data file, as findings.

use artifacts::{
    ArrayFacts, DataFacts, DataFaultKind, DataFormat, NameKind, PickleFacts, PickleName, Untold,
    classify,
};
use host::Host;
use numpy_rules::Reading;
use report::{Finding, Fix, Safety, Severity, Subject, SubjectKind};

use super::{Reader, Safe, ScannedFile};

/// Names that are shown as evidence; of more, their number.
const SHOWN: usize = 5;

/// Why what is said of a file may not be all.
pub(super) fn untold(file: &ScannedFile) -> Vec<String> {
    let facts = match &file.facts {
        Ok(facts) => facts,
        Err(reason) => return vec![format!("it could not be read: {reason}")],
    };
    let mut reasons: Vec<String> = Vec::new();
    match facts.format {
        DataFormat::Compressed => {
            let how = facts.compression.map_or("something", artifacts::Compression::name);
            reasons.push(if facts.compression.is_some_and(is_inflated) {
                format!("compressed with {how}, and what is in it is no data file that is known")
            } else {
                format!("compressed with {how}: not looked into")
            });
        }
        DataFormat::Zip if facts.faults.is_empty() => {
            reasons.push("a zip archive without arrays: only pickles in it were looked at".into());
        }
        DataFormat::Tar => reasons.push("a tar archive: not looked into".to_owned()),
        DataFormat::SevenZip => reasons.push("a 7z archive: not looked into".to_owned()),
        DataFormat::Unknown if facts.faults.is_empty() => {
            reasons.push("neither an array file nor a pickle".to_owned());
        }
        _ => {}
    }
    if facts.more_members > 0 && facts.format != DataFormat::Zip {
        reasons.push(format!("{} more members were not looked at", facts.more_members));
    }
    reasons.extend(unknown(facts));
    if facts.more_arrays > 0 {
        reasons.push(format!("{} more arrays were not looked at", facts.more_arrays));
    }
    for (_, pickle) in facts.pickles() {
        for untold in &pickle.untold {
            let reason = match untold {
                Untold::ComputedName => {
                    "a name that it imports is computed while it runs".to_owned()
                }
                Untold::RegisteredName => {
                    "a name that it imports is a number in the reader's registry".to_owned()
                }
                Untold::TooMuch => "it is larger than what is looked at".to_owned(),
                Untold::Inconsistent { at } => {
                    format!("its instructions contradict each other at byte {at}")
                }
                Untold::ChangesName => {
                    "it changes something that it imports, which then does something else"
                        .to_owned()
                }
                Untold::RawArrays => {
                    "the array data between its instructions cannot be measured".to_owned()
                }
                Untold::Unreadable { reason } => format!("a part could not be read: {reason}"),
            };
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
    }
    for fault in &facts.faults {
        if fault.kind == DataFaultKind::Unsupported || fault.kind == DataFaultKind::Unreadable {
            reasons.push(fault.message.clone());
        }
    }
    reasons
}

fn is_inflated(compression: artifacts::Compression) -> bool {
    matches!(compression, artifacts::Compression::Zlib | artifacts::Compression::Gzip)
}

/// Names of which it is not known what they do when they are called; and those that reach others,
/// which then are not named.
fn unknown(facts: &DataFacts) -> Vec<String> {
    let names_of = |kind: NameKind| {
        let mut names: Vec<String> = Vec::new();
        for name in facts.pickles().flat_map(|(_, pickle)| &pickle.names) {
            if classify(name) == kind && !names.contains(&dotted(name)) {
                names.push(dotted(name));
            }
        }
        let more = names.len().saturating_sub(SHOWN);
        let first = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
        match (names.len(), more) {
            (0, _) => None,
            (_, 0) => Some(first),
            (_, more) => Some(format!("{first} and {more} more")),
        }
    };
    let unknown = names_of(NameKind::Other)
        .map(|names| format!("it is not known what {names} would do, which it imports"));
    let indirect = names_of(NameKind::Indirect)
        .map(|names| format!("it uses {names}, which can reach what it does not name"));
    unknown.into_iter().chain(indirect).collect()
}

/// What loading a file would run, as far as it is known.
#[must_use]
pub(super) fn safety(file: &ScannedFile) -> Safe {
    let Ok(facts) = &file.facts else { return Safe::Unknown };
    if facts.pickles().any(|(_, pickle)| pickle.dangerous().next().is_some()) {
        return Safe::Dangerous;
    }
    let has = |kind: DataFaultKind| facts.faults.iter().any(|fault| fault.kind == kind);
    if has(DataFaultKind::Hostile) {
        return Safe::Dangerous;
    }
    // What is damaged was not read to its end, and other readers are less strict.
    let is_whole = !has(DataFaultKind::Damaged) && !has(DataFaultKind::Mislabelled);
    if is_whole && file.untold.is_empty() { Safe::Data } else { Safe::Unknown }
}

/// What is wrong with a file, worst first.
pub(super) fn of(file: &ScannedFile, host: &Host, readers: &[Reader]) -> Vec<Finding> {
    let Ok(facts) = &file.facts else { return Vec::new() };
    let subject = subject_of(host, &file.path);
    let mut findings = faults(facts, &subject);
    findings.extend(dangerous(facts, &subject));
    findings.extend(versions(file, facts, &subject, readers));
    findings.extend(objects(facts, &subject));
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

/// The file as what a finding is about: its path below the working directory, or whole.
pub(super) fn subject_of(host: &Host, path: &host::HostPath) -> Subject {
    let label = match path.strip_prefix(&host.working_directory) {
        Ok(rest) => host::HostPath::from(rest).native(host.os),
        Err(_) => path.native(host.os),
    };
    Subject::at(SubjectKind::File, label, path.native(host.os))
}

pub(super) fn named(code: &str, finding: Finding) -> Finding {
    let page = crate::page(code);
    Finding {
        code: code.to_owned(),
        name: page.map(|page| page.name.to_owned()).unwrap_or_default(),
        ..finding
    }
}

fn faults(facts: &DataFacts, subject: &Subject) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for fault in &facts.faults {
        let (code, cause, title, step) = match fault.kind {
            DataFaultKind::Hostile => (
                "DAT004",
                "The file contradicts itself in a way that harms careless readers",
                "do not load it",
                "fetch it again from its source and compare its hash",
            ),
            DataFaultKind::Damaged => (
                "DAT005",
                "The writer was killed, the disk was full, or a transfer was interrupted or altered \
                 it",
                "write or fetch the file again",
                "write to a temporary name and rename it when it is complete",
            ),
            DataFaultKind::Mislabelled => (
                "DAT005",
                "Something else was written under this name, or nothing at all; numpy takes it for \
                 pickled data and says so",
                "write or fetch the file again",
                "do not set allow_pickle=True, which numpy's message suggests: it cannot help here",
            ),
            DataFaultKind::Unsupported | DataFaultKind::Unreadable => continue,
        };
        if let Some(same) = findings.iter_mut().find(|finding| finding.code == code) {
            same.evidence.push(report::Evidence { path: None, value: fault.message.clone() });
            continue;
        }
        let finding = Finding::new(Severity::Error, subject.clone(), fault.message.clone())
            .seen(format!("{} bytes", facts.size))
            .cause(cause)
            .fix(Fix::new(Safety::Manual, title).by_hand(step));
        findings.push(named(code, finding));
    }
    findings
}

pub(super) fn dotted(name: &PickleName) -> String {
    format!("{}.{}", name.module, name.name)
}

/// The array or the member that holds a pickle, for a reader.
fn place(facts: &DataFacts, name: Option<&str>) -> String {
    match name {
        Some(name) if facts.members.iter().any(|member| member.name == name) => {
            format!("the member {name:?}")
        }
        Some(name) => format!("the array {name:?}"),
        None => "the pickle".to_owned(),
    }
}

fn dangerous(facts: &DataFacts, subject: &Subject) -> Vec<Finding> {
    let names_of = |pickle: &PickleFacts, kind: NameKind| -> Vec<String> {
        pickle.names.iter().filter(|name| classify(name) == kind).map(dotted).collect()
    };
    let mut findings = Vec::new();
    for (name, pickle) in facts.pickles() {
        let place = place(facts, name);
        let names = names_of(pickle, NameKind::Dangerous);
        let indirect = names_of(pickle, NameKind::Indirect);
        let is_hidden = pickle.untold.iter().any(|untold| {
            matches!(
                untold,
                Untold::ComputedName
                    | Untold::RegisteredName
                    | Untold::ChangesName
                    | Untold::Inconsistent { .. }
            )
        });
        let (severity, message, shown) = if !names.is_empty() {
            let first = names[0].clone();
            (Severity::Error, format!("{place} calls or imports {first} when it is loaded"), names)
        } else if is_hidden {
            let message = format!("{place} hides what it imports");
            (Severity::Warning, message, Vec::new())
        } else if !indirect.is_empty() {
            let first = indirect[0].clone();
            let message = format!("{place} uses {first}, which can reach whatever else it names");
            (Severity::Warning, message, indirect)
        } else {
            continue;
        };
        let mut finding = Finding::new(severity, subject.clone(), message)
            .cause(
                "A pickle is a program that runs when it is loaded, with the rights of its reader",
            )
            .fix(Fix::new(Safety::Manual, "do not load it unless its author is trusted").by_hand(
                "ask for the data as .npz without pickling, Parquet, Arrow or safetensors",
            ));
        for name in shown.iter().take(SHOWN) {
            finding = finding.seen(format!("imports {name}"));
        }
        if shown.len() > SHOWN {
            finding = finding.seen(format!("and {} more", shown.len() - SHOWN));
        }
        if is_hidden {
            finding = finding.seen("some names are computed or do not fit: they cannot be told");
        }
        findings.push(named("DAT003", finding));
    }
    findings
}

/// Numpys that cannot load it, and what that means here.
fn versions(
    file: &ScannedFile,
    facts: &DataFacts,
    subject: &Subject,
    readers: &[Reader],
) -> Option<Finding> {
    let refused: Vec<_> =
        file.numpys.iter().filter(|segment| segment.reading.failure().is_some()).collect();
    let first = refused.first()?;
    let failing: Vec<(&Reader, &str)> = readers
        .iter()
        .zip(&file.here)
        .filter_map(|(reader, reading)| Some((reader, reading.failure()?)))
        .collect();
    let loads_nowhere = refused.len() == file.numpys.len();
    let severity = if loads_nowhere || (!failing.is_empty() && failing.len() == readers.len()) {
        Severity::Error
    } else if failing.is_empty() {
        Severity::Info
    } else {
        Severity::Warning
    };
    let message = match failing.first() {
        Some((reader, says)) => {
            format!("numpy {} at {} cannot load it: {says}", reader.numpy, reader.prefix)
        }
        None => format!(
            "{} cannot load it: {}",
            first.name(),
            first.reading.failure().unwrap_or_default()
        ),
    };
    let is_pickled = facts.pickles().next().is_some();
    let has_new_strings = facts
        .pickles()
        .any(|(_, pickle)| pickle.names.iter().any(|n| n.name == "_convert_to_stringdtype_kwargs"));
    let (code, cause) = if has_new_strings {
        ("DAT006", "It holds text of numpy 2's StringDType, which no older numpy can make")
    } else if is_pickled {
        ("DAT001", "A pickle names the modules that rebuild its objects, and numpy 2 renamed them")
    } else {
        ("DAT006", "Its header says something that these numpys do not accept")
    };
    let mut finding = Finding::new(severity, subject.clone(), message).cause(cause);
    for segment in &file.numpys {
        let says = match &segment.reading {
            Reading::Loads => "load it".to_owned(),
            Reading::Warns(says) => format!("load it with a {says}"),
            Reading::Alters(what) => format!("load it as something else: {what}"),
            Reading::Fails(says) => format!("cannot load it: {says}"),
        };
        finding = finding.seen(format!("{}: {says}", segment.name()));
    }
    for (reader, says) in failing.iter().take(SHOWN) {
        finding = finding.seen_at(&reader.prefix, format!("numpy {}: {says}", reader.numpy));
    }
    let fix = if loads_nowhere {
        Fix::new(Safety::Manual, "write the file again")
            .by_hand("write it with `np.save` or `np.savez`, from arrays of numpy's own types")
    } else {
        let loading = file.numpys.iter().find(|segment| segment.reading.failure().is_none());
        let who = loading.map_or_else(|| "another numpy".to_owned(), super::Segment::name);
        Fix::new(Safety::Manual, format!("load it with {who}, and save it as .npz"))
            .by_hand("`np.savez(\"data.npz\", x=x)`: every numpy loads it with allow_pickle=False")
    };
    let is_renamed = facts.pickles().flat_map(|(_, pickle)| &pickle.names).any(|name| {
        matches!(
            numpy_rules::name_in_numpy_1(&name.module, &name.name),
            Some(numpy_rules::Renamed::Name { .. })
        )
    });
    let is_rewritten =
        matches!(facts.format, DataFormat::Pickle | DataFormat::Joblib | DataFormat::Npy);
    if code == "DAT001" && is_renamed && is_rewritten && !has_new_strings {
        let path = file.path.display();
        let again = Fix::new(
            Safety::Manual,
            format!("write it anew for numpy 1, without running it: scan --repair {path}"),
        )
        .run(["truewheel", "scan", "--repair", &path.to_string()]);
        return Some(named(code, finding.fix(again).fix(fix)));
    }
    Some(named(code, finding.fix(fix)))
}

/// Arrays of Python objects, which numpy refuses unless it is told that it may unpickle.
fn objects(facts: &DataFacts, subject: &Subject) -> Option<Finding> {
    let arrays: Vec<&ArrayFacts> =
        facts.arrays.iter().filter(|array| array.pickle.is_some()).collect();
    let first = arrays.first()?;
    let what = match &first.name {
        Some(name) => format!("the array {name:?} holds"),
        None => "the array holds".to_owned(),
    };
    let mut finding = Finding::new(
        Severity::Info,
        subject.clone(),
        format!("{what} Python objects, which numpy loads only with allow_pickle=True"),
    )
    .cause("Objects are stored as a pickle, which can run anything when it is loaded")
    .fix(Fix::new(Safety::Manual, "store typed arrays").by_hand(
        "lists of unequal length as one flat array with offsets, text as dtype='U...', dictionaries \
         as several arrays of one .npz",
    ));
    for array in arrays.iter().take(SHOWN) {
        let name = array.name.as_deref().unwrap_or("the array");
        finding = finding.seen(format!("{name}: dtype {}, shape {:?}", array.dtype, array.shape));
    }
    Some(named("DAT002", finding))
}
