//! Ranges of numpy's release numbers.

use std::fmt;

use pep440_rs::Version;
use serde::Deserialize;
use serde::de::Error as _;

/// The numbers of a release, such as 1.26.1; pre-releases count as the release that they lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Release(pub(crate) [u64; 3]);

impl Release {
    pub(crate) fn of(version: &Version) -> Self {
        let mut numbers = version.release().iter().copied().chain(std::iter::repeat(0));
        Self(std::array::from_fn(|_| numbers.next().unwrap_or(0)))
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}")?;
        if patch > 0 { write!(f, ".{patch}") } else { Ok(()) }
    }
}

impl<'de> Deserialize<'de> for Release {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&str>::deserialize(deserializer)?;
        let version: Version = text.parse().map_err(D::Error::custom)?;
        Ok(Self::of(&version))
    }
}

/// From one release on, up to another one that no longer belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    since: Option<Release>,
    before: Option<Release>,
}

impl Range {
    pub(crate) fn new(since: Option<Release>, before: Option<Release>) -> Self {
        Self { since, before }
    }

    pub(crate) fn ends(&self) -> Vec<Release> {
        [self.since, self.before].into_iter().flatten().collect()
    }

    /// Whether a version lies in it.
    #[must_use]
    pub fn contains(&self, version: &Version) -> bool {
        let release = Release::of(version);
        self.since.is_none_or(|since| release >= since)
            && self.before.is_none_or(|before| release < before)
    }

    /// Whether every version lies in it.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.since.is_none() && self.before.is_none()
    }

    /// What lies in both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let before = [self.before, other.before].into_iter().flatten().min();
        Self { since: self.since.max(other.since), before }
    }
}

impl fmt::Display for Range {
    /// As pip would write it: `numpy>=1.26.1,<2.0`, or `numpy` alone for all of them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("numpy")?;
        if let Some(since) = self.since {
            write!(f, ">={since}")?;
        }
        if let Some(before) = self.before {
            write!(f, "{}<{before}", if self.since.is_some() { "," } else { "" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(since: Option<[u64; 3]>, before: Option<[u64; 3]>) -> Range {
        Range::new(since.map(Release), before.map(Release))
    }

    #[test]
    fn the_end_does_not_belong_to_it_and_a_candidate_is_its_release() {
        let bridging = range(Some([1, 26, 1]), Some([2, 0, 0]));
        for (version, expected) in [
            ("1.26", false),
            ("1.26.0", false),
            ("1.26.1", true),
            ("1.26.4", true),
            ("2.0.0rc1", false),
            ("2.0", false),
        ] {
            assert_eq!(bridging.contains(&version.parse().unwrap()), expected, "{version}");
        }
        assert!(range(None, None).contains(&"0.9".parse().unwrap()));
    }

    #[test]
    fn ranges_meet_and_are_written_as_requirements() {
        let (new, bridged) = (range(Some([2, 0, 0]), None), range(Some([1, 26, 1]), None));
        assert_eq!(new.and(&bridged), new);
        assert_eq!(bridged.and(&range(None, Some([2, 5, 0]))).to_string(), "numpy>=1.26.1,<2.5");
        assert_eq!(range(None, Some([2, 0, 0])).to_string(), "numpy<2.0");
        assert!(range(None, None).is_all());
        assert_eq!(range(None, None).to_string(), "numpy");
    }
}
