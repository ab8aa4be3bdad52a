//! BLD001: a virtual environment and a conda environment are active at once.

use host::HostPath;
use pyenvs::Pick;
use report::{Finding, Fix, Safety, Severity};

use super::{build_variable, shell, show_picks, uses_maturin, uses_pyo3};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "BLD001",
    name: "two-active-environments",
    summary: "VIRTUAL_ENV and CONDA_PREFIX are both set, and the tools disagree on the Python",
    page: include_str!("../../../pages/BLD001.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[
            tests::both_differ,
            tests::both_differ_without_maturin,
            tests::equal_but_not_on_path,
        ],
        silent: &[
            tests::venv_only,
            tests::conda_only,
            tests::equal,
            tests::differ_but_nothing_is_built,
            tests::differ_but_pinned_without_maturin,
        ],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    let (Some(venv), Some(conda)) = (facts.variable("VIRTUAL_ENV"), facts.variable("CONDA_PREFIX"))
    else {
        return;
    };
    if !uses_maturin(facts) && !uses_pyo3(facts) {
        findings.skip("nothing here is built with PyO3 or maturin");
        return;
    }
    let shown =
        |finding: Finding| {
            let finding =
                finding.seen(format!("VIRTUAL_ENV={venv}")).seen(format!("CONDA_PREFIX={conda}"));
            show_picks(finding, facts)
                .fix(leave_conda(facts))
                .fix(
                    // Only a new shell is different then.
                    Fix::new(Safety::Manual, "keep conda's base environment out of new shells")
                        .run(["conda", "config", "--set", "auto_activate_base", "false"]),
                )
                .fix(
                    Fix::new(Safety::Safe, "use the conda environment instead")
                        .unset("VIRTUAL_ENV"),
                )
        };
    // maturin compares the two as text.
    if uses_maturin(facts) && venv != conda {
        findings.push(
            shown(Finding::new(
                Severity::Error,
                shell(),
                "VIRTUAL_ENV and CONDA_PREFIX name two environments: `maturin develop` refuses to \
                 run, PyO3 ignores both, uv takes the first",
            ))
            .cause("A conda environment, often base, stayed active when the virtual environment was activated"),
        );
        return;
    }
    if build_variable(facts, "PYO3_PYTHON").is_some() {
        return;
    }
    let active = HostPath::from(venv.trim_end_matches(['/', '\\']));
    if let Pick::Python { executable, prefix, .. } = &facts.picks.pyo3
        && prefix.as_ref() != Some(&active)
    {
        findings.push(
            shown(Finding::new(
                Severity::Warning,
                shell(),
                format!(
                    "a plain cargo build compiles PyO3 for {}, not for the active {}",
                    facts.short(executable),
                    facts.short(&active)
                ),
            ))
            .cause(
                "PyO3 ignores VIRTUAL_ENV and CONDA_PREFIX when both are set, even to the same \
                 place, and takes `python` from PATH",
            ),
        );
    }
}

/// `conda deactivate` is a function of the shell, so what it would leave is set instead.
fn leave_conda(facts: &Facts) -> Fix {
    let fix = Fix::new(Safety::Safe, "leave the conda environment, as `conda deactivate` does");
    let fix = fix.unset("CONDA_PREFIX");
    if facts.variable("CONDA_DEFAULT_ENV").is_some() {
        return fix.unset("CONDA_DEFAULT_ENV");
    }
    fix
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::bld::testing::{extension_project, with_maturin};
    use crate::testing::PROJECT;

    fn with(venv: Option<&str>, conda: Option<&str>) -> Facts {
        let mut facts = extension_project("0.26.0", &[]);
        for (name, value) in [("VIRTUAL_ENV", venv), ("CONDA_PREFIX", conda)] {
            match value {
                Some(value) => facts.machine.variables.insert(name.to_owned(), value.to_owned()),
                None => facts.machine.variables.remove(name),
            };
        }
        facts
    }

    fn venv() -> String {
        format!("{PROJECT}/.venv")
    }

    fn from_path(facts: &mut Facts) {
        facts.picks.pyo3 = Pick::Python {
            executable: HostPath::from("/usr/bin/python3"),
            prefix: Some(HostPath::from("/usr")),
            because: "first on PATH".to_owned(),
        };
    }

    pub(super) fn both_differ() -> Facts {
        let mut facts = with(Some(&venv()), Some("/opt/conda"));
        with_maturin(&mut facts);
        facts
    }

    pub(super) fn both_differ_without_maturin() -> Facts {
        let mut facts = with(Some(&venv()), Some("/opt/conda"));
        from_path(&mut facts);
        facts
    }

    pub(super) fn equal_but_not_on_path() -> Facts {
        let mut facts = with(Some(&venv()), Some(&venv()));
        with_maturin(&mut facts);
        from_path(&mut facts);
        facts
    }

    pub(super) fn venv_only() -> Facts {
        let mut facts = with(Some(&venv()), None);
        with_maturin(&mut facts);
        facts
    }

    pub(super) fn conda_only() -> Facts {
        let mut facts = with(None, Some("/opt/conda"));
        with_maturin(&mut facts);
        facts
    }

    pub(super) fn equal() -> Facts {
        let mut facts = with(Some(&venv()), Some(&venv()));
        with_maturin(&mut facts);
        facts
    }

    pub(super) fn differ_but_nothing_is_built() -> Facts {
        let mut facts = both_differ();
        facts.project = crate::testing::healthy().project;
        facts
    }

    pub(super) fn differ_but_pinned_without_maturin() -> Facts {
        let mut facts = both_differ_without_maturin();
        facts.machine.variables.insert("PYO3_PYTHON".to_owned(), "/usr/bin/python3".to_owned());
        facts
    }

    #[test]
    fn what_each_tool_takes_is_shown() {
        let mut findings = Findings::default();
        run(&both_differ_without_maturin(), &mut findings);
        let shown: Vec<&str> =
            findings.list[0].evidence.iter().map(|evidence| evidence.value.as_str()).collect();
        assert!(shown.contains(&"cargo build (PyO3): /usr/bin/python3 (first on PATH)"));
        assert!(shown.contains(&"uv: .venv/bin/python (VIRTUAL_ENV is set)"));
    }
}
