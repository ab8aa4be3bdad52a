//! Starting processes: with a time limit, a bound on what they print, and no terminal.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

mod background;
mod guard;
mod pass;
mod stream;

pub use background::Background;
pub use guard::Guard;
pub use stream::Stream;

/// A command to run, by argument list; no shell is involved.
#[derive(Debug, Clone)]
pub struct Invocation {
    program: PathBuf,
    arguments: Vec<OsString>,
    directory: Option<PathBuf>,
    changes: Vec<(OsString, Option<OsString>)>,
    clear: bool,
    timeout: Option<Duration>,
    output_limit: u64,
    standard_input: Input,
}

/// What a command may read.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Input {
    Nothing,
    Text(Vec<u8>),
    /// Nothing, but the end of it comes only with the end of this process.
    Leash,
}

/// What a finished command left.
#[derive(Debug, Clone)]
pub struct Output {
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it, on systems that have them.
    pub signal: Option<i32>,
    /// Standard output, up to the bound.
    pub stdout: Vec<u8>,
    /// Standard error, up to the bound.
    pub stderr: Vec<u8>,
    /// Time from start to end.
    pub elapsed: Duration,
}

impl Output {
    /// Whether the command ended with 0.
    #[must_use]
    pub fn success(&self) -> bool {
        self.code == Some(0)
    }

    /// Standard output as text.
    #[must_use]
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text.
    #[must_use]
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// Why a command gave no output.
#[derive(Debug)]
pub enum ProcessError {
    /// It could not be started, or its output could not be read.
    Start {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It ran longer than allowed and was killed, with everything it had started.
    TimedOut {
        /// The program.
        program: PathBuf,
        /// The limit.
        limit: Duration,
    },
}

impl ProcessError {
    /// The system's kind of error, if the program could not be started.
    #[must_use]
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        match self {
            Self::Start { source, .. } => Some(source.kind()),
            Self::TimedOut { .. } => None,
        }
    }
}

impl fmt::Display for ProcessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start { program, source } => {
                write!(f, "cannot run {}: {source}", program.display())
            }
            Self::TimedOut { program, limit } => {
                write!(f, "{} ran longer than {} s", program.display(), limit.as_secs())
            }
        }
    }
}

impl std::error::Error for ProcessError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Start { source, .. } => Some(source),
            Self::TimedOut { .. } => None,
        }
    }
}

impl Invocation {
    /// A command without arguments.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: PathBuf::from(program.as_ref()),
            arguments: Vec::new(),
            directory: None,
            changes: Vec::new(),
            clear: false,
            timeout: None,
            output_limit: 64 << 20,
            standard_input: Input::Nothing,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    /// Runs in `directory`.
    #[must_use]
    pub fn directory(mut self, directory: impl AsRef<Path>) -> Self {
        self.directory = Some(directory.as_ref().to_path_buf());
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.changes.push((name.as_ref().to_owned(), Some(value.as_ref().to_owned())));
        self
    }

    /// Removes an environment variable.
    #[must_use]
    pub fn without_env(mut self, name: impl AsRef<OsStr>) -> Self {
        self.changes.push((name.as_ref().to_owned(), None));
        self
    }

    /// Starts from an empty environment; what [`Invocation::env`] sets is all there is.
    #[must_use]
    pub fn clear_env(mut self) -> Self {
        self.clear = true;
        self
    }

    /// Kills the command, and everything it started, after this long.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Keeps at most this many bytes of each stream; the rest is read and dropped.
    #[must_use]
    pub fn output_limit(mut self, bytes: u64) -> Self {
        self.output_limit = bytes;
        self
    }

    /// Gives the command a standard input that says nothing and ends when this process does,
    /// however it does: a child in a process group of its own outlives Ctrl-C otherwise.
    /// The command must watch it and end by itself.
    #[must_use]
    pub fn leashed(mut self) -> Self {
        self.standard_input = Input::Leash;
        self
    }

