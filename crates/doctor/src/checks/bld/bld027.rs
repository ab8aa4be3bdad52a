//! BLD027: cargo may not use the network and does not have what the project needs.

use report::{Finding, Fix, Safety, Severity};

use super::{has_rust, project};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{DirectoryRole, Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "BLD027",
    name: "offline-without-crates",
    summary: "cargo is told to stay off the network, and crates were never downloaded",
    page: include_str!("../../../pages/BLD027.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::by_variable, tests::by_file],
        silent: &[tests::all_here, tests::online],
    },
};

/// Crates named at most.
const SHOWN: usize = 5;

fn run(facts: &Facts, findings: &mut Findings) {
    if !has_rust(facts) {
        findings.skip("there is no Cargo.toml here");
        return;
    }
    let Some(offline) = &facts.settings.offline else { return };
    let missing = &facts.settings.not_downloaded;
    let Some(first) = missing.first() else { return };
    let home = facts
        .directory(DirectoryRole::CargoHome)
        .map_or_else(|| "CARGO_HOME".to_owned(), |home| facts.native(&home.path));
    let others = match missing.len() {
        1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    let mut finding = Finding::new(
        Severity::Error,
        project(facts),
        format!("cargo may not use the network, and {first}{others} was never downloaded"),
    )
    .seen(offline.clone());
    for name in missing.iter().take(SHOWN) {
        finding = finding.seen_at(&home, format!("no {name}.crate in registry/cache"));
    }
    let fix = Fix::new(Safety::Safe, "let cargo download what is missing");
    findings.push(
        finding
            .cause("The setting is for machines that have every crate already, and this has not")
            .fix(if offline.starts_with("CARGO_NET_OFFLINE=") {
                fix.unset("CARGO_NET_OFFLINE")
            } else {
                let manifest = facts.project.workspace_root.as_ref().unwrap_or(&facts.project.root);
                let manifest = facts.native(&manifest.join("Cargo.toml"));
                fix.run([
                    "cargo",
                    "--config",
                    "net.offline=false",
                    "fetch",
                    "--manifest-path",
                    &manifest,
                ])
            }),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::bld::testing::extension_project;

    pub(super) fn by_variable() -> Facts {
        let mut facts = online();
        facts.settings.offline = Some("CARGO_NET_OFFLINE=true".to_owned());
        facts.settings.not_downloaded = vec!["pyo3-0.26.0".to_owned(), "libc-0.2.0".to_owned()];
        facts
    }

    pub(super) fn by_file() -> Facts {
        let mut facts = by_variable();
        facts.settings.offline = Some("net.offline = true in /home/dev/.cargo/config.toml".into());
        facts
    }

    pub(super) fn all_here() -> Facts {
        let mut facts = by_variable();
        facts.settings.not_downloaded.clear();
        facts
    }

    pub(super) fn online() -> Facts {
        extension_project("0.26.0", &[])
    }
}
