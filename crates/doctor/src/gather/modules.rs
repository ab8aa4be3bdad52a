//! The extension modules of an environment, and what their bytes say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use host::{FileKind, Host, HostPath, Os, ReadError, Seen};
use pyenvs::Environment;

use super::cache::Cache;
use super::path;
use crate::ModuleFacts;

/// The largest module that is read. PyTorch's largest libraries are beyond; they are no modules.
const MODULE_LIMIT: u64 = 512 << 20;

/// The largest library that is read to see whether it is a module at all.
const LIBRARY_LIMIT: u64 = 64 << 20;

/// Names read of one directory.
const LIST_LIMIT: usize = 100_000;

/// Bounds of the walk through a directory that an editable install adds.
const WALK_DEPTH: usize = 5;
const WALK_DIRECTORIES: usize = 500;

/// A file that has the name of a module.
struct Candidate {
    file: PathBuf,
    import_name: String,
    suffix: String,
    package: Option<String>,
}

/// The modules that RECORDs list, those beside them, at the top of the package directories, and in
/// the sources of editable installs; in order of path. Modules for other Pythons are among them.
pub(super) fn gather(host: &Host, environment: &Environment, cache: &Cache) -> Vec<ModuleFacts> {
    let candidates = candidates(host, environment);
    let modules = host::in_parallel(candidates, |candidate| read(host, candidate, cache));
    modules.into_iter().flatten().collect()
}

fn candidates(host: &Host, environment: &Environment) -> Vec<Candidate> {
    let mut found = Found { environment, files: BTreeMap::new() };
    let mut directories: BTreeSet<(PathBuf, PathBuf)> = BTreeSet::new();
    let roots: Vec<&HostPath> =
        environment.site_packages.iter().chain(&environment.user_site).collect();
    for package in environment.packages.iter().chain(&environment.user_packages) {
        let Some(root) = package.path.parent() else { continue };
        for relative in &package.extension_modules {
            let file = root.join(relative);
            if found.add(&file, root, Some(&package.name))
                && let Some(directory) = file.parent()
            {
                directories.insert((directory.to_path_buf(), root.to_path_buf()));
            }
        }
    }
    directories.extend(roots.iter().map(|root| (root.to_path_buf(), root.to_path_buf())));
    for (directory, root) in &directories {
        for file in files_in(host, directory) {
            found.add(&file, root, None);
        }
    }
    for source in editable_sources(host, environment, &roots) {
        for directory in package_directories(host, &source.root, source.has_top) {
            for file in files_in(host, &directory) {
                found.add(&file, &source.root, source.package.as_deref());
            }
        }
    }
    found.files.into_values().collect()
}

struct Found<'a> {
    environment: &'a Environment,
    files: BTreeMap<PathBuf, Candidate>,
}

impl Found<'_> {
    /// Takes a file, if it has the name of a module that could be imported from `root`.
    fn add(&mut self, file: &Path, root: &Path, package: Option<&str>) -> bool {
        let Some((import_name, suffix)) = module_name(self.environment, file, root) else {
            return false;
        };
        self.files.entry(file.to_path_buf()).or_insert_with(|| Candidate {
            file: file.to_path_buf(),
            import_name,
            suffix,
            package: package.map(str::to_owned),
        });
        true
    }
}

/// The name by which a file would be imported, and the rest of its own name. `None` where no import
/// statement could name it.
fn module_name(environment: &Environment, file: &Path, root: &Path) -> Option<(String, String)> {
    let name = file.file_name()?.to_str()?;
    let extension = Path::new(name).extension()?;
    if extension != "so" && extension != "pyd" {
        return None;
    }
    let known = environment.abi.get().and_then(|abi| {
        abi.extension_suffixes
            .iter()
            .filter(|suffix| name.len() > suffix.len() && name.ends_with(suffix.as_str()))
            .find(|suffix| is_identifier(&name[..name.len() - suffix.len()]))
    });
    let stem = match known {
        Some(suffix) => &name[..name.len() - suffix.len()],
        None => name.split('.').next()?,
    };
    let suffix = &name[stem.len()..];
    if !is_identifier(stem) || !is_suffix(suffix) {
        return None;
    }
    let mut parts = Vec::new();
    for part in file.strip_prefix(root).ok()?.parent()?.components() {
        let part = part.as_os_str().to_str()?;
        if !is_identifier(part) {
            return None;
        }
        parts.push(part);
    }
    if stem != "__init__" {
        parts.push(stem);
    }
    (!parts.is_empty()).then(|| (parts.join("."), suffix.to_owned()))
}

fn is_identifier(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_alphanumeric() || letter == '_')
}

/// Whether this can follow the name of a module, for some Python: nothing but the extension, or one
/// tag before it. `.0.3.23.so` is the version of a library.
fn is_suffix(suffix: &str) -> bool {
    match suffix {
        ".so" | ".pyd" => true,
        _ => suffix.strip_prefix('.').and_then(|rest| rest.rsplit_once('.')).is_some_and(
            |(tag, _)| {
                !tag.contains('.')
                    && ["cpython-", "cp3", "pypy", "abi3", "graalpy"]
                        .iter()
                        .any(|start| tag.starts_with(start))
            },
        ),
    }
}

