//! PKG012: an editable installation points to sources that are not there any more.

use report::{Finding, Fix, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{Facts, Findings, cures};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "PKG012",
    name: "editable-checkout-gone",
    summary: "A package is installed as editable, and the directory of its sources is gone",
    page: include_str!("../../../pages/PKG012.md"),
    run,
    #[cfg(test)]
    cases: Cases { fires: &[tests::moved], silent: &[tests::there, tests::unknown_environment] },
};

fn run(facts: &Facts, findings: &mut Findings) {
    for gone in &facts.settings.gone_checkouts {
        let Some(environment) = facts.environment(&gone.environment) else { continue };
        let directory = facts.native(&gone.directory);
        let remove =
            Fix::new(Safety::Confirm, format!("remove {} from the environment", gone.package))
                .run(cures::pip_uninstall(facts, environment, &[&gone.package]));
        findings.push(
            Finding::new(
                Severity::Error,
                environment.subject(facts),
                format!("{} cannot be imported: its sources in {directory} are gone", gone.package),
            )
            .seen_at(facts.native(&gone.record), format!("editable, from {directory}"))
            .seen(format!("{directory} is not there"))
            .cause("The checkout was moved, renamed or deleted after `pip install -e`")
            .fix(remove)
            .fix(
                Fix::new(Safety::Manual, "or install it from where it is now").by_hand(format!(
                    "install {} as editable again from its new directory",
                    gone.package
                )),
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GoneCheckout;
    use crate::testing::{PROJECT, healthy};
    use host::HostPath;

    pub(super) fn moved() -> Facts {
        let mut facts = healthy();
        facts.settings.gone_checkouts = vec![GoneCheckout {
            environment: HostPath::from(PROJECT).join(".venv"),
            package: "helper".to_owned(),
            record: HostPath::from(PROJECT).join(".venv/helper-1.0.dist-info"),
            directory: HostPath::from("/home/dev/helper"),
        }];
        facts
    }

    pub(super) fn there() -> Facts {
        healthy()
    }

    pub(super) fn unknown_environment() -> Facts {
        let mut facts = moved();
        facts.settings.gone_checkouts[0].environment = HostPath::from("/elsewhere");
        facts
    }
}
