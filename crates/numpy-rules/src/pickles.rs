//! What becomes of a pickle between two known sides.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use pep440_rs::Version;

use crate::data::{Kind, Rule, rules};
use crate::versions::minor;

/// The protocols that are told apart: 2 is the oldest in use, 5 the newest there is.
pub const PROTOCOLS: RangeInclusive<u8> = 2..=5;

/// What a Python without protocol 5 says of it.
pub(crate) const UNSUPPORTED_PROTOCOL: &str = "ValueError: unsupported pickle protocol: 5";

/// What a reader makes of a pickle. The messages are the beginning of what Python prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// It loads.
    Loads,
    /// It loads with this warning.
    Warns(Cow<'static, str>),
    /// It loads, but not as what was pickled: this differs.
    Alters(Cow<'static, str>),
    /// It fails with this message.
    Fails(Cow<'static, str>),
}

impl Reading {
    /// The message of a failure.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        match self {
            Self::Fails(message) => Some(message),
            Self::Loads | Self::Warns(_) | Self::Alters(_) => None,
        }
    }
}

/// One side of an exchange.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// Its numpy.
    pub numpy: &'a Version,
    /// Its Python; where it is unknown, the newest rules of Python are taken.
    pub python: Option<&'a Version>,
}

impl Side<'_> {
    /// The newest protocol that its Python reads and writes.
    #[must_use]
    pub fn newest_protocol(&self) -> u8 {
        if self.python.is_some_and(|python| minor(python) < [3, 8]) { 4 } else { 5 }
    }

    /// The protocol that `pickle.dump` writes if none is named.
    #[must_use]
    pub fn default_protocol(&self) -> u8 {
        match self.python.map(minor) {
            Some(python) if python < [3, 8] => 3,
            Some(python) if python >= [3, 14] => 5,
            _ => 4,
        }
    }
}

/// The kinds of objects that are told apart.
#[must_use]
pub fn kinds() -> &'static [Kind] {
    &rules().kinds
}

/// The kind with this id.
#[must_use]
pub fn kind(id: &str) -> Option<&'static Kind> {
    kinds().iter().find(|kind| kind.id == id)
}

impl Kind {
    /// Whether a numpy has objects of this kind at all.
    #[must_use]
    pub fn exists_in(&self, numpy: &Version) -> bool {
        self.since.is_none_or(|since| crate::range::Release::of(numpy) >= since)
    }
}

