//! Output handed over line by line while the command runs.

use std::io::{self, BufRead as _, BufReader, Read};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use super::{Guard, Invocation, Output, ProcessError, kill_group, own_group, signal};

/// Longest line that is handed over whole; a longer one comes in parts.
const LINE_LIMIT: u64 = 64 << 10;
/// Lines that may wait for the caller before the command has to.
const WAITING: usize = 1024;
/// How often a command whose streams are closed is asked whether it has ended.
const PAUSE: Duration = Duration::from_millis(5);
/// How long streams that the command's children hold open are read after it has ended.
const AFTERMATH: Duration = Duration::from_millis(500);

/// A stream of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Error,
}

/// A command that is killed with everything it started, unless it has ended.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        kill_group(&mut self.0);
        let _ = self.0.wait();
    }
}

impl Invocation {
    /// Runs to the end in a process group of its own, with no standard input, and hands over each
    /// line as it comes, without its end. `begun` is told the number of the process group, so
    /// that a [`Guard`](crate::Guard) can end it. The streams of the result are empty.
    ///
    /// # Errors
    /// The program cannot be started, or ran longer than the limit.
    pub fn stream(
        &self,
        begun: impl FnOnce(u32),
        each: impl FnMut(Stream, &str),
    ) -> Result<Output, ProcessError> {
        self.follow(Stdio::piped(), begun, each)
    }

    /// Runs to the end and hands over each line of standard output as it comes; standard error is
    /// this process's own. The command is killed with its process group when this process ends
    /// first. The streams of the result are empty.
    ///
    /// # Errors
    /// The program cannot be started, or ran longer than the limit.
    pub fn lines(&self, mut each: impl FnMut(&str)) -> Result<Output, ProcessError> {
        // Where there is no shell for it, there are no process groups either.
        let mut guard = Guard::new(None).ok();
        let begun = |group| {
            if let Some(guard) = &mut guard {
                guard.watch_group(group);
            }
        };
        let result = self.follow(Stdio::inherit(), begun, |_, line| each(line));
        if let Some(guard) = guard {
            guard.release();
        }
        result
    }

