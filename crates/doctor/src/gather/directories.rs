//! The directories that builds and installations will use: where they are, and what the file
//! systems they lie on can do.

use std::path::{Path, PathBuf};

use host::{FileKind, Host, HostPath, Mount, MountTable, Os, ProbeResults, Seen};
use pyenvs::EnvironmentKind;

use super::path;
use crate::{DirectoryFacts, DirectoryRole, EnvironmentFacts, ProjectFacts};

/// Entries listed in one directory when owners are looked at.
const LIST_LIMIT: usize = 300;

/// Entries of other users, and mounts inside a directory, that are kept.
const SHOWN: usize = 20;

/// Directories of a project in which builds leave what is to be shipped.
const OUTPUTS: &[&str] = &["dist", "wheelhouse", "build", "out"];

/// File systems that can do everything a build needs; on others the target directory is tried.
const ORDINARY: &[&str] = &[
    "bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "jfs", "overlay", "ramfs", "reiserfs",
    "tmpfs", "xfs", "zfs",
];

/// A directory that is to be looked at.
struct Wanted {
    role: DirectoryRole,
    path: PathBuf,
    chosen_by: String,
    /// Directories below it, whose entries' owners matter too.
    inner: Vec<PathBuf>,
}

pub(super) fn gather(
    host: &Host,
    project: &ProjectFacts,
    environments: &[EnvironmentFacts],
) -> Vec<DirectoryFacts> {
    let mounts = host.mounts();
    let wanted = wanted(host, project, environments);
    host::in_parallel(wanted, |wanted| look(host, &mounts, wanted))
}

fn wanted(host: &Host, project: &ProjectFacts, environments: &[EnvironmentFacts]) -> Vec<Wanted> {
    let simple = |role, path: PathBuf, chosen_by: &str| Wanted {
        role,
        path,
        chosen_by: chosen_by.to_owned(),
        inner: Vec::new(),
    };
    let mut wanted =
        vec![simple(DirectoryRole::Project, project.root.to_path_buf(), "the project")];
    if let Some((target, chosen_by)) = target_directory(host, project) {
        wanted.push(simple(DirectoryRole::Target, target, &chosen_by));
    }
    let (temporary, chosen_by) = temporary_directory(host);
    wanted.push(simple(DirectoryRole::Temporary, temporary, chosen_by));
    if project.workspace_root.is_some()
        && let Some((home, chosen_by)) = cargo_home(host)
    {
        wanted.push(simple(DirectoryRole::CargoHome, home, chosen_by));
    }
    if let Some(home) = &host.home {
        wanted.push(simple(DirectoryRole::Home, home.clone(), "the user's"));
    }
    for environment in environments.iter().filter(|environment| environment.judged) {
        wanted.push(Wanted {
            role: DirectoryRole::Environment,
            path: environment.python.prefix.to_path_buf(),
            chosen_by: "the project".to_owned(),
            inner: environment.python.site_packages.iter().map(|p| p.to_path_buf()).collect(),
        });
    }
    if uses_uv(project, environments)
        && let Some((cache, chosen_by)) = uv_cache(host)
    {
        wanted.push(simple(DirectoryRole::UvCache, cache, chosen_by));
    }
    wanted
}

/// cargo's own order: the two variables, then the nearest configuration, then `target` beside the
/// workspace's manifest.
fn target_directory(host: &Host, project: &ProjectFacts) -> Option<(PathBuf, String)> {
    let workspace = project.workspace_root.as_ref()?;
    for name in ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"] {
        if let Some(chosen) = host.variables.path(name) {
            return Some((host.absolute(&chosen), name.to_owned()));
        }
    }
    for configuration in &project.cargo_configs {
        if let Some(chosen) = &configuration.target_dir {
            let file = configuration.path.native(host.os);
            return Some((host.absolute(Path::new(chosen)), format!("build.target-dir in {file}")));
        }
    }
    Some((workspace.join("target").to_path_buf(), "default".to_owned()))
}

