//! BLD004: Rust builds for 64 bits and the Python has 32, or the other way round.

use report::{Finding, Fix, Safety, Severity};

use super::architecture::{self, Pair};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "BLD004",
    name: "pointer-width-differs",
    summary: "Rust builds for 64 bits and the Python has 32, or the other way round",
    page: include_str!("../../../pages/BLD004.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::python_of_32_bits, tests::rust_of_32_bits],
        silent: &[tests::same, tests::target_chosen, tests::unknown],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    for pair in architecture::pairs(facts, findings) {
        let widths = pair.python.iter().map(host::Arch::pointer_bits).collect::<Option<Vec<_>>>();
        let (Some(rust), Some(python)) = (pair.rust.pointer_bits(), widths) else {
            findings.skip("the width of an architecture is not known");
            continue;
        };
        if python.contains(&rust) {
            continue;
        }
        let bits = python.first().copied().unwrap_or_default();
        findings.push(
            pair.show(
                Finding::new(
                    Severity::Error,
                    pair.environment.subject(facts),
                    format!("Rust builds for {rust} bits and this Python has {bits}"),
                ),
                facts,
            )
            .cause("The Python and the Rust toolchain are made for different processors")
            .fix(match_rust(facts, &pair))
            .fix(other_python(rust)),
        );
    }
}

/// Adds the target that fits the Python, and builds for it.
fn match_rust(facts: &Facts, pair: &Pair<'_>) -> Fix {
    match pair.triple_for_python() {
        Some(triple) => architecture::build_for(facts, &triple),
        None => other_python(pair.rust.pointer_bits().unwrap_or(64)),
    }
}

fn other_python(bits: u32) -> Fix {
    Fix::new(Safety::Manual, format!("use a Python of {bits} bits")).by_hand(format!(
        "install a Python of {bits} bits and recreate the environment with it (python.org offers \
         both; `py --list` shows which are here)"
    ))
}

#[cfg(test)]
mod tests {
    use host::{Arch, Os, Seen};

    use super::*;
    use crate::checks::bld::testing::extension_project;
    use crate::testing::{rustc, venv};

    fn windows(triple: &str, python: Arch) -> Facts {
        let mut facts = extension_project("0.26.0", &[]);
        facts.machine.os = Os::Windows;
        facts.toolchain.rustc = Seen::Seen(rustc("1.95.0", triple));
        venv(&mut facts).python.architectures = Seen::Seen(vec![python]);
        facts
    }

    pub(super) fn python_of_32_bits() -> Facts {
        windows("x86_64-pc-windows-msvc", Arch::I686)
    }

    pub(super) fn rust_of_32_bits() -> Facts {
        windows("i686-pc-windows-msvc", Arch::X86_64)
    }

    pub(super) fn same() -> Facts {
        windows("x86_64-pc-windows-msvc", Arch::X86_64)
    }

    pub(super) fn target_chosen() -> Facts {
        let mut facts = python_of_32_bits();
        let target = "i686-pc-windows-msvc".to_owned();
        facts.machine.variables.insert("CARGO_BUILD_TARGET".to_owned(), target);
        facts
    }

    pub(super) fn unknown() -> Facts {
        let mut facts = python_of_32_bits();
        venv(&mut facts).python.architectures = Seen::Broken("truncated".to_owned());
        facts
    }
}
