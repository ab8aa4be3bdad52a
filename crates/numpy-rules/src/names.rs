//! Which numpys know the names that a pickle asks for.

use std::collections::HashMap;
use std::sync::LazyLock;

use pep440_rs::Version;

use crate::data::{Modules, Names, rules};
use crate::pickles::Reading;
use crate::range::{Range, Release};

/// The numpys that know a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameReaders {
    /// Those that have it, as far as the table tells.
    pub range: Range,
    /// Whether the name itself was looked up; otherwise only its module was, so a numpy within the
    /// range may lack the name all the same.
    pub is_listed: bool,
}

static MODULES: LazyLock<HashMap<&'static str, &'static Modules>> = LazyLock::new(|| {
    let groups = rules().modules.iter();
    groups.flat_map(|group| group.names.split_whitespace().map(move |name| (name, group))).collect()
});

static NAMES: LazyLock<HashMap<(&'static str, &'static str), &'static Names>> =
    LazyLock::new(|| {
        let groups = rules().names.iter();
        groups
            .flat_map(|group| {
                group
                    .names
                    .split_whitespace()
                    .map(move |name| ((group.module.as_str(), name), group))
            })
            .collect()
    });

/// The entry of a module, or the one for all modules beside it.
fn module_entry(module: &str) -> Option<&'static Modules> {
    MODULES.get(module).copied().or_else(|| {
        let (parent, _) = module.rsplit_once('.')?;
        MODULES.get(format!("{parent}.*").as_str()).copied()
    })
}

/// Which numpys know a name that a pickle asks for. Nothing, if the table says nothing of its module:
/// then no numpy is known to load it, and none is known not to.
///
/// `name` may be dotted, as protocol 4 allows.
#[must_use]
pub fn readers_of_name(module: &str, name: &str) -> Option<NameReaders> {
    let entry = module_entry(module)?;
    let first = name.split('.').next().unwrap_or(name);
    let names = NAMES.get(&(module, first));
    let mut range = entry.range();
    for (end, _) in module.match_indices('.') {
        if let Some(parent) = MODULES.get(&module[..end]) {
            range = range.and(&parent.range());
        }
    }
    if let Some(names) = names {
        range = range.and(&names.range());
    }
    Some(NameReaders { range, is_listed: names.is_some_and(|_| first == name) })
}

/// What a numpy makes of the names that one pickle asks for, in the order that it asks for them: the
/// first failure, otherwise the first warning. Names outside numpy's modules, and those that the table
/// says nothing of, count as known.
#[must_use]
pub fn read_names(names: &[(&str, &str)], numpy: &Version) -> Reading {
    let mut warning = None;
    for (index, (module, name)) in names.iter().enumerate() {
        match read_name(module, name, numpy) {
            Reading::Loads => {}
            Reading::Warns(message) => {
                warning.get_or_insert(message);
            }
            problem @ (Reading::Fails(_) | Reading::Alters(_)) => return problem,
        }
        if let Some(failure) = completed_combination(&names[..=index], numpy) {
            return failure;
        }
    }
    warning.map_or(Reading::Loads, Reading::Warns)
}

/// What a numpy makes of the combination that the last of these names completes.
fn completed_combination(names: &[(&str, &str)], numpy: &Version) -> Option<Reading> {
    let (last, _) = names.split_last()?;
    let is = |pair: &str, name: (&str, &str)| pair.split_once(' ') == Some(name);
    let is_asked = |pair: &&String| names.iter().any(|name| is(pair, *name));
    rules().combinations.iter().find_map(|combination| {
        let mut members = combination.all.iter().chain(&combination.any);
        if !members.any(|pair| is(pair, *last)) || !combination.reader.contains(numpy) {
            return None;
        }
        let found = combination.any.iter().find(is_asked)?;
        let is_complete = combination.all.iter().all(|pair| is_asked(&pair));
        let message = combination.fails.replace("{}", &found.replace(' ', "."));
        is_complete.then(|| Reading::Fails(message.into()))
    })
}

/// The releases between which the answers of [`read_names`] are the same, oldest first: the first that
/// was looked at, and each that something begins or ends with.
#[must_use]
pub fn turning_points() -> &'static [Version] {
    &TURNING_POINTS
}

static TURNING_POINTS: LazyLock<Vec<Version>> = LazyLock::new(|| {
    let rules = rules();
    let modules = rules
        .modules
        .iter()
        .flat_map(|group| group.range().ends().into_iter().chain(group.deprecated));
    let names = rules.names.iter().flat_map(|group| group.range().ends());
    let combinations = rules.combinations.iter().flat_map(|group| group.reader.ends());
    let mut points: Vec<Release> = modules.chain(names).chain(combinations).collect();
    points.retain(|release| *release > rules.oldest);
    points.push(rules.oldest);
    points.sort_unstable();
    points.dedup();
    points.into_iter().map(|Release(numbers)| Version::new(numbers)).collect()
});

