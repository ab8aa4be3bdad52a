//! BLD025: crates are to come from a directory that is not there.

use report::{Finding, Fix, Safety, Severity};

use super::{has_rust, project};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "BLD025",
    name: "vendored-crates-not-there",
    summary: "cargo is told to take crates from a vendored directory that is not there",
    page: include_str!("../../../pages/BLD025.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::not_there],
        silent: &[tests::there, tests::nothing_from_elsewhere, tests::not_replaced],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    if !has_rust(facts) {
        findings.skip("there is no Cargo.toml here");
        return;
    }
    let Some(vendored) = &facts.settings.vendored else { return };
    let mut needed = facts
        .project
        .crates
        .iter()
        .flat_map(|manifest| &manifest.dependencies)
        .filter(|dependency| dependency.location.is_none())
        .map(|dependency| dependency.package.as_str());
    let (false, Some(first)) = (vendored.exists, needed.next()) else { return };
    let Some(file) = &vendored.file else { return };
    let directory = facts.native(&vendored.path);
    let root = facts.project.workspace_root.as_ref().unwrap_or(&facts.project.root);
    let manifest = facts.native(&root.join("Cargo.toml"));
    findings.push(
        Finding::new(
            Severity::Error,
            project(facts),
            format!("cargo takes `{first}` from {directory}, which is not there"),
        )
        .seen_at(facts.native(file), format!("{} in place of crates-io", vendored.setting))
        .seen(format!("{directory} is not there"))
        .cause(
            "The crates were vendored on another machine, and the directory was not copied or not \
             committed; or the configuration is that of a directory further up",
        )
        .fix(
            Fix::new(Safety::Manual, "take crates from crates.io again")
                .edit(facts.native(file), "remove `replace-with` from [source.crates-io]"),
        )
        .fix(
            // The replacement is still in force, so that cargo has to be told to pass over it.
            Fix::new(Safety::Manual, "or vendor the crates here")
                .edit(facts.native(file), "remove `replace-with` for a moment")
                .run(["cargo", "vendor", "--manifest-path", &manifest, &directory])
                .edit(facts.native(file), "put `replace-with` back"),
        ),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NamedPath;
    use crate::checks::bld::testing::extension_project;
    use crate::testing::PROJECT;
    use host::HostPath;

    pub(super) fn not_there() -> Facts {
        let mut facts = not_replaced();
        facts.settings.vendored = Some(NamedPath {
            setting: "source.vendored-sources.directory".to_owned(),
            file: Some(HostPath::from(PROJECT).join(".cargo/config.toml")),
            written: "vendor".to_owned(),
            path: HostPath::from(PROJECT).join("vendor"),
            exists: false,
        });
        facts
    }

    pub(super) fn there() -> Facts {
        let mut facts = not_there();
        facts.settings.vendored.as_mut().unwrap().exists = true;
        facts
    }

    pub(super) fn nothing_from_elsewhere() -> Facts {
        let mut facts = not_there();
        facts.project.crates[0].dependencies.clear();
        facts
    }

    pub(super) fn not_replaced() -> Facts {
        extension_project("0.26.0", &[])
    }
}
