//! Work that is not lost when a run is killed: finished parts beside the destination, and what is
//! known of them.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{bad, io};
use crate::error::Result;
use crate::kernel::Sums;
use crate::quality::LayerQuality;

/// The format of the journal.
const VERSION: u32 = 1;

/// What a run must have in common with the one before it to go on with its work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Opening {
    version: u32,
    library: String,
    pub(super) source: Vec<String>,
    pub(super) settings: String,
}

impl Opening {
    pub(super) fn new(source: Vec<String>, settings: String) -> Opening {
        Opening { version: VERSION, library: crate::VERSION.to_owned(), source, settings }
    }
}

/// A row of the result: everything but its numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) layer: String,
    pub(super) shape: Vec<i64>,
    pub(super) row_start: i64,
    pub(super) row_count: i64,
    pub(super) dtype: String,
    pub(super) scheme: String,
    pub(super) bit_width: u8,
    pub(super) group_size: i32,
    pub(super) scale_dtype: String,
    /// Bytes of codes.
    pub(super) codes: u64,
    /// How many scales and zero points.
    pub(super) scales: u64,
    pub(super) zeros: u64,
}

/// What was known of a layer after a part; numbers as their bits, since JSON has no infinity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LayerState {
    layer: String,
    elements: u64,
    bits: u64,
    sums: [u64; 4],
}

impl From<&LayerQuality> for LayerState {
    fn from(quality: &LayerQuality) -> Self {
        let Sums { signal, returned, error, worst } = quality.sums;
        LayerState {
            layer: quality.layer_name.clone(),
            elements: quality.elements,
            bits: quality.bits,
            sums: [signal, returned, error, worst].map(f64::to_bits),
        }
    }
}

impl From<&LayerState> for LayerQuality {
    fn from(state: &LayerState) -> Self {
        let [signal, returned, error, worst] = state.sums.map(f64::from_bits);
        LayerQuality {
            layer_name: state.layer.clone(),
            elements: state.elements,
            bits: state.bits,
            sums: Sums { signal, returned, error, worst },
        }
    }
}

/// A finished part of the work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Segment {
    /// Batches of the source that are in it.
    pub(super) batches: usize,
    /// Bytes of the source that they are.
    pub(super) input_bytes: u64,
    /// The size of its file.
    pub(super) file_bytes: u64,
    /// What is known of its layers after it.
    pub(super) layers: Vec<LayerState>,
    /// Its rows.
    pub(super) rows: Vec<Row>,
}

/// The directory beside the destination.
#[derive(Debug)]
pub(super) struct Journal {
    directory: PathBuf,
    file: File,
    /// Held as long as the run works there.
    _lock: File,
    pub(super) segments: Vec<Segment>,
    /// Why the work of a run before is not used.
    pub(super) started_over: Option<String>,
}

impl Journal {
    /// The directory of a destination, made if it is not there, with the work of a run before if that
    /// was the same and `resume` says so.
    pub(super) fn open(destination: &Path, opening: &Opening, resume: bool) -> Result<Journal> {
        let mut name = destination.file_name().unwrap_or_default().to_owned();
        name.push(".partial");
        let directory = destination.with_file_name(name);
        if is_foreign(&directory) {
            let reason =
                "it is where unfinished work is kept, and holds something else: move it away";
            return Err(bad(&directory, reason));
        }
        fs::create_dir_all(&directory).map_err(io(&directory))?;
        let lock_path = directory.join("lock");
        let lock = File::create(&lock_path).map_err(io(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(bad(destination, "another run is writing it: wait until it is done"));
            }
            Err(TryLockError::Error(error)) => return Err(io(&lock_path)(error)),
        }
        let path = directory.join("journal.jsonl");
        let found = match resume {
            true => read(&directory, &path, opening),
            false => Err(None),
        };
        let (segments, started_over) = match found {
            Ok(segments) => (segments, None),
            Err(reason) => (Vec::new(), reason),
        };
        if segments.is_empty() {
            clear(&directory)?;
        }
        // What came after the last whole line was not finished.
        let mut text = line(opening);
        segments.iter().for_each(|segment| text.push_str(&line(segment)));
        // Beside and renamed, so that a kill does not lose what was there.
        let whole = directory.join("journal.new");
        fs::write(&whole, text).map_err(io(&whole))?;
        fs::rename(&whole, &path).map_err(io(&path))?;
        let file = OpenOptions::new().append(true).open(&path).map_err(io(&path))?;
        file.sync_all().map_err(io(&path))?;
        Ok(Journal { directory, file, _lock: lock, segments, started_over })
    }

