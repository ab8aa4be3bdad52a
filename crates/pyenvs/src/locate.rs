//! From a place to the environment there: its prefix, its interpreter, what makes it one.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use host::{FileKind, HostPath, Os};

use crate::candidate::{Candidate, Place, is_python_name};
use crate::context::Context;
use crate::paths::{self, Identity};
use crate::pyvenv_cfg::{self, CfgRead};
use crate::{EnvironmentKind, ProblemKind, pyenv, version};

/// How the Store's packages of Python are called.
pub(crate) const STORE_PACKAGE: &str = "PythonSoftwareFoundation.Python.";
/// Directories with more names than this are no `lib`.
const LIB_LIMIT: usize = 20_000;

/// An environment, before its facts are read.
#[derive(Debug, Clone)]
pub(crate) struct Located {
    pub(crate) prefix: PathBuf,
    pub(crate) key: Key,
    pub(crate) layout: Layout,
    /// The interpreter as a user names it; it may be a broken link.
    pub(crate) executable: Option<PathBuf>,
    /// The interpreter with every link followed.
    pub(crate) real_executable: Option<PathBuf>,
    /// What the source knew.
    pub(crate) kind: Option<EnvironmentKind>,
}

/// What makes two finds one environment. Several Pythons may share a prefix (`/usr`), so there
/// the name of the interpreter's real file counts too.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    prefix: Identity,
    interpreter: Option<OsString>,
}

/// What makes the directory an environment.
#[derive(Debug, Clone)]
pub(crate) enum Layout {
    /// It has a `pyvenv.cfg`, readable or not.
    Virtual(CfgRead),
    /// It has conda's `conda-meta`.
    Conda,
    /// An interpreter is installed there.
    Installation,
    /// Somebody named it, but it is not what it should be.
    Broken(ProblemKind, String),
}

/// The environment at a candidate's place, if there is one. A place that somebody named is an
/// environment even if it is a broken one.
pub(crate) fn locate(context: &Context<'_>, candidate: &Candidate) -> Option<Located> {
    let mut located = match &candidate.place {
        Place::Prefix(prefix) => at_prefix(context, prefix, candidate.named),
        Place::Executable(executable) => at_executable(context, executable, candidate.named),
    }?;
    located.kind = candidate.kind;
    Some(located)
}

fn at_prefix(context: &Context<'_>, prefix: &Path, named: bool) -> Option<Located> {
    let cfg = pyvenv_cfg::read(context.host, prefix);
    if !matches!(cfg, CfgRead::Missing) {
        let executable = virtual_interpreter(context, prefix);
        return Some(assemble(context, prefix, Layout::Virtual(cfg), executable));
    }
    if context.host.is_dir(&prefix.join("conda-meta")) {
        let executable = installed_interpreter(context, prefix);
        return Some(assemble(context, prefix, Layout::Conda, executable));
    }
    if let Some(layout) = lost_pyvenv_cfg(context, prefix) {
        let executable = virtual_interpreter(context, prefix);
        return Some(assemble(context, prefix, layout, executable));
    }
    if let Some(executable) = installed_interpreter(context, prefix) {
        let located = assemble(context, prefix, Layout::Installation, Some(executable));
        if named || has_standard_library(context, &located) {
            return Some(located);
        }
    }
    named.then(|| {
        let layout = if context.host.is_dir(prefix) {
            Layout::Broken(ProblemKind::NoInterpreter, "no interpreter in it".to_owned())
        } else {
            Layout::Broken(ProblemKind::MissingPrefix, "no such directory".to_owned())
        };
        assemble(context, prefix, layout, None)
    })
}

