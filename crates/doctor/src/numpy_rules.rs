//! Which numpy reads what another numpy wrote, and with which Pythons it goes: rules measured on
//! real installations, as small tables.
//!
//! numpy 2 renamed `numpy.core` to `numpy._core`, and a pickle names the module that rebuilds an
//! array. Three generations of readers follow: before 1.26.1 none knows the new names, 1.26.1 to
//! 1.26.4 know some of them (not `numpy._core.numeric`, which protocol 5 names), and numpy 2 knows
//! both the new and the old. `.npy` and `.npz` files of plain arrays name no module and cross every
//! pair.

use std::fmt;
use std::ops::RangeInclusive;

use pep440_rs::Version;

/// The protocols that are told apart: 2 is the oldest in use, 5 the newest there is.
pub(crate) const PROTOCOLS: RangeInclusive<u8> = 2..=5;

/// Generations of numpy, by the names of modules that they know in a pickle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Generation {
    /// `numpy.core` only.
    Old,
    /// `numpy.core`, and stubs for a part of `numpy._core`.
    Bridging,
    /// `numpy._core`, and `numpy.core` for compatibility.
    New,
}

/// The first version of each generation.
const GENERATIONS: &[([u64; 3], Generation)] = &[
    ([0, 0, 0], Generation::Old),
    ([1, 26, 1], Generation::Bridging),
    ([2, 0, 0], Generation::New),
];

/// What a reader makes of a pickled array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// It loads.
    Loads,
    /// It loads with this warning.
    Warns(&'static str),
    /// It fails with this message.
    Fails(&'static str),
}

/// One rule of the table; the first that fits holds.
struct Rule {
    writer: &'static [Generation],
    reader: &'static [Generation],
    protocols: RangeInclusive<u8>,
    reading: Reading,
}

/// Pickled arrays of numbers or text, contiguous in memory as most are, by the generations of both
/// sides. Run on pairs out of 1.16.6, 1.19.5, 1.21.6, 1.24.4, 1.25.2, 1.26.0, 1.26.1, 1.26.4, 2.0.2,
/// 2.2.6 and 2.4.0.
const RULES: &[Rule] = &[
    Rule {
        writer: &[Generation::New],
        reader: &[Generation::Old],
        protocols: 0..=5,
        reading: Reading::Fails("ModuleNotFoundError: No module named 'numpy._core'"),
    },
    Rule {
        writer: &[Generation::New],
        reader: &[Generation::Bridging],
        protocols: 5..=5,
        reading: Reading::Fails("ModuleNotFoundError: No module named 'numpy._core.numeric'"),
    },
    Rule {
        writer: &[Generation::Old, Generation::Bridging],
        reader: &[Generation::New],
        protocols: 5..=5,
        reading: Reading::Warns("DeprecationWarning: numpy.core.numeric is deprecated"),
    },
];

/// What a Python without protocol 5 says of it.
const UNSUPPORTED_PROTOCOL: &str = "ValueError: unsupported pickle protocol: 5";

/// One side of an exchange.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Side<'a> {
    pub(crate) numpy: &'a Version,
    /// Where it is unknown, the newest rules of Python are taken.
    pub(crate) python: Option<&'a Version>,
}

impl Side<'_> {
    fn generation(&self) -> Generation {
        let version = first_three(self.numpy);
        GENERATIONS
            .iter()
            .rev()
            .find(|(first, _)| version >= *first)
            .map_or(Generation::Old, |(_, generation)| *generation)
    }

    /// The newest protocol that its Python reads and writes.
    fn newest_protocol(&self) -> u8 {
        if self.python.is_some_and(|python| minor(python) < [3, 8]) { 4 } else { 5 }
    }

    /// The protocol that `pickle.dump` writes if none is named.
    pub(crate) fn default_protocol(&self) -> u8 {
        match self.python.map(minor) {
            Some(python) if python < [3, 8] => 3,
            Some(python) if python >= [3, 14] => 5,
            _ => 4,
        }
    }
}

/// What becomes of arrays that one side pickles and the other reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Direction {
    /// For every protocol that the writer can write.
    pub(crate) protocols: Vec<(u8, Reading)>,
    /// The protocol the writer takes if none is named.
    pub(crate) default_protocol: u8,
    /// Whether the reader has stubs for a part of numpy 2's names: then record arrays, random
    /// generators and aligned structures fail in every protocol.
    pub(crate) is_partial: bool,
}

