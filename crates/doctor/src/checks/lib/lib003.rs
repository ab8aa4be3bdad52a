//! LIB003: musl and glibc do not mix, and Rust's musl targets make no extension modules by default.

use artifacts::NativeModule;
use host::Os;
use pyenvs::LibcFamily;
use report::{Finding, Fix, Platform, Safety, Severity};

use super::needs::{importable, owner, reinstall, say_what_was_not_judged};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{CrateManifest, EnvironmentFacts, Facts, Findings, ModuleFacts, subjects};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "LIB003",
    name: "musl-mismatch",
    summary: "Modules for the other C library, or a Rust target that makes no modules",
    page: include_str!("../../../pages/LIB003.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[
            tests::glibc_module_on_musl,
            tests::musl_module_on_glibc,
            tests::static_target,
            tests::target_in_configuration,
        ],
        silent: &[
            tests::glibc_everywhere,
            tests::musl_everywhere,
            tests::dynamic_by_configuration,
            tests::dynamic_by_variable,
            tests::no_extension_module,
        ],
    },
};

const FLAG: &str = "target-feature=-crt-static";

fn run(facts: &Facts, findings: &mut Findings) {
    if facts.machine.os != Os::Linux {
        findings.skip("not Linux");
        return;
    }
    for environment in facts.judged() {
        let Some(libc) = environment.python.libc.get() else { continue };
        let mut told: Vec<&str> = Vec::new();
        for (module, native) in importable(environment) {
            let is_other = family_of(native).is_some_and(|family| family != libc.family);
            if is_other && !told.contains(&owner(module)) {
                told.push(owner(module));
                findings.push(of_module(facts, environment, libc.family, module));
            }
        }
    }
    findings.list.extend(of_target(facts));
    say_what_was_not_judged(facts, findings);
}

/// The C library that a module was linked to; `None` if it names none.
fn family_of(native: &NativeModule) -> Option<LibcFamily> {
    native.needed.iter().find_map(|library| match library.as_str() {
        "libc.so.6" => Some(LibcFamily::Glibc),
        "libc.so" => Some(LibcFamily::Musl),
        other => other.starts_with("libc.musl-").then_some(LibcFamily::Musl),
    })
}

fn of_module(
    facts: &Facts,
    environment: &EnvironmentFacts,
    family: LibcFamily,
    module: &ModuleFacts,
) -> Finding {
    let name = owner(module);
    let (severity, is_for, here) = match family {
        // Alpine's gcompat lets some of them through.
        LibcFamily::Musl => (Severity::Warning, "glibc", "musl"),
        LibcFamily::Glibc => (Severity::Error, "musl", "glibc"),
    };
    let finding = Finding::new(
        severity,
        environment.subject(facts),
        format!("{name} is built for {is_for}, and this Python runs on {here}"),
    )
    .seen_at(facts.native(&module.path), format!("linked to {is_for}"))
    .seen(format!("this Python is linked to {here}"))
    .cause(
        "The module comes from a system with the other C library: copied from there, or built in a \
         container of the other kind (manylinux is glibc, musllinux and Alpine are musl)",
    );
    let fix = if environment.python.packages_named(name).next().is_some() {
        Fix::new(Safety::Confirm, format!("install {name} again, for {here}")).run(reinstall(
            facts,
            environment,
            &[name],
        ))
    } else {
        let what = format!("build {} again with this Python", facts.native(&module.path));
        Fix::new(Safety::Manual, format!("build it for {here}")).by_hand(what)
    };
    finding.fix(fix.on(Platform::Linux))
}

/// Whether a plain cargo build would make no module, since the target links the C library
/// statically. maturin passes the flag by itself. Targets of distributions
/// (`x86_64-alpine-linux-musl`) link dynamically as they are.
fn of_target(facts: &Facts) -> Option<Finding> {
    let (target, named_by) = target(facts)?;
    if !target.ends_with("-unknown-linux-musl") || flags_for(facts, &target).contains(FLAG) {
        return None;
    }
    let module = facts.project.crates_using("pyo3").find(|manifest| is_cdylib(manifest))?;
    let uses_maturin = facts
        .project
        .pyproject
        .get()
        .and_then(|project| project.build_backend.as_deref())
        .is_some_and(|backend| backend == "maturin");
    let severity = if uses_maturin { Severity::Info } else { Severity::Warning };
    let path = facts.native(&module.path);
    let file = facts.project.root.join(".cargo/config.toml");
    let change = format!("[target.{target}]\nrustflags = [\"-C\", \"{FLAG}\"]");
    let finding = Finding::new(
        severity,
        subjects::project(facts),
        format!("`cargo build` for {target} makes no extension module of {}", module.name),
    )
    .seen_at(&path, "crate-type = [\"cdylib\"]")
    .seen(format!("target {target}, by {named_by}"))
    .cause(
        "Rust's musl targets link the C library statically, and such a target has no cdylib, which \
         an extension module is",
    );
    let fix = Fix::new(Safety::Manual, "link the C library dynamically")
        .edit(facts.native(&file), change)
        .on(Platform::Linux);
    Some(finding.fix(fix))
}

