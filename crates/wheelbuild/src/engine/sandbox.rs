//! Commands in containers, one after the other or at once, that leave nothing behind.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use host::{Guard, Host, Ids, Invocation, Output, Owner, ProcessError, Scratch, Stream};
use host::{create_directory, give_tree, own_ids};

use super::container::{self, Ceiling, User};
use super::namespaces::Container;
use super::{Engine, Error, Outcome, Ready, Run, Status, bare, prelude};

/// Lines that are kept of what an engine says before the command begins.
const NOTES: usize = 50;

/// Containers that this process has named.
static NAMED: AtomicU64 = AtomicU64::new(0);

/// The files that commands see as their root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Root {
    /// An image that podman or docker has, by its name.
    Image(String),
    /// A directory, for namespaces.
    Directory(PathBuf),
    /// This machine's own.
    Machine,
}

/// Where commands run: an engine that works, and the files it gives them.
///
/// Every run is a container of its own. When this process ends, however it ends, a guard removes
/// the container that runs; what even the guard could not, the next sandbox does.
#[derive(Debug)]
pub struct Sandbox {
    ready: Ready,
    root: Root,
    owner: Option<Owner>,
    own: Option<Ids>,
    ceiling: Ceiling,
    scratch: Scratch,
    resolver: Option<PathBuf>,
}

impl Sandbox {
    /// A sandbox of that engine, after what dead processes left in it was removed.
    ///
    /// # Errors
    /// The root is none that the engine can use, or there is no room for files of its own.
    pub fn new(host: &Host, ready: Ready, root: Root) -> Result<Self, Error> {
        let fits = match (&root, ready.engine) {
            (Root::Image(_), engine) => engine.has_store(),
            (Root::Directory(directory), Engine::Namespaces) => host.is_dir(directory),
            (Root::Machine, engine) => engine == Engine::Host,
            (Root::Directory(_), _) => false,
        };
        if !fits {
            return Err(Error::Impossible {
                reason: format!("{} cannot run {root:?}", ready.engine),
            });
        }
        let cache = host.cache_directory().ok_or(Error::NoCache)?.join("sandboxes");
        container::reap(host, &ready);
        let resolver = Path::new("/etc/resolv.conf");
        Ok(Self {
            root,
            owner: Owner::current(host),
            own: own_ids(),
            ceiling: Ceiling::of(host),
            scratch: Scratch::new(&cache, "run").map_err(Error::file(&cache))?,
            resolver: host.canonicalize(resolver).ok(),
            ready,
        })
    }

    /// The engine, and how it is used.
    #[must_use]
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// How a command writes the place that a [`Run`] names `target`: itself, unless there is no
    /// container.
    #[must_use]
    pub fn inside(&self, target: &str) -> String {
        match self.root {
            Root::Machine => bare::inside(&self.room(), target),
            Root::Image(_) | Root::Directory(_) => target.to_owned(),
        }
    }

    fn room(&self) -> PathBuf {
        self.scratch.path().join("room")
    }

    /// Runs a command to its end and hands over each line of its output as it comes.
    ///
    /// Writable directories must be the caller's own; what was written there is the caller's
    /// afterwards, whoever the command ran as.
    ///
    /// # Errors
    /// The run is impossible, or the engine did not get as far as starting the command. That the
    /// command failed, was killed or took too long is an outcome.
    pub fn run(&self, run: &Run, mut each: impl FnMut(Stream, &str)) -> Result<Outcome, Error> {
        run.validate()?;
        let number = NAMED.fetch_add(1, Ordering::Relaxed);
        let marker = format!("truewheel: begun {} {number}", std::process::id());
        let shell = prelude::arguments(run, &marker, |target| self.inside(target));
        let lent = self.lend_outputs(run)?;
        let mut filter = Filter { marker: &marker, begun: [false; 2], notes: Vec::new() };
        let result = match &self.root {
            Root::Image(image) => self.run_in_store(image, number, run, &shell, |s, line| {
                filter.pass(s, line, &mut each);
            }),
            Root::Directory(image) => {
                let root = self.scratch.path().join(format!("root-{number}"));
                create_directory(&root).map_err(Error::file(&root))?;
                let by_root = self.own.is_some_and(|ids| ids.user == 0);
                let resolver = self.resolver.clone().filter(|_| run.network);
                let container = Container { image, root: root.clone(), by_root, resolver };
                let command = container.command(&self.ready, run, &shell);
                let result = guarded(&limited(command, run), None, |s, line| {
                    filter.pass(s, line, &mut each);
                });
                // It was mounted where only the container could see.
                let _ = host::remove_tree(&root);
                result
            }
            Root::Machine => {
                bare::furnish(&self.room(), run)?;
                let command = bare::command(&self.ready, &self.room(), &shell);
                let result = guarded(&limited(command, run), None, |s, line| {
                    filter.pass(s, line, &mut each);
                });
                bare::clear(&self.room());
                result
            }
        };
        drop(lent);
        filter.outcome(self.ready.engine, result)
    }

