//! BLD: PyO3, maturin and the Rust toolchain.

mod architecture;
mod builds;
mod features;
mod lockfile;
mod pyo3;
#[cfg(test)]
mod testing;

pub(super) mod bld001;
pub(super) mod bld002;
pub(super) mod bld003;
pub(super) mod bld004;
pub(super) mod bld005;
pub(super) mod bld006;
pub(super) mod bld007;
pub(super) mod bld008;
pub(super) mod bld009;
pub(super) mod bld010;
pub(super) mod bld011;
pub(super) mod bld012;
pub(super) mod bld013;
pub(super) mod bld014;
pub(super) mod bld015;
pub(super) mod bld016;
pub(super) mod bld017;
pub(super) mod bld018;
pub(super) mod bld019;
pub(super) mod bld020;
pub(super) mod bld021;
pub(super) mod bld022;
pub(super) mod bld023;
pub(super) mod bld024;
pub(super) mod bld025;
pub(super) mod bld026;
pub(super) mod bld027;
pub(super) mod bld028;
pub(super) mod bld029;
pub(super) mod bld030;
pub(super) mod bld031;

use host::{Os, Seen};
use pyenvs::Pick;
use report::{Finding, Fix, Safety, Subject, SubjectKind};

use crate::subjects::{project, shell};
use crate::{EnvironmentFacts, Facts, Pyproject, cures};

/// Whether there is Rust to build here.
fn has_rust(facts: &Facts) -> bool {
    facts.project.workspace_root.is_some()
}

/// Whether a crate of the project uses PyO3 in what it ships (and not only in its tests).
fn uses_pyo3(facts: &Facts) -> bool {
    facts.project.crates_using("pyo3").next().is_some()
}

/// Whether maturin builds the project.
fn uses_maturin(facts: &Facts) -> bool {
    facts.project.pyproject.get().is_some_and(|pyproject| {
        pyproject.maturin.is_some() || pyproject.build_backend.as_deref() == Some("maturin")
    })
}

/// What cargo, rustc and linkers are, as the subject of a finding.
fn toolchain(facts: &Facts) -> Subject {
    match facts.toolchain.rustc.get() {
        Some(rustc) => Subject::at(
            SubjectKind::Toolchain,
            format!("Rust {} ({})", rustc.release, rustc.host_triple),
            facts.native(&rustc.path),
        ),
        None => Subject::new(SubjectKind::Toolchain, "the Rust toolchain"),
    }
}

/// A variable as PyO3's build script sees it: the shell's, else the one in cargo's `[env]`.
fn build_variable<'a>(facts: &'a Facts, name: &str) -> Option<&'a str> {
    facts.variable(name).or_else(|| {
        let configs = facts.project.cargo_configs.iter();
        configs.filter_map(|config| config.env.get(name)).map(String::as_str).next()
    })
}

/// A pick in words: the interpreter and the rule that led to it.
fn pick_in_words(facts: &Facts, pick: &Pick) -> String {
    match pick {
        Pick::Python { executable, because, .. } => {
            format!("{} ({because})", facts.short(executable))
        }
        Pick::Refuses { message } => format!("refuses to run: {message}"),
        Pick::Nothing { because } => format!("none ({because})"),
    }
}

/// Shows which Python each of the tools takes here.
fn show_picks(mut finding: Finding, facts: &Facts) -> Finding {
    for (tool, pick) in facts.picks.each() {
        finding = finding.seen(format!("{tool}: {}", pick_in_words(facts, pick)));
    }
    finding
}

/// `3.14` of `3.14.0rc1`.
fn python_minor(environment: &EnvironmentFacts) -> Option<(u64, u64)> {
    let release = environment.python.version.get()?.release();
    Some((*release.first()?, *release.get(1)?))
}

/// The name in a requirement, normalised: `cython` of `Cython>=3; python_version < "4"`.
fn requirement_name(requirement: &str) -> String {
    let end = requirement
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
        .unwrap_or(requirement.len());
    requirement[..end].trim().to_ascii_lowercase().replace(['_', '.'], "-")
}

/// Makes a virtual environment anew with a Python that is here and within `range` (such as
/// `>=3.9,<3.14`); for other environments, and where there is no such Python, nothing.
fn recreate_within(facts: &Facts, environment: &EnvironmentFacts, range: &str) -> Option<Fix> {
    if !environment.python.kind.is_virtual() {
        return None;
    }
    let mut narrowed = facts.clone();
    let mut pyproject = facts.project.pyproject.get().cloned().unwrap_or_else(Pyproject::default);
    pyproject.requires_python = Some(match &pyproject.requires_python {
        Some(required) => format!("{required},{range}"),
        None => range.to_owned(),
    });
    narrowed.project.pyproject = Seen::Seen(pyproject);
    cures::base_interpreter(&narrowed, environment)?;
    Some(cures::recreate(&narrowed, environment))
}

/// A command that needs the rights of root: with `sudo`, unless the user is root already.
fn as_root(facts: &Facts, argv: &[&str]) -> Vec<String> {
    let needs_sudo = facts.machine.user_id != Some(0) && facts.machine.os != Os::Windows;
    let sudo = needs_sudo.then_some("sudo");
    sudo.iter().chain(argv).map(|part| (*part).to_owned()).collect()
}

/// Installs rustup and with it Rust, by rustup's own instructions.
fn install_rust() -> [Fix; 2] {
    let unix = "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y";
    [
        Fix::new(Safety::Confirm, "install Rust with rustup, then open a new shell")
            .run(["sh", "-c", unix]),
        Fix::new(Safety::Confirm, "install Rust with rustup, then open a new terminal")
            .on(report::Platform::Windows)
            .run(["winget", "install", "--id", "Rustlang.Rustup"]),
    ]
}