    pub(super) fn segment_path(&self, number: usize) -> PathBuf {
        segment_path(&self.directory, number)
    }

    /// Where the result is put together.
    pub(super) fn result_path(&self) -> PathBuf {
        self.directory.join("result")
    }

    /// Notes that a segment, whose file is on the disk, is finished.
    pub(super) fn add(&mut self, segment: Segment) -> Result<()> {
        let path = self.directory.join("journal.jsonl");
        self.file.write_all(line(&segment).as_bytes()).map_err(io(&path))?;
        self.file.sync_data().map_err(io(&path))?;
        self.segments.push(segment);
        Ok(())
    }

    /// Moves the result to its place, and removes everything else.
    pub(super) fn finish(self, destination: &Path) -> Result<()> {
        let result = self.result_path();
        let file = File::open(&result).map_err(io(&result))?;
        file.sync_all().map_err(io(&result))?;
        fs::rename(&result, destination).map_err(io(destination))?;
        // The new name itself is in the directory; not every file system lets one be synced.
        #[cfg(unix)]
        if let Ok(directory) = File::open(parent(destination)) {
            let _ = directory.sync_all();
        }
        self.remove()
    }

    /// Removes the directory; the journal last, so that what a kill leaves is known for what it is.
    pub(super) fn remove(self) -> Result<()> {
        for number in 0..self.segments.len() + 1 {
            let _ = fs::remove_file(self.segment_path(number));
        }
        let _ = fs::remove_file(self.result_path());
        fs::remove_dir_all(&self.directory).map_err(io(&self.directory))
    }
}

/// Whether something is there that no run has left.
fn is_foreign(directory: &Path) -> bool {
    let Ok(entries) = fs::read_dir(directory) else { return directory.exists() };
    let mut names = entries.flatten().map(|entry| entry.file_name());
    !directory.join("journal.jsonl").is_file() && names.any(|name| name != "lock")
}

pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn segment_path(directory: &Path, number: usize) -> PathBuf {
    directory.join(format!("{number:06}.arrow"))
}

fn line(value: &impl Serialize) -> String {
    let mut line = serde_json::to_string(value).unwrap_or_default();
    line.push('\n');
    line
}

/// The segments of a run before, or why they cannot be used; no reason if there are none.
fn read(
    directory: &Path,
    path: &Path,
    opening: &Opening,
) -> std::result::Result<Vec<Segment>, Option<String>> {
    let file = File::open(path).map_err(|_| None)?;
    let mut lines = BufReader::new(file).lines();
    let first = lines.next().and_then(std::result::Result::ok).ok_or(None)?;
    let before: Opening = serde_json::from_str(&first)
        .map_err(|_| Some("the journal of the run before is not understood".to_owned()))?;
    if before.version != opening.version || before.library != opening.library {
        return Err(Some(format!("the run before was of version {}", before.library)));
    }
    if before.source != opening.source {
        return Err(Some("the source has changed since the run before".to_owned()));
    }
    if before.settings != opening.settings {
        return Err(Some("the run before had other options".to_owned()));
    }
    let mut segments = Vec::new();
    for line in lines.map_while(std::result::Result::ok) {
        let Ok(segment) = serde_json::from_str::<Segment>(&line) else { break };
        let size = fs::metadata(segment_path(directory, segments.len())).map(|it| it.len());
        if size.ok() != Some(segment.file_bytes) {
            break;
        }
        segments.push(segment);
    }
    Ok(segments)
}

/// Removes what a run before left, but not the lock.
fn clear(directory: &Path) -> Result<()> {
    for entry in fs::read_dir(directory).map_err(io(directory))? {
        let path = entry.map_err(io(directory))?.path();
        if path.file_name().is_some_and(|name| name != "lock") {
            fs::remove_file(&path).map_err(io(&path))?;
        }
    }
    Ok(())
}
