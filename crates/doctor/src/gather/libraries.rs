//! Shared libraries that the modules of an environment would be loaded with.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use artifacts::NativeModule;
use host::{Arch, FileKind, Host, HostPath, Os, Seen};
use pyenvs::Environment;

use super::cache::Cache;
use super::path;
use crate::{ModuleFacts, RuntimeLibrary};

/// The C++ runtime under its own name.
const CXX_RUNTIME: &str = "libstdc++.so.6";

/// The largest library or interpreter that is read.
const LIBRARY_LIMIT: u64 = 128 << 20;

/// Names read of one directory.
const LIST_LIMIT: usize = 100_000;

/// Bounds on the loader's configuration.
const CONFIGURATION_LIMIT: u64 = 64 << 10;
const CONFIGURATION_FILES: usize = 200;

/// The OpenMP runtimes in an environment: in the libraries of a conda prefix or of a virtual
/// environment (wheels may put files there), and those that packages brought along.
pub(super) fn openmp(host: &Host, environment: &Environment) -> Vec<HostPath> {
    let mut directories = Vec::new();
    if environment.kind.is_conda() || environment.kind.is_virtual() {
        directories.push(match host.os {
            Os::Windows => environment.prefix.join("Library/bin").to_path_buf(),
            Os::Linux | Os::Macos => environment.prefix.join("lib").to_path_buf(),
        });
    }
    for site in &environment.site_packages {
        for entry in host.list(site, LIST_LIMIT).unwrap_or_default() {
            let Some(name) = entry.name_text().filter(|_| entry.kind == FileKind::Directory) else {
                continue;
            };
            let directory = site.join(name).to_path_buf();
            if name.ends_with(".libs") {
                directories.push(directory);
            } else if !name.ends_with(".dist-info") && !name.starts_with('_') {
                // macOS' wheels, and PyTorch and its like.
                directories.push(directory.join(".dylibs"));
                directories.push(directory.join("lib"));
            }
        }
    }
    let mut found: Vec<HostPath> = directories
        .iter()
        .flat_map(|directory| {
            let entries = host.list(directory, LIST_LIMIT).unwrap_or_default();
            entries
                .into_iter()
                .filter(|entry| entry.name_text().is_some_and(is_openmp))
                .map(|entry| path(directory.join(entry.name)))
        })
        .collect();
    // Links to one file are one runtime.
    found.sort();
    let mut real: Vec<PathBuf> = Vec::new();
    found.retain(|file| {
        let target = host.canonicalize(file).unwrap_or_else(|_| file.to_path_buf());
        let is_new = !real.contains(&target);
        if is_new {
            real.push(target);
        }
        is_new
    });
    found
}

fn is_openmp(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let is_library = name.contains(".so") || name.ends_with(".dylib") || name.ends_with(".dll");
    let stem: &str = name.split(['.', '-']).next().unwrap_or_default();
    is_library && ["libiomp5", "libiomp5md", "libomp", "libgomp"].contains(&stem)
}

/// The C++ runtimes that the modules would be given, for those that need one by its plain name:
/// the one for all modules, and those that modules with search paths of their own find.
pub(super) fn runtimes(
    host: &Host,
    environment: &Environment,
    modules: &[ModuleFacts],
    cache: &Cache,
) -> Vec<RuntimeLibrary> {
    let needing: Vec<(&ModuleFacts, &NativeModule)> = modules
        .iter()
        .filter_map(|module| Some((module, module.native.get()?)))
        .filter(|(_, native)| native.version_needs.iter().any(|need| need.library == CXX_RUNTIME))
        .collect();
    if host.os != Os::Linux || needing.is_empty() {
        return Vec::new();
    }
    let loader = Loader::of(host, environment, cache);
    // Most modules look in the same places.
    let mut looked: HashMap<Vec<Place>, Option<Runtime>> = HashMap::new();
    let mut found: Vec<RuntimeLibrary> = Vec::new();
    for (module, native) in needing {
        let has_own = !native.search_paths.is_empty();
        let places = if has_own { loader.places_of(module, native) } else { loader.places() };
        let runtime = looked.entry(places).or_insert_with_key(|places| loader.find(places));
        let Some((file, because, library)) = runtime.clone() else { continue };
        let known = found
            .iter_mut()
            .find(|known| known.path == file && known.modules.is_empty() != has_own);
        match known {
            Some(known) if has_own => known.modules.push(module.path.clone()),
            Some(_) => {}
            None => found.push(RuntimeLibrary {
                name: CXX_RUNTIME.to_owned(),
                path: file,
                because,
                provides: library.version_definitions,
                modules: if has_own { vec![module.path.clone()] } else { Vec::new() },
            }),
        }
    }
    found
}