fn temporary_directory(host: &Host) -> (PathBuf, &'static str) {
    let names: &[&'static str] = match host.os {
        Os::Linux | Os::Macos => &["TMPDIR"],
        Os::Windows => &["TMP", "TEMP"],
    };
    for name in names {
        if let Some(chosen) = host.variables.path(name) {
            return (host.absolute(&chosen), name);
        }
    }
    let default = match (host.os, &host.home) {
        (Os::Linux | Os::Macos, _) => PathBuf::from("/tmp"),
        (Os::Windows, Some(home)) => home.join("AppData/Local/Temp"),
        (Os::Windows, None) => PathBuf::from("C:/Windows/Temp"),
    };
    (default, "default")
}

fn cargo_home(host: &Host) -> Option<(PathBuf, &'static str)> {
    if let Some(chosen) = host.variables.path("CARGO_HOME") {
        return Some((host.absolute(&chosen), "CARGO_HOME"));
    }
    Some((host.home.as_ref()?.join(".cargo"), "default"))
}

/// Whether uv installs into an environment here.
fn uses_uv(project: &ProjectFacts, environments: &[EnvironmentFacts]) -> bool {
    project.pyproject.get().is_some_and(|pyproject| pyproject.uses_uv)
        || environments.iter().any(|environment| {
            environment.judged && environment.python.kind == EnvironmentKind::UvVenv
        })
}

fn uv_cache(host: &Host) -> Option<(PathBuf, &'static str)> {
    if let Some(chosen) = host.variables.path("UV_CACHE_DIR") {
        return Some((host.absolute(&chosen), "UV_CACHE_DIR"));
    }
    if host.os == Os::Windows {
        return Some((host.variables.path("LOCALAPPDATA")?.join("uv/cache"), "default"));
    }
    match host.variables.path("XDG_CACHE_HOME") {
        Some(cache) if cache.is_absolute() => Some((cache.join("uv"), "XDG_CACHE_HOME")),
        _ => Some((host.home.as_ref()?.join(".cache/uv"), "default")),
    }
}

fn look(host: &Host, mounts: &MountTable, wanted: Wanted) -> DirectoryFacts {
    let nearest = nearest(host, &wanted.path);
    let exists = host.exists(&wanted.path);
    let metadata = host.metadata(&nearest).ok();
    let mount = mounts.of(&nearest).cloned();
    let probes = match &mount {
        Some(mount) if exists && may_try(wanted.role, mount) => host.probe_directory(&nearest),
        _ => ProbeResults::default(),
    };
    let foreign_owned = if exists { foreign_owned(host, &wanted, &nearest) } else { Vec::new() };
    let mounts_below = if exists {
        mounts.below(&nearest).map(|mount| mount.point.clone()).take(SHOWN).collect()
    } else {
        Vec::new()
    };
    DirectoryFacts {
        role: wanted.role,
        path: path(wanted.path),
        chosen_by: wanted.chosen_by,
        exists,
        device: metadata.as_ref().map_or(0, |metadata| metadata.device),
        owner: metadata.as_ref().filter(|_| host.user_id.is_some()).map(|metadata| metadata.uid),
        may_write: host.may_write(&nearest),
        space: host.space(&nearest),
        case_insensitive: case_insensitive(host, &nearest, mount.as_ref()),
        probes,
        foreign_owned,
        mounts_below,
        mount,
        nearest: path(nearest),
    }
}

/// The directory itself, or the nearest one above it that exists; links followed.
fn nearest(host: &Host, wanted: &Path) -> PathBuf {
    wanted
        .ancestors()
        .find_map(|candidate| host.canonicalize(candidate).ok())
        .unwrap_or_else(|| wanted.to_path_buf())
}

/// Experiments are made in cargo's target directory only, which is the tool's to write to, and
/// only where the kind of file system leaves doubt.
fn may_try(role: DirectoryRole, mount: &Mount) -> bool {
    role == DirectoryRole::Target
        && !mount.has_option("ro")
        && !ORDINARY.contains(&mount.file_system.as_str())
}

