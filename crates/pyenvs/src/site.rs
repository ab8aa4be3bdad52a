//! Directories of installed packages.

use std::path::{Path, PathBuf};

use host::{FileKind, HostPath, Os};

use crate::context::Context;
use crate::{Environment, EnvironmentKind, Implementation, version};

/// The package directories of an installation, in `sys.path` order, those that exist.
pub(crate) fn of_installation(
    context: &Context<'_>,
    prefix: &Path,
    stdlib: Option<&Path>,
    environment: &Environment,
) -> Vec<PathBuf> {
    let Some(stdlib) = stdlib else { return Vec::new() };
    let mut directories = Vec::new();
    if let Some(version) = environment.version.get()
        && context.os() == Os::Linux
        && prefix == Path::new("/usr")
    {
        let (major, minor) = version::minor(version);
        // Debian keeps its own packages apart from those of `pip`.
        directories
            .push(PathBuf::from(format!("/usr/local/lib/python{major}.{minor}/dist-packages")));
        directories.push(prefix.join(format!("lib/python{major}/dist-packages")));
        directories.push(stdlib.join("dist-packages"));
        for lib in ["lib64", "lib"] {
            // Fedora does the same with a prefix of its own.
            let name = format!("/usr/local/{lib}/python{major}.{minor}/site-packages");
            directories.push(PathBuf::from(name));
        }
    }
    directories.extend(of_library(stdlib));
    directories.retain(|directory| context.host.is_dir(directory));
    directories.dedup();
    directories
}

fn of_library(stdlib: &Path) -> Vec<PathBuf> {
    let own = stdlib.join("site-packages");
    // A library in `lib64` holds compiled packages; pure ones are in `lib`.
    let pure = stdlib
        .parent()
        .filter(|lib| lib.file_name().is_some_and(|name| name == "lib64"))
        .and_then(|lib| Some(lib.with_file_name("lib").join(stdlib.file_name()?)))
        .map(|lib| lib.join("site-packages"));
    [Some(own), pure].into_iter().flatten().collect()
}

/// The package directories of a virtual environment, those that exist.
pub(crate) fn of_virtual(context: &Context<'_>, environment: &Environment) -> Vec<PathBuf> {
    let prefix = &environment.prefix;
    if context.os() == Os::Windows {
        let names = ["Lib/site-packages", "lib/site-packages"];
        return names
            .iter()
            .map(|name| prefix.as_path().join(name))
            .find(|directory| context.host.is_dir(directory))
            .into_iter()
            .collect();
    }
    let expected = library_name(environment).map(|name| {
        let lib = prefix.as_path().join("lib").join(name);
        lib.join("site-packages")
    });
    let mut found: Vec<PathBuf> =
        expected.into_iter().filter(|directory| context.host.is_dir(directory)).collect();
    if found.is_empty() {
        // The base changed its version under the environment, or nothing tells the version.
        found = crate::locate::standard_libraries(context, prefix)
            .into_iter()
            .map(|lib| lib.join("site-packages"))
            .filter(|directory| context.host.is_dir(directory))
            .collect();
    }
    let lib64 = prefix.join("lib64");
    if let Some(name) = library_name(environment)
        && context.host.symlink_metadata(&lib64).is_ok_and(|m| m.kind == FileKind::Directory)
    {
        let compiled = lib64.as_path().join(name).join("site-packages");
        if context.host.is_dir(&compiled) {
            found.insert(0, compiled);
        }
    }
    found
}

/// `python3.11`, `python3.13t`, `pypy3.10`.
fn library_name(environment: &Environment) -> Option<String> {
    let (major, minor) = version::minor(environment.version.get()?);
    let stem = match environment.implementation.get() {
        Some(Implementation::PyPy) => "pypy",
        Some(Implementation::GraalPy) => "graalpy",
        _ => "python",
    };
    let t = if environment.abi.get().is_some_and(|abi| abi.free_threaded) { "t" } else { "" };
    Some(format!("{stem}{major}.{minor}{t}"))
}

/// The user's own package directory, where this interpreter reads it and it exists.
pub(crate) fn user_site(context: &Context<'_>, environment: &Environment) -> Option<PathBuf> {
    let host = context.host;
    if host.variables.get("PYTHONNOUSERSITE").is_some() {
        return None;
    }
    if environment.kind.is_virtual()
        && !environment.pyvenv_cfg.as_ref().is_some_and(|cfg| cfg.include_system_site_packages)
    {
        return None;
    }
    let (major, minor) = version::minor(environment.version.get()?);
    let chosen = host.variables.path("PYTHONUSERBASE");
    let directory = match context.os() {
        Os::Windows if environment.kind == EnvironmentKind::WindowsStore => {
            store_user_site(context, &environment.prefix, (major, minor))?
        }
        Os::Windows => {
            let base = chosen.or_else(|| Some(host.variables.path("APPDATA")?.join("Python")))?;
            base.join(format!("Python{major}{minor}/site-packages"))
        }
        Os::Macos if chosen.is_none() && is_framework(environment) => host
            .home
            .as_ref()?
            .join(format!("Library/Python/{major}.{minor}/lib/python/site-packages")),
        Os::Linux | Os::Macos => {
            let base = chosen.or_else(|| Some(host.home.as_ref()?.join(".local")))?;
            base.join("lib").join(library_name(environment)?).join("site-packages")
        }
    };
    host.is_dir(&directory).then_some(directory)
}

/// Only framework builds use `~/Library/Python`.
fn is_framework(environment: &Environment) -> bool {
    let is_framework = |path: &HostPath| {
        path.to_str().is_some_and(|text| {
            text.contains("/Python.framework/") || text.contains("/Python3.framework/")
        })
    };
    environment.base_prefix.as_ref().is_some_and(is_framework)
        || environment.real_executable.as_ref().is_some_and(is_framework)
}

/// The Store's Python may not write beside itself; Windows redirects it to the package's own
/// directory.
fn store_user_site(
    context: &Context<'_>,
    prefix: &Path,
    (major, minor): (u64, u64),
) -> Option<PathBuf> {
    let package = prefix.file_name()?;
    let local = context.host.variables.path("LOCALAPPDATA")?;
    Some(
        local
            .join("Packages")
            .join(package)
            .join(format!("LocalCache/local-packages/Python{major}{minor}/site-packages")),
    )
}
