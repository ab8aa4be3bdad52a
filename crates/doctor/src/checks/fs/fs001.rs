//! FS001: paths that builds and installations will make here are longer than the system allows.

use std::collections::BTreeSet;

use host::{HostPath, Os, Seen};
use report::{Finding, Fix, Platform, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{DirectoryFacts, DirectoryRole, EnvironmentFacts, Facts, Findings, cures, subjects};

use super::{is_built_by_maturin, move_away, named, subject};
use crate::checks::first_lines;

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "FS001",
    name: "path-too-long",
    summary: "Paths that builds will make from here are longer than the system allows",
    page: include_str!("../../../pages/FS001.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[
            tests::deep_on_windows,
            tests::deep_on_linux,
            tests::long_crate_name,
            tests::encrypted_home,
            tests::long_shebang,
            tests::old_kernel,
            tests::present_on_windows,
            tests::pip_on_windows,
        ],
        silent: &[
            tests::short_on_windows,
            tests::long_paths_allowed,
            tests::deep_but_fitting,
            tests::shebang_that_fits,
        ],
    },
};

/// The last character of a path under Windows' 260 is the closing NUL.
const WINDOWS_PATH: usize = 259;

/// Crates with build scripts that PyO3 projects usually bring along. Their names are what counts
/// before anything is built.
const BUILD_SCRIPT_CRATES: &[&str] = &[
    "crossbeam-utils",
    "libc",
    "num-traits",
    "proc-macro2",
    "pyo3",
    "pyo3-build-config",
    "pyo3-ffi",
    "pyo3-macros-backend",
    "rayon-core",
    "rustversion",
    "serde",
    "serde_core",
    "serde_json",
    "target-lexicon",
    "thiserror",
    "zerocopy",
];

fn run(facts: &Facts, findings: &mut Findings) {
    let Some(limit) = path_limit(facts, findings) else { return };
    if let Some(target) = facts.directory(DirectoryRole::Target) {
        judge_target(facts, target, limit, findings);
        judge_names(facts, target, findings);
    }
    if facts.machine.os == Os::Windows {
        judge_pip(facts, limit, findings);
        judge_present(facts, limit, findings);
    }
    if let Some(limit) = first_lines::longest(facts) {
        for environment in facts.judged() {
            judge_shebang(facts, environment, limit, findings);
        }
    }
}

/// Longest path that programs may use, without the closing NUL.
fn path_limit(facts: &Facts, findings: &mut Findings) -> Option<usize> {
    match (facts.machine.os, &facts.machine.long_paths) {
        (Os::Linux, _) => Some(4095),
        (Os::Macos, _) => Some(1023),
        (Os::Windows, Seen::Seen(false)) => Some(WINDOWS_PATH),
        (Os::Windows, Seen::Seen(true)) => None,
        (Os::Windows, Seen::Absent | Seen::Broken(_)) => {
            findings.skip("whether Windows allows long paths could not be read");
            None
        }
    }
}

/// Length as the system counts: UTF-16 units on Windows, bytes elsewhere.
fn length(facts: &Facts, text: &str) -> usize {
    match facts.machine.os {
        Os::Windows => text.encode_utf16().count(),
        Os::Linux | Os::Macos => text.len(),
    }
}

/// The longest path that cargo and rustc make below a target directory, as it will look. The
/// hashes are always as long as these.
fn longest_below_target(facts: &Facts) -> String {
    let hash = "0".repeat(16);
    let script = format!("build_script_build-{hash}.build_script_build.{hash}-cgu.00.rcgu.o");
    let of_script = longest(&build_script_crates(facts))
        .map(|name| format!("release/build/{name}-{hash}/{script}"));
    let triple = build_target(facts).map(|triple| format!("{triple}/")).unwrap_or_default();
    let of_library = longest(&crate_names(facts)).map(|name| {
        let name = name.replace('-', "_");
        let mut file = format!("{name}-{hash}.{name}.{hash}-cgu.00.rcgu.o");
        // rustc shortens the names of objects to what every file system takes.
        file.truncate(143);
        format!("{triple}release/deps/{file}")
    });
    of_script.into_iter().chain(of_library).max_by_key(String::len).unwrap_or_default()
}

