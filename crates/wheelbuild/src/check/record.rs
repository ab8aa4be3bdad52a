//! `RECORD`: every file, its hash and its size.

use std::collections::BTreeSet;

use artifacts::wheel::{RecordRow, Wheel};
use sha2::{Digest as _, Sha384, Sha512};

use super::Problem;
use super::facts::Facts;

const BUILT_BY_HAND: &str = "files were changed, added or removed after RECORD was written";
const WRITE_ANEW: &str = "let one tool write the wheel; to repair it, `python -m wheel unpack` and `python -m wheel pack`";

pub(super) fn check(wheel: &Wheel, facts: &Facts, problems: &mut Vec<Problem>) {
    let rows = match wheel.record() {
        Ok(rows) => rows,
        Err(error) => {
            problems.push(
                Problem::error("record-unreadable", "RECORD")
                    .seen(error.to_string())
                    .because(
                        "a wheel lists all its files in RECORD; installers refuse it otherwise",
                    )
                    .cure(WRITE_ANEW),
            );
            return;
        }
    };
    let Ok(directory) = wheel.dist_info() else { return };
    // Nobody can write the hash of a file into itself, or of a signature into what it signs.
    let unhashed = ["RECORD", "RECORD.jws", "RECORD.p7s"].map(|file| format!("{directory}/{file}"));
    let is_unhashed = |path: &String| unhashed.contains(path);

    let listed: BTreeSet<&str> = rows.iter().map(|row| row.path.as_str()).collect();
    let missing: Vec<String> = wheel
        .entries
        .iter()
        .filter(|entry| !entry.is_directory() && !is_unhashed(&entry.name))
        .filter(|entry| !listed.contains(entry.name.as_str()))
        .map(|entry| entry.name.clone())
        .collect();
    report("record-missing-file", "these files are not in it", missing, problems);

    let extra: Vec<String> = rows
        .iter()
        .filter(|row| wheel.entry(&row.path).is_none() && !row.path.ends_with('/'))
        .map(|row| row.path.clone())
        .collect();
    report("record-extra-file", "these are in it, and not in the wheel", extra, problems);

    let (mut wrong, mut unproven, mut weak) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows.iter().filter(|row| !is_unhashed(&row.path)) {
        let Some(contents) = facts.digests.get(&row.path) else { continue };
        if let Some(size) = row.size.filter(|size| *size != contents.size) {
            wrong.push(format!("{}: {} bytes, not {size}", row.path, contents.size));
        }
        let Some((algorithm, digest)) = &row.hash else {
            unproven.push(row.path.clone());
            continue;
        };
        match real_digest(algorithm, row, contents.sha256, wheel) {
            Some(real) if real == digest.trim_end_matches('=') => {}
            Some(real) => wrong.push(format!("{}: {algorithm}={real}, not {digest}", row.path)),
            None => weak.push(format!("{}: {algorithm}", row.path)),
        }
    }
    report("record-wrong", "size or hash of these files is another one", wrong, problems);
    report("record-hash-missing", "these files have no hash", unproven, problems);
    report("record-hash-weak", "these hashes are not sha256, sha384 or sha512", weak, problems);

    let mut seen = BTreeSet::new();
    let twice: Vec<String> =
        rows.iter().filter(|row| !seen.insert(&row.path)).map(|row| row.path.clone()).collect();
    report("record-duplicate-row", "these files are listed twice", twice, problems);
}

fn report(name: &'static str, what: &str, evidence: Vec<String>, problems: &mut Vec<Problem>) {
    if !evidence.is_empty() {
        problems.push(
            Problem::error(name, "RECORD")
                .seen_all(evidence)
                .because(format!("{what}: {BUILT_BY_HAND}"))
                .cure(WRITE_ANEW),
        );
    }
}

/// The digest as it should stand in `RECORD`; none for an algorithm that proves nothing.
fn real_digest(
    algorithm: &str,
    row: &RecordRow,
    sha256: [u8; 32],
    wheel: &Wheel,
) -> Option<String> {
    let data = || wheel.entry(&row.path).and_then(|entry| wheel.read(entry).ok());
    match algorithm {
        "sha256" => Some(base64(&sha256)),
        "sha384" => Some(base64(&Sha384::digest(data()?))),
        "sha512" => Some(base64(&Sha512::digest(data()?))),
        _ => None,
    }
}

/// Base 64 with the alphabet for URLs and without padding (RFC 4648, section 5).
pub(crate) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let number = three.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte))
            << (8 * (3 - three.len()));
        for place in 0..=three.len() {
            let index = (number >> (18 - 6 * place)) & 63;
            text.push(char::from(ALPHABET[index as usize]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_urls() {
        for (bytes, text) in
            [(&b""[..], ""), (b"f", "Zg"), (b"fo", "Zm8"), (b"foo", "Zm9v"), (b"\xfb\xff", "-_8")]
        {
            assert_eq!(base64(bytes), text);
        }
    }
}
