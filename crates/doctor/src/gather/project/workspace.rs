//! The Cargo workspace of a manifest: its root and every member.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use host::{Host, HostPath};

use super::super::path;
use super::manifest::{Manifest, Workspace};
use super::{TEXT_LIMIT, members, sources};
use crate::CrateManifest;

/// Members of one workspace at most.
const MEMBER_LIMIT: usize = 5_000;

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    /// The workspace's directory.
    pub(super) root: Option<PathBuf>,
    /// The crates, the root's own first, then by path.
    pub(super) crates: Vec<CrateManifest>,
    /// Manifests that could not be read, with the reason.
    pub(super) broken: Vec<(HostPath, String)>,
    /// Names that the workspace patches.
    pub(super) patched: Vec<String>,
    /// The manifest that was asked for and the workspace around it, if it is no member.
    pub(super) outside: Option<(HostPath, HostPath)>,
}

pub(super) fn gather(host: &Host, start: &Path) -> Found {
    let mut found = Found { root: start.parent().map(Path::to_path_buf), ..Found::default() };
    let started = match read(host, start) {
        Ok(manifest) => manifest,
        Err(reason) => {
            found.broken.push((path(start), reason));
            return found;
        }
    };
    let (root, workspace, is_declared) = match root_of(host, &started) {
        Some((root, workspace)) => (root, workspace, true),
        None => {
            let workspace = started.as_its_own_workspace();
            (started, workspace, false)
        }
    };
    let directory = root.directory().to_path_buf();
    found.root = Some(directory.clone());
    found.patched = workspace.patched.clone();
    collect(host, root, &workspace, &directory, &mut found);
    let root_manifest = directory.join("Cargo.toml");
    for manifest in &mut found.crates {
        manifest.is_mere_dependency = !is_declared && *manifest.path != *root_manifest;
    }
    if found.crates.iter().all(|manifest| *manifest.path != *start)
        && found.broken.iter().all(|(file, _)| **file != *start)
        && start != directory.join("Cargo.toml")
    {
        let reason = format!(
            "it lies in the workspace {} and is no member of it, so cargo refuses it",
            HostPath::new(directory.as_path()).native(host.os)
        );
        found.broken.push((path(start), reason));
        found.outside = Some((path(start), path(root_manifest.clone())));
    }
    found.crates.sort_by(|a, b| {
        let key =
            |manifest: &CrateManifest| (*manifest.path != *root_manifest, manifest.path.clone());
        key(a).cmp(&key(b))
    });
    found.broken.sort();
    found
}

fn read(host: &Host, file: &Path) -> Result<Manifest, String> {
    let text = host.read_text(file, TEXT_LIMIT).map_err(|error| error.reason())?;
    Manifest::parse(file, &text)
}

/// The manifest with `[workspace]` that a manifest belongs to: itself, the one it names, or the
/// nearest one above that does not exclude it.
fn root_of(host: &Host, started: &Manifest) -> Option<(Manifest, Workspace)> {
    if let Some(workspace) = started.workspace() {
        return Some((Manifest::parse_again(host, started)?, workspace));
    }
    if let Some(named) = started.named_workspace() {
        let file = host.absolute(&started.directory().join(named)).join("Cargo.toml");
        let root = read(host, &file).ok()?;
        let workspace = root.workspace()?;
        return Some((root, workspace));
    }
    for directory in started.directory().ancestors().skip(1) {
        let file = directory.join("Cargo.toml");
        let Ok(root) = read(host, &file) else { continue };
        let Some(workspace) = root.workspace() else { continue };
        if is_excluded(host, directory, &workspace, started.directory()) {
            return None;
        }
        return Some((root, workspace));
    }
    None
}

impl Manifest {
    /// The same manifest, read anew: a manifest is not copied, since tables may be large.
    fn parse_again(host: &Host, manifest: &Self) -> Option<Self> {
        read(host, &manifest.file).ok()
    }
}

/// Whether `exclude` names the directory and no member does.
fn is_excluded(host: &Host, root: &Path, workspace: &Workspace, directory: &Path) -> bool {
    let below = |name: &String| directory.starts_with(host.absolute(&root.join(name)));
    workspace.exclude.iter().any(below) && !workspace.members.iter().any(below)
}

