//! Carrying a cure out, action by action, with a record of each before it is done.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use doctor::{Action, Entry, Facts};
use host::{Guard, Invocation, ProcessError};

use super::record::{Packages, Record, State, Step, Store, What};
use super::{aside, undo};
use crate::commands::Context;
use crate::commands::doctor::OWN_NAME;
use crate::failure::Failure;
use crate::progress;

/// Longest file that is edited.
pub(super) const TEXT_LIMIT: u64 = 4 << 20;
/// Lines of a command's output that are quoted when it fails.
const QUOTED: usize = 20;
/// Longest line that is quoted.
const LINE: usize = 400;

/// What carrying out takes.
pub(super) struct Work<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) store: &'a Store<'a>,
    pub(super) project: &'a Path,
    /// Limit of one command.
    pub(super) limit: Duration,
    /// Whether the output of commands is passed on.
    pub(super) verbose: bool,
}

/// Why an action was not done.
#[derive(Debug)]
pub(super) struct Trouble {
    /// The action, as it would be typed.
    pub(super) doing: String,
    /// What went wrong.
    pub(super) reason: String,
    /// The end of what the command said.
    pub(super) output: Vec<String>,
}

/// What came of a cure.
pub(super) struct Carried {
    /// Number of its record.
    pub(super) id: u64,
    /// What went wrong, and what was brought back then.
    pub(super) trouble: Option<(Trouble, undo::Brought)>,
}

/// Carries a cure out. When an action fails, those before it are undone.
pub(super) fn carry_out(work: &Work<'_>, facts: &Facts, entry: &Entry) -> Result<Carried, Failure> {
    let mut record = work.store.begin(work.project, entry)?;
    let os = facts.machine.os.name();
    for action in &entry.cure.actions {
        let Err(problem) = act(work, facts, &mut record, action)? else { continue };
        let (reason, output) = problem;
        work.talk("  that failed; what was done before it is brought back");
        let brought = undo::bring_back(work, &mut record)?;
        record.state = State::Failed;
        record.owner = None;
        work.store.save(&record)?;
        let trouble = Trouble { doing: action.typed(os), reason, output };
        return Ok(Carried { id: record.id, trouble: Some((trouble, brought)) });
    }
    record.state = State::Done;
    record.owner = None;
    work.store.save(&record)?;
    Ok(Carried { id: record.id, trouble: None })
}

/// What went wrong with an action, and the end of its output.
type Problem = (String, Vec<String>);

fn act(
    work: &Work<'_>,
    facts: &Facts,
    record: &mut Record,
    action: &Action,
) -> Result<Result<(), Problem>, Failure> {
    match action {
        Action::MoveAside { path, .. } => {
            Ok(move_aside(work, record, Path::new(path))?.map_err(|reason| (reason, Vec::new())))
        }
        Action::Write { file, text } => {
            let new = |_: &str| Ok(text.clone());
            Ok(write(work, record, Path::new(file), &new)?.map_err(|reason| (reason, Vec::new())))
        }
        Action::Configure { file, table, key, value } => {
            let new = |old: &str| {
                doctor::set_in_toml(old, table, key, value).map_err(|error| error.to_string())
            };
            Ok(write(work, record, Path::new(file), &new)?.map_err(|reason| (reason, Vec::new())))
        }
        Action::Run { argv, variables } => {
            let environment = doctor::environment_of_command(facts, argv);
            let moved: Vec<&Path> = record
                .steps
                .iter()
                .filter_map(|step| match &step.what {
                    What::Moved { from, .. } => Some(from.as_path()),
                    _ => None,
                })
                .collect();
            let packages = environment.map(|environment| Packages {
                prefix: facts.native(&environment.python.prefix),
                conda: environment.python.kind.is_conda(),
                installed: doctor::installed(facts, environment, &moved),
            });
            begin(work, record, What::Command { argv: argv.clone(), packages })?;
            let result = work.run(argv, variables);
            if result.is_ok() {
                finish(work, record)?;
            }
            Ok(result)
        }
    }
}

fn begin(work: &Work<'_>, record: &mut Record, what: What) -> Result<(), Failure> {
    record.steps.push(Step { finished: false, what });
    work.store.save(record)
}

fn finish(work: &Work<'_>, record: &mut Record) -> Result<(), Failure> {
    if let Some(step) = record.steps.last_mut() {
        step.finished = true;
    }
    work.store.save(record)
}

fn move_aside(
    work: &Work<'_>,
    record: &mut Record,
    path: &Path,
) -> Result<Result<(), String>, Failure> {
    let host = work.context.host;
    if let Some(reason) = aside::refusal(host, work.project, path) {
        return Ok(Err(reason));
    }
    match host.symlink_metadata(path) {
        // What is gone needs no moving.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Ok(())),
        Err(error) => return Ok(Err(error.to_string())),
        Ok(_) => {}
    }
    work.talk(&format!("  moving aside: {}", path.display()));
    let mut last = String::new();
    for place in aside::places(work.store, record.id, record.steps.len(), path) {
        begin(work, record, What::Moved { from: path.to_path_buf(), to: place.clone() })?;
        match aside::rename(host, path, &place) {
            Ok(()) => {
                finish(work, record)?;
                return Ok(Ok(()));
            }
            Err(error) => {
                record.steps.pop();
                work.store.save(record)?;
                last = error.to_string();
            }
        }
    }
    Ok(Err(format!("{} cannot be moved aside: {last}", path.display())))
}

