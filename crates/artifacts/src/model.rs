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
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VersionNeed {
    /// Library it is expected in (`libc.so.6`).
    pub library: String,
    /// Version name (`GLIBC_2.28`).
    pub version: String,
    /// Whether the loader goes on without it.
    #[serde(default)]
    pub weak: bool,
}

/// Which numpy a module was compiled for, by the names in its bytes.
///
/// A C, Cython or pybind11 extension built with numpy 1 headers mentions `numpy.core` only; one
/// built with numpy 2 headers mentions `numpy._core` (and usually both). A Rust extension mentions
/// `numpy.core` only when its `numpy` crate is older than 0.22.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumpyUse {
    /// The bytes hold `numpy.core`.
    pub mentions_core: bool,
    /// The bytes hold `numpy._core`.
    pub mentions_underscore_core: bool,
    /// The bytes hold `_ARRAY_API` or `_UFUNC_API`, the names of the capsules through which
    /// numpy's C interface is reached. Without them the other two are words in a text.
    #[serde(default)]
    pub mentions_c_api: bool,
    /// The bytes hold the messages of `import_array` or `import_umath`, the C code by which numpy's
    /// own headers reach that interface when the module is imported. pybind11 and Rust have their
    /// own ways.
    #[serde(default)]
    pub imports_c_api: bool,
    /// Cython code that compares the sizes of numpy's types with those it was compiled for, and
    /// refuses one that has become smaller, as numpy 2's `dtype` has.
    #[serde(default)]
    pub checks_type_sizes: bool,
    /// The oldest numpy that `import_array` accepts, as the message of numpy 2's headers has it:
    /// `(1, 20)`.
    #[serde(default)]
    pub oldest_numpy: Option<(u16, u16)>,
}

/// A Rust crate whose name and version the module's panic paths carry. Those of the standard
/// library's own dependencies are among them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RustCrate {
    /// Name.
    pub name: String,
    /// Version, as cargo writes it.
    pub version: String,
}

/// What a native module says about itself. Of a universal file, what its slices say together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NativeModule {
    /// Format.
    pub format: ObjectFormat,
    /// Architectures by the first word of Rust's target triples (`x86_64`, `aarch64`, `i686`,
    /// `powerpc64le`), several in a universal file. Variants of one processor (`arm64e`,
    /// `x86_64h`) are not told apart.
    pub architectures: Vec<String>,
    /// Libraries that must be there for it to load (`DT_NEEDED`, `LC_LOAD_DYLIB`, the import
    /// directory), as written.
    pub needed: Vec<String>,
    /// Directories where it looks for them (`DT_RUNPATH`, else `DT_RPATH`; `LC_RPATH`), as
    /// written: `$ORIGIN` and `@loader_path` stand for its own directory.
    pub search_paths: Vec<String>,
    /// Whether `LD_LIBRARY_PATH` goes before `search_paths`: it does with `DT_RUNPATH`, and does
    /// not with `DT_RPATH`.
    #[serde(default)]
    pub library_path_first: bool,
    /// Versioned symbol sets it needs (ELF).
    pub version_needs: Vec<VersionNeed>,
    /// Versioned symbol sets it provides (ELF), for example a libstdc++'s `GLIBCXX_3.4.30`.
    pub version_definitions: Vec<String>,
    /// Names after `PyInit_` among the functions that it defines and exports.
    pub init_functions: Vec<String>,
    /// The libpython it is linked to, if any, as written. An extension module for Windows always
    /// has one.
    pub libpython: Option<String>,
    /// Which numpy it was compiled for.
    pub numpy: NumpyUse,
    /// Rust crates named in its bytes. A crate that is not here may still be compiled in: its code
    /// may never panic, or the paths may have been left out.
    pub rust_crates: Vec<RustCrate>,
    /// The commit of the rustc that compiled it, where its bytes tell: then it is Rust, whether or
    /// not crates are named.
    #[serde(default)]
    pub rustc_commit: Option<String>,
    /// The program interpreter (`/lib64/ld-linux-x86-64.so.2`) of an executable (ELF).
    pub interpreter: Option<String>,
    /// Whether one of the lists above had more entries than are kept, so that something absent
    /// from it may still be in the file.
    #[serde(default)]
    pub capped: bool,
}

/// Why bytes could not be read as a native module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModuleError {
    /// Not ELF, Mach-O or PE by its first bytes.
    UnknownFormat,
    /// The bytes end before what its headers speak of: the file is truncated, or only its
    /// beginning was given.
    Truncated {
        /// The format it begins like.
        format: ObjectFormat,
        /// How many bytes there are.
        length: u64,
        /// How many there must be at least.
        expected: u64,
    },
    /// It begins like one of them but does not hold together.
    Malformed {
        /// The format it begins like.
        format: ObjectFormat,
        /// What does not fit.
        reason: String,
    },
}

impl ObjectFormat {
    /// The name, as it is usually written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Elf => "ELF",
            Self::MachO => "Mach-O",
            Self::Pe => "PE",
        }
    }
}

impl std::fmt::Display for ModuleError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnknownFormat => f.write_str("not an ELF, Mach-O or PE file"),
            Self::Truncated { format, length, expected } => write!(
                f,
                "truncated {} file: {length} bytes, where its headers speak of at least {expected}",
                format.name()
            ),
            Self::Malformed { format, reason } => {
                write!(f, "damaged {} file: {reason}", format.name())
            }
        }
    }
}

impl std::error::Error for ModuleError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_is_wrong() {
        let truncated =
            ModuleError::Truncated { format: ObjectFormat::Elf, length: 10, expected: 64 };
        let malformed = ModuleError::Malformed {
            format: ObjectFormat::MachO,
            reason: "images overlap".to_owned(),
        };
        for (error, text) in [
            (ModuleError::UnknownFormat, "not an ELF, Mach-O or PE file"),
            (truncated, "truncated ELF file: 10 bytes, where its headers speak of at least 64"),
            (malformed, "damaged Mach-O file: images overlap"),
        ] {
            assert_eq!(error.to_string(), text);
        }
    }

    #[test]
    fn modules_of_older_facts_are_read() {
        let older = r#"{
            "format": "macho", "architectures": ["aarch64"], "needed": [], "search_paths": [],
            "version_needs": [{"library": "libc.so.6", "version": "GLIBC_2.17"}],
            "version_definitions": [], "init_functions": [], "libpython": null,
            "numpy": {"mentions_core": true, "mentions_underscore_core": false},
            "rust_crates": [], "interpreter": null
        }"#;
        let module: NativeModule = serde_json::from_str(older).unwrap();
        assert!(!module.capped && !module.version_needs[0].weak && !module.numpy.mentions_c_api);
        let again = serde_json::to_string(&module).unwrap();
        assert_eq!(serde_json::from_str::<NativeModule>(&again).unwrap(), module);
    }
}
