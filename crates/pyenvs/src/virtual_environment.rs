//! The facts of a virtual environment: what its few files say, and the rest from its base.

use std::path::{Path, PathBuf};

use host::{HostPath, Os, Seen};
use pep440_rs::Version;

use crate::context::Context;
use crate::locate::{Layout, Located};
use crate::pyvenv_cfg::CfgRead;
use crate::scripts::Interpreter;
use crate::{
    Environment, Problem, ProblemKind, activate, installation, kinds, locate, paths, pyvenv_cfg,
    scripts, site, version,
};

/// Reads the environment; `base` is the environment it was made from, where that was found.
pub(crate) fn read(
    context: &Context<'_>,
    located: &Located,
    base: Option<&Environment>,
) -> Environment {
    let mut environment = Environment::of_prefix(HostPath::from(located.prefix.as_path()));
    environment.executable = located.executable.clone().map(HostPath::new);
    environment.real_executable = located.real_executable.clone().map(HostPath::new);
    match &located.layout {
        Layout::Virtual(CfgRead::Read(cfg)) => environment.pyvenv_cfg = Some(cfg.clone()),
        Layout::Virtual(CfgRead::Unreadable(reason)) => environment.problems.push(Problem {
            kind: ProblemKind::UnreadablePyvenvCfg,
            path: environment.prefix.join("pyvenv.cfg"),
            detail: reason.clone(),
        }),
        Layout::Broken(kind, detail) => environment.problems.push(Problem {
            kind: *kind,
            path: environment.prefix.clone(),
            detail: detail.clone(),
        }),
        Layout::Virtual(CfgRead::Missing) | Layout::Conda | Layout::Installation => {}
    }
    environment.kind = kinds::of_virtual(environment.pyvenv_cfg.as_ref());
    note_interpreter(context, located, &mut environment);
    note_home(context, &mut environment);
    take_from_base(&mut environment, base);
    if !environment.version.is_seen() {
        environment.version =
            version_of_library(context, &environment).unwrap_or(environment.version);
    }
    environment.activate_path = activate::virtual_env(context, &located.prefix).map(HostPath::new);
    note_move(context, &mut environment);
    environment.site_packages =
        site::of_virtual(context, &environment).into_iter().map(HostPath::new).collect();
    environment.user_site = site::user_site(context, &environment).map(HostPath::new);
    environment
}

/// The interpreter that the environment was made with, for looking its base up.
pub(crate) fn base_executable(context: &Context<'_>, located: &Located) -> Option<PathBuf> {
    let Layout::Virtual(CfgRead::Read(cfg)) = &located.layout else {
        return located.real_executable.clone().filter(|real| !real.starts_with(&located.prefix));
    };
    let outside = |path: &PathBuf| !path.starts_with(&located.prefix);
    if let Some(real) = located.real_executable.clone().filter(outside) {
        return Some(real);
    }
    let home = cfg.home.as_ref().map(HostPath::as_path);
    let names: &[&str] = match context.os() {
        Os::Windows => &["python.exe"],
        Os::Linux | Os::Macos => &["python3", "python", "pypy3"],
    };
    let in_home = home.into_iter().flat_map(|home| names.iter().map(|name| home.join(name)));
    cfg.base_executable
        .as_ref()
        .map(|path| path.as_path().to_path_buf())
        .into_iter()
        .chain(in_home)
        .filter(outside)
        .find(|path| context.host.symlink_metadata(path).is_ok())
}

fn note_interpreter(context: &Context<'_>, located: &Located, environment: &mut Environment) {
    let os = context.os();
    let Some(executable) = environment.executable.clone() else {
        // An empty `.venv` has one fault, not two.
        if matches!(located.layout, Layout::Broken(..)) {
            return;
        }
        let name = if os == Os::Windows { "python.exe" } else { "python" };
        let scripts = paths::scripts_directory(os, &environment.prefix);
        environment.problems.push(Problem {
            kind: ProblemKind::NoInterpreter,
            path: HostPath::new(scripts.join(name)),
            detail: "no such file".to_owned(),
        });
        return;
    };
    if environment.real_executable.is_none() {
        environment.problems.push(installation::broken_link(context, &executable));
    } else if os == Os::Windows && context.host.metadata(&executable).is_ok_and(|m| m.len == 0) {
        environment.problems.push(Problem {
            kind: ProblemKind::EmptyInterpreter,
            path: executable,
            detail: "an empty file".to_owned(),
        });
    }
}

fn note_home(context: &Context<'_>, environment: &mut Environment) {
    let Some(cfg) = &environment.pyvenv_cfg else { return };
    let Some(home) = &cfg.home else { return };
    if !context.host.is_dir(home) {
        environment.problems.push(Problem {
            kind: ProblemKind::MissingHome,
            path: cfg.path.clone(),
            detail: format!("`home = {home}` does not exist"),
        });
    }
}