fn write(
    work: &Work<'_>,
    record: &mut Record,
    file: &Path,
    new: &dyn Fn(&str) -> Result<String, String>,
) -> Result<Result<(), String>, Failure> {
    let host = work.context.host;
    // The file that a link leads to is what is changed.
    let path = host.canonicalize(file).unwrap_or_else(|_| file.to_path_buf());
    let before = match host.read_text(&path, TEXT_LIMIT) {
        Ok(text) => Some(text),
        Err(error) if error.is_not_found() && !host.is_broken_link(&path) => None,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let after = match new(before.as_deref().unwrap_or_default()) {
        Ok(after) => after,
        Err(reason) => return Ok(Err(format!("{}: {reason}", path.display()))),
    };
    if before.as_ref() == Some(&after) {
        return Ok(Ok(()));
    }
    work.talk(&format!("  writing {}", path.display()));
    begin(work, record, What::File { path: path.clone(), before, after: after.clone() })?;
    if let Err(error) = replace(work, &path, after.as_bytes()) {
        record.steps.pop();
        work.store.save(record)?;
        return Ok(Err(format!("{} cannot be written: {error}", path.display())));
    }
    finish(work, record)?;
    Ok(Ok(()))
}

/// Writes a file with the permissions that the old one had.
pub(super) fn replace(work: &Work<'_>, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mode = work.context.host.metadata(path).map(|metadata| metadata.mode & 0o7777);
    host::write_atomically(path, bytes)?;
    match mode {
        Ok(mode) => host::set_mode(path, mode),
        Err(_) => Ok(()),
    }
}

impl Work<'_> {
    /// Tells whoever watches.
    pub(super) fn talk(&self, line: &str) {
        let line = report::render::visible(line);
        progress::talk_over(self.context.printer, &format!("{line}\n"));
    }

    /// Runs a command of a cure: without anything to read, with a limit, and ended with this
    /// program.
    pub(super) fn run(
        &self,
        argv: &[String],
        variables: &[(String, Option<String>)],
    ) -> Result<(), Problem> {
        let Some(command) = self.invocation(argv, variables) else { return Ok(()) };
        self.talk(&format!("  running: {}", command.display()));
        let begun = Instant::now();
        let said: RefCell<VecDeque<String>> = RefCell::default();
        let current = Mutex::new(String::new());
        let printer = self.context.printer;
        // Where there is no shell for it, there are no process groups either.
        let guard = RefCell::new(Guard::new(None).ok());
        let each = |_, line: &str| {
            let line: String =
                report::render::visible(line.trim_end()).chars().take(LINE).collect();
            if self.verbose {
                progress::talk_over(printer, &format!("    {line}\n"));
            }
            let mut said = said.borrow_mut();
            if said.len() == QUOTED {
                said.pop_front();
            }
            said.push_back(line.clone());
            if let Ok(mut current) = current.lock() {
                *current = line;
            }
        };
        let line = || {
            let current = current.lock().map(|line| line.clone()).unwrap_or_default();
            format!("    {} s  {current}", begun.elapsed().as_secs())
        };
        // The line is shown by another thread, so the work must be here.
        let result = progress::watched(printer, line, || {
            command.stream(
                |group| {
                    if let Some(guard) = guard.borrow_mut().as_mut() {
                        guard.watch_group(group);
                    }
                },
                each,
            )
        });
        if let Some(guard) = guard.take() {
            guard.release();
        }
        let output = said.take().into_iter().collect();
        match result {
            Ok(output_of) if output_of.success() => Ok(()),
            Ok(ended) => {
                let how = match (ended.code, ended.signal) {
                    (Some(code), _) => format!("it ended with {code}"),
                    (None, Some(signal)) => format!("signal {signal} ended it"),
                    (None, None) => "it did not end well".to_owned(),
                };
                Err((how, output))
            }
            Err(error @ ProcessError::TimedOut { .. }) => {
                Err((format!("{error}, and was ended"), output))
            }
            Err(error) => Err((error.to_string(), output)),
        }
    }

    fn invocation(
        &self,
        argv: &[String],
        variables: &[(String, Option<String>)],
    ) -> Option<Invocation> {
        let (program, arguments) = argv.split_first()?;
        let own = host::own_program().ok().filter(|_| program == OWN_NAME);
        let program = own.unwrap_or_else(|| PathBuf::from(program));
        let mut command = Invocation::new(&program);
        if program.as_os_str() == "sudo" {
            // It would ask a terminal that it is not given, and wait for ever.
            command = command.arg("-n");
        }
        command = command
            .args(arguments)
            .directory(self.project)
            .timeout(self.limit)
            .env("PIP_NO_INPUT", "1")
            .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
            .env("GIT_TERMINAL_PROMPT", "0");
        for (name, value) in variables {
            command = match value {
                Some(value) => command.env(name, value),
                None => command.without_env(name),
            };
        }
        Some(command)
    }
}
