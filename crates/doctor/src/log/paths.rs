//! Paths that a log names, and whether they are of the machine at hand.

use crate::Facts;
use host::Os;

/// Most paths that are remembered of a log.
const MOST: usize = 64;

/// Directories that every machine has, and those that are gone when a build ends.
const EVERYWHERE: &[&str] = &[
    "applications",
    "bin",
    "dev",
    "etc",
    "library",
    "lib",
    "lib32",
    "lib64",
    "nix",
    "opt",
    "private",
    "proc",
    "run",
    "sbin",
    "snap",
    "sys",
    "system",
    "tmp",
    "usr",
    "var",
];

/// The absolute paths in texts, each once, in order.
pub(super) fn named<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let is_end = |c: char| {
        c.is_whitespace()
            || matches!(c, '"' | '\'' | '`' | '‘' | '’' | '(' | ')' | '<' | '>' | ',' | ';' | '=')
    };
    let mut paths: Vec<String> = Vec::new();
    for word in texts.flat_map(|text| text.split(is_end)) {
        let word = word.trim_end_matches([':', '.']);
        if is_absolute(word) && !paths.iter().any(|known| known == word) {
            paths.push(word.to_owned());
        }
        if paths.len() == MOST {
            break;
        }
    }
    paths
}

fn is_absolute(word: &str) -> bool {
    let bytes = word.as_bytes();
    let has_drive = bytes.len() > 4
        && bytes[0].is_ascii_alphabetic()
        && bytes[1] == b':'
        && matches!(bytes[2], b'\\' | b'/');
    has_drive || (word.starts_with('/') && !word.starts_with("//") && word[1..].contains('/'))
}

/// A path that can be compared: forward slashes, small letters on Windows.
pub(super) fn comparable(path: &str, os: Os) -> String {
    let path = path.replace('\\', "/");
    if os == Os::Windows { path.to_lowercase() } else { path }
}

/// Whether a path is another one or lies below it. Both are comparable.
pub(super) fn is_within(path: &str, directory: &str) -> bool {
    let directory = directory.trim_end_matches('/');
    path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The part of a path that tells of a machine: `/home/ada`, `C:\Users\ada`, `/work/project`.
/// Nothing where every machine has it.
pub(super) fn telling_part(path: &str) -> Option<&str> {
    let separators = ['/', '\\'];
    let (root, skipped) = if path.starts_with('/') { (1, 0) } else { (3, 1) };
    let rest = path.get(root..)?;
    let first = rest.split(separators).next().unwrap_or_default();
    if skipped == 0 && EVERYWHERE.contains(&first.to_lowercase().as_str()) {
        return None;
    }
    let mut parts = rest.match_indices(separators);
    parts.next()?;
    let end = parts.next().map_or(path.len(), |(at, _)| root + at);
    Some(&path[..end])
}

/// The prefix of the Python environment that a path lies in, if it shows one.
pub(super) fn environment(path: &str) -> Option<&str> {
    let plain = path.replace('\\', "/").to_ascii_lowercase();
    let marks = ["/lib/python", "/lib64/python", "/lib/site-packages", "/bin/python", "/scripts/"];
    let end = marks.iter().filter_map(|mark| plain.find(mark)).min()?;
    path.get(..end).filter(|prefix| !prefix.is_empty())
}

/// The paths of the directories that the doctor judged, comparable.
pub(super) fn directories(facts: &Facts) -> Vec<String> {
    let os = facts.machine.os;
    let paths = facts.directories.iter().flat_map(|one| [&one.path, &one.nearest]);
    paths.map(|path| comparable(&facts.native(path), os)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_paths_are_found_and_nothing_else() {
        let texts = ["at `/home/a/b` (C:\\Users\\a\\x.py): //server /x and/or a:b", "x=/home/a/b."];
        assert_eq!(named(texts.into_iter()), ["/home/a/b", "C:\\Users\\a\\x.py"]);
    }

    #[test]
    fn the_telling_part_is_who_or_what_it_is_of() {
        for (path, part) in [
            ("/home/ada/x/y", Some("/home/ada")),
            ("/work/project", Some("/work/project")),
            ("/usr/bin/ld", None),
            ("/tmp/cargo-install1/x", None),
            ("C:\\Users\\ada\\x", Some("C:\\Users\\ada")),
            ("D:\\work\\x\\y", Some("D:\\work\\x")),
        ] {
            assert_eq!(telling_part(path), part, "{path}");
        }
    }

    #[test]
    fn environments_are_seen_in_paths() {
        for (path, prefix) in [
            ("/home/a/.venv/lib/python3.11/site-packages/x.py", Some("/home/a/.venv")),
            ("C:\\a\\envs\\x\\Lib\\site-packages\\numpy", Some("C:\\a\\envs\\x")),
            ("/home/a/.venv/bin/python3", Some("/home/a/.venv")),
            ("/home/a/target/debug/x", None),
        ] {
            assert_eq!(environment(path), prefix, "{path}");
        }
        assert!(is_within("/a/b/c", "/a/b") && is_within("/a/b", "/a/b/"));
        assert!(!is_within("/a/bc", "/a/b"));
    }
}