fn at_executable(context: &Context<'_>, executable: &Path, named: bool) -> Option<Located> {
    if pyenv::is_shim(context, executable) {
        let name = executable.file_name()?.to_str()?;
        let program = pyenv::which(context, name, &context.directory).ok()?;
        return if pyenv::is_shim(context, &program) {
            None
        } else {
            at_executable(context, &program, named)
        };
    }
    if let Some(located) = store_alias(context, executable) {
        return Some(located);
    }
    let directory = executable.parent()?;
    for prefix in [Some(directory), directory.parent()].into_iter().flatten() {
        let cfg = pyvenv_cfg::read(context.host, prefix);
        if !matches!(cfg, CfgRead::Missing) {
            let layout = Layout::Virtual(cfg);
            let usual = virtual_interpreter(context, prefix);
            let executable = usual.or_else(|| Some(executable.to_path_buf()));
            return Some(assemble(context, prefix, layout, executable));
        }
    }
    let Some(real) = context.real_interpreter(executable) else {
        let is_link = context.host.is_broken_link(executable);
        let prefix = prefix_of_interpreter(context.os(), executable)?;
        return named.then(|| {
            let layout = if is_link {
                Layout::Installation
            } else {
                Layout::Broken(ProblemKind::NoInterpreter, "no such file".to_owned())
            };
            let kept = is_link.then(|| executable.to_path_buf());
            assemble(context, &prefix, layout, kept)
        });
    };
    let real = behind_command_line_tools(context, real);
    let prefix = stable_prefix(context, prefix_of_interpreter(context.os(), &real)?);
    if !is_python_name(&real) {
        // A wrapper, or no Python at all: only running it would tell.
        let reason = "it is not called like an interpreter, and its files do not tell what it is";
        let layout = Layout::Broken(ProblemKind::Unreadable, reason.to_owned());
        let executable = Some(executable.to_path_buf());
        return named.then(|| assemble(context, &prefix, layout, executable));
    }
    let is_conda = context.host.is_dir(&prefix.join("conda-meta"));
    let layout = if is_conda { Layout::Conda } else { Layout::Installation };
    // The name by which it was found is kept where it lies in the environment itself.
    let named_as = if executable.starts_with(&prefix) {
        executable.to_path_buf()
    } else {
        installed_interpreter_like(context, &prefix, &real).unwrap_or_else(|| real.clone())
    };
    let located = assemble(context, &prefix, layout, Some(named_as));
    (named || is_conda || has_standard_library(context, &located)).then_some(located)
}

fn assemble(
    context: &Context<'_>,
    prefix: &Path,
    layout: Layout,
    executable: Option<PathBuf>,
) -> Located {
    let host = context.host;
    let real_executable = executable.as_ref().and_then(|path| context.real_interpreter(path));
    let shares_prefix = matches!(layout, Layout::Installation) && context.os() != Os::Windows;
    let interpreter = real_executable
        .as_ref()
        .filter(|_| shares_prefix)
        .and_then(|real| real.file_name())
        .map(ToOwned::to_owned);
    Located {
        key: Key { prefix: paths::identity(host, prefix), interpreter },
        prefix: prefix.to_path_buf(),
        layout,
        executable,
        real_executable,
        kind: None,
    }
}

/// The interpreter of a virtual environment. A broken link counts: it is what users run.
fn virtual_interpreter(context: &Context<'_>, prefix: &Path) -> Option<PathBuf> {
    let names: &[&str] = match context.os() {
        // Python of MSYS2 makes environments with `bin` on Windows too.
        Os::Windows => &["Scripts/python.exe", "bin/python.exe", "Scripts/pypy3.exe"],
        Os::Linux | Os::Macos => &["bin/python", "bin/python3", "bin/pypy3"],
    };
    names
        .iter()
        .map(|name| prefix.join(name))
        .find(|path| context.host.symlink_metadata(path).is_ok_and(|m| !m.is_dir()))
}

/// The interpreter that is installed in `prefix`.
fn installed_interpreter(context: &Context<'_>, prefix: &Path) -> Option<PathBuf> {
    let names: &[&str] = match context.os() {
        Os::Windows => &["python.exe", "pypy3.exe", "pypy.exe", "bin/python.exe"],
        Os::Linux | Os::Macos => {
            &["bin/python", "bin/python3", "bin/pypy3", "bin/pypy", "bin/graalpy"]
        }
    };
    let named = names.iter().map(|name| prefix.join(name)).find(|path| context.host.is_file(path));
    // A prefix may hold only the versioned name (`make altinstall`).
    if named.is_some() || context.os() == Os::Windows {
        return named;
    }
    let stdlib = standard_libraries(context, prefix).into_iter().next_back()?;
    let versioned = prefix.join("bin").join(stdlib.file_name()?);
    if context.host.is_file(&versioned) {
        return Some(versioned);
    }
    // A link that leads nowhere is what is left of it.
    names
        .iter()
        .map(|name| prefix.join(name))
        .find(|path| context.host.symlink_metadata(path).is_ok_and(|m| !m.is_dir()))
}

