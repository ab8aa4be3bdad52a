//! What one numpy makes of a data file.

use artifacts::{ArrayObstacle, DataFacts, PickleFacts, PickleName};
use numpy_rules::{Reading, Side};
use pep440_rs::Version;

/// What a numpy, with the Python around it, makes of a data file, if it may unpickle.
#[must_use]
pub fn reading(facts: &DataFacts, numpy: &Version, python: Option<&Version>) -> Reading {
    let side = Side { numpy, python };
    let pickles = facts.pickles().map(|(_, pickle)| {
        let PickleFacts { names, protocol, aligned_by_numpy_2, .. } = pickle;
        pickle_reading(names, *protocol, *aligned_by_numpy_2, side)
    });
    let refused = facts.arrays.iter().flat_map(|array| &array.obstacles).filter(|obstacle| {
        obstacle.refused && obstacle.condition.is_none() && concerns(obstacle, numpy)
    });
    let obstacles = refused.map(|obstacle| Reading::Fails(obstacle.reason.clone().into()));
    let mut worst = Reading::Loads;
    for reading in obstacles.chain(pickles) {
        match (&worst, &reading) {
            (_, Reading::Fails(_)) => return reading,
            (Reading::Loads, Reading::Warns(_))
            | (Reading::Loads | Reading::Warns(_), Reading::Alters(_)) => worst = reading,
            _ => {}
        }
    }
    worst
}

/// What a numpy makes of a pickle.
pub(crate) fn pickle_reading(
    names: &[PickleName],
    protocol: u8,
    aligned_by_numpy_2: bool,
    side: Side<'_>,
) -> Reading {
    if protocol > side.newest_protocol() {
        return Reading::Fails(
            format!("ValueError: unsupported pickle protocol: {protocol}").into(),
        );
    }
    let names: Vec<(&str, &str)> =
        names.iter().map(|name| (name.module.as_str(), name.name.as_str())).collect();
    let reading = numpy_rules::read_names(&names, side.numpy);
    if aligned_by_numpy_2 && reading.failure().is_none() {
        // Built by numpy 2, which alone writes such a flag.
        let writer = Version::new([2, 0]);
        if let Some(kind) = numpy_rules::kind("aligned-dtype") {
            let writer = Side { numpy: &writer, python: None };
            let aligned = numpy_rules::predict(kind, protocol, writer, side);
            if aligned.failure().is_some() {
                return aligned;
            }
        }
    }
    reading
}

/// Whether an obstacle concerns this numpy.
pub(super) fn concerns(obstacle: &ArrayObstacle, numpy: &Version) -> bool {
    let parse = |text: &Option<String>| text.as_deref().and_then(|text| text.parse().ok());
    let (since, before): (Option<Version>, Option<Version>) =
        (parse(&obstacle.since), parse(&obstacle.before));
    since.is_none_or(|since| *numpy >= since) && before.is_none_or(|before| *numpy < before)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(names: &[(&str, &str)], protocol: u8, aligned: bool, numpy: &str) -> Reading {
        let names: Vec<PickleName> = names
            .iter()
            .map(|(module, name)| PickleName {
                module: (*module).to_owned(),
                name: (*name).to_owned(),
            })
            .collect();
        let numpy = numpy.parse().unwrap();
        pickle_reading(&names, protocol, aligned, Side { numpy: &numpy, python: None })
    }

    #[test]
    fn names_flags_and_protocols_count() {
        let rebuild = [("numpy._core.multiarray", "_reconstruct"), ("numpy", "dtype")];
        assert_eq!(reads(&rebuild, 4, false, "1.26.4"), Reading::Loads);
        let flags = reads(&rebuild, 4, true, "1.26.4");
        assert!(flags.failure().unwrap().contains("overflow"));
        let module = reads(&rebuild, 4, true, "1.24.4");
        assert!(module.failure().unwrap().contains("numpy._core"));
        assert_eq!(reads(&rebuild, 4, true, "2.2.6"), Reading::Loads);
        let (numpy, python) = ("1.21.6".parse().unwrap(), "3.7.1".parse().unwrap());
        let old = Side { numpy: &numpy, python: Some(&python) };
        assert!(pickle_reading(&[], 5, false, old).failure().unwrap().contains("protocol: 5"));
    }
}
