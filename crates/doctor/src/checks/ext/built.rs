//! What EXT007 to EXT009 share: the file that an interpreter imports the project's module from, and
//! the cure of building it again.

use host::HostPath;
use pyenvs::Package;
use report::{Fix, Safety};

use crate::{BuiltModule, EnvironmentFacts, Facts, ModuleFacts, cures};

/// The file that an environment's interpreter imports the project's compiled module from.
pub(super) fn imported<'a>(
    facts: &'a Facts,
    environment: &EnvironmentFacts,
) -> Option<&'a BuiltModule> {
    let abi = environment.python.abi.get()?;
    let rank = |module: &ModuleFacts| {
        let directories = &environment.python.site_packages;
        let place = directories.iter().position(|one| module.path.starts_with(one.as_path()));
        let suffix = abi.extension_suffixes.iter().position(|known| *known == module.suffix)?;
        Some((place.unwrap_or(directories.len()), suffix))
    };
    facts
        .project
        .built
        .iter()
        .filter_map(|built| {
            let module = environment.modules.iter().find(|module| module.path == built.path)?;
            Some((rank(module)?, built))
        })
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, built)| built)
}

/// The environment's installation of this very directory.
pub(super) fn installation<'a>(
    facts: &'a Facts,
    environment: &'a EnvironmentFacts,
) -> Option<&'a Package> {
    let name = facts.project.pyproject.get()?.name.as_ref()?;
    environment.python.packages_named(name).find(|package| {
        let root = Some(&facts.project.root);
        package.editable.as_ref() == root || package.built_from.as_ref() == root
    })
}

/// Builds the project again, into this environment.
pub(super) fn build_again(facts: &Facts, environment: &EnvironmentFacts) -> Option<Fix> {
    let name = facts.project.pyproject.get()?.name.as_deref()?;
    let package = environment.python.packages_named(name).next();
    let is_editable = package.is_some_and(|package| package.editable.is_some());
    let title = "build it again, for this environment";
    let prefix = facts.native(&environment.python.prefix);
    if is_editable && environment.python.kind.is_virtual() && !facts.toolchain.maturin.is_empty() {
        let mut fix = Fix::new(Safety::Safe, title);
        if facts.variable("VIRTUAL_ENV") != Some(prefix.as_str()) {
            fix = fix.set("VIRTUAL_ENV", prefix);
        }
        return Some(fix.run(["maturin", "develop"]));
    }
    Some(install_again(facts, environment, name, is_editable, Fix::new(Safety::Safe, title)))
}

/// Installs the project again, in the way in which it is installed.
pub(super) fn install_again(
    facts: &Facts,
    environment: &EnvironmentFacts,
    name: &str,
    is_editable: bool,
    fix: Fix,
) -> Fix {
    let root = facts.native(&facts.project.root);
    let mut arguments: Vec<&str> = if cures::uses_uv_pip(facts, environment) {
        vec!["--reinstall-package", name]
    } else {
        vec!["--force-reinstall"]
    };
    arguments.push("--no-deps");
    if is_editable {
        arguments.push("--editable");
    }
    arguments.push(&root);
    fix.run(cures::pip_install(facts, environment, &arguments))
}

/// A file's age, for a reader.
pub(super) fn age(facts: &Facts, modified_ns: i64) -> String {
    match facts.machine.now_ns.saturating_sub(modified_ns) / 1_000_000_000 {
        ..0 => "dated in the future".to_owned(),
        seconds => format!("{} old", duration(seconds)),
    }
}

/// A time, for a reader: `3 hours`.
pub(super) fn duration(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7_200 => format!("{} minutes", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// The other files of the module beside one, which Python passes over for it.
pub(super) fn beside<'a>(
    facts: &'a Facts,
    file: &'a HostPath,
) -> impl Iterator<Item = &'a BuiltModule> {
    facts
        .project
        .built
        .iter()
        .filter(move |built| built.path != *file && built.path.parent() == file.parent())
}

