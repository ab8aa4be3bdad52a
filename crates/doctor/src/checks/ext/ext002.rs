//! EXT002: uv does not know that the project is made from Rust sources.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use pyenvs::EnvironmentKind;
use report::{Finding, Fix, Safety, Severity};

use super::{maturin_project, patterns};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{CrateManifest, DependencyKind, Facts, Findings, Pyproject, Role, subjects};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "EXT002",
    name: "uv-misses-rust-sources",
    summary: "uv does not rebuild the project when its Rust sources change",
    page: include_str!("../../../pages/EXT002.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::no_keys, tests::other_keys, tests::workspace_member_missing],
        silent: &[
            tests::covered,
            tests::everything,
            tests::uv_not_used,
            tests::not_maturin,
            tests::uv_never_builds,
        ],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    let Some(pyproject) = maturin_project(facts) else {
        findings.skip("the project is not built by maturin");
        return;
    };
    let Some(why) = used_with_uv(facts, pyproject) else {
        findings.skip("the project is not used with uv");
        return;
    };
    if let Some(setting) = &pyproject.uv_never_builds {
        findings.skip(format!("uv never builds the project: {setting}"));
        return;
    }
    let needed = needed(facts);
    let keys = pyproject.uv_cache_keys.as_deref();
    let missing: Vec<&String> = needed
        .iter()
        .filter(|file| !keys.unwrap_or_default().iter().any(|key| patterns::fits(key, file)))
        .collect();
    if missing.is_empty() {
        return;
    }
    let file = facts.native(&pyproject.path);
    let name = pyproject.name.as_deref().unwrap_or("the project");
    let seen = match keys {
        None => "no `tool.uv.cache-keys`".to_owned(),
        Some(keys) => format!("cache-keys = {}", keys.join(", ")),
    };
    let mut finding = Finding::new(
        Severity::Warning,
        subjects::project(facts),
        format!("`uv sync` and `uv run` keep the old {name} when its Rust sources change"),
    )
    .seen_at(&file, seen)
    .seen(why);
    for missing in &missing {
        finding = finding.seen(format!("no key fits {missing}"));
    }
    findings.push(
        finding
            .cause(
                "uv builds a project again only when a file changes that its cache keys name; \
                 without keys that is pyproject.toml alone",
            )
            .fix(Fix::new(Safety::Confirm, "name the Rust sources").configure(
                file,
                &["tool", "uv"],
                "cache-keys",
                suggestion(keys, &needed),
            ))
            .fix(Fix::new(Safety::Safe, "build it again this once").run([
                "uv",
                "sync",
                "--reinstall-package",
                name,
            ])),
    );
}

/// Why uv is taken to manage this project.
fn used_with_uv(facts: &Facts, pyproject: &Pyproject) -> Option<String> {
    if let Some(lock) = &facts.source_tree.uv_lock {
        return Some(format!("uv is used: {} exists", facts.short(lock)));
    }
    if pyproject.uses_uv {
        return Some("uv is used: pyproject.toml has a table for it".to_owned());
    }
    let made = facts.judged().find(|environment| {
        environment.has_role(Role::Project) && environment.python.kind == EnvironmentKind::UvVenv
    })?;
    Some(format!("uv is used: it made {}", facts.short(&made.python.prefix)))
}

/// A source file of every crate that goes into the module, relative to the project.
fn needed(facts: &Facts) -> BTreeSet<String> {
    let Some(first) = facts.project.maturin_crate() else {
        return BTreeSet::from(["src/lib.rs".to_owned()]);
    };
    let mut reached: Vec<&CrateManifest> = vec![first];
    let mut at = 0;
    while let Some(manifest) = reached.get(at).copied() {
        at += 1;
        for dependency in &manifest.dependencies {
            // Of the workspace's own crates, those that go into the module; not its tests'.
            let counts = dependency.kind != DependencyKind::Dev && dependency.location.is_some();
            let found = facts.project.crates.iter().find(|one| one.name == dependency.package);
            if let Some(found) = found.filter(|one| counts && !reached.contains(one)) {
                reached.push(found);
            }
        }
    }
    reached
        .into_iter()
        .filter_map(|manifest| {
            relative(&facts.project.root, manifest.path.parent()?).map(|directory| {
                if directory.is_empty() {
                    "src/lib.rs".to_owned()
                } else {
                    format!("{directory}/src/lib.rs")
                }
            })
        })
        .collect()
}

/// The way from one directory to another, with `..` where it leads up.
fn relative(from: &Path, to: &Path) -> Option<String> {
    let shared = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    let way: PathBuf = up.chain(to.components().skip(shared)).collect();
    way.to_str().map(|way| way.replace('\\', "/"))
}

