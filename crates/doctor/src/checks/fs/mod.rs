//! FS: file systems, paths, the operating system.

pub(super) mod fs001;
pub(super) mod fs002;
pub(super) mod fs003;
pub(super) mod fs004;
pub(super) mod fs005;
pub(super) mod fs006;
pub(super) mod fs007;
pub(super) mod fs008;
pub(super) mod fs009;
pub(super) mod fs010;
pub(super) mod fs011;
pub(super) mod fs012;
pub(super) mod fs013;
pub(super) mod fs014;
pub(super) mod fs015;
pub(super) mod fs016;
pub(super) mod fs017;

use host::{HostPath, Mount, Os};
use report::{Finding, Fix, Safety, Severity, Subject, SubjectKind};

use crate::{DirectoryFacts, DirectoryRole, EnvironmentFacts, Facts, Findings, Role, cures};

/// Why a check that judges mounts cannot judge on Windows and macOS.
const NO_MOUNTS: &str = "this system does not list its mounts in a file";

/// A directory as the subject of a finding.
fn subject(facts: &Facts, directory: &DirectoryFacts) -> Subject {
    match environment_of(facts, directory) {
        Some(environment) => environment.subject(facts),
        None => Subject::at(
            SubjectKind::Directory,
            format!("{} ({})", directory.role.description(), facts.short(&directory.path)),
            facts.native(&directory.path),
        ),
    }
}

/// For a sentence: `cargo's target directory ~/x/target`.
fn named(facts: &Facts, directory: &DirectoryFacts) -> String {
    format!("{} {}", directory.role.description(), facts.short(&directory.path))
}

/// The names of several directories, for a sentence.
fn names(facts: &Facts, directories: &[&DirectoryFacts]) -> String {
    let names: Vec<String> = directories.iter().map(|one| named(facts, one)).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// Why the directory is where it is, as evidence: `chosen by CARGO_TARGET_DIR`.
fn chosen(directory: &DirectoryFacts) -> String {
    match (directory.chosen_by.as_str(), directory.exists) {
        ("default", true) => format!("the default place of {}", directory.role.description()),
        ("default", false) => {
            format!("the default place of {}, not made yet", directory.role.description())
        }
        (by, true) => format!("{}, chosen by {by}", directory.role.description()),
        (by, false) => {
            format!("{}, chosen by {by}, not made yet", directory.role.description())
        }
    }
}

/// The environment that a directory is.
fn environment_of<'a>(
    facts: &'a Facts,
    directory: &DirectoryFacts,
) -> Option<&'a EnvironmentFacts> {
    if directory.role != DirectoryRole::Environment {
        return None;
    }
    facts.environment(&directory.path)
}

/// Whether the project's tools install into the environment. A finished one that a system or an
/// administrator provides is only used, and may well be read-only.
fn is_installed_into(environment: &EnvironmentFacts) -> bool {
    let is_of_a_person = environment.python.kind.is_virtual() || environment.python.kind.is_conda();
    is_of_a_person
        && environment
            .roles
            .iter()
            .any(|role| matches!(role, Role::Project | Role::Maturin | Role::Declared))
}

/// Whether the project is built by maturin.
fn is_built_by_maturin(facts: &Facts) -> bool {
    facts
        .project
        .pyproject
        .get()
        .and_then(|pyproject| pyproject.build_backend.as_deref())
        .is_some_and(|backend| backend == "maturin" || backend.starts_with("maturin."))
}

/// Whether mounts are known at all; where they are not, says that the check could not judge.
fn knows_mounts(facts: &Facts, findings: &mut Findings) -> bool {
    let known = facts.directories.iter().any(|directory| directory.mount.is_some());
    if !known {
        findings.skip(NO_MOUNTS);
    }
    known
}