/// The shortest name in `prefix` that leads to the same file as `real`.
fn installed_interpreter_like(
    context: &Context<'_>,
    prefix: &Path,
    real: &Path,
) -> Option<PathBuf> {
    let names: &[&str] = match context.os() {
        Os::Windows => &["python.exe"],
        Os::Linux | Os::Macos => &["bin/python", "bin/python3"],
    };
    names
        .iter()
        .map(|name| prefix.join(name))
        .find(|path| context.real_interpreter(path).is_some_and(|found| found == real))
}

/// `sys.prefix` of an interpreter that is no virtual environment's: the directory above `bin`, or
/// on Windows the interpreter's own.
fn prefix_of_interpreter(os: Os, real: &Path) -> Option<PathBuf> {
    let directory = real.parent()?;
    let is_bin = directory.file_name().is_some_and(|name| name == "bin" || name == "Scripts");
    match os {
        _ if is_bin => directory.parent().map(Path::to_path_buf),
        Os::Windows => Some(directory.to_path_buf()),
        Os::Linux | Os::Macos => Some(directory.to_path_buf()),
    }
}

/// Homebrew's own interpreter calls itself by the stable `opt/python@3.12`, not by the directory
/// of this very release, which the next upgrade removes.
fn stable_prefix(context: &Context<'_>, prefix: PathBuf) -> PathBuf {
    let Some(text) = prefix.to_str() else { return prefix };
    let Some((brew, rest)) = text.split_once("/Cellar/") else { return prefix };
    let mut parts = rest.splitn(3, '/');
    let (Some(formula), Some(_release)) = (parts.next(), parts.next()) else { return prefix };
    let stable = match parts.next() {
        Some(inside) => format!("{brew}/opt/{formula}/{inside}"),
        None => format!("{brew}/opt/{formula}"),
    };
    let stable = PathBuf::from(stable);
    if paths::same(context.host, &stable, &prefix) { stable } else { prefix }
}

/// On macOS `/usr/bin/python3` starts the one of the command line tools.
fn behind_command_line_tools(context: &Context<'_>, real: PathBuf) -> PathBuf {
    if context.os() != Os::Macos || real != Path::new("/usr/bin/python3") {
        return real;
    }
    let tools = [
        "/Library/Developer/CommandLineTools/usr/bin/python3",
        "/Applications/Xcode.app/Contents/Developer/usr/bin/python3",
    ];
    tools.iter().find_map(|path| context.host.canonicalize(Path::new(path)).ok()).unwrap_or(real)
}

/// Aliases of the Microsoft Store are files without content: some start an installed Python, the
/// others offer the Store. `None` means it is no alias.
fn store_alias(context: &Context<'_>, executable: &Path) -> Option<Located> {
    if context.os() != Os::Windows {
        return None;
    }
    let directory = executable.parent()?;
    let is_package = directory.file_name()?.to_str()?.starts_with(STORE_PACKAGE);
    let aliases = if is_package { directory.parent()? } else { directory };
    if !aliases.file_name()?.to_str()?.eq_ignore_ascii_case("WindowsApps") {
        return None;
    }
    let metadata = context.host.symlink_metadata(executable).ok()?;
    if metadata.kind == FileKind::Directory || metadata.len != 0 {
        return None;
    }
    if is_package {
        let path = Some(executable.to_path_buf());
        return Some(assemble(context, directory, Layout::Installation, path));
    }
    let mut installed: Vec<PathBuf> = context
        .list(aliases)
        .into_iter()
        .filter(|entry| entry.name_text().is_some_and(|name| name.starts_with(STORE_PACKAGE)))
        .map(|entry| aliases.join(entry.name).join("python.exe"))
        .filter(|path| context.host.symlink_metadata(path).is_ok())
        .collect();
    // With several installed, the alias starts the newest unless the user says otherwise.
    if let Some(newest) = installed.pop() {
        return store_alias(context, &newest);
    }
    let layout = Layout::Broken(
        ProblemKind::EmptyInterpreter,
        "an alias that only opens the Microsoft Store".to_owned(),
    );
    Some(assemble(context, aliases, layout, Some(executable.to_path_buf())))
}

