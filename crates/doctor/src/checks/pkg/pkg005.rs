//! PKG005: a conda environment on Windows is used without its libraries on `PATH`.

use host::Os;
use report::{Finding, Fix, Platform, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{EnvironmentFacts, Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "PKG005",
    name: "conda-not-activated",
    summary: "A conda environment on Windows is used without being activated",
    page: include_str!("../../../pages/PKG005.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::not_activated],
        silent: &[tests::activated, tests::nothing_compiled, tests::another_system],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    if facts.machine.os != Os::Windows {
        findings.skip("not Windows");
        return;
    }
    let path = facts.variable("PATH").unwrap_or_default();
    for environment in facts.judged().filter(|e| e.python.kind.is_conda() && e.python.is_usable()) {
        let libraries = facts.native(&environment.python.prefix.join("Library/bin"));
        let is_on_path = path.split(';').any(|entry| is_same(entry, &libraries));
        if !is_on_path && needs_libraries(environment) {
            findings.push(judge(facts, environment, &libraries));
        }
    }
}

/// Windows tells neither letters' case nor slashes apart.
fn is_same(a: &str, b: &str) -> bool {
    let plain = |path: &str| {
        path.trim().trim_matches('"').replace('/', "\\").trim_end_matches('\\').to_lowercase()
    };
    plain(a) == plain(b)
}

/// conda's numpy, MKL and the like keep their libraries in `Library\bin`.
fn needs_libraries(environment: &EnvironmentFacts) -> bool {
    const WITH_LIBRARIES: &[&str] = &["numpy", "mkl", "openblas", "libblas", "intel-openmp"];
    environment
        .python
        .conda_packages
        .iter()
        .any(|record| WITH_LIBRARIES.contains(&record.name.as_str()))
}

fn judge(facts: &Facts, environment: &EnvironmentFacts, libraries: &str) -> Finding {
    let prefix = facts.native(&environment.python.prefix);
    Finding::new(
        Severity::Warning,
        environment.subject(facts),
        "The environment is used without being activated: Windows will not find the libraries of \
         its packages",
    )
    .seen_at(libraries, "not on PATH")
    .cause(
        "conda keeps shared libraries in Library\\bin and relies on `conda activate` to put that \
         directory on PATH; starting its python.exe by path does not",
    )
    .fix(
        Fix::new(Safety::Manual, "activate the environment")
            .on(Platform::Windows)
            .by_hand(format!("type `conda activate {}`", host::quote(Os::Windows, &prefix))),
    )
    .fix(
        Fix::new(Safety::Safe, "or start programs through conda").on(Platform::Windows).run([
            "conda",
            "run",
            "-p",
            prefix.as_str(),
            "python",
            "-c",
            "import numpy",
        ]),
    )
}

#[cfg(test)]
mod tests {
    use host::HostPath;
    use pyenvs::{CondaRecord, EnvironmentKind};

    use super::*;
    use crate::testing::{healthy, venv};

    fn with_path(path: &str) -> Facts {
        let mut facts = healthy();
        facts.machine.os = Os::Windows;
        facts.machine.variables.insert("PATH".to_owned(), path.to_owned());
        let python = &mut venv(&mut facts).python;
        python.kind = EnvironmentKind::Conda;
        python.prefix = HostPath::from("C:/Users/dev/miniforge3/envs/science");
        python.conda_packages = vec![CondaRecord {
            name: "numpy".to_owned(),
            version: "1.26.4".to_owned(),
            build: "py311h0b4df5a_0".to_owned(),
            path: python.prefix.join("conda-meta/numpy-1.26.4-py311h0b4df5a_0.json"),
        }];
        facts
    }

    pub(super) fn not_activated() -> Facts {
        with_path(r"C:\Windows\system32;C:\Users\dev\miniforge3\envs\science")
    }

    pub(super) fn activated() -> Facts {
        with_path(r#"C:\Windows\system32;"c:/users/dev/Miniforge3/envs/science/Library/bin/""#)
    }

    pub(super) fn nothing_compiled() -> Facts {
        let mut facts = not_activated();
        venv(&mut facts).python.conda_packages[0].name = "six".to_owned();
        facts
    }

    pub(super) fn another_system() -> Facts {
        let mut facts = not_activated();
        facts.machine.os = Os::Linux;
        facts
    }
}