/// The files of a directory that end like a module.
fn files_in(host: &Host, directory: &Path) -> Vec<PathBuf> {
    let entries = host.list(directory, LIST_LIMIT).unwrap_or_default();
    entries
        .into_iter()
        .filter(|entry| matches!(entry.kind, FileKind::File | FileKind::Symlink))
        .filter(|entry| {
            entry.name_text().is_some_and(|n| n.ends_with(".so") || n.ends_with(".pyd"))
        })
        .map(|entry| directory.join(entry.name))
        .collect()
}

/// A directory of sources from which Python imports.
struct Source {
    root: PathBuf,
    package: Option<String>,
    /// Whether modules at its top can be imported, and not only those in packages.
    has_top: bool,
}

/// What `.pth` files add, and the projects that are installed as editable.
fn editable_sources(host: &Host, environment: &Environment, roots: &[&HostPath]) -> Vec<Source> {
    let editable: Vec<(&str, &HostPath)> = environment
        .packages
        .iter()
        .chain(&environment.user_packages)
        .filter_map(|package| Some((package.name.as_str(), package.editable.as_ref()?)))
        .collect();
    let owner = |directory: &Path| {
        let inside = editable.iter().filter(|(_, project)| directory.starts_with(project));
        inside
            .max_by_key(|(_, project)| project.as_os_str().len())
            .map(|(name, _)| (*name).to_owned())
    };
    let added = environment.pth_paths.iter().map(|(_, directory)| Source {
        root: directory.to_path_buf(),
        package: owner(directory),
        has_top: true,
    });
    let projects = editable.iter().flat_map(|(name, project)| {
        ["", "src", "python"].map(|below| Source {
            root: if below.is_empty() {
                project.to_path_buf()
            } else {
                project.join(below).to_path_buf()
            },
            package: Some((*name).to_owned()),
            has_top: false,
        })
    });
    let mut seen: Vec<PathBuf> = roots.iter().map(|root| root.to_path_buf()).collect();
    added
        .chain(projects)
        .filter(|source| {
            let is_new = !seen.contains(&source.root) && host.is_dir(&source.root);
            if is_new {
                seen.push(source.root.clone());
            }
            is_new
        })
        .collect()
}

/// The packages (directories with an `__init__.py`) below `root`, and `root` itself if asked for.
fn package_directories(host: &Host, root: &Path, with_root: bool) -> Vec<PathBuf> {
    let mut found = if with_root { vec![root.to_path_buf()] } else { Vec::new() };
    let mut pending = vec![(root.to_path_buf(), 0)];
    let mut looked_at = 0;
    while let Some((directory, depth)) = pending.pop() {
        let entries = host.list(&directory, LIST_LIMIT).unwrap_or_default();
        for entry in entries {
            let is_package =
                entry.kind == FileKind::Directory && entry.name_text().is_some_and(is_identifier);
            if !is_package || looked_at == WALK_DIRECTORIES {
                continue;
            }
            looked_at += 1;
            let inner = directory.join(&entry.name);
            if host.is_file(&inner.join("__init__.py")) {
                found.push(inner.clone());
                if depth < WALK_DEPTH {
                    pending.push((inner, depth + 1));
                }
            }
        }
    }
    found
}

