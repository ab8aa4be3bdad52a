//! What is known of one native module: an extension module, a shared library or an executable.

use serde::{Deserialize, Serialize};

/// Object file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ObjectFormat {
    /// ELF (Linux).
    Elf,
    /// Mach-O (macOS).
    MachO,
    /// PE (Windows).
    Pe,
}

/// One versioned symbol set that the module needs, for example `GLIBC_2.28` of `libc.so.6`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct VersionNeed {
    /// Library it is expected in (`libc.so.6`).
    pub library: String,
    /// Version name (`GLIBC_2.28`).
    pub version: String,
}

/// Which numpy a module was compiled for, by the module names in its bytes.
///
/// A C, Cython or pybind11 extension built with numpy 1 headers mentions `numpy.core` only; one
/// built with numpy 2 headers mentions `numpy._core` (and usually both).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumpyUse {
    /// The bytes hold `numpy.core`.
    pub mentions_core: bool,
    /// The bytes hold `numpy._core`.
    pub mentions_underscore_core: bool,
}

/// A Rust crate whose name and version the module's panic paths carry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RustCrate {
    /// Name.
    pub name: String,
    /// Version, as cargo writes it.
    pub version: String,
}

/// What a native module says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NativeModule {
    /// Format.
    pub format: ObjectFormat,
    /// Architectures by Rust's names (`x86_64`, `aarch64`, `i686`); several in a Mach-O
    /// universal file.
    pub architectures: Vec<String>,
    /// Libraries it is linked to (`DT_NEEDED`, `LC_LOAD_DYLIB`, the import directory).
    pub needed: Vec<String>,
    /// Directories where it looks for them (`DT_RPATH`, `DT_RUNPATH`, `LC_RPATH`).
    pub search_paths: Vec<String>,
    /// Versioned symbol sets it needs (ELF).
    pub version_needs: Vec<VersionNeed>,
    /// Versioned symbol sets it provides (ELF), for example a libstdc++'s `GLIBCXX_3.4.30`.
    pub version_definitions: Vec<String>,
    /// Names after `PyInit_` among its exported functions.
    pub init_functions: Vec<String>,
    /// The libpython it is linked to, if any.
    pub libpython: Option<String>,
    /// Which numpy it was compiled for.
    pub numpy: NumpyUse,
    /// Rust crates named in its bytes.
    pub rust_crates: Vec<RustCrate>,
    /// The program interpreter (`/lib64/ld-linux-x86-64.so.2`) of an executable (ELF).
    pub interpreter: Option<String>,
}

/// Why bytes could not be read as a native module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModuleError {
    /// Not ELF, Mach-O or PE by its first bytes.
    UnknownFormat,
    /// It begins like one of them but does not hold together.
    Malformed {
        /// The format it begins like.
        format: ObjectFormat,
        /// What does not fit.
        reason: String,
    },
}

impl std::fmt::Display for ModuleError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnknownFormat => f.write_str("not an ELF, Mach-O or PE file"),
            Self::Malformed { format, reason } => {
                let format = match format {
                    ObjectFormat::Elf => "ELF",
                    ObjectFormat::MachO => "Mach-O",
                    ObjectFormat::Pe => "PE",
                };
                write!(f, "damaged {format} file: {reason}")
            }
        }
    }
}

impl std::error::Error for ModuleError {}
