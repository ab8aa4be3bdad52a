//! Many cells and versions named in few words.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use report::render::visible;

use super::table::{Pair, Table};
use super::words::listed;
use crate::{CellResult, Lane};

/// From how many versions in a row on a list says `from to`.
const LEAST_RANGE: usize = 5;

/// Up to how many cells a list names each of them before it looks for something shorter.
const FEW: usize = 3;

/// The most names in a list.
const MOST_NAMES: usize = 16;

/// Writers and readers of whom every writer meets every reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) writers: Vec<usize>,
    pub(crate) readers: Vec<usize>,
}

/// A set of pairs as few blocks: those who share all of their partners stand together.
pub(crate) fn blocks(pairs: &[Pair]) -> Vec<Block> {
    let by_reader: Vec<Block> = sharing(pairs.iter().map(|(writer, reader)| (*reader, *writer)))
        .into_iter()
        .map(|(readers, writers)| Block { writers, readers })
        .collect();
    let by_writer: Vec<Block> = sharing(pairs.iter().copied())
        .into_iter()
        .map(|(writers, readers)| Block { writers, readers })
        .collect();
    if by_writer.len() < by_reader.len() { by_writer } else { by_reader }
}

/// Those who have the same partners, with these partners.
fn sharing(pairs: impl Iterator<Item = (usize, usize)>) -> Vec<(Vec<usize>, Vec<usize>)> {
    let mut partners: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (one, partner) in pairs {
        partners.entry(one).or_default().insert(partner);
    }
    let mut groups: BTreeMap<BTreeSet<usize>, Vec<usize>> = BTreeMap::new();
    for (one, partners) in partners {
        groups.entry(partners).or_default().push(one);
    }
    let mut blocks: Vec<(Vec<usize>, Vec<usize>)> =
        groups.into_iter().map(|(partners, ones)| (ones, partners.into_iter().collect())).collect();
    blocks.sort();
    blocks
}

/// Who wrote and who read, for a sentence about pairs that were run.
pub(crate) fn between(table: &Table<'_>, blocks: &[Block]) -> Vec<(String, String)> {
    let (writers, readers) = (table.active_writers(), table.active_readers());
    let named = |block: &Block| {
        (cells(table, &block.writers, &writers), cells(table, &block.readers, &readers))
    };
    blocks.iter().map(named).collect()
}

/// Some of the cells of a table, in as few words as say it exactly: `all 32 cells`, `numpy 2.0.2,
/// 2.2.6 on every Python`, or names.
fn cells(table: &Table<'_>, some: &[usize], among: &[usize]) -> String {
    let name = |index: &usize| visible(&table.cells[*index].name).into_owned();
    let lane = |index: &usize| table.cells[*index].kind.lane();
    // A pair is of one lane, and so are those who fail in the same way.
    let of_lane: Vec<usize> = match some.first().map(lane) {
        Some(of) => among.iter().copied().filter(|index| lane(index) == of).collect(),
        None => Vec::new(),
    };
    let (among, whose) = match some.first().map(lane) {
        Some(Lane::Wheel) if table.has_both_lanes() => (of_lane.as_slice(), " with the wheel"),
        Some(Lane::Arrays) if table.has_both_lanes() => (of_lane.as_slice(), " without a wheel"),
        _ => (among, ""),
    };
    if some.len() == among.len() && some.len() > 1 {
        return format!("all {} cells{whose}", some.len());
    }
    let missing: Vec<usize> = among.iter().copied().filter(|cell| !some.contains(cell)).collect();
    if missing.len() <= 2 && some.len() > FEW {
        let missing: Vec<String> = missing.iter().map(name).collect();
        return format!("all {} cells{whose} but {}", among.len(), missing.join(" and "));
    }
    let names: Vec<String> = some.iter().map(name).collect();
    if some.len() <= FEW {
        return names.join(", ");
    }
    let numpy = |cell: &CellResult| cell.numpy.clone();
    let python = |cell: &CellResult| cell.python.clone();
    if let Some(numpys) = whole_classes(table, some, among, numpy) {
        return format!("numpy {numpys} on every Python{whose}");
    }
    let and = if whose.is_empty() { String::new() } else { format!(",{whose}") };
    if let Some(pythons) = whole_classes(table, some, among, python) {
        return format!("Python {pythons} with every numpy{and}");
    }
    listed(&names, MOST_NAMES)
}

/// The versions that all of `some` and nobody else has, when there are few.
fn whole_classes(
    table: &Table<'_>,
    some: &[usize],
    among: &[usize],
    version: impl Fn(&CellResult) -> Option<String>,
) -> Option<String> {
    let mut classes = BTreeSet::new();
    for index in some {
        classes.insert(version(table.cells[*index])?);
    }
    let outside = among.iter().filter(|index| !some.contains(index));
    let exact = outside
        .filter_map(|index| version(table.cells[*index]))
        .all(|version| !classes.contains(&version));
    let all = table.cells.iter().filter_map(|cell| version(cell)).collect();
    (exact && classes.len() < some.len()).then(|| versions(&classes, &all))
}