/// Looks for a name that exists with its letters' case swapped. Nothing is written.
fn case_insensitive(host: &Host, directory: &Path, mount: Option<&Mount>) -> Seen<bool> {
    if !host.is_real() {
        return Seen::Absent;
    }
    let is_mount_point = mount.is_some_and(|mount| mount.point.as_path() == directory);
    let name = if is_mount_point {
        // The directory's own name belongs to the file system above.
        host.list(directory, LIST_LIMIT).ok().and_then(|entries| {
            entries
                .into_iter()
                .map(|entry| directory.join(entry.name))
                .find(|p| swapped(p).is_some())
        })
    } else {
        directory.ancestors().find(|ancestor| swapped(ancestor).is_some()).map(Path::to_path_buf)
    };
    let Some(name) = name else { return Seen::Absent };
    let (Some(other), Ok(this)) = (swapped(&name), host.symlink_metadata(&name)) else {
        return Seen::Absent;
    };
    match host.symlink_metadata(&other) {
        Ok(found) if found.inode == this.inode && found.device == this.device => Seen::Seen(true),
        // Some file systems number a file anew under each of its spellings; a file of its own is
        // listed.
        Ok(_) => Seen::from(is_listed(host, &other).map(|listed| !listed)),
        Err(_) => Seen::Seen(false),
    }
}

/// Whether the directory lists exactly this name.
fn is_listed(host: &Host, path: &Path) -> Option<bool> {
    let entries = host.list(path.parent()?, LIST_LIMIT).ok()?;
    Some(entries.iter().any(|entry| Some(entry.name.as_os_str()) == path.file_name()))
}

/// The path with the case of its last name swapped, if that name has letters.
fn swapped(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let other: String =
        name.chars()
            .map(|c| {
                if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }
            })
            .collect();
    (other != name).then(|| path.with_file_name(other))
}

/// What another user owns in a directory that this user's builds write to, and this user may not
/// write to. Root may write everywhere, so nothing is looked at for root.
fn foreign_owned(host: &Host, wanted: &Wanted, nearest: &Path) -> Vec<(HostPath, u32)> {
    if wanted.role == DirectoryRole::Project {
        return foreign_outputs(host, nearest);
    }
    let is_written = matches!(
        wanted.role,
        DirectoryRole::Target
            | DirectoryRole::CargoHome
            | DirectoryRole::Environment
            | DirectoryRole::UvCache
    );
    let Some(user) = host.user_id.filter(|user| *user != 0 && is_written) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut inner = Vec::new();
    note_foreign(host, user, nearest, &mut found, &mut inner);
    // uv's cache holds thousands of entries on its second level, all made like the first.
    let second = match wanted.role {
        DirectoryRole::UvCache => Vec::new(),
        DirectoryRole::Environment => wanted.inner.clone(),
        _ => inner,
    };
    for directory in second {
        note_foreign(host, user, &directory, &mut found, &mut Vec::new());
    }
    found
}

/// Adds a directory's foreign entries to `found`, and its own directories to `inner`.
/// What builds have put into the project for its owner to use, and another user owns.
fn foreign_outputs(host: &Host, project: &Path) -> Vec<(HostPath, u32)> {
    let Some(user) = host.user_id.filter(|user| *user != 0) else { return Vec::new() };
    let mut found = Vec::new();
    for name in OUTPUTS {
        let output = project.join(name);
        match host.symlink_metadata(&output) {
            Ok(metadata) if metadata.is_dir() => {
                if metadata.uid != user && host.may_write(&output) == Seen::Seen(false) {
                    found.push((path(output), metadata.uid));
                } else {
                    note_foreign(host, user, &output, &mut found, &mut Vec::new());
                }
            }
            _ => {}
        }
    }
    found
}

