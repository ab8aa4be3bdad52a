//! What a log of a failed build, installation or import speaks of, and what of it is true here.
//!
//! [`LogReader`] reads a log of any length piece by piece and keeps only lines that speak of faults;
//! [`LogReader::finish`] ranks the codes by what the text says alone. [`judge`] then holds each
//! against the facts of a machine. What faults write is data: the files in `signatures/`.
//!
//! ```
//! let mut reader = doctor::log::LogReader::new();
//! reader.push(b"error: could not compile `a`: No space left on device (os error 28)\n");
//! let reading = reader.finish();
//! assert_eq!(reading.matches[0].code, "FS009");
//! ```

mod automaton;
mod find;
mod judge;
mod line;
mod paths;
mod reader;
mod table;

use serde::Serialize;

pub use judge::{Judged, Place, Verdict, answer, judge};
pub use reader::LogReader;

/// How surely a text speaks of a fault, before any fact is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Several faults write this; only facts can tell them apart.
    Possible,
    /// This fault writes it, and seldom another one does.
    Likely,
    /// Nothing but this fault writes it.
    Certain,
}

impl Confidence {
    /// From a score in hundredths: from 80 on it is certain, from 50 on likely.
    fn of(score: u8) -> Self {
        match score {
            80.. => Self::Certain,
            50.. => Self::Likely,
            _ => Self::Possible,
        }
    }

    /// `possible`, `likely` or `certain`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Certain => "certain",
        }
    }
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// Its number, from 1.
    pub number: u64,
    /// Its text, without colours and without the columns that build services put before it.
    pub text: String,
}

/// A code that a log speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The code.
    pub code: &'static str,
    /// Kebab-case name of the fault.
    pub name: &'static str,
    /// How surely, in hundredths; orders codes of the same confidence and line.
    pub score: u8,
    /// How surely.
    pub confidence: Confidence,
    /// The lines that led there.
    pub lines: Vec<LogLine>,
    /// What to try where no check confirms it.
    pub next: Option<String>,
}

/// What a log says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The codes that it speaks of, the likeliest first: by confidence, then by where the log speaks
    /// of them first.
    pub matches: Vec<Match>,
    /// How many lines it has.
    pub lines: u64,
    /// How many bytes.
    pub bytes: u64,
    /// Whether it is a log of Windows, where that can be told.
    pub of_windows: Option<bool>,
    /// Absolute paths that the lines which were kept name, in order.
    pub paths: Vec<String>,
}

/// Reads a log that is there as a whole.
#[must_use]
pub fn read(text: &[u8]) -> Reading {
    let mut reader = LogReader::new();
    reader.push(text);
    reader.finish()
}
