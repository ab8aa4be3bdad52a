//! Under which circumstances a build runs, and how each of them is kept out of its result.
//!
//! A build always sees the same paths, user, clock zone and variables. A second one that is to prove
//! that nothing depends on them sees others, and both tell the compilers to write the usual paths into
//! what they make. Registry, mirror and vendored crates so give the same bits.

use std::collections::BTreeMap;
use std::path::Path;

/// Where the crates of a build seem to be, whatever was mounted where.
const CRATES_SEEN: &str = "/cargo/src";
const SOURCES_SEEN: &str = "/build";
const TARGET_SEEN: &str = "/target";
const HOME_SEEN: &str = "/cargo/home";

/// Where the programs for a build are: they leave nothing in it.
pub(super) const TOOLS: &str = "/tools";
/// Where the toolchain is.
pub(super) use crate::image::TOOLCHAIN_TARGET as TOOLCHAIN;
/// Where a Python of this machine is, if one is used.
pub(super) const PYTHON: &str = "/python";
/// Where the bill of materials is.
pub(super) const INPUTS: &str = "/inputs";
/// Where the result goes.
pub(super) const OUTPUT: &str = "/out";

/// One circumstance that must not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Axis {
    /// Where the sources are.
    SourceDirectory,
    /// Where the crates are.
    CrateDirectory,
    /// Where cargo keeps what it makes.
    TargetDirectory,
    /// `CARGO_HOME` and `HOME`.
    CargoHome,
    /// The number of the user.
    User,
    /// The mask for the modes of new files.
    Umask,
    /// The name of the machine.
    HostName,
    /// The time zone.
    TimeZone,
    /// The language.
    Locale,
    /// How many compilers run at once.
    Jobs,
    /// What the clean room is made with.
    Engine,
    /// When it is built; the second build cannot help being later.
    Clock,
}

impl Axis {
    /// Those that a second build changes, cheap suspicion first.
    pub const ALL: [Axis; 12] = [
        Axis::SourceDirectory,
        Axis::CrateDirectory,
        Axis::TargetDirectory,
        Axis::CargoHome,
        Axis::User,
        Axis::Umask,
        Axis::HostName,
        Axis::TimeZone,
        Axis::Locale,
        Axis::Jobs,
        Axis::Engine,
        Axis::Clock,
    ];

    /// What mostly makes a build depend on it, and what to do about that.
    #[must_use]
    pub fn cure(self) -> &'static str {
        match self {
            Axis::SourceDirectory => {
                "the project asks where it is, such as by CARGO_MANIFEST_DIR or an absolute path for \
                 a C compiler: use paths that count from the crate"
            }
            Axis::CrateDirectory => {
                "a crate asks where it is: look which one has the differing text, and report it there"
            }
            Axis::TargetDirectory => {
                "a build script puts its output directory into the code: include what it writes, \
                 not where it wrote it"
            }
            Axis::CargoHome => "something asks for HOME or CARGO_HOME: give it a fixed value",
            Axis::User => "something asks who runs it: leave the user's number and name out",
            Axis::Umask => "a file's mode is taken over: set modes instead of inheriting them",
            Axis::HostName => "something asks for the machine's name: leave it out",
            Axis::TimeZone => "a time is written in local time: write it in UTC",
            Axis::Locale => "something sorts or prints by the locale: set LC_ALL=C for it",
            Axis::Jobs => {
                "what is done at once ends in another order: sort it, or look for a macro that \
                 counts or caches"
            }
            Axis::Engine => "something asks what kind of machine it is on: leave that out",
            Axis::Clock => {
                "something writes the time of the build, or what differs by chance as a hash map's \
                 order: take the time from SOURCE_DATE_EPOCH, which a build here sets, and sort \
                 what has no order"
            }
        }
    }

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Axis::SourceDirectory => "directory of the sources",
            Axis::CrateDirectory => "directory of the crates",
            Axis::TargetDirectory => "target directory",
            Axis::CargoHome => "CARGO_HOME",
            Axis::User => "user",
            Axis::Umask => "umask",
            Axis::HostName => "host name",
            Axis::TimeZone => "time zone",
            Axis::Locale => "locale",
            Axis::Jobs => "number of jobs",
            Axis::Engine => "engine",
            Axis::Clock => "time of the build",
        }
    }
}

