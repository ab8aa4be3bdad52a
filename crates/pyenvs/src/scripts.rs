//! Scripts of an environment and the interpreters they name.

use std::path::{Path, PathBuf};

use host::{FileKind, Host, HostPath, Os};
use memchr::{memchr, memmem};

use crate::Script;
use crate::context::Context;
use crate::paths;

/// Bytes of a script that are looked at.
const START_BYTES: usize = 512;
/// Files of one directory that are looked at.
const SCRIPT_LIMIT: usize = 4_000;

/// The scripts with a `#!` line in an environment's `bin`, by name.
pub(crate) fn read(context: &Context<'_>, prefix: &Path) -> Vec<Script> {
    let directory = paths::scripts_directory(context.os(), prefix);
    let entries = context.list(&directory);
    if entries.len() > SCRIPT_LIMIT {
        context.tell_unreadable(format!(
            "{}: only the first {SCRIPT_LIMIT} of {} files were looked at",
            directory.display(),
            entries.len()
        ));
    }
    entries
        .iter()
        .take(SCRIPT_LIMIT)
        .filter(|entry| entry.kind == FileKind::File)
        // Programs of Windows carry their `#!` line behind the code.
        .filter(|entry| !entry.name_text().is_some_and(|name| name.ends_with(".exe")))
        .filter_map(|entry| {
            let path = directory.join(&entry.name);
            let start = context.host.read_start(&path, START_BYTES).ok()?;
            let line = shebang(&start)?;
            Some(Script {
                path: HostPath::new(path),
                shebang: Some(String::from_utf8_lossy(line).into_owned()),
                shebang_length: line.len(),
            })
        })
        .collect()
}

/// The first line, if it starts with `#!`, without its end.
fn shebang(start: &[u8]) -> Option<&[u8]> {
    if !start.starts_with(b"#!") {
        return None;
    }
    let line = &start[..memchr(b'\n', start).unwrap_or(start.len())];
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

/// What a script says it is run by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Interpreter {
    /// The interpreter at this path.
    At(PathBuf),
    /// The first program of this name on `PATH` (`#!/usr/bin/env python3`).
    OnPath(String),
}

/// The interpreter a script names: in its first line, or, where that would be too long or hold a
/// space, in the line behind it that the shell reads (`'''exec' /v/bin/python "$0" "$@"`).
pub(crate) fn interpreter_of(host: &Host, script: &Path) -> Option<Interpreter> {
    interpreter(host.os, &host.read_start(script, START_BYTES).ok()?)
}

fn interpreter(os: Os, start: &[u8]) -> Option<Interpreter> {
    let line = String::from_utf8_lossy(shebang(start)?).into_owned();
    let command = line.strip_prefix("#!")?.trim();
    let at = |text: &str| {
        let text = text.trim().trim_matches('"');
        let is_computed = text.is_empty() || text.contains('$');
        (!is_computed).then(|| Interpreter::At(paths::from_text(os, text)))
    };
    let (program, arguments) = match command.split_once(' ') {
        Some((program, arguments)) if !command.starts_with('"') => (program, arguments.trim()),
        _ => (command, ""),
    };
    match program.rsplit('/').next() {
        Some("env") => {
            let name = arguments.split_whitespace().find(|word| !word.starts_with('-'))?;
            Some(Interpreter::OnPath(name.to_owned()))
        }
        Some("sh") => {
            const EXEC: &[u8] = b"\n'''exec' ";
            let rest = start.get(memmem::find(start, EXEC)? + EXEC.len()..)?;
            let rest = &rest[..memchr(b'\n', rest)?];
            let rest = String::from_utf8_lossy(rest).into_owned();
            match rest.strip_prefix('"') {
                Some(quoted) => at(quoted.split_once('"')?.0),
                None => at(rest.split_once(" \"$0\"")?.0),
            }
        }
        _ => at(program),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn named(start: &str) -> Option<Interpreter> {
        interpreter(Os::Linux, start.as_bytes())
    }

    #[test]
    fn the_interpreter_is_in_the_first_line_or_behind_it() {
        let at = |path: &str| Some(Interpreter::At(PathBuf::from(path)));
        assert_eq!(named("#!/v/bin/python\nimport x"), at("/v/bin/python"));
        assert_eq!(named("#! /v/bin/python -I\r\n"), at("/v/bin/python"));
        assert_eq!(
            named("#!/usr/bin/env -S python3\n"),
            Some(Interpreter::OnPath("python3".to_owned()))
        );
        assert_eq!(
            named("#!/bin/sh\n'''exec' \"/a b/bin/python\" \"$0\" \"$@\"\n' '''\n"),
            at("/a b/bin/python")
        );
        assert_eq!(named("#!/bin/sh\n'''exec' /v/bin/python \"$0\" \"$@\"\n"), at("/v/bin/python"));
        let relocatable = "#!/bin/sh\n'''exec' \"$(dirname -- \"$(realpath -- \"$0\")\")\"/'python' \"$0\" \"$@\"\n";
        assert_eq!(named(relocatable), None);
        assert_eq!(named("\x7fELF"), None);
    }

    #[test]
    fn a_line_is_measured_without_its_end() {
        assert_eq!(shebang(b"#!/v\r\nx"), Some(b"#!/v".as_slice()));
        assert_eq!(shebang(b"#!/v"), Some(b"#!/v".as_slice()));
        assert_eq!(shebang(b"import"), None);
    }

    proptest! {
        #[test]
        fn nothing_panics(rest in "(/bin/sh|env|\n|'''exec' |\"|\\$0| |\\PC)*", raw: Vec<u8>) {
            let _ = named(&format!("#!{rest}"));
            let _ = interpreter(Os::Windows, &[b"#!".as_slice(), &raw].concat());
        }
    }
}