    fn follow(
        &self,
        standard_error: Stdio,
        begun: impl FnOnce(u32),
        mut each: impl FnMut(Stream, &str),
    ) -> Result<Output, ProcessError> {
        let start_error = |source| ProcessError::Start { program: self.program.clone(), source };
        let started = Instant::now();
        let deadline = self.timeout.map(|limit| started + limit);
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(standard_error);
        own_group(&mut command);
        let mut running = Running(command.spawn().map_err(start_error)?);
        begun(running.0.id());
        let (sender, lines) = mpsc::sync_channel(WAITING);
        read_lines(running.0.stdout.take(), Stream::Out, sender.clone());
        read_lines(running.0.stderr.take(), Stream::Error, sender);
        let mut ended: Option<(std::process::ExitStatus, Instant)> = None;
        loop {
            match lines.recv_timeout(PAUSE) {
                Ok((stream, line)) => {
                    each(stream, &line);
                    if ended.is_none() && !is_past(deadline) {
                        continue;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    if ended.is_none() {
                        thread::sleep(PAUSE);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            if ended.is_none() {
                ended = running.0.try_wait().map_err(start_error)?.map(|s| (s, Instant::now()));
            }
            match ended {
                // A child that went on in the background may hold the streams open for ever.
                Some((status, at)) if is_closed(&lines, &mut each) || at.elapsed() > AFTERMATH => {
                    let elapsed = at - started;
                    let nothing = Vec::new;
                    return Ok(Output {
                        code: status.code(),
                        signal: signal(status),
                        stdout: nothing(),
                        stderr: nothing(),
                        elapsed,
                    });
                }
                None if is_past(deadline) => {
                    drop(running);
                    while let Ok((stream, line)) = lines.recv_timeout(AFTERMATH) {
                        each(stream, &line);
                    }
                    return Err(ProcessError::TimedOut {
                        program: self.program.clone(),
                        limit: self.timeout.unwrap_or_default(),
                    });
                }
                _ => {}
            }
        }
    }
}

fn is_past(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| Instant::now() >= deadline)
}

/// Hands over what waits, and says whether no more can come.
fn is_closed(
    lines: &mpsc::Receiver<(Stream, String)>,
    each: &mut impl FnMut(Stream, &str),
) -> bool {
    loop {
        match lines.try_recv() {
            Ok((stream, line)) => each(stream, &line),
            Err(mpsc::TryRecvError::Empty) => return false,
            Err(mpsc::TryRecvError::Disconnected) => return true,
        }
    }
}

fn read_lines<R: Read + Send + 'static>(
    stream: Option<R>,
    kind: Stream,
    lines: SyncSender<(Stream, String)>,
) {
    let Some(stream) = stream else { return };
    thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        loop {
            line.clear();
            match stream.by_ref().take(LINE_LIMIT).read_until(b'\n', &mut line) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => break,
            }
            let text = String::from_utf8_lossy(&line);
            let text = text.strip_suffix('\n').unwrap_or(&text);
            if lines.send((kind, text.to_owned())).is_err() {
                break;
            }
        }
        // Whoever writes is not disturbed by a reader that is gone.
        let _ = io::copy(&mut stream, &mut io::sink());
    });
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn lines(
        script: &str,
        limit: Duration,
    ) -> (Vec<(Stream, String)>, Result<Output, ProcessError>) {
        let mut lines = Vec::new();
        let result = Invocation::new("sh")
            .args(["-c", script])
            .timeout(limit)
            .stream(|_| {}, |stream, line| lines.push((stream, line.to_owned())));
        (lines, result)
    }

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn lines_of_both_streams_come_and_the_status_last() {
        let (lines, result) = lines("echo one; echo two >&2; printf three; exit 4", LONG);
        let of = |kind| -> Vec<&str> {
            lines.iter().filter(|(k, _)| *k == kind).map(|(_, line)| line.as_str()).collect()
        };
        assert_eq!(of(Stream::Out), ["one", "three"]);
        assert_eq!(of(Stream::Error), ["two"]);
        assert_eq!(result.unwrap().code, Some(4));
    }

    #[test]
    fn lines_of_standard_output_alone_come_where_that_was_asked() {
        let mut lines = Vec::new();
        let command = Invocation::new("sh").timeout(LONG);
        let script = "echo one; printf two; exit 3";
        let output = command.args(["-c", script]).lines(|line| lines.push(line.to_owned()));
        assert_eq!(lines, ["one", "two"]);
        assert_eq!(output.unwrap().code, Some(3));
        let limit = Duration::from_millis(300);
        let hangs = Invocation::new("sh").args(["-c", "echo one; sleep 60"]).timeout(limit);
        assert!(matches!(hangs.lines(|_| ()), Err(ProcessError::TimedOut { .. })));
    }

    #[test]
    fn lines_come_while_the_command_runs() {
        let directory = tempfile::tempdir().unwrap();
        let seen = directory.path().join("seen");
        // The command goes on only once its line was seen.
        let script = format!("echo here; while [ ! -e {} ]; do sleep 0.01; done", seen.display());
        let result = Invocation::new("sh")
            .args(["-c", &script])
            .timeout(LONG)
            .stream(|_| {}, |_, _| fs_err::write(&seen, "").unwrap());
        assert!(result.unwrap().success());
    }

    #[test]
    fn a_child_that_holds_the_streams_does_not_hold_the_caller() {
        let (lines, result) = lines("sleep 60 & echo out", LONG);
        assert_eq!(lines, [(Stream::Out, "out".to_owned())]);
        assert!(result.unwrap().elapsed < Duration::from_secs(50));
    }

    #[test]
    fn a_command_that_never_ends_is_killed_and_what_it_said_is_kept() {
        let (lines, result) = lines("echo out; sleep 60", Duration::from_millis(300));
        assert_eq!(lines, [(Stream::Out, "out".to_owned())]);
        assert!(matches!(result, Err(ProcessError::TimedOut { .. })));
    }

    #[test]
    fn one_that_never_stops_talking_is_killed_too() {
        let (lines, result) = lines("while :; do echo x; done", Duration::from_millis(300));
        assert!(!lines.is_empty());
        assert!(matches!(result, Err(ProcessError::TimedOut { .. })));
    }
}
