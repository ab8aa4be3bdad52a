//! FS009: too little room, in bytes or in files.

use host::Space;
use report::{Finding, Fix, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{DirectoryFacts, DirectoryRole, Facts, Findings};

use super::{
    by_mount, chosen, environment_of, fs016, is_installed_into, move_away, named, names, subject,
};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "FS009",
    name: "no-space-left",
    summary: "A file system that builds write to is full, in bytes or in files",
    page: include_str!("../../../pages/FS009.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::full, tests::little, tests::no_inodes, tests::temporary],
        silent: &[tests::roomy, tests::uncounted, tests::small_tmpfs, tests::read_only],
    },
};

const MIB: u64 = 1 << 20;

/// What one kind of directory needs. Below `least` something fails, below `usual` it likely does.
struct Need {
    least: Amount,
    usual: Amount,
    /// What the numbers are for, for a reader.
    what: &'static str,
}

/// Room in bytes and files.
struct Amount {
    bytes: u64,
    files: u64,
}

fn need(facts: &Facts, directory: &DirectoryFacts) -> Option<Need> {
    let amount = |bytes: u64, files: u64| Amount { bytes: bytes * MIB, files };
    match directory.role {
        // Measured: the smallest PyO3 extension, built once, leaves 126 MiB and 341 files.
        DirectoryRole::Target if is_first_pyo3_build(facts, directory) => Some(Need {
            least: amount(100, 300),
            usual: amount(512, 2_000),
            what: "the first build of a small PyO3 project writes about 130 MiB in 350 files",
        }),
        DirectoryRole::Target => Some(Need {
            least: amount(8, 50),
            usual: amount(512, 2_000),
            what: "linking one small build script writes 4 MiB",
        }),
        // Measured: `pip install .` of a maturin project fails in 30 MiB and works in 60 MiB.
        DirectoryRole::Temporary => Some(Need {
            least: amount(4, 50),
            usual: amount(60, 500),
            what: "pip makes a build environment of about 50 MiB for a project built by maturin",
        }),
        DirectoryRole::CargoHome | DirectoryRole::UvCache => Some(Need {
            least: amount(4, 50),
            usual: amount(200, 1_000),
            what: "the crates or packages of one project are unpacked there",
        }),
        DirectoryRole::Environment => {
            environment_of(facts, directory).filter(|e| is_installed_into(e))?;
            Some(Need {
                least: amount(4, 50),
                usual: amount(200, 1_000),
                what: "numpy alone unpacks to about 70 MiB",
            })
        }
        DirectoryRole::Project | DirectoryRole::Home => None,
    }
}

fn is_first_pyo3_build(facts: &Facts, target: &DirectoryFacts) -> bool {
    let is_empty = facts.target.as_ref().is_none_or(|target| target.build_scripts.is_empty());
    (!target.exists || is_empty) && facts.project.crates_using("pyo3").next().is_some()
}

fn run(facts: &Facts, findings: &mut Findings) {
    let found = facts.directories.iter().filter_map(|directory| {
        let space = directory.space.get().filter(|_| !fs016::is_read_only(directory))?;
        let need = need(facts, directory)?;
        let severity = judge(space, &need)?;
        Some((directory, (severity, need, *space)))
    });
    for (mount, group) in by_mount(found) {
        let directories: Vec<&DirectoryFacts> = group.iter().map(|(one, _)| *one).collect();
        let Some((worst, (severity, need, space))) =
            group.iter().max_by_key(|(_, (severity, ..))| *severity)
        else {
            continue;
        };
        let point = facts.native(&mount.point);
        let mut finding = Finding::new(
            *severity,
            subject(facts, worst),
            format!("{} for {}", left(space, need), names(facts, &directories)),
        );
        for directory in &directories {
            finding = finding.seen_at(facts.native(&directory.path), chosen(directory));
        }
        finding = finding
            .seen_at(
                &point,
                format!(
                    "{}: {} of {} free, {}",
                    mount.file_system,
                    bytes(space.free_bytes),
                    bytes(space.total_bytes),
                    files(space)
                ),
            )
            .seen(need.what)
            .cause(format!(
                "The file system at {point} is {}",
                if is_short_of_files(space, &need.usual) {
                    "out of inodes: every file takes one, however small it is"
                } else {
                    "full, or made too small"
                }
            ));
        let roomy = |place: &DirectoryFacts| {
            place.mount.as_ref().is_some_and(|there| there.point != mount.point)
                && place.space.get().is_some_and(|space| judge(space, need).is_none())
        };
        if let Some(fix) = move_away(facts, &directories, roomy) {
            finding = finding.fix(fix);
        }
        findings.push(clean(facts, finding, &directories));
    }
}

