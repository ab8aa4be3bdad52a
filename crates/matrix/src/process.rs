//! One process of a cell: what it may see, how long it may take, and how it ended.

use std::time::Duration;

use host::{Host, Invocation, ProcessError};

use crate::exchange::{CANNOT_IMPORT, CANNOT_IMPORT_PROGRAM};

/// What a process that failed may say of it.
const TALK_LIMIT: u64 = 1 << 20;

/// Why a cell's process did not do what it was asked.
pub(crate) enum CellError {
    /// It cannot import what it needs.
    Import(String),
    /// It cannot import the wheel's program, or what that needs.
    Program(String),
    /// Anything else.
    Other(String),
}

impl CellError {
    fn of(output: &host::Output) -> Self {
        let stderr = output.stderr_text();
        let last = stderr.trim_end().lines().last().unwrap_or("").trim().to_owned();
        let ended = match (output.signal, output.code) {
            (Some(signal), _) => format!("it was killed by signal {signal}"),
            (_, Some(code)) => format!("it ended with code {code}"),
            _ => "it ended".to_owned(),
        };
        let reason = if last.is_empty() { ended } else { format!("{ended}: {last}") };
        match output.code {
            Some(CANNOT_IMPORT) => Self::Import(last),
            Some(CANNOT_IMPORT_PROGRAM) => Self::Program(last),
            _ => Self::Other(reason),
        }
    }

    pub(crate) fn is_import_error(&self) -> bool {
        matches!(self, Self::Import(_))
    }

    pub(crate) fn into_reason(self) -> String {
        match self {
            Self::Import(reason) | Self::Program(reason) | Self::Other(reason) => reason,
        }
    }

    /// With what the process was doing, if it noted that.
    pub(crate) fn while_it(self, doing: Option<&str>) -> Self {
        match (self, doing) {
            (Self::Other(reason), Some(doing)) => Self::Other(format!("{reason}, while {doing}")),
            (error, _) => error,
        }
    }
}

/// Runs a process of Python to its end, and gives the time that it took.
pub(crate) fn run(
    host: &Host,
    command: Invocation,
    limit: Duration,
) -> Result<Duration, CellError> {
    run_as_it_is(clean_environment(host, command), limit)
}

/// The same for a process that sees the environment as the user has it.
pub(crate) fn run_as_it_is(command: Invocation, limit: Duration) -> Result<Duration, CellError> {
    let output = command.timeout(limit).output_limit(TALK_LIMIT).leashed().output().map_err(
        |error| match error {
            ProcessError::TimedOut { limit, .. } => CellError::Other(format!(
                "it ran longer than {} s and was killed; `time-limit` in `[matrix]` sets the limit",
                limit.as_secs()
            )),
            error => CellError::Other(error.to_string()),
        },
    )?;
    if output.success() { Ok(output.elapsed) } else { Err(CellError::of(&output)) }
}

/// What a cell may see of the environment: what its system and its libraries need to work, and
/// nothing that changes what Python imports.
fn clean_environment(host: &Host, command: Invocation) -> Invocation {
    const KEPT: &[&str] = &[
        "PATH",
        "HOME",
        "TMPDIR",
        "TEMP",
        "TMP",
        "SYSTEMROOT",
        "SYSTEMDRIVE",
        "WINDIR",
        "COMSPEC",
        "LD_LIBRARY_PATH",
        "DYLD_LIBRARY_PATH",
    ];
    let mut command = command.clear_env();
    for (name, value) in host.variables.iter() {
        // Which kernels OpenBLAS takes is a matter of the processor.
        if KEPT.contains(&name) || name.starts_with("OPENBLAS_") {
            command = command.env(name, value);
        }
    }
    // A pool of threads for linear algebra costs more than everything that a cell does.
    ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"]
        .iter()
        .fold(command, |command, name| command.env(name, "1"))
        .env("LC_ALL", "C.UTF-8")
}
