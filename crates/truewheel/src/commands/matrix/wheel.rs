//! The wheels that lie where the user says, for the lane `wheel`.

use std::path::{Path, PathBuf};

use host::{FileKind, Host};

use crate::failure::Failure;
use crate::pattern::is_match;

/// A directory with more files holds something else than wheels.
const FILES_LIMIT: usize = 10_000;
/// Longer files are no manifests.
const MANIFEST_LIMIT: u64 = 1 << 20;

/// The wheels at `place`, the newest first: the file itself, or those in a directory, or those that
/// fit a pattern in place of a file name.
///
/// # Errors
/// There are none, with the command that builds one.
pub(super) fn wheels(host: &Host, project: &Path, place: &Path) -> Result<Vec<PathBuf>, Failure> {
    let name = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if host.is_file(place) {
        if !is_wheel(&name) {
            return Err(Failure::input(format!("{} is not a wheel", place.display())).hint(cure(
                host,
                project,
                place.parent().unwrap_or(place),
            )));
        }
        return Ok(vec![place.to_path_buf()]);
    }
    let is_of_files = name.contains(['*', '?']) || is_wheel(&name);
    let (directory, pattern) = match place.parent() {
        Some(parent) if is_of_files && !host.is_dir(place) => (parent, name.as_str()),
        _ => (place, "*"),
    };
    let entries = host.list(directory, FILES_LIMIT).unwrap_or_default();
    let mut found: Vec<(i64, PathBuf)> = entries
        .iter()
        .filter_map(|entry| entry.name_text())
        .filter(|name| is_wheel(name) && is_match(pattern, name))
        .filter_map(|name| {
            let path = directory.join(name);
            let metadata = host.metadata(&path).ok().filter(host::Metadata::is_file)?;
            Some((metadata.modified_ns, path))
        })
        .collect();
    found.sort();
    if found.is_empty() {
        return Err(Failure::input(format!("there is no wheel at {}", place.display()))
            .hint(cure(host, project, directory)));
    }
    Ok(found.into_iter().rev().map(|(_, path)| path).collect())
}

fn is_wheel(name: &str) -> bool {
    name.ends_with(".whl")
}

/// The command that builds the project's wheel into a directory.
fn cure(host: &Host, project: &Path, directory: &Path) -> String {
    let quoted = |path: &Path| {
        // As short as it is when typed in the project.
        let path = path.strip_prefix(project).unwrap_or(path);
        host::quote(host.os, &path.display().to_string())
    };
    let crates = manifest(host, project);
    let manifest = crates.map(|path| format!(" --manifest-path {}", quoted(&path)));
    format!(
        "`maturin build --release{} --out {}` builds one; `--wheel PATH` and `wheel` in \
         `[matrix]` say where to look",
        manifest.unwrap_or_default(),
        quoted(directory)
    )
}

/// The manifest of the only crate of a workspace that maturin builds, where the project is no such
/// crate itself: two directories down, as `crates/example/Cargo.toml`.
fn manifest(host: &Host, project: &Path) -> Option<PathBuf> {
    let is_crate = |directory: &Path| {
        let text = host.read_text(&directory.join("pyproject.toml"), MANIFEST_LIMIT);
        host.is_file(&directory.join("Cargo.toml")) && text.is_ok_and(|t| t.contains("maturin"))
    };
    if is_crate(project) {
        return None;
    }
    let below = |directory: &Path| -> Vec<PathBuf> {
        let entries = host.list(directory, FILES_LIMIT).unwrap_or_default();
        let directories = entries.iter().filter(|entry| entry.kind == FileKind::Directory);
        directories.map(|entry| directory.join(&entry.name)).collect()
    };
    let first = below(project);
    let second = first.iter().flat_map(|directory| below(directory));
    let mut found = first.iter().cloned().chain(second).filter(|directory| is_crate(directory));
    let only = found.next()?;
    found.next().is_none().then(|| only.join("Cargo.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(place: &Path) -> Vec<String> {
        let found = wheels(&Host::current().unwrap(), Path::new("/"), place).unwrap();
        let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        found.iter().map(name).collect()
    }

    #[test]
    fn the_newest_of_a_directory_comes_first() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        for (name, age) in [("a-1.0-x.whl", 10), ("b-1.0-x.whl", 30), ("a-2.0-x.whl", 20)] {
            let file = fs_err::File::create(at(name)).unwrap();
            let now = std::time::SystemTime::now();
            file.set_modified(now - std::time::Duration::from_secs(age)).unwrap();
        }
        fs_err::write(at("a-3.0.tar.gz"), "").unwrap();
        fs_err::create_dir(at("c-1.0-x.whl")).unwrap();
        assert_eq!(names(directory.path()), ["a-1.0-x.whl", "a-2.0-x.whl", "b-1.0-x.whl"]);
        assert_eq!(names(&at("a-*.whl")), ["a-1.0-x.whl", "a-2.0-x.whl"]);
        assert_eq!(names(&at("b-1.0-x.whl")), ["b-1.0-x.whl"]);
    }

    #[test]
    fn what_is_no_wheel_is_refused_with_the_command_that_builds_one() {
        let directory = tempfile::tempdir().unwrap();
        let project = directory.path();
        let host = Host::current().unwrap();
        let said = |place: &str| {
            let refused = wheels(&host, project, &project.join(place)).unwrap_err();
            refused.render("truewheel").split_whitespace().collect::<Vec<_>>().join(" ")
        };
        fs_err::write(project.join("a.zip"), "").unwrap();
        assert!(said("a.zip").contains("a.zip is not a wheel"), "{}", said("a.zip"));
        for place in ["dist", "dist/*.whl", "dist/a-1.0-x.whl"] {
            assert!(said(place).contains("there is no wheel at"), "{}", said(place));
            assert!(said(place).contains("--out dist` builds one"), "{}", said(place));
        }
        let plain = "`maturin build --release --out dist` builds one";
        assert!(said("dist/*.whl").contains(plain), "{}", said("dist/*.whl"));

        let of_crate = |path: &str| {
            fs_err::create_dir_all(project.join(path)).unwrap();
            fs_err::write(project.join(path).join("Cargo.toml"), "").unwrap();
            let backend = "[build-system]\nbuild-backend = 'maturin'\n";
            fs_err::write(project.join(path).join("pyproject.toml"), backend).unwrap();
        };
        of_crate("crates/a b");
        let found = "`maturin build --release --manifest-path 'crates/a b/Cargo.toml' --out dist`";
        assert!(said("dist/*.whl").contains(found), "{}", said("dist/*.whl"));
        // Nobody knows which of two is meant.
        of_crate("python");
        assert!(said("dist/*.whl").contains(plain), "{}", said("dist/*.whl"));
    }
}
