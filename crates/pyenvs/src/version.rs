//! Versions of Python as files and directory names write them.

use std::str::FromStr as _;

use pep440_rs::Version;

/// A version as `pyvenv.cfg` writes it: `3.11.7`, `3.13.0rc2+`, `3.11.7.final.0`,
/// `3.13.0.candidate.2`.
pub(crate) fn parse(text: &str) -> Option<Version> {
    let text = text.trim().trim_end_matches('+');
    if text.len() > 64 || !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let mut parts = text.split('.');
    if let (Some(major), Some(minor), Some(micro), Some(level), Some(serial), None) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    {
        let level = match level {
            "final" => return Version::from_str(&format!("{major}.{minor}.{micro}")).ok(),
            "alpha" => "a",
            "beta" => "b",
            "candidate" => "rc",
            _ => return None,
        };
        return Version::from_str(&format!("{major}.{minor}.{micro}{level}{serial}")).ok();
    }
    Version::from_str(text).ok()
}

/// `PY_VERSION` of `patchlevel.h`.
pub(crate) fn from_patchlevel(text: &str) -> Option<Version> {
    text.lines().find_map(|line| {
        let rest = line.trim_start().strip_prefix("#define")?.trim_start();
        let value = rest.strip_prefix("PY_VERSION")?;
        if !value.starts_with([' ', '\t']) {
            return None;
        }
        parse(value.trim().trim_matches('"'))
    })
}

/// The full version (three numbers) in the name of a directory of pyenv or uv, such as `3.11.7`,
/// `3.13.0t` or `cpython-3.12.4+freethreaded-linux-x86_64-gnu`. A name such as
/// `pypy3.10-7.3.15` holds another version, so only CPython's names count.
pub(crate) fn from_directory_name(name: &str) -> Option<Version> {
    let rest = name.strip_prefix("cpython-").unwrap_or(name);
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.')).unwrap_or(rest.len());
    let text = rest[..end].trim_end_matches('t');
    let version = parse(text)?;
    (version.release().len() == 3).then_some(version)
}

/// Major and minor number and the letters behind them, in names such as `python3.11`,
/// `python3.13t`, `python3.7m`, `pypy3.10`.
pub(crate) fn from_executable_name(name: &str) -> Option<(u64, u64, &str)> {
    let name = name.strip_suffix(".exe").unwrap_or(name);
    let rest = name.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let (major, rest) = rest.split_once('.')?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (minor, flags) = rest.split_at(digits);
    if !flags.bytes().all(|b| b.is_ascii_lowercase()) {
        return None;
    }
    Some((major.parse().ok()?, minor.parse().ok()?, flags))
}

/// Major and minor number.
pub(crate) fn minor(version: &Version) -> (u64, u64) {
    let release = version.release();
    (release.first().copied().unwrap_or(0), release.get(1).copied().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(version: Option<Version>) -> Option<String> {
        version.map(|version| version.to_string())
    }

    #[test]
    fn every_spelling_of_a_version_is_read() {
        assert_eq!(text(parse("3.11.7")).as_deref(), Some("3.11.7"));
        assert_eq!(text(parse("3.11.7.final.0")).as_deref(), Some("3.11.7"));
        assert_eq!(text(parse(" 3.13.0.candidate.2 ")).as_deref(), Some("3.13.0rc2"));
        assert_eq!(text(parse("3.13.0a1+")).as_deref(), Some("3.13.0a1"));
        assert_eq!(text(parse("latest")), None);
        assert_eq!(text(parse("3.11.7.final.0.1")), None);
    }

    #[test]
    fn directory_names_tell_the_version() {
        assert_eq!(text(from_directory_name("3.13.0t")).as_deref(), Some("3.13.0"));
        assert_eq!(
            text(from_directory_name("cpython-3.12.4+freethreaded-linux-x86_64-gnu")).as_deref(),
            Some("3.12.4")
        );
        assert_eq!(text(from_directory_name("pypy3.10-7.3.15")), None);
        assert_eq!(text(from_directory_name("3.12-dev")), None);
        assert_eq!(text(from_directory_name("miniconda3-latest")), None);
    }

    #[test]
    fn executables_tell_major_and_minor() {
        assert_eq!(from_executable_name("python3.13t"), Some((3, 13, "t")));
        assert_eq!(from_executable_name("pypy3.10"), Some((3, 10, "")));
        assert_eq!(from_executable_name("python3"), None);
        assert_eq!(from_executable_name("python3.11-config"), None);
    }

    #[test]
    fn patchlevel_h_tells_the_version() {
        let header = "#define PY_VERSION_HEX 1\n  #define PY_VERSION      \t\"3.13.0rc2+\"\n";
        assert_eq!(text(from_patchlevel(header)).as_deref(), Some("3.13.0rc2"));
        assert_eq!(text(from_patchlevel("")), None);
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "\\PC*", dotted in "[0-9a-z.+-]{0,80}") {
            for text in [&text, &dotted] {
                let _ = parse(text);
                let _ = from_patchlevel(&format!("#define PY_VERSION {text}"));
                let _ = from_directory_name(text);
                let _ = from_executable_name(text);
            }
        }
    }
}
