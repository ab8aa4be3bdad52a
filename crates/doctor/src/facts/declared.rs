//! What a project's sources declare for Python, and what its compiled modules hold of it.

use std::collections::BTreeSet;

use host::{HostPath, Seen};
use serde::{Deserialize, Serialize};

/// What a name is to Python.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeclaredKind {
    /// `#[pymodule]` inside another module.
    Module,
    /// `#[pyclass]`.
    Class,
    /// `#[pyfunction]`.
    Function,
    /// A function in `#[pymethods]`.
    Method,
    /// A property, a class attribute, a field or a variant of a class.
    Attribute,
}

impl DeclaredKind {
    /// Whether its name is one that C reads, which ends with a zero in the module.
    #[must_use]
    pub fn is_c_string(self) -> bool {
        !matches!(self, Self::Class | Self::Module)
    }

    /// For a reader: `method`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Module => "module",
            Self::Class => "class",
            Self::Function => "function",
            Self::Method => "method",
            Self::Attribute => "attribute",
        }
    }
}

/// A name that Rust sources declare for Python.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DeclaredName {
    /// What it is.
    pub kind: DeclaredKind,
    /// The name in Python.
    pub name: String,
    /// The class that it belongs to, by its name in Python.
    pub class: Option<String>,
    /// Whether something puts it into a module: `add_class`, `wrap_pyfunction!`,
    /// `#[pymodule_export]`, or its place in a `#[pymodule] mod`. Of a member, whether its class is.
    pub is_exported: bool,
    /// What must hold for it to be compiled, as `#[cfg]` has it; all of them.
    pub conditions: Vec<String>,
    /// Source file.
    pub file: HostPath,
    /// Line of the name, from 1.
    pub line: usize,
}

impl DeclaredName {
    /// `Class.method`, or the name alone.
    #[must_use]
    pub fn dotted(&self) -> String {
        match &self.class {
            Some(class) => format!("{class}.{}", self.name),
            None => self.name.clone(),
        }
    }
}

/// A source file with the time of its last change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceTime {
    /// The file.
    pub path: HostPath,
    /// Last change, nanoseconds since 1970.
    pub modified_ns: i64,
}

/// What the sources of the crate that maturin builds declare for Python.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeclaredNames {
    /// The names, in order of file and line; at most 20,000.
    pub names: Vec<DeclaredName>,
    /// Names that `add` and the macros for exceptions put into modules.
    pub added: Vec<String>,
    /// The source that was changed last, of the crate and of those it depends on by path.
    pub newest: Option<SourceTime>,
    /// Sources that could not be read, with the reason; at most 20.
    pub unreadable: Vec<(HostPath, String)>,
}

/// A name in a stub file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StubName {
    /// The name.
    pub name: String,
    /// The class around it.
    pub class: Option<String>,
    /// Whether it is a class, a function or method, or else a value.
    pub kind: DeclaredKind,
    /// Line, from 1.
    pub line: usize,
}

impl StubName {
    /// `Class.method`, or the name alone.
    #[must_use]
    pub fn dotted(&self) -> String {
        match &self.class {
            Some(class) => format!("{class}.{}", self.name),
            None => self.name.clone(),
        }
    }
}

/// The stub file of the project's compiled module.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stub {
    /// The file.
    pub path: HostPath,
    /// What it describes without a condition.
    pub names: Vec<StubName>,
    /// Whether it takes everything from somewhere else, or has parts under a condition, so that a
    /// name may be there though it is not in `names`.
    pub is_partial: bool,
}

/// One file of the project's compiled module, where an interpreter would import it from or where
/// `maturin develop` puts it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuiltModule {
    /// The file.
    pub path: HostPath,
    /// Last change, nanoseconds since 1970.
    pub modified_ns: i64,
    /// Of the names that the sources and the stub have, those that do not occur in its bytes;
    /// sorted.
    pub lacks: Seen<Vec<String>>,
    /// What interpreters that have it say of it, where the user allowed them to import it.
    #[serde(default)]
    pub imported: Vec<ImportedNames>,
}

impl BuiltModule {
    /// The names that it has when an environment's interpreter imports it, if that was tried and
    /// went well: `Class.method`, or the name alone.
    #[must_use]
    pub fn names_in(&self, prefix: &HostPath) -> Option<&BTreeSet<String>> {
        self.imported.iter().find(|one| one.environment == *prefix)?.names.get()
    }
}

/// The names of a module that was really imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedNames {
    /// Prefix of the environment.
    pub environment: HostPath,
    /// Its interpreter.
    pub interpreter: HostPath,
    /// Names of the module and of its classes (`Class.method`); broken where it cannot be imported.
    pub names: Seen<BTreeSet<String>>,
}
