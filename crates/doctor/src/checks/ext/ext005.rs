//! EXT005: on Windows, a running Python held the module while the project was installed anew.

use host::{HostPath, Os};
use report::{Finding, Fix, Platform, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{Facts, Findings, cures};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "EXT005",
    name: "extension-in-use",
    summary: "A running Python held the project's module, and what was replaced is still there",
    page: include_str!("../../../pages/EXT005.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::leftover_of_the_project],
        silent: &[tests::of_another_package, tests::not_windows, tests::nothing_left],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    if facts.machine.os != Os::Windows {
        findings.skip("not Windows: elsewhere a file that is in use can be replaced");
        return;
    }
    let names = names(facts);
    if names.is_empty() {
        findings.skip("the project has no compiled module of its own");
        return;
    }
    for environment in facts.judged() {
        let left: Vec<&HostPath> = environment
            .python
            .leftovers
            .iter()
            .filter(|path| names.iter().any(|name| is_leftover_of(path, name)))
            .collect();
        let Some(first) = left.first() else { continue };
        let mut finding = Finding::new(
            Severity::Warning,
            environment.subject(facts),
            format!(
                "A running Python held the module while it was replaced: {} is left of the old one",
                facts.short(first)
            ),
        );
        for path in &left {
            finding = finding.seen_at(facts.native(path), "renamed by pip, and never deleted");
        }
        findings.push(
            finding
                .cause(
                    "Windows lets nobody delete or overwrite a module that is loaded, so pip moves \
                     it aside; programs that run go on with the old code",
                )
                .fix(
                    Fix::new(Safety::Manual, "end every Python of this environment, then clean up")
                        .on(Platform::Windows)
                        .by_hand(
                            "end notebooks' kernels, language servers and debuggers that use the \
                             environment",
                        )
                        .remove(cures::paths(facts, &left)),
                ),
        );
    }
}

/// The names of the project's package and of its directory.
fn names(facts: &Facts) -> Vec<String> {
    let Some(pyproject) = facts.project.pyproject.get() else { return Vec::new() };
    if facts.project.maturin_manifest.is_none() {
        return Vec::new();
    }
    let module = pyproject.maturin.as_ref().and_then(|maturin| maturin.module_name.as_deref());
    let package = module.and_then(|name| name.split('.').next()).map(str::to_owned);
    let own = pyproject.name.as_ref().map(|name| name.replace('-', "_"));
    package.into_iter().chain(own).collect()
}

/// Whether pip made this name out of that one: `~emo` or `~emo-0.1.0.dist-info` of `demo`.
fn is_leftover_of(path: &HostPath, name: &str) -> bool {
    let found = path.file_name().and_then(|found| found.to_str()).unwrap_or_default();
    let stem = found.split_once('-').map_or(found, |(stem, _)| stem);
    let rest = stem.trim_start_matches(['~', '-', '.', '=', '%']);
    let replaced = stem.chars().count().saturating_sub(rest.chars().count());
    let name = name.to_lowercase();
    replaced > 0
        && !rest.is_empty()
        && name.chars().count() == replaced + rest.chars().count()
        && name.ends_with(&rest.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::super::built::testing::built;
    use super::*;
    use crate::testing::venv;

    fn with(names: &[&str]) -> Facts {
        let mut facts = built();
        facts.machine.os = Os::Windows;
        let python = &mut venv(&mut facts).python;
        let site = python.site_packages[0].clone();
        python.leftovers = names.iter().map(|name| site.join(name)).collect();
        facts
    }

    pub(super) fn leftover_of_the_project() -> Facts {
        with(&["~xample", "~xample-0.1.0.dist-info", "~umpy"])
    }

    pub(super) fn of_another_package() -> Facts {
        with(&["~umpy", "~ample"])
    }

    pub(super) fn not_windows() -> Facts {
        let mut facts = leftover_of_the_project();
        facts.machine.os = Os::Linux;
        facts
    }

    pub(super) fn nothing_left() -> Facts {
        with(&[])
    }

    #[test]
    fn only_what_belongs_to_the_project_is_deleted() {
        let mut findings = Findings::default();
        run(&leftover_of_the_project(), &mut findings);
        assert_eq!(findings.list[0].evidence.len(), 2);
    }
}
