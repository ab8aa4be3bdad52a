//! Data files: which there are, what they hold, and who can load them.
//!
//! [`scan`] looks at files that somebody names. The check DAT001 judges those of the project by the
//! same rules ([`reading`]).

mod findings;
mod readers;
mod reading;
mod rewrite;
mod special;
mod versions;
mod walk;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

pub use artifacts::{
    ArrayFacts, Compression, DataFacts, DataFault, DataFormat, MemberPickle, PickleFacts,
    PickleName,
};
use artifacts::{DataOptions, Source};
use host::{Host, HostPath, OpenFile};
use pep440_rs::Version;
use report::Finding;
use serde::Serialize;

pub use readers::pythons_and_readers;
pub(crate) use reading::pickle_reading;
pub use reading::reading;
pub use rewrite::{Outcome, Request, Target, Written, repair, to_npz};
pub use special::{Module, Python, Special};
pub use versions::Segment;
pub(crate) use walk::EXTENSIONS;

/// A Python on this machine that has numpy.
#[derive(Debug, Clone, PartialEq)]
pub struct Reader {
    /// Its prefix.
    pub prefix: HostPath,
    /// Its Python.
    pub python: Option<Version>,
    /// Its numpy.
    pub numpy: Version,
}

/// What to scan.
#[derive(Debug, Clone, Default)]
pub struct ScanOptions {
    /// Files, and directories to be walked; absolute.
    pub paths: Vec<PathBuf>,
    /// Compare checksums, which reads all of the data.
    pub verify: bool,
    /// Pythons with numpy, to judge data for.
    pub readers: Vec<Reader>,
    /// Every Python, to judge modules and wheels for.
    pub pythons: Vec<Python>,
    /// Look at the first bytes of every file, whatever its name.
    pub all_files: bool,
}

/// How far a scan has come, for whoever watches it.
#[derive(Debug, Default)]
pub struct Progress {
    found: AtomicUsize,
    done: AtomicUsize,
}

impl Progress {
    /// Files looked into, and files found.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        (self.done.load(Ordering::Relaxed), self.found.load(Ordering::Relaxed))
    }
}

/// One data file, looked into and judged.
#[derive(Debug, Clone, PartialEq)]
pub struct ScannedFile {
    /// The file.
    pub path: HostPath,
    /// What it says about itself, or why it could not be read.
    pub facts: Result<DataFacts, String>,
    /// What it is besides data.
    pub special: Option<Special>,
    /// Which numpys can load it, oldest first; empty where that could not be judged.
    pub numpys: Vec<Segment>,
    /// What each of the [`ScanOptions::readers`] makes of it; empty where that could not be judged.
    pub here: Vec<numpy_rules::Reading>,
    /// Names in numpy's modules that the rules do not know: whoever has the modules may lack them.
    pub unlisted: Vec<String>,
    /// Why what is said of it may not be all; such a file is never clean.
    pub untold: Vec<String>,
    /// What loading it would run.
    pub safety: Safe,
    /// What is wrong with it, worst first.
    pub findings: Vec<Finding>,
}

/// What loading a file would run. Only [`Safe::Data`] is clean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Safe {
    /// Nothing but constructors of data.
    Data,
    /// That could not be told.
    Unknown,
    /// Something that runs code, or does harm otherwise.
    Dangerous,
}

/// What a scan found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scan {
    /// Every data file, in order of path.
    pub files: Vec<ScannedFile>,
    /// Directories that could not be listed, with the reason.
    pub unreadable: Vec<String>,
    /// Environments and caches that were left out.
    pub left_out: usize,
    /// Whether there were more files than are looked at.
    pub truncated: bool,
}

/// Looks into data files, in parallel.
#[must_use]
pub fn scan(host: &Host, options: &ScanOptions, progress: &Progress) -> Scan {
    let found = walk::walk(host, &options.paths, options.all_files, &progress.found);
    let files = host::in_parallel(found.files, |candidate| {
        let file = consider(host, &candidate, options);
        progress.done.fetch_add(1, Ordering::Relaxed);
        file
    });
    Scan {
        files: files.into_iter().flatten().collect(),
        unreadable: found.unreadable,
        left_out: found.left_out,
        truncated: found.truncated,
    }
}

/// Looks into a file that was found. One whose name does not say what it is counts only if its
/// contents do.
fn consider(
    host: &Host,
    candidate: &walk::Candidate,
    options: &ScanOptions,
) -> Option<ScannedFile> {
    let path = &candidate.path;
    if candidate.is_certain {
        let file = look(host, path, options);
        let is_source = file.facts.as_ref().is_ok_and(|facts| facts.format == DataFormat::Source);
        // Of sources, those that do something with pickles are told.
        let is_told = !is_source || file.special.is_some() || options.paths.contains(path);
        return is_told.then_some(file);
    }
    if !options.all_files && !walk::begins_as_data(&host.read_start(path, 8).ok()?) {
        return None;
    }
    let file = look(host, path, options);
    let is_data = file.facts.as_ref().is_ok_and(|facts| {
        let is_in_archive = !facts.members.is_empty() || !facts.arrays.is_empty();
        facts.format.is_judged() || is_in_archive
    });
    is_data.then_some(file)
}

/// Looks into one file.
#[must_use]
pub fn look(host: &Host, path: &std::path::Path, options: &ScanOptions) -> ScannedFile {
    let extension = extension(path);
    let place = HostPath::new(path.to_path_buf());
    let subject = findings::subject_of(host, &place);
    let special = special::look(host, path, &extension, &options.pythons, &subject);
    let (facts, special) = match special {
        Some(Ok(looked)) => {
            (Some(Ok(looked.facts)), Some((looked.special, looked.untold, looked.findings)))
        }
        Some(Err(reason)) => (Some(Err(reason)), None),
        None => (None, None),
    };
    let facts = facts.unwrap_or_else(|| match host.open(path) {
        Ok(file) => {
            let data_options = DataOptions::thorough(&extension, options.verify);
            Ok(artifacts::inspect_data(&Opened(&file), &data_options))
        }
        Err(error) => Err(error.reason()),
    });
    let mut file = ScannedFile {
        path: place,
        facts,
        special: None,
        numpys: Vec::new(),
        here: Vec::new(),
        unlisted: Vec::new(),
        untold: Vec::new(),
        safety: Safe::Unknown,
        findings: Vec::new(),
    };
    file.untold = findings::untold(&file);
    let mut more = Vec::new();
    if let Some((special, untold, findings)) = special {
        file.special = special;
        file.untold.extend(untold);
        more = findings;
    }
    file.safety = findings::safety(&file);
    if let Ok(facts) = &file.facts {
        file.numpys = versions::segments(facts);
        file.unlisted = versions::unlisted(facts);
        if !file.numpys.is_empty() {
            file.here = options
                .readers
                .iter()
                .map(|reader| reading(facts, &reader.numpy, reader.python.as_ref()))
                .collect();
        }
    }
    file.findings = findings::of(&file, host, &options.readers);
    for finding in more {
        // Damage that both tell is told once.
        if !file.findings.iter().any(|f| f.code == finding.code && f.message == finding.message) {
            file.findings.push(finding);
        }
    }
    file.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    file
}

/// The end of a file's name, in lower case and without the dot.
pub(crate) fn extension(path: &std::path::Path) -> String {
    path.extension().map(|end| end.to_string_lossy().to_lowercase()).unwrap_or_default()
}

/// A file of the host, as a source of bytes.
pub(crate) struct Opened<'a>(pub(crate) &'a OpenFile);

impl Source for Opened<'_> {
    fn length(&self) -> u64 {
        self.0.length()
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }
}
