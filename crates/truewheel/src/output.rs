//! The only place that prints: data on standard output, talk on standard error.

use std::io::{self, ErrorKind, IsTerminal as _, Write as _};

use anstream::{AutoStream, ColorChoice};
use host::{Host, Stream};
use serde::Serialize;

use crate::cli::Color;
use crate::failure::Failure;

/// Columns where nobody says how many there are.
const WIDTH: usize = 100;

/// Writes to the two streams, with or without colour.
#[derive(Debug)]
pub(crate) struct Printer {
    choice: ColorChoice,
}

impl Printer {
    pub(crate) fn new(color: Color) -> Self {
        let choice = match color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        Self { choice }
    }

    /// Columns that text for a person may take.
    pub(crate) fn width(&self, host: &Host) -> usize {
        let told = || host.variables.text("COLUMNS")?.parse().ok();
        host::terminal_width().or_else(told).unwrap_or(WIDTH)
    }

    /// Prints data. A reader that stopped reading (`| head`) is not an error.
    pub(crate) fn data(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = AutoStream::new(io::stdout().lock(), self.choice);
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(Failure::tool(error, "cannot write to standard output"))
            }
            _ => Ok(()),
        }
    }

    /// Prints data that more will follow; `false` when nobody reads it any more.
    pub(crate) fn live(&self, text: &str) -> Result<bool, Failure> {
        let mut stdout = AutoStream::new(io::stdout().lock(), self.choice);
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(Failure::tool(error, "cannot write to standard output")),
        }
    }

    /// Whether somebody watches the stream for talk.
    pub(crate) fn is_watched(&self) -> bool {
        io::stderr().is_terminal()
    }

    /// Passes on bytes of a command, as they are. A reader that is gone does not stop the command.
    pub(crate) fn pass(&self, stream: Stream, bytes: &[u8]) {
        let _ = match stream {
            Stream::Out => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(bytes).and_then(|()| stdout.flush())
            }
            Stream::Error => io::stderr().lock().write_all(bytes),
        };
    }

    /// Tells the user something; if nobody can hear it, the work goes on.
    pub(crate) fn talk(&self, text: &str) {
        let mut stderr = AutoStream::new(io::stderr().lock(), self.choice);
        let _ = stderr.write_all(text.as_bytes());
    }
}

/// Data for programs, indented.
pub(crate) fn json(value: &impl Serialize) -> Result<String, Failure> {
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::tool(error, "cannot write JSON"))?;
    text.push('\n');
    Ok(text)
}

/// A size as a person reads it.
pub(crate) fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if value < 1000.0 {
            return match unit {
                "B" => format!("{bytes} B"),
                _ if value < 10.0 => format!("{value:.1} {unit}"),
                _ => format!("{value:.0} {unit}"),
            };
        }
        value /= 1000.0;
    }
    format!("{value:.1} TB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        let sizes = [0, 999, 1_234, 56_789, 2_000_000_000, u64::MAX].map(size);
        assert_eq!(sizes, ["0 B", "999 B", "1.2 kB", "57 kB", "2.0 GB", "18446744.1 TB"]);
    }
}
