//! EXT008: the installed module was built before its sources were last changed.

use report::{Finding, Fix, Safety, Severity};

use super::built::{age, build_again, duration, imported, installation};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "EXT008",
    name: "module-older-than-sources",
    summary: "The module that Python imports was built before its sources were last changed",
    page: include_str!("../../../pages/EXT008.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::edited, tests::a_copy],
        silent: &[
            tests::fresh,
            tests::within_a_moment,
            tests::from_elsewhere,
            tests::sources_of_the_future,
            tests::no_sources,
        ],
    },
};

/// Files that one build writes may differ by this much, as file systems round times.
const MOMENT_NS: i64 = 3 * 1_000_000_000;

fn run(facts: &Facts, findings: &mut Findings) {
    let newest = facts.project.declared.as_ref().and_then(|declared| declared.newest.as_ref());
    let Some(newest) = newest else {
        findings.skip("the project is no maturin project with PyO3");
        return;
    };
    if newest.modified_ns > facts.machine.now_ns {
        findings.skip(format!("{} is dated in the future", facts.short(&newest.path)));
        return;
    }
    let mut is_judged = false;
    for environment in facts.judged() {
        // A wheel from elsewhere has nothing to do with these sources.
        if installation(facts, environment).is_none() {
            continue;
        }
        let Some(built) = imported(facts, environment) else { continue };
        is_judged = true;
        let behind = newest.modified_ns.saturating_sub(built.modified_ns);
        if behind <= MOMENT_NS {
            continue;
        }
        let label = environment.python.label(|path| facts.short(path));
        let finding = Finding::new(
            Severity::Warning,
            environment.subject(facts),
            format!(
                "the module that {label} imports is {} older than {}",
                duration(behind / 1_000_000_000),
                facts.short(&newest.path)
            ),
        )
        .seen_at(facts.native(&built.path), age(facts, built.modified_ns))
        .seen_at(facts.native(&newest.path), age(facts, newest.modified_ns))
        .cause(
            "Python files of an installation from sources are live, and its compiled module is as \
             it was when it was built; cargo, which goes by the same times, would build it again",
        );
        findings.push(match build_again(facts, environment) {
            Some(fix) => finding.fix(fix),
            None => finding
                .fix(Fix::new(Safety::Manual, "build it again").by_hand("build the project again")),
        });
    }
    if !is_judged {
        findings.skip("no environment has a module that was built from these sources");
    }
}

#[cfg(test)]
mod tests {
    use super::super::built::testing::{HOUR, built};
    use super::*;
    use crate::testing::venv;

    fn changed(ago_ns: i64) -> Facts {
        let mut facts = built();
        let now = facts.machine.now_ns;
        if let Some(newest) = &mut facts.project.declared.as_mut().unwrap().newest {
            newest.modified_ns = now - ago_ns;
        }
        facts
    }

    pub(super) fn edited() -> Facts {
        changed(HOUR / 2)
    }

    pub(super) fn a_copy() -> Facts {
        let mut facts = edited();
        let package = venv(&mut facts).python.packages.last_mut().unwrap();
        package.built_from = package.editable.take();
        facts
    }

    pub(super) fn fresh() -> Facts {
        built()
    }

    pub(super) fn within_a_moment() -> Facts {
        changed(HOUR - 1_000_000_000)
    }

    pub(super) fn from_elsewhere() -> Facts {
        let mut facts = edited();
        venv(&mut facts).python.packages.last_mut().unwrap().editable = None;
        facts
    }

    pub(super) fn sources_of_the_future() -> Facts {
        changed(-HOUR)
    }

    pub(super) fn no_sources() -> Facts {
        let mut facts = edited();
        facts.project.declared = None;
        facts
    }

    #[test]
    fn the_time_between_is_told() {
        let mut findings = Findings::default();
        run(&edited(), &mut findings);
        let message = &findings.list[0].message;
        assert!(message.ends_with("is 30 minutes older than src/lib.rs"), "{message}");
    }
}
