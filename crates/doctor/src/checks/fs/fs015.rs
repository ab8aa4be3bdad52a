//! FS015: the build cache is damaged, or was made elsewhere.

use host::{Arch, HostPath, Os, Seen};
use report::{Finding, Fix, Safety, Severity, Subject};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{BuildScript, DirectoryRole, Facts, Findings, TargetFacts, cures};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "FS015",
    name: "damaged-build-cache",
    summary: "Build scripts in cargo's target directory are damaged, or were made elsewhere",
    page: include_str!("../../../pages/FS015.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[
            tests::empty,
            tests::truncated,
            tests::not_executable,
            tests::other_architecture,
            tests::moved,
        ],
        silent: &[
            tests::whole,
            tests::shared_by_two,
            tests::windows_has_no_modes,
            tests::moved_without_c,
        ],
    },
};

/// Crates by which others run build tools that write down where they were run.
const NAMING_PLACES: &[&str] = &["autotools", "cmake", "meson-next"];

/// Build scripts shown as evidence.
const SHOWN: usize = 5;

fn run(facts: &Facts, findings: &mut Findings) {
    let Some(target) = &facts.target else {
        findings.skip("nothing was built here yet");
        return;
    };
    if !damaged(facts, target, findings) && !foreign(facts, target, findings) {
        moved(facts, target, findings);
    }
}

fn subject(facts: &Facts, target: &TargetFacts) -> Subject {
    match facts.directory(DirectoryRole::Target) {
        Some(directory) => super::subject(facts, directory),
        None => Subject::at(
            report::SubjectKind::Directory,
            facts.short(&target.path),
            facts.native(&target.path),
        ),
    }
}

/// Why a build script cannot run.
fn damage(facts: &Facts, script: &BuildScript) -> Option<String> {
    if let Some(reason) = script.architectures.reason() {
        return Some(reason.to_owned());
    }
    let has_modes = facts.machine.os != Os::Windows;
    (has_modes && script.mode & 0o111 == 0)
        .then(|| format!("its permissions ({:o}) forbid running it", script.mode & 0o777))
}

fn damaged(facts: &Facts, target: &TargetFacts, findings: &mut Findings) -> bool {
    let found: Vec<(&BuildScript, String)> = target
        .build_scripts
        .iter()
        .filter_map(|script| Some((script, damage(facts, script)?)))
        .collect();
    let Some((first, _)) = found.first() else { return false };
    let count = match found.len() {
        1 => "A compiled build script is".to_owned(),
        many => format!("{many} compiled build scripts are"),
    };
    let mut finding = Finding::new(
        Severity::Error,
        subject(facts, target),
        format!("{count} damaged, so builds that run them fail or go wrong without a word"),
    );
    for (script, damage) in found.iter().take(SHOWN) {
        finding = finding.seen_at(facts.native(&script.path), damage.clone());
    }
    finding = finding.cause(if first.len == 0 || first.architectures.reason().is_some() {
        "The file was not written to its end: the disk was full, the machine stopped, or a copy \
         was broken off. cargo looks at names and times only, and takes it for whole"
    } else {
        "The directory was copied by something that does not keep permissions: an archive, the \
         artifacts of a CI service, a FAT disk"
    });
    // cargo compiles anew what is not there.
    let units: Vec<HostPath> =
        found.iter().filter_map(|(script, _)| script.path.parent().map(HostPath::from)).collect();
    let units: Vec<&HostPath> = units.iter().collect();
    findings.push(
        finding
            .fix(
                Fix::new(Safety::Confirm, "delete the damaged build scripts, to be compiled again")
                    .remove(cures::paths(facts, &units)),
            )
            .fix(clean(facts, target)),
    );
    true
}

/// Everything here was compiled for another architecture than the compiler's.
fn foreign(facts: &Facts, target: &TargetFacts, findings: &mut Findings) -> bool {
    let Some(rustc) = facts.toolchain.rustc.get() else { return false };
    let host = rustc.host_triple.split('-').next().unwrap_or_default();
    let host = Arch::from(host).name().to_owned();
    let mut others: Vec<&str> = Vec::new();
    for script in &target.build_scripts {
        let Seen::Seen(architectures) = &script.architectures else { return false };
        if architectures.contains(&host) {
            return false;
        }
        others.extend(architectures.iter().map(String::as_str));
    }
    let Some(other) = others.first() else { return false };
    let first = &target.build_scripts[0];
    findings.push(
        Finding::new(
            Severity::Info,
            subject(facts, target),
            format!(
                "Everything in {} was compiled on {other}, so the first build here starts anew",
                facts.short(&target.path)
            ),
        )
        .seen_at(facts.native(&first.path), format!("compiled for {other}"))
        .seen(format!("rustc here compiles on {host}"))
        .cause("The directory was copied from, or is shared with, another machine or container")
        .fix(clean(facts, target)),
    );
    true
}

