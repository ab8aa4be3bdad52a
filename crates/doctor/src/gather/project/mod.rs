//! The project's own declarations: pyproject.toml, Cargo manifests and lock file, cargo's
//! configuration, `#[pymodule]`s. Files are read with bounds, in parallel, and a file that makes
//! no sense is a fact with its place and reason.

mod config;
mod lock;
mod manifest;
mod members;
mod place;
mod pyproject;
mod sources;
mod workspace;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use host::{Host, HostPath, Seen};

use super::{path, toolchain};
use crate::{CargoLock, ProjectFacts, Pyproject};

/// Longest manifest or configuration that is read.
const TEXT_LIMIT: u64 = 4 << 20;

/// Longest `Cargo.lock` that is read: twenty thousand packages.
const LOCK_LIMIT: u64 = 16 << 20;

/// Reads everything that the project declares.
pub(super) fn gather(host: &Host, project: &Path) -> ProjectFacts {
    let pyproject = read_pyproject(host, project);
    let maturin_manifest = maturin_manifest(host, project, pyproject.get());
    let start = maturin_manifest.clone().or_else(|| nearest_manifest(host, project));
    let (configs, found) = host::both(
        || config::gather(host, project),
        || start.as_deref().map(|manifest| workspace::gather(host, manifest)).unwrap_or_default(),
    );
    let mut broken_manifests = found.broken;
    broken_manifests.extend(configs.broken);
    let mut patched = found.patched;
    patched.extend(configs.patched);
    patched.sort();
    patched.dedup();
    let lock = match &found.root {
        Some(root) => read_lock(host, &root.join("Cargo.lock")),
        None => Seen::Absent,
    };
    let maturin_crate = maturin_manifest
        .as_deref()
        .and_then(|manifest| found.crates.iter().find(|one| *one.path == *manifest))
        .filter(|one| one.dependencies.iter().any(|dependency| dependency.package == "pyo3"));
    let declared = maturin_crate.and_then(|one| super::declared::gather(host, one, &found.crates));
    ProjectFacts {
        root: path(project),
        pyproject,
        workspace_root: found.root.map(path),
        crates: found.crates,
        broken_manifests,
        lock,
        cargo_configs: configs.files,
        toolchain_file: toolchain::toolchain_file(host, project),
        maturin_manifest: maturin_manifest.map(path),
        patched,
        outside_workspace: found.outside,
        declared,
        stub: Seen::Absent,
        built: Vec::new(),
        tools: BTreeMap::new(),
    }
}

fn read_pyproject(host: &Host, project: &Path) -> Seen<Pyproject> {
    let file = project.join("pyproject.toml");
    match host.read_text(&file, TEXT_LIMIT) {
        Ok(text) => match pyproject::parse(&text) {
            Ok(found) => Seen::Seen(Pyproject { path: HostPath::new(file), ..found }),
            Err(reason) => Seen::Broken(format!("{}: {reason}", file.display())),
        },
        Err(error) if error.is_not_found() => Seen::Absent,
        Err(error) => Seen::Broken(error.to_string()),
    }
}

fn read_lock(host: &Host, file: &Path) -> Seen<CargoLock> {
    match host.read_text(file, LOCK_LIMIT) {
        Ok(text) => match lock::parse(&text) {
            Ok(found) => Seen::Seen(CargoLock { path: path(file), ..found }),
            Err(reason) => Seen::Broken(format!("{}: {reason}", file.display())),
        },
        Err(error) if error.is_not_found() => Seen::Absent,
        Err(error) => Seen::Broken(error.to_string()),
    }
}

/// The manifest that maturin builds: the one that `[tool.maturin]` names, the one in `rust` of a
/// project that keeps its Python in `src`, else the project's own.
fn maturin_manifest(host: &Host, project: &Path, pyproject: Option<&Pyproject>) -> Option<PathBuf> {
    let pyproject = pyproject?;
    let configured = pyproject.maturin.as_ref();
    if configured.is_none() && pyproject.build_backend.as_deref() != Some("maturin") {
        return None;
    }
    if let Some(named) = configured.and_then(|maturin| maturin.manifest_path.as_deref()) {
        return Some(host.absolute(&project.join(named)));
    }
    let below = project.join("rust/Cargo.toml");
    let has_source = configured.is_some_and(|maturin| maturin.python_source.is_some());
    let has_package = || {
        let name = pyproject.name.as_deref().unwrap_or_default().replace('-', "_");
        !name.is_empty() && host.is_file(&project.join("src").join(name).join("__init__.py"))
    };
    if host.is_file(&below) && (has_source || has_package()) {
        return Some(below);
    }
    let own = project.join("Cargo.toml");
    host.exists(&own).then_some(own)
}

