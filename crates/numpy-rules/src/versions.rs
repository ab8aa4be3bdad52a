//! Which numpy goes with which Python, and which C interface it has.

use pep440_rs::Version;

use crate::data::rules;
use crate::range::Release;

/// Whether PyPI has wheels of this numpy for this Python, where the table tells.
#[must_use]
pub fn has_wheels(numpy: &Version, python: &Version) -> Option<bool> {
    let [major, python] = minor(python);
    let numpy = Release::of(numpy);
    let wheels = rules().wheels.iter().rev().find(|wheels| numpy >= wheels.numpy)?;
    let (oldest, newest) = wheels.pythons;
    Some(major == 3 && (oldest..=newest).contains(&python))
}

/// `NPY_API_VERSION`, the version of the C interface that a numpy has, as far as the table goes.
#[must_use]
pub fn api_version(numpy: [u64; 2]) -> Option<u32> {
    let interface = &rules().c_interface;
    let numpy = Release([numpy[0], numpy[1], 0]);
    let known = interface.versions.iter().rev().find(|(first, _)| numpy >= *first)?;
    (numpy <= interface.last).then_some(known.1)
}

/// Whether there is a numpy 2 for this Python.
#[must_use]
pub fn has_numpy_2(python: &Version) -> bool {
    minor(python) >= [3, 9]
}

/// Whether this is numpy 2 or newer.
#[must_use]
pub fn is_numpy_2(numpy: &Version) -> bool {
    minor(numpy) >= [2, 0]
}

/// The first two numbers of a version.
#[must_use]
pub fn minor(version: &Version) -> [u64; 2] {
    let Release([major, minor, _]) = Release::of(version);
    [major, minor]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wheels_go_with_pythons() {
        for (numpy, python, expected) in [
            ("1.24.4", "3.11.7", Some(true)),
            ("1.24.4", "3.12.1", Some(false)),
            ("2.2.6", "3.9.18", Some(false)),
            ("2.0.2", "3.9.18", Some(true)),
            ("1.16.6", "3.7.16", None),
        ] {
            let found = has_wheels(&numpy.parse().unwrap(), &python.parse().unwrap());
            assert_eq!(found, expected, "{numpy} {python}");
        }
    }

    #[test]
    fn interfaces_are_known_up_to_the_newest_numpy_that_was_looked_at() {
        for (numpy, expected) in [
            ([1, 6], None),
            ([1, 24], Some(0x10)),
            ([2, 2], Some(0x13)),
            ([2, 5], Some(0x16)),
            ([2, 6], None),
        ] {
            assert_eq!(api_version(numpy), expected, "{numpy:?}");
        }
    }
}
