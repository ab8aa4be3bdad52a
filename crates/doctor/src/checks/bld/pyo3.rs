//! Which Pythons each PyO3 builds for, as its build scripts have it.
//!
//! Sources: `pyo3-ffi/build.rs` and `pyo3-build-config/src/impl_.rs` at PyO3's release tags 0.14
//! to 0.30.

use std::collections::BTreeSet;

use semver::{Version, VersionReq};

/// What one series of PyO3 accepts. Pythons are given by their minor version: 13 is 3.13.
struct Series {
    /// First release it holds for, as minor and patch of `0.minor.patch`.
    from: (u64, u64),
    /// Oldest Python.
    oldest: u64,
    /// Newest Python; series before 0.20.3 do not check.
    newest: Option<u64>,
    /// Whether the Python after the newest is accepted with a warning.
    tries_next: bool,
    /// Whether plain `abi3` builds for the newest known Python on newer ones.
    lowers_abi3: bool,
    /// The builds without the global interpreter lock.
    free_threaded: FreeThreaded,
}

#[derive(Clone, Copy)]
enum FreeThreaded {
    /// The build script does not look.
    Unchecked,
    /// None is accepted.
    Refused,
    /// Accepted from this Python on.
    From(u64),
}

/// The series, oldest first.
const SERIES: &[Series] = &[
    series((14, 0), 6, None, FreeThreaded::Unchecked),
    series((16, 0), 7, None, FreeThreaded::Unchecked),
    series((20, 3), 7, Some(12), FreeThreaded::Unchecked),
    series((22, 0), 7, Some(13), FreeThreaded::Unchecked),
    series((22, 2), 7, Some(13), FreeThreaded::Refused),
    series((23, 0), 7, Some(13), FreeThreaded::From(13)),
    series((25, 0), 7, Some(14), FreeThreaded::From(13)),
    Series { lowers_abi3: true, ..series((26, 0), 7, Some(14), FreeThreaded::From(13)) },
    later((28, 0), 7, 14, FreeThreaded::From(13)),
    later((29, 0), 8, 15, FreeThreaded::From(14)),
    later((30, 0), 9, 15, FreeThreaded::From(14)),
];

/// The first series that is not known here.
const UNKNOWN_FROM: u64 = 31;

/// Python 3.10 was out when PyO3 0.14 was; of newer ones the unchecked series say nothing.
const UNCHECKED_UNTIL: u64 = 10;

const fn series(
    from: (u64, u64),
    oldest: u64,
    newest: Option<u64>,
    free_threaded: FreeThreaded,
) -> Series {
    Series { from, oldest, newest, tries_next: false, lowers_abi3: false, free_threaded }
}

const fn later(from: (u64, u64), oldest: u64, newest: u64, free_threaded: FreeThreaded) -> Series {
    Series {
        from,
        oldest,
        newest: Some(newest),
        tries_next: true,
        lowers_abi3: true,
        free_threaded,
    }
}

/// The stable interface of Python that a build asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Abi3 {
    /// That of the Python at hand (`abi3`).
    Current,
    /// That of one Python and all later ones (`abi3-py39`).
    From(u64),
}

impl Abi3 {
    /// What PyO3's features ask for.
    pub(super) fn of(features: &BTreeSet<String>) -> Option<Self> {
        let lowest = features
            .iter()
            .filter_map(|feature| feature.strip_prefix("abi3-py3")?.parse().ok())
            .min();
        match lowest {
            Some(minor) => Some(Self::From(minor)),
            None => features.contains("abi3").then_some(Self::Current),
        }
    }
}

/// A Python to build for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Python {
    /// Major version.
    pub(super) major: u64,
    /// Minor version.
    pub(super) minor: u64,
    /// Whether it is built without the global interpreter lock.
    pub(super) free_threaded: bool,
}

/// What PyO3's build script says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It builds.
    Builds,
    /// Not known here, and why.
    Unknown(String),
    /// The Python is newer than the newest it knows.
    TooNew {
        /// The newest.
        newest: u64,
        /// Whether `PYO3_USE_ABI3_FORWARD_COMPATIBILITY=1` makes it build all the same.
        can_be_forced: bool,
    },
    /// The Python is older than the oldest it knows.
    TooOld {
        /// The oldest.
        oldest: u64,
    },
    /// The Python is older than the one that `abi3-py3X` promises.
    OlderThanAbi3 {
        /// That of the feature.
        minimum: u64,
    },
    /// A build without the global interpreter lock that it does not support.
    FreeThreaded {
        /// The first that it supports, if any.
        from: Option<u64>,
    },
}