#[cfg(test)]
pub(super) mod testing {
    //! A project whose module is installed from its sources.

    use host::{HostPath, Seen};
    use pyenvs::EnvironmentKind;

    use crate::testing::{PROJECT, healthy, package, venv};
    use crate::{
        BuiltModule, CrateManifest, DeclaredKind, DeclaredName, DeclaredNames, Facts,
        ImportedNames, MaturinConfig, ModuleFacts, SourceTime,
    };

    pub(crate) const HOUR: i64 = 3_600 * 1_000_000_000;

    /// The place of the module among the sources.
    pub(crate) fn module_path() -> HostPath {
        HostPath::from(PROJECT).join("python/example/_native.abi3.so")
    }

    /// A name that is declared, and put into the module.
    pub(crate) fn declared(kind: DeclaredKind, class: Option<&str>, name: &str) -> DeclaredName {
        DeclaredName {
            kind,
            name: name.to_owned(),
            class: class.map(str::to_owned),
            is_exported: true,
            conditions: Vec::new(),
            file: HostPath::from(PROJECT).join("src/lib.rs"),
            line: 7,
        }
    }

    /// The project, built an hour ago from sources of the day before, with a class, a method and a
    /// function, all of which are in the module.
    pub(crate) fn built() -> Facts {
        let mut facts = healthy();
        let root = facts.project.root.clone();
        let now = facts.machine.now_ns;
        facts.project.maturin_manifest = Some(root.join("Cargo.toml"));
        facts.project.crates = vec![CrateManifest {
            path: root.join("Cargo.toml"),
            name: "example".to_owned(),
            lib_name: "_native".to_owned(),
            has_lib: true,
            ..CrateManifest::default()
        }];
        if let Seen::Seen(pyproject) = &mut facts.project.pyproject {
            pyproject.build_backend = Some("maturin".to_owned());
            pyproject.maturin = Some(MaturinConfig {
                module_name: Some("example._native".to_owned()),
                python_source: Some("python".to_owned()),
                ..MaturinConfig::default()
            });
        }
        facts.project.declared = Some(DeclaredNames {
            names: vec![
                declared(DeclaredKind::Class, None, "Table"),
                declared(DeclaredKind::Method, Some("Table"), "to_arrow"),
                declared(DeclaredKind::Function, None, "quantize"),
            ],
            newest: Some(SourceTime {
                path: root.join("src/lib.rs"),
                modified_ns: now - 24 * HOUR,
            }),
            ..DeclaredNames::default()
        });
        facts.project.built = vec![BuiltModule {
            path: module_path(),
            modified_ns: now - HOUR,
            lacks: Seen::Seen(Vec::new()),
            imported: Vec::new(),
        }];
        let environment = venv(&mut facts);
        let site = environment.python.site_packages[0].clone();
        let mut example = package("example", "1.0", &site);
        example.editable = Some(root);
        environment.python.packages.push(example);
        environment.python.kind = EnvironmentKind::Venv;
        environment.modules.push(ModuleFacts {
            path: module_path(),
            import_name: "example._native".to_owned(),
            suffix: ".abi3.so".to_owned(),
            package: Some("example".to_owned()),
            len: 1,
            modified_ns: now - HOUR,
            native: Seen::Absent,
        });
        facts
    }

    /// The module, imported: with these names alone.
    pub(crate) fn with_names(mut facts: Facts, names: &[&str]) -> Facts {
        let environment = venv(&mut facts).python.prefix.clone();
        facts.project.built[0].imported = vec![ImportedNames {
            interpreter: environment.join("bin/python"),
            environment,
            names: Seen::Seen(names.iter().map(|name| (*name).to_owned()).collect()),
        }];
        facts
    }

    /// Takes names out of the module.
    pub(crate) fn lacking(names: &[&str]) -> Facts {
        let mut facts = built();
        facts.project.built[0].lacks =
            Seen::Seen(names.iter().map(|name| (*name).to_owned()).collect());
        facts
    }
}
