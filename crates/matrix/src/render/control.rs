//! The pickle control: which pickles do not load where, between which versions, and whether that
//! was predicted.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use report::render::visible;

use super::names;
use super::table::{Pair, Table};
use crate::{Observation, WrongPrediction};

/// Pickles that behave in the same way between the same cells.
#[derive(Debug)]
pub(crate) struct Effect<'a> {
    /// What happens.
    pub(crate) observation: &'a Observation,
    /// Between which cells.
    pub(crate) pairs: Vec<Pair>,
    /// To which objects, and in which protocols.
    pub(crate) objects: Vec<(&'a str, Vec<u8>)>,
    /// How many pickles that are.
    pub(crate) pickles: usize,
    /// Whether they were predicted to behave so.
    pub(crate) predicted: bool,
    /// Pairs in which some of these objects behave otherwise than predicted, which says nothing
    /// about where the line between versions lies.
    doubtful: BTreeSet<Pair>,
}

impl Effect<'_> {
    /// `as predicted`, or not.
    pub(crate) fn foresight(&self) -> &'static str {
        if self.predicted { "as predicted" } else { "predicted otherwise" }
    }

    /// What happens, as the verb of a sentence about pickles.
    pub(crate) fn verb(&self) -> &'static str {
        match self.observation {
            Observation::NotWritten { .. } => "are not written for",
            Observation::Loads => "load in",
            Observation::Warns { .. } => "load with a warning in",
            Observation::Fails { .. } => "do not load in",
            Observation::Differs { .. } => "load as something else in",
        }
    }

    /// The warning, the exception, or what differs.
    pub(crate) fn message(&self) -> &str {
        match self.observation {
            Observation::Loads => "",
            Observation::NotWritten { reason } => reason,
            Observation::Warns { message }
            | Observation::Fails { message }
            | Observation::Differs { message } => message,
        }
    }

    /// Objects that share their protocols: `14 of 16 kinds in every protocol`, or their names.
    pub(crate) fn kinds(&self, table: &Table<'_>) -> Vec<String> {
        let mut by_protocols: Vec<(&[u8], Vec<String>)> = Vec::new();
        for (object, protocols) in &self.objects {
            let object = visible(object).into_owned();
            match by_protocols.iter_mut().find(|(known, _)| known == protocols) {
                Some((_, objects)) => objects.push(object),
                None => by_protocols.push((protocols, vec![object])),
            }
        }
        by_protocols.sort_by_key(|(_, objects)| std::cmp::Reverse(objects.len()));
        let all = table.result.objects.len();
        let text = |(protocols, objects): (&[u8], Vec<String>)| {
            let protocols = names::protocols(protocols, &table.result.protocols);
            if objects.len() == all && all > 1 {
                return format!("all {all} kinds of objects in {protocols}");
            }
            format!("{} in {protocols}", objects.join(", "))
        };
        by_protocols.into_iter().map(text).collect()
    }

    /// From where to where, in versions of numpy where these decide, else in cells.
    pub(crate) fn between(&self, table: &Table<'_>) -> Vec<(String, String)> {
        if let Some(versions) = self.between_versions(table) {
            return versions;
        }
        names::between(table, &names::blocks(&self.pairs))
    }

    fn between_versions(&self, table: &Table<'_>) -> Option<Vec<(String, String)>> {
        let order = numpys(table);
        let version = |cell: usize| {
            order.iter().position(|known| Some(known) == table.cells[cell].numpy.as_ref())
        };
        let mut between = BTreeSet::new();
        for (writer, reader) in &self.pairs {
            between.insert((version(*writer)?, version(*reader)?));
        }
        let mine: BTreeSet<Pair> = self.pairs.iter().copied().collect();
        let others = table
            .run_pairs()
            .filter(|(pair, run)| run.pickles.is_some() && !mine.contains(pair))
            .filter(|(pair, _)| !self.doubtful.contains(pair))
            .filter_map(|((writer, reader), _)| Some((version(writer)?, version(reader)?)));
        for other in others {
            if between.contains(&other) {
                return None;
            }
        }
        let all: BTreeSet<String> = order.iter().cloned().collect();
        let named = |some: Vec<usize>| {
            let some = some.into_iter().map(|index| order[index].clone()).collect();
            names::versions(&some, &all)
        };
        let between: Vec<Pair> = between.into_iter().collect();
        let blocks = names::blocks(&between).into_iter();
        let with_numpy = |text: String| format!("numpy {text}");
        Some(blocks.map(|b| (with_numpy(named(b.writers)), named(b.readers))).collect())
    }
}

/// The numpys of the table, ascending.
pub(crate) fn numpys(table: &Table<'_>) -> Vec<String> {
    let versions: BTreeSet<&String> =
        table.cells.iter().filter_map(|cell| cell.numpy.as_ref()).collect();
    let mut versions: Vec<String> = versions.into_iter().cloned().collect();
    versions.sort_by(|a, b| names::by_version(a, b));
    versions
}