fn longest(names: &BTreeSet<String>) -> Option<&String> {
    names.iter().max_by_key(|name| name.len())
}

/// Crates whose build scripts are or will be compiled here.
fn build_script_crates(facts: &Facts) -> BTreeSet<String> {
    let compiled = facts.target.iter().flat_map(|target| &target.build_scripts).filter_map(|one| {
        let unit = one.path.parent()?.file_name()?.to_str()?;
        Some(unit.rsplit_once('-')?.0.to_owned())
    });
    let own = facts.project.crates.iter().filter(|manifest| {
        let of_crate = |script: &HostPath| script.parent() == manifest.path.parent();
        facts.source_tree.build_scripts.iter().any(of_crate)
    });
    let mut names: BTreeSet<String> =
        compiled.chain(own.map(|manifest| manifest.name.clone())).collect();
    let locked = facts.project.lock.get().into_iter().flat_map(|lock| &lock.packages);
    names.extend(
        locked
            .map(|package| package.name.clone())
            .filter(|name| BUILD_SCRIPT_CRATES.contains(&name.as_str())),
    );
    if names.is_empty() && facts.project.crates_using("pyo3").next().is_some() {
        names.insert("pyo3-build-config".to_owned());
    }
    names
}

fn crate_names(facts: &Facts) -> BTreeSet<String> {
    let locked = facts.project.lock.get().into_iter().flat_map(|lock| &lock.packages);
    let own = facts.project.crates.iter().map(|manifest| manifest.name.clone());
    own.chain(locked.map(|package| package.name.clone())).collect()
}

/// The triple that cargo is told to build for, which adds a directory.
fn build_target(facts: &Facts) -> Option<String> {
    facts.variable("CARGO_BUILD_TARGET").map(str::to_owned).or_else(|| {
        facts
            .project
            .cargo_configs
            .iter()
            .find_map(|configuration| configuration.build_target.clone())
    })
}

fn judge_target(facts: &Facts, target: &DirectoryFacts, limit: usize, findings: &mut Findings) {
    let base = facts.native(&target.path);
    let below = longest_below_target(facts);
    if below.is_empty() {
        return;
    }
    let whole = length(facts, &base) + 1 + length(facts, &below);
    if whole <= limit {
        return;
    }
    let mut finding = Finding::new(
        Severity::Error,
        subject(facts, target),
        format!(
            "{} is too deep: cargo will need paths of {whole} characters, and {limit} are allowed",
            named(facts, target)
        ),
    )
    .seen_at(&base, format!("{} characters", length(facts, &base)))
    .seen(format!("{} more for {below}", length(facts, &below) + 1))
    .cause(match facts.machine.os {
        Os::Windows => {
            "LongPathsEnabled is off, so linkers and C compilers see at most 259 characters, and \
             cargo's own names take more than a third of them"
        }
        Os::Linux | Os::Macos => {
            "The system bounds the length of a path, and the place of the project takes nearly all \
             of it"
        }
    });
    if facts.machine.os == Os::Windows {
        finding = finding.fix(short_target(facts)).fix(long_paths());
    } else if let Some(fix) =
        move_away(facts, &[target], |place| place.path.as_os_str().len() < 500)
    {
        finding = finding.fix(fix);
    }
    findings.push(
        finding.fix(
            Fix::new(Safety::Manual, "move the project")
                .by_hand("move the project to a directory with a shorter path"),
        ),
    );
}

/// A target directory directly below the drive.
fn short_target(facts: &Facts) -> Fix {
    let root = facts.native(&facts.project.root);
    let drive = root.get(..2).filter(|drive| drive.ends_with(':')).unwrap_or("C:");
    Fix::new(Safety::Safe, "let cargo build in a short directory")
        .on(Platform::Windows)
        .set("CARGO_TARGET_DIR", format!("{drive}\\t"))
}

