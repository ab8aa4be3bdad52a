//! BLD009: there is no linker, so no Rust program can be built.

use host::{Os, Seen};
use report::{Finding, Fix, Platform, Safety, Severity};

use super::{as_root, has_rust, toolchain};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "BLD009",
    name: "no-linker",
    summary: "No linker was found, so nothing written in Rust can be built",
    page: include_str!("../../../pages/BLD009.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[
            tests::no_cc,
            tests::configured_and_missing,
            tests::no_visual_studio,
            tests::macos_after_an_upgrade,
        ],
        silent: &[
            tests::cc_is_there,
            tests::configured_and_found,
            tests::no_rust_here,
            tests::linker_in_rustflags,
            tests::gnu_windows,
            tests::macos_with_tools,
        ],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    if !has_rust(facts) {
        findings.skip("there is no Cargo.toml here");
        return;
    }
    let linker = &facts.toolchain.linker;
    if let Some((name, place)) = &linker.configured {
        if linker.configured_found.is_none() {
            findings.push(
                Finding::new(
                    Severity::Error,
                    toolchain(facts),
                    format!("the linker `{name}` that {place} asks for is not there"),
                )
                .seen_at(place, format!("linker = {name}"))
                .cause("The linker was removed, or the setting is for another machine")
                .fix(
                    Fix::new(Safety::Manual, "install that linker, or take the setting out")
                        .by_hand(format!("install `{name}`, or remove the setting in {place}")),
                ),
            );
        }
        return;
    }
    if names_linker_in_flags(facts) {
        findings.skip("RUSTFLAGS name a linker of their own");
        return;
    }
    match facts.machine.os {
        Os::Linux if linker.cc.is_empty() => findings.push(no_cc(facts)),
        Os::Macos => {
            if !linker.developer_directory_exists {
                findings.push(no_developer_tools(facts));
            }
        }
        Os::Windows => windows(facts, findings),
        Os::Linux => {}
    }
}

fn names_linker_in_flags(facts: &Facts) -> bool {
    let variables = facts.machine.variables.iter();
    let flags = variables.filter(|(name, _)| name.ends_with("RUSTFLAGS")).map(|(_, value)| value);
    let configured = facts.project.cargo_configs.iter().flat_map(|c| c.rustflags.values());
    flags.chain(configured).any(|flags| flags.contains("linker="))
}

fn no_cc(facts: &Facts) -> Finding {
    let path = facts.variable("PATH").unwrap_or_default();
    Finding::new(
        Severity::Error,
        toolchain(facts),
        "there is no linker: `cc` is not on PATH, and rustc links with it",
    )
    .seen(format!("no `cc` on PATH ({path})"))
    .cause("No C toolchain is installed; Rust uses its linker and its C library's start files")
    .fix(
        Fix::new(Safety::Confirm, "install a C toolchain (Debian, Ubuntu)")
            .on(Platform::Linux)
            .run(as_root(facts, &["apt-get", "install", "--yes", "build-essential"])),
    )
    .fix(
        Fix::new(Safety::Confirm, "install a C toolchain (Fedora, Red Hat)")
            .on(Platform::Linux)
            .run(as_root(facts, &["dnf", "install", "--assumeyes", "gcc"])),
    )
    .fix(
        Fix::new(Safety::Confirm, "install a C toolchain (Alpine)")
            .on(Platform::Linux)
            .run(as_root(facts, &["apk", "add", "build-base"])),
    )
}

fn no_developer_tools(facts: &Facts) -> Finding {
    let finding = Finding::new(
        Severity::Error,
        toolchain(facts),
        "there is no linker: Apple's command line tools are not where xcode-select points",
    );
    let finding = match &facts.toolchain.linker.developer_directory {
        Some(directory) => finding.seen_at(facts.native(directory), "does not exist"),
        None => finding.seen("no developer directory is selected"),
    };
    finding
        .cause("The command line tools were never installed, or an upgrade of macOS removed them")
        .fix(
            Fix::new(Safety::Confirm, "install the command line tools")
                .on(Platform::Macos)
                .run(["xcode-select", "--install"]),
        )
        .fix(
            Fix::new(Safety::Confirm, "select the tools that are installed")
                .on(Platform::Macos)
                .run(["sudo", "xcode-select", "--reset"]),
        )
}

