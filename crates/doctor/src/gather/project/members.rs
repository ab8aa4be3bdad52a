//! The directories that `workspace.members` names, `*`, `?` and `**` followed.

use std::path::{Path, PathBuf};

use host::{FileKind, Host};

/// Directories that one pattern may name, or that may be looked at for it.
const LIMIT: usize = 5_000;

/// Depth to which `**` is followed.
const DEPTH: usize = 8;

/// Entries of a directory that is listed for a pattern.
const LIST_LIMIT: usize = 20_000;

/// The directories that `pattern` names below `root`. A pattern without wildcards names itself,
/// whether it exists or not.
pub(super) fn expand(host: &Host, root: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut found = vec![root.to_path_buf()];
    for part in pattern.split(['/', '\\']).filter(|part| !part.is_empty() && *part != ".") {
        found = match part {
            "**" => found.iter().flat_map(|directory| all_below(host, directory)).collect(),
            _ if part.contains(['*', '?', '[']) => found
                .iter()
                .flat_map(|directory| {
                    let names = directories(host, directory);
                    names.into_iter().filter(|name| matches(part, name)).map(|n| directory.join(n))
                })
                .collect(),
            _ => found.into_iter().map(|directory| directory.join(part)).collect(),
        };
        found.truncate(LIMIT);
    }
    found.into_iter().map(|directory| host.absolute(&directory)).collect()
}

/// Whether a pattern has wildcards, so that directories without a manifest are passed over.
pub(super) fn has_wildcards(pattern: &str) -> bool {
    pattern.contains(['*', '?', '['])
}

fn directories(host: &Host, directory: &Path) -> Vec<String> {
    let entries = host.list(directory, LIST_LIMIT).unwrap_or_default();
    entries
        .into_iter()
        .filter(|entry| match entry.kind {
            FileKind::Directory => true,
            FileKind::Symlink => host.is_dir(&directory.join(&entry.name)),
            FileKind::File | FileKind::Other => false,
        })
        .filter_map(|entry| entry.name.into_string().ok())
        .collect()
}

/// The directory and everything below it, links not followed, build directories left out.
fn all_below(host: &Host, directory: &Path) -> Vec<PathBuf> {
    let mut found = vec![directory.to_path_buf()];
    let mut level = vec![directory.to_path_buf()];
    for _ in 0..DEPTH {
        let mut next = Vec::new();
        for parent in level {
            for entry in host.list(&parent, LIST_LIMIT).unwrap_or_default() {
                let skipped = matches!(entry.name_text(), Some("target" | ".git" | "node_modules"));
                if entry.kind == FileKind::Directory && !skipped {
                    next.push(parent.join(&entry.name));
                }
            }
        }
        found.extend(next.iter().cloned());
        if next.is_empty() || found.len() > LIMIT {
            break;
        }
        level = next;
    }
    found
}

/// Whether a name fits a pattern of `*`, `?`, `[abc]`, `[a-z]` and `[!x]`.
fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    // A name that begins with a dot is not met by a wildcard in cargo's patterns either way it
    // matters: such directories hold no crates.
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        if let Some(length) = pattern.get(p..).and_then(|rest| one(rest, name[n])) {
            p += length;
            n += 1;
        } else if pattern.get(p) == Some(&'*') {
            star = Some((p, n));
            p += 1;
        } else if let Some((star_p, star_n)) = star {
            p = star_p + 1;
            n = star_n + 1;
            star = Some((star_p, star_n + 1));
        } else {
            return false;
        }
    }
    pattern[p.min(pattern.len())..].iter().all(|c| *c == '*')
}

/// How many characters of the pattern match this one character, if they do.
fn one(pattern: &[char], c: char) -> Option<usize> {
    match pattern.first()? {
        '*' => None,
        '?' => Some(1),
        '[' => {
            let end = pattern.iter().skip(2).position(|p| *p == ']')? + 2;
            let (negated, set) = match pattern[1] {
                '!' => (true, &pattern[2..end]),
                _ => (false, &pattern[1..end]),
            };
            let mut found = false;
            let mut at = 0;
            while at < set.len() {
                match (set.get(at), set.get(at + 1), set.get(at + 2)) {
                    (Some(low), Some('-'), Some(high)) => {
                        found |= (*low..=*high).contains(&c);
                        at += 3;
                    }
                    (Some(single), _, _) => {
                        found |= *single == c;
                        at += 1;
                    }
                    (None, _, _) => break,
                }
            }
            (found != negated).then_some(end + 1)
        }
        plain => (*plain == c).then_some(1),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wildcards_are_those_of_cargo() {
        for (pattern, name, fits) in [
            ("*", "core", true),
            ("py-*", "py-core", true),
            ("py-*", "core", false),
            ("*-core-*", "a-core-core-b", true),
            ("crate?", "crate1", true),
            ("crate?", "crate12", false),
            ("[ab]c", "bc", true),
            ("[a-c]x", "dx", false),
            ("[!a]x", "bx", true),
            ("", "", true),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn patterns_name_directories_that_exist_and_names_any() {
        let root = tempfile::tempdir().unwrap();
        for name in ["crates/a", "crates/b/deep", "tools/x"] {
            fs_err::create_dir_all(root.path().join(name)).unwrap();
        }
        fs_err::write(root.path().join("crates/file"), "").unwrap();
        let host = Host::current().unwrap();
        let names = |pattern: &str| -> Vec<String> {
            expand(&host, root.path(), pattern)
                .iter()
                .map(|p| p.strip_prefix(root.path()).unwrap().display().to_string())
                .collect()
        };
        assert_eq!(names("crates/*"), ["crates/a", "crates/b"]);
        assert_eq!(names("./missing/x"), ["missing/x"]);
        assert_eq!(names("crates/**"), ["crates", "crates/a", "crates/b", "crates/b/deep"]);
        assert_eq!(names("*/x"), ["crates/x", "tools/x"]);
    }

    proptest! {
        #[test]
        fn nothing_panics(pattern in "[a-c*?\\[\\]!é-]{0,12}", name in "[a-cé]{0,12}") {
            let _ = matches(&pattern, &name);
        }
    }
}
