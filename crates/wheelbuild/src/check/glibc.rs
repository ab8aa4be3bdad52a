//! What Linux wheels need of the system: versions of symbols, and shared libraries.

use std::collections::{BTreeMap, BTreeSet};

use artifacts::wheel::Wheel;
use artifacts::{ObjectFormat, VersionNeed};
use host::Version;

use super::facts::{Facts, Module};
use super::platform::Platform;
use super::{Policy, Problem, tables};

const BUILT_ON_NEWER: &str =
    "it was linked on a system that is newer than the oldest one that the tag promises";
const BUILD_ON_OLDER: &str = "build in an image of the tag's age (manylinux), or with `maturin build --zig`, or give the \
     wheel the tag that fits";

pub(super) fn check(wheel: &Wheel, policy: &Policy, facts: &Facts, problems: &mut Vec<Problem>) {
    let Ok(name) = &wheel.name else { return };
    let platforms: Vec<Platform> = name.platform.iter().map(|tag| Platform::parse(tag)).collect();
    let elf = || facts.modules.iter().filter(|module| module.native.format == ObjectFormat::Elf);
    let brought: BTreeSet<&str> = facts.modules.iter().map(Module::file_name).collect();

    for module in elf() {
        if let Some(limit) = &policy.max_glibc
            && let Some((newest, need)) = newest_glibc(module)
            && newest > *limit
        {
            problems.push(
                Problem::error("glibc-over-limit", &module.name)
                    .seen(format!("it needs {} of {}", need.version, need.library))
                    .because(format!("glibc {limit} is the newest that may be needed here"))
                    .cure(BUILD_ON_OLDER),
            );
        }
    }

    // A wheel keeps what its strictest tag promises.
    let manylinux = platforms.iter().filter_map(|platform| match platform {
        Platform::Manylinux(glibc, machine) => Some((glibc, machine.as_str())),
        _ => None,
    });
    if let Some((glibc, machine)) = manylinux.min() {
        for module in elf() {
            symbols(module, glibc, machine, &brought, problems);
            let is_allowed = |library: &str| tables::is_allowed_library(glibc, library);
            libraries(module, &brought, policy, &is_allowed, problems);
            if let Some(musl) = module.native.needed.iter().find(|name| is_musl(name)) {
                problems.push(
                    Problem::error("musl-in-manylinux-wheel", &module.name)
                        .seen(format!("it needs {musl}"))
                        .because("it was linked to musl, which systems with glibc do not have")
                        .cure("tag it musllinux, or build it for a target that ends in -gnu"),
                );
            }
        }
    } else if platforms.iter().any(|platform| matches!(platform, Platform::Musllinux(_))) {
        for module in elf() {
            let is_allowed =
                |library: &str| is_musl(library) || tables::MUSL_LIBRARIES.contains(&library);
            libraries(module, &brought, policy, &is_allowed, problems);
            if let Some((_, need)) = newest_glibc(module) {
                problems.push(
                    Problem::error("glibc-in-musllinux-wheel", &module.name)
                        .seen(format!("it needs {} of {}", need.version, need.library))
                        .because("it was linked to glibc, which systems with musl do not have")
                        .cure("tag it manylinux, or build it for a target that ends in -musl"),
                );
            }
        }
    }
}

fn is_musl(library: &str) -> bool {
    library.starts_with("libc.musl-") || library.starts_with("ld-musl-")
}

/// The newest glibc that a module needs.
fn newest_glibc(module: &Module) -> Option<(Version, &VersionNeed)> {
    // The runtime of gcc has versions of that name as well, with musl too.
    let needs = module
        .native
        .version_needs
        .iter()
        .filter(|need| !need.weak && !need.library.starts_with("libgcc_s"));
    let numbers = needs.filter_map(|need| {
        Some((need.version.strip_prefix("GLIBC_")?.parse::<Version>().ok()?, need))
    });
    numbers.max_by(|one, other| one.0.cmp(&other.0))
}

/// Versions of symbols that the policy of the tag does not have.
fn symbols(
    module: &Module,
    glibc: &Version,
    machine: &str,
    brought: &BTreeSet<&str>,
    problems: &mut Vec<Problem>,
) {
    let Some(allowed) = tables::manylinux(glibc, machine) else {
        problems.push(
            Problem::info("symbols-not-judged", &module.name)
                .seen(format!("no policy is known for {machine}"))
                .because("the table of the policies does not have this machine")
                .cure("check the wheel with the tools of the platform"),
        );
        return;
    };
    let mut too_new: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for need in module.native.version_needs.iter().filter(|need| !need.weak) {
        // What the wheel brings along, it brings in the version that it needs.
        if brought.contains(need.library.as_str()) || allowed.named.contains(need.version.as_str())
        {
            continue;
        }
        let Some((family, number)) = need.version.split_once('_') else { continue };
        let Some(newest) = allowed.newest.get(family) else { continue };
        let newest = if family == "GLIBC" { newest.max(glibc) } else { newest };
        if number.parse::<Version>().is_ok_and(|number| number <= *newest) {
            continue;
        }
        too_new
            .entry(family)
            .or_default()
            .push(format!("{} of {}, at most {family}_{newest}", need.version, need.library));
    }
    for (family, evidence) in too_new {
        let name = if family == "GLIBC" { "glibc-too-new" } else { "symbol-version-too-new" };
        problems.push(
            Problem::error(name, &module.name)
                .seen_all(evidence)
                .because(format!(
                    "{BUILT_ON_NEWER} (manylinux_{})",
                    glibc.to_string().replace('.', "_")
                ))
                .cure(BUILD_ON_OLDER),
        );
    }
}

/// Libraries that are neither in the wheel nor promised by the platform.
fn libraries(
    module: &Module,
    brought: &BTreeSet<&str>,
    policy: &Policy,
    is_allowed: &dyn Fn(&str) -> bool,
    problems: &mut Vec<Problem>,
) {
    let unexpected: Vec<String> = module
        .native
        .needed
        .iter()
        .map(|library| library.rsplit('/').next().unwrap_or(library))
        .filter(|library| {
            let is_loader = library.starts_with("ld-linux") || library.starts_with("ld64.so");
            let is_libpython = module.native.libpython.as_deref() == Some(library);
            !is_loader
                && !is_libpython
                && !is_allowed(library)
                && !brought.contains(library)
                && !policy.libraries.iter().any(|allowed| allowed == library)
                && !is_musl(library)
        })
        .map(str::to_owned)
        .collect();
    if !unexpected.is_empty() {
        problems.push(
            Problem::error("library-not-allowed", &module.name)
                .seen_all(unexpected)
                .because("the wheel does not bring it, and the platform of the tag does not promise it")
                .cure("link it statically, let `maturin build --auditwheel repair` or auditwheel put it into the wheel, or allow it by name"),
        );
    }
}