/// What `reader` makes of an object that `writer` pickled.
///
/// Meaningful where the writer [has](Kind::exists_in) such objects and [can write](Side::newest_protocol)
/// the protocol.
#[must_use]
pub fn predict(kind: &Kind, protocol: u8, writer: Side<'_>, reader: Side<'_>) -> Reading {
    if protocol > reader.newest_protocol() {
        return Reading::Fails(UNSUPPORTED_PROTOCOL.into());
    }
    let fits = |rule: &&Rule| {
        rule.kinds.contains(&kind.id)
            && rule.protocols.as_ref().is_none_or(|protocols| protocols.contains(&protocol))
            && rule.writer.contains(writer.numpy)
            && rule.reader.contains(reader.numpy)
    };
    match rules().rules.iter().find(fits) {
        Some(Rule { fails: Some(message), .. }) => Reading::Fails(message.as_str().into()),
        Some(Rule { alters: Some(what), .. }) => Reading::Alters(what.as_str().into()),
        Some(Rule { warns: Some(message), .. }) => Reading::Warns(message.as_str().into()),
        _ => Reading::Loads,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Measured: the kind, the protocols, the two numpys, and what Python said.
    #[test]
    fn predictions_are_what_real_numpys_did() {
        let core = "!ModuleNotFoundError: No module named 'numpy._core'";
        let numeric = "!ModuleNotFoundError: No module named 'numpy._core.numeric'";
        let deprecated = "?DeprecationWarning: numpy.core.numeric is deprecated";
        let metadata =
            "~its metadata cannot be read: TypeError: mappingproxy() argument must be a mapping";
        let unaligned = "~aligned is False, not True";
        let overflow = "!ValueError: incorrect value for flags variable (overflow)";
        for (id, protocols, pair, said) in [
            ("array", 2..=5, "2.2.6 1.24.4", core),
            ("array", 2..=5, "2.0.0 1.26.0", core),
            ("array", 2..=4, "2.5.5 1.26.1", ""),
            ("array", 5..=5, "2.5.5 1.26.1", numeric),
            ("array", 5..=5, "1.26.4 2.2.6", deprecated),
            ("array", 2..=4, "1.17.5 2.5.5", ""),
            ("non-contiguous", 5..=5, "2.2.6 1.26.4", ""),
            ("datetime", 5..=5, "2.2.6 1.26.4", ""),
            ("datetime", 2..=5, "2.3.2 1.26.4", ""),
            ("datetime", 2..=5, "2.3.3 1.26.4", metadata),
            ("datetime", 2..=5, "2.4.6 2.3.2", metadata),
            ("datetime", 2..=5, "2.4.6 2.3.3", ""),
            ("datetime", 2..=5, "2.3.3 1.26.0", core),
            ("object", 2..=5, "1.17.5 2.5.5", ""),
            ("object", 2..=5, "2.0.2 1.23.5", core),
            ("aligned", 2..=4, "2.2.6 1.26.4", overflow),
            ("aligned", 5..=5, "2.2.6 1.26.4", numeric),
            ("aligned", 2..=5, "1.26.4 2.2.6", unaligned),
            ("aligned-dtype", 2..=5, "2.2.6 1.24.4", overflow),
            ("aligned-dtype", 2..=5, "1.17.5 2.0.0", unaligned),
            ("aligned-dtype", 2..=5, "2.5.5 2.0.0", ""),
            (
                "string",
                2..=5,
                "2.2.6 1.26.4",
                "!AttributeError: Can't get attribute '_convert_to_stringdtype_kwargs' on \
                 <module 'numpy.core._internal'",
            ),
            ("scalar", 2..=5, "2.2.6 1.26.4", ""),
            ("matrix", 2..=5, "2.2.6 1.26.0", core),
            (
                "recarray",
                2..=5,
                "2.2.6 1.26.4",
                "!ModuleNotFoundError: No module named 'numpy.rec'",
            ),
            ("recarray", 2..=5, "1.26.4 2.2.6", ""),
            (
                "chararray",
                2..=5,
                "2.2.6 1.26.4",
                "!ModuleNotFoundError: No module named 'numpy.char'",
            ),
            (
                "chararray",
                2..=5,
                "1.26.4 2.5.5",
                "!AttributeError: Can't get attribute 'chararray' on <module 'numpy'",
            ),
            ("poly1d", 5..=5, "2.2.6 1.26.4", numeric),
            ("poly1d", 2..=4, "2.2.6 1.26.4", ""),
            (
                "generator",
                2..=5,
                "2.2.6 1.26.4",
                "!ValueError: <class 'numpy.random._pcg64.PCG64'> is not a known BitGenerator module.",
            ),
            (
                "bit-generator",
                2..=5,
                "2.2.6 1.17.5",
                "!ModuleNotFoundError: No module named 'numpy.random._pcg64'",
            ),
            (
                "generator",
                2..=5,
                "1.26.4 1.23.5",
                "!TypeError: __generator_ctor() takes from 0 to 1 positional arguments but 2 were \
                 given",
            ),
            ("generator", 2..=5, "1.23.5 1.26.4", ""),
            ("random-state", 5..=5, "1.23.5 2.0.2", deprecated),
            ("ufunc", 2..=5, "2.1.3 1.24.4", core),
            ("ufunc", 2..=5, "2.2.6 1.24.4", ""),
            ("masked", 2..=5, "2.5.5 1.17.5", ""),
            ("dtype", 2..=5, "2.5.5 1.17.5", ""),
            ("type", 2..=5, "2.5.5 1.17.5", ""),
        ] {
            let (writer, reader) = pair.split_once(' ').unwrap();
            let (writer, reader) = (writer.parse().unwrap(), reader.parse().unwrap());
            let expected = match said.split_at_checked(1) {
                Some(("!", message)) => Reading::Fails(message.to_owned().into()),
                Some(("~", what)) => Reading::Alters(what.to_owned().into()),
                Some((_, message)) => Reading::Warns(message.to_owned().into()),
                None => Reading::Loads,
            };
            for protocol in protocols {
                let side = |numpy| Side { numpy, python: None };
                let reading = predict(kind(id).unwrap(), protocol, side(&writer), side(&reader));
                assert_eq!(reading, expected, "{id}, protocol {protocol}, {pair}");
            }
        }
    }

    #[test]
    fn a_python_without_protocol_5_does_not_read_it() {
        let (numpy, python): (Version, Version) =
            ("1.21.6".parse().unwrap(), "3.7.16".parse().unwrap());
        let side = Side { numpy: &numpy, python: Some(&python) };
        let failure = predict(kind("masked").unwrap(), 5, side, side);
        assert_eq!(failure.failure(), Some(UNSUPPORTED_PROTOCOL));
        assert_eq!((side.newest_protocol(), side.default_protocol()), (4, 3));
    }

    #[test]
    fn kinds_are_as_old_as_the_numpy_that_has_them() {
        let string = kind("string").unwrap();
        assert!(string.exists_in(&"2.0.0".parse().unwrap()));
        assert!(!string.exists_in(&"1.26.4".parse().unwrap()));
        assert!(kind("array").unwrap().exists_in(&"1.17.5".parse().unwrap()));
        assert!(kind("nonsense").is_none());
    }
}
