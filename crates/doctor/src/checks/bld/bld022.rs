//! BLD022: the crate lies inside a workspace that does not have it among its members.

use report::{Finding, Fix, Safety, Severity};

use super::project;
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "BLD022",
    name: "outside-the-workspace-around-it",
    summary: "The crate lies inside a cargo workspace that does not list it, so cargo refuses it",
    page: include_str!("../../../pages/BLD022.md"),
    run,
    #[cfg(test)]
    cases: Cases { fires: &[tests::not_listed], silent: &[tests::listed, tests::no_rust] },
};

fn run(facts: &Facts, findings: &mut Findings) {
    let Some((manifest, root)) = &facts.project.outside_workspace else { return };
    let Some(directory) = manifest.parent() else { return };
    let below = root.parent().and_then(|root| directory.strip_prefix(root).ok());
    let member = below.map_or_else(
        || facts.native(&directory.into()),
        |below| host::HostPath::from(below).text(),
    );
    findings.push(
        Finding::new(
            Severity::Error,
            project(facts),
            format!(
                "cargo refuses {}: the workspace around it does not list it",
                facts.short(manifest)
            ),
        )
        .seen_at(facts.native(root), "has a [workspace], and this crate is no member of it")
        .seen_at(facts.native(manifest), "has no [workspace] of its own")
        .cause(
            "cargo looks for a workspace in every directory above a crate and takes the first, \
             also one of a project that this one was only copied or unpacked into",
        )
        .fix(
            Fix::new(Safety::Manual, "let the crate stand alone")
                .edit(facts.native(manifest), "add an empty table `[workspace]` at the end"),
        )
        .fix(
            Fix::new(Safety::Manual, "or make it a member")
                .edit(facts.native(root), format!("add \"{member}\" to `members` in [workspace]")),
        ),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::bld::testing::extension_project;
    use crate::testing::{PROJECT, healthy};
    use host::HostPath;

    pub(super) fn not_listed() -> Facts {
        let mut facts = listed();
        facts.project.outside_workspace = Some((
            HostPath::from(PROJECT).join("Cargo.toml"),
            HostPath::from("/home/dev/Cargo.toml"),
        ));
        facts
    }

    pub(super) fn listed() -> Facts {
        extension_project("0.26.0", &[])
    }

    pub(super) fn no_rust() -> Facts {
        healthy()
    }
}