/// Directories with what is wrong about them, by the mount they lie on, in the order in which they
/// come: one faulty mount is one finding.
fn by_mount<'a, T>(
    found: impl IntoIterator<Item = (&'a DirectoryFacts, T)>,
) -> Vec<(&'a Mount, Vec<(&'a DirectoryFacts, T)>)> {
    let mut groups: Vec<(&Mount, Vec<(&DirectoryFacts, T)>)> = Vec::new();
    for (directory, what) in found {
        let Some(mount) = &directory.mount else { continue };
        match groups.iter_mut().find(|(known, _)| known.point == mount.point) {
            Some((_, group)) => group.push((directory, what)),
            None => groups.push((mount, vec![(directory, what)])),
        }
    }
    groups
}

/// Directories on one mount: what each suffers from, and how severe that is.
type Suffering<'a> = [(&'a DirectoryFacts, (Severity, &'static str))];

/// A finding about an option of a mount, and the directories that suffer from it: `problem` ("No
/// program can run from") is followed by their names and by what fails in each.
fn of_mount<'a>(
    facts: &Facts,
    mount: &Mount,
    group: &Suffering<'a>,
    problem: &str,
) -> (Finding, Vec<&'a DirectoryFacts>) {
    let directories: Vec<&DirectoryFacts> = group.iter().map(|(one, _)| *one).collect();
    let severity = group.iter().map(|(_, (severity, _))| *severity).max();
    let what: Vec<&str> = group.iter().map(|(_, (_, what))| *what).collect();
    let mut finding = Finding::new(
        severity.unwrap_or(Severity::Warning),
        subject(facts, directories[0]),
        format!("{problem} {}, so {}", names(facts, &directories), what.join(", and ")),
    );
    for directory in &directories {
        finding = finding.seen_at(facts.native(&directory.path), chosen(directory));
    }
    let how = format!("{} mounted {}", mount.file_system, mount.options.join(","));
    (finding.seen_at(facts.native(&mount.point), how), directories)
}

/// A command that needs rights: with `sudo`, unless this user is root already.
fn as_root<const N: usize>(facts: &Facts, argv: [&str; N]) -> Vec<String> {
    let sudo = (facts.machine.user_id != Some(0)).then_some("sudo");
    sudo.into_iter().chain(argv).map(str::to_owned).collect()
}

/// Sets the variables that put these directories elsewhere, on a file system that is `good`.
/// Nothing if one of them is no matter of a variable, or no good place is known.
fn move_away(
    facts: &Facts,
    directories: &[&DirectoryFacts],
    good: impl Fn(&DirectoryFacts) -> bool,
) -> Option<Fix> {
    let mut fix = Fix::new(Safety::Safe, String::new());
    let mut moved = Vec::new();
    for directory in directories {
        let (variables, place) = new_place(facts, directory, &good)?;
        let place = facts.native(&place);
        if directory.role == DirectoryRole::Temporary {
            fix = fix.run(cures::make_directory(facts, &place));
        }
        for variable in variables {
            fix = fix.set(*variable, place.clone());
        }
        moved.push(directory.role.description());
    }
    fix.title = format!("put {} elsewhere", moved.join(" and "));
    (!moved.is_empty()).then_some(fix)
}

/// The variables that choose a directory, and a place for it that is not where it is now.
fn new_place(
    facts: &Facts,
    directory: &DirectoryFacts,
    good: impl Fn(&DirectoryFacts) -> bool,
) -> Option<(&'static [&'static str], HostPath)> {
    let (variables, name): (&'static [&'static str], &str) = match directory.role {
        DirectoryRole::Target => (&["CARGO_TARGET_DIR"], "cargo-target"),
        DirectoryRole::Temporary if facts.machine.os == Os::Windows => (&["TMP", "TEMP"], "tmp"),
        DirectoryRole::Temporary => (&["TMPDIR"], "tmp"),
        DirectoryRole::CargoHome => (&["CARGO_HOME"], "cargo"),
        DirectoryRole::UvCache => (&["UV_CACHE_DIR"], "uv"),
        DirectoryRole::Project | DirectoryRole::Home | DirectoryRole::Environment => return None,
    };
    let is_good = |role: DirectoryRole| facts.directory(role).filter(|place| good(place));
    let project = plain_name(facts);
    // What the project already writes to comes last: its own directory, if that is good.
    let bases = [
        is_good(DirectoryRole::Home).map(|home| home.path.join(".cache")),
        (directory.role != DirectoryRole::Temporary)
            .then(|| is_good(DirectoryRole::Temporary).map(|tmp| tmp.path.clone()))
            .flatten(),
        is_good(DirectoryRole::Project).map(|project| project.path.join(".cache")),
    ];
    let place = bases.into_iter().flatten().map(|base| base.join(name)).map(|place| {
        // Projects do not share a target directory unless they were told to.
        if directory.role == DirectoryRole::Target { place.join(&project) } else { place }
    });
    place.into_iter().find(|place| *place != directory.path).map(|place| (variables, place))
}

