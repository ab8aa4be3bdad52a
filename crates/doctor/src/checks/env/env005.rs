//! ENV005: the first line of scripts is longer than the kernel reads.

use host::HostPath;
use pyenvs::Script;
use report::{Finding, Fix, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::checks::first_lines;
use crate::{EnvironmentFacts, Facts, Findings};

/// Scripts shown as evidence.
const SHOWN: usize = 3;

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "ENV005",
    name: "shebang-too-long",
    summary: "Scripts name their Python by a path longer than the system reads",
    page: include_str!("../../../pages/ENV005.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::deep, tests::deep_for_an_old_kernel],
        silent: &[tests::just_short_enough, tests::wrapped],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    let Some(limit) = first_lines::longest(facts) else {
        findings.skip("Windows does not start programs by their first line");
        return;
    };
    for environment in facts.judged() {
        let scripts: Vec<&Script> = environment
            .python
            .scripts
            .iter()
            .filter(|script| script.shebang_length > limit)
            .collect();
        if scripts.is_empty() {
            continue;
        }
        let mut finding = Finding::new(
            Severity::Error,
            environment.subject(facts),
            format!(
                "{} cannot start: the path of the Python in the first line is too long",
                match scripts.as_slice() {
                    [script] => facts.short(&script.path),
                    many => format!("{} scripts", many.len()),
                }
            ),
        );
        for script in scripts.iter().take(SHOWN) {
            finding = finding.seen_at(
                facts.native(&script.path),
                format!(
                    "its first line has {} bytes; this system reads {limit}",
                    script.shebang_length
                ),
            );
        }
        findings.push(
            finding
                .cause("The environment lies too deep: its path is part of every script it holds")
                .fix(shorten(facts, environment, limit)),
        );
    }
}

/// Makes the environment anew near the home directory.
fn shorten(facts: &Facts, environment: &EnvironmentFacts, limit: usize) -> Fix {
    let fits = |fresh: &HostPath| fresh.text().len() + "#!/bin/python3".len() <= limit;
    first_lines::make_anew_near_home(facts, environment, fits).unwrap_or_else(|| {
        Fix::new(Safety::Manual, "move the environment to a shorter path").by_hand(
            "make the environment again under a shorter path; until then start tools as \
             `python -m NAME`",
        )
    })
}

#[cfg(test)]
mod tests {
    use host::{Os, Seen};
    use report::Step;

    use super::*;
    use crate::testing::{healthy, venv};

    fn with_line(length: usize) -> Facts {
        let mut facts = healthy();
        let environment = venv(&mut facts);
        environment.python.scripts.push(Script {
            path: environment.python.prefix.join("bin/jp.py"),
            shebang: Some(format!("#!/{}", "d".repeat(length - 3))),
            shebang_length: length,
        });
        facts
    }

    pub(super) fn deep() -> Facts {
        with_line(256)
    }

    pub(super) fn deep_for_an_old_kernel() -> Facts {
        let mut facts = with_line(128);
        facts.machine.kernel = Seen::Seen("4.18.0-553.el8.x86_64".to_owned());
        facts
    }

    pub(super) fn just_short_enough() -> Facts {
        with_line(255)
    }

    /// pip and uv put a shell before a path that is too long.
    pub(super) fn wrapped() -> Facts {
        let mut facts = healthy();
        let environment = venv(&mut facts);
        environment.python.scripts.push(Script {
            path: environment.python.prefix.join("bin/pip"),
            shebang: Some("#!/bin/sh".to_owned()),
            shebang_length: 9,
        });
        facts
    }

    #[test]
    fn the_kernel_decides() {
        let mut facts = healthy();
        assert_eq!(first_lines::longest(&facts), Some(255));
        for (release, expected) in [("5.1.0", 255), ("5.0.21-x", 127), ("6.18.5", 255), ("?", 255)]
        {
            facts.machine.kernel = Seen::Seen(release.to_owned());
            assert_eq!(first_lines::longest(&facts), Some(expected), "{release}");
        }
        facts.machine.os = Os::Windows;
        assert_eq!(first_lines::longest(&facts), None);
    }

    #[test]
    fn the_old_environment_goes_when_the_new_one_stands() {
        let mut findings = Findings::default();
        run(&deep(), &mut findings);
        let steps = &findings.list[0].fixes[0].steps;
        let argv: Vec<String> = steps
            .iter()
            .map(|step| match step {
                Step::Run { argv } => argv.join(" "),
                Step::Remove { paths } => format!("rm -rf -- {}", paths.join(" ")),
                other => format!("{other:?}"),
            })
            .collect();
        assert!(argv[0].ends_with("-m venv --clear /home/dev/.virtualenvs/example"), "{argv:?}");
        assert_eq!(argv[argv.len() - 2], "rm -rf -- /home/dev/project/.venv");
    }
}