/// A directory in which the loader looks, and why.
type Place = (PathBuf, &'static str);

/// A runtime that the loader takes, and why.
type Runtime = (HostPath, String, NativeModule);

/// Where the loader looks for libraries of one interpreter's modules (`man 8 ld.so`).
struct Loader<'a> {
    host: &'a Host,
    cache: &'a Cache,
    architectures: Vec<Arch>,
    /// `DT_RPATH` of the interpreter, which holds for everything that it loads.
    interpreter: Vec<Place>,
    /// `LD_LIBRARY_PATH`.
    variable: Vec<Place>,
    /// The loader's configuration and its own directories.
    system: Vec<Place>,
}

impl<'a> Loader<'a> {
    fn of(host: &'a Host, environment: &Environment, cache: &'a Cache) -> Self {
        let why = if environment.kind.is_conda() {
            "the conda environment"
        } else {
            "the search path of the interpreter"
        };
        let interpreter = environment
            .real_executable
            .as_ref()
            .and_then(|file| {
                let native = read(host, cache, file)?;
                let directory = file.parent()?.to_path_buf();
                // With `DT_RUNPATH` it would hold for the interpreter alone.
                (!native.library_path_first).then(|| own_places(&native, &directory, why))
            })
            .unwrap_or_default();
        let variable = host.variables.paths(host.os, "LD_LIBRARY_PATH");
        let architectures = environment.architectures.get().cloned().unwrap_or_default();
        Self {
            host,
            cache,
            architectures,
            interpreter,
            variable: variable.into_iter().map(|place| (place, "LD_LIBRARY_PATH")).collect(),
            system: system_places(host),
        }
    }

    /// For a module without search paths.
    fn places(&self) -> Vec<Place> {
        [&self.interpreter, &self.variable, &self.system].into_iter().flatten().cloned().collect()
    }

    /// For a module with its own.
    fn places_of(&self, module: &ModuleFacts, native: &NativeModule) -> Vec<Place> {
        let directory = module.path.parent().unwrap_or(Path::new("/"));
        let real = self.host.canonicalize(directory).unwrap_or_else(|_| directory.to_path_buf());
        let own = own_places(native, &real, "the search path of the module");
        let order: [&[Place]; 4] = if native.library_path_first {
            // `DT_RUNPATH` also turns the interpreter's `DT_RPATH` off.
            [&self.variable, &own, &self.system, &[]]
        } else {
            [&own, &self.interpreter, &self.variable, &self.system]
        };
        order.into_iter().flatten().cloned().collect()
    }

    /// The first runtime for this processor.
    fn find(&self, places: &[Place]) -> Option<Runtime> {
        places.iter().find_map(|(directory, because)| {
            let file = directory.join(CXX_RUNTIME);
            let library = read(self.host, self.cache, &file)?;
            let fits = self.architectures.is_empty()
                || library
                    .architectures
                    .iter()
                    .any(|arch| self.architectures.contains(&Arch::from(arch.as_str())));
            fits.then(|| (path(file), (*because).to_owned(), library))
        })
    }
}

fn read(host: &Host, cache: &Cache, file: &Path) -> Option<NativeModule> {
    let metadata = host.metadata(file).ok().filter(host::Metadata::is_file)?;
    let native = cache.module(&metadata, || match host.read(file, LIBRARY_LIMIT) {
        Ok(bytes) => Seen::from(artifacts::inspect(&bytes)),
        Err(error) => Seen::Broken(error.reason()),
    });
    match native {
        Seen::Seen(native) => Some(native),
        Seen::Absent | Seen::Broken(_) => None,
    }
}

/// The search paths of a file in `directory`.
fn own_places(native: &NativeModule, directory: &Path, why: &'static str) -> Vec<Place> {
    let origin = directory.to_string_lossy();
    native
        .search_paths
        .iter()
        .map(|written| written.replace("${ORIGIN}", &origin).replace("$ORIGIN", &origin))
        .filter(|place| place.starts_with('/'))
        .map(|place| (PathBuf::from(place), why))
        .collect()
}

/// What `/etc/ld.so.conf` names, then the loader's own directories.
fn system_places(host: &Host) -> Vec<Place> {
    let mut directories = Vec::new();
    let mut pending = vec![PathBuf::from("/etc/ld.so.conf")];
    let mut read = 0;
    while let Some(file) = pending.pop() {
        read += 1;
        if read > CONFIGURATION_FILES {
            break;
        }
        let Ok(text) = host.read_text(&file, CONFIGURATION_LIMIT) else { continue };
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default().trim();
            match line.strip_prefix("include") {
                Some(pattern) => pending.extend(included(host, pattern.trim())),
                None if line.starts_with('/') => directories.push(PathBuf::from(line)),
                None => {}
            }
        }
    }
    let machine = host.arch.name();
    let triple = format!("{machine}-linux-gnu");
    for own in ["/lib", "/usr/lib"] {
        directories.push(Path::new(own).join(&triple));
        directories.push(PathBuf::from(format!("{own}64")));
        directories.push(PathBuf::from(own));
    }
    directories.into_iter().map(|directory| (directory, "the system")).collect()
}

