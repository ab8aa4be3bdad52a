//! BLD010: conda's compiler or linker comes first, and links Rust programs with conda's libraries.

use host::{HostPath, Os};
use report::{Finding, Fix, Platform, Safety, Severity};

use super::{has_rust, toolchain};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::plan::toml_string;
use crate::{Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "BLD010",
    name: "conda-linker-first",
    summary: "The linker that Rust would take belongs to a conda environment",
    page: include_str!("../../../pages/BLD010.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::conda_cc, tests::conda_ld, tests::configured],
        silent: &[
            tests::conda_after_the_system,
            tests::conda_cc_but_configured,
            tests::conda_ld_but_rust_brings_its_own,
            tests::only_conda_has_one,
            tests::no_rust_here,
        ],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    if !has_rust(facts) {
        findings.skip("there is no Cargo.toml here");
        return;
    }
    if facts.machine.os == Os::Windows {
        findings.skip("on Windows Rust does not take its linker from PATH");
        return;
    }
    let linker = &facts.toolchain.linker;
    if let Some(found) = &linker.configured_found {
        if let (Some(prefix), Some((name, place))) =
            (conda_prefix(facts, found), &linker.configured)
        {
            let mut finding = report_on(facts, found, &prefix, "the configured linker")
                .seen_at(place, format!("linker = {name}"));
            finding.fixes = vec![drop_setting(facts, place)];
            findings.push(finding);
        }
        return;
    }
    // A machine whose only compiler is conda's was set up so on purpose.
    let first = |list: &[HostPath]| -> Option<(HostPath, HostPath)> {
        let found = list.first()?;
        let prefix = conda_prefix(facts, found)?;
        list.iter()
            .any(|other| conda_prefix(facts, other).is_none())
            .then(|| (found.clone(), prefix))
    };
    if let Some((found, prefix)) = first(&linker.cc) {
        findings.push(report_on(facts, &found, &prefix, "`cc`"));
    } else if !brings_its_own_ld(facts)
        && let Some((found, prefix)) = first(&linker.ld)
    {
        findings.push(report_on(facts, &found, &prefix, "`ld`"));
    }
}

/// The conda environment that a program belongs to.
fn conda_prefix(facts: &Facts, program: &HostPath) -> Option<HostPath> {
    let named = facts.variable("CONDA_PREFIX").map(HostPath::from);
    let known = facts
        .environments
        .iter()
        .filter(|environment| environment.python.kind.is_conda())
        .map(|environment| environment.python.prefix.clone());
    known.chain(named).find(|prefix| program.starts_with(prefix.as_path()))
}

/// From 1.90 on rustc links with its own lld on this triple, and `ld` is not asked.
fn brings_its_own_ld(facts: &Facts) -> bool {
    facts.toolchain.rustc.get().is_some_and(|rustc| {
        let version = semver::Version::parse(&rustc.release).ok();
        rustc.host_triple == "x86_64-unknown-linux-gnu"
            && version.is_some_and(|version| version >= semver::Version::new(1, 90, 0))
    })
}

fn report_on(facts: &Facts, program: &HostPath, prefix: &HostPath, what: &str) -> Finding {
    let mut finding = Finding::new(
        Severity::Warning,
        toolchain(facts),
        format!(
            "{what} is conda's ({}), so Rust programs are linked with conda's libraries",
            facts.short(program)
        ),
    )
    .seen_at(
        facts.native(program),
        format!("belongs to the conda environment {}", facts.short(prefix)),
    );
    for name in ["CC", "LD", "LDFLAGS"] {
        if let Some(value) = facts.variable(name) {
            finding = finding.seen(format!("{name}={value}"));
        }
    }
    let linker = &facts.toolchain.linker;
    let own = linker.cc.iter().find(|path| conda_prefix(facts, path).is_none());
    let triple = facts.toolchain.rustc.get().map(|rustc| rustc.host_triple.as_str());
    if let (Some(own), Some(triple)) = (own, triple)
        && what == "`cc`"
    {
        let variable =
            format!("CARGO_TARGET_{}_LINKER", triple.to_ascii_uppercase().replace('-', "_"));
        finding = finding.fix(
            Fix::new(Safety::Safe, "link with the system's compiler (cargo does not look at CC)")
                .set(variable, facts.native(own)),
        );
    }
    finding
        .cause(
            "An active conda environment has compilers or binutils in it, and stands first on PATH",
        )
        .fix(
            Fix::new(Safety::Safe, "leave the conda environment while building")
                .on(Platform::Any)
                .set("PATH", path_without(facts, prefix))
                .unset("CONDA_PREFIX"),
        )
}

/// Takes back the setting that names conda's linker.
fn drop_setting(facts: &Facts, place: &str) -> Fix {
    let fix = Fix::new(Safety::Safe, "let cargo take the system's linker");
    if facts.variable(place).is_some() {
        return fix.unset(place);
    }
    let mut cc = facts.toolchain.linker.cc.iter();
    let own = cc.find(|path| conda_prefix(facts, path).is_none());
    match (own, facts.toolchain.rustc.get()) {
        (Some(own), Some(rustc)) => Fix { safety: Safety::Confirm, ..fix }.configure(
            place,
            &["target", &rustc.host_triple],
            "linker",
            toml_string(&facts.native(own)),
        ),
        _ => {
            Fix { safety: Safety::Manual, ..fix }.edit(place, "remove the `linker` of this triple")
        }
    }
}

/// `PATH` without the entries of the environment.
fn path_without(facts: &Facts, prefix: &HostPath) -> String {
    let path = facts.variable("PATH").unwrap_or_default();
    let kept: Vec<&str> = path
        .split(':')
        .filter(|entry| !HostPath::from(*entry).starts_with(prefix.as_path()))
        .collect();
    kept.join(":")
}

#[cfg(test)]
mod tests {
    use host::Seen;

    use super::*;
    use crate::checks::bld::testing::extension_project;
    use crate::testing::rustc;

    fn facts(cc: &[&str], ld: &[&str], release: &str) -> Facts {
        let mut facts = extension_project("0.26.0", &[]);
        let list = |paths: &[&str]| paths.iter().map(|path| HostPath::from(*path)).collect();
        facts.toolchain.linker.cc = list(cc);
        facts.toolchain.linker.ld = list(ld);
        facts.toolchain.rustc = Seen::Seen(rustc(release, "x86_64-unknown-linux-gnu"));
        facts.machine.variables.insert("CONDA_PREFIX".to_owned(), "/opt/conda".to_owned());
        facts
    }

    pub(super) fn conda_cc() -> Facts {
        facts(&["/opt/conda/bin/cc", "/usr/bin/cc"], &["/usr/bin/ld"], "1.95.0")
    }

    pub(super) fn conda_ld() -> Facts {
        facts(&["/usr/bin/cc"], &["/opt/conda/bin/ld", "/usr/bin/ld"], "1.89.0")
    }

    pub(super) fn configured() -> Facts {
        let mut facts = facts(&["/usr/bin/cc"], &["/usr/bin/ld"], "1.95.0");
        let name = "x86_64-conda-linux-gnu-cc";
        let place = "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER";
        facts.toolchain.linker.configured = Some((name.to_owned(), place.to_owned()));
        facts.toolchain.linker.configured_found =
            Some(HostPath::from("/opt/conda/bin/x86_64-conda-linux-gnu-cc"));
        facts
    }

    pub(super) fn conda_after_the_system() -> Facts {
        facts(&["/usr/bin/cc", "/opt/conda/bin/cc"], &["/usr/bin/ld"], "1.89.0")
    }

    pub(super) fn conda_cc_but_configured() -> Facts {
        let mut facts = conda_cc();
        facts.toolchain.linker.configured = Some(("/usr/bin/cc".to_owned(), "x".to_owned()));
        facts.toolchain.linker.configured_found = Some(HostPath::from("/usr/bin/cc"));
        facts
    }

    pub(super) fn conda_ld_but_rust_brings_its_own() -> Facts {
        facts(&["/usr/bin/cc"], &["/opt/conda/bin/ld", "/usr/bin/ld"], "1.95.0")
    }

    pub(super) fn only_conda_has_one() -> Facts {
        facts(&["/opt/conda/bin/cc"], &["/opt/conda/bin/ld"], "1.89.0")
    }

    pub(super) fn no_rust_here() -> Facts {
        let mut facts = conda_cc();
        facts.project.workspace_root = None;
        facts.project.crates.clear();
        facts
    }

    #[test]
    fn path_keeps_everything_else() {
        let mut facts = conda_ld();
        let path = "/opt/conda/bin:/usr/bin:/opt/conda/condabin:/bin".to_owned();
        facts.machine.variables.insert("PATH".to_owned(), path);
        assert_eq!(path_without(&facts, &HostPath::from("/opt/conda")), "/usr/bin:/bin");
    }
}
