//! EXT: stale and shadowed extension modules.

mod built;
mod conditions;
pub(super) mod ext001;
pub(super) mod ext002;
pub(super) mod ext003;
pub(super) mod ext004;
pub(super) mod ext005;
pub(super) mod ext006;
pub(super) mod ext007;
pub(super) mod ext008;
pub(super) mod ext009;
pub(super) mod ext010;
mod patterns;

use host::HostPath;

use crate::{Facts, Pyproject};

/// The project's declarations, if maturin builds it.
fn maturin_project(facts: &Facts) -> Option<&Pyproject> {
    facts.project.pyproject.get().filter(|pyproject| {
        pyproject
            .build_backend
            .as_deref()
            .is_some_and(|backend| backend == "maturin" || backend.starts_with("maturin."))
    })
}

/// The last part of the name by which Python imports the project's compiled module.
fn module_stem(facts: &Facts, pyproject: &Pyproject) -> Option<String> {
    let maturin = pyproject.maturin.as_ref();
    match maturin.and_then(|maturin| maturin.module_name.as_deref()) {
        Some(name) => name.rsplit('.').next().map(str::to_owned),
        None => facts.project.maturin_crate().map(|manifest| manifest.lib_name.clone()),
    }
}

/// `_core` and `.cpython-311-x86_64-linux-gnu.so` of such a file. A module's own name has no dot.
fn stem_and_suffix(file: &HostPath) -> Option<(&str, &str)> {
    let name = file.file_name()?.to_str()?;
    let dot = name.find('.')?;
    Some(name.split_at(dot))
}

/// Directory below which the project's Python packages lie.
fn python_source(facts: &Facts, pyproject: &Pyproject) -> HostPath {
    let maturin = pyproject.maturin.as_ref();
    let source = maturin.and_then(|maturin| maturin.python_source.as_deref()).unwrap_or(".");
    let source: std::path::PathBuf = facts.project.root.join(source).components().collect();
    HostPath::new(source)
}