/// Versions as a list, where many in a row are a range: `1.17.5 to 1.26.0, 2.0.2`.
pub(crate) fn versions(some: &BTreeSet<String>, all: &BTreeSet<String>) -> String {
    let mut order: Vec<&String> = all.union(some).collect();
    order.sort_by(|a, b| by_version(a, b));
    let mut parts = Vec::new();
    for run in order.chunk_by(|a, b| some.contains(*a) == some.contains(*b)) {
        match run {
            [first, ..] if !some.contains(*first) => {}
            [first, .., last] if run.len() >= LEAST_RANGE => {
                parts.push(format!("{} to {}", visible(first), visible(last)));
            }
            run => parts.extend(run.iter().map(|version| visible(version).into_owned())),
        }
    }
    parts.join(", ")
}

/// `3.9` before `3.10`, and what is no number after what is one.
pub(crate) fn by_version(a: &str, b: &str) -> Ordering {
    let parts = |text: &str| {
        let split = text.split(|c: char| !c.is_ascii_alphanumeric());
        split.map(|part| part.parse::<u64>().map_err(|_| part.to_owned())).collect::<Vec<_>>()
    };
    let compare = |a: &Result<u64, String>, b: &Result<u64, String>| match (a, b) {
        (Ok(a), Ok(b)) => a.cmp(b),
        (Err(a), Err(b)) => a.cmp(b),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
    };
    let (left, right) = (parts(a), parts(b));
    let different = left.iter().zip(&right).map(|(a, b)| compare(a, b)).find(|order| order.is_ne());
    different.unwrap_or_else(|| left.len().cmp(&right.len())).then_with(|| a.cmp(b))
}

/// Protocols as a list: `every protocol`, `protocol 5`, `protocols 2, 3`.
pub(crate) fn protocols(some: &[u8], all: &[u8]) -> String {
    if some.len() == all.len() && all.len() > 1 {
        return "every protocol".to_owned();
    }
    let numbers: Vec<String> = some.iter().map(u8::to_string).collect();
    match numbers.as_slice() {
        [one] => format!("protocol {one}"),
        [first, .., last] if numbers.len() > 2 && contiguous(some) => {
            format!("protocols {first} to {last}")
        }
        _ => format!("protocols {}", numbers.join(", ")),
    }
}

fn contiguous(numbers: &[u8]) -> bool {
    numbers.windows(2).all(|pair| pair[0].checked_add(1) == Some(pair[1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(versions: &[&str]) -> BTreeSet<String> {
        versions.iter().map(|version| (*version).to_owned()).collect()
    }

    #[test]
    fn versions_in_a_row_are_a_range_in_the_order_of_versions() {
        let all = set(&["1.9.0", "1.10.0", "1.21.6", "1.24.4", "1.26.0", "2.0.2", "2.2.6"]);
        let old = set(&["1.10.0", "1.9.0", "1.24.4", "1.21.6", "1.26.0"]);
        assert_eq!(versions(&old, &all), "1.9.0 to 1.26.0");
        assert_eq!(versions(&set(&["2.2.6", "1.9.0", "1.10.0"]), &all), "1.9.0, 1.10.0, 2.2.6");
    }

    #[test]
    fn versions_are_ordered_by_their_numbers() {
        assert_eq!(by_version("3.9", "3.10"), Ordering::Less);
        assert_eq!(by_version("2.0.0rc1", "2.0.0"), Ordering::Greater);
        assert_eq!(by_version("newest", "99"), Ordering::Greater);
        assert_eq!(by_version("1.0", "1.0"), Ordering::Equal);
    }

    #[test]
    fn pairs_become_few_blocks() {
        let block = |writers: &[usize], readers: &[usize]| Block {
            writers: writers.to_vec(),
            readers: readers.to_vec(),
        };
        assert_eq!(blocks(&[(0, 1), (1, 1), (0, 2), (1, 2)]), [block(&[0, 1], &[1, 2])]);
        // Seen by reader this is two blocks, by writer three.
        assert_eq!(
            blocks(&[(0, 5), (1, 5), (1, 6), (2, 6)]),
            [block(&[0, 1], &[5]), block(&[1, 2], &[6])]
        );
    }

    #[test]
    fn protocols_are_named_shortly() {
        let all = [2, 3, 4, 5];
        assert_eq!(protocols(&[2, 3, 4, 5], &all), "every protocol");
        assert_eq!(protocols(&[5], &all), "protocol 5");
        assert_eq!(protocols(&[2, 3, 4], &all), "protocols 2 to 4");
        assert_eq!(protocols(&[2, 5], &all), "protocols 2, 5");
    }
}
