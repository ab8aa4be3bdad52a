//! FS012: characters in a path that a tool of the build does not take.

use host::{HostPath, Os, Seen};
use report::{Finding, Fix, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{DirectoryFacts, DirectoryRole, EnvironmentFacts, Facts, Findings, subjects};

use super::{chosen, move_away, named, subject};
use crate::checks::first_lines;

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "FS012",
    name: "path-characters",
    summary: "A path has characters that cargo, a linker, a script or conda does not take",
    page: include_str!("../../../pages/FS012.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[
            #[cfg(unix)]
            tests::no_text,
            #[cfg(unix)]
            tests::no_text_in_the_target,
            tests::colon,
            tests::percent,
            tests::brackets,
            tests::script_behind_a_space,
            tests::configure_and_a_space,
            tests::accent_and_conda,
            tests::environment_with_a_colon,
        ],
        silent: &[
            tests::space,
            tests::accents,
            tests::percent_and_another_linker,
            tests::percent_and_an_old_compiler,
            tests::wrapped_script,
            tests::windows_drive,
        ],
    },
};

/// Crates whose build scripts refuse a path with a space. Measured with tikv-jemalloc-sys 0.7;
/// both run jemalloc's `configure`.
const REFUSING_SPACES: &[&str] = &["jemalloc-sys", "tikv-jemalloc-sys"];

/// Scripts shown as evidence.
const SHOWN: usize = 5;

fn run(facts: &Facts, findings: &mut Findings) {
    if let Some(root) = facts.project.workspace_root.as_ref().filter(|root| root.to_str().is_none())
    {
        findings.push(sources_without_text(facts, root));
    } else if let Some(target) = facts.directory(DirectoryRole::Target) {
        judge_target(facts, target, findings);
        judge_spaces(facts, target, findings);
    }
    judge_brackets(facts, findings);
    for environment in facts.judged() {
        judge_scripts(facts, environment, findings);
        judge_prefix(facts, environment, findings);
    }
}

/// rustc writes the path of its sources into what it compiles, and needs it to be text: it helps
/// nothing to build elsewhere.
fn sources_without_text(facts: &Facts, root: &HostPath) -> Finding {
    Finding::new(
        Severity::Error,
        subjects::project(facts),
        "The project's path has bytes that are no text, and rustc cannot work with it",
    )
    .seen_at(facts.native(root), "not UTF-8")
    .cause("rustc needs the paths of its sources and its output to be UTF-8")
    .fix(rename(facts))
}

/// What every build in this target directory stumbles over.
fn judge_target(facts: &Facts, target: &DirectoryFacts, findings: &mut Findings) {
    let text = facts.native(&target.path);
    let is_unix = facts.machine.os != Os::Windows;
    let (character, fails, cause) = if target.path.to_str().is_none() {
        ("bytes that are no text", "rustc refuses it", "rustc takes only arguments that are UTF-8")
    } else if is_unix && text.contains(':') {
        (
            "a colon",
            "cargo refuses it",
            "cargo puts directories of the target directory into LD_LIBRARY_PATH, in which a colon \
             separates one from the next",
        )
    } else if text.contains('%') && links_with_lld(facts) {
        (
            "a percent sign",
            "the linker writes to another place than it was told",
            "LLVM's linker, which rustc uses here, takes each percent sign for a digit to be chosen \
             at random",
        )
    } else {
        return;
    };
    let mut finding = Finding::new(
        Severity::Error,
        subject(facts, target),
        format!("{} has {character} in its path, so {fails}", named(facts, target)),
    )
    .seen_at(&text, chosen(target))
    .cause(cause);
    let is_plain = |place: &DirectoryFacts| {
        place.path.to_str().is_some_and(|path| {
            // The colon of a drive is none.
            let path = if is_unix { path } else { path.get(2..).unwrap_or_default() };
            !path.contains([':', '%'])
        })
    };
    if let Some(fix) = move_away(facts, &[target], is_plain) {
        finding = finding.fix(fix);
    }
    findings.push(finding.fix(rename(facts)));
}

/// rustc brings LLVM's linker and uses it, unless told otherwise, on this one target since 1.90.
fn links_with_lld(facts: &Facts) -> bool {
    let Some(rustc) = facts.toolchain.rustc.get() else { return false };
    let is_since = semver::Version::parse(&rustc.release)
        .is_ok_and(|release| (release.major, release.minor) >= (1, 90));
    let flags = facts
        .project
        .cargo_configs
        .iter()
        .flat_map(|configuration| configuration.rustflags.values())
        .map(String::as_str)
        .chain(facts.variable("RUSTFLAGS"));
    let is_chosen =
        flags.into_iter().any(|flags| flags.contains("lld") || flags.contains("linker"));
    is_since
        && !is_chosen
        && rustc.host_triple == "x86_64-unknown-linux-gnu"
        && facts.toolchain.linker.configured.is_none()
}