fn moved(facts: &Facts, target: &TargetFacts, findings: &mut Findings) {
    let Some(made_at) = &target.made_at else { return };
    // Everything else that cargo and rustc write takes a move well.
    let Some(tool) = NAMING_PLACES.iter().find(|name| !facts.project.locked(name).is_empty())
    else {
        return;
    };
    findings.push(
        Finding::new(
            Severity::Info,
            subject(facts, target),
            format!("{} was made at another place", facts.short(&target.path)),
        )
        .seen_at(facts.native(&target.path), format!("made as {}", facts.native(made_at)))
        .seen(format!("Cargo.lock has {tool}, by which crates build C and C++ code"))
        .cause(
            "The directory was copied or moved. cargo uses it again, but what CMake and other tools \
             for C and C++ wrote into it names the old place",
        )
        .fix(clean(facts, target)),
    );
}

fn clean(facts: &Facts, target: &TargetFacts) -> Fix {
    let directory = facts.native(&target.path);
    let mut argv = vec!["cargo".to_owned(), "clean".to_owned()];
    if let Some(workspace) = &facts.project.workspace_root {
        argv.extend(["--manifest-path".to_owned(), facts.native(&workspace.join("Cargo.toml"))]);
    }
    argv.extend(["--target-dir".to_owned(), directory]);
    Fix::new(Safety::Confirm, "delete the build cache, to be built again").run(argv)
}

#[cfg(test)]
mod tests {
    use super::super::tests::with_target;
    use super::*;
    use crate::{CargoLock, LockedPackage};

    fn script(name: &str, mode: u32, architectures: Seen<Vec<String>>) -> BuildScript {
        let path = format!("/home/dev/project/target/debug/build/{name}/build-script-build");
        BuildScript { path: HostPath::from(path.as_str()), len: 4096, mode, architectures }
    }

    fn built_for(architecture: &str) -> Seen<Vec<String>> {
        Seen::Seen(vec![architecture.to_owned()])
    }

    fn with(build_scripts: Vec<BuildScript>) -> Facts {
        let mut facts = with_target(|target| target);
        let path = facts.project.root.join("target");
        facts.target = Some(TargetFacts { path, build_scripts, ..TargetFacts::default() });
        facts
    }

    pub(super) fn empty() -> Facts {
        let reason = Seen::Broken("the file is empty".to_owned());
        let mut facts = with(vec![
            script("libc-1", 0o755, built_for("x86_64")),
            script("serde-1", 0o755, reason),
        ]);
        facts.target.as_mut().unwrap().build_scripts[1].len = 0;
        facts
    }

    pub(super) fn truncated() -> Facts {
        with(vec![script("libc-1", 0o755, Seen::Broken("the file ends after 9 bytes".to_owned()))])
    }

    pub(super) fn not_executable() -> Facts {
        with(vec![script("libc-1", 0o644, built_for("x86_64"))])
    }

    pub(super) fn other_architecture() -> Facts {
        with(vec![script("libc-1", 0o755, built_for("aarch64"))])
    }

    pub(super) fn moved_without_c() -> Facts {
        let mut facts = whole();
        facts.target.as_mut().unwrap().made_at = Some(HostPath::from("/builds/x/target"));
        facts
    }

    pub(super) fn moved() -> Facts {
        let mut facts = moved_without_c();
        facts.project.lock = Seen::Seen(CargoLock {
            path: facts.project.root.join("Cargo.lock"),
            version: 4,
            packages: vec![LockedPackage {
                name: "cmake".to_owned(),
                version: "0.1.54".to_owned(),
                source: None,
                dependencies: Vec::new(),
            }],
        });
        facts
    }

    pub(super) fn whole() -> Facts {
        with(vec![script("libc-1", 0o755, built_for("x86_64"))])
    }

    /// Two machines that share a directory keep their build scripts apart by name.
    pub(super) fn shared_by_two() -> Facts {
        with(vec![
            script("libc-1", 0o755, built_for("aarch64")),
            script("libc-2", 0o755, built_for("x86_64")),
        ])
    }

    pub(super) fn windows_has_no_modes() -> Facts {
        let mut facts = with(vec![script("libc-1", 0, built_for("x86_64"))]);
        facts.machine.os = Os::Windows;
        facts
    }
}