impl Direction {
    /// Judges one direction.
    pub(crate) fn of(writer: Side<'_>, reader: Side<'_>) -> Self {
        let (from, to) = (writer.generation(), reader.generation());
        let protocols = PROTOCOLS
            .filter(|protocol| *protocol <= writer.newest_protocol())
            .map(|protocol| {
                let reading = if protocol > reader.newest_protocol() {
                    Reading::Fails(UNSUPPORTED_PROTOCOL)
                } else {
                    array_reading(from, to, protocol)
                };
                (protocol, reading)
            })
            .collect();
        Self {
            protocols,
            default_protocol: writer.default_protocol(),
            is_partial: from == Generation::New && to == Generation::Bridging,
        }
    }

    /// The message of the failure that this protocol meets.
    fn failure(&self, wanted: u8) -> Option<&'static str> {
        self.protocols.iter().find_map(|(protocol, reading)| match reading {
            Reading::Fails(message) if *protocol == wanted => Some(*message),
            _ => None,
        })
    }

    /// The message that a reader will see who loads what `pickle.dump` writes by default.
    pub(crate) fn default_failure(&self) -> Option<&'static str> {
        self.failure(self.default_protocol)
    }

    /// The first failure that numpy's names cause, in whatever protocol. That a Python does not
    /// know protocol 5 is not one.
    pub(crate) fn numpy_failure(&self) -> Option<&'static str> {
        self.protocols.iter().find_map(|(_, reading)| match reading {
            Reading::Fails(message) if *message != UNSUPPORTED_PROTOCOL => Some(*message),
            _ => None,
        })
    }

    /// Whether every protocol fails.
    pub(crate) fn fails_always(&self) -> bool {
        self.protocols.iter().all(|(_, reading)| matches!(reading, Reading::Fails(_)))
    }
}

impl fmt::Display for Direction {
    /// `protocols 2 to 4 load; protocol 5 fails with ModuleNotFoundError: ...`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, group) in
            self.protocols.chunk_by(|(_, first), (_, second)| first == second).enumerate()
        {
            let (Some((first, reading)), Some((last, _))) = (group.first(), group.last()) else {
                continue;
            };
            let is_one = first == last;
            f.write_str(if index > 0 { "; " } else { "" })?;
            match is_one {
                true => write!(f, "protocol {first} ")?,
                false => write!(f, "protocols {first} to {last} ")?,
            }
            match reading {
                Reading::Loads => f.write_str(if is_one { "loads" } else { "load" })?,
                Reading::Warns(message) => {
                    write!(f, "{} with a {message}", if is_one { "loads" } else { "load" })?;
                }
                Reading::Fails(message) => {
                    write!(f, "{} with `{message}`", if is_one { "fails" } else { "fail" })?;
                }
            }
        }
        Ok(())
    }
}

fn array_reading(writer: Generation, reader: Generation, protocol: u8) -> Reading {
    RULES
        .iter()
        .find(|rule| {
            rule.writer.contains(&writer)
                && rule.reader.contains(&reader)
                && rule.protocols.contains(&protocol)
        })
        .map_or(Reading::Loads, |rule| rule.reading)
}

/// The Pythons that a numpy's wheels on PyPI are for: first numpy, oldest and newest Python 3.
const PYTHONS: &[([u64; 2], u64, u64)] = &[
    ([1, 21], 7, 10),
    ([1, 22], 8, 10),
    ([1, 23], 8, 11),
    ([1, 25], 9, 11),
    ([1, 26], 9, 12),
    ([2, 1], 10, 13),
    ([2, 3], 11, 14),
    ([2, 5], 12, 14),
];

/// Whether PyPI has wheels of this numpy for this Python, where the table tells.
pub(crate) fn has_wheels(numpy: &Version, python: &Version) -> Option<bool> {
    let [major, python] = minor(python);
    PYTHONS
        .iter()
        .rev()
        .find(|(first, _, _)| minor(numpy) >= *first)
        .map(|(_, oldest, newest)| major == 3 && (*oldest..=*newest).contains(&python))
}

