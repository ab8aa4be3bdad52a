//! FS011: source files are dated in the future.

use host::{HostPath, Os};
use report::{Finding, Fix, Platform, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{Facts, Findings, subjects};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "FS011",
    name: "clock-skew",
    summary: "Source files are dated in the future, so builds go wrong about what is new",
    page: include_str!("../../../pages/FS011.md"),
    run,
    #[cfg(test)]
    cases: Cases { fires: &[tests::one_file, tests::clock_reset], silent: &[tests::none] },
};

/// As many files as the facts hold at most: there may be more.
const MOST: usize = 20;

/// Files shown as evidence.
const SHOWN: usize = 5;

const SECOND: i64 = 1_000_000_000;

/// 1 January 2020: no clock that is set says less.
const LONG_AGO: i64 = 1_577_836_800 * SECOND;

fn run(facts: &Facts, findings: &mut Findings) {
    let late = &facts.source_tree.from_the_future;
    if late.is_empty() {
        return;
    }
    let now = facts.machine.now_ns;
    let count = match late.len() {
        1 => "1 source file is".to_owned(),
        many if many >= MOST => format!("{many} source files or more are"),
        many => format!("{many} source files are"),
    };
    let mut finding = Finding::new(
        Severity::Warning,
        subjects::project(facts),
        format!("{count} dated in the future, so builds take them for changed every time"),
    );
    for (path, modified) in late.iter().take(SHOWN) {
        let ahead = format!("ahead of the clock by {}", duration(modified.saturating_sub(now)));
        finding = finding.seen_at(facts.native(path), ahead);
    }
    let is_reset = now < LONG_AGO;
    finding = finding.cause(if is_reset {
        "This machine's clock was reset to its beginning"
    } else {
        "This machine's clock is behind, as in a virtual machine that slept, or the files come from \
         a machine whose clock is ahead"
    });
    if !is_reset {
        finding = finding.fix(
            Fix::new(Safety::Safe, "date the files to now, if the clock is right")
                .run(touch(facts, late)),
        );
    }
    findings.push(
        finding
            .fix(set_clock(Platform::Linux, &["sudo", "hwclock", "--hctosys"]))
            .fix(set_clock(Platform::Macos, &["sudo", "sntp", "-sS", "time.apple.com"]))
            .fix(set_clock(Platform::Windows, &["w32tm", "/resync"])),
    );
}

/// The command that dates files to now. Where not all are known, it looks for them again.
fn touch(facts: &Facts, late: &[(HostPath, i64)]) -> Vec<String> {
    let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let root = facts.native(&facts.project.root);
    let files = late.iter().map(|(path, _)| facts.native(path));
    match (facts.machine.os, late.len() >= MOST) {
        (Os::Windows, _) => {
            let command = format!(
                "Get-ChildItem -Recurse -File -LiteralPath '{}' | Where-Object LastWriteTime -gt \
                 (Get-Date) | ForEach-Object {{ $_.LastWriteTime = Get-Date }}",
                root.replace('\'', "''")
            );
            words(&["powershell", "-NoProfile", "-Command", &command])
        }
        (Os::Linux | Os::Macos, false) => {
            words(&["touch", "--"]).into_iter().chain(files).collect()
        }
        (Os::Linux | Os::Macos, true) => words(&[
            "find", &root, "-name", ".git", "-prune", "-o", "-type", "f", "-newermt", "now",
            "-exec", "touch", "--", "{}", "+",
        ]),
    }
}

fn set_clock(platform: Platform, argv: &[&str]) -> Fix {
    Fix::new(Safety::Manual, "set the clock, if it is wrong").on(platform).run(argv.iter().copied())
}

fn duration(nanoseconds: i64) -> String {
    let seconds = nanoseconds / SECOND;
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} minutes", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::healthy;

    pub(super) fn one_file() -> Facts {
        let mut facts = healthy();
        let file = facts.project.root.join("src/lib.rs");
        facts.source_tree.from_the_future = vec![(file, facts.machine.now_ns + 7_300 * SECOND)];
        facts
    }

    pub(super) fn clock_reset() -> Facts {
        let mut facts = one_file();
        facts.machine.now_ns = 1_000 * SECOND;
        facts
    }

    pub(super) fn none() -> Facts {
        healthy()
    }

    #[test]
    fn lengths_of_time_read_well() {
        assert_eq!(duration(90 * SECOND), "90 s");
        assert_eq!(duration(7_300 * SECOND), "2 hours");
        assert_eq!(duration(200_000 * SECOND), "2 days");
    }
}
