//! The facts of an interpreter that is installed: of a base, and of a conda environment.

use std::path::{Path, PathBuf};

use host::{Arch, HostPath, Os, ReadError, Seen};
use memchr::memmem;
use pep440_rs::Version;

use crate::abi::{self, Tag};
use crate::binary::{self, Loader};
use crate::context::{Context, LIST_LIMIT};
use crate::locate::{self, Layout, Located};
use crate::{
    Abi, Environment, EnvironmentKind, Implementation, Libc, Problem, ProblemKind, conda_meta,
    kinds, libc, site, version,
};

/// The header of a program lies in its first page.
const HEADER_BYTES: usize = 4096;
/// A loader's path may have been moved to the end of a patched program, but not beyond this.
const FAR_HEADER_BYTES: u64 = 64 << 20;
/// `patchlevel.h` has about 1,300 bytes.
const PATCHLEVEL_BYTES: u64 = 64 << 10;
/// Largest program searched for its version.
const PROGRAM_BYTES: u64 = 64 << 20;

/// Reads the environment; packages and scripts are left for later.
pub(crate) fn read(context: &Context<'_>, located: &Located) -> Environment {
    let mut environment = Environment::of_prefix(HostPath::from(located.prefix.as_path()));
    environment.kind = kinds::of_installation(context, located);
    environment.executable = located.executable.clone().map(HostPath::new);
    environment.real_executable = located.real_executable.clone().map(HostPath::new);
    environment.base_prefix = Some(environment.prefix.clone());
    note_problems(context, located, &mut environment);
    if matches!(located.layout, Layout::Broken(..)) {
        return environment;
    }

    let stdlib =
        locate::standard_library(context, &located.prefix, located.real_executable.as_deref());
    environment.implementation = implementation(located, stdlib.as_deref());
    let named = named_version(located, stdlib.as_deref())
        .or_else(|| named_by_library(context, &located.prefix));
    let include = include_directory(context, located, named.as_ref());
    environment.version = python_version(context, located, include.as_deref(), named.as_ref());
    read_header(context, &mut environment);
    if let Some(real) = &environment.real_executable
        && environment.version.is_absent()
    {
        environment.version = version_in_program(context, located, real, named.as_ref());
    }
    environment.abi = read_abi(context, &environment, stdlib.as_deref(), named.as_ref());
    environment.python_header = include
        .map(|directory| directory.join("Python.h"))
        .filter(|header| context.host.is_file(header))
        .map(HostPath::new);
    environment.libpython = libraries(context, &environment, named.as_ref());
    environment.externally_managed = stdlib
        .as_ref()
        .map(|stdlib| stdlib.join("EXTERNALLY-MANAGED"))
        .filter(|marker| context.host.is_file(marker))
        .map(HostPath::new);
    environment.ensurepip = stdlib
        .as_ref()
        .is_some_and(|stdlib| context.host.is_file(&stdlib.join("ensurepip/__init__.py")));
    environment.site_packages =
        site::of_installation(context, &located.prefix, stdlib.as_deref(), &environment)
            .into_iter()
            .map(HostPath::new)
            .collect();
    environment.stdlib = stdlib.map(HostPath::new);
    environment.user_site = site::user_site(context, &environment).map(HostPath::new);
    environment
}

fn note_problems(context: &Context<'_>, located: &Located, environment: &mut Environment) {
    match &located.layout {
        Layout::Broken(kind, detail) => environment.problems.push(Problem {
            kind: *kind,
            path: environment.executable.clone().unwrap_or_else(|| environment.prefix.clone()),
            detail: detail.clone(),
        }),
        // A conda environment need not hold Python, but one that says it does must.
        Layout::Conda
            if environment.executable.is_none()
                && conda_meta::python_version(context, &located.prefix).is_some() =>
        {
            let name = if context.os() == Os::Windows { "python.exe" } else { "bin/python" };
            environment.problems.push(Problem {
                kind: ProblemKind::NoInterpreter,
                path: environment.prefix.join(name),
                detail: "conda-meta lists python, but there is no interpreter".to_owned(),
            });
        }
        Layout::Conda | Layout::Installation | Layout::Virtual(_) => {}
    }
    if let Some(executable) = &environment.executable
        && environment.real_executable.is_none()
        && context.host.is_broken_link(executable)
    {
        environment.problems.push(broken_link(context, executable));
    }
}

/// The problem of an interpreter whose links lead nowhere.
pub(crate) fn broken_link(context: &Context<'_>, executable: &HostPath) -> Problem {
    let detail = match context.host.read_link(executable) {
        Ok(target) => format!("it leads to {}", HostPath::new(target)),
        Err(error) => error.to_string(),
    };
    Problem { kind: ProblemKind::BrokenInterpreterLink, path: executable.clone(), detail }
}

