//! Compares `Cargo.lock` with the manifests, as `cargo --locked` does, as far as files tell.
//!
//! Not seen: changes that only the registry's index can tell, such as a feature switched on that
//! brings a dependency of a dependency.

use std::collections::{BTreeMap, BTreeSet};

use host::HostPath;
use semver::{Version, VersionReq};

use crate::{CargoLock, CrateManifest, Dependency, DependencyKind, LockedPackage, ProjectFacts};

/// One way in which the lock file is behind the manifests.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mismatch {
    /// The manifest that says otherwise; none for a package that is left over.
    pub(super) manifest: Option<HostPath>,
    /// What differs.
    pub(super) what: String,
}

/// Everything in which `lock` is behind the manifests of `project`.
pub(super) fn compare(project: &ProjectFacts, lock: &CargoLock) -> Vec<Mismatch> {
    let index = Index::new(lock);
    let mut mismatches = Vec::new();
    let mut reached: BTreeSet<usize> = BTreeSet::new();
    for manifest in &project.crates {
        match index.member(manifest) {
            Ok(member) => {
                reached.insert(member);
                compare_member(project, manifest, member, &index, &mut mismatches);
            }
            Err(what) => {
                mismatches.push(Mismatch { manifest: Some(manifest.path.clone()), what });
            }
        }
    }
    for what in index.left_over(reached) {
        mismatches.push(Mismatch { manifest: None, what });
    }
    mismatches.sort();
    mismatches.dedup();
    mismatches
}

fn compare_member(
    project: &ProjectFacts,
    manifest: &CrateManifest,
    member: usize,
    index: &Index<'_>,
    mismatches: &mut Vec<Mismatch>,
) {
    let mut say = |what| mismatches.push(Mismatch { manifest: Some(manifest.path.clone()), what });
    let locked: Vec<&LockedPackage> = index.dependencies(member).collect();
    let mut used: BTreeSet<(&str, &str)> = BTreeSet::new();
    for dependency in &manifest.dependencies {
        let named: Vec<&LockedPackage> =
            locked.iter().copied().filter(|package| package.name == dependency.package).collect();
        // Of a crate that is only depended on, cargo resolves what is needed and no more.
        let is_spare = dependency.optional || dependency.kind == DependencyKind::Dev;
        if named.is_empty() && manifest.is_mere_dependency && is_spare {
            continue;
        }
        if named.is_empty() {
            say(format!("asks for {}, which the lock file does not give it", asked(dependency)));
            continue;
        }
        let is_patched = project.patched.contains(&dependency.package);
        let fitting = named.iter().find(|package| fits(dependency, package, is_patched));
        match fitting {
            Some(package) => {
                used.insert((package.name.as_str(), package.version.as_str()));
            }
            None => {
                used.extend(named.iter().map(|p| (p.name.as_str(), p.version.as_str())));
                let versions: Vec<&str> = named.iter().map(|p| p.version.as_str()).collect();
                say(format!(
                    "asks for {}, and the lock file has {} {}",
                    asked(dependency),
                    dependency.package,
                    versions.join(" and ")
                ));
            }
        }
    }
    for package in locked {
        if !used.contains(&(package.name.as_str(), package.version.as_str())) {
            say(format!(
                "does not ask for {} {}, which the lock file gives it",
                package.name, package.version
            ));
        }
    }
}

fn asked(dependency: &Dependency) -> String {
    let requirement = dependency.requirement.as_deref().unwrap_or("*");
    match dependency.location.as_deref().and_then(|location| location.split_once(':')) {
        Some((kind, _)) => format!("{} (from a {kind})", dependency.package),
        None => format!("{} {requirement}", dependency.package),
    }
}

/// Whether a locked package is what a dependency asks for: its version, and the kind of place it
/// comes from.
fn fits(dependency: &Dependency, package: &LockedPackage, is_patched: bool) -> bool {
    let version_fits = match (&dependency.requirement, Version::parse(&package.version)) {
        (Some(text), Ok(version)) => {
            VersionReq::parse(text).is_ok_and(|requirement| requirement.matches(&version))
        }
        (None, _) => true,
        (Some(_), Err(_)) => false,
    };
    let source = package.source.as_deref();
    let place_fits = match dependency.location.as_deref() {
        _ if is_patched => true,
        Some(location) if location.starts_with("path:") => source.is_none(),
        Some(_) => source.is_some_and(|source| source.starts_with("git+")),
        None => source.is_some_and(|source| !source.starts_with("git+")),
    };
    version_fits && place_fits
}

