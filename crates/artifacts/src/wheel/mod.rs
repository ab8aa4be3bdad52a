//! Wheels: what the archive, its file name and its own texts say. Nothing is unpacked or run.

mod error;
mod inflate;
mod name;
#[cfg(test)]
mod tests;
mod text;
mod zip;

use std::ops::Range;

pub use error::WheelError;
pub use name::{WheelName, normalized};
pub use text::{EntryPoint, Headers, RecordRow};
pub use zip::Entry;

/// A wheel of any length may unpack to this much.
const ALWAYS_BELIEVED: u64 = 256 << 20;
/// How much more than its own length a wheel may unpack to.
const BELIEVED_RATIO: u64 = 100;
/// The most that one of the wheel's own texts may have; the largest `RECORD` known has 4 MB.
const TEXT_LIMIT: u64 = 64 << 20;

/// A wheel: its bytes, and what its headers say.
#[derive(Debug, Clone)]
pub struct Wheel {
    bytes: Vec<u8>,
    /// Its file name, without directories.
    pub file_name: String,
    /// The parts of the file name, or why it has none.
    pub name: Result<WheelName, WheelError>,
    /// Files and directories, in the order of the archive's directory.
    pub entries: Vec<Entry>,
    /// Comment of the archive.
    pub comment: Vec<u8>,
    /// Places whose bytes belong to no entry.
    pub stray: Vec<Range<usize>>,
}

impl Wheel {
    /// Reads the headers of a wheel. `file_name` is without directories; `bytes` is the whole file.
    ///
    /// # Errors
    /// When the archive is damaged, hostile, or uses what wheels do not use.
    pub fn open(file_name: &str, bytes: Vec<u8>) -> Result<Self, WheelError> {
        let archive = zip::read(&bytes)?;
        let total = archive.entries.iter().fold(0_u64, |sum, entry| sum.saturating_add(entry.size));
        let allowed = ALWAYS_BELIEVED.max((bytes.len() as u64).saturating_mul(BELIEVED_RATIO));
        if total > allowed {
            return Err(WheelError::Bomb { entry: None, size: total, allowed });
        }
        Ok(Self {
            bytes,
            file_name: file_name.to_owned(),
            name: WheelName::parse(file_name),
            entries: archive.entries,
            comment: archive.comment,
            stray: archive.stray,
        })
    }

    /// The whole file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The entry of this name.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// The data of an entry as they lie in the archive.
    #[must_use]
    pub fn stored(&self, entry: &Entry) -> &[u8] {
        self.bytes.get(entry.data.clone()).unwrap_or_default()
    }

    /// The data of an entry, checked against its size and checksum.
    ///
    /// # Errors
    /// When they are not what is said of them, or compressed in an unknown way.
    pub fn read(&self, entry: &Entry) -> Result<Vec<u8>, WheelError> {
        inflate::read(&self.bytes, entry)
    }

    /// The directory with the wheel's own texts: `arrow_quant_v2-0.1.0.dist-info`.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub fn dist_info(&self) -> Result<&str, WheelError> {
        let mut found: Option<&str> = None;
        for entry in &self.entries {
            let Some((top, _)) = entry.name.split_once('/') else { continue };
            if !top.ends_with(".dist-info") || found == Some(top) {
                continue;
            }
            if let Some(other) = found {
                let reason = format!("both {other} and {top} are in it");
                return Err(WheelError::BadZip { reason });
            }
            found = Some(top);
        }
        found.ok_or_else(|| WheelError::Missing { name: "*.dist-info directory".to_owned() })
    }

    /// `METADATA`.
    ///
    /// # Errors
    /// When it is missing or not written as it should be.
    pub fn metadata(&self) -> Result<Headers, WheelError> {
        let (name, bytes) = self.own_text("METADATA")?;
        Headers::parse(&name, &bytes)
    }

    /// `WHEEL`.
    ///
    /// # Errors
    /// When it is missing or not written as it should be.
    pub fn wheel_file(&self) -> Result<Headers, WheelError> {
        let (name, bytes) = self.own_text("WHEEL")?;
        Headers::parse(&name, &bytes)
    }

    /// `RECORD`.
    ///
    /// # Errors
    /// When it is missing or not written as it should be.
    pub fn record(&self) -> Result<Vec<RecordRow>, WheelError> {
        let (name, bytes) = self.own_text("RECORD")?;
        text::record(&name, &bytes)
    }

    /// `entry_points.txt`, nothing if there is none.
    ///
    /// # Errors
    /// When it is not written as it should be.
    pub fn entry_points(&self) -> Result<Vec<EntryPoint>, WheelError> {
        match self.own_text("entry_points.txt") {
            Ok((name, bytes)) => text::entry_points(&name, &bytes),
            Err(WheelError::Missing { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// A text in the `.dist-info` directory, with its full name.
    fn own_text(&self, file: &str) -> Result<(String, Vec<u8>), WheelError> {
        let name = format!("{}/{file}", self.dist_info()?);
        let Some(entry) = self.entry(&name) else { return Err(WheelError::Missing { name }) };
        if entry.size > TEXT_LIMIT {
            let (size, allowed) = (entry.size, TEXT_LIMIT);
            return Err(WheelError::Bomb { entry: Some(name), size, allowed });
        }
        Ok((name, self.read(entry)?))
    }
}
