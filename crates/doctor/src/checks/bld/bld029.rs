//! BLD029: a variable of PyO3's leads away from the Python that is here, to nothing.

use report::{Finding, Fix, Safety, Severity};

use super::{shell, uses_pyo3};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "BLD029",
    name: "pyo3-led-astray",
    summary: "PYO3_NO_PYTHON, PYO3_CONFIG_FILE or PYO3_CROSS_LIB_DIR leads PyO3 to nothing",
    page: include_str!("../../../pages/BLD029.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::no_python, tests::no_file, tests::no_directory],
        silent: &[tests::no_python_and_abi3, tests::file_is_there, tests::no_pyo3],
    },
};

const NO_PYTHON: &str = "PYO3_NO_PYTHON";

fn run(facts: &Facts, findings: &mut Findings) {
    if !uses_pyo3(facts) {
        findings.skip("no crate here uses PyO3");
        return;
    }
    for named in &facts.settings.named {
        let what = match named.setting.as_str() {
            "PYO3_CONFIG_FILE" => "the file",
            "PYO3_CROSS_LIB_DIR" => "the directory",
            _ => continue,
        };
        if named.exists {
            continue;
        }
        findings.push(
            Finding::new(
                Severity::Error,
                shell(),
                format!(
                    "{} sends PyO3 to {what} `{}`, which is not there",
                    named.setting, named.written
                ),
            )
            .seen(format!("{}={}", named.setting, named.written))
            .seen(format!("{} is not there", facts.native(&named.path)))
            .cause(
                "The variable was set for a build for another machine, or by a tool that has \
                 removed its directory since",
            )
            .fix(unset(&named.setting)),
        );
    }
    if let Some(value) = facts.variable(NO_PYTHON).filter(|_| !asks_for_abi3(facts)) {
        findings.push(
            Finding::new(
                Severity::Error,
                shell(),
                "PyO3 may not ask a Python, and nothing says for which Python to build",
            )
            .seen(format!("{NO_PYTHON}={value}"))
            .seen("no crate asks PyO3 for a feature abi3-py3*")
            .cause(
                "Without a Python to ask, PyO3 builds for the stable ABI alone, and needs to be \
                 told the oldest Python by a feature",
            )
            .fix(unset(NO_PYTHON)),
        );
    }
}

fn unset(name: &str) -> Fix {
    Fix::new(Safety::Safe, "let PyO3 ask the Python that is here").unset(name)
}

/// Whether a feature of that kind is named anywhere; whether it is on does not matter, as who sets
/// the variable may turn it on as well.
fn asks_for_abi3(facts: &Facts) -> bool {
    let of_maturin = facts.project.pyproject.get().and_then(|p| p.maturin.as_ref());
    facts
        .project
        .crates
        .iter()
        .flat_map(|manifest| {
            let dependencies = manifest.dependencies.iter().flat_map(|d| &d.features);
            dependencies.chain(manifest.features.values().flatten())
        })
        .chain(of_maturin.into_iter().flat_map(|maturin| &maturin.features))
        .any(|feature| feature.contains("abi3"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NamedPath;
    use crate::checks::bld::testing::extension_project;

    fn without_python(features: &[&str]) -> Facts {
        let mut facts = extension_project("0.26.0", features);
        facts.machine.variables.insert(NO_PYTHON.to_owned(), "1".to_owned());
        facts
    }

    fn naming(setting: &str, exists: bool) -> Facts {
        let mut facts = extension_project("0.26.0", &[]);
        facts.settings.named = vec![NamedPath {
            setting: setting.to_owned(),
            written: "/opt/cross/x".to_owned(),
            path: host::HostPath::from("/opt/cross/x"),
            exists,
            ..NamedPath::default()
        }];
        facts
    }

    pub(super) fn no_python() -> Facts {
        without_python(&["macros"])
    }

    pub(super) fn no_file() -> Facts {
        naming("PYO3_CONFIG_FILE", false)
    }

    pub(super) fn no_directory() -> Facts {
        naming("PYO3_CROSS_LIB_DIR", false)
    }

    pub(super) fn no_python_and_abi3() -> Facts {
        without_python(&["abi3-py39"])
    }

    pub(super) fn file_is_there() -> Facts {
        naming("PYO3_CONFIG_FILE", true)
    }

    pub(super) fn no_pyo3() -> Facts {
        let mut facts = no_file();
        facts.project.crates.clear();
        facts
    }
}