/// Everything but plain loading, those of most pickles first.
pub(crate) fn effects<'a>(table: &Table<'a>) -> Vec<Effect<'a>> {
    let mut effects: Vec<Effect<'a>> = Vec::new();
    let mut found: Vec<(Seen<'a>, Vec<Pair>)> = seen(table).into_iter().collect();
    // Those of most pairs first, so that one that lacks a doubtful pair meets the whole.
    found.sort_by_key(|(_, pairs)| std::cmp::Reverse(pairs.len()));
    let wrong = wrong(table);
    for (seen, pairs) in found {
        let observation = match table.result.observations.get(seen.observed) {
            None | Some(Observation::Loads | Observation::NotWritten { .. }) => continue,
            Some(observation) => observation,
        };
        let none = BTreeSet::new();
        let doubtful = wrong.get(&(seen.object, seen.protocol)).unwrap_or(&none);
        let fits = |effect: &Effect<'_>| {
            let same = effect.observation == observation && effect.predicted == seen.predicted;
            same && (effect.pairs == pairs || (seen.predicted && covers(effect, &pairs, doubtful)))
        };
        let count = pairs.len();
        let effect = match effects.iter().position(fits) {
            Some(place) => &mut effects[place],
            None => {
                effects.push(Effect {
                    observation,
                    pairs,
                    objects: Vec::new(),
                    pickles: 0,
                    predicted: seen.predicted,
                    doubtful: BTreeSet::new(),
                });
                let last = effects.len() - 1;
                &mut effects[last]
            }
        };
        effect.pickles += count;
        effect.doubtful.extend(doubtful);
        match effect.objects.iter_mut().find(|(object, _)| *object == seen.object) {
            Some((_, protocols)) => protocols.push(seen.protocol),
            None => effect.objects.push((seen.object, vec![seen.protocol])),
        }
    }
    for effect in &mut effects {
        let objects = &table.result.objects;
        let place = |name: &str| objects.iter().position(|object| object.name == name);
        effect.objects.sort_by_key(|(name, _)| place(name).unwrap_or(usize::MAX));
        for (_, protocols) in &mut effect.objects {
            protocols.sort_unstable();
        }
    }
    let severity = |effect: &Effect<'_>| match effect.observation {
        Observation::Fails { .. } => 0,
        Observation::Differs { .. } => 1,
        _ => 2,
    };
    effects.sort_by(|a, b| {
        let key = |effect: &Effect<'_>| (severity(effect), std::cmp::Reverse(effect.pickles));
        key(a).cmp(&key(b)).then_with(|| a.message().cmp(b.message())).then(a.pairs.cmp(&b.pairs))
    });
    effects
}

/// Whether the pairs are those of an effect but for some that are doubtful.
fn covers(effect: &Effect<'_>, pairs: &[Pair], doubtful: &BTreeSet<Pair>) -> bool {
    pairs.iter().all(|pair| effect.pairs.binary_search(pair).is_ok())
        && effect
            .pairs
            .iter()
            .all(|pair| doubtful.contains(pair) || pairs.binary_search(pair).is_ok())
}

/// What was seen of one object in one protocol.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Seen<'a> {
    observed: usize,
    object: &'a str,
    protocol: u8,
    predicted: bool,
}

/// Where each thing was seen, in the order of the table.
fn seen<'a>(table: &Table<'a>) -> BTreeMap<Seen<'a>, Vec<Pair>> {
    let mut found: BTreeMap<Seen<'a>, Vec<Pair>> = BTreeMap::new();
    for (pair, run) in table.run_pairs() {
        let Some(pickles) = &run.pickles else { continue };
        for (object, observed) in &pickles.observed {
            for (protocol, index) in table.result.protocols.iter().zip(observed) {
                let wrong = |wrong: &WrongPrediction| {
                    wrong.object == *object && wrong.protocol == *protocol
                };
                let seen = Seen {
                    observed: *index,
                    object,
                    protocol: *protocol,
                    predicted: !pickles.wrong.iter().any(wrong),
                };
                found.entry(seen).or_default().push(pair);
            }
        }
    }
    found
}

/// Where each object, in each protocol, behaved otherwise than predicted.
fn wrong<'a>(table: &Table<'a>) -> HashMap<(&'a str, u8), BTreeSet<Pair>> {
    let mut found: HashMap<(&str, u8), BTreeSet<Pair>> = HashMap::new();
    for (pair, run) in table.run_pairs() {
        for wrong in run.pickles.iter().flat_map(|pickles| &pickles.wrong) {
            found.entry((wrong.object.as_str(), wrong.protocol)).or_default().insert(pair);
        }
    }
    found
}