fn read_name(module: &str, name: &str, numpy: &Version) -> Reading {
    let Some(entry) = module_entry(module) else { return Reading::Loads };
    // A module is imported from the outside in, and the first one that is missing is named.
    let ends = module.match_indices('.').map(|(end, _)| end).chain([module.len()]);
    for part in ends.map(|end| &module[..end]) {
        if module_entry(part).is_some_and(|entry| !entry.range().contains(numpy)) {
            return Reading::Fails(format!("ModuleNotFoundError: No module named '{part}'").into());
        }
    }
    let first = name.split('.').next().unwrap_or(name);
    let names = NAMES.get(&(module, first));
    if names.is_some_and(|names| !names.range().contains(numpy)) {
        return Reading::Fails(
            format!("AttributeError: Can't get attribute '{name}' on <module").into(),
        );
    }
    let is_deprecated = entry.deprecated.is_some_and(|since| Release::of(numpy) >= since);
    if is_deprecated && !names.is_some_and(|names| names.quiet) {
        return Reading::Warns(format!("DeprecationWarning: {module} is deprecated").into());
    }
    Reading::Loads
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_old_as_what_they_are_in() {
        for (module, name, expected) in [
            ("numpy._core.multiarray", "_reconstruct", Some(("numpy>=1.26.1", true))),
            ("numpy._core.numeric", "_frombuffer", Some(("numpy>=2.0", true))),
            ("numpy._core.whatever", "thing", Some(("numpy>=2.0", false))),
            ("numpy._core._internal", "_convert_to_stringdtype_kwargs", Some(("numpy>=2.0", true))),
            ("numpy.core.multiarray", "_reconstruct", Some(("numpy", true))),
            ("numpy.core.numeric", "something", Some(("numpy", false))),
            ("numpy", "ndarray", Some(("numpy", true))),
            ("numpy", "ndarray.sum", Some(("numpy", false))),
            ("numpy", "float_", Some(("numpy<2.0", true))),
            ("numpy", "chararray", Some(("numpy<2.5", true))),
            ("numpy", "no_such_thing", Some(("numpy", false))),
            ("numpy.rec", "recarray", Some(("numpy>=2.0", true))),
            ("numpy.random._pcg64", "PCG64DXSM", Some(("numpy>=1.21", true))),
            ("numpy.unheard.of", "thing", None),
            ("collections", "OrderedDict", None),
        ] {
            let readers = readers_of_name(module, name);
            let found = readers.as_ref().map(|r| (r.range.to_string(), r.is_listed));
            let expected = expected.map(|(range, listed): (&str, bool)| (range.to_owned(), listed));
            assert_eq!(found, expected, "{module} {name}");
        }
    }

    #[test]
    fn between_turning_points_nothing_changes() {
        let points: Vec<String> = turning_points().iter().map(ToString::to_string).collect();
        assert_eq!(points[0], "1.17.0");
        assert!(points.contains(&"1.26.1".to_owned()) && points.contains(&"2.0.0".to_owned()));
        assert!(turning_points().is_sorted());
    }

    #[test]
    fn the_first_failure_is_told_as_python_tells_it() {
        let array_5: &[(&str, &str)] =
            &[("numpy._core.numeric", "_frombuffer"), ("numpy", "dtype")];
        let generator: &[(&str, &str)] = &[
            ("numpy.random._pickle", "__generator_ctor"),
            ("numpy.random._pickle", "__bit_generator_ctor"),
            ("numpy.random._pcg64", "PCG64"),
        ];
        let old: &[(&str, &str)] =
            &[("numpy.core.multiarray", "_reconstruct"), ("numpy", "ndarray")];
        let old_5: &[(&str, &str)] = &[("numpy.core.numeric", "_frombuffer")];
        let fails = |message: &str| Reading::Fails(message.to_owned().into());
        for (names, numpy, expected) in [
            (array_5, "1.24.4", fails("ModuleNotFoundError: No module named 'numpy._core'")),
            (
                array_5,
                "1.26.4",
                fails("ModuleNotFoundError: No module named 'numpy._core.numeric'"),
            ),
            (array_5, "2.0.0", Reading::Loads),
            (
                generator,
                "1.26.4",
                fails(
                    "ValueError: <class 'numpy.random._pcg64.PCG64'> is not a known BitGenerator \
                     module.",
                ),
            ),
            (
                generator,
                "1.17.5",
                fails("ModuleNotFoundError: No module named 'numpy.random._pcg64'"),
            ),
            (generator, "2.0.0", Reading::Loads),
            (&generator[2..], "1.26.4", Reading::Loads),
            (old, "2.5.5", Reading::Loads),
            (old_5, "1.17.5", Reading::Loads),
            (
                old_5,
                "2.0.0",
                Reading::Warns("DeprecationWarning: numpy.core.numeric is deprecated".into()),
            ),
            (
                &[("numpy", "float_")],
                "2.0.0",
                fails("AttributeError: Can't get attribute 'float_' on <module"),
            ),
            (&[("os", "system"), ("numpy.unheard.of", "x")], "2.0.0", Reading::Loads),
        ] {
            let numpy = numpy.parse().unwrap();
            assert_eq!(read_names(names, &numpy), expected, "{names:?} {numpy}");
        }
    }
}