/// Asks what the build script of this PyO3 would say. `is_set` tells whether a variable is `1`.
pub(super) fn judge(
    version: &Version,
    python: Python,
    abi3: Option<Abi3>,
    is_set: impl Fn(&str) -> bool,
) -> Verdict {
    let Some(series) = series_of(version) else {
        return Verdict::Unknown(format!("PyO3 {version} is not known to this tool"));
    };
    if python.major < 3 || python.minor < series.oldest {
        return Verdict::TooOld { oldest: series.oldest };
    }
    if python.free_threaded {
        match series.free_threaded {
            FreeThreaded::Unchecked => {
                return Verdict::Unknown(format!(
                    "PyO3 {version} does not check for free-threaded Pythons"
                ));
            }
            FreeThreaded::Refused if is_set("UNSAFE_PYO3_BUILD_FREE_THREADED") => {}
            FreeThreaded::Refused => return Verdict::FreeThreaded { from: None },
            FreeThreaded::From(first) if python.minor < first => {
                return Verdict::FreeThreaded { from: Some(first) };
            }
            FreeThreaded::From(_) => {}
        }
    }
    let Some(newest) = series.newest else {
        return if python.minor <= UNCHECKED_UNTIL {
            Verdict::Builds
        } else {
            Verdict::Unknown(format!("PyO3 {version} does not say which Pythons are too new"))
        };
    };
    // Builds without the lock have no stable interface before 3.15, so the features do not count.
    let abi3 = abi3.filter(|_| !python.free_threaded);
    let target = match abi3 {
        Some(Abi3::From(minimum)) if minimum > python.minor => {
            return Verdict::OlderThanAbi3 { minimum };
        }
        Some(Abi3::From(minimum)) => minimum,
        Some(Abi3::Current) if series.lowers_abi3 => python.minor.min(newest),
        Some(Abi3::Current) | None => python.minor,
    };
    let forced = FORWARD.iter().any(|name| is_set(name)) && !python.free_threaded;
    if target <= newest + u64::from(series.tries_next) || forced {
        return Verdict::Builds;
    }
    Verdict::TooNew { newest, can_be_forced: !python.free_threaded }
}

/// The variables that make PyO3 build for a Python it does not know, by the stable interface; the
/// second is known from 0.29 on, and means nothing before.
pub(super) const FORWARD: [&str; 2] =
    ["PYO3_USE_ABI3_FORWARD_COMPATIBILITY", "PYO3_USE_STABLE_ABI_FORWARD_COMPATIBILITY"];

fn series_of(version: &Version) -> Option<&'static Series> {
    if version.major != 0 || version.minor >= UNKNOWN_FROM {
        return None;
    }
    SERIES.iter().rev().find(|series| series.from <= (version.minor, version.patch))
}

/// The first series that builds for this Python, as a requirement of Cargo.toml (`0.25`).
pub(super) fn first_series_for(python: Python) -> Option<String> {
    SERIES
        .iter()
        .filter(|series| series.newest.is_some())
        .find(|series| {
            let version = Version::new(0, series.from.0, series.from.1);
            judge(&version, python, None, |_| false) == Verdict::Builds
        })
        .map(|series| match series.from {
            (minor, 0) => format!("0.{minor}"),
            (minor, patch) => format!("0.{minor}.{patch}"),
        })
}

/// The Pythons that a version of PyO3 builds for without being forced, as a range of pip's.
pub(super) fn python_range(version: &Version, free_threaded: bool) -> Option<String> {
    let series = series_of(version)?;
    let newest = series.newest?;
    let oldest = match (free_threaded, series.free_threaded) {
        (false, _) => series.oldest,
        (true, FreeThreaded::From(first)) => first,
        (true, _) => return None,
    };
    Some(format!(">=3.{oldest},<3.{}", newest + 1))
}

