//! Output passed on as it comes, while the command runs as if nobody listened.

use std::io::{self, Read};
use std::process::Stdio;
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use super::{Invocation, Output, ProcessError, Stream, signal};

/// Pieces that may wait for the caller before the command has to.
const WAITING: usize = 64;
/// How often a command is asked whether it has ended.
const PAUSE: Duration = Duration::from_millis(10);
/// How long streams that the command's children hold open are read after it has ended.
const AFTERMATH: Duration = Duration::from_millis(500);

impl Invocation {
    /// Runs to the end with this process's own standard input and in its process group, so that a
    /// terminal's Ctrl-C reaches both, and hands over the bytes of both streams as they come. The
    /// time limit does not apply; the streams of the result are empty.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn pass(&self, mut each: impl FnMut(Stream, &[u8])) -> Result<Output, ProcessError> {
        let start_error = |source| ProcessError::Start { program: self.program.clone(), source };
        let started = Instant::now();
        let mut command = self.command();
        command.stdin(Stdio::inherit()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(start_error)?;
        let (sender, pieces) = mpsc::sync_channel(WAITING);
        read_pieces(child.stdout.take(), Stream::Out, sender.clone());
        read_pieces(child.stderr.take(), Stream::Error, sender);
        let mut ended: Option<(std::process::ExitStatus, Instant)> = None;
        loop {
            let is_closed = match pieces.recv_timeout(PAUSE) {
                Ok((stream, bytes)) => {
                    each(stream, &bytes);
                    continue;
                }
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => {
                    if ended.is_none() {
                        let status = child.wait().map_err(start_error)?;
                        ended = Some((status, Instant::now()));
                    }
                    true
                }
            };
            if ended.is_none() {
                ended = child.try_wait().map_err(start_error)?.map(|s| (s, Instant::now()));
            }
            // A child that went on in the background may hold the streams open for ever. As long as
            // it talks, it is listened to.
            if let Some((status, at)) = ended
                && (is_closed || at.elapsed() > AFTERMATH)
            {
                return Ok(Output {
                    code: status.code(),
                    signal: signal(status),
                    stdout: Vec::new(),
                    stderr: Vec::new(),
                    elapsed: at - started,
                });
            }
        }
    }
}

fn read_pieces<R: Read + Send + 'static>(
    stream: Option<R>,
    kind: Stream,
    pieces: SyncSender<(Stream, Vec<u8>)>,
) {
    let Some(mut stream) = stream else { return };
    thread::spawn(move || {
        let mut buffer = vec![0; 32 << 10];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => {
                    if pieces.send((kind, buffer[..length].to_vec())).is_err() {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        // Whoever writes is not disturbed by a reader that is gone.
        let _ = io::copy(&mut stream, &mut io::sink());
    });
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn passed(script: &str) -> (Vec<u8>, Vec<u8>, Output) {
        let (mut out, mut error) = (Vec::new(), Vec::new());
        let result =
            Invocation::new("sh").args(["-c", script]).pass(|stream, bytes| match stream {
                Stream::Out => out.extend_from_slice(bytes),
                Stream::Error => error.extend_from_slice(bytes),
            });
        (out, error, result.expect("sh runs"))
    }

    #[test]
    fn both_streams_come_byte_by_byte_and_the_code_last() {
        let (out, error, output) = passed("printf 'a\\r\\377'; echo two >&2; exit 7");
        assert_eq!(
            (out.as_slice(), error.as_slice()),
            (b"a\r\xff".as_slice(), b"two\n".as_slice())
        );
        assert_eq!(output.code, Some(7));
    }

    #[test]
    fn large_output_comes_whole() {
        let (out, _, output) = passed("head -c 1000000 /dev/zero");
        assert_eq!((out.len(), output.code), (1_000_000, Some(0)));
    }

    #[test]
    fn a_child_that_holds_the_streams_does_not_hold_the_caller() {
        let (out, _, output) = passed("sleep 60 & echo out");
        assert_eq!(out, b"out\n");
        assert!(output.elapsed < Duration::from_secs(50));
    }
}
