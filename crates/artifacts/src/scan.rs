//! What the bytes of a module mention, wherever they are: numpy's modules, and the source paths
//! that rustc leaves in panic messages.
//!
//! The strings of a Rust module follow each other without anything between them, so a path is only
//! known from one of its separators to the next.

use std::collections::BTreeSet;

use memchr::memmem::Finder;
use semver::Version;

use crate::collect::ENTRY_LIMIT;
use crate::model::{NumpyUse, RustCrate};

/// The bytes are searched for one word after the other in windows of this size, so that they come
/// from memory once.
const WINDOW: usize = 64 * 1024;

/// How long one part of a path may be.
const PART_LIMIT: usize = 128;

/// How long the rest of a path may be.
const PATH_LIMIT: usize = 256;

/// What the bytes mention.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Mentions {
    pub(crate) numpy: NumpyUse,
    pub(crate) rust_crates: Vec<RustCrate>,
    pub(crate) rustc_commit: Option<String>,
    pub(crate) capped: bool,
}

/// Searches all bytes.
pub(crate) fn scan(bytes: &[u8]) -> Mentions {
    let numpy_word = Finder::new("numpy.");
    let rustc_word = Finder::new("/rustc/");
    let source_word = Finder::new("src");
    let mut numpy = NumpyUse::default();
    let mut rustc_commit = None;
    let mut crates = BTreeSet::new();
    for start in (0..bytes.len()).step_by(WINDOW) {
        if !(numpy.mentions_core && numpy.mentions_underscore_core) {
            for at in hits(bytes, start, &numpy_word) {
                let rest = &bytes[at + numpy_word.needle().len()..];
                numpy.mentions_core |= rest.starts_with(b"core");
                numpy.mentions_underscore_core |= rest.starts_with(b"_core");
            }
        }
        if rustc_commit.is_none() {
            rustc_commit = hits(bytes, start, &rustc_word)
                .find_map(|at| commit(&bytes[at + rustc_word.needle().len()..]));
        }
        if crates.len() <= ENTRY_LIMIT {
            crates.extend(hits(bytes, start, &source_word).filter_map(|at| crate_at(bytes, at)));
        }
    }
    if numpy.mentions_core || numpy.mentions_underscore_core {
        numpy.mentions_c_api = ["_ARRAY_API", "_UFUNC_API"]
            .iter()
            .any(|name| memchr::memmem::find(bytes, name.as_bytes()).is_some());
    }
    let capped = crates.len() > ENTRY_LIMIT;
    let rust_crates = crates.into_iter().take(ENTRY_LIMIT).collect();
    Mentions { numpy, rust_crates, rustc_commit, capped }
}

/// Where a word begins, in the window that begins at `start`.
fn hits<'a>(
    bytes: &'a [u8],
    start: usize,
    word: &'a Finder<'_>,
) -> impl Iterator<Item = usize> + 'a {
    // A word that begins here may end in the next window.
    let end = (start + WINDOW + word.needle().len() - 1).min(bytes.len());
    word.find_iter(&bytes[start..end]).map(move |at| start + at)
}

fn is_separator(byte: Option<&u8>) -> bool {
    matches!(byte, Some(b'/' | b'\\'))
}

/// The commit that stands after `/rustc/`: forty digits and a separator.
fn commit(rest: &[u8]) -> Option<String> {
    let (digits, after) = rest.split_at_checked(40)?;
    let hexadecimal = digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    (hexadecimal && is_separator(after.first())).then(|| String::from_utf8_lossy(digits).into())
}

/// The crate whose path has `src` as one of its parts, at `at`.
///
/// Either the path is `.../NAME-VERSION/src/....rs`: cargo's registry, a vendored crate, or what is
/// left where paths were shortened. Or it is `.../registry/src/INDEX/NAME-VERSION/...`, whose crate
/// may have its code elsewhere than in `src`.
fn crate_at(bytes: &[u8], at: usize) -> Option<RustCrate> {
    let before = &bytes[..at];
    let after = &bytes[at + b"src".len()..];
    if !is_separator(before.last()) || !is_separator(after.first()) {
        return None;
    }
    let parent = part_before(&before[..before.len() - 1])?;
    let after = &after[1..];
    if parent == b"registry" {
        let index = part_after(after)?;
        return crate_named(part_after(&after[index.len() + 1..])?);
    }
    crate_named(parent).filter(|_| is_rust_file(after))
}

/// The part of a path that ends where `before` ends.
fn part_before(before: &[u8]) -> Option<&[u8]> {
    let window = &before[before.len().saturating_sub(PART_LIMIT + 1)..];
    Some(&window[memchr::memrchr2(b'/', b'\\', window)? + 1..])
}

/// The part of a path that begins where `after` begins.
fn part_after(after: &[u8]) -> Option<&[u8]> {
    let window = &after[..after.len().min(PART_LIMIT + 1)];
    Some(&window[..memchr::memchr2(b'/', b'\\', window)?])
}

/// Whether a path goes on to a file of Rust source.
fn is_rust_file(rest: &[u8]) -> bool {
    let window = &rest[..rest.len().min(PATH_LIMIT)];
    let of_path = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-+./\\".contains(byte);
    let end = window.iter().position(|byte| !of_path(byte)).unwrap_or(window.len());
    memchr::memmem::find(&window[..end], b".rs").is_some_and(|at| at > 0)
}

/// The crate of a directory named `NAME-VERSION`.
fn crate_named(part: &[u8]) -> Option<RustCrate> {
    let part = std::str::from_utf8(part).ok()?;
    // A name has no dot, and up to the first dot of the version there is one number.
    let dot = part.find('.')?;
    let dash = part[..dot].rfind('-')?;
    let (name, version) = (&part[..dash], &part[dash + 1..]);
    let mut letters = name.bytes();
    let is_name = letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    (is_name && Version::parse(version).is_ok())
        .then(|| RustCrate { name: name.to_owned(), version: version.to_owned() })
}
