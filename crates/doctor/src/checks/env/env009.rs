//! ENV009: `maturin develop` is to install into an environment without pip, and there is no uv.

use pyenvs::EnvironmentKind;
use report::{Finding, Fix, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{Facts, Findings, cures};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "ENV009",
    name: "no-pip-for-maturin",
    summary: "maturin develop needs pip in the environment, or uv, and finds neither",
    page: include_str!("../../../pages/ENV009.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::neither],
        silent: &[tests::pip, tests::uv, tests::no_maturin, tests::pip_of_the_base],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    let is_maturins = facts.project.pyproject.get().is_some_and(|pyproject| {
        pyproject.maturin.is_some() || pyproject.build_backend.as_deref() == Some("maturin")
    });
    let Some(maturin) = facts.toolchain.maturin.first().filter(|_| is_maturins) else {
        findings.skip("`maturin develop` is not used here");
        return;
    };
    let environment = facts.picks.maturin.prefix().and_then(|prefix| facts.environment(prefix));
    let Some(environment) = environment.filter(|environment| environment.judged) else { return };
    let python = &environment.python;
    let sees_base = python
        .pyvenv_cfg
        .as_ref()
        .is_some_and(|configuration| configuration.include_system_site_packages);
    let has = |name: &str| {
        python.packages_named(name).next().is_some()
            || python.conda_packages.iter().any(|record| record.name == name)
    };
    let is_broken = python.executable.is_none() || python.site_packages.is_empty();
    if has("pip") || has("uv") || !facts.toolchain.uv.is_empty() || sees_base || is_broken {
        return;
    }
    let interpreter = cures::interpreter(facts, environment);
    findings.push(
        Finding::new(
            // Who made it with uv or conda has that installer somewhere, and may never need pip.
            if python.kind.is_conda() || python.kind == EnvironmentKind::UvVenv {
                Severity::Info
            } else {
                Severity::Warning
            },
            environment.subject(facts),
            "`maturin develop` cannot install here: there is no pip and no uv",
        )
        .seen_at(facts.native(&python.prefix), "no package pip")
        .seen_at(facts.native(&maturin.path), "the maturin that would install")
        .seen("no uv on PATH")
        .cause(
            "uv makes environments without pip, and so does `python -m venv --without-pip`; \
             maturin installs with one of the two",
        )
        .fix(Fix::new(Safety::Safe, "put pip into the environment").run([
            interpreter.as_str(),
            "-m",
            "ensurepip",
            "--default-pip",
        ])),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{PROJECT, healthy, venv};
    use crate::{MaturinConfig, Tool};
    use host::{HostPath, Seen};

    fn tool(name: &str) -> Tool {
        let path = HostPath::from(format!("/home/dev/.local/bin/{name}").as_str());
        Tool { real_path: path.clone(), path, version: Seen::Absent, environment: None }
    }

    pub(super) fn pip() -> Facts {
        let mut facts = healthy();
        facts.toolchain.maturin = vec![tool("maturin")];
        facts.project.maturin_manifest = Some(HostPath::from(PROJECT).join("Cargo.toml"));
        if let Seen::Seen(pyproject) = &mut facts.project.pyproject {
            pyproject.maturin = Some(MaturinConfig::default());
        }
        facts
    }

    pub(super) fn neither() -> Facts {
        let mut facts = pip();
        venv(&mut facts).python.packages.retain(|package| package.name != "pip");
        facts
    }

    #[test]
    fn only_a_plain_environment_is_a_warning() {
        let severity = |kind| {
            let mut facts = neither();
            venv(&mut facts).python.kind = kind;
            let mut findings = Findings::default();
            run(&facts, &mut findings);
            findings.list[0].severity
        };
        assert_eq!(severity(EnvironmentKind::Venv), Severity::Warning);
        assert_eq!(severity(EnvironmentKind::UvVenv), Severity::Info);
        assert_eq!(severity(EnvironmentKind::Conda), Severity::Info);
    }

    pub(super) fn uv() -> Facts {
        let mut facts = neither();
        facts.toolchain.uv = vec![tool("uv")];
        facts
    }

    pub(super) fn no_maturin() -> Facts {
        let mut facts = neither();
        facts.toolchain.maturin.clear();
        facts
    }

    pub(super) fn pip_of_the_base() -> Facts {
        let mut facts = neither();
        let configuration = venv(&mut facts).python.pyvenv_cfg.as_mut().unwrap();
        configuration.include_system_site_packages = true;
        facts
    }
}
