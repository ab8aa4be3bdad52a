//! PKG003: packages of the user's own directory hide those of the environment.

use pyenvs::Package;
use report::{Finding, Fix, Safety, Severity};

use super::{is_important, is_own};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{EnvironmentFacts, Facts, Findings, cures};

/// Packages shown as evidence.
const SHOWN: usize = 10;

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "PKG003",
    name: "user-site-shadows",
    summary: "Packages installed with `pip install --user` hide those of an environment",
    page: include_str!("../../../pages/PKG003.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::another_numpy, tests::own_package, tests::only_numpy_under_conda],
        silent: &[tests::same_version, tests::only_there, tests::nothing_there],
    },
};

/// A package of the user's directory, and what it does here.
struct Shadow<'a> {
    user: &'a Package,
    /// The environment's own, if it has one.
    hidden: Option<&'a Package>,
}

fn run(facts: &Facts, findings: &mut Findings) {
    for environment in facts.judged() {
        let shadows = shadows(facts, environment);
        if !shadows.is_empty() {
            findings.push(judge(facts, environment, &shadows));
        }
    }
}

fn shadows<'a>(facts: &Facts, environment: &'a EnvironmentFacts) -> Vec<Shadow<'a>> {
    let python = &environment.python;
    python
        .user_packages
        .iter()
        .filter_map(|user| {
            let hidden = python.packages_named(&user.name).next();
            let matters = match hidden {
                Some(own) => own.version != user.version || is_own(facts, &user.name),
                // A conda environment is meant to be complete in itself; of any other Python the
                // user's directory is a rightful part.
                None => python.kind.is_conda() && is_important(facts, &user.name),
            };
            matters.then_some(Shadow { user, hidden })
        })
        .collect()
}

fn judge(facts: &Facts, environment: &EnvironmentFacts, shadows: &[Shadow<'_>]) -> Finding {
    let hides = shadows.iter().any(|shadow| {
        shadow.hidden.is_some_and(|own| {
            is_important(facts, &own.name)
                || !own.extension_modules.is_empty()
                || !shadow.user.extension_modules.is_empty()
        })
    });
    let severity = if hides { Severity::Warning } else { Severity::Info };
    let names: Vec<&str> = shadows.iter().take(3).map(|shadow| shadow.user.name.as_str()).collect();
    let more = match shadows.len().saturating_sub(names.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let mut finding = Finding::new(
        severity,
        environment.subject(facts),
        format!(
            "{}{more}: imported from the user's own directory, not from the environment",
            names.join(", ")
        ),
    );
    for shadow in shadows.iter().take(SHOWN) {
        let of = |package: &Package| match package.version.get() {
            Some(version) => format!("{} {version}", package.name),
            None => package.name.clone(),
        };
        let value = match shadow.hidden {
            Some(own) => format!("{} is imported, not {}", of(shadow.user), of(own)),
            None => format!("{}; the environment has none", of(shadow.user)),
        };
        finding = finding.seen_at(facts.native(&shadow.user.path), value);
    }
    let finding = finding.cause(
        "`pip install --user` put packages into the home directory, where every Python of this \
         version that is no virtual environment looks before its own",
    );
    let ignore =
        Fix::new(Safety::Safe, "leave the user's directory out").set("PYTHONNOUSERSITE", "1");
    let has_pip = environment.python.packages_named("pip").next().is_some();
    if !has_pip || environment.python.externally_managed.is_some() {
        return finding.fix(ignore);
    }
    // pip finds the user's copy first, for the same reason for which Python does.
    let interpreter = cures::interpreter(facts, environment);
    let mut argv = ["-m", "pip", "uninstall", "--yes"].map(str::to_owned).to_vec();
    argv.insert(0, interpreter);
    argv.extend(shadows.iter().map(|shadow| shadow.user.name.clone()));
    finding.fix(Fix::new(Safety::Confirm, "uninstall the user's copies").run(argv)).fix(ignore)
}

#[cfg(test)]
mod tests {
    use host::HostPath;
    use pyenvs::EnvironmentKind;

    use super::*;
    use crate::testing::{healthy, package, venv};

    fn with(kind: EnvironmentKind, name: &str, version: &str) -> Facts {
        let mut facts = healthy();
        let python = &mut venv(&mut facts).python;
        python.kind = kind;
        let site = HostPath::from("/home/dev/.local/lib/python3.11/site-packages");
        python.user_packages = vec![package(name, version, &site)];
        python.user_site = Some(site);
        facts
    }

    pub(super) fn another_numpy() -> Facts {
        with(EnvironmentKind::Conda, "numpy", "1.26.4")
    }

    pub(super) fn own_package() -> Facts {
        let mut facts = with(EnvironmentKind::Pyenv, "example", "0.1.0");
        let python = &mut venv(&mut facts).python;
        let site = python.site_packages[0].clone();
        python.packages.push(package("example", "0.1.0", &site));
        facts
    }

    pub(super) fn only_numpy_under_conda() -> Facts {
        let mut facts = another_numpy();
        venv(&mut facts).python.packages.retain(|package| package.name != "numpy");
        facts
    }

    pub(super) fn same_version() -> Facts {
        with(EnvironmentKind::Conda, "numpy", "2.2.6")
    }

    /// What `pip install --user` is for.
    pub(super) fn only_there() -> Facts {
        with(EnvironmentKind::System, "six", "1.16.0")
    }

    pub(super) fn nothing_there() -> Facts {
        healthy()
    }

    #[test]
    fn a_copy_that_hides_nothing_is_only_worth_knowing() {
        let severity = |facts: &Facts| {
            let mut findings = Findings::default();
            run(facts, &mut findings);
            findings.list[0].severity
        };
        assert_eq!(severity(&another_numpy()), Severity::Warning);
        assert_eq!(severity(&only_numpy_under_conda()), Severity::Info);
    }
}
