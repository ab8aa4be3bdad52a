//! The only place that prints: data on standard output, talk on standard error.

use std::io::{self, ErrorKind, Write as _};

use anstream::{AutoStream, ColorChoice};

use crate::cli::Color;
use crate::failure::Failure;

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

    /// Tells the user something; if nobody can hear it, the work goes on.
    pub(crate) fn talk(&self, text: &str) {
        let mut stderr = AutoStream::new(io::stderr().lock(), self.choice);
        let _ = stderr.write_all(text.as_bytes());
    }
}