fn long_paths() -> Fix {
    Fix::new(Safety::Manual, "allow long paths (as administrator, then restart)")
        .on(Platform::Windows)
        .run([
            "reg",
            "add",
            r"HKLM\SYSTEM\CurrentControlSet\Control\FileSystem",
            "/v",
            "LongPathsEnabled",
            "/t",
            "REG_DWORD",
            "/d",
            "1",
            "/f",
        ])
        .run(["git", "config", "--global", "core.longpaths", "true"])
}

/// One name in a path has its own bound.
fn judge_names(facts: &Facts, target: &DirectoryFacts, findings: &mut Findings) {
    let is_encrypted = target.mount.as_ref().is_some_and(|mount| mount.file_system == "ecryptfs");
    let limit = if is_encrypted { 143 } else { 255 };
    let names = crate_names(facts);
    let Some(name) = longest(&names) else { return };
    let file = format!("lib{}-{}.rmeta", name.replace('-', "_"), "0".repeat(16));
    if file.len() <= limit {
        return;
    }
    let rename = Fix::new(Safety::Manual, "give the crate a shorter name").by_hand(format!(
        "in the Cargo.toml of `{name}`, shorten `package.name` by {} characters or more",
        file.len() - limit
    ));
    let mut finding = Finding::new(
        Severity::Error,
        subject(facts, target),
        format!(
            "A crate's name makes file names of {} characters; {limit} are allowed",
            file.len()
        ),
    )
    .seen(format!("cargo will write {file}"))
    .seen_at(
        facts.native(&target.path),
        if is_encrypted { "on eCryptfs" } else { "target directory" },
    )
    .cause(if is_encrypted {
        "eCryptfs encrypts names too, and has room for 143 characters"
    } else {
        "No common file system takes a name of more than 255 bytes"
    });
    let is_plain = |place: &DirectoryFacts| {
        place.mount.as_ref().is_some_and(|mount| mount.file_system != "ecryptfs")
    };
    if is_encrypted && let Some(fix) = move_away(facts, &[target], is_plain) {
        finding = finding.fix(fix);
    }
    findings.push(finding.fix(rename));
}

/// pip unpacks a source distribution below the temporary directory and builds it there.
fn judge_pip(facts: &Facts, limit: usize, findings: &mut Findings) {
    let Some(temporary) = facts.directory(DirectoryRole::Temporary) else { return };
    let name = facts.project.pyproject.get().and_then(|pyproject| pyproject.name.clone());
    let Some(name) = name.filter(|_| is_built_by_maturin(facts)) else { return };
    let base = facts.native(&temporary.path);
    let unpacked = format!("\\pip-install-{}\\{name}_{}", "0".repeat(8), "0".repeat(32));
    let below = longest_below_target(facts);
    let whole = length(facts, &base)
        + length(facts, &unpacked)
        + "\\target\\".len()
        + length(facts, &below);
    if below.is_empty() || whole <= limit {
        return;
    }
    findings.push(
        Finding::new(
            Severity::Info,
            subject(facts, temporary),
            format!(
                "pip cannot build {name} from its source distribution here: it will need paths of \
                 {whole} characters, and {limit} are allowed"
            ),
        )
        .seen_at(&base, format!("{} characters", length(facts, &base)))
        .seen(format!("{} more for {unpacked}", length(facts, &unpacked)))
        .seen(format!("{} more for \\target\\{below}", length(facts, &below) + 8))
        .cause("LongPathsEnabled is off, and pip builds in a deep directory of its own")
        .fix(
            Fix::new(Safety::Safe, "let temporary files lie in a short directory")
                .on(Platform::Windows)
                .run(cures::make_directory(facts, "C:\\t"))
                .set("TMP", "C:\\t")
                .set("TEMP", "C:\\t"),
        )
        .fix(long_paths()),
    );
}

