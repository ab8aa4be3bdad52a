//! A process that serves others until it is dropped.

use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{Guard, Invocation, ProcessError, own_group};

/// How long it may take to end when it is asked to.
const FAREWELL: Duration = Duration::from_secs(15);

/// A process in a group of its own. It is asked to end when it is dropped, and killed when it does
/// not; when this process is killed, it is killed too.
#[derive(Debug)]
pub struct Background {
    child: Child,
    guard: Option<Guard>,
}

impl Background {
    /// The number of the process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Invocation {
    /// Starts the command and lets it run, with no standard input and its output in a file.
    ///
    /// # Errors
    /// The program cannot be started, or the file cannot be made.
    pub fn background(&self, log: &Path) -> Result<Background, ProcessError> {
        let start_error = |source| ProcessError::Start { program: self.program.clone(), source };
        let file = fs_err::File::create(log).map_err(start_error)?.into_parts().0;
        let copy = file.try_clone().map_err(start_error)?;
        let mut guard = Guard::new(None)?;
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(file).stderr(copy);
        own_group(&mut command);
        let child = command.spawn().map_err(start_error)?;
        guard.watch_group(child.id());
        Ok(Background { child, guard: Some(guard) })
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        ask_to_end(&self.child);
        let deadline = Instant::now() + FAREWELL;
        while self.is_running() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(20));
        }
        if self.is_running() {
            super::kill_group(&mut self.child);
            let _ = self.child.wait();
        }
        if let Some(guard) = self.guard.take() {
            guard.release();
        }
    }
}

#[cfg(unix)]
fn ask_to_end(child: &Child) {
    use rustix::process::{Pid, Signal, kill_process};
    if let Some(process) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process(process, Signal::TERM);
    }
}

#[cfg(not(unix))]
fn ask_to_end(_child: &Child) {}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn it_runs_until_it_is_dropped_and_may_say_farewell() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        let script = "trap 'echo bye; exit' TERM; echo up; while :; do sleep 0.05; done";
        let mut server = Invocation::new("sh").args(["-c", script]).background(&log).unwrap();
        while fs_err::read_to_string(&log).unwrap().is_empty() {
            assert!(server.is_running());
            thread::sleep(Duration::from_millis(5));
        }
        drop(server);
        assert_eq!(fs_err::read_to_string(&log).unwrap(), "up\nbye\n");
    }
}
