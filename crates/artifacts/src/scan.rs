//! What the bytes of a module mention, wherever they are: numpy's modules, and the source paths
//! that rustc leaves in panic messages.
//!
//! The strings of a Rust module follow each other without anything between them, so a path is only
//! known from one of its separators to the next.

use std::collections::BTreeSet;

use memchr::memmem::{self, Finder};
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

/// What Cython says of a type that has become smaller.
const SIZE_CHANGED: &str = "size changed, may indicate binary incompatibility. Expected %zd from C";

/// What stands before the oldest numpy that a module accepts, in a message of numpy 2's headers.
const COMPILED_AGAINST: &[u8] = b"compiled against NumPy C-API version 0x%x (NumPy ";

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
        let holds = |text: &str| memmem::find(bytes, text.as_bytes()).is_some();
        numpy.mentions_c_api = holds("_ARRAY_API") || holds("_UFUNC_API");
        numpy.imports_c_api = numpy.mentions_c_api && holds("_API is not PyCapsule object");
        // Every Cython module that uses numpy's declarations takes `flatiter` from numpy, and
        // nothing else speaks of it.
        numpy.checks_type_sizes = holds(SIZE_CHANGED) && holds("flatiter");
        numpy.oldest_numpy = memmem::find(bytes, COMPILED_AGAINST)
            .and_then(|at| two_numbers(&bytes[at + COMPILED_AGAINST.len()..]));
    }
    let capped = crates.len() > ENTRY_LIMIT;
    let rust_crates = crates.into_iter().take(ENTRY_LIMIT).collect();
    Mentions { numpy, rust_crates, rustc_commit, capped }
}

/// The numbers of `1.20)`.
fn two_numbers(rest: &[u8]) -> Option<(u16, u16)> {
    let end = memchr::memchr(b')', &rest[..rest.len().min(16)])?;
    let (major, minor) = std::str::from_utf8(&rest[..end]).ok()?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
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
    memmem::find(&window[..end], b".rs").is_some_and(|at| at > 0)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn numpy_use(text: &str) -> NumpyUse {
        scan(text.as_bytes()).numpy
    }

    #[test]
    fn the_ways_to_numpy_are_told_apart() {
        let c = numpy_use("numpy.core._multiarray_umath\0_ARRAY_API is not PyCapsule object\0");
        assert!(c.imports_c_api && !c.checks_type_sizes);
        let pybind11 = numpy_use("numpy.core.multiarray\0_ARRAY_API\0");
        assert!(pybind11.mentions_c_api && !pybind11.imports_c_api);
        let size = "%.200s.%.200s size changed, may indicate binary incompatibility. \
                    Expected %zd from C header, got %zd from PyObject\0";
        let cython =
            numpy_use(&format!("numpy.core.multiarray failed to import\0flatiter\0{size}"));
        assert!(cython.checks_type_sizes && !cython.imports_c_api);
        // Cython code that has a word about numpy in a text, and other types' sizes to check.
        assert!(!numpy_use(&format!("see numpy.core\0{size}")).checks_type_sizes);
    }

    #[test]
    fn numpy_2s_headers_name_the_oldest_numpy() {
        let message = "numpy._core module was compiled against NumPy C-API version 0x%x (NumPy ";
        assert_eq!(numpy_use(&format!("{message}1.20) but")).oldest_numpy, Some((1, 20)));
        for broken in ["", "1.", "1.20", "x.y)", "1.99999999)"] {
            assert_eq!(numpy_use(&format!("{message}{broken}")).oldest_numpy, None, "{broken}");
        }
    }
}
