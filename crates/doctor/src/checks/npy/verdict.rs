//! What a module's bytes say about the numpy it was compiled for, held against the numpy that it
//! meets.

use std::collections::BTreeSet;

use artifacts::NativeModule;
use numpy_rules::is_numpy_2;
use pep440_rs::Version;

use crate::{EnvironmentFacts, Facts, Findings, ModuleFacts};

/// The first `numpy` crate (rust-numpy) that knows numpy 2.
pub(super) const FIRST_CRATE_FOR_NUMPY_2: semver::Version = semver::Version::new(0, 22, 0);

/// What is wrong between a module and the numpy beside it. The kinds are told apart by what Python
/// will say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// C or C++ code for numpy 1, and numpy is 2: `_ARRAY_API not found`.
    OldInterface,
    /// Cython code for numpy 1, and numpy is 2: `numpy.dtype size changed`.
    OldTypes,
    /// It asks for a newer C interface than numpy has.
    TooNew {
        /// The oldest numpy that it accepts.
        oldest: [u64; 2],
    },
    /// Rust code whose `numpy` crate is older than numpy 2.
    OldCrate {
        /// Version of the crate.
        version: String,
    },
}

impl Verdict {
    /// Judges one module.
    ///
    /// pybind11 before 2.12 names `numpy.core` only and loads under numpy 2 all the same, by a name
    /// that numpy keeps for it; so does code that only speaks of numpy in a text. Neither is judged.
    pub(super) fn of(module: &NativeModule, numpy: &Version) -> Option<Self> {
        let uses = module.numpy;
        if let Some((major, minor)) = uses.oldest_numpy {
            let oldest = [u64::from(major), u64::from(minor)];
            return (oldest > numpy_rules::minor(numpy)).then_some(Self::TooNew { oldest });
        }
        if !is_numpy_2(numpy) {
            return None;
        }
        if let Some(version) = numpy_crate(module) {
            return is_old_crate(version).then(|| Self::OldCrate { version: version.to_owned() });
        }
        if !uses.mentions_core || uses.mentions_underscore_core {
            None
        } else if uses.checks_type_sizes {
            Some(Self::OldTypes)
        } else if uses.imports_c_api {
            Some(Self::OldInterface)
        } else {
            None
        }
    }
}

/// What Python says of a module beside a numpy for which it was not compiled.
pub(crate) fn numpy_mismatch(module: &NativeModule, numpy: &Version) -> Option<String> {
    Some(match Verdict::of(module, numpy)? {
        Verdict::OldInterface => {
            "it was compiled for numpy 1: `AttributeError: _ARRAY_API not found`".to_owned()
        }
        Verdict::OldTypes => {
            "Cython compiled it for numpy 1: `ValueError: numpy.dtype size changed`".to_owned()
        }
        Verdict::TooNew { oldest: [major, minor] } => {
            format!("it needs numpy {major}.{minor} or newer")
        }
        Verdict::OldCrate { version } => {
            format!("its Rust crate `numpy` {version} does not know numpy 2")
        }
    })
}

/// Version of the `numpy` crate in a module's bytes.
fn numpy_crate(module: &NativeModule) -> Option<&str> {
    module.rust_crates.iter().find(|c| c.name == "numpy").map(|c| c.version.as_str())
}

/// Whether this version of the `numpy` crate came before numpy 2.
pub(super) fn is_old_crate(version: &str) -> bool {
    semver::Version::parse(version).is_ok_and(|version| version < FIRST_CRATE_FOR_NUMPY_2)
}

/// The modules of an environment that its interpreter would import and that were compiled for
/// something else than its numpy, in order of path.
pub(super) fn mismatches(environment: &EnvironmentFacts) -> Vec<(&ModuleFacts, Verdict)> {
    let Some(numpy) = numpy_version(environment) else { return Vec::new() };
    importable(environment)
        .filter_map(|module| {
            let verdict = Verdict::of(module.native.get()?, numpy)?;
            Some((module, verdict))
        })
        .collect()
}

/// Packages of which a module's bytes say that it does not go with the numpy beside it: NPY001 to
/// NPY003, or NPY005, speak of these.
pub(crate) fn mismatched_packages(environment: &EnvironmentFacts) -> BTreeSet<&str> {
    let modules = mismatches(environment).into_iter();
    modules.filter_map(|(module, _)| module.package.as_deref()).collect()
}

/// Whether these modules fit the numpy that conda installed, which something else has replaced:
/// then that is the root cause (NPY008).
pub(super) fn fit_condas_numpy<'a>(
    environment: &EnvironmentFacts,
    modules: impl IntoIterator<Item = &'a ModuleFacts>,
) -> bool {
    let recorded = environment.numpy.as_ref().and_then(|numpy| numpy.conda_meta.first());
    let Some(recorded) = recorded.filter(|_| environment.python.kind.is_conda()) else {
        return false;
    };
    modules
        .into_iter()
        .filter_map(|module| module.native.get())
        .all(|native| Verdict::of(native, recorded).is_none())
}

/// Version of the numpy that would be imported.
pub(super) fn numpy_version(environment: &EnvironmentFacts) -> Option<&Version> {
    environment.numpy.as_ref()?.best_version()
}

/// The modules that could be imported, numpy's own left out: those are as old as numpy itself.
pub(super) fn importable(environment: &EnvironmentFacts) -> impl Iterator<Item = &ModuleFacts> {
    let accepted = environment.python.abi.get().map(|abi| abi.extension_suffixes.as_slice());
    environment.modules.iter().filter(move |module| {
        accepted.is_none_or(|accepted| accepted.contains(&module.suffix)) && !is_numpys(module)
    })
}

fn is_numpys(module: &ModuleFacts) -> bool {
    module.package.as_deref() == Some("numpy")
        || module.import_name == "numpy"
        || module.import_name.starts_with("numpy.")
}

/// Says why nothing could be judged, or what could not be: a check of modules that found nothing
/// calls this last.
pub(super) fn say_what_was_not_judged(facts: &Facts, findings: &mut Findings) {
    let with_numpy: Vec<&EnvironmentFacts> =
        facts.judged().filter(|environment| numpy_version(environment).is_some()).collect();
    if with_numpy.is_empty() {
        findings.skip("no environment that the project uses has numpy");
    }
    let unreadable = with_numpy
        .iter()
        .flat_map(|environment| importable(environment))
        .find_map(|module| Some((module, module.native.reason()?)));
    if let Some((module, reason)) = unreadable {
        let path = facts.short(&module.path);
        findings.skip(format!("not every module could be read; the first is {path}: {reason}"));
    }
}