/// The circumstances of one build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conditions {
    /// Where the sources are mounted.
    pub sources: String,
    /// Where the crates are mounted.
    pub crates: String,
    /// Where cargo keeps what it makes.
    pub target: String,
    /// `CARGO_HOME`; `HOME` is beside it.
    pub cargo_home: String,
    /// User and group.
    pub user: u32,
    /// Permission bits that new files do not have.
    pub umask: u32,
    /// The name of the machine.
    pub host_name: String,
    /// `TZ`.
    pub time_zone: String,
    /// `LC_ALL`.
    pub locale: String,
    /// Compilers at once; as many as there are processors if `None`.
    pub jobs: Option<usize>,
    /// Whether another engine is used than that of the first build.
    pub other_engine: bool,
}

impl Default for Conditions {
    /// Those of every build whose result is kept.
    fn default() -> Self {
        Conditions {
            sources: SOURCES_SEEN.to_owned(),
            crates: "/crates".to_owned(),
            target: TARGET_SEEN.to_owned(),
            cargo_home: "/tmp/cargo".to_owned(),
            user: 1000,
            umask: 0o022,
            host_name: "build".to_owned(),
            time_zone: "UTC".to_owned(),
            locale: "C.UTF-8".to_owned(),
            jobs: None,
            other_engine: false,
        }
    }
}

impl Conditions {
    /// Others on some axes.
    #[must_use]
    pub fn perturbed(axes: &[Axis]) -> Conditions {
        let mut other = Conditions::default();
        for axis in axes {
            match axis {
                Axis::SourceDirectory => other.sources = "/elsewhere".to_owned(),
                Axis::CrateDirectory => other.crates = "/other-crates".to_owned(),
                Axis::TargetDirectory => other.target = "/other-target".to_owned(),
                Axis::CargoHome => other.cargo_home = "/tmp/elsewhere/home".to_owned(),
                Axis::User => other.user = 4321,
                Axis::Umask => other.umask = 0o077,
                Axis::HostName => other.host_name = "elsewhere".to_owned(),
                Axis::TimeZone => other.time_zone = "Pacific/Kiritimati".to_owned(),
                Axis::Locale => other.locale = "C".to_owned(),
                Axis::Jobs => other.jobs = Some(host::processors() + 1),
                Axis::Engine => other.other_engine = true,
                Axis::Clock => {}
            }
        }
        other
    }

    /// Where things are for the commands of a build: `inside` says how a command writes a place that
    /// was asked for.
    #[must_use]
    pub fn paths(&self, inside: &dyn Fn(&str) -> String) -> Paths {
        Paths {
            sources: inside(&self.sources),
            crates: inside(&self.crates),
            target: inside(&self.target),
            cargo_home: inside(&self.cargo_home),
            tools: inside(TOOLS),
            toolchain: inside(TOOLCHAIN),
            inputs: inside(INPUTS),
            output: inside(OUTPUT),
            temporary: inside("/tmp"),
            really: Vec::new(),
        }
    }