    /// Gives the command this to read; a command that does not read it is not disturbed.
    #[must_use]
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.standard_input = Input::Text(bytes.into());
        self
    }

    /// A POSIX shell that runs `script`, in which `"$@"` is this command.
    #[must_use]
    pub fn within_shell(self, script: &str) -> Self {
        let arguments = ["-c", script, "sh"].map(OsString::from);
        let own = std::iter::once(self.program.into_os_string()).chain(self.arguments);
        Self {
            program: PathBuf::from("/bin/sh"),
            arguments: arguments.into_iter().chain(own).collect(),
            ..self
        }
    }

    /// Runs to the end with both streams captured and no standard input but what it was given.
    ///
    /// # Errors
    /// The program cannot be started, or ran longer than the limit.
    pub fn output(&self) -> Result<Output, ProcessError> {
        let start_error = |source| ProcessError::Start { program: self.program.clone(), source };
        let started = Instant::now();
        let mut command = self.command();
        let has_input = self.standard_input != Input::Nothing;
        command.stdin(if has_input { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        own_group(&mut command);
        let mut child = command.spawn().map_err(start_error)?;
        // A leash is held until the end; waiting for a child would otherwise close it.
        let mut leash = None;
        match (child.stdin.take(), &self.standard_input) {
            (Some(mut stdin), Input::Text(text)) => {
                let text = text.clone();
                thread::spawn(move || stdin.write_all(&text));
            }
            (stdin, _) => leash = stdin,
        }
        let stdout = capture(child.stdout.take(), self.output_limit);
        let stderr = capture(child.stderr.take(), self.output_limit);
        let deadline = self.timeout.map(|limit| started + limit);
        let shortest = Duration::from_micros(200);
        let mut pause = shortest;
        let mut ended = None;
        let status = loop {
            if ended.is_none() {
                ended = child.try_wait().map_err(start_error)?;
                pause = if ended.is_some() { shortest } else { pause };
            }
            // What it left running may hold the streams open for ever.
            match ended {
                Some(status) if stdout.is_finished() && stderr.is_finished() => break status,
                _ => {}
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                kill_group(&mut child);
                let _ = child.wait();
                return Err(ProcessError::TimedOut {
                    program: self.program.clone(),
                    limit: self.timeout.unwrap_or_default(),
                });
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        };
        drop(leash);
        Ok(Output {
            code: status.code(),
            signal: signal(status),
            stdout: stdout.join().unwrap_or_default(),
            stderr: stderr.join().unwrap_or_default(),
            elapsed: started.elapsed(),
        })
    }

    /// Runs with this process's own standard streams, for chores whose talk is for the user.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn status(&self) -> Result<ExitStatus, ProcessError> {
        self.command()
            .status()
            .map_err(|source| ProcessError::Start { program: self.program.clone(), source })
    }

    /// The command as a person would type it on this system.
    #[must_use]
    pub fn display(&self) -> String {
        std::iter::once(self.program.as_os_str())
            .chain(self.arguments.iter().map(OsString::as_os_str))
            .map(|part| crate::quote(crate::Os::current(), &part.to_string_lossy()))
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that starts processes")]
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        if self.clear {
            command.env_clear();
        }
        for (name, value) in &self.changes {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }
}

/// Ends this process when its standard input does: for a child that was started
/// [`leashed`](Invocation::leashed). Returns at once; the watch goes on beside the work.
pub fn end_with_the_leash() {
    thread::spawn(|| {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        leave();
    });
}

#[expect(clippy::exit, reason = "nobody is left to return to")]
fn leave() {
    std::process::exit(70);
}

/// Reads a stream to its end on a thread, so that a full pipe never stops the child.
fn capture<R: Read + Send + 'static>(stream: Option<R>, limit: u64) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut kept = Vec::new();
        if let Some(mut stream) = stream {
            let _ = stream.by_ref().take(limit).read_to_end(&mut kept);
            let _ = io::copy(&mut stream, &mut io::sink());
        }
        kept
    })
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    use std::os::unix::process::ExitStatusExt as _;
    status.signal()
}

#[cfg(not(unix))]
fn signal(_status: ExitStatus) -> Option<i32> {
    None
}

#[cfg(unix)]
fn own_group(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0);
}

#[cfg(not(unix))]
fn own_group(_command: &mut Command) {}

#[cfg(unix)]
fn kill_group(child: &mut std::process::Child) {
    use rustix::process::{Pid, Signal, kill_process_group};
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.kill();
}

#[cfg(not(unix))]
fn kill_group(child: &mut std::process::Child) {
    let _ = child.kill();
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn both_streams_and_the_code_come_back() {
        let output =
            Invocation::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]).output().unwrap();
        assert_eq!(output.code, Some(3));
        assert_eq!(output.stdout_text(), "out\n");
        assert_eq!(output.stderr_text(), "err\n");
    }

    #[test]
    fn a_command_that_hangs_is_killed_with_its_children() {
        let error = Invocation::new("sh")
            .args(["-c", "sleep 60 & sleep 60"])
            .timeout(Duration::from_millis(100))
            .output()
            .unwrap_err();
        assert!(matches!(error, ProcessError::TimedOut { .. }));
    }

    #[test]
    fn one_that_ends_and_leaves_its_streams_to_another_is_held_to_its_limit() {
        let limit = Duration::from_millis(300);
        let command = Invocation::new("sh").args(["-c", "sleep 5 & exit 0"]).timeout(limit);
        assert!(matches!(command.output().unwrap_err(), ProcessError::TimedOut { .. }));
    }

    #[test]
    fn a_command_reads_what_it_is_given() {
        let output = Invocation::new("cat").input("some text").output().unwrap();
        assert_eq!(output.stdout_text(), "some text");
        let large = vec![b'x'; 1 << 20];
        assert!(Invocation::new("true").input(large).output().unwrap().success());
    }

    #[test]
    fn a_leash_holds_as_long_as_the_command_runs() {
        let script = "read line || echo loose";
        let free = Invocation::new("sh").args(["-c", script]).output().unwrap();
        assert_eq!(free.stdout_text(), "loose\n");
        let limit = Duration::from_millis(200);
        let held = Invocation::new("sh").args(["-c", script]).leashed().timeout(limit).output();
        assert!(matches!(held.unwrap_err(), ProcessError::TimedOut { .. }));
    }

    #[test]
    fn the_signal_that_ends_a_command_is_told() {
        let output = Invocation::new("sh").args(["-c", "kill -9 $$"]).output().unwrap();
        assert_eq!((output.code, output.signal), (None, Some(9)));
    }

    #[test]
    fn what_it_prints_is_bounded() {
        let output = Invocation::new("sh")
            .args(["-c", "head -c 1000000 /dev/zero"])
            .output_limit(10)
            .output()
            .unwrap();
        assert_eq!(output.stdout.len(), 10);
        assert!(output.success());
    }

    #[test]
    fn a_shell_runs_the_command_as_often_as_it_likes() {
        let command = Invocation::new("echo").arg("a b").within_shell("\"$@\"; \"$@\"");
        assert_eq!(command.output().unwrap().stdout_text(), "a b\na b\n");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = Invocation::new("/nonexistent/tool").output().unwrap_err();
        assert!(error.to_string().contains("/nonexistent/tool"));
    }
}
