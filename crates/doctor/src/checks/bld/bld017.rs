//! BLD017: the project needs rustc, and there is none that works.

use host::Seen;
use report::{Finding, Fix, Safety, Severity};

use super::{has_rust, install_rust, toolchain, uses_maturin};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "BLD017",
    name: "no-rustc",
    summary: "The project is built with Rust, and no rustc works here",
    page: include_str!("../../../pages/BLD017.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::none, tests::none_for_maturin, tests::toolchain_not_installed],
        silent: &[tests::there, tests::not_needed],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    let rust_backend = facts
        .project
        .pyproject
        .get()
        .and_then(|pyproject| {
            pyproject.build_requires.iter().find(|name| name.starts_with("setuptools-rust"))
        })
        .is_some();
    if !has_rust(facts) && !uses_maturin(facts) && !rust_backend {
        findings.skip("the project is not built with Rust");
        return;
    }
    match &facts.toolchain.rustc {
        Seen::Seen(_) => {}
        Seen::Absent => findings.push(none(facts)),
        Seen::Broken(reason) => findings.push(broken(facts, reason)),
    }
}

fn none(facts: &Facts) -> Finding {
    let finding = Finding::new(
        Severity::Error,
        toolchain(facts),
        "the project is built with Rust, and there is no rustc",
    );
    let finding = finding.seen("no `rustc` on PATH, and no RUSTC");
    let mut finding = match facts.project.crates.first() {
        Some(manifest) => finding.seen_at(facts.native(&manifest.path), "is to be compiled"),
        None => finding,
    };
    let at_home = facts.machine.home.as_ref().map(|home| home.join(".cargo"));
    finding = finding.cause(match at_home {
        Some(_) => {
            "Rust is not installed for this user, or ~/.cargo/bin is not on the PATH of this shell"
        }
        None => "Rust is not installed",
    });
    for fix in install_rust() {
        finding = finding.fix(fix);
    }
    finding
}

fn broken(facts: &Facts, reason: &str) -> Finding {
    let missing = facts.toolchain.missing_toolchain.as_ref();
    let fetched = missing.filter(|missing| missing.fetched_on_demand);
    let (severity, message) = match fetched {
        Some(missing) => (
            Severity::Info,
            format!("rustup will fetch the toolchain `{}` at the next build", missing.name),
        ),
        None => (Severity::Error, "the rustc for this project cannot be used".to_owned()),
    };
    let mut finding = Finding::new(severity, toolchain(facts), message)
        .seen(reason)
        .cause("The toolchain that is asked for is missing or damaged");
    if let Some((file, channel)) = &facts.project.toolchain_file {
        let asked = format!("asks for the toolchain `{channel}`");
        finding = finding.seen_at(facts.native(file), asked);
    }
    match missing {
        Some(missing) if facts.toolchain.rustup.is_some() => {
            finding.fix(Fix::new(Safety::Confirm, "install the toolchain that is asked for").run([
                "rustup",
                "toolchain",
                "install",
                missing.name.as_str(),
            ]))
        }
        _ => finding.fix(Fix::new(Safety::Manual, "mend the Rust toolchain").by_hand(
            "run `rustc -vV` in the project and follow what it says; `rustup toolchain list` \
                 shows what is installed",
        )),
    }
}

#[cfg(test)]
mod tests {
    use report::Step;

    use super::*;
    use crate::MissingToolchain;
    use crate::checks::bld::testing::{extension_project, with_maturin};
    use crate::testing::healthy;

    pub(super) fn none() -> Facts {
        let mut facts = extension_project("0.26.0", &[]);
        facts.toolchain.rustc = Seen::Absent;
        facts
    }

    pub(super) fn none_for_maturin() -> Facts {
        let mut facts = healthy();
        with_maturin(&mut facts);
        facts.toolchain.rustc = Seen::Absent;
        facts
    }

    pub(super) fn toolchain_not_installed() -> Facts {
        let mut facts = none();
        facts.toolchain.missing_toolchain = Some(MissingToolchain {
            name: "1.70.0".to_owned(),
            asked_by: "rust-toolchain.toml".to_owned(),
            fetched_on_demand: false,
        });
        facts.toolchain.rustc = Seen::Broken(
            "the toolchain `1.70.0`, asked for by rust-toolchain.toml, is not installed".to_owned(),
        );
        facts
    }

    pub(super) fn there() -> Facts {
        extension_project("0.26.0", &[])
    }

    pub(super) fn not_needed() -> Facts {
        let mut facts = healthy();
        facts.toolchain.rustc = Seen::Absent;
        facts
    }

    #[test]
    fn what_rustup_fetches_by_itself_is_worth_knowing_only() {
        let mut facts = toolchain_not_installed();
        for (fetched, severity) in [(true, Severity::Info), (false, Severity::Error)] {
            if let Some(missing) = &mut facts.toolchain.missing_toolchain {
                missing.fetched_on_demand = fetched;
            }
            let mut findings = Findings::default();
            run(&facts, &mut findings);
            assert_eq!(findings.list[0].severity, severity);
        }
    }

    #[test]
    fn the_toolchain_that_is_asked_for_is_installed() {
        let mut findings = Findings::default();
        run(&toolchain_not_installed(), &mut findings);
        let Step::Run { argv } = &findings.list[0].fixes[0].steps[0] else { panic!("no command") };
        assert_eq!(argv.join(" "), "rustup toolchain install 1.70.0");
    }
}
