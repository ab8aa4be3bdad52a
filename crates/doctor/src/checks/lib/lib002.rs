//! LIB002: modules need a newer glibc than the system's.

use std::collections::BTreeMap;

use artifacts::NativeModule;
use host::{Os, Version};
use pyenvs::LibcFamily;
use report::{Finding, Fix, Platform, Safety, Severity};

use super::needs::{importable, number, owner, reinstall, say_what_was_not_judged};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{EnvironmentFacts, Facts, Findings, ModuleFacts};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "LIB002",
    name: "glibc-too-old",
    summary: "Extension modules need a newer glibc than this system has",
    page: include_str!("../../../pages/LIB002.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::newer, tests::packed_relocations],
        silent: &[tests::older, tests::weak, tests::on_musl, tests::of_another_library],
    },
};

/// What modules with packed relocations ask for, by a name without a number, and the first glibc
/// that has it.
const PACKED_RELOCATIONS: (&str, [u32; 2]) = ("GLIBC_ABI_DT_RELR", [2, 36]);

/// Files that are shown as evidence.
const SHOWN: usize = 3;

fn run(facts: &Facts, findings: &mut Findings) {
    if facts.machine.os != Os::Linux {
        findings.skip("not Linux");
        return;
    }
    let mut judged = 0;
    for environment in facts.judged() {
        let Some(present) = glibc_of(facts, environment) else { continue };
        judged += 1;
        let mut packages: BTreeMap<&str, Vec<(&ModuleFacts, Version)>> = BTreeMap::new();
        for (module, native) in importable(environment) {
            if let Some(needed) = needed(native).filter(|needed| needed > present) {
                packages.entry(owner(module)).or_default().push((module, needed));
            }
        }
        for (package, modules) in packages {
            findings.push(finding(facts, environment, present, package, &modules));
        }
    }
    if judged == 0 {
        findings.skip("no environment that the project uses runs on a glibc of known version");
    }
    say_what_was_not_judged(facts, findings);
}

/// The glibc that the interpreter runs on. It is in the process before any module.
fn glibc_of<'a>(facts: &'a Facts, environment: &'a EnvironmentFacts) -> Option<&'a Version> {
    let libc = environment.python.libc.get();
    if libc.is_some_and(|libc| libc.family != LibcFamily::Glibc) {
        return None;
    }
    libc.and_then(|libc| libc.version.get()).or_else(|| facts.machine.glibc.get())
}

/// The oldest glibc with everything that the module needs.
fn needed(native: &NativeModule) -> Option<Version> {
    native
        .version_needs
        .iter()
        .filter(|need| !need.weak)
        .filter_map(|need| {
            let (name, version) = PACKED_RELOCATIONS;
            if need.version == name {
                return Some(Version::new(version));
            }
            number(&need.version, "GLIBC_")
        })
        .max()
}

fn finding(
    facts: &Facts,
    environment: &EnvironmentFacts,
    present: &Version,
    package: &str,
    modules: &[(&ModuleFacts, Version)],
) -> Finding {
    let most = modules.iter().map(|(_, needed)| needed).max().unwrap_or(present);
    let mut finding = Finding::new(
        Severity::Error,
        environment.subject(facts),
        format!(
            "{package} cannot be imported: it needs glibc {most}, and this system has {present}"
        ),
    );
    for (module, needed) in modules.iter().take(SHOWN) {
        finding = finding.seen_at(facts.native(&module.path), format!("needs GLIBC_{needed}"));
    }
    if modules.len() > SHOWN {
        finding = finding.seen(format!("and {} more modules", modules.len() - SHOWN));
    }
    finding = finding
        .seen(format!("this system: glibc {present}"))
        .seen(format!("the loader will say: `version `GLIBC_{most}' not found`"))
        .cause(
            "The module was compiled on a newer system than this one; glibc belongs to the system \
             and cannot be installed beside it",
        );
    fixes(facts, environment, package).into_iter().fold(finding, Finding::fix)
}

fn fixes(facts: &Facts, environment: &EnvironmentFacts, package: &str) -> Vec<Fix> {
    let mut fixes = Vec::new();
    let record = environment.python.packages_named(package).next();
    if record.is_some_and(|record| record.editable.is_none()) {
        let title = format!("install {package} as a wheel from the index, built for old systems");
        let command = reinstall(facts, environment, &[package]);
        fixes.push(Fix::new(Safety::Confirm, title).run(command));
    }
    fixes.push(Fix::new(Safety::Manual, "or build it for an old glibc").by_hand(
        "build it on this system, in a manylinux container, or with `maturin build --zig \
         --compatibility manylinux2014`",
    ));
    fixes.into_iter().map(|fix| fix.on(Platform::Linux)).collect()
}

#[cfg(test)]
mod tests {
    use artifacts::VersionNeed;
    use host::Seen;
    use pyenvs::Libc;

    use super::*;
    use crate::testing::{add_module, healthy, native_module, venv};

    fn needing(library: &str, version: &str, weak: bool) -> Facts {
        let mut facts = healthy();
        let mut native = native_module("_fast");
        let need = |version: &str, weak| VersionNeed {
            library: library.to_owned(),
            version: version.to_owned(),
            weak,
        };
        native.version_needs = vec![need("GLIBC_2.2.5", false), need(version, weak)];
        add_module(venv(&mut facts), "fast", "fast._fast", native);
        facts
    }

    pub(super) fn newer() -> Facts {
        needing("libm.so.6", "GLIBC_2.38", false)
    }

    pub(super) fn packed_relocations() -> Facts {
        let mut facts = needing("libc.so.6", "GLIBC_ABI_DT_RELR", false);
        venv(&mut facts).python.libc = Seen::Seen(Libc {
            family: LibcFamily::Glibc,
            version: Seen::Seen("2.31".parse().unwrap()),
        });
        facts
    }

    pub(super) fn older() -> Facts {
        needing("libc.so.6", "GLIBC_2.36", false)
    }

    pub(super) fn weak() -> Facts {
        needing("libc.so.6", "GLIBC_2.38", true)
    }

    pub(super) fn on_musl() -> Facts {
        let mut facts = newer();
        venv(&mut facts).python.libc =
            Seen::Seen(Libc { family: LibcFamily::Musl, version: Seen::Absent });
        facts
    }

    pub(super) fn of_another_library() -> Facts {
        needing("libgomp.so.1", "GOMP_5.0", false)
    }

    #[test]
    fn the_message_names_both_versions() {
        let mut findings = Findings::default();
        run(&newer(), &mut findings);
        assert_eq!(
            findings.list[0].message,
            "fast cannot be imported: it needs glibc 2.38, and this system has 2.36"
        );
    }
}
