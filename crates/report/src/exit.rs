//! Exit codes that scripts can trust.

/// How the program ends. The codes are public and never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// 0: healthy, or done.
    Healthy,
    /// 1: problems were found.
    Problems,
    /// 2: the tool itself failed.
    ToolFailed,
    /// 3: bad arguments, configuration or input.
    BadInput,
    /// 4: a wheel is not reproducible or fails verification.
    NotReproducible,
    /// 5: a matrix cell failed.
    MatrixFailed,
}

impl ExitStatus {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Healthy => 0,
            Self::Problems => 1,
            Self::ToolFailed => 2,
            Self::BadInput => 3,
            Self::NotReproducible => 4,
            Self::MatrixFailed => 5,
        }
    }
}

impl From<ExitStatus> for std::process::ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
    }
}