/// Major, minor and flags as the names of directories and programs tell them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    /// `python` or `pypy`.
    pub(crate) stem: String,
    pub(crate) minor: (u64, u64),
    pub(crate) flags: String,
}

impl Named {
    fn parse(name: &str) -> Option<Self> {
        let (major, minor, flags) = version::from_executable_name(name)?;
        let stem = name.split(|c: char| c.is_ascii_digit()).next()?.to_owned();
        Some(Self { stem, minor: (major, minor), flags: flags.to_owned() })
    }
}

fn named_version(located: &Located, stdlib: Option<&Path>) -> Option<Named> {
    let name_of = |path: &Path| Named::parse(path.file_name()?.to_str()?);
    let of_library = stdlib.and_then(name_of);
    let Some(mut named) = located.real_executable.as_deref().and_then(name_of) else {
        return of_library;
    };
    // `python3.13` may be the free-threaded build under its plain name.
    if named.flags.is_empty() && of_library.is_some_and(|library| library.flags == "t") {
        named.flags.push('t');
    }
    Some(named)
}

fn implementation(located: &Located, stdlib: Option<&Path>) -> Seen<Implementation> {
    let starts = |path: Option<&Path>, start: &str| {
        path.and_then(|path| path.file_name()?.to_str())
            .is_some_and(|name| name.to_ascii_lowercase().starts_with(start))
    };
    let real = located.real_executable.as_deref().or(located.executable.as_deref());
    if starts(real, "pypy") || starts(stdlib, "pypy") {
        Seen::Seen(Implementation::PyPy)
    } else if starts(real, "graalpy") {
        Seen::Seen(Implementation::GraalPy)
    } else if starts(real, "python") || stdlib.is_some() {
        Seen::Seen(Implementation::CPython)
    } else {
        Seen::Absent
    }
}

/// The directory of `Python.h` and `patchlevel.h`, whether or not they are in it.
fn include_directory(
    context: &Context<'_>,
    located: &Located,
    named: Option<&Named>,
) -> Option<PathBuf> {
    if context.os() == Os::Windows {
        return Some(located.prefix.join("include"));
    }
    let Named { stem, minor: (major, minor), flags } = named?;
    let include = located.prefix.join("include");
    // Before 3.8 the directory carries an `m`, whatever the interpreter is called.
    let letters = if *major == 3 && *minor < 8 && flags.is_empty() { "m" } else { flags };
    let directory = include.join(format!("{stem}{major}.{minor}{letters}"));
    Some(directory)
}

fn python_version(
    context: &Context<'_>,
    located: &Located,
    include: Option<&Path>,
    named: Option<&Named>,
) -> Seen<Version> {
    if let Some(text) = include
        .and_then(|include| context.read_text(&include.join("patchlevel.h"), PATCHLEVEL_BYTES))
        && let Some(version) = version::from_patchlevel(&text)
    {
        return Seen::Seen(version);
    }
    if matches!(located.layout, Layout::Conda)
        && let Some(version) = conda_meta::python_version(context, &located.prefix)
    {
        return Seen::Seen(version);
    }
    let directory = located.prefix.file_name().and_then(|name| name.to_str());
    if let Some(version) = directory.and_then(|name| store_version(context, name)) {
        return Seen::Seen(version);
    }
    let from_directory = directory.and_then(version::from_directory_name);
    let fits = |version: &Version| named.is_none_or(|n| n.minor == version::minor(version));
    match from_directory.filter(fits) {
        Some(version) => Seen::Seen(version),
        None => Seen::Absent,
    }
}

/// The Store's packages name the minor version, and their directory under `Program Files`, which
/// not everybody may list, holds the rest in one number: `3.11.2544.0` is 3.11.9 (the micro number
/// shifted by eight bits, then the release level and its serial).
fn store_version(context: &Context<'_>, name: &str) -> Option<Version> {
    let rest = name.strip_prefix(locate::STORE_PACKAGE)?;
    let minor = rest.split('_').next()?;
    let (major, minor) = minor.split_once('.')?;
    let (major, minor): (u64, u64) = (major.parse().ok()?, minor.parse().ok()?);
    let start = format!("{}{major}.{minor}_{major}.{minor}.", locate::STORE_PACKAGE);
    let packages = context.host.variables.path("PROGRAMFILES").map(|d| d.join("WindowsApps"));
    let entries = packages.and_then(|packages| context.host.list(&packages, LIST_LIMIT).ok());
    let micro = entries.and_then(|entries| {
        entries.iter().find_map(|entry| {
            let number = entry.name_text()?.strip_prefix(&start)?.split('.').next()?;
            Some(number.parse::<u64>().ok()? >> 8)
        })
    });
    Some(match micro {
        Some(micro) => Version::new([major, minor, micro]),
        None => Version::new([major, minor]),
    })
}