fn read(host: &Host, candidate: Candidate, cache: &Cache) -> Option<ModuleFacts> {
    let Candidate { file, import_name, suffix, package } = candidate;
    // A file that RECORD lists may be gone.
    let metadata = host.metadata(&file).ok().filter(host::Metadata::is_file)?;
    let is_untagged = suffix == ".so" || (suffix == ".pyd" && host.os != Os::Windows);
    if is_untagged && metadata.len > LIBRARY_LIMIT {
        return None;
    }
    let native = cache.module(&metadata, || match host.read(&file, MODULE_LIMIT) {
        Ok(bytes) => Seen::from(artifacts::inspect(&bytes)),
        Err(error) => Seen::Broken(ReadError::reason(&error)),
    });
    // Without a tag it may be any library that ctypes loads. It is a module if it has an init
    // function; PyTorch's, which hands arrays to numpy, is of interest as well.
    let is_library = match &native {
        Seen::Seen(native) => native.init_functions.is_empty() && !native.numpy.imports_c_api,
        Seen::Broken(_) | Seen::Absent => import_name.rsplit('.').next()?.starts_with("lib"),
    };
    (!is_untagged || !is_library).then(|| ModuleFacts {
        path: path(file),
        import_name,
        suffix,
        package,
        len: metadata.len,
        modified_ns: metadata.modified_ns,
        native,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use pyenvs::EnvironmentKind;

    use super::*;
    use crate::testing::{bare_environment, package};

    /// A module that the C compiler of these tests would have made is not needed here: this program
    /// is an ELF file without an init function on Linux, and something else elsewhere.
    fn any_bytes(root: &Path, files: &[&str]) {
        for file in files {
            let file = root.join(file);
            fs_err::create_dir_all(file.parent().unwrap()).unwrap();
            fs_err::write(file, "no module at all").unwrap();
        }
    }

    fn names(
        prefix: &Path,
        prepare: impl FnOnce(&mut Environment, &Path),
    ) -> Vec<(String, Option<String>)> {
        let host = Host::current().unwrap();
        let text = prefix.display().to_string();
        let mut environment = bare_environment(&text, "3.11.7", EnvironmentKind::Venv).python;
        let site = environment.site_packages[0].to_path_buf();
        fs_err::create_dir_all(&site).unwrap();
        prepare(&mut environment, &site);
        let cache = Cache::open(&host, None, Path::new("/"));
        let modules = gather(&host, &environment, &cache);
        modules.into_iter().map(|module| (module.import_name, module.package)).collect()
    }

    fn owned(name: &str, package: &str) -> (String, Option<String>) {
        (name.to_owned(), Some(package.to_owned()))
    }

    fn alone(name: &str) -> (String, Option<String>) {
        (name.to_owned(), None)
    }

    #[test]
    fn listed_modules_their_siblings_and_the_top_are_found() {
        let root = tempfile::tempdir().unwrap();
        let found = names(root.path(), |environment, site| {
            any_bytes(
                site,
                &[
                    "pkg/_fast.cpython-311-x86_64-linux-gnu.so",
                    "pkg/_fast.cpython-310-x86_64-linux-gnu.so",
                    "pkg/_fast.abi3.so",
                    "top.cpython-311-x86_64-linux-gnu.so",
                    "pkg.libs/libgomp-a1.so",
                    "pkg/libhelper.so",
                    "pkg/libhelper.0.3.so",
                    "other/unseen.abi3.so",
                ],
            );
            let mut listed = package("pkg", "1.0", &path(site));
            listed.extension_modules = vec![
                "pkg/_fast.cpython-311-x86_64-linux-gnu.so".to_owned(),
                "pkg/gone.abi3.so".to_owned(),
                "pkg.libs/libgomp-a1.so".to_owned(),
            ];
            environment.packages = vec![listed];
        });
        assert_eq!(
            found,
            [alone("pkg._fast"), alone("pkg._fast"), owned("pkg._fast", "pkg"), alone("top"),]
        );
    }

    #[test]
    fn editable_sources_are_searched_by_package() {
        let root = tempfile::tempdir().unwrap();
        let project = root.path().join("project");
        any_bytes(
            &project,
            &[
                "python/demo/_demo.abi3.so",
                "python/demo/__init__.py",
                "python/demo/inner/__init__.py",
                "python/demo/inner/_deep.abi3.so",
                "target/debug/deps/lost.abi3.so",
            ],
        );
        let found = names(&root.path().join("venv"), |environment, site| {
            let mut demo = package("demo", "0.1.0", &path(site));
            demo.editable = Some(path(project.clone()));
            environment.packages = vec![demo];
            environment.pth_paths =
                vec![(path(site.join("demo.pth")), path(project.join("python")))];
        });
        assert_eq!(found, [owned("demo._demo", "demo"), owned("demo.inner._deep", "demo")]);
    }

    #[test]
    fn names_of_modules() {
        let environment = bare_environment("/v", "3.11.7", EnvironmentKind::Venv).python;
        let name = |file: &str| module_name(&environment, Path::new(file), Path::new("/s"));
        let some = |name: &str, suffix: &str| Some((name.to_owned(), suffix.to_owned()));
        assert_eq!(name("/s/a/b.abi3.so"), some("a.b", ".abi3.so"));
        assert_eq!(name("/s/a/__init__.so"), some("a", ".so"));
        assert_eq!(name("/s/b.cpython-39-darwin.so"), some("b", ".cpython-39-darwin.so"));
        assert_eq!(name("/s/c.cp312-win_amd64.pyd"), some("c", ".cp312-win_amd64.pyd"));
        for other in
            ["/s/x.libs/a.so", "/s/libopenblasp-r0.3.so", "/s/a.0.so", "/s/a.so.1", "/t/a.so"]
        {
            assert_eq!(name(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn whatever_the_name_an_import_statement_could_name_it(
            file in "(/|\\.|so|pyd|cpython-|abi3|_|a|\\PC)*",
        ) {
            let environment = bare_environment("/v", "3.11.7", EnvironmentKind::Venv).python;
            let file = Path::new("/s").join(file.trim_start_matches('/'));
            if let Some((name, suffix)) = module_name(&environment, &file, Path::new("/s")) {
                prop_assert!(name.split('.').all(is_identifier), "{name}");
                prop_assert!(suffix.starts_with('.'));
            }
        }
    }
}