/// The files of `include DIRECTORY/*.conf`, last first, as a stack takes them.
fn included(host: &Host, pattern: &str) -> Vec<PathBuf> {
    let pattern = Path::new("/etc").join(pattern);
    let (Some(directory), Some(name)) = (pattern.parent(), pattern.file_name()) else {
        return Vec::new();
    };
    let name = name.to_string_lossy();
    let Some((start, end)) = name.split_once('*') else { return vec![pattern] };
    let entries = host.list(directory, LIST_LIMIT).unwrap_or_default();
    entries
        .iter()
        .rev()
        .filter_map(|entry| entry.name_text())
        .filter(|name| name.starts_with(start) && name.ends_with(end))
        .map(|name| directory.join(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use pyenvs::EnvironmentKind;

    use super::*;
    use crate::testing::{bare_environment, native_module};

    #[test]
    fn openmp_runtimes_by_name() {
        for name in ["libgomp-a34b3233.so.1.0.0", "libiomp5.so", "libomp.dylib", "libiomp5md.dll"] {
            assert!(is_openmp(name), "{name}");
        }
        for name in ["libopenblas.so.0", "libompl.so", "libgomp.spec", "libiomp5.txt"] {
            assert!(!is_openmp(name), "{name}");
        }
    }

    #[test]
    fn runtimes_that_packages_bring_are_found_once() {
        let root = tempfile::tempdir().unwrap();
        let prefix = root.path().display().to_string();
        let environment = bare_environment(&prefix, "3.11.7", EnvironmentKind::Venv).python;
        let site = environment.site_packages[0].clone();
        for file in ["torch/lib/libgomp.so.1", "sklearn.libs/libgomp-a1.so.1", "x/y/libgomp.so.1"] {
            let file = site.join(file);
            fs_err::create_dir_all(file.parent().unwrap()).unwrap();
            fs_err::write(&file, "").unwrap();
        }
        #[cfg(unix)]
        fs_err::os::unix::fs::symlink("libgomp.so.1", site.join("torch/lib/libgomp.so")).unwrap();
        let found = openmp(&Host::current().unwrap(), &environment);
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn search_paths_are_taken_from_the_place_of_the_file() {
        let mut native = native_module("x");
        native.search_paths =
            ["$ORIGIN/../x.libs", "${ORIGIN}", "relative", "/opt/lib"].map(str::to_owned).to_vec();
        let places = own_places(&native, Path::new("/s/x"), "why");
        let places: Vec<&Path> = places.iter().map(|(place, _)| place.as_path()).collect();
        assert_eq!(places, [Path::new("/s/x/../x.libs"), Path::new("/s/x"), Path::new("/opt/lib")]);
    }

    /// The real runtime of this system in two directories, and modules that look for it.
    #[test]
    #[cfg(target_os = "linux")]
    fn the_loaders_order_is_followed() {
        let mut host = Host::current().unwrap();
        let real = system_places(&host)
            .into_iter()
            .map(|(directory, _)| directory.join(CXX_RUNTIME))
            .find(|file| host.is_file(file));
        let Some(real) = real else { return };
        let root = tempfile::tempdir().unwrap();
        let (own, variable) = (root.path().join("own"), root.path().join("variable"));
        for directory in [&own, &variable] {
            fs_err::create_dir(directory).unwrap();
            fs_err::copy(&real, directory.join(CXX_RUNTIME)).unwrap();
        }
        let environment = bare_environment("/nowhere", "3.11.7", EnvironmentKind::Venv).python;
        let found = |host: &Host, search_path: Option<&str>, library_path_first: bool| {
            let mut native = native_module("fast");
            native.version_needs = vec![artifacts::VersionNeed {
                library: CXX_RUNTIME.to_owned(),
                version: "GLIBCXX_3.4".to_owned(),
                weak: false,
            }];
            native.search_paths = search_path.into_iter().map(str::to_owned).collect();
            native.library_path_first = library_path_first;
            let module = ModuleFacts {
                path: path(root.path().join("package/fast.so")),
                import_name: "fast".to_owned(),
                suffix: ".so".to_owned(),
                package: None,
                len: 0,
                modified_ns: 0,
                native: Seen::Seen(native),
            };
            let cache = Cache::open(host, None, Path::new("/"));
            let mut runtimes = runtimes(host, &environment, &[module], &cache);
            assert_eq!(runtimes.len(), 1);
            let runtime = runtimes.remove(0);
            assert!(runtime.provides.iter().any(|version| version == "GLIBCXX_3.4"));
            assert_eq!(runtime.modules.is_empty(), search_path.is_none());
            runtime.path.parent().unwrap().to_path_buf()
        };
        fs_err::create_dir(root.path().join("package")).unwrap();
        let place = Some("$ORIGIN/../own");
        let in_own = |directory: PathBuf| directory.ends_with("own");
        assert_eq!(found(&host, None, false), real.parent().unwrap());
        assert!(in_own(found(&host, place, false)));
        host.variables.set("LD_LIBRARY_PATH", &variable);
        assert_eq!(found(&host, None, false), variable);
        assert!(in_own(found(&host, place, false)), "DT_RPATH goes before the variable");
        assert_eq!(found(&host, place, true), variable, "and DT_RUNPATH after it");
    }
}