/// The version in the program itself, or in the library beside it that holds the interpreter.
/// Only when nothing smaller tells: it is a read of some megabytes.
fn version_in_program(
    context: &Context<'_>,
    located: &Located,
    real: &Path,
    named: Option<&Named>,
) -> Seen<Version> {
    let Some((major, minor)) = named.map(|named| named.minor) else { return Seen::Absent };
    let library = if context.os() == Os::Windows {
        located.prefix.join(format!("python{major}{minor}.dll"))
    } else {
        located.prefix.join(format!("lib/libpython{major}.{minor}.so.1.0"))
    };
    for file in [real, &library] {
        if let Ok(bytes) = context.host.read(file, PROGRAM_BYTES)
            && let Some(version) = version_in_bytes(&bytes, major, minor)
        {
            return Seen::Seen(version);
        }
    }
    // Better than nothing, and all that the names tell.
    Seen::Seen(Version::new([major, minor]))
}

/// A text of its own (between two NUL bytes) that is a release of this minor version.
fn version_in_bytes(bytes: &[u8], major: u64, minor: u64) -> Option<Version> {
    let start = format!("\0{major}.{minor}.");
    memmem::find_iter(bytes, &start).find_map(|at| {
        let text = bytes.get(at + 1..)?;
        let end = text.iter().take(24).position(|byte| *byte == 0)?;
        let version = version::parse(std::str::from_utf8(text.get(..end)?).ok()?)?;
        (version.release().len() == 3).then_some(version)
    })
}

/// On Windows the interpreter's library tells the version: `python311.dll`, `python313t.dll`. An
/// installer may put the free-threaded one beside the ordinary one, which then counts.
fn named_by_library(context: &Context<'_>, prefix: &Path) -> Option<Named> {
    if context.os() != Os::Windows {
        return None;
    }
    let parse = |name: &str| {
        let name = name.to_ascii_lowercase();
        let digits = name.strip_prefix("python")?.strip_suffix(".dll")?;
        let (digits, flags) = match digits.strip_suffix('t') {
            Some(digits) => (digits, "t"),
            None => (digits, ""),
        };
        let (major, minor) = digits.split_at_checked(1)?;
        Some(Named {
            stem: "python".to_owned(),
            minor: (major.parse().ok()?, minor.parse().ok()?),
            flags: flags.to_owned(),
        })
    };
    let mut named: Vec<Named> =
        context.list(prefix).iter().filter_map(|entry| parse(entry.name_text()?)).collect();
    named.sort_by(|a, b| a.flags.cmp(&b.flags));
    named.into_iter().next()
}

fn read_header(context: &Context<'_>, environment: &mut Environment) {
    let Some(real) = environment.real_executable.clone() else { return };
    let header = match program_header(context, &real) {
        Ok(header) => header,
        Err(reason) => {
            environment.architectures = Seen::Broken(reason.clone());
            if context.os() == Os::Linux {
                environment.libc = Seen::Broken(reason);
            }
            return;
        }
    };
    environment.architectures = Seen::Seen(header.architectures);
    if context.os() == Os::Linux {
        environment.libc = match header.loader {
            Loader::Path(loader) => libc::behind(context, &loader),
            Loader::None => Seen::Broken("the interpreter names no loader".to_owned()),
            Loader::Behind(_) => Seen::Broken("the loader's name lies too far back".to_owned()),
        };
    }
}

fn program_header(context: &Context<'_>, real: &Path) -> Result<binary::Header, String> {
    let reason = |error: ReadError| error.reason();
    let bytes = context.host.read_start(real, HEADER_BYTES).map_err(reason)?;
    let header = binary::parse(&bytes).map_err(str::to_owned)?;
    match header.loader {
        Loader::Behind(needed) if needed <= FAR_HEADER_BYTES => {
            let needed = usize::try_from(needed).map_err(|error| error.to_string())?;
            let bytes = context.host.read_start(real, needed).map_err(reason)?;
            binary::parse(&bytes).map_err(str::to_owned)
        }
        _ => Ok(header),
    }
}

