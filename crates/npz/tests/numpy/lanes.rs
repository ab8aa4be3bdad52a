//! Pythons with real numpys: given by a directory of environments, or made with uv.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::environments::make;

/// A numpy, the Python that has it, and what else is installed.
pub(crate) struct Lane {
    pub(crate) name: &'static str,
    python: &'static str,
    requirements: &'static [&'static str],
}

pub(crate) const LANES: [Lane; 4] = [
    Lane { name: "1.17.5", python: "3.8", requirements: &["numpy==1.17.5"] },
    Lane { name: "1.24.4", python: "3.8", requirements: &["numpy==1.24.4"] },
    Lane { name: "2.2.6", python: "3.11", requirements: &["numpy==2.2.6"] },
    Lane { name: "newest", python: "3.13", requirements: &["numpy", "ml_dtypes"] },
];

/// The directory of the environments: `NPZ_TEST_NUMPYS`, or one in `target`. Each environment is
/// named after its lane.
fn directory() -> PathBuf {
    env::var_os("NPZ_TEST_NUMPYS").map_or_else(
        || Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("numpy"),
        PathBuf::from,
    )
}

impl Lane {
    /// The interpreter of this lane, made when it is not there yet.
    pub(crate) fn interpreter(&self) -> Result<PathBuf, String> {
        // Tests run side by side, and several want the same one.
        static MAKING: Mutex<()> = Mutex::new(());
        let _one_at_a_time = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
        let prefix = directory().join(self.name);
        let python = prefix.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
        if self.works(&python) {
            return Ok(python);
        }
        make(&prefix, &python, self.python, &[self.requirements])?;
        if self.works(&python) {
            return Ok(python);
        }
        Err(format!("{} was made, but has no such numpy", prefix.display()))
    }

    fn works(&self, python: &Path) -> bool {
        let mut command = Command::new(python);
        command.args(["-I", "-c", "import numpy; print(numpy.__version__)"]);
        let Ok(output) = command.output() else { return false };
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        output.status.success() && (self.name == "newest" || version == self.name)
    }
}