/// The packages of a lock file, by name.
struct Index<'a> {
    packages: &'a [LockedPackage],
    by_name: BTreeMap<&'a str, Vec<usize>>,
}

impl<'a> Index<'a> {
    fn new(lock: &'a CargoLock) -> Self {
        let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (position, package) in lock.packages.iter().enumerate() {
            by_name.entry(package.name.as_str()).or_default().push(position);
        }
        Self { packages: &lock.packages, by_name }
    }

    /// The entry of a crate of the workspace, or how it is missing.
    fn member(&self, manifest: &CrateManifest) -> Result<usize, String> {
        let local: Vec<usize> = self
            .by_name
            .get(manifest.name.as_str())
            .into_iter()
            .flatten()
            .copied()
            .filter(|position| self.packages[*position].source.is_none())
            .collect();
        // A manifest without a version counts as 0.0.0.
        let version = manifest.version.as_deref().unwrap_or("0.0.0");
        match local.iter().find(|position| self.packages[**position].version == version) {
            Some(position) => Ok(*position),
            None if local.is_empty() => {
                Err(format!("the crate {} is not in the lock file", manifest.name))
            }
            None => Err(format!(
                "the crate {} has version {version}, and the lock file has {}",
                manifest.name, self.packages[local[0]].version
            )),
        }
    }