fn read_abi(
    context: &Context<'_>,
    environment: &Environment,
    stdlib: Option<&Path>,
    named: Option<&Named>,
) -> Seen<Abi> {
    let Some(version) = environment.version.get() else { return Seen::Absent };
    let minor = version::minor(version);
    if minor.0 == 2 {
        return Seen::Seen(abi::of_python2());
    }
    let flags = named.map_or("", |named| named.flags.as_str());
    let tag = match (context.os(), stdlib) {
        (Os::Windows, _) | (_, None) => None,
        (_, Some(stdlib)) => tag_on_disk(context, stdlib, minor),
    };
    let tag = tag.or_else(|| usual_tag(context.os(), environment, minor, flags));
    match tag {
        Some(tag) => Seen::Seen(abi::of_tag(context.os(), &tag, minor)),
        None => Seen::Broken("no extension module or build setting shows the suffix".to_owned()),
    }
}

fn tag_on_disk(context: &Context<'_>, stdlib: &Path, minor: (u64, u64)) -> Option<Tag> {
    let first = |directory: &Path, tag: &dyn Fn(&str) -> Option<Tag>| {
        context.list(directory).iter().find_map(|entry| tag(entry.name_text()?))
    };
    first(&stdlib.join("lib-dynload"), &abi::tag_of_module).or_else(|| {
        first(stdlib, &|name| {
            abi::tag_of_settings(name, minor).or_else(|| abi::tag_of_module(name))
        })
    })
}

fn usual_tag(os: Os, environment: &Environment, minor: (u64, u64), flags: &str) -> Option<Tag> {
    if environment.implementation.get() != Some(&Implementation::CPython) {
        return None;
    }
    let arch: &Arch = environment.architectures.get()?.first()?;
    let is_musl =
        matches!(environment.libc.get(), Some(Libc { family: crate::LibcFamily::Musl, .. }));
    abi::usual_tag(os, arch, is_musl, minor, flags)
}

/// Shared libraries of the interpreter, asked for by name: `lib` of a system has thousands.
fn libraries(
    context: &Context<'_>,
    environment: &Environment,
    named: Option<&Named>,
) -> Vec<HostPath> {
    let prefix = &environment.prefix;
    let mut names: Vec<String> = Vec::new();
    let Some((major, minor)) =
        named.map(|named| named.minor).or_else(|| environment.version.get().map(version::minor))
    else {
        return Vec::new();
    };
    let free_threaded = environment.abi.get().is_some_and(|abi| abi.free_threaded);
    let mut letters = named.map_or(String::new(), |named| named.flags.clone());
    if major == 3 && minor < 8 && letters.is_empty() {
        letters.push('m');
    }
    match context.os() {
        Os::Windows => {
            let t = if free_threaded { "t" } else { "" };
            names.push(format!("python{major}{t}.dll"));
            names.push(format!("python{major}{minor}{t}.dll"));
        }
        Os::Macos => {
            names.push("Python".to_owned());
            names.push(format!("lib/libpython{major}.{minor}{letters}.dylib"));
        }
        Os::Linux => {
            let mut directories = vec!["lib".to_owned(), "lib64".to_owned()];
            if let Some(multiarch) = environment.abi.get().and_then(multiarch)
                && environment.kind == EnvironmentKind::System
            {
                directories.push(format!("lib/{multiarch}"));
            }
            for directory in directories {
                for end in [".so", ".so.1.0"] {
                    names.push(format!("{directory}/libpython{major}.{minor}{letters}{end}"));
                }
                names.push(format!("{directory}/libpython{major}.so"));
            }
        }
    }
    let mut found: Vec<HostPath> = names
        .into_iter()
        .map(|name| prefix.join(name))
        .filter(|path| context.host.is_file(path))
        .collect();
    if context.os() == Os::Linux
        && context
            .host
            .symlink_metadata(&prefix.join("lib64"))
            .is_ok_and(|metadata| metadata.kind == host::FileKind::Symlink)
    {
        found.retain(|path| !path.starts_with(prefix.join("lib64")));
    }
    found
}

/// `x86_64-linux-gnu` of `.cpython-311-x86_64-linux-gnu.so`.
fn multiarch(abi: &Abi) -> Option<&str> {
    let rest = abi.extension_suffix.strip_prefix(".cpython-")?.strip_suffix(".so")?;
    rest.split_once('-').map(|(_, multiarch)| multiarch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_in_a_program_stands_alone() {
        let found = |bytes: &[u8]| version_in_bytes(bytes, 3, 11).map(|v| v.to_string());
        assert_eq!(found(b"x 3.11.9 \0\x003.11.2\0").as_deref(), Some("3.11.2"));
        assert_eq!(found(b"\x003.11.0rc2\0").as_deref(), Some("3.11.0rc2"));
        assert_eq!(found(b"\x003.11.\0\x003.11.2"), None);
    }
}
