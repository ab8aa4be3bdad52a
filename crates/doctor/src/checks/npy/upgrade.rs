//! The cure of most numpy mismatches in files: numpy 2 where they are read.

use numpy_rules::has_numpy_2;
use pep440_rs::Version;
use report::{Fix, Safety};

use super::verdict::{Verdict, mismatches};
use crate::{EnvironmentFacts, Facts, Role, cures};

/// numpy 2 where the data is read: it knows the old names and the new. Not offered where the Python
/// is too old for it, or belongs to the system.
pub(in crate::checks) fn to_numpy_2(facts: &Facts, environment: &EnvironmentFacts) -> Option<Fix> {
    let python = &environment.python;
    let is_systems = environment.has_role(Role::System)
        || (python.externally_managed.is_some() && !python.kind.is_virtual());
    if is_systems || !python.is_usable() || !has_numpy_2(python.version.get()?) {
        return None;
    }
    // What was compiled for numpy 1 there has to come along, or it breaks in turn (NPY001).
    let mut followers = packages_for_numpy_1(environment);
    followers.sort();
    followers.dedup();
    let title = format!(
        "upgrade numpy in {} to 2, which reads both",
        facts.short(&environment.python.prefix)
    );
    if followers.is_empty() {
        let command = cures::install(facts, environment, "numpy", "numpy>=2");
        return Some(Fix::new(Safety::Confirm, title).run(command));
    }
    let title =
        format!("{title}, and with it what was compiled for numpy 1: {}", followers.join(", "));
    let wanted: Vec<&str> =
        ["numpy>=2"].into_iter().chain(followers.iter().map(String::as_str)).collect();
    let is_condas = environment.python.conda_packages.iter().any(|record| record.name == "numpy");
    let command = if is_condas {
        cures::conda_install(facts, environment, &wanted)
    } else {
        let arguments: Vec<&str> = ["--upgrade"].into_iter().chain(wanted).collect();
        cures::pip_install(facts, environment, &arguments)
    };
    Some(Fix::new(Safety::Confirm, title).run(command))
}

/// Packages of an environment with numpy 1 whose modules numpy 2 would break.
fn packages_for_numpy_1(environment: &EnvironmentFacts) -> Vec<String> {
    let mut upgraded = environment.clone();
    let Some(numpy) = &mut upgraded.numpy else { return Vec::new() };
    numpy.version = host::Seen::Seen(Version::new([2, 0]));
    mismatches(&upgraded)
        .into_iter()
        .filter(|(_, verdict)| matches!(verdict, Verdict::OldInterface | Verdict::OldTypes))
        .filter_map(|(module, _)| module.package.clone())
        .collect()
}
