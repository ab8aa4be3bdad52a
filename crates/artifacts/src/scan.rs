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
use crate::numpy::look_closer;

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
        look_closer(bytes, &mut numpy);
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
    memmem::find(window, b".rs").is_some_and(|at| at > 0 && window[..at].iter().all(of_path))
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
    use proptest::prelude::*;

    use super::*;

    /// The crates named in a text, as `name version`.
    fn crates(text: &str) -> Vec<String> {
        scan(text.as_bytes())
            .rust_crates
            .into_iter()
            .map(|found| format!("{} {}", found.name, found.version))
            .collect()
    }

    const REGISTRY: &str = "/home/me/.cargo/registry/src/index-6f17d22bba15001f/";

    #[test]
    fn crates_of_the_registry_are_found_in_strings_that_are_not_separated() {
        let text = format!(
            "unreachable code{REGISTRY}rayon-core-1.12.1/src/job.rscalled `unwrap()` on a \
             value{REGISTRY}numpy-0.22.1/src/array.rs{REGISTRY}numpy-0.22.1/src/error.rs"
        );
        assert_eq!(crates(&text), ["numpy 0.22.1", "rayon-core 1.12.1"]);
    }

    #[test]
    fn crates_are_found_in_paths_of_windows() {
        let text =
            r"C:\Users\me\.cargo\registry\src\index-6f17d22bba15001f\pyo3-0.22.6\src\err\mod.rs";
        assert_eq!(crates(text), ["pyo3 0.22.6"]);
        assert_eq!(crates(r"D:\p\vendor\pyo3-0.22.6\src/err\mod.rs"), ["pyo3 0.22.6"]);
    }

    #[test]
    fn a_crate_of_the_registry_may_have_its_code_anywhere() {
        assert_eq!(
            crates(&format!("{REGISTRY}zstd-sys-2.0.9+zstd.1.5.5/zstd/lib/zstd.c")),
            ["zstd-sys 2.0.9+zstd.1.5.5"]
        );
        assert_eq!(crates("/registry/src/mine-0123456789abcdef/own-1.0.0/lib.rs"), ["own 1.0.0"]);
    }

    #[test]
    fn vendored_crates_and_shortened_paths_are_found() {
        assert_eq!(crates("/build/vendor/ndarray-0.16.1/src/zip/mod.rs"), ["ndarray 0.16.1"]);
        assert_eq!(crates("text/half-2.4.1/src/lib.rs"), ["half 2.4.1"]);
    }

    #[test]
    fn versions_are_read_as_cargo_writes_them() {
        for (directory, expected) in [
            ("pyo3-0.22.0-rc.1", "pyo3 0.22.0-rc.1"),
            ("wasi-0.11.0+wasi-snapshot-preview1", "wasi 0.11.0+wasi-snapshot-preview1"),
            ("a-2-1.0.0", "a-2 1.0.0"),
            ("md5_asm-0.5.2", "md5_asm 0.5.2"),
        ] {
            assert_eq!(crates(&format!("/{directory}/src/lib.rs")), [expected]);
        }
    }

    #[test]
    fn others_are_not_taken_for_crates() {
        for path in [
            "/rustc/f6e511eec7342f59a25f7c0534f1dbea00d01b14/library/core/src/fmt/mod.rs",
            "/home/me/project/src/lib.rs",
            "/build/openssl-1.1.1/src/ssl.c",
            "/build/thing-1.2.3/src/",
            "/build/thing-1.2.3/src/.rs",
            "/build/thing-1.2.3/src/a file.rs",
            "/build/thing-1.2/src/lib.rs",
            "/build/thing-v1.2.3/src/lib.rs",
            "/build/-1.2.3/src/lib.rs",
            "/build/9thing-1.2.3/src/lib.rs",
            "/build/a thing-1.2.3/src/lib.rs",
            "thing-1.2.3/src/lib.rs",
            "/cargo/git/checkouts/thing-0123456789abcdef/0123456/src/lib.rs",
            "/registry/src/index/thing/src/lib.rs",
            "/registry/src",
            "/registry/src/",
            "/registry/src/index",
            "/registry/src/index/",
            "src",
            "/src",
            "/src/",
        ] {
            assert_eq!(crates(path), Vec::<String>::new(), "{path}");
        }
    }

    #[test]
    fn numpys_modules_are_told_apart() {
        let numpy = |text: &str| scan(text.as_bytes()).numpy;
        let old = numpy("numpy.core.multiarray\0_ARRAY_API");
        assert!(old.mentions_core && !old.mentions_underscore_core && old.mentions_c_api);
        let new = numpy("numpy._core._multiarray_umath\0_UFUNC_API");
        assert!(!new.mentions_core && new.mentions_underscore_core && new.mentions_c_api);
        let both = numpy("numpy.core\0numpy._core");
        assert!(both.mentions_core && both.mentions_underscore_core && !both.mentions_c_api);
        let none = numpy("numpy.linalg numpy.cor numpy._cor numpycore _ARRAY_API");
        assert_eq!(none, NumpyUse::default());
    }

    #[test]
    fn the_compiler_is_known_by_its_commit() {
        let commit = "f6e511eec7342f59a25f7c0534f1dbea00d01b14";
        for after in ['/', '\\'] {
            let text = format!("/rustc/none/x /rustc/{commit}{after}library");
            assert_eq!(scan(text.as_bytes()).rustc_commit.as_deref(), Some(commit));
        }
        assert_eq!(scan(format!("/rustc/{commit}").as_bytes()).rustc_commit, None);
        assert_eq!(scan(b"/rustc/1.95.0/library").rustc_commit, None);
    }

    #[test]
    fn words_on_the_edge_of_a_window_are_found() {
        let words = format!(
            "{REGISTRY}numpy-0.22.1/src/array.rs numpy.core numpy._core _ARRAY_API \
             /rustc/f6e511eec7342f59a25f7c0534f1dbea00d01b14/library"
        );
        let expected = scan(words.as_bytes());
        assert!(expected.rustc_commit.is_some() && expected.numpy.mentions_c_api);
        for before in WINDOW - words.len()..=WINDOW {
            let mut bytes = vec![b' '; before];
            bytes.extend(words.as_bytes());
            assert_eq!(scan(&bytes), expected, "after {before} bytes");
        }
    }

    #[test]
    fn too_many_crates_are_cut_and_said_to_be() {
        let text: String =
            (0..ENTRY_LIMIT).map(|index| format!("/c{index}-1.0.0/src/lib.rs ")).collect();
        let found = scan(text.as_bytes());
        assert!(!found.capped);
        assert_eq!(found.rust_crates.len(), ENTRY_LIMIT);
        let found = scan(format!("{text}/more-1.0.0/src/lib.rs").as_bytes());
        assert!(found.capped);
        assert_eq!(found.rust_crates.len(), ENTRY_LIMIT);
    }

    proptest! {
        #[test]
        fn any_path_is_read(text in r"(registry|src|vendor|index|a-1\.0\.0|b-1-2\.3\.4-rc\.1|lib\.rs|numpy\.|core|_core|rustc|/|\\| |\x00){0,40}") {
            let found = scan(text.as_bytes());
            for named in found.rust_crates {
                let directory = format!("{}-{}", named.name, named.version);
                prop_assert!(text.contains(&directory));
            }
        }
    }
}
