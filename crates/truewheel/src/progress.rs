//! How far a long piece of work is, on standard error: one line that changes on a terminal, and
//! elsewhere a line for each phase of what has phases.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::output::Printer;

/// Work that takes longer says how far it is.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often it says so.
const INTERVAL: Duration = Duration::from_millis(200);
/// Columns of the line; longer ones would wrap.
const WIDTH: usize = 79;

/// Does the work, and shows whoever watches what `line` says of it.
pub(crate) fn watched<R>(
    printer: &Printer,
    line: impl Fn() -> String + Sync,
    work: impl FnOnce() -> R,
) -> R {
    if !printer.is_watched() {
        return work();
    }
    thread::scope(|scope| {
        let (done, is_done) = mpsc::channel::<()>();
        let line = &line;
        scope.spawn(move || {
            let mut wait = PATIENCE;
            let mut told = false;
            while let Err(RecvTimeoutError::Timeout) = is_done.recv_timeout(wait) {
                let line: String = line().chars().take(WIDTH).collect();
                // Spaces take away what was longer, on every terminal and without colour too.
                printer.talk(&format!("\r{line:<WIDTH$}"));
                (wait, told) = (INTERVAL, true);
            }
            if told {
                printer.talk(&format!("\r{:WIDTH$}\r", ""));
            }
        });
        let result = work();
        drop(done);
        result
    })
}

/// Tells something while [`watched`] may show its line: what it shows is taken away first, and comes
/// back by itself.
pub(crate) fn talk_over(printer: &Printer, text: &str) {
    if printer.is_watched() {
        printer.talk(&format!("\r{:WIDTH$}\r{text}", ""));
    } else {
        printer.talk(text);
    }
}

/// Work in phases that each have parts. May be told of it by several threads.
pub(crate) struct Phases {
    begun: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    phase: &'static str,
    total: usize,
    done: usize,
    current: String,
}

impl Phases {
    /// Nothing has begun yet.
    pub(crate) fn new() -> Self {
        Self { begun: Instant::now(), state: Mutex::default() }
    }

    /// Another phase begins, of so many parts; 0 where nobody knows. Whoever does not watch is told
    /// once.
    pub(crate) fn phase(&self, printer: &Printer, name: &'static str, total: usize) {
        let mut state = self.state();
        if !printer.is_watched() && state.phase != name {
            let count = if total > 0 { format!(": {total}") } else { String::new() };
            printer.talk(&format!("{name}{count}\n"));
        }
        *state = State { phase: name, total, ..State::default() };
    }

    /// A part begins.
    pub(crate) fn begin(&self, what: String) {
        self.state().current = what;
    }

    /// A part is done.
    pub(crate) fn done(&self) {
        self.state().done += 1;
    }

    /// How far it is.
    pub(crate) fn line(&self) -> String {
        self.state().line(self.begun.elapsed())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn line(&self, elapsed: Duration) -> String {
        let count = match self.total {
            0 => String::new(),
            total => format!(" {}/{total}", self.done),
        };
        let current = report::render::visible(&self.current);
        format!("{}{count} · {} s  {current}", self.phase, elapsed.as_secs()).trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Color;

    #[test]
    fn the_line_says_what_is_done_and_how_much_is_left() {
        let phases = Phases::new();
        phases.phase(&Printer::new(Color::Never), "reading", 12);
        assert_eq!(phases.state().line(Duration::ZERO), "reading 0/12 · 0 s");
        phases.begin("py3.11\u{1b}".to_owned());
        phases.done();
        let line = phases.state().line(Duration::from_secs(3));
        assert_eq!(line, "reading 1/12 · 3 s  py3.11\\u{1b}");
    }
}