fn take_from_base(environment: &mut Environment, base: Option<&Environment>) {
    let cfg = environment.pyvenv_cfg.as_ref();
    let written = cfg.and_then(|cfg| cfg.version.as_deref());
    environment.version = match written.map(|text| (text, version::parse(text))) {
        Some((_, Some(version))) => Seen::Seen(version),
        Some((text, None)) => Seen::Broken(format!("`{text}` in pyvenv.cfg is no version")),
        None => Seen::Absent,
    };
    let Some(base) = base else {
        environment.base_prefix = cfg.and_then(|cfg| {
            cfg.base_prefix.clone().or_else(|| {
                let home = cfg.home.as_ref()?;
                let is_bin = home.file_name().is_some_and(|name| name == "bin");
                let prefix = if is_bin { home.parent()? } else { home.as_path() };
                Some(HostPath::from(prefix))
            })
        });
        return;
    };
    // The base is what runs: where it was upgraded, `pyvenv.cfg` is out of date. A base whose
    // last number is unknown says less than the file.
    if let Some(running) = base.version.get() {
        let same_minor = environment
            .version
            .get()
            .is_some_and(|version| version::minor(version) == version::minor(running));
        if !same_minor || running.release().len() > 2 {
            environment.version = Seen::Seen(running.clone());
        }
    }
    environment.base_prefix = Some(base.prefix.clone());
    environment.implementation = base.implementation.clone();
    environment.abi = base.abi.clone();
    environment.architectures = base.architectures.clone();
    environment.libc = base.libc.clone();
    environment.stdlib = base.stdlib.clone();
    environment.ensurepip = base.ensurepip;
    environment.python_header = base.python_header.clone();
    environment.libpython = base.libpython.clone();
}

/// What the names of the package directories tell, when nothing else does.
fn version_of_library(context: &Context<'_>, environment: &Environment) -> Option<Seen<Version>> {
    let libraries = locate::standard_libraries(context, &environment.prefix);
    let name = libraries.last()?.file_name()?.to_str()?.to_owned();
    let (major, minor, _) = version::from_executable_name(&name)?;
    Some(Seen::Seen(Version::new([major, minor])))
}

/// An environment was moved if its own files name another directory. `activate` and the scripts
/// are what fails then, so they are asked first; `command` only where they are silent.
fn note_move(context: &Context<'_>, environment: &mut Environment) {
    let Some(cfg) = &environment.pyvenv_cfg else { return };
    if cfg.relocatable {
        return;
    }
    let made_at = if let Some(path) = &environment.activate_path {
        let name = if context.os() == Os::Windows { "activate.bat" } else { "activate" };
        let script = paths::scripts_directory(context.os(), &environment.prefix).join(name);
        Some((HostPath::new(script), path.as_path().to_path_buf()))
    } else if let Some(found) = named_by_pip(context, &environment.prefix) {
        Some(found)
    } else {
        cfg.command
            .as_deref()
            .and_then(|command| pyvenv_cfg::made_at(context.os(), command))
            .map(|path| (cfg.path.clone(), path))
    };
    if let Some((evidence, made_at)) = made_at
        && !paths::same(context.host, &made_at, &environment.prefix)
    {
        environment.problems.push(Problem {
            kind: ProblemKind::Moved,
            path: evidence,
            detail: format!("it names {}", HostPath::new(made_at)),
        });
    }
}

fn named_by_pip(context: &Context<'_>, prefix: &Path) -> Option<(HostPath, PathBuf)> {
    let pip = paths::scripts_directory(context.os(), prefix).join("pip");
    match scripts::interpreter_of(context.host, &pip)? {
        Interpreter::At(python) => {
            let made_at = python.parent()?.parent()?.to_path_buf();
            Some((HostPath::new(pip), made_at))
        }
        Interpreter::OnPath(_) => None,
    }
}

/// Adds the problem `Moved` when a script names an interpreter of another virtual environment, or
/// one that is not there: what `activate` cannot show, as after making an environment anew over a
/// moved one.
pub(crate) fn note_foreign_scripts(context: &Context<'_>, environment: &mut Environment) {
    if environment.has_problem(ProblemKind::Moved)
        || environment.pyvenv_cfg.as_ref().is_none_or(|cfg| cfg.relocatable)
    {
        return;
    }
    let own = paths::scripts_directory(context.os(), &environment.prefix);
    let mut seen: Vec<PathBuf> = Vec::new();
    for script in &environment.scripts {
        let Some(line) = &script.shebang else { continue };
        let python = paths::from_text(context.os(), line.trim_start_matches("#!").trim());
        let is_python = python
            .file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.starts_with("python") || name.starts_with("pypy"));
        let Some(directory) = python.parent() else { continue };
        if !is_python || !python.has_root() && context.os() != Os::Windows {
            continue;
        }
        if directory == own || seen.iter().any(|known| known == directory) {
            continue;
        }
        seen.push(directory.to_path_buf());
        let prefix = directory.parent().unwrap_or(directory);
        let is_other_environment =
            context.host.is_file(&prefix.join("pyvenv.cfg")) || !context.host.exists(&python);
        if is_other_environment && !paths::same(context.host, directory, &own) {
            environment.problems.push(Problem {
                kind: ProblemKind::Moved,
                path: script.path.clone(),
                detail: format!("it names {}", HostPath::new(python)),
            });
            return;
        }
    }
}