fn rename(facts: &Facts) -> Fix {
    Fix::new(Safety::Manual, "give the directory another name").by_hand(format!(
        "rename the directories on the way to {}: letters, digits, `-`, `_` and `.` work everywhere",
        facts.native(&facts.project.root)
    ))
}

fn judge_spaces(facts: &Facts, target: &DirectoryFacts, findings: &mut Findings) {
    let text = facts.native(&target.path);
    let refusing: Vec<&str> = REFUSING_SPACES
        .iter()
        .copied()
        .filter(|name| !facts.project.locked(name).is_empty())
        .collect();
    let Some(name) = refusing.first().filter(|_| text.contains(' ')) else { return };
    let mut finding = Finding::new(
        Severity::Warning,
        subject(facts, target),
        format!(
            "{} has a space in its path, and {name} cannot be built there",
            named(facts, target)
        ),
    )
    .seen_at(&text, chosen(target));
    if let Some(lock) = facts.project.lock.get() {
        finding = finding.seen_at(facts.native(&lock.path), format!("{name} is a dependency"));
    }
    finding = finding.cause("Its build script runs jemalloc's `configure`, which refuses spaces");
    let has_none = |place: &DirectoryFacts| !place.path.to_string_lossy().contains(' ');
    if let Some(fix) = move_away(facts, &[target], has_none) {
        finding = finding.fix(fix);
    }
    findings.push(finding.fix(rename(facts)));
}

/// cargo takes the workspace's whole path for a part of the pattern in `members`.
fn judge_brackets(facts: &Facts, findings: &mut Findings) {
    let Some(root) = &facts.project.workspace_root else { return };
    let text = facts.native(root);
    let is_pattern = text.find('[').is_some_and(|open| text[open..].contains(']'));
    let has_members =
        facts.project.crates.iter().any(|manifest| manifest.path.parent() != Some(root.as_path()));
    if !is_pattern || !has_members {
        return;
    }
    let manifest = facts.native(&root.join("Cargo.toml"));
    findings.push(
        Finding::new(
            Severity::Warning,
            subjects::project(facts),
            "The workspace has brackets in its path, so cargo does not find members listed by a \
             pattern",
        )
        .seen_at(text, "the workspace's directory")
        .cause("cargo reads the path and the pattern as one, and brackets stand for one character")
        .fix(rename(facts))
        .fix(Fix::new(Safety::Manual, "list the members by name").edit(
            manifest,
            "in `[workspace]`, replace the patterns in `members` by the members' directories",
        )),
    );
}

/// Scripts whose first line has a space where the kernel ends the interpreter's path.
fn judge_scripts(facts: &Facts, environment: &EnvironmentFacts, findings: &mut Findings) {
    let prefix = facts.native(&environment.python.prefix);
    if facts.machine.os == Os::Windows || !prefix.contains(' ') {
        return;
    }
    let broken: Vec<_> = environment
        .python
        .scripts
        .iter()
        .filter(|script| {
            script
                .shebang
                .as_deref()
                .is_some_and(|line| line.trim_start_matches("#!").trim_start().starts_with(&prefix))
        })
        .collect();
    let Some(first) = broken.first() else { return };
    let has_none = |fresh: &HostPath| !fresh.text().contains(' ');
    let count = match broken.len() {
        1 => format!("{} does not start", facts.short(&first.path)),
        many => format!("{many} scripts do not start"),
    };
    let mut finding = Finding::new(
        Severity::Error,
        environment.subject(facts),
        format!("{count}: the environment has a space in its path"),
    );
    for script in broken.iter().take(SHOWN) {
        finding =
            finding.seen_at(facts.native(&script.path), script.shebang.clone().unwrap_or_default());
    }
    findings.push(
        finding
            .cause(
                "In the first line of a script the system takes what stands before the space for \
                 the interpreter. pip and uv write another form for commands that they make \
                 themselves; pip leaves scripts that a wheel brings as they are",
            )
            .fix(first_lines::make_anew_near_home(facts, environment, has_none).unwrap_or_else(
                || {
                    Fix::new(Safety::Manual, "use a place without a space")
                        .by_hand(format!("make {prefix} again in a directory without a space"))
                },
            )),
    );
}