/// The project's name, without what paths may not hold everywhere.
fn plain_name(facts: &Facts) -> String {
    let name = facts.project.root.file_name().unwrap_or_default().to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name: String = name.chars().map(|c| if plain(c) { c } else { '-' }).collect();
    // Long names are what some of these cures are for.
    name.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use host::HostPath;

    use super::*;
    use crate::testing::{directory, healthy};

    /// Puts a directory on a mount of its own.
    pub(super) fn mounted(
        mut directory: DirectoryFacts,
        point: &str,
        file_system: &str,
        options: &[&str],
    ) -> DirectoryFacts {
        directory.device = 2;
        directory.mount = Some(Mount {
            point: HostPath::from(point),
            file_system: file_system.to_owned(),
            source: "x".to_owned(),
            options: options.iter().map(|option| (*option).to_owned()).collect(),
        });
        directory
    }

    /// A healthy machine with a Cargo project, whose target directory is changed by `change`.
    pub(super) fn with_target(change: impl FnOnce(DirectoryFacts) -> DirectoryFacts) -> Facts {
        let mut facts = healthy();
        let root = facts.project.root.clone();
        facts.project.workspace_root = Some(root.clone());
        let target = directory(DirectoryRole::Target, &root.join("target").text());
        facts.directories.push(change(target));
        facts
    }

    /// Changes the directory that plays a role.
    pub(super) fn change(
        facts: &mut Facts,
        role: DirectoryRole,
        change: impl FnOnce(DirectoryFacts) -> DirectoryFacts,
    ) {
        let directory = facts
            .directories
            .iter_mut()
            .find(|directory| directory.role == role)
            .expect("the role is played");
        *directory = change(directory.clone());
    }

    /// The project's environment as a directory of the facts.
    pub(super) fn add_environment(facts: &mut Facts) {
        let prefix = crate::testing::venv(facts).python.prefix.text();
        facts.directories.push(directory(DirectoryRole::Environment, &prefix));
    }

    #[test]
    fn a_new_place_is_good_and_another_one() {
        let mut facts = with_target(|target| target);
        let target = facts.directory(DirectoryRole::Target).cloned().unwrap();
        let (variables, place) = new_place(&facts, &target, |_| true).unwrap();
        assert_eq!(variables, ["CARGO_TARGET_DIR"]);
        assert_eq!(place.text(), "/home/dev/.cache/cargo-target/project");
        change(&mut facts, DirectoryRole::Home, |home| mounted(home, "/home", "ext4", &["noexec"]));
        let exec = |place: &DirectoryFacts| {
            !place.mount.as_ref().is_some_and(|mount| mount.has_option("noexec"))
        };
        let (_, place) = new_place(&facts, &target, exec).unwrap();
        assert_eq!(place.text(), "/tmp/cargo-target/project");
    }

    #[test]
    fn an_environment_is_not_moved_by_a_variable() {
        let mut facts = healthy();
        add_environment(&mut facts);
        let environment = facts.directory(DirectoryRole::Environment).unwrap();
        assert!(move_away(&facts, &[environment], |_| true).is_none());
    }
}