fn is_cdylib(manifest: &CrateManifest) -> bool {
    manifest.crate_types.iter().any(|kind| kind == "cdylib")
}

/// The target that cargo builds for here, and what says so.
fn target(facts: &Facts) -> Option<(String, String)> {
    if let Some(target) = facts.variable("CARGO_BUILD_TARGET") {
        return Some((target.to_owned(), "CARGO_BUILD_TARGET".to_owned()));
    }
    let configured = facts.project.cargo_configs.iter().find_map(|configuration| {
        Some((configuration.build_target.clone()?, facts.short(&configuration.path)))
    });
    configured.or_else(|| {
        let rustc = facts.toolchain.rustc.get()?;
        Some((rustc.host_triple.clone(), format!("the host of {}", facts.short(&rustc.path))))
    })
}

/// Every flag that cargo may pass for the target. Which of the places wins does not matter here: a
/// flag that is anywhere shows that somebody knows of it.
fn flags_for(facts: &Facts, target: &str) -> String {
    let variable = format!("CARGO_TARGET_{}_RUSTFLAGS", target.to_uppercase().replace('-', "_"));
    let variables = ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS", &variable]
        .into_iter()
        .filter_map(|name| facts.variable(name));
    let configured = facts.project.cargo_configs.iter().flat_map(|configuration| {
        configuration
            .rustflags
            .iter()
            .filter(|(key, _)| *key == target || *key == "build" || key.starts_with("cfg("))
            .map(|(_, flags)| flags.as_str())
    });
    variables.chain(configured).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use host::{HostPath, Seen};
    use pyenvs::Libc;

    use super::*;
    use crate::CargoConfig;
    use crate::testing::{PROJECT, add_module, dependency, healthy, native_module, rustc, venv};

    fn python_on(family: LibcFamily, module_needs: &str) -> Facts {
        let mut facts = healthy();
        let environment = venv(&mut facts);
        environment.python.libc = Seen::Seen(Libc { family, version: Seen::Absent });
        let mut native = native_module("_fast");
        native.needed = vec![module_needs.to_owned()];
        add_module(environment, "fast", "fast._fast", native);
        facts
    }

    pub(super) fn glibc_module_on_musl() -> Facts {
        python_on(LibcFamily::Musl, "libc.so.6")
    }

    pub(super) fn musl_module_on_glibc() -> Facts {
        python_on(LibcFamily::Glibc, "libc.musl-x86_64.so.1")
    }

    pub(super) fn glibc_everywhere() -> Facts {
        python_on(LibcFamily::Glibc, "libc.so.6")
    }

    pub(super) fn musl_everywhere() -> Facts {
        python_on(LibcFamily::Musl, "libc.musl-x86_64.so.1")
    }

    const MUSL: &str = "x86_64-unknown-linux-musl";

    pub(super) fn static_target() -> Facts {
        let mut facts = project();
        facts.toolchain.rustc = Seen::Seen(rustc("1.95.0", MUSL));
        facts
    }

    pub(super) fn target_in_configuration() -> Facts {
        let mut facts = project();
        facts.project.cargo_configs = vec![CargoConfig {
            path: HostPath::from(format!("{PROJECT}/.cargo/config.toml").as_str()),
            build_target: Some(MUSL.to_owned()),
            ..CargoConfig::default()
        }];
        facts
    }

    pub(super) fn dynamic_by_configuration() -> Facts {
        let mut facts = target_in_configuration();
        let flags = format!("-C {FLAG}");
        facts.project.cargo_configs[0].rustflags.insert(MUSL.to_owned(), flags);
        facts
    }

    pub(super) fn dynamic_by_variable() -> Facts {
        let mut facts = static_target();
        facts.machine.variables.insert("RUSTFLAGS".to_owned(), format!("-C {FLAG}"));
        facts
    }

    pub(super) fn no_extension_module() -> Facts {
        let mut facts = static_target();
        facts.project.crates[0].crate_types = vec!["lib".to_owned()];
        facts
    }

    fn project() -> Facts {
        let mut facts = healthy();
        facts.project.crates = vec![CrateManifest {
            path: HostPath::from(format!("{PROJECT}/Cargo.toml").as_str()),
            name: "example".to_owned(),
            crate_types: vec!["cdylib".to_owned()],
            dependencies: vec![dependency("pyo3", Some("0.25"))],
            ..CrateManifest::default()
        }];
        facts
    }

    #[test]
    fn maturin_sees_to_it_by_itself() {
        let mut facts = static_target();
        let severity = |facts: &Facts| {
            let mut findings = Findings::default();
            run(facts, &mut findings);
            findings.list[0].severity
        };
        assert_eq!(severity(&facts), Severity::Warning);
        if let Seen::Seen(pyproject) = &mut facts.project.pyproject {
            pyproject.build_backend = Some("maturin".to_owned());
        }
        assert_eq!(severity(&facts), Severity::Info);
    }
}
