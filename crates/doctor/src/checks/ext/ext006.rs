//! EXT006: a build script on macOS copies a library over a module that may be loaded.

use host::Os;
use report::{Finding, Fix, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{Facts, Findings, subjects};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "EXT006",
    name: "macos-stale-signature",
    summary: "A build script copies a library over a module, whose remembered signature goes stale",
    page: include_str!("../../../pages/EXT006.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::a_makefile_copies],
        silent: &[tests::not_macos, tests::no_copies],
    },
};

/// Lines that are shown as evidence.
const SHOWN: usize = 5;

fn run(facts: &Facts, findings: &mut Findings) {
    if facts.machine.os != Os::Macos {
        findings.skip("not macOS");
        return;
    }
    let copies = &facts.source_tree.module_copies;
    let Some((file, line, _)) = copies.first() else { return };
    let mut finding = Finding::new(
        Severity::Info,
        subjects::project(facts),
        format!(
            "{}:{line} copies a library over a module; where that is loaded, Python is killed",
            facts.short(file)
        ),
    );
    for (file, line, text) in copies.iter().take(SHOWN) {
        finding = finding.seen_at(format!("{}:{line}", facts.native(file)), text.clone());
    }
    findings.push(
        finding
            .cause(
                "macOS remembers a file's signature by its place on the disk; new bytes in the old \
                 file do not fit it, and a new file has none remembered",
            )
            .fix(Fix::new(Safety::Manual, "put a new file in place of the old one").edit(
                format!("{}:{line}", facts.native(file)),
                "copy to a temporary name, sign it with `codesign -f -s -`, and rename it (`mv -f`)",
            )),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::healthy;

    pub(super) fn a_makefile_copies() -> Facts {
        let mut facts = healthy();
        facts.machine.os = Os::Macos;
        facts.source_tree.module_copies = vec![(
            facts.project.root.join("Makefile"),
            9,
            "cp target/release/libdemo.dylib python/demo/_demo.so".to_owned(),
        )];
        facts
    }

    pub(super) fn not_macos() -> Facts {
        let mut facts = a_makefile_copies();
        facts.machine.os = Os::Linux;
        facts
    }

    pub(super) fn no_copies() -> Facts {
        let mut facts = a_makefile_copies();
        facts.source_tree.module_copies.clear();
        facts
    }
}
