//! PKG002: directories that pip renamed and never took away.

use host::HostPath;
use report::{Finding, Fix, Platform, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{EnvironmentFacts, Facts, Findings, cures};

/// Leftovers shown as evidence.
const SHOWN: usize = 5;

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "PKG002",
    name: "pip-leftovers",
    summary: "pip left renamed packages (~umpy) behind when it was interrupted",
    page: include_str!("../../../pages/PKG002.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::beside_the_package, tests::instead_of_the_package],
        silent: &[tests::nothing_left, tests::not_used],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    for environment in facts.judged() {
        let leftovers: Vec<&HostPath> = environment.python.leftovers.iter().collect();
        if leftovers.is_empty() {
            continue;
        }
        let missing = missing_packages(environment);
        let (severity, message) = if missing.is_empty() {
            let message = "pip warns about leftovers of an interrupted installation";
            (Severity::Info, message.to_owned())
        } else {
            let names = missing.join(", ");
            let message = format!(
                "An installation was interrupted half-way, and the package is gone: only {names} \
                 is left of it"
            );
            (Severity::Warning, message)
        };
        let mut finding = Finding::new(severity, environment.subject(facts), message);
        for leftover in leftovers.iter().take(SHOWN) {
            let name = leftover.file_name().unwrap_or_default().to_string_lossy();
            let warning = format!("pip: Ignoring invalid distribution {name}");
            finding = finding.seen_at(facts.native(leftover), warning);
        }
        let delete = Fix::new(Safety::Confirm, "delete the leftovers");
        findings.push(
            finding
                .cause(
                    "pip renames a package before it replaces it, and takes the old one away at \
                     the end; it was stopped between the two, or a running Python held the files",
                )
                .fix(
                    Fix::new(Safety::Manual, "stop every Python of this environment first")
                        .on(Platform::Windows)
                        .by_hand("end the programs that use the environment: they hold its files")
                        .remove(cures::paths(facts, &leftovers)),
                )
                .fix(delete.remove(cures::paths(facts, &leftovers))),
        );
    }
}

/// Leftover records whose package is not there any more: `~umpy-1.26.4.dist-info` and no numpy.
fn missing_packages(environment: &EnvironmentFacts) -> Vec<String> {
    let python = &environment.python;
    python
        .leftovers
        .iter()
        .filter_map(|path| path.file_name()?.to_str())
        .filter(|name| name.ends_with(".dist-info"))
        .filter(|name| {
            // pip replaces letters at the front until the name is free: `~umpy`, `~~mpy`, `~-mpy`.
            let stem = name.split_once('-').map_or(*name, |(stem, _)| stem);
            let rest = stem.trim_start_matches(|c: char| "~-.=%".contains(c) || c.is_ascii_digit());
            let rest = rest.replace(['_', '.'], "-").to_lowercase();
            !rest.is_empty() && !python.packages.iter().any(|package| package.name.ends_with(&rest))
        })
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{healthy, venv};

    fn with(names: &[&str]) -> Facts {
        let mut facts = healthy();
        let python = &mut venv(&mut facts).python;
        let site = python.site_packages[0].clone();
        python.leftovers = names.iter().map(|name| site.join(name)).collect();
        facts
    }

    pub(super) fn beside_the_package() -> Facts {
        with(&["~umpy", "~umpy-1.26.4.dist-info", "~~mpy"])
    }

    pub(super) fn instead_of_the_package() -> Facts {
        let mut facts = with(&["~umpy", "~umpy-1.26.4.dist-info"]);
        venv(&mut facts).python.packages.retain(|package| package.name != "numpy");
        facts
    }

    pub(super) fn nothing_left() -> Facts {
        healthy()
    }

    pub(super) fn not_used() -> Facts {
        let mut facts = beside_the_package();
        venv(&mut facts).judged = false;
        facts
    }

    #[test]
    fn only_a_package_that_is_gone_is_a_warning() {
        let severity = |facts: &Facts| {
            let mut findings = Findings::default();
            run(facts, &mut findings);
            findings.list[0].severity
        };
        assert_eq!(severity(&beside_the_package()), Severity::Info);
        assert_eq!(severity(&instead_of_the_package()), Severity::Warning);
    }
}