/// What is wrong with a directory that should have a `pyvenv.cfg`: it has an interpreter, packages
/// and `activate`, or it is a project's `.venv`, which maturin and uv then refuse.
fn lost_pyvenv_cfg(context: &Context<'_>, prefix: &Path) -> Option<Layout> {
    let host = context.host;
    let scripts = paths::scripts_directory(context.os(), prefix);
    let broken = |reason: &str| Layout::Broken(ProblemKind::NoPyvenvCfg, reason.to_owned());
    if host.is_file(&scripts.join("activate"))
        && virtual_interpreter(context, prefix).is_some()
        && has_site_packages(context, prefix)
        && !is_legacy_virtualenv(context, prefix)
    {
        return Some(broken("it has an interpreter, packages and `activate`, but no pyvenv.cfg"));
    }
    if prefix.file_name().is_none_or(|name| name != ".venv") {
        return None;
    }
    if host.is_dir(prefix) {
        return Some(broken("a `.venv` without pyvenv.cfg"));
    }
    let target = host.read_link(prefix).ok().filter(|_| host.is_broken_link(prefix))?;
    let detail = format!("a link to {}, which is not there", HostPath::new(target));
    Some(Layout::Broken(ProblemKind::MissingPrefix, detail))
}

/// virtualenv before 20 wrote no `pyvenv.cfg`, but a file of its own.
fn is_legacy_virtualenv(context: &Context<'_>, prefix: &Path) -> bool {
    standard_libraries(context, prefix)
        .iter()
        .any(|lib| context.host.is_file(&lib.join("orig-prefix.txt")))
}

fn has_site_packages(context: &Context<'_>, prefix: &Path) -> bool {
    match context.os() {
        Os::Windows => context.host.is_dir(&prefix.join("Lib/site-packages")),
        Os::Linux | Os::Macos => standard_libraries(context, prefix)
            .iter()
            .any(|lib| context.host.is_dir(&lib.join("site-packages"))),
    }
}

fn has_standard_library(context: &Context<'_>, located: &Located) -> bool {
    standard_library(context, &located.prefix, located.real_executable.as_deref()).is_some()
}

/// The standard library of the interpreter `real` in `prefix`.
pub(crate) fn standard_library(
    context: &Context<'_>,
    prefix: &Path,
    real: Option<&Path>,
) -> Option<PathBuf> {
    let host = context.host;
    if context.os() == Os::Windows {
        let lib = prefix.join("Lib");
        return host.is_file(&lib.join("os.py")).then_some(lib);
    }
    if let Some(name) = real.and_then(|real| real.file_name()?.to_str())
        && let Some((major, minor, flags)) = version::from_executable_name(name)
    {
        let stem = name.split(|c: char| c.is_ascii_digit()).next().unwrap_or("python");
        // Only the free-threaded build has a library directory of its own.
        let flags = if flags.contains('t') { "t" } else { "" };
        for lib in ["lib", "lib64"] {
            let found = prefix.join(lib).join(format!("{stem}{major}.{minor}{flags}"));
            if host.is_file(&found.join("os.py")) {
                return Some(found);
            }
        }
    }
    standard_libraries(context, prefix)
        .into_iter()
        .rev()
        .find(|lib| host.is_file(&lib.join("os.py")))
}

/// Directories called like a standard library in `lib`, oldest first.
pub(crate) fn standard_libraries(context: &Context<'_>, prefix: &Path) -> Vec<PathBuf> {
    let lib = prefix.join("lib");
    let mut found: Vec<((u64, u64), PathBuf)> = context
        .host
        .list(&lib, LIB_LIMIT)
        .unwrap_or_default()
        .iter()
        .filter(|entry| entry.kind != FileKind::File)
        .filter_map(|entry| {
            let name = entry.name_text()?;
            if !["python", "pypy", "graalpy"].iter().any(|start| name.starts_with(start)) {
                return None;
            }
            let (major, minor, _) = version::from_executable_name(name)?;
            Some(((major, minor), lib.join(name)))
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}
