//! What a wheel tells of the machine that it was built on.

use artifacts::wheel::Entry;
use memchr::memmem;
use serde::Serialize;

use super::Problem;

/// What a secret is, which decides where it counts as found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretKind {
    /// A directory: found where it is followed by the end of its last part.
    Path,
    /// The name of a user: found as a directory below the one where users have theirs.
    User,
    /// Any other text: found where it is a whole word.
    Word,
}

/// A text that no file of a wheel may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// What it is, in words: `home directory`.
    pub what: String,
    /// The text.
    pub text: String,
    /// Where it counts as found.
    pub kind: SecretKind,
}

/// Characters shown on each side of what was found.
const AROUND: usize = 60;

/// Looks for every secret in the data of an entry, and in its name.
pub(super) fn search(entry: &Entry, data: &[u8], secrets: &[Secret], problems: &mut Vec<Problem>) {
    for secret in secrets {
        let needles = needles(secret);
        let found = needles.iter().find_map(|needle| {
            let in_name = position(entry.name.as_bytes(), needle, secret.kind)
                .map(|_| format!("in its name: {}", entry.name));
            in_name.or_else(|| {
                let at = position(data, needle, secret.kind)?;
                let count = memmem::find_iter(data, needle.as_bytes()).count();
                let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
                Some(format!("{times}, first at byte {at}: {}", around(data, at, needle.len())))
            })
        });
        if let Some(found) = found {
            problems.push(
                Problem::error("leaked-text", &entry.name)
                    .seen(format!("the {} `{}`", secret.what, secret.text))
                    .seen(found)
                    .because(
                        "compilers and build tools write the paths they were started with into \
                         what they make, so that another machine makes other bytes",
                    )
                    .cure(cure(&entry.name, data)),
            );
        }
    }
}

/// What helps depends on who wrote the text.
fn cure(name: &str, data: &[u8]) -> &'static str {
    if name.contains(".dist-info/sboms/") {
        "write the SBOM without absolute paths: build at a fixed path, or normalise it"
    } else if data.starts_with(b"\x7fELF") || name.ends_with(".so") || name.ends_with(".pyd") {
        "build with `--remap-path-prefix=DIRECTORY=/build` for rustc and \
         `-ffile-prefix-map=DIRECTORY=/build` for C, or in a container at a fixed path"
    } else {
        "find the step of the build that wrote it, and give it a path relative to the project"
    }
}

/// The texts that give a secret away.
fn needles(secret: &Secret) -> Vec<String> {
    let text = secret.text.trim_end_matches(['/', '\\']);
    if text.len() < 2 {
        return Vec::new();
    }
    match secret.kind {
        SecretKind::User => {
            ["/home/", "/Users/", "\\Users\\"].map(|before| format!("{before}{text}")).to_vec()
        }
        SecretKind::Path if text.contains('\\') => {
            vec![text.to_owned(), text.replace('\\', "\\\\"), text.replace('\\', "/")]
        }
        SecretKind::Path | SecretKind::Word => vec![text.to_owned()],
    }
}

/// Where a needle stands as a whole.
fn position(bytes: &[u8], needle: &str, kind: SecretKind) -> Option<usize> {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-".contains(byte);
    memmem::find_iter(bytes, needle.as_bytes()).find(|&at| {
        let after = bytes.get(at + needle.len()).is_none_or(|byte| !is_name(byte));
        let before = at == 0 || !bytes.get(at - 1).is_some_and(is_name);
        after && (before || kind != SecretKind::Word)
    })
}

/// The text around a place; what is not printable is a dot.
fn around(data: &[u8], at: usize, length: usize) -> String {
    let start = at.saturating_sub(AROUND);
    let end = (at + length + AROUND).min(data.len());
    let is_text = |byte: &&u8| byte.is_ascii_graphic() || **byte == b' ';
    // The runs of text that touch the place, and no more.
    let before = data[start..at].iter().rev().take_while(is_text).count();
    let after = data[at + length..end].iter().take_while(is_text).count();
    String::from_utf8_lossy(&data[at - before..at + length + after]).into_owned()
}