/// Paths that are there already.
fn judge_present(facts: &Facts, limit: usize, findings: &mut Findings) {
    let known =
        [&facts.source_tree.longest, &facts.target.as_ref().and_then(|t| t.longest.clone())]
            .into_iter()
            .flatten()
            .max_by_key(|path| length(facts, &facts.native(path)))
            .cloned();
    let Some(path) = known else { return };
    let text = facts.native(&path);
    let whole = length(facts, &text);
    if whole <= limit {
        return;
    }
    findings.push(
        Finding::new(
            Severity::Warning,
            subjects::project(facts),
            format!(
                "There are paths of {whole} characters, and most programs open at most {limit}"
            ),
        )
        .seen_at(text, format!("{whole} characters"))
        .cause("LongPathsEnabled is off; a program that asks for long paths itself made this one")
        .fix(long_paths())
        .fix(
            Fix::new(Safety::Manual, "move the project")
                .by_hand("move the project to a directory with a shorter path"),
        ),
    );
}

fn judge_shebang(
    facts: &Facts,
    environment: &EnvironmentFacts,
    limit: usize,
    findings: &mut Findings,
) {
    let kind = environment.python.kind;
    let Some(interpreter) = environment.interpreter(facts) else { return };
    let line = "#!".len() + interpreter.len();
    if line <= limit || !(kind.is_virtual() || kind.is_conda()) {
        return;
    }
    let fits = |fresh: &HostPath| fresh.text().len() + "#!/bin/python3".len() <= limit;
    findings.push(
        Finding::new(
            Severity::Warning,
            environment.subject(facts),
            format!(
                "Scripts that pip copies into {} will not start: their first line has {line} \
                 characters, and the system reads {limit}",
                facts.short(&environment.python.prefix)
            ),
        )
        .seen_at(&interpreter, format!("{} characters", interpreter.len()))
        .seen(kernel(facts))
        .cause(
            "The first line of a script names the interpreter. pip and uv write a longer form for \
             commands that they make themselves, and pip leaves scripts that a wheel brings as \
             they are",
        )
        .fix(first_lines::make_anew_near_home(facts, environment, fits).unwrap_or_else(
            || {
                Fix::new(Safety::Manual, "use a shorter place").by_hand(format!(
                    "make {} again in a directory with a shorter path",
                    facts.native(&environment.python.prefix)
                ))
            },
        )),
    );
}

