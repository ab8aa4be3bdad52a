//! A scan for a program. `docs/scan.schema.json` describes the layout.

use doctor::DataCall;
use doctor::data::{
    ArrayFacts, Compression, DataFacts, DataFault, DataFormat, MemberPickle, Module, PickleFacts,
    Safe, Scan, ScanOptions, ScannedFile, Special,
};
use host::Host;
use numpy_rules::Reading;
use report::render::json::{FindingWithLines, escape_hidden, with_lines};
use serde::Serialize;

use crate::failure::Failure;
use crate::output;

/// Version of the JSON layout; raised with every change that a reader could notice.
const SCAN_SCHEMA: &str = "truewheel-scan/2";

pub(super) fn render(scan: &Scan, options: &ScanOptions, host: &Host) -> Result<String, Failure> {
    let native = |path: &host::HostPath| path.native(host.os);
    let document = Document {
        schema: SCAN_SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        verified: options.verify,
        readers: options
            .readers
            .iter()
            .map(|reader| Reader {
                prefix: native(&reader.prefix),
                python: reader.python.as_ref().map(ToString::to_string),
                numpy: Some(reader.numpy.to_string()),
            })
            .collect(),
        pythons: options
            .pythons
            .iter()
            .map(|python| Reader {
                prefix: native(&python.prefix),
                python: python.version.as_ref().map(ToString::to_string),
                numpy: python.numpy.as_ref().map(ToString::to_string),
            })
            .collect(),
        files: scan.files.iter().map(|file| File::new(file, host)).collect(),
        unreadable: &scan.unreadable,
        left_out: scan.left_out,
        truncated: scan.truncated,
    };
    Ok(escape_hidden(&output::json(&document)?))
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    version: &'static str,
    verified: bool,
    readers: Vec<Reader>,
    pythons: Vec<Reader>,
    files: Vec<File<'a>>,
    unreadable: &'a [String],
    left_out: usize,
    truncated: bool,
}

#[derive(Serialize)]
struct Reader {
    prefix: String,
    python: Option<String>,
    numpy: Option<String>,
}

#[derive(Serialize)]
struct File<'a> {
    path: String,
    format: Option<DataFormat>,
    size: Option<u64>,
    /// Whether everything that is asked of such a file could be told.
    judged: bool,
    safety: Safe,
    compression: Option<Compression>,
    untold: &'a [String],
    numpys: Vec<Numpys>,
    /// In the order of the readers.
    here: Vec<Outcome>,
    unlisted: &'a [String],
    arrays: &'a [ArrayFacts],
    pickle: Option<&'a PickleFacts>,
    modules: Vec<&'a Module>,
    wheel: Option<WheelOutcome<'a>>,
    calls: &'a [DataCall],
    members: &'a [MemberPickle],
    more_members: usize,
    faults: &'a [DataFault],
    findings: Vec<FindingWithLines<'a>>,
}

impl<'a> File<'a> {
    fn new(file: &'a ScannedFile, host: &Host) -> Self {
        let facts: Option<&DataFacts> = file.facts.as_ref().ok();
        let numpys = file.numpys.iter().map(|segment| Numpys {
            since: segment.since.as_ref().map(ToString::to_string),
            before: segment.before.as_ref().map(ToString::to_string),
            outcome: Outcome::new(&segment.reading),
        });
        let os = host.os.name();
        Self {
            path: file.path.native(host.os),
            format: facts.map(|facts| facts.format),
            size: facts.map(|facts| facts.size),
            judged: file.untold.is_empty(),
            safety: file.safety,
            compression: facts.and_then(|facts| facts.compression),
            untold: &file.untold,
            numpys: numpys.collect(),
            here: file.here.iter().map(Outcome::new).collect(),
            unlisted: &file.unlisted,
            arrays: facts.map_or(&[], |facts| facts.arrays.as_slice()),
            pickle: facts.and_then(|facts| facts.pickle.as_ref()),
            modules: match &file.special {
                Some(Special::Module(module)) => vec![module],
                Some(Special::Wheel { modules, .. }) => modules.iter().collect(),
                _ => Vec::new(),
            },
            wheel: match &file.special {
                Some(Special::Wheel { tags, here, .. }) => Some(WheelOutcome { tags, here }),
                _ => None,
            },
            calls: match &file.special {
                Some(Special::Source(calls)) => calls,
                _ => &[],
            },
            members: facts.map_or(&[], |facts| facts.members.as_slice()),
            more_members: facts.map_or(0, |facts| facts.more_members),
            faults: facts.map_or(&[], |facts| facts.faults.as_slice()),
            findings: file.findings.iter().map(|finding| with_lines(finding, os)).collect(),
        }
    }
}

#[derive(Serialize)]
struct WheelOutcome<'a> {
    tags: &'a [String],
    /// In the order of the Pythons.
    here: &'a [Option<String>],
}

#[derive(Serialize)]
struct Numpys {
    since: Option<String>,
    before: Option<String>,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Serialize)]
struct Outcome {
    outcome: &'static str,
    says: Option<String>,
}

impl Outcome {
    fn new(reading: &Reading) -> Self {
        let (outcome, says) = match reading {
            Reading::Loads => ("loads", None),
            Reading::Warns(says) => ("warns", Some(says.clone().into_owned())),
            Reading::Alters(says) => ("alters", Some(says.clone().into_owned())),
            Reading::Fails(says) => ("fails", Some(says.clone().into_owned())),
        };
        Self { outcome, says }
    }
}