/// `NPY_API_VERSION` by the first numpy that had it.
const C_INTERFACES: &[([u64; 2], u32)] = &[
    ([1, 7], 0x07),
    ([1, 8], 0x08),
    ([1, 9], 0x09),
    ([1, 10], 0x0a),
    ([1, 13], 0x0b),
    ([1, 14], 0x0c),
    ([1, 16], 0x0d),
    ([1, 20], 0x0e),
    ([1, 22], 0x0f),
    ([1, 23], 0x10),
    ([1, 25], 0x11),
    ([2, 0], 0x12),
    ([2, 1], 0x13),
    ([2, 3], 0x14),
    ([2, 4], 0x15),
];

/// The version of the C interface that a numpy has, as far as the table goes.
pub(crate) fn api_version(numpy: [u64; 2]) -> Option<u32> {
    let known = C_INTERFACES.iter().rev().find(|(first, _)| numpy >= *first)?;
    (numpy <= [2, 4]).then_some(known.1)
}

/// Whether there is a numpy 2 for this Python.
pub(crate) fn has_numpy_2(python: &Version) -> bool {
    minor(python) >= [3, 9]
}

/// Whether this is numpy 2 or newer.
pub(crate) fn is_numpy_2(numpy: &Version) -> bool {
    minor(numpy) >= [2, 0]
}

/// The first two numbers of a version.
pub(crate) fn minor(version: &Version) -> [u64; 2] {
    let [major, minor, _] = first_three(version);
    [major, minor]
}

fn first_three(version: &Version) -> [u64; 3] {
    let mut numbers = version.release().iter().copied().chain(std::iter::repeat(0));
    std::array::from_fn(|_| numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    /// `writer@python > reader@python`, as shown.
    fn direction(text: &str) -> Direction {
        let (writer, reader) = text.split_once(" > ").unwrap();
        let parse = |side: &str| {
            let (numpy, python) = side.split_once('@').unwrap_or((side, "3.11"));
            (version(numpy), version(python))
        };
        let (writer, reader) = (parse(writer), parse(reader));
        Direction::of(
            Side { numpy: &writer.0, python: Some(&writer.1) },
            Side { numpy: &reader.0, python: Some(&reader.1) },
        )
    }

    #[test]
    fn the_table_says_what_real_numpys_do() {
        for (pair, said) in [
            (
                "2.2.6 > 1.24.4",
                "protocols 2 to 5 fail with `ModuleNotFoundError: No module named 'numpy._core'`",
            ),
            (
                "2.0.2 > 1.26.0",
                "protocols 2 to 5 fail with `ModuleNotFoundError: No module named 'numpy._core'`",
            ),
            (
                "2.4.0@3.13 > 1.26.1",
                "protocols 2 to 4 load; protocol 5 fails with \
                 `ModuleNotFoundError: No module named 'numpy._core.numeric'`",
            ),
            (
                "1.26.4 > 2.2.6",
                "protocols 2 to 4 load; protocol 5 loads with a \
                 DeprecationWarning: numpy.core.numeric is deprecated",
            ),
            ("1.21.6@3.9 > 1.26.4", "protocols 2 to 5 load"),
            ("2.0.0rc1 > 2.5.0@3.13", "protocols 2 to 5 load"),
            (
                "2.2.6 > 1.21.6@3.7",
                "protocols 2 to 4 fail with `ModuleNotFoundError: No module named 'numpy._core'`; \
                 protocol 5 fails with `ValueError: unsupported pickle protocol: 5`",
            ),
            ("1.19.5@3.6 > 2.0.2", "protocols 2 to 4 load"),
        ] {
            assert_eq!(direction(pair).to_string(), said, "{pair}");
        }
    }

    #[test]
    fn the_protocol_that_is_taken_by_default_decides() {
        assert_eq!(direction("2.2.6@3.13 > 1.26.4").default_failure(), None);
        assert!(direction("2.4.0@3.14 > 1.26.4").default_failure().is_some());
        assert_eq!(direction("1.24.4 > 1.21.6@3.7").default_failure(), None);
        assert_eq!(direction("1.24.4 > 1.21.6@3.7").numpy_failure(), None);
        assert!(direction("2.2.6 > 1.24.4").fails_always());
    }

    #[test]
    fn wheels_go_with_pythons() {
        for (numpy, python, expected) in [
            ("1.24.4", "3.11.7", Some(true)),
            ("1.24.4", "3.12.1", Some(false)),
            ("2.2.6", "3.9.18", Some(false)),
            ("2.0.2", "3.9.18", Some(true)),
            ("1.16.6", "3.7.16", None),
        ] {
            assert_eq!(has_wheels(&version(numpy), &version(python)), expected, "{numpy} {python}");
        }
    }
}