/// Reads the members level by level: those that are named, then the directories within the
/// workspace that they depend on by path, which are members too.
fn collect(
    host: &Host,
    root: Manifest,
    workspace: &Workspace,
    directory: &Path,
    found: &mut Found,
) {
    let mut seen: BTreeSet<PathBuf> = BTreeSet::new();
    let mut level: Vec<(PathBuf, bool)> = Vec::new();
    for pattern in &workspace.members {
        let optional = members::has_wildcards(pattern);
        let named = members::expand(host, directory, pattern);
        level.extend(
            named
                .into_iter()
                .filter(|member| !is_excluded(host, directory, workspace, member))
                .map(|member| (member, optional)),
        );
    }
    seen.insert(directory.to_path_buf());
    let mut manifests = Vec::new();
    if root.is_package() {
        manifests.push(root);
    }
    loop {
        let fresh = host::in_parallel(manifests, |manifest| {
            describe(host, &manifest, workspace, directory)
        });
        let fresh: Vec<CrateManifest> = fresh.into_iter().flatten().collect();
        for manifest in &fresh {
            for dependency in &manifest.dependencies {
                let location = dependency.location.as_deref();
                if let Some(target) = location.and_then(|l| l.strip_prefix("path:")) {
                    let target = PathBuf::from(target);
                    if target.starts_with(directory)
                        && !is_excluded(host, directory, workspace, &target)
                    {
                        level.push((target, false));
                    }
                }
            }
        }
        found.crates.extend(fresh);
        level.retain(|(member, _)| seen.insert(member.clone()));
        level.truncate(MEMBER_LIMIT.saturating_sub(found.crates.len()));
        if level.is_empty() {
            return;
        }
        let results = host::in_parallel(level.drain(..), |(member, optional)| {
            let file = member.join("Cargo.toml");
            match host.read_text(&file, TEXT_LIMIT) {
                Err(error) if optional && error.is_not_found() => Ok(None),
                Err(error) => Err((path(&file), error.reason())),
                Ok(text) => match Manifest::parse(&file, &text) {
                    Ok(manifest) => Ok(Some(manifest)),
                    Err(reason) => Err((path(&file), reason)),
                },
            }
        });
        manifests = Vec::new();
        for result in results {
            match result {
                Ok(manifest) => manifests.extend(manifest),
                Err(broken) => found.broken.push(broken),
            }
        }
    }
}