/// Prefixes that a tool cannot name.
fn judge_prefix(facts: &Facts, environment: &EnvironmentFacts, findings: &mut Findings) {
    let prefix = facts.native(&environment.python.prefix);
    let kind = environment.python.kind;
    let (message, cause) = if facts.machine.os == Os::Windows
        && kind.is_conda()
        && !prefix.is_ascii()
    {
        (
            "conda may not find this environment: its path has letters beyond ASCII",
            "conda passes paths through programs that use the console's code page, which mangles \
             other letters",
        )
    } else if facts.machine.os != Os::Windows && kind.is_virtual() && prefix.contains(':') {
        (
            "Activating this environment has no effect: its path has a colon",
            "A colon separates the entries of PATH, so no entry can have one",
        )
    } else {
        return;
    };
    let name = match &environment.python.version {
        Seen::Seen(version) => format!("python={version}"),
        Seen::Absent | Seen::Broken(_) => "python".to_owned(),
    };
    let fix =
        if kind.is_conda() {
            Fix::new(Safety::Manual, "make the environment at a plain path, and use that one")
                .run(["conda", "create", "--yes", "-p", "C:\\envs\\project", &name])
        } else {
            rename(facts)
        };
    findings.push(
        Finding::new(Severity::Warning, environment.subject(facts), message)
            .seen_at(&prefix, "the environment")
            .cause(cause)
            .fix(fix),
    );
}

#[cfg(test)]
mod tests {
    use pyenvs::{EnvironmentKind, Script};

    use super::super::tests::with_target;
    use super::*;
    use crate::testing::{healthy, venv, venv_facts};
    use crate::{CargoLock, CrateManifest, LockedPackage};

    fn target_at(path: &str) -> Facts {
        with_target(|mut target| {
            target.path = HostPath::from(path);
            target
        })
    }

    #[cfg(unix)]
    fn latin1() -> HostPath {
        use std::os::unix::ffi::OsStrExt as _;
        HostPath::from(std::path::Path::new(std::ffi::OsStr::from_bytes(b"/home/dev/caf\xe9")))
    }

    #[cfg(unix)]
    pub(super) fn no_text() -> Facts {
        let mut facts = healthy();
        facts.project.workspace_root = Some(latin1());
        facts
    }

    #[cfg(unix)]
    pub(super) fn no_text_in_the_target() -> Facts {
        with_target(|mut target| {
            target.path = latin1();
            target
        })
    }

    pub(super) fn colon() -> Facts {
        target_at("/home/dev/12:30/target")
    }

    pub(super) fn percent() -> Facts {
        target_at("/home/dev/My%20Project/target")
    }

    pub(super) fn space() -> Facts {
        target_at("/home/dev/My Project/target")
    }

    pub(super) fn accents() -> Facts {
        target_at("/home/dev/Prüfung/プロジェクト/target")
    }

    pub(super) fn percent_and_another_linker() -> Facts {
        let mut facts = percent();
        facts.machine.variables.insert("RUSTFLAGS".to_owned(), "-Clinker-features=-lld".to_owned());
        facts
    }

    pub(super) fn percent_and_an_old_compiler() -> Facts {
        let mut facts = percent();
        facts.toolchain.rustc =
            Seen::Seen(crate::testing::rustc("1.89.0", "x86_64-unknown-linux-gnu"));
        facts
    }

    pub(super) fn windows_drive() -> Facts {
        let mut facts = target_at("C:/Users/dev/project/target");
        facts.machine.os = Os::Windows;
        facts
    }

    pub(super) fn brackets() -> Facts {
        let mut facts = healthy();
        let root = HostPath::from("/home/dev/a[1]");
        facts.project.crates = vec![CrateManifest {
            path: root.join("crates/demo/Cargo.toml"),
            name: "demo".to_owned(),
            ..CrateManifest::default()
        }];
        facts.project.workspace_root = Some(root);
        facts
    }

    fn with_script(first_line: &str) -> Facts {
        let mut facts = healthy();
        let mut environment = venv_facts("/home/dev/My Project/.venv", "3.11.7");
        environment.python.scripts = vec![Script {
            path: environment.python.prefix.join("bin/jp.py"),
            shebang: Some(first_line.to_owned()),
            shebang_length: first_line.len(),
        }];
        *venv(&mut facts) = environment;
        facts
    }

    pub(super) fn script_behind_a_space() -> Facts {
        with_script("#!/home/dev/My Project/.venv/bin/python")
    }

    pub(super) fn wrapped_script() -> Facts {
        with_script("#!/bin/sh")
    }

    pub(super) fn configure_and_a_space() -> Facts {
        let mut facts = space();
        facts.project.lock = Seen::Seen(CargoLock {
            version: 4,
            path: HostPath::from("/home/dev/My Project/Cargo.lock"),
            packages: vec![LockedPackage {
                name: "tikv-jemalloc-sys".to_owned(),
                version: "0.7.1".to_owned(),
                source: None,
                dependencies: Vec::new(),
            }],
        });
        facts
    }

    pub(super) fn accent_and_conda() -> Facts {
        let mut facts = healthy();
        facts.machine.os = Os::Windows;
        let environment = venv(&mut facts);
        environment.python.kind = EnvironmentKind::Conda;
        environment.python.prefix = HostPath::from("C:/Users/René/.conda/envs/x");
        facts
    }

    pub(super) fn environment_with_a_colon() -> Facts {
        let mut facts = healthy();
        *venv(&mut facts) = venv_facts("/home/dev/12:30/.venv", "3.11.7");
        facts
    }
}
