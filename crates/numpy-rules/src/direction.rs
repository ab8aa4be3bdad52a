//! What becomes of pickled arrays in one direction, protocol by protocol.

use std::fmt;

use crate::data::Kind;
use crate::pickles::{PROTOCOLS, Reading, Side, UNSUPPORTED_PROTOCOL, kinds, predict};

/// What becomes of objects of one kind that one side pickles and the other reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Direction {
    /// For every protocol that the writer can write.
    pub protocols: Vec<(u8, Reading)>,
    /// The protocol the writer takes if none is named.
    pub default_protocol: u8,
}

impl Direction {
    /// Judges one direction.
    #[must_use]
    pub fn of(kind: &Kind, writer: Side<'_>, reader: Side<'_>) -> Self {
        let protocols = PROTOCOLS
            .filter(|protocol| *protocol <= writer.newest_protocol())
            .map(|protocol| (protocol, predict(kind, protocol, writer, reader)))
            .collect();
        Self { protocols, default_protocol: writer.default_protocol() }
    }

    /// The message that a reader will see who loads what `pickle.dump` writes by default.
    #[must_use]
    pub fn default_failure(&self) -> Option<&str> {
        self.protocols
            .iter()
            .find(|(protocol, _)| *protocol == self.default_protocol)
            .and_then(|(_, reading)| reading.failure())
    }

    /// The first failure that numpy causes, in whatever protocol. That a Python does not know
    /// protocol 5 is not one.
    #[must_use]
    pub fn numpy_failure(&self) -> Option<&str> {
        self.protocols
            .iter()
            .filter_map(|(_, reading)| reading.failure())
            .find(|message| *message != UNSUPPORTED_PROTOCOL)
    }

    /// Whether every protocol fails.
    #[must_use]
    pub fn fails_always(&self) -> bool {
        self.protocols.iter().all(|(_, reading)| reading.failure().is_some())
    }

    /// The kinds of objects that no protocol brings from this writer to this reader.
    #[must_use]
    pub fn lost_kinds(writer: Side<'_>, reader: Side<'_>) -> Vec<&'static Kind> {
        kinds()
            .iter()
            .filter(|kind| kind.exists_in(writer.numpy))
            .filter(|kind| Self::of(kind, writer, reader).fails_always())
            .collect()
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
                Reading::Alters(what) => {
                    let verb = if is_one { "loads" } else { "load" };
                    write!(f, "{verb} as something else (`{what}`)")?;
                }
                Reading::Fails(message) => {
                    write!(f, "{} with `{message}`", if is_one { "fails" } else { "fail" })?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use pep440_rs::Version;

    use super::*;
    use crate::pickles::kind;

    /// Two sides, `writer@python > reader@python`.
    fn sides<R>(text: &str, ask: impl FnOnce(Side<'_>, Side<'_>) -> R) -> R {
        let (writer, reader) = text.split_once(" > ").unwrap();
        let parse = |side: &str| -> (Version, Version) {
            let (numpy, python) = side.split_once('@').unwrap_or((side, "3.11"));
            (numpy.parse().unwrap(), python.parse().unwrap())
        };
        let (writer, reader) = (parse(writer), parse(reader));
        ask(
            Side { numpy: &writer.0, python: Some(&writer.1) },
            Side { numpy: &reader.0, python: Some(&reader.1) },
        )
    }

    fn arrays(text: &str) -> Direction {
        sides(text, |writer, reader| Direction::of(kind("array").unwrap(), writer, reader))
    }

    #[test]
    fn directions_are_told_in_a_line() {
        for (pair, said) in [
            (
                "2.2.6 > 1.24.4",
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
            assert_eq!(arrays(pair).to_string(), said, "{pair}");
        }
    }

    #[test]
    fn the_protocol_that_is_taken_by_default_decides() {
        assert_eq!(arrays("2.2.6@3.13 > 1.26.4").default_failure(), None);
        assert!(arrays("2.4.0@3.14 > 1.26.4").default_failure().is_some());
        assert_eq!(arrays("1.24.4 > 1.21.6@3.7").default_failure(), None);
        assert_eq!(arrays("1.24.4 > 1.21.6@3.7").numpy_failure(), None);
        assert!(arrays("2.2.6 > 1.24.4").fails_always());
    }

    #[test]
    fn what_no_protocol_brings_across_is_known() {
        let lost = |text: &str| -> Vec<&str> {
            sides(text, Direction::lost_kinds).iter().map(|kind| kind.id.as_str()).collect()
        };
        assert_eq!(
            lost("2.2.6 > 1.26.4"),
            [
                "aligned",
                "aligned-dtype",
                "string",
                "recarray",
                "chararray",
                "generator",
                "bit-generator",
                "random-state"
            ]
        );
        assert_eq!(lost("1.26.4 > 1.21.6"), ["generator", "random-state"]);
        assert!(lost("1.17.5 > 2.4.6").is_empty());
    }
}