fn windows(facts: &Facts, findings: &mut Findings) {
    let triple = match &facts.toolchain.rustc {
        Seen::Seen(rustc) => rustc.host_triple.as_str(),
        Seen::Absent | Seen::Broken(_) => {
            findings.skip("no rustc, so which linker it would take is not known");
            return;
        }
    };
    if !triple.ends_with("-msvc") {
        findings.skip("the gnu toolchain of Windows brings a linker");
        return;
    }
    if facts.toolchain.linker.msvc_link.is_some() {
        return;
    }
    findings.push(
        Finding::new(
            Severity::Error,
            toolchain(facts),
            "there is no linker: link.exe of the Visual C++ build tools was not found",
        )
        .seen("no link.exe below Microsoft Visual Studio, and none on PATH")
        .cause("Rust's msvc toolchain links with Visual C++, which is installed apart from Rust")
        .fix(
            Fix::new(Safety::Confirm, "install the Visual C++ build tools")
                .on(Platform::Windows)
                .run([
                    "winget",
                    "install",
                    "--id",
                    "Microsoft.VisualStudio.2022.BuildTools",
                    "--override",
                    "--passive --wait --add Microsoft.VisualStudio.Workload.VCTools --includeRecommended",
                ]),
        ),
    );
}

#[cfg(test)]
mod tests {
    use host::HostPath;

    use super::*;
    use crate::checks::bld::testing::extension_project;
    use crate::testing::rustc;

    fn facts() -> Facts {
        extension_project("0.26.0", &[])
    }

    pub(super) fn no_cc() -> Facts {
        let mut facts = facts();
        facts.toolchain.linker.cc.clear();
        facts
    }

    pub(super) fn configured_and_missing() -> Facts {
        let mut facts = facts();
        facts.toolchain.linker.configured =
            Some(("clang".to_owned(), "/home/dev/.cargo/config.toml".to_owned()));
        facts
    }

    pub(super) fn configured_and_found() -> Facts {
        let mut facts = configured_and_missing();
        facts.toolchain.linker.configured_found = Some(HostPath::from("/usr/bin/clang"));
        facts.toolchain.linker.cc.clear();
        facts
    }

    fn on_windows(triple: &str) -> Facts {
        let mut facts = no_cc();
        facts.machine.os = Os::Windows;
        facts.toolchain.rustc = Seen::Seen(rustc("1.95.0", triple));
        facts
    }

    pub(super) fn no_visual_studio() -> Facts {
        on_windows("x86_64-pc-windows-msvc")
    }

    pub(super) fn gnu_windows() -> Facts {
        on_windows("x86_64-pc-windows-gnu")
    }

    pub(super) fn macos_after_an_upgrade() -> Facts {
        let mut facts = facts();
        facts.machine.os = Os::Macos;
        facts.toolchain.linker.developer_directory =
            Some(HostPath::from("/Library/Developer/CommandLineTools"));
        facts
    }

    pub(super) fn macos_with_tools() -> Facts {
        let mut facts = macos_after_an_upgrade();
        facts.toolchain.linker.developer_directory_exists = true;
        facts
    }

    pub(super) fn cc_is_there() -> Facts {
        facts()
    }

    pub(super) fn no_rust_here() -> Facts {
        let mut facts = no_cc();
        facts.project.workspace_root = None;
        facts.project.crates.clear();
        facts
    }

    pub(super) fn linker_in_rustflags() -> Facts {
        let mut facts = no_cc();
        facts.machine.variables.insert("RUSTFLAGS".to_owned(), "-Clinker=clang".to_owned());
        facts
    }
}
