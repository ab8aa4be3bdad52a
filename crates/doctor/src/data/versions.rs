//! Which versions of numpy can load a data file.

use artifacts::{DataFacts, DataFaultKind, PickleFacts};
use numpy_rules::Reading;
use pep440_rs::Version;

use super::reading;

/// Versions in a row to which the same happens.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// The first of them; `None` for the oldest that is known.
    pub since: Option<Version>,
    /// The first that no longer belongs to them; `None` for none.
    pub before: Option<Version>,
    /// What they make of the file, if they may unpickle.
    pub reading: Reading,
}

/// Names in numpy's modules of which nothing is known but, at most, their module.
pub(super) fn unlisted(facts: &DataFacts) -> Vec<String> {
    let names = facts.pickles().flat_map(|(_, pickle)| &pickle.names);
    let numpys = names.filter(|name| name.module == "numpy" || name.module.starts_with("numpy."));
    let mut unlisted: Vec<String> = numpys
        .filter(|name| {
            numpy_rules::readers_of_name(&name.module, &name.name)
                .is_none_or(|readers| !readers.is_listed)
        })
        .map(|name| format!("{}.{}", name.module, name.name))
        .collect();
    unlisted.sort();
    unlisted.dedup();
    unlisted
}

/// What happens to whom, oldest first. Nothing for a file that nobody can judge or load, nor for a
/// pickle that has nothing to do with numpy or is dangerous to load.
pub(super) fn segments(facts: &DataFacts) -> Vec<Segment> {
    let is_broken = facts.faults.iter().any(|fault| fault.kind != DataFaultKind::Unsupported);
    let holds_something = !facts.arrays.is_empty() || facts.pickle.is_some();
    let is_numpys = |pickle: &PickleFacts| {
        pickle.names.iter().any(|name| name.module.split('.').next() == Some("numpy"))
    };
    let is_foreign = facts.pickle.as_ref().is_some_and(|pickle| !is_numpys(pickle));
    let is_dangerous = facts.pickles().any(|(_, pickle)| pickle.dangerous().next().is_some());
    let is_nothing = is_foreign || is_dangerous || !holds_something;
    if !facts.format.is_judged() || is_broken || is_nothing {
        return Vec::new();
    }
    let oldest = numpy_rules::turning_points().first();
    let mut points: Vec<Version> = numpy_rules::turning_points().to_vec();
    let obstacles = facts.arrays.iter().flat_map(|array| &array.obstacles);
    let ends = obstacles.flat_map(|obstacle| [&obstacle.since, &obstacle.before]);
    points.extend(ends.flatten().filter_map(|text| text.parse().ok()));
    points.retain(|point| oldest.is_none_or(|oldest| point >= oldest));
    points.sort();
    points.dedup();
    let mut segments: Vec<Segment> = Vec::new();
    for (index, point) in points.iter().enumerate() {
        let reading = reading(facts, point, None);
        match segments.last_mut() {
            Some(last) if last.reading == reading => {}
            last => {
                if let Some(last) = last {
                    last.before = Some(point.clone());
                }
                let since = (index > 0).then(|| point.clone());
                segments.push(Segment { since, before: None, reading });
            }
        }
    }
    segments
}

impl Segment {
    /// The versions, as a person says it: `numpy 1.26.1 to 1.26`, `every numpy since 1.17`.
    #[must_use]
    pub fn name(&self) -> String {
        let short = |version: &Version| {
            let text = version.to_string();
            text.strip_suffix(".0").filter(|rest| rest.contains('.')).unwrap_or(&text).to_owned()
        };
        match (&self.since, &self.before) {
            (None, None) => match numpy_rules::turning_points().first() {
                Some(oldest) => format!("every numpy since {}", short(oldest)),
                None => "every numpy".to_owned(),
            },
            (Some(since), None) => format!("numpy {} and newer", short(since)),
            (None, Some(before)) => format!("numpy before {}", short(before)),
            (Some(since), Some(before)) => {
                format!("numpy {} and newer, before {}", short(since), short(before))
            }
        }
    }
}