/// The newest release that a requirement allows, as far as the series are known: what cargo would
/// take where nothing is locked.
pub(super) fn newest_allowed(requirement: &VersionReq) -> Option<Version> {
    (14..UNKNOWN_FROM)
        .rev()
        .flat_map(|minor| (0..10).rev().map(move |patch| Version::new(0, minor, patch)))
        .find(|version| requirement.matches(version))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(version: &str, minor: u64, abi3: Option<Abi3>) -> Verdict {
        let python = Python { major: 3, minor, free_threaded: false };
        judge(&version.parse().unwrap(), python, abi3, |_| false)
    }

    #[test]
    fn the_limits_are_those_of_the_build_scripts() {
        for (version, oldest, newest) in [
            ("0.20.3", 7, 12),
            ("0.21.2", 7, 12),
            ("0.22.6", 7, 13),
            ("0.24.2", 7, 13),
            ("0.25.1", 7, 14),
            ("0.27.2", 7, 14),
            ("0.28.3", 7, 15),
            ("0.29.2", 8, 16),
            ("0.30.1", 9, 16),
        ] {
            assert_eq!(ask(version, newest, None), Verdict::Builds, "{version}");
            assert_eq!(ask(version, oldest, None), Verdict::Builds, "{version}");
            assert!(matches!(ask(version, newest + 1, None), Verdict::TooNew { .. }), "{version}");
            assert_eq!(ask(version, oldest - 1, None), Verdict::TooOld { oldest }, "{version}");
        }
    }

    #[test]
    fn what_is_not_known_is_not_called_fine() {
        assert!(matches!(ask("0.31.0", 12, None), Verdict::Unknown(_)));
        assert!(matches!(ask("0.18.3", 12, None), Verdict::Unknown(_)));
        assert!(matches!(ask("0.5.0", 9, None), Verdict::Unknown(_)));
        assert_eq!(ask("0.18.3", 10, None), Verdict::Builds);
    }

    #[test]
    fn the_stable_interface_lowers_the_python_that_is_built_for() {
        assert_eq!(ask("0.22.6", 14, Some(Abi3::From(9))), Verdict::Builds);
        assert_eq!(ask("0.22.6", 8, Some(Abi3::From(9))), Verdict::OlderThanAbi3 { minimum: 9 });
        // Plain abi3 is lowered only from 0.26 on.
        assert!(matches!(ask("0.25.1", 15, Some(Abi3::Current)), Verdict::TooNew { .. }));
        assert_eq!(ask("0.26.0", 15, Some(Abi3::Current)), Verdict::Builds);
        let python = Python { major: 3, minor: 14, free_threaded: false };
        let forced = judge(&Version::new(0, 22, 6), python, None, |name| name == FORWARD[0]);
        assert_eq!(forced, Verdict::Builds);
    }

    #[test]
    fn pythons_without_the_lock_have_limits_of_their_own() {
        let ask = |version: &str, minor| {
            let python = Python { major: 3, minor, free_threaded: true };
            judge(&version.parse().unwrap(), python, Some(Abi3::From(9)), |_| false)
        };
        assert_eq!(ask("0.22.6", 13), Verdict::FreeThreaded { from: None });
        assert_eq!(ask("0.26.0", 13), Verdict::Builds);
        assert_eq!(ask("0.29.0", 13), Verdict::FreeThreaded { from: Some(14) });
        assert_eq!(ask("0.24.0", 14), Verdict::TooNew { newest: 13, can_be_forced: false });
    }

    #[test]
    fn requirements_without_a_lock_mean_their_newest_release() {
        let newest = |text: &str| newest_allowed(&VersionReq::parse(text).unwrap()).unwrap();
        assert_eq!(newest("0.22").minor, 22);
        assert_eq!(newest("=0.20.2"), Version::new(0, 20, 2));
        assert_eq!(newest("*").minor, UNKNOWN_FROM - 1);
        assert!(newest_allowed(&VersionReq::parse("0.99").unwrap()).is_none());
    }

    #[test]
    fn a_newer_python_names_the_first_series_for_it() {
        let python = |minor| Python { major: 3, minor, free_threaded: false };
        assert_eq!(first_series_for(python(12)).as_deref(), Some("0.20.3"));
        assert_eq!(first_series_for(python(14)).as_deref(), Some("0.25"));
        assert_eq!(first_series_for(python(40)), None);
        assert_eq!(python_range(&Version::new(0, 22, 6), false).as_deref(), Some(">=3.7,<3.14"));
    }

    #[test]
    fn features_say_which_stable_interface() {
        let of = |names: &[&str]| Abi3::of(&names.iter().map(|n| (*n).to_owned()).collect());
        assert_eq!(of(&["abi3-py310", "abi3-py39"]), Some(Abi3::From(9)));
        assert_eq!(of(&["abi3"]), Some(Abi3::Current));
        assert_eq!(of(&["macros"]), None);
    }
}
