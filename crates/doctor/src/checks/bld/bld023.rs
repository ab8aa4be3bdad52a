//! BLD023: `pyproject.toml` names a readme or a license that is not there.

use report::{Finding, Fix, Safety, Severity};

use super::project;
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{Facts, Findings, Pyproject};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "BLD023",
    name: "readme-or-license-not-there",
    summary: "pyproject.toml names a readme or license file that is missing, so no wheel is made",
    page: include_str!("../../../pages/BLD023.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::readme, tests::license],
        silent: &[tests::there, tests::setuptools_goes_on, tests::never_built],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    let Some(pyproject) = facts.project.pyproject.get() else {
        findings.skip("there is no pyproject.toml here");
        return;
    };
    if !insists(pyproject) {
        findings.skip("the build backend goes on without them, or there is none");
        return;
    }
    let missing = facts.settings.declared.iter().filter(|file| !file.exists);
    for file in missing.filter(|file| file.setting.starts_with("project.")) {
        let what = file.setting.trim_start_matches("project.");
        findings.push(
            Finding::new(
                Severity::Error,
                project(facts),
                format!("no wheel can be made: the {what} `{}` is not there", file.written),
            )
            .seen_at(facts.native(&pyproject.path), format!("{} = \"{}\"", what, file.written))
            .seen(format!("{} is not there", facts.native(&file.path)))
            .cause(
                "The file was moved or renamed, or only a part of the project is here, as in an \
                 image into which not every file was copied",
            )
            .fix(Fix::new(Safety::Manual, "name the file that is there").edit(
                facts.native(&pyproject.path),
                format!("correct or remove `{what}` in [project]"),
            ))
            .fix(
                Fix::new(Safety::Manual, "or bring the file here")
                    .by_hand(format!("copy {} as well", file.written)),
            ),
        );
    }
}

/// Whether the build stops without the files. setuptools warns and goes on.
fn insists(pyproject: &Pyproject) -> bool {
    let backend = pyproject.build_backend.as_deref().unwrap_or_default();
    ["maturin", "hatchling", "flit", "uv_build", "pdm", "scikit_build_core", "mesonpy"]
        .iter()
        .any(|known| backend.starts_with(known))
}

#[cfg(test)]
mod tests {
    use host::Seen;

    use super::*;
    use crate::checks::bld::testing::naming;

    pub(super) fn readme() -> Facts {
        naming("project.readme", "README.md", false)
    }

    pub(super) fn license() -> Facts {
        naming("project.license", "LICENSE", false)
    }

    pub(super) fn there() -> Facts {
        naming("project.readme", "README.md", true)
    }

    fn with_backend(backend: Option<&str>) -> Facts {
        let mut facts = readme();
        if let Seen::Seen(pyproject) = &mut facts.project.pyproject {
            pyproject.build_backend = backend.map(str::to_owned);
        }
        facts
    }

    pub(super) fn setuptools_goes_on() -> Facts {
        with_backend(Some("setuptools.build_meta"))
    }

    pub(super) fn never_built() -> Facts {
        with_backend(None)
    }
}
