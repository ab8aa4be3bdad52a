//! One result out of several: the shards of a run, or a run and what was run again of it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::{CellResult, CellState, Error, MatrixResult, Observation, PairResult, Shard};

/// Joins the results of all shards of one run. `shards` are results with the names of their files.
///
/// # Errors
/// They are not of one run: another program, corpus or list of cells, a shard that is missing, or
/// one that is there twice.
pub fn merge(shards: Vec<(String, MatrixResult)>) -> Result<MatrixResult, Error> {
    let mut shards = shards;
    shards.sort_by_key(|(_, result)| result.shard);
    complete(&shards)?;
    let mut rest = shards.into_iter();
    let Some((first_name, mut merged)) = rest.next() else {
        return Err(Error::Merge("there are no results to merge".to_owned()));
    };
    for (name, result) in rest {
        if let Some(what) = difference(&merged, &result) {
            let message = format!("{first_name} and {name} are not of one run: {what}");
            return Err(Error::Merge(message));
        }
        merged.seconds += result.seconds;
        if result.started < merged.started {
            merged.started.clone_from(&result.started);
        }
        for (cell, other) in merged.cells.iter_mut().zip(&result.cells) {
            join(cell, other);
        }
        add_pairs(&mut merged, result.observations, result.pairs);
    }
    merged.shard = None;
    sort(&mut merged);
    Ok(merged)
}

/// Whether the files are every shard of a run, each once.
fn complete(shards: &[(String, MatrixResult)]) -> Result<(), Error> {
    let mut seen: BTreeMap<Shard, &str> = BTreeMap::new();
    for (name, result) in shards {
        let Some(shard) = result.shard else {
            return Err(Error::Merge(format!("{name} is not the result of a shard")));
        };
        if let Some(other) = seen.insert(shard, name) {
            return Err(Error::Merge(format!("{other} and {name} are both shard {shard}")));
        }
    }
    let counts: BTreeSet<u32> = seen.keys().map(|shard| shard.count).collect();
    if counts.len() > 1 {
        let counts: Vec<String> = counts.iter().map(u32::to_string).collect();
        let message = format!("the results are of runs in {} parts", counts.join(" and in "));
        return Err(Error::Merge(message));
    }
    let count = counts.first().copied().unwrap_or_default();
    let missing: Vec<String> = (1..=count)
        .map(|index| Shard { index, count })
        .filter(|shard| !seen.contains_key(shard))
        .map(|shard| shard.to_string())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::Merge(format!("these shards are missing: {}", missing.join(", "))))
}

/// What shows that two results are not of one run.
fn difference(one: &MatrixResult, other: &MatrixResult) -> Option<&'static str> {
    let names = |result: &MatrixResult| -> Vec<String> {
        result.cells.iter().map(|cell| cell.name.clone()).collect()
    };
    let checks = [
        (one.tool == other.tool, "they come from different versions of the program"),
        (one.machine == other.machine, "they come from different kinds of machines"),
        (one.wheels == other.wheels, "their wheels differ"),
        (one.cases == other.cases, "their arrays differ"),
        (one.formats == other.formats, "their formats differ"),
        (one.objects == other.objects, "their pickled objects differ"),
        (one.protocols == other.protocols, "their pickle protocols differ"),
        (names(one) == names(other), "their cells differ"),
    ];
    checks.into_iter().find(|(same, _)| !same).map(|(_, what)| what)
}

/// A cell as two shards saw it: it took part in what both asked of it only if it did in each.
fn join(cell: &mut CellResult, other: &CellResult) {
    cell.writes |= other.writes;
    cell.reads |= other.reads;
    if matches!(cell.state, CellState::Ran) {
        cell.state = other.state.clone();
    }
    // A cell that does not write is looked at only in the shard in which it reads.
    cell.python = cell.python.take().or_else(|| other.python.clone());
    if cell.left_out.is_empty() {
        cell.left_out.clone_from(&other.left_out);
    }
    if cell.remarks.is_empty() {
        cell.remarks.clone_from(&other.remarks);
    }
    cell.read_seconds = cell.read_seconds.or(other.read_seconds);
    cell.write_seconds = cell.write_seconds.or(other.write_seconds);
}

/// A result with what was run again put in its place.
pub(crate) fn replace(previous: &MatrixResult, again: MatrixResult) -> MatrixResult {
    let mut joined = previous.clone();
    let ran: HashSet<(&str, &str)> = again.pairs_by_name().into_keys().collect();
    joined.pairs.retain(|pair| !ran.contains(&(pair.writer.as_str(), pair.reader.as_str())));
    for cell in &again.cells {
        match joined.cells.iter_mut().find(|old| old.name == cell.name) {
            Some(old) => {
                let (writes, reads) = (old.writes, old.reads);
                *old = CellResult { writes, reads, ..cell.clone() };
            }
            None => joined.cells.push(cell.clone()),
        }
    }
    if !again.wheels.is_empty() {
        joined.wheels = again.wheels;
    }
    joined.tool = again.tool;
    joined.started = again.started;
    joined.seconds = again.seconds;
    add_pairs(&mut joined, again.observations, again.pairs);
    sort(&mut joined);
    joined
}

/// Adds pairs whose pickles refer to another list of observations.
fn add_pairs(into: &mut MatrixResult, observations: Vec<Observation>, pairs: Vec<PairResult>) {
    let mut places = Vec::new();
    for observation in observations {
        let known = into.observations.iter().position(|known| *known == observation);
        places.push(known.unwrap_or_else(|| {
            into.observations.push(observation);
            into.observations.len() - 1
        }));
    }
    let place = |old: &mut usize| *old = places.get(*old).copied().unwrap_or(usize::MAX);
    for mut pair in pairs {
        if let Some(pickles) = &mut pair.pickles {
            pickles.observed.values_mut().flatten().for_each(place);
            pickles.wrong.iter_mut().for_each(|wrong| place(&mut wrong.observed));
        }
        into.pairs.push(pair);
    }
}

/// Brings the pairs into the order of the cells.
pub(crate) fn sort(result: &mut MatrixResult) {
    let places: BTreeMap<&str, usize> =
        result.cells.iter().enumerate().map(|(place, cell)| (cell.name.as_str(), place)).collect();
    let place = |name: &str| places.get(name).copied();
    result.pairs.sort_by_key(|pair| (place(&pair.writer), place(&pair.reader)));
}
