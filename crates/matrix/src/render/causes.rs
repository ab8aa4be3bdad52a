//! What failed, by cause: two hundred pairs that fail for one reason are one entry.

use std::collections::{BTreeMap, HashMap};

use super::names;
use super::table::{Pair, Table};
use super::words::shortened;
use crate::{Format, MatrixResult, Problem, ProblemKind, WrongPrediction};

/// Names shorter than this may stand in a message by chance.
const LEAST_NAME: usize = 5;

/// Pairs that failed in the same way.
#[derive(Debug)]
pub(crate) struct Cause {
    /// The pairs, in the order of the table.
    pub(crate) pairs: Vec<Pair>,
    /// Everything that went wrong in each of them.
    pub(crate) symptoms: Vec<Symptom>,
}

/// One thing that went wrong.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Symptom {
    /// What happened, in a word or two.
    pub(crate) kind: &'static str,
    /// To what: cases with their formats, or objects with their protocols.
    pub(crate) subjects: Vec<String>,
    /// The message, where the names of writer and reader are left out.
    pub(crate) message: String,
}

/// What a symptom is told apart by, before those of the same pairs are put together.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Key {
    pickle: bool,
    /// Place of the case or object in the corpus.
    place: usize,
    subject: String,
    kind: &'static str,
    message: String,
    /// Index of the format, or the protocol.
    variant: usize,
}

/// In a word or two.
pub(crate) fn kind(kind: ProblemKind) -> &'static str {
    match kind {
        ProblemKind::Error => "error",
        ProblemKind::Differs => "differs",
        ProblemKind::Missing => "no answer",
    }
}

/// Everything that failed, by cause, those of most pairs first.
pub(crate) fn causes(table: &Table<'_>) -> Vec<Cause> {
    let result = table.result;
    let cases = places_of_cases(result);
    let objects: HashMap<&str, usize> = result
        .objects
        .iter()
        .enumerate()
        .map(|(place, object)| (object.name.as_str(), place))
        .collect();
    let mut found: HashMap<Key, Vec<Pair>> = HashMap::new();
    for (pair, run) in table.run_pairs() {
        let mut add = |key: Key| {
            let pairs = found.entry(key).or_default();
            if pairs.last() != Some(&pair) {
                pairs.push(pair);
            }
        };
        for format in &run.formats {
            for problem in &format.problems {
                let place = cases.get(&case_key(&problem.case, format.format)).copied();
                add(Key {
                    pickle: false,
                    place: place.unwrap_or(usize::MAX),
                    subject: problem.case.clone(),
                    kind: kind(problem.kind),
                    message: told_alike(table, pair, &said(problem)),
                    variant: place_of(&result.formats, format.format),
                });
            }
        }
        for wrong in run.pickles.iter().flat_map(|pickles| &pickles.wrong) {
            let place = objects.get(wrong.object.as_str()).copied();
            add(Key {
                pickle: true,
                place: place.unwrap_or(usize::MAX),
                subject: wrong.object.clone(),
                kind: "pickle",
                message: told_alike(table, pair, &prediction(table, wrong)),
                variant: usize::from(wrong.protocol),
            });
        }
    }
    let mut by_pairs: BTreeMap<Vec<Pair>, Vec<Key>> = BTreeMap::new();
    for (key, pairs) in found {
        by_pairs.entry(pairs).or_default().push(key);
    }
    let mut causes: Vec<Cause> = by_pairs
        .into_iter()
        .map(|(pairs, keys)| Cause { pairs, symptoms: symptoms(table, keys) })
        .collect();
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.pairs.len()));
    causes
}

/// What a case is found by: those of the wheel's program may be called as others are.
fn case_key(name: &str, format: Format) -> (&str, Option<Format>) {
    (name, Some(format).filter(|format| Format::OF_WHEELS.contains(format)))
}

fn places_of_cases(result: &MatrixResult) -> HashMap<(&str, Option<Format>), usize> {
    let cases = result.cases.iter().enumerate();
    cases.map(|(place, case)| ((case.name.as_str(), case.only_in), place)).collect()
}

fn said(problem: &Problem) -> String {
    if problem.message.is_empty() {
        return "no message".to_owned();
    }
    shortened(&problem.message)
}

/// What was predicted of a pickle, and what happened.
pub(crate) fn prediction(table: &Table<'_>, wrong: &WrongPrediction) -> String {
    let observed = match table.result.observations.get(wrong.observed) {
        Some(observed) => observed.to_string(),
        None => "nobody knows".to_owned(),
    };
    let text = format!("predicted: {}; observed: {observed}", wrong.predicted);
    shortened(&text)
}

/// A message that names its writer or reader is the same in other pairs but for these names.
fn told_alike(table: &Table<'_>, (writer, reader): Pair, message: &str) -> String {
    let mut message = message.to_owned();
    for (cell, role) in [(writer, "<writer>"), (reader, "<reader>")] {
        let name = &table.cells[cell].name;
        if name.len() >= LEAST_NAME && message.contains(name.as_str()) {
            message = message.replace(name.as_str(), role);
        }
    }
    message
}

fn place_of(formats: &[Format], format: Format) -> usize {
    formats.iter().position(|known| *known == format).unwrap_or(formats.len())
}

/// Symptoms of one cause: what has the same message is one entry, in the order of the corpus.
fn symptoms(table: &Table<'_>, mut keys: Vec<Key>) -> Vec<Symptom> {
    keys.sort();
    let mut symptoms: Vec<Symptom> = Vec::new();
    let is_of_files = |format: &&Format| Format::ALL.contains(format);
    let formats_of_files = table.result.formats.iter().filter(is_of_files).count();
    let same_subject = |a: &Key, b: &Key| {
        (a.pickle, &a.subject, a.kind, &a.message) == (b.pickle, &b.subject, b.kind, &b.message)
    };
    for variants in keys.chunk_by(same_subject) {
        let Some(key) = variants.first() else { continue };
        let subject = if key.pickle {
            let protocols: Vec<u8> =
                variants.iter().filter_map(|key| u8::try_from(key.variant).ok()).collect();
            let protocols = names::protocols(&protocols, &table.result.protocols);
            format!("{} in {protocols}", key.subject)
        } else if variants.len() == formats_of_files && formats_of_files > 0 {
            key.subject.clone()
        } else {
            let formats = variants.iter().map(|key| {
                table
                    .result
                    .formats
                    .get(key.variant)
                    .map_or("another format", |format| format.name())
            });
            format!("{} ({})", key.subject, formats.collect::<Vec<_>>().join(", "))
        };
        let known = symptoms
            .iter_mut()
            .find(|known| known.kind == key.kind && known.message == key.message);
        match known {
            Some(known) => known.subjects.push(subject),
            None => symptoms.push(Symptom {
                kind: key.kind,
                subjects: vec![subject],
                message: key.message.clone(),
            }),
        }
    }
    symptoms
}
