//! `[build]`: what is built, and how the wheel is tried.

use std::path::PathBuf;

use host::Version;

use super::Places;
use super::reader::Reader;

const KEYS: &[&str] =
    &["wheel", "core", "out", "imports", "smoke", "requirements", "max-glibc", "libraries"];

/// What a project says about its builds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Build {
    /// The directory of the wheel's `pyproject.toml`.
    pub(crate) wheel: Option<PathBuf>,
    /// The crates of the core.
    pub(crate) core: Vec<String>,
    /// Where what was built goes.
    pub(crate) out: Option<PathBuf>,
    /// Modules that must be importable besides the wheel's own.
    pub(crate) imports: Vec<String>,
    /// A Python program that uses the wheel.
    pub(crate) smoke: Option<PathBuf>,
    /// What that program needs from the package index.
    pub(crate) requirements: Vec<String>,
    /// The newest glibc that the wheel may need.
    pub(crate) max_glibc: Option<Version>,
    /// Shared libraries that it may need besides those of the platform.
    pub(crate) libraries: Vec<String>,
}

/// What the table says.
pub(super) fn build(table: &Reader<'_>, places: &Places<'_>) -> Build {
    table.only(KEYS);
    let path = |key: &str| table.text(key).map(|written| places.path(&written));
    let imports = table.texts("imports");
    for module in &imports {
        let is_name = |part: &str| {
            part.starts_with(|c: char| c.is_alphabetic() || c == '_')
                && part.chars().all(|c| c.is_alphanumeric() || c == '_')
        };
        if !module.split('.').all(is_name) {
            table.complain("imports", format!("`{module}` is not the name of a module"));
        }
    }
    let requirements = table.texts("requirements");
    for requirement in &requirements {
        if requirement.trim().is_empty() || requirement.trim_start().starts_with('-') {
            let message = format!("`{requirement}` is not a requirement such as `numpy==2.2.6`");
            table.complain("requirements", message);
        }
    }
    let core = table.texts("core");
    for name in core.iter().filter(|name| name.trim().is_empty() || name.starts_with('-')) {
        table.complain("core", format!("`{name}` is not the name of a crate"));
    }
    let max_glibc = table.text("max-glibc").and_then(|written| {
        let version = written.parse().ok();
        if version.is_none() {
            table.complain("max-glibc", format!("`{written}` is not a version such as 2.28"));
        }
        version
    });
    Build {
        wheel: path("wheel"),
        core,
        out: path("out"),
        imports,
        smoke: path("smoke"),
        requirements,
        max_glibc,
        libraries: table.texts("libraries"),
    }
}
