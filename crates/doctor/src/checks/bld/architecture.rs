//! The processors that Rust builds for and that Pythons run on.

use host::{Arch, Os};
use report::{Finding, Fix, Safety};

use super::{builds, uses_maturin, uses_pyo3};
use crate::{EnvironmentFacts, Facts, Findings};

/// What Rust builds for, and a Python that the result is for.
pub(super) struct Pair<'a> {
    /// The Python.
    pub(super) environment: &'a EnvironmentFacts,
    /// The processors it runs on.
    pub(super) python: &'a [Arch],
    /// The triple Rust builds for.
    pub(super) triple: &'a str,
    /// Its processor.
    pub(super) rust: Arch,
}

/// Every pair of a build and its Python; skips where there is none to judge.
pub(super) fn pairs<'a>(facts: &'a Facts, findings: &mut Findings) -> Vec<Pair<'a>> {
    if !uses_pyo3(facts) && !uses_maturin(facts) {
        findings.skip("nothing here is built with PyO3 or maturin");
        return Vec::new();
    }
    let Some(triple) = triple(facts) else {
        findings.skip("no rustc, so what it builds for is not known");
        return Vec::new();
    };
    let mut environments: Vec<&EnvironmentFacts> = Vec::new();
    let picked =
        [&facts.picks.maturin, &facts.picks.uv].into_iter().filter(|_| uses_maturin(facts));
    let of_tools = picked.filter_map(|pick| facts.environment(pick.prefix()?));
    for environment in builds::python_of_cargo(facts).into_iter().chain(of_tools) {
        if !environments.iter().any(|known| known.python.prefix == environment.python.prefix) {
            environments.push(environment);
        }
    }
    let mut pairs = Vec::new();
    for environment in environments {
        match environment.python.architectures.get() {
            Some(python) if !python.is_empty() => {
                pairs.push(Pair { environment, python, triple, rust: arch_of(triple) });
            }
            _ => findings.skip(format!(
                "the processor of {} is not known",
                facts.short(&environment.python.prefix)
            )),
        }
    }
    pairs
}

/// The triple that cargo builds for: chosen, or the compiler's own.
fn triple(facts: &Facts) -> Option<&str> {
    facts
        .variable("CARGO_BUILD_TARGET")
        .or_else(|| facts.project.cargo_configs.iter().find_map(|c| c.build_target.as_deref()))
        .or_else(|| facts.toolchain.rustc.get().map(|rustc| rustc.host_triple.as_str()))
}

/// `x86_64` of `x86_64-unknown-linux-gnu`, by the name that Pythons' files have.
fn arch_of(triple: &str) -> Arch {
    let name = triple.split('-').next().unwrap_or_default();
    match name {
        "i586" | "i686" => Arch::I686,
        "arm64e" | "arm64ec" => Arch::Aarch64,
        _ if name.starts_with("armv7") => Arch::from("armv7"),
        _ if name.starts_with("riscv64") => Arch::from("riscv64"),
        _ => Arch::from(name),
    }
}

impl Pair<'_> {
    /// The triple of the same system for the Python's processor.
    pub(super) fn triple_for_python(&self) -> Option<String> {
        let arch = self.python.first()?;
        let (_, rest) = self.triple.split_once('-')?;
        Some(format!("{}-{rest}", arch.name()))
    }

    /// What the finding rests on.
    pub(super) fn show(&self, finding: Finding, facts: &Facts) -> Finding {
        let names: Vec<&str> = self.python.iter().map(Arch::name).collect();
        let interpreter = self.environment.interpreter(facts).unwrap_or_default();
        finding
            .seen(format!("Rust builds for {}", self.triple))
            .seen_at(interpreter, format!("a program for {}", names.join(" and ")))
    }
}

/// Adds a target and builds for it.
pub(super) fn build_for(facts: &Facts, triple: &str) -> Fix {
    let fix = Fix::new(Safety::Confirm, format!("build for {triple}, as the Python is"));
    let fix = match facts.toolchain.rustup {
        Some(_) => fix.run(["rustup", "target", "add", triple]),
        None => fix.by_hand(format!("install the standard library of Rust for {triple}")),
    };
    let fix = fix.set("CARGO_BUILD_TARGET", triple);
    match facts.machine.os {
        Os::Linux => fix.by_hand(format!("install a linker and a C library for {triple}")),
        Os::Macos | Os::Windows => fix,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triples_name_processors() {
        for (triple, arch) in [
            ("x86_64-unknown-linux-gnu", Arch::X86_64),
            ("i586-unknown-linux-gnu", Arch::I686),
            ("aarch64-apple-darwin", Arch::Aarch64),
            ("riscv64gc-unknown-linux-gnu", Arch::from("riscv64")),
            ("armv7-unknown-linux-gnueabihf", Arch::from("armv7")),
        ] {
            assert_eq!(arch_of(triple), arch);
        }
    }
}