fn kernel(facts: &Facts) -> String {
    match facts.machine.kernel.get() {
        Some(kernel) => format!("kernel {kernel}"),
        None => facts.machine.os.name().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use host::Seen;

    use super::super::tests::{change, mounted, with_target};
    use super::*;
    use crate::testing::{dependency, healthy, venv, venv_facts};
    use crate::{CargoLock, CrateManifest, LockedPackage};

    /// A machine whose project uses PyO3 and lies at `root`.
    fn project_at(root: &str, os: Os) -> Facts {
        let mut facts = with_target(|mut target| {
            target.path = HostPath::from(root).join("target");
            target
        });
        facts.machine.os = os;
        facts.machine.long_paths = if os == Os::Windows { Seen::Seen(false) } else { Seen::Absent };
        facts.project.root = HostPath::from(root);
        facts.project.crates = vec![CrateManifest {
            name: "example".to_owned(),
            dependencies: vec![dependency("pyo3", None)],
            ..CrateManifest::default()
        }];
        facts.environments.clear();
        facts
    }

    fn deep(length: usize, os: Os) -> Facts {
        let start = if os == Os::Windows { "C:/" } else { "/" };
        project_at(&format!("{start}{}", "d".repeat(length - start.len())), os)
    }

    pub(super) fn deep_on_windows() -> Facts {
        deep(130, Os::Windows)
    }

    pub(super) fn short_on_windows() -> Facts {
        deep(60, Os::Windows)
    }

    pub(super) fn long_paths_allowed() -> Facts {
        let mut facts = deep_on_windows();
        facts.machine.long_paths = Seen::Seen(true);
        facts
    }

    pub(super) fn deep_on_linux() -> Facts {
        deep(3_990, Os::Linux)
    }

    pub(super) fn deep_but_fitting() -> Facts {
        deep(3_900, Os::Linux)
    }

    pub(super) fn long_crate_name() -> Facts {
        let mut facts = project_at("/p", Os::Linux);
        facts.project.crates[0].name = "n".repeat(231);
        facts
    }

    pub(super) fn encrypted_home() -> Facts {
        let mut facts = project_at("/home/dev/p", Os::Linux);
        facts.project.crates[0].name = "n".repeat(120);
        change(&mut facts, DirectoryRole::Target, |target| {
            mounted(target, "/home/dev", "ecryptfs", &["rw"])
        });
        facts
    }

    fn environment_at(length: usize, kernel: &str) -> Facts {
        let mut facts = healthy();
        facts.machine.kernel = Seen::Seen(kernel.to_owned());
        let rest = "/bin/python".len() + "#!".len();
        let prefix = format!("/{}", "v".repeat(length - rest - 1));
        *venv(&mut facts) = venv_facts(&prefix, "3.11.7");
        facts
    }

    pub(super) fn long_shebang() -> Facts {
        environment_at(256, "6.1.0-18-amd64")
    }

    pub(super) fn old_kernel() -> Facts {
        environment_at(128, "4.18.0-553.el8.x86_64")
    }

    pub(super) fn shebang_that_fits() -> Facts {
        environment_at(255, "5.15.167.4-microsoft-standard-WSL2")
    }

    pub(super) fn present_on_windows() -> Facts {
        let mut facts = short_on_windows();
        let deep = facts.project.root.join("x".repeat(250));
        facts.source_tree.longest = Some(deep);
        facts
    }

    pub(super) fn pip_on_windows() -> Facts {
        let mut facts = short_on_windows();
        let temporary = "C:/Users/dev/AppData/Local/Temp";
        change(&mut facts, DirectoryRole::Temporary, |mut directory| {
            directory.path = HostPath::from(temporary);
            directory
        });
        if let Seen::Seen(pyproject) = &mut facts.project.pyproject {
            pyproject.name = Some("a-rather-long-name-of-a-project-here".to_owned());
            pyproject.build_backend = Some("maturin".to_owned());
        }
        facts
    }

    #[test]
    fn the_prediction_agrees_with_what_was_measured() {
        // `release/build/pyo3-macros-backend-.../...-cgu.0.rcgu.o` had 135 characters.
        let mut facts = project_at("/p", Os::Linux);
        facts.project.lock = Seen::Seen(CargoLock {
            version: 4,
            path: HostPath::from("/p/Cargo.lock"),
            packages: ["pyo3", "pyo3-macros-backend", "unindent"]
                .into_iter()
                .map(|name| LockedPackage {
                    name: name.to_owned(),
                    version: "0.26.0".to_owned(),
                    source: None,
                    dependencies: Vec::new(),
                })
                .collect(),
        });
        // Code generation units past the tenth have one digit more.
        assert_eq!(longest_below_target(&facts).len(), 136);
    }

    #[test]
    fn what_is_compiled_tells_the_names_of_build_scripts() {
        let mut facts = project_at("/p", Os::Linux);
        facts.target = Some(crate::TargetFacts {
            build_scripts: vec![crate::BuildScript {
                path: HostPath::from(
                    "/p/target/debug/build/a-long-crate-name-0123/build-script-build",
                ),
                len: 1,
                mode: 0o755,
                architectures: Seen::Absent,
            }],
            ..crate::TargetFacts::default()
        });
        assert!(build_script_crates(&facts).contains("a-long-crate-name"));
    }

    #[test]
    fn a_cure_on_windows_is_short() {
        let mut findings = Findings::default();
        run(&deep_on_windows(), &mut findings);
        let step = &findings.list[0].fixes[0].steps[0];
        let expected = report::Step::SetVariable {
            name: "CARGO_TARGET_DIR".to_owned(),
            value: "C:\\t".to_owned(),
        };
        assert_eq!(*step, expected);
    }
}
