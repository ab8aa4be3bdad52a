//! The data file, parsed once.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::range::{Range, Release};

/// A kind of object that some numpy treats differently from others when it is pickled.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    /// Stable: reports and tests are keyed by it.
    pub id: String,
    /// What it is called, in the plural: `arrays in one piece`.
    pub name: String,
    /// An expression of Python that makes one, where `np` is numpy.
    pub python: String,
    pub(crate) since: Option<Release>,
}

/// What becomes of pickles of some kinds between some versions.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    pub(crate) kinds: Vec<String>,
    /// All of them where none is given.
    pub(crate) protocols: Option<Vec<u8>>,
    pub(crate) writer: Range,
    pub(crate) reader: Range,
    pub(crate) fails: Option<String>,
    pub(crate) alters: Option<String>,
    pub(crate) warns: Option<String>,
}

/// Modules that the same numpys have.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Modules {
    /// Separated by white space.
    pub(crate) names: String,
    since: Option<Release>,
    before: Option<Release>,
    /// The first numpy that warns of them.
    pub(crate) deprecated: Option<Release>,
}

impl Modules {
    pub(crate) fn range(&self) -> Range {
        Range::new(self.since, self.before)
    }
}

/// Names in a module that the same numpys have.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Names {
    pub(crate) module: String,
    /// Separated by white space.
    pub(crate) names: String,
    since: Option<Release>,
    before: Option<Release>,
    /// Not warned of, though the module is deprecated.
    #[serde(default)]
    pub(crate) quiet: bool,
}

impl Names {
    pub(crate) fn range(&self) -> Range {
        Range::new(self.since, self.before)
    }
}

/// Names that mean something together. Each is a module and a name, separated by a space.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Combination {
    pub(crate) all: Vec<String>,
    pub(crate) any: Vec<String>,
    pub(crate) reader: Range,
    /// `{}` stands for the one of `any`, as a path.
    pub(crate) fails: String,
}

/// What numpy 1 calls names of numpy 2.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rename {
    pub(crate) module: String,
    /// Separated by white space; all of the module, and of those within it, where there are none.
    pub(crate) names: Option<String>,
    pub(crate) to: Option<String>,
    pub(crate) becomes: Option<String>,
    #[serde(default)]
    pub(crate) bit_generator: bool,
    pub(crate) impossible: Option<String>,
}

/// The Pythons that wheels are for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wheels {
    /// The first numpy that it holds for.
    pub(crate) numpy: Release,
    /// The oldest and the newest Python 3.
    pub(crate) pythons: (u64, u64),
}

/// Versions of the C interface.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CInterface {
    /// The newest numpy that was looked at.
    pub(crate) last: Release,
    /// With the first numpy that has each.
    pub(crate) versions: Vec<(Release, u32)>,
}

/// All of `rules.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Rules {
    /// The oldest numpy that was looked at.
    pub(crate) oldest: Release,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) modules: Vec<Modules>,
    pub(crate) names: Vec<Names>,
    pub(crate) combinations: Vec<Combination>,
    pub(crate) renames: Vec<Rename>,
    pub(crate) wheels: Vec<Wheels>,
    pub(crate) c_interface: CInterface,
}

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    toml::from_str(include_str!("../rules.toml"))
        .expect("rules.toml is compiled in, and the tests parse it")
});

/// The rules.
pub(crate) fn rules() -> &'static Rules {
    &RULES
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_file_is_consistent() {
        let rules = rules();
        let ids: HashSet<&str> = rules.kinds.iter().map(|kind| kind.id.as_str()).collect();
        assert_eq!(ids.len(), rules.kinds.len(), "an id is used twice");
        for rule in &rules.rules {
            for id in &rule.kinds {
                assert!(ids.contains(id.as_str()), "a rule speaks of {id}, which is no kind");
            }
            let outcomes = [&rule.fails, &rule.alters, &rule.warns];
            let count = outcomes.into_iter().flatten().count();
            assert_eq!(count, 1, "fails, alters or warns: {rule:?}");
        }
        let mut names = HashSet::new();
        for group in &rules.names {
            for name in group.names.split_whitespace() {
                assert!(names.insert((&group.module, name)), "{} {name} twice", group.module);
            }
        }
        let mut modules = HashSet::new();
        for name in rules.modules.iter().flat_map(|group| group.names.split_whitespace()) {
            assert!(modules.insert(name), "{name} is there twice");
        }
        for combination in &rules.combinations {
            for pair in combination.all.iter().chain(&combination.any) {
                let (module, name) = pair.split_once(' ').unwrap();
                assert!(names.contains(&(&module.to_owned(), name)), "{pair} is no known name");
            }
        }
        assert!(rules.wheels.is_sorted_by_key(|wheels| wheels.numpy));
        assert!(rules.c_interface.versions.is_sorted());
    }
}