    /// The packages that an entry depends on, where they can be told apart.
    fn dependencies(&self, position: usize) -> impl Iterator<Item = &'a LockedPackage> {
        let packages = self.packages;
        packages[position]
            .dependencies
            .iter()
            .filter_map(|entry| self.resolve(entry))
            .map(|position| &packages[position])
    }

    /// `name`, `name version` or `name version (source)`.
    fn resolve(&self, entry: &str) -> Option<usize> {
        let mut parts = entry.splitn(3, ' ');
        let (name, version, source) = (parts.next()?, parts.next(), parts.next());
        let source = source.map(|text| text.trim_start_matches('(').trim_end_matches(')'));
        self.by_name.get(name)?.iter().copied().find(|position| {
            let package = &self.packages[*position];
            version.is_none_or(|version| package.version == version)
                && source.is_none_or(|source| package.source.as_deref() == Some(source))
        })
    }

    /// Packages of a registry or a repository that nothing in the workspace leads to any more. A crate
    /// of the machine that is left over is none: cargo skips it when it reads the file, and does not
    /// miss it when it compares (`into_resolve` in `core/resolver/encode.rs`).
    fn left_over(&self, members: BTreeSet<usize>) -> Vec<String> {
        let mut reached = members.clone();
        let mut pending: Vec<usize> = members.into_iter().collect();
        while let Some(position) = pending.pop() {
            for entry in &self.packages[position].dependencies {
                if let Some(next) = self.resolve(entry)
                    && reached.insert(next)
                {
                    pending.push(next);
                }
            }
        }
        self.packages
            .iter()
            .enumerate()
            .filter(|(position, package)| !reached.contains(position) && package.source.is_some())
            .map(|(_, package)| {
                format!("nothing asks for {} {} any more", package.name, package.version)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::dependency;

    const REGISTRY: &str = "registry+https://example.org/index";

    fn locked(name: &str, version: &str, source: Option<&str>, needs: &[&str]) -> LockedPackage {
        LockedPackage {
            name: name.to_owned(),
            version: version.to_owned(),
            source: source.map(str::to_owned),
            dependencies: needs.iter().map(|need| (*need).to_owned()).collect(),
        }
    }

    fn needs(name: &str, requirement: &str) -> Dependency {
        dependency(name, Some(requirement))
    }

    fn project(dependencies: Vec<Dependency>) -> ProjectFacts {
        ProjectFacts {
            crates: vec![CrateManifest {
                path: HostPath::from("/p/Cargo.toml"),
                name: "app".to_owned(),
                version: Some("0.1.0".to_owned()),
                dependencies,
                ..CrateManifest::default()
            }],
            ..ProjectFacts::default()
        }
    }

    fn lock(packages: Vec<LockedPackage>) -> CargoLock {
        CargoLock { path: HostPath::from("/p/Cargo.lock"), version: 4, packages }
    }

    fn said(project: &ProjectFacts, lock: &CargoLock) -> Vec<String> {
        compare(project, lock).into_iter().map(|mismatch| mismatch.what).collect()
    }

    #[test]
    fn a_lock_file_that_fits_is_silent() {
        let lock = lock(vec![
            locked("app", "0.1.0", None, &["semver 1.0.5", "toml"]),
            locked("semver", "0.9.0", Some(REGISTRY), &[]),
            locked("semver", "1.0.5", Some(REGISTRY), &[]),
            locked("toml", "0.5.0", Some(REGISTRY), &["semver 0.9.0"]),
        ]);
        let project = project(vec![needs("semver", "1"), needs("toml", "0.5")]);
        assert_eq!(said(&project, &lock), Vec::<String>::new());
    }

    #[test]
    fn every_kind_of_difference_is_named() {
        let lock = lock(vec![
            locked("app", "0.1.0", None, &["gone", "old"]),
            locked("gone", "1.0.0", Some(REGISTRY), &[]),
            locked("old", "1.0.0", Some(REGISTRY), &[]),
            locked("orphan", "2.0.0", Some(REGISTRY), &[]),
            locked("left-the-workspace", "0.1.0", None, &["gone"]),
        ]);
        let mut project = project(vec![needs("old", "2"), needs("new", "0.3")]);
        assert_eq!(
            said(&project, &lock),
            [
                "nothing asks for orphan 2.0.0 any more",
                "asks for new 0.3, which the lock file does not give it",
                "asks for old 2, and the lock file has old 1.0.0",
                "does not ask for gone 1.0.0, which the lock file gives it",
            ]
        );
        project.crates[0].version = Some("0.2.0".to_owned());
        assert!(
            said(&project, &lock).contains(
                &"the crate app has version 0.2.0, and the lock file has 0.1.0".to_owned()
            )
        );
        project.crates[0].name = "other".to_owned();
        assert!(
            said(&project, &lock).contains(&"the crate other is not in the lock file".to_owned())
        );
    }

    #[test]
    fn where_a_package_comes_from_counts_unless_it_is_patched() {
        let git = "git+https://example.org/dep#0123";
        let lock = lock(vec![
            locked("app", "0.1.0", None, &["dep"]),
            locked("dep", "1.0.0", Some(git), &[]),
        ]);
        let mut project = project(vec![needs("dep", "1")]);
        assert_eq!(said(&project, &lock).len(), 1);
        project.patched.push("dep".to_owned());
        assert!(said(&project, &lock).is_empty());
        project.patched.clear();
        project.crates[0].dependencies[0].location = Some("git:https://example.org/dep".to_owned());
        assert!(said(&project, &lock).is_empty());
    }

    #[test]
    fn of_a_crate_that_is_only_depended_on_neither_tests_nor_options_are_locked() {
        let lock =
            lock(vec![locked("app", "0.1.0", None, &["part"]), locked("part", "0.1.0", None, &[])]);
        let path = Dependency {
            requirement: None,
            location: Some("path:/p/part".to_owned()),
            ..needs("part", "")
        };
        let mut project = project(vec![path]);
        project.crates.push(CrateManifest {
            path: HostPath::from("/p/part/Cargo.toml"),
            name: "part".to_owned(),
            version: Some("0.1.0".to_owned()),
            dependencies: vec![
                Dependency { optional: true, ..needs("maybe", "1") },
                Dependency { kind: DependencyKind::Dev, ..needs("tests", "1") },
            ],
            is_mere_dependency: true,
            ..CrateManifest::default()
        });
        assert_eq!(said(&project, &lock), Vec::<String>::new());
        project.crates[1].is_mere_dependency = false;
        assert_eq!(said(&project, &lock).len(), 2);
    }

    #[test]
    fn circles_and_entries_that_lead_nowhere_do_no_harm() {
        let lock = lock(vec![
            locked("app", "0.1.0", None, &["a", "missing 1.0.0 (registry+x)"]),
            locked("a", "1.0.0", Some(REGISTRY), &["b"]),
            locked("b", "1.0.0", Some(REGISTRY), &["a"]),
        ]);
        assert!(said(&project(vec![needs("a", "1")]), &lock).is_empty());
    }
}