    /// Every variable that the build has.
    #[must_use]
    pub fn environment(&self, paths: &Paths, source_date_epoch: u64) -> BTreeMap<String, String> {
        let c_flags: Vec<String> = paths
            .seen()
            .iter()
            .map(|(path, seen)| format!("-ffile-prefix-map={path}={seen}"))
            .collect();
        let c_flags = c_flags.join(" ");
        let Paths { tools, toolchain, cargo_home, target, temporary, .. } = paths;
        let mut variables: BTreeMap<String, String> = [
            ("PATH", format!("{tools}:{toolchain}/bin:/usr/local/bin:/usr/bin:/bin")),
            ("HOME", format!("{cargo_home}-user")),
            ("CARGO_HOME", cargo_home.clone()),
            ("CARGO_TARGET_DIR", target.clone()),
            ("CARGO_INCREMENTAL", "0".to_owned()),
            ("CARGO_NET_OFFLINE", "true".to_owned()),
            ("CARGO_TERM_COLOR", "never".to_owned()),
            ("RUSTC_WRAPPER", format!("{tools}/rustc-wrapper")),
            ("CFLAGS", c_flags.clone()),
            ("CXXFLAGS", c_flags),
            ("LC_ALL", self.locale.clone()),
            ("LANG", self.locale.clone()),
            ("TZ", self.time_zone.clone()),
            ("SOURCE_DATE_EPOCH", source_date_epoch.to_string()),
            ("PYTHONHASHSEED", "0".to_owned()),
            ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
            ("TMPDIR", temporary.clone()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
        if let Some(jobs) = self.jobs {
            variables.insert("CARGO_BUILD_JOBS".to_owned(), jobs.to_string());
        }
        variables
    }
}

/// Where things are for the commands of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    pub(super) sources: String,
    pub(super) crates: String,
    pub(super) target: String,
    pub(super) cargo_home: String,
    pub(super) tools: String,
    pub(super) toolchain: String,
    pub(super) inputs: String,
    pub(super) output: String,
    pub(super) temporary: String,
    /// Where sources and crates really are, if that can be seen: each with what it should seem.
    really: Vec<(String, &'static str)>,
}

impl Paths {
    /// What the paths of this build are, and what they should seem to be.
    fn seen(&self) -> Vec<(&str, &str)> {
        let asked: [(&str, &str); 4] = [
            (&self.sources, SOURCES_SEEN),
            (&self.crates, CRATES_SEEN),
            (&self.target, TARGET_SEEN),
            (&self.cargo_home, HOME_SEEN),
        ];
        let really = self.really.iter().map(|(path, seen)| (path.as_str(), *seen));
        asked.into_iter().chain(really).collect()
    }

    /// Says where the sources and the crates really are, where a compiler can see that.
    pub(super) fn also_at(&mut self, sources: &Path, crates: &Path) {
        self.really = vec![
            (sources.display().to_string(), SOURCES_SEEN),
            (crates.display().to_string(), CRATES_SEEN),
        ];
    }

    /// The program that stands before rustc: it adds the paths that should be seen to whatever cargo
    /// and the project ask for, where `RUSTFLAGS` would take the place of the project's own.
    #[must_use]
    pub fn rustc_wrapper(&self) -> String {
        let mut script = "#!/bin/sh\nrustc=$1\nshift\nexec \"$rustc\" \"$@\"".to_owned();
        for (path, seen) in self.seen() {
            script.push_str(&format!(" '--remap-path-prefix={path}={seen}'"));
        }
        script.push('\n');
        script
    }
}

/// Which axis makes the difference: `differs` builds with some axes changed and says whether the
/// result is another than the first. Halves are tried first, so twelve axes take four builds; if no
/// half alone differs, the axes work together and are all named.
///
/// # Errors
/// A build fails.
pub fn bisect<E>(
    axes: &[Axis],
    mut differs: impl FnMut(&[Axis]) -> Result<bool, E>,
) -> Result<Vec<Axis>, E> {
    let mut suspects = axes.to_vec();
    while suspects.len() > 1 {
        let (first, second) = suspects.split_at(suspects.len() / 2);
        if differs(first)? {
            suspects = first.to_vec();
        } else if differs(second)? {
            suspects = second.to_vec();
        } else {
            break;
        }
    }
    Ok(suspects)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_axis_but_the_clock_changes_something() {
        let usual = Conditions::default();
        for axis in Axis::ALL {
            assert_eq!(Conditions::perturbed(&[axis]) == usual, axis == Axis::Clock, "{axis:?}");
        }
    }

    #[test]
    fn whatever_the_paths_are_the_same_ones_are_seen() {
        let other = Conditions::perturbed(&Axis::ALL);
        let paths = other.paths(&str::to_owned);
        let wrapper = paths.rustc_wrapper();
        assert!(wrapper.contains("'--remap-path-prefix=/other-crates=/cargo/src'"), "{wrapper}");
        assert!(wrapper.contains("/elsewhere=/build'"), "{wrapper}");
        let variables = other.environment(&paths, 1_700_000_000);
        assert_eq!(variables["SOURCE_DATE_EPOCH"], "1700000000");
        assert!(variables["CFLAGS"].contains("-ffile-prefix-map=/other-crates=/cargo/src"));
        assert!(!variables.keys().any(|name| name.to_lowercase().contains("proxy")));
    }

    #[test]
    fn the_axis_that_matters_is_found_in_few_builds() {
        for culprit in Axis::ALL {
            let mut builds = 0;
            let found = bisect(&Axis::ALL, |axes| {
                builds += 1;
                Ok::<_, ()>(axes.contains(&culprit))
            });
            assert_eq!(found, Ok(vec![culprit]));
            assert!(builds <= 8, "{builds}");
        }
    }

    #[test]
    fn axes_that_matter_only_together_are_named_together() {
        let both = |axes: &[Axis]| axes.contains(&Axis::User) && axes.contains(&Axis::Clock);
        let found = bisect(&Axis::ALL, |axes| Ok::<_, ()>(both(axes))).unwrap();
        assert_eq!(found.len(), Axis::ALL.len());
    }
}
