//! What is to be run, and how it ended.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::Error;

/// A directory or file of this machine that a command sees.
#[derive(Debug, Clone)]
pub struct Mount {
    /// Where it is on this machine, absolute.
    pub source: PathBuf,
    /// Where the command sees it: an absolute path of one part, or one that the image has.
    pub target: String,
    /// Whether the command may write there.
    pub writable: bool,
}

/// A directory in memory, empty at the start, executable, gone at the end.
#[derive(Debug, Clone)]
pub struct Tmpfs {
    /// Where the command sees it; as for [`Mount::target`].
    pub target: String,
    /// How much it holds.
    pub megabytes: u64,
}

/// What a command may use up.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Time; then it is killed with everything it started.
    pub time: Option<Duration>,
    /// Processes at once, where the engine can limit them.
    pub processes: u32,
}

/// One command in a container of its own. What is not named here it does not get.
#[derive(Debug, Clone)]
pub struct Run {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Every environment variable that it sees.
    pub environment: BTreeMap<String, String>,
    /// The directory it runs in.
    pub directory: String,
    /// What it sees of this machine.
    pub mounts: Vec<Mount>,
    /// Directories in memory.
    pub tmpfs: Vec<Tmpfs>,
    /// Whether it may use this machine's network. Without, there is none but the loopback.
    pub network: bool,
    /// Permission bits that its new files do not have.
    pub umask: u32,
    /// The name of the machine that it sees.
    pub host_name: String,
    /// The user, and the group of the same number, that it runs as where the engine can choose.
    pub user: u32,
    /// What it may use up.
    pub limits: Limits,
}

impl Run {
    /// A command without a network, as user 1000 in `/`, with `/tmp` in memory, that sees nothing of
    /// this machine, not even a `PATH`.
    #[must_use]
    pub fn new<A: Into<String>>(argv: impl IntoIterator<Item = A>) -> Self {
        Self {
            argv: argv.into_iter().map(Into::into).collect(),
            environment: BTreeMap::new(),
            directory: "/".to_owned(),
            mounts: Vec::new(),
            tmpfs: vec![Tmpfs { target: "/tmp".to_owned(), megabytes: 1024 }],
            network: false,
            umask: 0o022,
            host_name: "truewheel".to_owned(),
            user: 1000,
            limits: Limits { time: None, processes: 4096 },
        }
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// Adds a directory or file that it may read.
    #[must_use]
    pub fn input(mut self, source: impl Into<PathBuf>, target: impl Into<String>) -> Self {
        let (source, target) = (source.into(), target.into());
        self.mounts.push(Mount { source, target, writable: false });
        self
    }

    /// Adds a directory that it may write to. What it leaves there belongs to the calling user.
    #[must_use]
    pub fn output(mut self, source: impl Into<PathBuf>, target: impl Into<String>) -> Self {
        let (source, target) = (source.into(), target.into());
        self.mounts.push(Mount { source, target, writable: true });
        self
    }

    /// Whether an engine can be asked for it.
    ///
    /// # Errors
    /// [`Error::Impossible`] with what is wrong: no program, a variable that is none, a target that
    /// is no plain absolute path, a source that is not absolute or has a name no engine can be told.
    pub(crate) fn validate(&self) -> Result<(), Error> {
        let impossible = |reason: String| Err(Error::Impossible { reason });
        let Some(program) = self.argv.first() else {
            return impossible("there is no command to run".to_owned());
        };
        // `env NAME=value program` would take it for a variable.
        if program.is_empty() || program.contains('=') || program.starts_with('-') {
            return impossible(format!("a program cannot be called {program:?} here"));
        }
        for (name, value) in &self.environment {
            if name.is_empty() || name.starts_with('-') || name.contains('=') {
                return impossible(format!("an environment variable cannot be called {name:?}"));
            }
            if name.contains('\0') || value.contains('\0') {
                return impossible(format!("the variable {name:?} holds a zero byte"));
            }
        }
        let targets = self.mounts.iter().map(|mount| &mount.target);
        for target in targets.chain(self.tmpfs.iter().map(|tmpfs| &tmpfs.target)) {
            let is_plain = target.starts_with('/')
                && target.len() > 1
                && target[1..].split('/').all(|part| !matches!(part, "" | "." | ".."))
                && !target.contains([',', '"', ':', '\n', '\0']);
            if !is_plain {
                return impossible(format!("nothing can be put at {target:?} in a container"));
            }
        }
        for Mount { source, .. } in &self.mounts {
            let fits = source.is_absolute()
                && source.to_str().is_some_and(|text| !text.contains([',', '"', '\n']));
            if !fits {
                let shown = source.display();
                return impossible(format!(
                    "{shown} cannot be shown to a container: its path must be absolute, and hold no \
                     comma, quote or line break"
                ));
            }
        }
        let is_host_name = !self.host_name.is_empty()
            && self.host_name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !is_host_name {
            return impossible(format!("a machine cannot be called {:?}", self.host_name));
        }
        Ok(())
    }
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// By itself, with this code.
    Exited(i32),
    /// By a signal. A command that ends with 128 and more says the same.
    Killed(i32),
    /// It took longer than it may.
    TimedOut,
}

impl Status {
    /// Whether it ended with 0.
    #[must_use]
    pub fn success(self) -> bool {
        self == Self::Exited(0)
    }

    /// From the code of the shell that ran it.
    pub(crate) fn of_shell(code: i32) -> Self {
        if (129..=192).contains(&code) { Self::Killed(code - 128) } else { Self::Exited(code) }
    }
}

/// What came of a run.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// How the command ended.
    pub status: Status,
    /// Time from the start of the engine to the end.
    pub elapsed: Duration,
    /// What the engine itself said before the command began.
    pub notes: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_asked_for_is_refused_by_name() {
        let refused = |run: Run| run.validate().unwrap_err().to_string();
        assert!(Run::new(["true"]).validate().is_ok());
        assert!(refused(Run::new([""; 0])).contains("no command"));
        assert!(refused(Run::new(["A=b"])).contains("A=b"));
        assert!(refused(Run::new(["true"]).env("A=B", "")).contains("A=B"));
        for target in ["/", "relative", "/a/../b", "/a,b", "/a:b", "//a"] {
            assert!(refused(Run::new(["true"]).input("/x", target)).contains(target), "{target}");
        }
        assert!(refused(Run::new(["true"]).input("x", "/in")).contains("absolute"));
        assert!(refused(Run::new(["true"]).input("/x,y", "/in")).contains("comma"));
        let mut run = Run::new(["true"]);
        run.host_name = "a b".to_owned();
        assert!(refused(run).contains("a b"));
    }

    #[test]
    fn a_shell_tells_signals_by_high_codes() {
        assert_eq!(Status::of_shell(3), Status::Exited(3));
        assert_eq!(Status::of_shell(137), Status::Killed(9));
        assert_eq!(Status::of_shell(255), Status::Exited(255));
    }
}
