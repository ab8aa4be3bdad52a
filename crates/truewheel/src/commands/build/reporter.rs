//! What a build tells while it runs: phases for a person, a line of JSON for each event for a program.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use report::render::json::escape_hidden;
use report::render::visible;
use serde::Serialize;
use serde_json::{Value, json};
use wheelbuild::build::Event;

use super::super::wheels::{DIM, GREEN};
use crate::cli::BuildFormat;
use crate::failure::Failure;
use crate::output::Printer;
use crate::progress::{self, watched};

/// Version of the layout of the events; raised with every change that a reader could notice.
const SCHEMA: &str = "truewheel-build/1";

/// Tells what happens.
pub(super) struct Reporter<'a> {
    printer: &'a Printer,
    format: BuildFormat,
    verbose: bool,
    begun: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    phase: String,
    since: Option<Instant>,
    /// Crates that are compiled, and of how many.
    done: usize,
    total: usize,
    last: String,
}

impl<'a> Reporter<'a> {
    pub(super) fn new(
        printer: &'a Printer,
        format: BuildFormat,
        verbose: bool,
        command: &str,
    ) -> Result<Self, Failure> {
        let state = Mutex::default();
        let reporter = Self { printer, format, verbose, begun: Instant::now(), state };
        let version = env!("CARGO_PKG_VERSION");
        let opening = json!({ "schema": SCHEMA, "version": version, "command": command });
        reporter.event("started", &opening)?;
        Ok(reporter)
    }

    /// Does the work while somebody may watch how far it is.
    pub(super) fn watch<R>(&self, work: impl FnOnce() -> R) -> R {
        watched(self.printer, || self.line(), work)
    }

    /// An event for a program; a person is not told.
    pub(super) fn event(&self, name: &str, fields: &impl Serialize) -> Result<(), Failure> {
        if self.format != BuildFormat::Json {
            return Ok(());
        }
        let wrong = |error| Failure::tool(error, "cannot write JSON");
        let fields = serde_json::to_value(fields).map_err(wrong)?;
        let mut event = serde_json::Map::new();
        event.insert("event".to_owned(), name.into());
        event.insert("elapsed".to_owned(), self.begun.elapsed().as_secs_f64().into());
        match fields {
            Value::Object(fields) => event.extend(fields),
            other => drop(event.insert("value".to_owned(), other)),
        }
        let text = serde_json::to_string(&event).map_err(wrong)?;
        self.printer.data(&format!("{}\n", escape_hidden(&text)))
    }

    /// A line for a person; a program is not told.
    pub(super) fn say(&self, line: &str) {
        if self.format == BuildFormat::Human {
            progress::talk_over(self.printer, &format!("{line}\n"));
        }
    }

    /// The result, for a person.
    pub(super) fn result(&self, text: &str) -> Result<(), Failure> {
        match self.format {
            BuildFormat::Human => self.printer.data(text),
            BuildFormat::Json => Ok(()),
        }
    }

    /// A phase begins, in which so many crates are compiled.
    pub(super) fn begin(&self, phase: &str, crates: usize) {
        *self.state() = State {
            phase: phase.to_owned(),
            since: Some(Instant::now()),
            total: crates,
            ..State::default()
        };
        if !self.printer.is_watched() || self.verbose {
            self.say(&format!("· {phase}"));
        }
        // Who reads the events no longer is told by the end of the program.
        let _ = self.event("phase-begun", &json!({ "phase": phase, "crates": crates }));
    }

    /// The phase has ended well.
    pub(super) fn end(&self) {
        let (phase, seconds, crates) = {
            let state = self.state();
            (state.phase.clone(), state.since.map(|it| it.elapsed()), state.done)
        };
        self.ended(&phase, seconds.unwrap_or_default(), crates);
    }

    fn ended(&self, phase: &str, elapsed: Duration, crates: usize) {
        let seconds = elapsed.as_secs_f64();
        let counted = if crates > 0 { format!(", {crates} crates") } else { String::new() };
        self.say(&format!("{GREEN}✓{GREEN:#} {phase}  {DIM}{seconds:.1} s{counted}{DIM:#}"));
        let fields = json!({ "phase": phase, "seconds": seconds, "crates": crates });
        let _ = self.event("phase-ended", &fields);
    }

    /// What the library says of a build that runs; `crates` is how many it has to compile.
    pub(super) fn tell(&self, event: &Event<'_>, crates: usize) {
        match *event {
            Event::Begun(phase) => self.begin(phase, crates),
            Event::Ended(phase, elapsed) => {
                let crates = self.state().done;
                self.ended(phase, elapsed, crates);
            }
            Event::Line(line) => self.heard(line),
        }
    }

    /// A command printed a line.
    pub(super) fn heard(&self, line: &str) {
        if self.verbose {
            self.say(&visible(line));
            let _ = self.event("line", &json!({ "text": line }));
        }
        let words = line.trim_start();
        let is_crate = words.starts_with("Compiling ") && words.contains(" v");
        let mut state = self.state();
        if is_crate {
            state.done += 1;
            let (done, total) = (state.done, state.total.max(state.done));
            words.clone_into(&mut state.last);
            drop(state);
            let _ = self.event("crate", &json!({ "done": done, "total": total, "text": words }));
        } else if !words.is_empty() {
            words.clone_into(&mut state.last);
        }
    }

    fn line(&self) -> String {
        let elapsed = self.begun.elapsed().as_secs();
        let state = self.state();
        let count = match state.total {
            0 => String::new(),
            total => format!(" {}/{}", state.done, total.max(state.done)),
        };
        let seconds = state.since.map_or(elapsed, |it| it.elapsed().as_secs());
        format!("{}{count} · {seconds} s  {}", state.phase, visible(&state.last))
            .trim_end()
            .to_owned()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
