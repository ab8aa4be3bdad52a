//! `pyvenv.cfg`, the file that makes a directory a virtual environment.

use std::path::{Path, PathBuf};

use host::{Host, HostPath, Os, ReadError};

use crate::PyvenvCfg;
use crate::paths;

/// Real ones have a few hundred bytes.
const SIZE_LIMIT: u64 = 64 << 10;

/// What was found where `pyvenv.cfg` should be.
#[derive(Debug, Clone)]
pub(crate) enum CfgRead {
    /// No such file.
    Missing,
    /// The file, with its keys.
    Read(PyvenvCfg),
    /// A file that cannot be read, or makes no sense.
    Unreadable(String),
}

/// Reads the `pyvenv.cfg` of `prefix`.
pub(crate) fn read(host: &Host, prefix: &Path) -> CfgRead {
    let path = prefix.join("pyvenv.cfg");
    match host.read_text(&path, SIZE_LIMIT) {
        Ok(text) => match parse(host.os, &path, &text) {
            Some(cfg) => CfgRead::Read(cfg),
            None => CfgRead::Unreadable("it has no `home` key".to_owned()),
        },
        Err(error) if error.is_not_found() && !host.is_broken_link(&path) => CfgRead::Missing,
        // A directory of that name is what a careless mount leaves behind.
        Err(ReadError::NotAFile { .. }) => CfgRead::Unreadable("not a regular file".to_owned()),
        Err(error) => CfgRead::Unreadable(error.reason()),
    }
}

/// Reads the keys as the `site` module does: one `key = value` per line, keys in any case.
/// `None` without a `home`.
fn parse(os: Os, path: &Path, text: &str) -> Option<PyvenvCfg> {
    if text.contains('\0') {
        return None;
    }
    let mut cfg = PyvenvCfg { path: HostPath::from(path), ..PyvenvCfg::default() };
    let directory = |value: &str| Some(HostPath::new(paths::from_text(os, value)));
    for line in text.trim_start_matches('\u{feff}').lines() {
        let Some((key, value)) = line.split_once('=') else { continue };
        let value = value.trim();
        if value.is_empty() {
            continue;
        }
        match key.trim().to_ascii_lowercase().as_str() {
            "home" => cfg.home = directory(value),
            // `version_info` is virtualenv's and uv's, and the more precise one.
            "version_info" => cfg.version = Some(value.to_owned()),
            "version" if cfg.version.is_none() => cfg.version = Some(value.to_owned()),
            "include-system-site-packages" => {
                cfg.include_system_site_packages = value.eq_ignore_ascii_case("true");
            }
            "command" => cfg.command = Some(value.to_owned()),
            "base-prefix" => cfg.base_prefix = directory(value),
            "base-executable" => cfg.base_executable = directory(value),
            "executable" if cfg.base_executable.is_none() => cfg.base_executable = directory(value),
            "uv" => cfg.uv = Some(value.to_owned()),
            "virtualenv" => cfg.virtualenv = Some(value.to_owned()),
            "relocatable" => cfg.relocatable = value.eq_ignore_ascii_case("true"),
            _ => {}
        }
    }
    cfg.home.is_some().then_some(cfg)
}

/// The directory that the `command` key names: what stands behind `-m venv` and its options.
/// The standard library writes it unquoted, so that it may hold spaces.
pub(crate) fn made_at(os: Os, command: &str) -> Option<PathBuf> {
    let (_, mut rest) = command.split_once(" -m venv ")?;
    loop {
        rest = rest.trim_start();
        if let Some(prompt) = rest.strip_prefix("--prompt=\"") {
            rest = prompt.split_once('"')?.1;
        } else if rest.starts_with("--") {
            rest = rest.split_once(' ')?.1;
        } else {
            break;
        }
    }
    let rest = rest.trim_end();
    (!rest.is_empty()).then(|| paths::from_text(os, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cfg(text: &str) -> Option<PyvenvCfg> {
        parse(Os::Linux, Path::new("/v/pyvenv.cfg"), text)
    }

    #[test]
    fn the_three_makers_are_told_apart() {
        let venv = cfg("home = /usr/bin\ninclude-system-site-packages = true\nversion = 3.11.2\n\
             executable = /usr/bin/python3.11\ncommand = /usr/bin/python3 -m venv /v\n")
        .unwrap();
        assert_eq!(venv.version.as_deref(), Some("3.11.2"));
        assert!(venv.include_system_site_packages);
        assert_eq!(venv.base_executable, Some(HostPath::from("/usr/bin/python3.11")));
        let uv = cfg("home=/p/bin\nuv = 0.8.0\nversion_info = 3.12.1\nrelocatable = TRUE\n");
        let uv = uv.unwrap();
        assert!(uv.relocatable && uv.uv.as_deref() == Some("0.8.0"));
        let virtualenv = cfg(
            "home = /p/bin\nimplementation = CPython\nversion_info = 3.9.1.final.0\n\
             virtualenv = 20.26.1\nversion = 3.9.1\nbase-prefix = /p\nbase-executable = /p/bin/python3",
        )
        .unwrap();
        assert_eq!(virtualenv.version.as_deref(), Some("3.9.1.final.0"));
        assert_eq!(virtualenv.base_prefix, Some(HostPath::from("/p")));
    }

    #[test]
    fn a_file_without_home_makes_no_sense() {
        assert_eq!(cfg("version = 3.11.2"), None);
        assert_eq!(cfg("home = "), None);
        assert_eq!(cfg("home = /a\0b"), None);
        assert!(cfg("\u{feff}HOME = /a").is_some());
    }

    #[test]
    fn the_command_tells_where_it_was_made() {
        let made = |command: &str| made_at(Os::Linux, command);
        assert_eq!(made("/usr/bin/python3 -m venv /a/b c"), Some("/a/b c".into()));
        assert_eq!(
            made("/p -m venv --copies --prompt=\"x y\" --without-pip /v"),
            Some("/v".into())
        );
        assert_eq!(made("/p -m venv --copies"), None);
        assert_eq!(made("virtualenv /v"), None);
        assert_eq!(made_at(Os::Windows, r"C:\p\python.exe -m venv C:\a\v"), Some("C:/a/v".into()));
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(\\PC|\n|=|\0)*", command in "(--|\"| |-m venv |\\PC)*") {
            let _ = cfg(&text);
            let _ = made_at(Os::Windows, &command);
        }
    }
}
