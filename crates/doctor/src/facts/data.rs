//! What the project's data files and Python sources say about exchanging data.

use host::HostPath;
use serde::{Deserialize, Serialize};

/// What is wrong with a data file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataTrouble {
    /// It ends too early, or is not what its name says.
    Damaged,
    /// It contradicts itself in a way that harms careless readers.
    Hostile,
    /// It is the text that git keeps in place of a large file.
    LfsPointer,
}

/// Versions of numpy that do not accept the header of an array.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedHeader {
    /// The first version that refuses it; `None` for every older one.
    pub since: Option<String>,
    /// The first version that accepts it again.
    pub before: Option<String>,
    /// What they say.
    pub reason: String,
}

/// One of the project's data files that is not simply an array that everybody can load.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFile {
    /// The file.
    pub path: HostPath,
    /// Arrays of Python objects: name, type and shape of each; at most 20.
    pub objects: Vec<String>,
    /// Names that run something when the file is loaded; at most 20.
    pub dangerous: Vec<String>,
    /// Whether it hides what it imports.
    pub hides: bool,
    /// Text of numpy 2's `StringDType` is in it.
    pub has_new_strings: bool,
    /// Headers that some numpys refuse.
    pub refused: Vec<RefusedHeader>,
    /// What is wrong with it.
    pub troubles: Vec<(DataTrouble, String)>,
}

/// What a line of Python does with data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataCallKind {
    /// It unpickles what another process has written.
    UnpicklesOutput,
    /// It lets numpy unpickle: `allow_pickle=True`.
    AllowsPickle,
    /// It loads a file called `.npy` by its name.
    LoadsNpy,
}

/// A call in one of the project's sources.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DataCall {
    /// The source.
    pub path: HostPath,
    /// Line, from 1.
    pub line: usize,
    /// What it does.
    pub kind: DataCallKind,
    /// The line, shortened.
    pub text: String,
    /// Whether the source starts the interpreter that runs it (`sys.executable`).
    pub starts_itself: bool,
}

/// That the project runs in Pyodide.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PyodideUse {
    /// The file that says so.
    pub path: HostPath,
    /// What it says.
    pub what: String,
    /// Whether directories of the host are mounted (`NODEFS`).
    pub mounts_host: bool,
}