/// The `Cargo.toml` in the project's directory, else the nearest one above it, as cargo has it.
fn nearest_manifest(host: &Host, project: &Path) -> Option<PathBuf> {
    project
        .ancestors()
        .map(|directory| directory.join("Cargo.toml"))
        .find(|manifest| host.symlink_metadata(manifest).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(list: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in list {
            let file = root.path().join(name);
            fs_err::create_dir_all(file.parent().unwrap()).unwrap();
            fs_err::write(file, text).unwrap();
        }
        root
    }

    fn facts(list: &[(&str, &str)]) -> (tempfile::TempDir, ProjectFacts) {
        let root = files(list);
        let host = Host::current().unwrap();
        let facts = gather(&host, root.path());
        (root, facts)
    }

    const PYPROJECT: &str = "[project]\nname = \"my-demo\"\n[build-system]\nrequires = []\n\
                             build-backend = \"maturin\"\n";
    const MANIFEST: &str = "[package]\nname = \"demo\"\nversion = \"1.2.3\"\n[dependencies]\n\
                            pyo3 = { version = \"0.26\", features = [\"abi3-py39\"] }\n";

    #[test]
    fn a_maturin_project_is_read_whole() {
        let (root, facts) = facts(&[
            ("pyproject.toml", PYPROJECT),
            ("Cargo.toml", MANIFEST),
            ("Cargo.lock", "version = 4\n[[package]]\nname = \"demo\"\nversion = \"1.2.3\"\n"),
            ("src/lib.rs", "#[pymodule]\nfn demo() {}\n"),
            (".cargo/config.toml", "[build]\ntarget-dir = \"out\"\n"),
            ("rust-toolchain.toml", "[toolchain]\nchannel = \"1.95.0\"\n"),
        ]);
        assert_eq!(facts.pyproject.get().unwrap().name.as_deref(), Some("my-demo"));
        assert_eq!(facts.workspace_root.as_deref(), Some(root.path()));
        let manifest = facts.maturin_crate().unwrap();
        assert_eq!((manifest.name.as_str(), manifest.lib_name.as_str()), ("demo", "demo"));
        assert_eq!(manifest.pymodules[0].name, "demo");
        assert_eq!(facts.locked("demo").len(), 1);
        let target = root.path().join("out").display().to_string();
        assert_eq!(facts.cargo_configs[0].target_dir.as_deref(), Some(target.as_str()));
        assert_eq!(facts.toolchain_file.unwrap().1, "1.95.0");
    }

    #[test]
    fn the_crate_may_lie_in_a_directory_of_its_own() {
        for (extra, layout) in [
            ("[tool.maturin]\nmanifest-path = \"native/../core/Cargo.toml\"\n", "core/Cargo.toml"),
            ("[tool.maturin]\npython-source = \"python\"\n", "rust/Cargo.toml"),
        ] {
            let (root, facts) =
                facts(&[("pyproject.toml", &format!("{PYPROJECT}{extra}")), (layout, MANIFEST)]);
            let manifest = root.path().join(layout);
            assert_eq!(facts.maturin_manifest.as_deref(), Some(manifest.as_path()));
            assert_eq!(facts.workspace_root.as_deref(), manifest.parent());
        }
    }

    #[test]
    fn broken_files_are_facts_with_a_place() {
        let (_root, facts) = facts(&[
            ("pyproject.toml", "[project]\nname = = 1\n"),
            ("Cargo.toml", "[package\n"),
            ("Cargo.lock", "<<<<<<< HEAD\n"),
            (".cargo/config.toml", "x = [\n"),
        ]);
        let reason = facts.pyproject.reason().unwrap();
        assert!(reason.contains("pyproject.toml: line 2,"), "{reason}");
        assert_eq!(facts.broken_manifests.len(), 2);
        assert!(facts.broken_manifests[0].1.starts_with("line 1,"), "{:?}", facts.broken_manifests);
        assert!(facts.lock.reason().unwrap().contains("Cargo.lock: line 1,"), "{:?}", facts.lock);
    }

    #[test]
    fn a_directory_without_a_project_is_absent() {
        let (_root, facts) = facts(&[("readme.md", "")]);
        assert!(facts.pyproject.is_absent() && facts.lock.is_absent());
        assert!(facts.crates.is_empty() && facts.maturin_manifest.is_none());
    }
}
