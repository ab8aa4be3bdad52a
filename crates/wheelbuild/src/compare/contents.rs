//! The data of the entries that both wheels have.

use artifacts::wheel::{Wheel, WheelError};

use super::causes;
use super::{Difference, module, pairs, sbom, shown, text};

/// Compares the data of every entry but `RECORD`, which only echoes what the others are.
pub(super) fn compare(a: &Wheel, b: &Wheel, found: &mut Vec<Difference>) -> Result<(), WheelError> {
    let mut recompressed = Vec::new();
    let mut is_content_same = true;
    for (one, other) in pairs(a, b) {
        if is_record(&one.name) || a.stored(one) == b.stored(other) && one.method == other.method {
            continue;
        }
        let (first, second) = (a.read(one)?, b.read(other)?);
        if first == second {
            // The method is told with the other fields.
            if one.method == other.method {
                recompressed.push(format!(
                    "{}: {} and {} bytes",
                    one.name, one.compressed, other.compressed
                ));
            }
            continue;
        }
        is_content_same = false;
        let name = &one.name;
        let is_told = module::compare(name, &first, &second, found)
            || (is_sbom(name) && sbom::compare(name, &first, &second, found))
            || text::compare(name, &first, &second, found);
        if !is_told {
            found.push(binary(name, &first, &second));
        }
    }
    if !recompressed.is_empty() {
        let what = format!("the same data of {} entries, compressed otherwise", recompressed.len());
        let mut difference = causes::COMPRESSION.at("entries", what);
        difference.details = shown(recompressed);
        found.push(difference);
    }
    let has_other_files = a.entries.len() != b.entries.len()
        || a.entries.iter().any(|entry| b.entry(&entry.name).is_none());
    if is_content_same && !has_other_files {
        record(a, b, found)?;
    }
    Ok(())
}

fn is_record(name: &str) -> bool {
    name.ends_with(".dist-info/RECORD")
}

fn is_sbom(name: &str) -> bool {
    name.contains(".dist-info/sboms/")
        || name.ends_with(".cdx.json")
        || name.ends_with(".spdx.json")
}

/// `RECORD`, when nothing else explains why it is another one.
fn record(a: &Wheel, b: &Wheel, found: &mut Vec<Difference>) -> Result<(), WheelError> {
    let (Some(one), Some(other)) = (
        a.entries.iter().find(|entry| is_record(&entry.name)),
        b.entries.iter().find(|entry| is_record(&entry.name)),
    ) else {
        return Ok(());
    };
    let (first, second) = (a.read(one)?, b.read(other)?);
    if first == second {
        return Ok(());
    }
    let sorted = |bytes: &[u8]| {
        let mut lines: Vec<Vec<u8>> = bytes
            .split(|byte| *byte == b'\n')
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec())
            .filter(|line| !line.is_empty())
            .collect();
        lines.sort();
        lines
    };
    let (lines, others) = (sorted(&first), sorted(&second));
    if lines == others {
        // It follows the order of the entries, where that was told.
        if !found.iter().any(|difference| difference.name == causes::ENTRY_ORDER.name) {
            found.push(causes::RECORD_ORDER.at(&one.name, "the same lines in another order"));
        }
        return Ok(());
    }
    let mut difference = causes::RECORD_ROWS.at(&one.name, "other lines for the same files");
    let only = |lines: &[Vec<u8>], others: &[Vec<u8>]| {
        let own = lines.iter().filter(|line| others.binary_search(line).is_err());
        shown(own.map(|line| String::from_utf8_lossy(line).into_owned()))
    };
    difference.only_a = only(&lines, &others);
    difference.only_b = only(&others, &lines);
    found.push(difference);
    Ok(())
}

/// Data of which nothing is known.
fn binary(name: &str, one: &[u8], other: &[u8]) -> Difference {
    let at = one.iter().zip(other).position(|(one, other)| one != other);
    let at = at.unwrap_or_else(|| one.len().min(other.len()));
    let what =
        format!("{} and {} bytes, the first difference at byte {at}", one.len(), other.len());
    causes::BINARY.at(name, what)
}
