//! PKG011: pip or cargo is told to take certificates from a file that is not there.

use report::{Finding, Fix, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{Facts, Findings, subjects};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "PKG011",
    name: "certificates-not-there",
    summary: "A variable names a file of certificates that is missing, so downloads fail",
    page: include_str!("../../../pages/PKG011.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::pips, tests::cargos],
        silent: &[tests::there, tests::not_certificates, tests::overruled],
    },
};

/// The variables, each with who reads it. Of `REQUESTS_CA_BUNDLE` and `CURL_CA_BUNDLE` the first
/// that is set counts.
const VARIABLES: [(&str, &str); 4] = [
    ("CARGO_HTTP_CAINFO", "cargo"),
    ("PIP_CERT", "pip"),
    ("REQUESTS_CA_BUNDLE", "pip, and everything that uses requests,"),
    ("CURL_CA_BUNDLE", "pip, and everything that uses requests or curl,"),
];

fn run(facts: &Facts, findings: &mut Findings) {
    let is_set = |name: &str| facts.settings.named.iter().any(|named| named.setting == name);
    for named in facts.settings.named.iter().filter(|named| !named.exists) {
        let Some((name, who)) = VARIABLES.iter().find(|(name, _)| *name == named.setting) else {
            continue;
        };
        if *name == "CURL_CA_BUNDLE" && is_set("REQUESTS_CA_BUNDLE") {
            continue;
        }
        findings.push(
            Finding::new(
                Severity::Error,
                subjects::shell(),
                format!("{who} cannot download anything: {name} names a file that is not there"),
            )
            .seen(format!("{name}={}", named.written))
            .seen(format!("{} is not there", facts.native(&named.path)))
            .cause(
                "The variable was set for the network of another place, or the file was removed \
                 with the environment that it was in",
            )
            .fix(
                Fix::new(Safety::Safe, "use the certificates that the tool brings or finds")
                    .unset(*name),
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NamedPath;
    use crate::testing::healthy;

    fn named(setting: &str, exists: bool) -> NamedPath {
        NamedPath {
            setting: setting.to_owned(),
            written: "/opt/corporation.pem".to_owned(),
            path: host::HostPath::from("/opt/corporation.pem"),
            exists,
            ..NamedPath::default()
        }
    }

    fn with(named: Vec<NamedPath>) -> Facts {
        let mut facts = healthy();
        facts.settings.named = named;
        facts
    }

    pub(super) fn pips() -> Facts {
        with(vec![named("PIP_CERT", false)])
    }

    pub(super) fn cargos() -> Facts {
        with(vec![named("CARGO_HTTP_CAINFO", false)])
    }

    pub(super) fn there() -> Facts {
        with(vec![named("REQUESTS_CA_BUNDLE", true)])
    }

    pub(super) fn not_certificates() -> Facts {
        with(vec![named("PYO3_CONFIG_FILE", false)])
    }

    pub(super) fn overruled() -> Facts {
        with(vec![named("CURL_CA_BUNDLE", false), named("REQUESTS_CA_BUNDLE", true)])
    }
}
