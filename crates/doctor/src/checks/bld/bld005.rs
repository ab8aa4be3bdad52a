//! BLD005: Rust builds for another processor than the Python runs on, at the same width: Rosetta,
//! universal Pythons, x86-64 emulation on ARM.

use report::{Finding, Fix, Platform, Safety, Severity};

use super::architecture;
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "BLD005",
    name: "processor-differs",
    summary: "Rust builds for another processor than the Python runs on",
    page: include_str!("../../../pages/BLD005.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::rust_under_rosetta, tests::python_under_rosetta, tests::windows_on_arm],
        silent: &[tests::native, tests::universal_python, tests::target_chosen, tests::other_width],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    for pair in architecture::pairs(facts, findings) {
        let same_width =
            pair.python.iter().any(|arch| arch.pointer_bits() == pair.rust.pointer_bits());
        if pair.python.contains(&pair.rust) || !same_width {
            continue;
        }
        let names: Vec<&str> = pair.python.iter().map(host::Arch::name).collect();
        let mut finding = pair
            .show(
                Finding::new(
                    Severity::Error,
                    pair.environment.subject(facts),
                    format!(
                        "Rust builds for {} and this Python runs on {}",
                        pair.rust.name(),
                        names.join(" and ")
                    ),
                ),
                facts,
            )
            .cause(
                "One of the two was installed under emulation (Rosetta, or x86-64 on ARM), so the \
                 extension module would be for a processor that the Python is not",
            );
        if let Some(triple) = pair.triple_for_python() {
            let native = pair.python.contains(&facts.machine.arch);
            if native {
                let channel = format!("stable-{triple}");
                finding = finding.fix(
                    Fix::new(Safety::Confirm, "make the native toolchain the default")
                        .on(Platform::Macos)
                        .run(["rustup", "toolchain", "install", "--force-non-host", &channel])
                        .run(["rustup", "default", &channel]),
                );
            }
            finding = finding.fix(architecture::build_for(facts, &triple));
        }
        finding = finding.fix(
            Fix::new(Safety::Manual, format!("use a Python for {}", pair.rust.name())).by_hand(
                "recreate the environment with a Python of the same processor as Rust (`file` on \
                 the interpreter, `rustc -vV` and `uname -m` say which)",
            ),
        );
        findings.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use host::{Arch, Os, Seen};

    use super::*;
    use crate::checks::bld::testing::extension_project;
    use crate::testing::{rustc, venv};

    fn machine(os: Os, triple: &str, python: &[Arch]) -> Facts {
        let mut facts = extension_project("0.26.0", &[]);
        facts.machine.os = os;
        facts.machine.arch = Arch::Aarch64;
        facts.toolchain.rustc = Seen::Seen(rustc("1.95.0", triple));
        venv(&mut facts).python.architectures = Seen::Seen(python.to_vec());
        facts
    }

    pub(super) fn rust_under_rosetta() -> Facts {
        machine(Os::Macos, "x86_64-apple-darwin", &[Arch::Aarch64])
    }

    pub(super) fn python_under_rosetta() -> Facts {
        machine(Os::Macos, "aarch64-apple-darwin", &[Arch::X86_64])
    }

    pub(super) fn windows_on_arm() -> Facts {
        machine(Os::Windows, "aarch64-pc-windows-msvc", &[Arch::X86_64])
    }

    pub(super) fn native() -> Facts {
        machine(Os::Macos, "aarch64-apple-darwin", &[Arch::Aarch64])
    }

    pub(super) fn universal_python() -> Facts {
        machine(Os::Macos, "x86_64-apple-darwin", &[Arch::X86_64, Arch::Aarch64])
    }

    pub(super) fn target_chosen() -> Facts {
        let mut facts = python_under_rosetta();
        facts.project.cargo_configs.push(crate::CargoConfig {
            build_target: Some("x86_64-apple-darwin".to_owned()),
            ..crate::CargoConfig::default()
        });
        facts
    }

    pub(super) fn other_width() -> Facts {
        machine(Os::Windows, "x86_64-pc-windows-msvc", &[Arch::I686])
    }
}
