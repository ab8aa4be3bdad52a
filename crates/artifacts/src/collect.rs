//! What the readers of the three formats gather, with the bounds that keep hostile files harmless.

use std::collections::HashSet;
use std::hash::Hash;

use crate::model::VersionNeed;

/// How many entries of one kind are looked at; real modules have a few dozen.
pub(crate) const ENTRY_LIMIT: usize = 4096;

/// How long a name may be: `PATH_MAX`, since libraries can be named by their paths.
pub(crate) const NAME_LIMIT: usize = 4096;

/// How long a list of directories may be.
pub(crate) const PATHS_LIMIT: usize = 64 * 1024;

/// Different entries in order of appearance, at most [`ENTRY_LIMIT`], repetitions counted.
#[derive(Debug)]
pub(crate) struct Entries<T> {
    list: Vec<T>,
    known: HashSet<T>,
    offered: usize,
}

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self { list: Vec::new(), known: HashSet::new(), offered: 0 }
    }
}

impl<T: Clone + Eq + Hash> Entries<T> {
    /// Adds an entry unless it is known or there is no room. Readers go on while there is room.
    pub(crate) fn push(&mut self, entry: T) {
        self.offered += 1;
        if self.offered <= ENTRY_LIMIT && self.known.insert(entry.clone()) {
            self.list.push(entry);
        }
    }

    /// Whether nothing more is taken, so that reading on is useless.
    pub(crate) fn is_over(&self) -> bool {
        self.offered > ENTRY_LIMIT
    }

    /// The entries.
    pub(crate) fn as_slice(&self) -> &[T] {
        &self.list
    }

    /// The entries, for keeping.
    pub(crate) fn into_vec(self) -> Vec<T> {
        self.list
    }
}

/// What the headers of a module say.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    pub(crate) architectures: Entries<String>,
    pub(crate) needed: Entries<String>,
    /// Libraries that it uses but can do without: weak, lazy, delayed.
    pub(crate) optional: Entries<String>,
    pub(crate) search_paths: Entries<String>,
    pub(crate) library_path_first: bool,
    pub(crate) version_needs: Entries<VersionNeed>,
    pub(crate) version_definitions: Entries<String>,
    pub(crate) init_functions: Entries<String>,
    pub(crate) interpreter: Option<String>,
}

impl Collected {
    /// Whether some list was cut.
    pub(crate) fn is_capped(&self) -> bool {
        [
            &self.architectures,
            &self.needed,
            &self.optional,
            &self.search_paths,
            &self.version_definitions,
            &self.init_functions,
        ]
        .into_iter()
        .any(Entries::is_over)
            || self.version_needs.is_over()
    }
}

/// The text at `offset` up to its zero byte, if it is not longer than `limit`.
pub(crate) fn text_at(bytes: &[u8], offset: u64, limit: usize) -> Option<&[u8]> {
    let rest = bytes.get(usize::try_from(offset).ok()?..)?;
    let window = &rest[..rest.len().min(limit + 1)];
    Some(&window[..memchr::memchr(0, window)?])
}

/// Bytes as text, what is not UTF-8 replaced.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The name of the module whose init function is at `offset` in a table of names, which begin with
/// `prefix` there.
pub(crate) fn init_function_at(names: &[u8], offset: u64, prefix: &[u8]) -> Option<String> {
    let rest = names.get(usize::try_from(offset).ok()?..)?;
    // Only few symbols begin so: most are done with here, before their end is looked for.
    if !rest.starts_with(prefix) {
        return None;
    }
    let name = text_at(rest, prefix.len() as u64, NAME_LIMIT)?;
    (!name.is_empty()).then(|| text(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_ends_at_its_zero_and_nowhere_else() {
        assert_eq!(text_at(b"ab\0cd", 0, 8), Some(&b"ab"[..]));
        assert_eq!(text_at(b"ab\0cd", 1, 8), Some(&b"b"[..]));
        assert_eq!(text_at(b"ab\0cd", 2, 8), Some(&b""[..]));
        assert_eq!(text_at(b"ab\0cd", 3, 8), None, "not ended");
        assert_eq!(text_at(b"ab\0cd", 6, 8), None, "outside");
        assert_eq!(text_at(b"ab\0cd", u64::MAX, 8), None, "far outside");
        assert_eq!(text_at(b"abcd\0", 0, 4), Some(&b"abcd"[..]));
        assert_eq!(text_at(b"abcd\0", 0, 3), None, "longer than allowed");
    }

    #[test]
    fn entries_are_kept_once_and_counted_each_time() {
        let mut entries = Entries::default();
        for _ in 0..ENTRY_LIMIT - 1 {
            entries.push(1);
        }
        entries.push(2);
        assert!(!entries.is_over());
        entries.push(3);
        assert!(entries.is_over());
        assert_eq!(entries.into_vec(), [1, 2]);
    }

    #[test]
    fn an_init_function_has_a_name() {
        let names = b"\0PyInit_core\0PyInit_\0PyInit_open";
        assert_eq!(init_function_at(names, 1, b"PyInit_"), Some("core".to_owned()));
        assert_eq!(init_function_at(names, 13, b"PyInit_"), None, "empty");
        assert_eq!(init_function_at(names, 21, b"PyInit_"), None, "not ended");
        assert_eq!(init_function_at(names, 2, b"PyInit_"), None, "begins otherwise");
    }
}