    fn run_in_store(
        &self,
        image: &str,
        number: u64,
        run: &Run,
        shell: &[String],
        each: impl FnMut(Stream, &str),
    ) -> Result<Output, ProcessError> {
        let name = match &self.owner {
            Some(owner) => container::name(owner, number),
            None => format!("truewheel-run-{}-{number}", std::process::id()),
        };
        let user = User::of(self.ready.engine, self.own, run.user);
        let command = container::command(&self.ready, &name, image, run, user, self.ceiling, shell);
        let cleanup = container::remove_for_sure(&self.ready, &name);
        let result = guarded(&limited(command, run), Some(&cleanup), each);
        if result.is_err() {
            // The engine's own process was killed, and its container goes on.
            container::remove_now(&self.ready, &name);
        }
        result
    }

    /// Gives writable directories to the user that the command runs as, where that is another one.
    fn lend_outputs(&self, run: &Run) -> Result<Vec<Lent>, Error> {
        let is_other = self.own.is_some_and(|ids| ids.user == 0) && self.root != Root::Machine;
        let Some(own) = self.own.filter(|_| is_other) else { return Ok(Vec::new()) };
        let to = Ids { user: run.user, group: run.user };
        let mut lent = Vec::new();
        for mount in run.mounts.iter().filter(|mount| mount.writable) {
            lent.push(Lent { directory: mount.source.clone(), owner: own });
            give_tree(&mount.source, to).map_err(Error::file(&mount.source))?;
        }
        Ok(lent)
    }
}

/// A directory that goes back to its owner with everything in it.
struct Lent {
    directory: PathBuf,
    owner: Ids,
}

impl Drop for Lent {
    fn drop(&mut self) {
        // Nobody but root lends, and root may always take back.
        let _ = give_tree(&self.directory, self.owner);
    }
}

fn limited(command: Invocation, run: &Run) -> Invocation {
    match run.limits.time {
        Some(limit) => command.timeout(limit),
        None => command,
    }
}

/// Runs a command that is killed, and cleaned up after, when this process ends before it does.
fn guarded(
    command: &Invocation,
    cleanup: Option<&Invocation>,
    each: impl FnMut(Stream, &str),
) -> Result<Output, ProcessError> {
    let mut guard = Guard::new(cleanup)?;
    let result = command.stream(|group| guard.watch_group(group), each);
    guard.release();
    result
}

/// Tells what the engine says from what the command says: each stream of the command begins after
/// the marker.
struct Filter<'a> {
    marker: &'a str,
    begun: [bool; 2],
    notes: Vec<String>,
}

impl Filter<'_> {
    fn pass(&mut self, stream: Stream, line: &str, each: &mut impl FnMut(Stream, &str)) {
        let begun = &mut self.begun[usize::from(stream == Stream::Error)];
        if *begun {
            each(stream, line);
        } else if line == self.marker {
            *begun = true;
        } else if self.notes.len() < NOTES && !line.trim().is_empty() {
            self.notes.push(line.trim_end().to_owned());
        }
    }

    fn outcome(
        self,
        engine: Engine,
        result: Result<Output, ProcessError>,
    ) -> Result<Outcome, Error> {
        let begun = self.begun.contains(&true);
        match result {
            Err(ProcessError::TimedOut { limit, .. }) => {
                Ok(Outcome { status: Status::TimedOut, elapsed: limit, notes: self.notes })
            }
            Err(error) => Err(error.into()),
            Ok(output) if !begun => {
                let mut said = self.notes;
                if said.is_empty() {
                    said.push(match (output.code, output.signal) {
                        (_, Some(signal)) => format!("it was killed by signal {signal}"),
                        (code, None) => format!("it ended with code {}", code.unwrap_or_default()),
                    });
                }
                Err(Error::NotStarted { engine, said })
            }
            Ok(output) => {
                let status = match (output.code, output.signal) {
                    (_, Some(signal)) => Status::Killed(signal),
                    (code, None) => Status::of_shell(code.unwrap_or_default()),
                };
                Ok(Outcome { status, elapsed: output.elapsed, notes: self.notes })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn output(code: i32) -> Result<Output, ProcessError> {
        let (stdout, stderr) = (Vec::new(), Vec::new());
        Ok(Output { code: Some(code), signal: None, stdout, stderr, elapsed: Duration::ZERO })
    }

    fn filter() -> Filter<'static> {
        Filter { marker: "begun", begun: [false; 2], notes: Vec::new() }
    }

    #[test]
    fn what_the_engine_says_is_told_from_what_the_command_says() {
        let mut filter = filter();
        let mut heard = Vec::new();
        for (stream, line) in [
            (Stream::Error, "level=warning"),
            (Stream::Out, "begun"),
            (Stream::Out, "hello"),
            (Stream::Error, "begun"),
            (Stream::Error, "125"),
        ] {
            filter.pass(stream, line, &mut |_, line: &str| heard.push(line.to_owned()));
        }
        assert_eq!(heard, ["hello", "125"]);
        let outcome = filter.outcome(Engine::Podman, output(125)).unwrap();
        assert_eq!(
            (outcome.status, &*outcome.notes),
            (Status::Exited(125), &["level=warning".to_owned()][..])
        );
    }

    #[test]
    fn an_engine_that_fails_first_is_no_outcome() {
        let mut failed = filter();
        failed.pass(Stream::Error, "Error: no such image", &mut |_, _: &str| ());
        let error = failed.outcome(Engine::Docker, output(125)).unwrap_err();
        assert_eq!(error.to_string(), "docker could not start the command: Error: no such image");
        let silent = filter().outcome(Engine::Docker, output(2)).unwrap_err();
        assert!(silent.to_string().ends_with("it ended with code 2"));
    }
}
