//! How far a long piece of work is, on standard error: one line that changes on a terminal, a line
//! for each phase elsewhere.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Work shorter than this needs no line.
const QUIET: Duration = Duration::from_secs(1);
/// Columns of the line; longer ones would wrap.
const WIDTH: usize = 79;

/// Tells how far work is. May be told of it by several threads.
pub(crate) struct ProgressLine {
    is_terminal: bool,
    state: Mutex<State>,
}

struct State {
    begun: Instant,
    phase: &'static str,
    total: usize,
    done: usize,
    current: String,
    is_shown: bool,
}

impl ProgressLine {
    /// Says nothing yet.
    pub(crate) fn new() -> Self {
        let state = State {
            begun: Instant::now(),
            phase: "",
            total: 0,
            done: 0,
            current: String::new(),
            is_shown: false,
        };
        Self { is_terminal: io::stderr().is_terminal(), state: Mutex::new(state) }
    }

    /// Another phase begins, of so many parts; 0 where nobody knows.
    pub(crate) fn phase(&self, name: &'static str, total: usize) {
        self.update(|state| {
            let is_new = state.phase != name;
            (state.phase, state.total, state.done) = (name, total, 0);
            state.current.clear();
            is_new
        });
    }

    /// A part begins.
    pub(crate) fn begin(&self, what: String) {
        self.update(|state| {
            state.current = what;
            false
        });
    }

    /// A part is done.
    pub(crate) fn done(&self) {
        self.update(|state| {
            state.done += 1;
            false
        });
    }

    /// Takes the line away.
    pub(crate) fn finish(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::take(&mut state.is_shown) {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }

    fn update(&self, change: impl FnOnce(&mut State) -> bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new_phase = change(&mut state);
        let elapsed = state.begun.elapsed();
        // If nobody can hear it, the work goes on.
        if !self.is_terminal {
            if is_new_phase {
                let _ = writeln!(io::stderr().lock(), "{}", state.heading());
            }
        } else if elapsed >= QUIET {
            let line: String = state.line(elapsed).chars().take(WIDTH).collect();
            let _ = write!(io::stderr().lock(), "\r\x1b[K{line}");
            let _ = io::stderr().flush();
            state.is_shown = true;
        }
    }
}

impl State {
    fn heading(&self) -> String {
        match self.total {
            0 => self.phase.to_owned(),
            total => format!("{}: {total}", self.phase),
        }
    }

    fn line(&self, elapsed: Duration) -> String {
        let count = match self.total {
            0 => String::new(),
            total => format!(" {}/{total}", self.done),
        };
        let current = report::render::visible(&self.current);
        format!("{}{count} · {} s  {current}", self.phase, elapsed.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_what_is_done_and_how_much_is_left() {
        let progress = ProgressLine::new();
        progress.phase("reading", 12);
        progress.begin("py3.11\u{1b}".to_owned());
        progress.done();
        let state = progress.state.lock().unwrap();
        let line = state.line(Duration::from_secs(3));
        assert_eq!(line, "reading 1/12 · 3 s  py3.11\\u{1b}");
        assert_eq!(state.heading(), "reading: 12");
    }
}
