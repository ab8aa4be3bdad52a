//! The ladder: what an engine is asked besides, where the plain way fails.

use serde::{Deserialize, Serialize};

use super::Engine;

/// One thing that an engine is asked besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remedy {
    /// Limits of open files and processes no higher than this process's own: an engine raises them,
    /// and may not where it is itself confined.
    Ulimits,
    /// The runtime `runc` instead of `crun`, which knows old layouts of control groups.
    Runc,
    /// Control groups made as files, without asking systemd.
    Cgroupfs,
    /// No limit of the number of processes, which needs a control group of its own.
    NoProcessLimit,
    /// No labels of SELinux, so that files need not be labelled anew.
    NoLabels,
    /// Layers as plain copies, where overlays cannot be mounted.
    Vfs,
    /// This machine's own `/proc`, where a new one may not be mounted.
    HostProc,
    /// The calling user appears as root inside, without any of root's rights.
    MappedRoot,
}

use Remedy as R;

impl Remedy {
    /// Remedies for an engine, in the order in which they are tried when it does not say why it
    /// fails.
    fn of(engine: Engine) -> &'static [Self] {
        match engine {
            Engine::Podman => {
                &[R::Ulimits, R::Runc, R::Cgroupfs, R::NoProcessLimit, R::NoLabels, R::Vfs]
            }
            Engine::Docker => &[R::Ulimits, R::NoProcessLimit, R::NoLabels],
            Engine::Namespaces => &[R::HostProc, R::MappedRoot],
            Engine::Host => &[],
        }
    }

    /// Parts of messages, in lower case, that this remedy answers.
    fn symptoms(self) -> &'static [&'static str] {
        match self {
            R::Ulimits => &["setrlimit", "rlimit", "ulimit"],
            R::Runc => &["cgroups in hybrid mode not supported", "crun: unknown", "crun: cgroup"],
            R::Cgroupfs => {
                &["sd-bus", "dbus", "systemd cgroup", "cgroup manager", "cgroup-manager"]
            }
            R::NoProcessLimit => &["pids limit", "pids.max", "pids cgroup", "pids-limit"],
            R::NoLabels => &["selinux", "relabel", "output directory cannot be written"],
            R::Vfs => &["overlay", "storage-driver", "fuse-overlayfs"],
            R::HostProc => &["mount: ", "/proc"],
            R::MappedRoot => &["--map-user", "unshare: "],
        }
    }

    /// For a reader: what is asked.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            R::Ulimits => "limits no higher than this shell's",
            R::Runc => "the runtime runc",
            R::Cgroupfs => "control groups without systemd",
            R::NoProcessLimit => "no limit of processes",
            R::NoLabels => "no SELinux labels",
            R::Vfs => "layers as plain copies",
            R::HostProc => "this machine's /proc",
            R::MappedRoot => "the user mapped to root",
        }
    }

    /// What is given up, if anything is.
    #[must_use]
    pub fn price(self) -> Option<&'static str> {
        match self {
            R::Ulimits | R::Runc | R::Cgroupfs => None,
            R::NoProcessLimit => Some("the number of processes is not limited"),
            R::NoLabels => Some("SELinux does not keep the container apart"),
            R::Vfs => Some("every container copies the whole image first"),
            R::HostProc => Some("the processes of this machine can be seen"),
            R::MappedRoot => Some("commands see themselves as root, without root's rights"),
        }
    }
}

/// A place on the ladder: the remedies that are applied. The lowest has none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rung(Vec<Remedy>);

impl Rung {
    /// What is applied, in the order in which it was found to be needed.
    #[must_use]
    pub fn remedies(&self) -> &[Remedy] {
        &self.0
    }

    pub(crate) fn has(&self, remedy: Remedy) -> bool {
        self.0.contains(&remedy)
    }

    /// A rung with these remedies.
    #[must_use]
    pub fn with(remedies: impl IntoIterator<Item = Remedy>) -> Self {
        Self(remedies.into_iter().collect())
    }

    /// The rung with the remedy that these words of a failed attempt ask for, if they ask for one.
    #[must_use]
    pub fn answer(&self, engine: Engine, said: &str) -> Option<Self> {
        let said = said.to_lowercase();
        let is_asked = |remedy: &&Remedy| remedy.symptoms().iter().any(|part| said.contains(part));
        self.left(engine).iter().find(is_asked).map(|remedy| self.and(*remedy))
    }

    /// The next rung, after an attempt on this one failed with these words: with the remedy that
    /// they ask for, else with the next one. `None` when there is none left.
    #[must_use]
    pub fn next(&self, engine: Engine, said: &str) -> Option<Self> {
        let blind = || self.left(engine).first().map(|remedy| self.and(*remedy));
        self.answer(engine, said).or_else(blind)
    }

    fn left(&self, engine: Engine) -> Vec<Remedy> {
        Remedy::of(engine).iter().copied().filter(|remedy| !self.has(*remedy)).collect()
    }

    fn and(&self, remedy: Remedy) -> Self {
        Self(self.0.iter().copied().chain([remedy]).collect())
    }

    /// For a reader: the remedies, or `as it comes`.
    #[must_use]
    pub fn description(&self) -> String {
        if self.0.is_empty() {
            return "as it comes".to_owned();
        }
        self.0.iter().map(|remedy| remedy.description()).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What podman 4.3.1 and docker 20.10 said in a confined machine with a hybrid layout of
    /// control groups.
    const NO_RLIMIT: &str =
        "Error: crun: setrlimit `RLIMIT_NOFILE`: Operation not permitted: OCI permission denied";
    const HYBRID: &str = "Error: crun: cgroups in hybrid mode not supported: OCI runtime error";

    #[test]
    fn the_ladder_answers_what_is_said() {
        let first = Rung::default().next(Engine::Podman, NO_RLIMIT).unwrap();
        assert_eq!(first.remedies(), [Remedy::Ulimits]);
        let second = first.next(Engine::Podman, HYBRID).unwrap();
        assert_eq!(second.remedies(), [Remedy::Ulimits, Remedy::Runc]);
        let other = "Error: kernel does not support overlay fs: driver not supported";
        let third = Rung::default().next(Engine::Podman, other).unwrap();
        assert_eq!(third.remedies(), [Remedy::Vfs]);
        assert_eq!(third.answer(Engine::Podman, "a container ran, but it runs as root"), None);
    }

    #[test]
    fn what_says_nothing_is_tried_in_order_and_the_ladder_ends() {
        for engine in Engine::ALL {
            let mut rung = Rung::default();
            let mut steps = 0;
            while let Some(next) = rung.next(engine, "no idea") {
                rung = next;
                steps += 1;
            }
            assert_eq!(rung.remedies(), Remedy::of(engine));
            assert_eq!(steps, Remedy::of(engine).len());
        }
    }

    #[test]
    fn a_rung_is_written_as_the_names_of_its_remedies() {
        let rung = Rung::with([Remedy::Ulimits, Remedy::Runc]);
        let text = serde_json::to_string(&rung).unwrap();
        assert_eq!(text, r#"["ulimits","runc"]"#);
        assert_eq!(serde_json::from_str::<Rung>(&text).unwrap(), rung);
        assert_eq!(rung.description(), "limits no higher than this shell's, the runtime runc");
        assert_eq!(Rung::default().description(), "as it comes");
    }
}
