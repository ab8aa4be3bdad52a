//! BLD024: maturin is told to look where there is nothing.

use report::{Finding, Fix, Safety, Severity};

use super::{project, uses_maturin};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "BLD024",
    name: "maturin-layout-not-there",
    summary: "[tool.maturin] names a manifest, a directory or a package that is not there",
    page: include_str!("../../../pages/BLD024.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::no_directory, tests::no_package, tests::no_manifest],
        silent: &[tests::there, tests::not_maturins],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    if !uses_maturin(facts) {
        findings.skip("maturin does not build this project");
        return;
    }
    let Some(pyproject) = facts.project.pyproject.get() else { return };
    let file = facts.native(&pyproject.path);
    let missing = facts.settings.declared.iter().filter(|file| !file.exists);
    for named in missing.filter(|named| named.setting.starts_with("tool.maturin.")) {
        let key = named.setting.trim_start_matches("tool.maturin.");
        let (what, cure) = match key {
            "manifest-path" => ("manifest", "give `manifest-path` the place of Cargo.toml"),
            "module-name" => (
                "Python package",
                "give `module-name` the name of the package below `python-source`",
            ),
            _ => ("directory", "give `python-source` the directory of the package, or remove it"),
        };
        findings.push(
            Finding::new(
                // Releases before 1.12 go on without the package.
                if key == "module-name" { Severity::Warning } else { Severity::Error },
                project(facts),
                format!("maturin stops: the {what} `{}` is not there", named.written),
            )
            .seen_at(&file, format!("[tool.maturin] {key}"))
            .seen(format!("{} is not there", facts.native(&named.path)))
            .cause(
                "The directories were renamed or moved after the setting was written, or were \
                 not copied here",
            )
            .fix(
                Fix::new(Safety::Manual, "bring the setting and the directories together")
                    .edit(file.clone(), cure),
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::bld::testing::naming;

    pub(super) fn no_directory() -> Facts {
        naming("tool.maturin.python-source", "python", false)
    }

    pub(super) fn no_package() -> Facts {
        naming("tool.maturin.module-name", "python/example", false)
    }

    pub(super) fn no_manifest() -> Facts {
        naming("tool.maturin.manifest-path", "native/Cargo.toml", false)
    }

    pub(super) fn there() -> Facts {
        naming("tool.maturin.python-source", "python", true)
    }

    pub(super) fn not_maturins() -> Facts {
        let mut facts = no_directory();
        facts.project.pyproject = host::Seen::Absent;
        facts
    }
}