/// What to write: the keys there are, and those that are needed.
fn suggestion(keys: Option<&[String]>, needed: &BTreeSet<String>) -> String {
    let entry = |pattern: &str| format!("{{ file = \"{pattern}\" }}");
    let mut entries: Vec<String> = match keys {
        None => vec![entry("pyproject.toml")],
        // Entries of another kind are kept as they are written.
        Some(keys) => keys
            .iter()
            .map(|key| if key.contains(" = ") { format!("{{ {key} }}") } else { entry(key) })
            .collect(),
    };
    for file in needed {
        let sources = file.trim_end_matches("lib.rs");
        let manifest = file.trim_end_matches("src/lib.rs");
        entries.push(entry(&format!("{sources}**/*.rs")));
        entries.push(entry(&format!("{manifest}Cargo.toml")));
    }
    entries.push(entry("Cargo.lock"));
    let mut unique: Vec<String> = Vec::new();
    for entry in entries {
        if !unique.contains(&entry) {
            unique.push(entry);
        }
    }
    format!("[{}]", unique.join(", "))
}

#[cfg(test)]
mod tests {
    use host::{HostPath, Seen};

    use super::*;
    use crate::testing::{dependency, healthy};
    use crate::{Dependency, MaturinConfig};

    fn manifest(directory: &str, name: &str, uses: &[&str]) -> CrateManifest {
        CrateManifest {
            path: HostPath::from(directory).join("Cargo.toml"),
            name: name.to_owned(),
            lib_name: name.replace('-', "_"),
            has_lib: true,
            dependencies: uses
                .iter()
                .map(|name| Dependency {
                    location: Some(format!("../{name}")),
                    ..dependency(name, None)
                })
                .collect(),
            ..CrateManifest::default()
        }
    }

    fn with_keys(keys: Option<&[&str]>) -> Facts {
        let mut facts = healthy();
        facts.source_tree.uv_lock = Some(facts.project.root.join("uv.lock"));
        facts.project.crates = vec![manifest("/home/dev/project", "example", &[])];
        facts.project.maturin_manifest = Some(facts.project.root.join("Cargo.toml"));
        if let Seen::Seen(pyproject) = &mut facts.project.pyproject {
            pyproject.build_backend = Some("maturin".to_owned());
            pyproject.maturin = Some(MaturinConfig::default());
            pyproject.uv_cache_keys =
                keys.map(|keys| keys.iter().map(|key| (*key).to_owned()).collect());
        }
        facts
    }

    pub(super) fn no_keys() -> Facts {
        with_keys(None)
    }

    pub(super) fn other_keys() -> Facts {
        with_keys(Some(&["pyproject.toml", "git = true"]))
    }

    pub(super) fn workspace_member_missing() -> Facts {
        let mut facts = covered();
        facts.project.crates = vec![
            manifest("/home/dev/project", "example", &["core"]),
            manifest("/home/dev/core", "core", &[]),
        ];
        facts
    }

    pub(super) fn covered() -> Facts {
        with_keys(Some(&["pyproject.toml", "src/**/*.rs", "Cargo.toml"]))
    }

    pub(super) fn everything() -> Facts {
        with_keys(Some(&["**/*"]))
    }

    pub(super) fn uv_not_used() -> Facts {
        let mut facts = no_keys();
        facts.source_tree.uv_lock = None;
        facts
    }

    pub(super) fn uv_never_builds() -> Facts {
        let mut facts = no_keys();
        if let Seen::Seen(pyproject) = &mut facts.project.pyproject {
            pyproject.uv_never_builds = Some("package = false".to_owned());
        }
        facts
    }

    pub(super) fn not_maturin() -> Facts {
        let mut facts = no_keys();
        if let Seen::Seen(pyproject) = &mut facts.project.pyproject {
            pyproject.build_backend = Some("hatchling.build".to_owned());
        }
        facts
    }

    #[test]
    fn the_suggestion_keeps_what_is_there_and_names_every_crate() {
        let facts = workspace_member_missing();
        let needed = needed(&facts);
        assert!(needed.contains("../core/src/lib.rs"), "{needed:?}");
        let text = suggestion(Some(&["git = true".to_owned()]), &needed);
        assert_eq!(
            text,
            "[{ git = true }, { file = \"../core/src/**/*.rs\" }, \
             { file = \"../core/Cargo.toml\" }, { file = \"src/**/*.rs\" }, \
             { file = \"Cargo.toml\" }, { file = \"Cargo.lock\" }]"
        );
    }
}