fn describe(
    host: &Host,
    manifest: &Manifest,
    workspace: &Workspace,
    root: &Path,
) -> Option<CrateManifest> {
    let directory = manifest.directory();
    let library = directory.join(manifest.library_source().unwrap_or("src/lib.rs"));
    let absolute = |base: &Path, given: &str| host.absolute(&base.join(given));
    let mut described = manifest.read(workspace, root, host.is_file(&library), &absolute)?;
    described.library = described.has_lib.then(|| path(&library));
    if described.dependencies.iter().any(|dependency| dependency.package == "pyo3") {
        let scan = sources::Scan {
            library: &library,
            tests_are_off: manifest.tests_are_off(),
            is_linked_by_tests: described.crate_types.is_empty()
                || described.crate_types.iter().any(|kind| kind == "rlib" || kind == "lib"),
            programs: &manifest.program_sources(),
        };
        let found = sources::gather(host, directory, &scan);
        described.pymodules = found.pymodules;
        described.python_tests = found.python_tests;
        described.python_programs = found.python_programs;
    }
    Some(described)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = root.path().join(name);
            fs_err::create_dir_all(file.parent().unwrap()).unwrap();
            fs_err::write(file, text).unwrap();
        }
        root
    }

    fn names(found: &Found) -> Vec<&str> {
        found.crates.iter().map(|manifest| manifest.name.as_str()).collect()
    }

    const ROOT: &str = "[workspace]\nmembers = [\"crates/*\", \"tool\"]\nexclude = [\"crates/off\"]\n\
                        [workspace.package]\nversion = \"3.0.0\"\n";

    fn package(name: &str, rest: &str) -> String {
        format!("[package]\nname = \"{name}\"\nversion.workspace = true\n{rest}")
    }

    #[test]
    fn members_are_named_matched_and_followed_by_path() {
        let root = workspace(&[
            ("Cargo.toml", ROOT),
            (
                "crates/a/Cargo.toml",
                &package("a", "[dependencies]\nz = { path = \"../../hidden/z\" }\n"),
            ),
            ("crates/b/Cargo.toml", &package("b", "")),
            ("crates/off/Cargo.toml", &package("off", "")),
            ("crates/empty/readme.md", ""),
            ("tool/Cargo.toml", &package("tool", "")),
            ("hidden/z/Cargo.toml", &package("z", "")),
        ]);
        let host = Host::current().unwrap();
        // From a member, and from the root itself.
        for start in ["crates/b/Cargo.toml", "Cargo.toml"] {
            let found = gather(&host, &root.path().join(start));
            assert_eq!(found.root.as_deref(), Some(root.path()));
            assert_eq!(names(&found), ["a", "b", "z", "tool"]);
            assert!(found.broken.is_empty(), "{:?}", found.broken);
            assert_eq!(found.crates[0].version.as_deref(), Some("3.0.0"));
        }
        let found = gather(&host, &root.path().join("crates/off/Cargo.toml"));
        assert_eq!(names(&found), ["off"]);
        assert_eq!(found.root.as_deref(), Some(root.path().join("crates/off").as_path()));
    }

    #[test]
    fn a_member_that_is_missing_or_broken_is_told() {
        let root =
            workspace(&[("Cargo.toml", ROOT), ("crates/a/Cargo.toml", "[package]\nname = = 1\n")]);
        let found = gather(&Host::current().unwrap(), &root.path().join("Cargo.toml"));
        assert_eq!(found.broken.len(), 2);
        assert!(found.broken[0].1.starts_with("line 2,"), "{:?}", found.broken);
        assert!(found.crates.is_empty());
    }

    #[test]
    fn a_crate_that_no_workspace_wants_is_told() {
        let root = workspace(&[("Cargo.toml", ROOT), ("stray/Cargo.toml", &package("stray", ""))]);
        let found = gather(&Host::current().unwrap(), &root.path().join("stray/Cargo.toml"));
        let reasons: Vec<&str> = found.broken.iter().map(|(_, r)| r.as_str()).collect();
        assert!(reasons.iter().any(|reason| reason.contains("is no member")), "{reasons:?}");
    }

    #[test]
    #[cfg(unix)]
    fn circles_of_links_and_of_paths_end() {
        let root = workspace(&[
            ("Cargo.toml", "[workspace]\nmembers = [\"**\"]\n"),
            ("a/Cargo.toml", "[package]\nname = \"a\"\n[dependencies]\nb = { path = \"../b\" }\n"),
            ("b/Cargo.toml", "[package]\nname = \"b\"\n[dependencies]\na = { path = \"../a\" }\n"),
        ]);
        fs_err::os::unix::fs::symlink(root.path(), root.path().join("loop")).unwrap();
        let found = gather(&Host::current().unwrap(), &root.path().join("Cargo.toml"));
        assert_eq!(names(&found), ["a", "b"]);
    }

    #[test]
    fn without_a_workspace_what_a_crate_depends_on_is_no_member() {
        let root_text = "[package]\nname = \"a\"\n[dependencies]\nb = { path = \"b\" }\n";
        let root = workspace(&[("Cargo.toml", root_text), ("b/Cargo.toml", &package("b", ""))]);
        let mere = |root: &Path| -> Vec<bool> {
            let found = gather(&Host::current().unwrap(), &root.join("Cargo.toml"));
            found.crates.iter().map(|manifest| manifest.is_mere_dependency).collect()
        };
        assert_eq!(mere(root.path()), [false, true]);
        let declared = format!("{root_text}[workspace]\n");
        let root = workspace(&[("Cargo.toml", &declared), ("b/Cargo.toml", &package("b", ""))]);
        assert_eq!(mere(root.path()), [false, false]);
    }
}
