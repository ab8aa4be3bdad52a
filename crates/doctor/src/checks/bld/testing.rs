//! Facts of projects with Rust in them, for the tests of this family.

use host::{HostPath, Seen};
use pyenvs::Pick;

use crate::testing::{PROJECT, dependency, healthy, package};
use crate::{CargoLock, CrateManifest, Dependency, Facts, LockedPackage, MaturinConfig, NamedPath};

/// The healthy machine with a crate that uses this locked version of PyO3 with these features.
pub(super) fn extension_project(version: &str, features: &[&str]) -> Facts {
    let mut facts = healthy();
    let root = HostPath::from(PROJECT);
    facts.project.workspace_root = Some(root.clone());
    facts.project.crates = vec![CrateManifest {
        path: root.join("Cargo.toml"),
        name: "example".to_owned(),
        version: Some("0.1.0".to_owned()),
        lib_name: "example".to_owned(),
        has_lib: true,
        crate_types: vec!["cdylib".to_owned()],
        dependencies: vec![pyo3_dependency(version, features)],
        ..CrateManifest::default()
    }];
    facts.project.lock = Seen::Seen(CargoLock {
        path: root.join("Cargo.lock"),
        version: 4,
        packages: vec![
            locked("example", "0.1.0", false, &["pyo3"]),
            locked("pyo3", version, true, &[]),
        ],
    });
    facts
}

/// A project of maturin whose setting names a file or a directory, which is there or not.
pub(super) fn naming(setting: &str, name: &str, exists: bool) -> Facts {
    let mut facts = extension_project("0.26.0", &[]);
    with_maturin(&mut facts);
    facts.settings.declared = vec![NamedPath {
        setting: setting.to_owned(),
        written: name.to_owned(),
        path: HostPath::from(PROJECT).join(name),
        exists,
        ..NamedPath::default()
    }];
    facts
}

/// A dependency on the minor series of this version of PyO3.
pub(super) fn pyo3_dependency(version: &str, features: &[&str]) -> Dependency {
    let series = version.rsplit_once('.').map(|(series, _)| series);
    let features = features.iter().map(|feature| (*feature).to_owned()).collect();
    Dependency { features, ..dependency("pyo3", series) }
}

/// A package of `Cargo.lock`.
pub(super) fn locked(
    name: &str,
    version: &str,
    from_registry: bool,
    dependencies: &[&str],
) -> LockedPackage {
    LockedPackage {
        name: name.to_owned(),
        version: version.to_owned(),
        source: from_registry.then(|| "registry+https://example.org/index".to_owned()),
        dependencies: dependencies.iter().map(|name| (*name).to_owned()).collect(),
    }
}

/// Makes the project one that maturin builds.
pub(super) fn with_maturin(facts: &mut Facts) {
    facts.project.maturin_manifest = Some(HostPath::from(PROJECT).join("Cargo.toml"));
    if let Seen::Seen(pyproject) = &mut facts.project.pyproject {
        pyproject.build_backend = Some("maturin".to_owned());
        pyproject.build_requires = vec!["maturin>=1,<2".to_owned()];
        pyproject.maturin = Some(MaturinConfig::default());
    }
}

/// Gives the project's `.venv` another version of Python.
pub(super) fn with_python(facts: &mut Facts, version: &str) {
    let prefix = HostPath::from(PROJECT).join(".venv");
    let minor: Vec<&str> = version.split('.').take(2).collect();
    let site = prefix.join(format!("lib/python{}/site-packages", minor.join(".")));
    let environment = crate::testing::venv(facts);
    environment.python.version = Seen::Seen(version.parse().expect("a version"));
    environment.python.packages = vec![package("pip", "25.0", &site)];
    environment.numpy = None;
}

/// Makes every tool take the system's Python.
pub(super) fn without_venv(facts: &mut Facts) {
    facts.environments.retain(|environment| !environment.python.kind.is_virtual());
    facts.machine.variables.remove("VIRTUAL_ENV");
    let system = || Pick::Python {
        executable: HostPath::from("/usr/bin/python"),
        prefix: Some(HostPath::from("/usr")),
        because: "first on PATH".to_owned(),
    };
    facts.picks.path = system();
    facts.picks.pip = system();
    facts.picks.pyo3 = system();
    facts.picks.maturin = Pick::Nothing { because: "no .venv at or above the project".to_owned() };
    facts.picks.uv = Pick::Nothing { because: "no .venv at or above the project".to_owned() };
}