/// Cures that make room.
fn clean(facts: &Facts, mut finding: Finding, directories: &[&DirectoryFacts]) -> Finding {
    let has = |role: DirectoryRole| directories.iter().find(|d| d.role == role && d.exists);
    if let (Some(target), Some(workspace)) =
        (has(DirectoryRole::Target), &facts.project.workspace_root)
    {
        let manifest = facts.native(&workspace.join("Cargo.toml"));
        let title = format!("delete everything cargo has built in {}", named(facts, target));
        finding = finding.fix(Fix::new(Safety::Confirm, title).run([
            "cargo",
            "clean",
            "--manifest-path",
            manifest.as_str(),
        ]));
    }
    if has(DirectoryRole::UvCache).is_some() {
        finding = finding.fix(
            Fix::new(Safety::Confirm, "delete what uv no longer needs from its cache")
                .run(["uv", "cache", "prune"]),
        );
    }
    finding.fix(
        Fix::new(Safety::Manual, "make room")
            .by_hand("delete what is not needed from this file system, or make it larger"),
    )
}

fn judge(space: &Space, need: &Need) -> Option<Severity> {
    if is_short(space, &need.least) {
        Some(Severity::Error)
    } else if is_short(space, &need.usual) {
        Some(Severity::Warning)
    } else {
        None
    }
}

fn is_short(space: &Space, amount: &Amount) -> bool {
    // Some file systems say that they are 0 bytes large.
    let bytes = space.total_bytes > 0 && space.free_bytes < amount.bytes;
    bytes || is_short_of_files(space, amount)
}

fn is_short_of_files(space: &Space, amount: &Amount) -> bool {
    // btrfs and others make inodes as they are needed, and count none.
    space.total_inodes > 0 && space.free_inodes < amount.files
}

fn left(space: &Space, need: &Need) -> String {
    if is_short_of_files(space, &need.usual) {
        format!("Only {} more files can be made", space.free_inodes)
    } else {
        format!("Only {} are left", bytes(space.free_bytes))
    }
}

fn files(space: &Space) -> String {
    if space.total_inodes == 0 {
        "files not counted".to_owned()
    } else {
        format!("{} of {} files free", space.free_inodes, space.total_inodes)
    }
}

fn bytes(count: u64) -> String {
    if count >= 1 << 30 {
        format!("{} GiB", count >> 30)
    } else if count >= MIB {
        format!("{} MiB", count >> 20)
    } else {
        format!("{} KiB", count >> 10)
    }
}

#[cfg(test)]
mod tests {
    use host::Seen;

    use super::super::tests::{change, mounted, with_target};
    use super::*;
    use crate::testing::healthy;

    fn space(free_mib: u64, free_inodes: u64) -> Seen<Space> {
        Seen::Seen(Space {
            free_bytes: free_mib * MIB,
            total_bytes: 1 << 40,
            free_inodes,
            total_inodes: 10_000_000,
        })
    }

    fn target_with(space: Seen<Space>) -> Facts {
        with_target(|target| {
            let mut target = mounted(target, "/mnt", "ext4", &["rw"]);
            target.space = space;
            target
        })
    }

    pub(super) fn full() -> Facts {
        target_with(space(0, 9_000))
    }

    pub(super) fn little() -> Facts {
        target_with(space(200, 9_000))
    }

    pub(super) fn no_inodes() -> Facts {
        target_with(space(90_000, 3))
    }

    pub(super) fn temporary() -> Facts {
        let mut facts = healthy();
        change(&mut facts, DirectoryRole::Temporary, |mut tmp| {
            tmp.space = space(2, 9_000);
            mounted(tmp, "/tmp", "tmpfs", &["rw"])
        });
        facts
    }

    pub(super) fn roomy() -> Facts {
        target_with(space(5_000, 9_000))
    }

    /// btrfs counts no inodes.
    pub(super) fn uncounted() -> Facts {
        target_with(Seen::Seen(Space {
            free_bytes: 9 << 30,
            total_bytes: 1 << 40,
            free_inodes: 0,
            total_inodes: 0,
        }))
    }

    pub(super) fn small_tmpfs() -> Facts {
        let mut facts = healthy();
        change(&mut facts, DirectoryRole::Temporary, |mut tmp| {
            tmp.space = space(400, 9_000);
            mounted(tmp, "/tmp", "tmpfs", &["rw"])
        });
        facts
    }

    /// A read-only image is always full; FS016 speaks of it.
    pub(super) fn read_only() -> Facts {
        with_target(|target| {
            let mut target = mounted(target, "/mnt", "squashfs", &["ro"]);
            target.space = space(0, 0);
            target
        })
    }

    #[test]
    fn amounts_read_well() {
        assert_eq!(bytes(3 << 30), "3 GiB");
        assert_eq!(bytes(5 * MIB + 1), "5 MiB");
        assert_eq!(bytes(100), "0 KiB");
    }

    #[test]
    fn files_are_named_when_files_are_short() {
        let mut findings = Findings::default();
        run(&no_inodes(), &mut findings);
        assert!(findings.list[0].message.contains("3 more files"), "{:?}", findings.list[0]);
        assert_eq!(findings.list[0].severity, Severity::Error);
    }
}