fn note_foreign(
    host: &Host,
    user: u32,
    directory: &Path,
    found: &mut Vec<(HostPath, u32)>,
    inner: &mut Vec<PathBuf>,
) {
    for entry in host.list(directory, LIST_LIMIT).unwrap_or_default() {
        if entry.kind == FileKind::Symlink || found.len() >= SHOWN {
            continue;
        }
        let here = directory.join(&entry.name);
        let Ok(metadata) = host.symlink_metadata(&here) else { continue };
        if metadata.uid != user && host.may_write(&here) == Seen::Seen(false) {
            found.push((path(here), metadata.uid));
        } else if metadata.is_dir() {
            inner.push(here);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use host::{Arch, Machine};

    use super::*;
    use crate::CargoConfig;

    fn project(root: &str) -> ProjectFacts {
        ProjectFacts {
            root: HostPath::from(root),
            workspace_root: Some(HostPath::from(root)),
            ..ProjectFacts::default()
        }
    }

    fn windows(variables: &[(&str, &str)]) -> Host {
        Host::recorded(Machine {
            os: Os::Windows,
            arch: Arch::X86_64,
            working_directory: PathBuf::from("C:/work"),
            home: Some(PathBuf::from("C:/Users/dev")),
            variables: variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            files: BTreeMap::new(),
            binaries: BTreeMap::new(),
            directories: vec![PathBuf::from("C:/work")],
            links: BTreeMap::new(),
            registry: BTreeMap::new(),
        })
    }

    #[test]
    fn the_variable_wins_over_the_configuration_and_the_default() {
        let mut project = project("C:/work");
        let host = windows(&[]);
        assert_eq!(target_directory(&host, &project).unwrap().0, PathBuf::from("C:/work/target"));
        project.cargo_configs.push(CargoConfig {
            path: HostPath::from("C:/work/.cargo/config.toml"),
            target_dir: Some("C:/out".to_owned()),
            ..CargoConfig::default()
        });
        assert_eq!(target_directory(&host, &project).unwrap().0, PathBuf::from("C:/out"));
        let host = windows(&[("CARGO_TARGET_DIR", "C:\\t")]);
        assert_eq!(target_directory(&host, &project).unwrap().0, PathBuf::from("C:/t"));
    }

    #[test]
    fn a_project_without_a_manifest_has_no_target_directory() {
        let facts = gather(&windows(&[]), &ProjectFacts::default(), &[]);
        assert!(facts.iter().all(|directory| directory.role != DirectoryRole::Target));
        assert!(facts.iter().any(|directory| directory.role == DirectoryRole::Temporary));
    }

    #[test]
    fn a_directory_that_is_not_there_is_judged_by_the_nearest_above() {
        let root = tempfile::tempdir().unwrap();
        let host = Host::current().unwrap();
        let facts = gather(&host, &project(&root.path().join("a/b").display().to_string()), &[]);
        let target = facts.iter().find(|d| d.role == DirectoryRole::Target).unwrap();
        assert!(!target.exists);
        assert_eq!(target.nearest.as_path(), host.canonicalize(root.path()).unwrap());
        assert!(target.mount.is_some());
        assert!(target.space.is_seen());
    }

    #[test]
    fn experiments_are_for_doubtful_target_directories_only() {
        let mount = |file_system: &str, options: &[&str]| Mount {
            point: HostPath::from("/x"),
            file_system: file_system.to_owned(),
            source: String::new(),
            options: options.iter().map(|option| (*option).to_owned()).collect(),
        };
        assert!(may_try(DirectoryRole::Target, &mount("cifs", &["rw"])));
        assert!(!may_try(DirectoryRole::Target, &mount("cifs", &["ro"])));
        assert!(!may_try(DirectoryRole::Target, &mount("ext4", &["rw"])));
        assert!(!may_try(DirectoryRole::Temporary, &mount("cifs", &["rw"])));
    }

    #[test]
    fn case_is_told_by_looking() {
        let root = tempfile::Builder::new().prefix("Case").tempdir().unwrap();
        let host = Host::current().unwrap();
        assert!(case_insensitive(&host, root.path(), None).is_seen());
        assert_eq!(swapped(Path::new("/a/Bc1")), Some(PathBuf::from("/a/bC1")));
        assert_eq!(swapped(Path::new("/a/12")), None);
    }
}
