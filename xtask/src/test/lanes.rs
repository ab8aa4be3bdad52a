//! The lanes of `cargo xtask test`, and which test belongs to which.

use std::time::Duration;

use clap::ValueEnum;

/// One kind of tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Lane {
    /// Formatting and lints of every crate.
    Lints,
    /// Unit tests of every crate, and the examples in their documentation.
    Unit,
    /// The program's command line.
    Cli,
    /// The rules of the repository.
    Repository,
    /// Faults made for real.
    Faults,
    /// Faults in real conda prefixes.
    Conda,
    /// Faults on real mounts.
    Mounts,
    /// Healthy environments yield nothing.
    Silence,
    /// Damaged and hostile files never stop the doctor.
    Garbage,
    /// The doctor changes nothing.
    Unchanged,
    /// Array files of the npz crate and of real numpys, each read by the other.
    Numpy,
    /// The wheel in environments of old and new Pythons and numpys.
    Wheel,
    /// The matrix of Pythons and numpys, and cells that are made to fail.
    Matrix,
    /// Real containers: podman, docker, namespaces, and none.
    Containers,
    /// Real wheels, judged by others as well, and compared.
    Wheels,
    /// Real builds of wheels: the same everywhere, and what is said and left when they fail.
    Builds,
    /// Projects of other people raise no false alarm.
    Projects,
    /// The page of the matrix in a real browser.
    Browser,
    /// Array files in Pyodide, old and new, under node.
    Pyodide,
}

impl Lane {
    /// As written on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Lints => "lints",
            Self::Unit => "unit",
            Self::Cli => "cli",
            Self::Repository => "repository",
            Self::Faults => "faults",
            Self::Conda => "conda",
            Self::Mounts => "mounts",
            Self::Silence => "silence",
            Self::Garbage => "garbage",
            Self::Unchanged => "unchanged",
            Self::Numpy => "numpy",
            Self::Wheel => "wheel",
            Self::Matrix => "matrix",
            Self::Containers => "containers",
            Self::Wheels => "wheels",
            Self::Builds => "builds",
            Self::Projects => "projects",
            Self::Browser => "browser",
            Self::Pyodide => "pyodide",
        }
    }

    /// How long its tests may take, which is several times what they take on a slow machine: one
    /// that hangs must not hold the others up for ever.
    pub(crate) fn limit(self) -> Duration {
        let minutes = match self {
            Self::Containers | Self::Wheels => 20,
            Self::Builds => 45,
            _ => 120,
        };
        Duration::from_secs(60 * minutes)
    }

    /// The integration-test binary that holds it, if one does.
    pub(crate) fn binary(self) -> Option<&'static str> {
        match self {
            Self::Lints | Self::Unit => None,
            Self::Cli => Some("cli"),
            Self::Repository => Some("repository"),
            Self::Faults
            | Self::Conda
            | Self::Mounts
            | Self::Silence
            | Self::Garbage
            | Self::Unchanged => Some("faults"),
            Self::Numpy => Some("numpy"),
            Self::Wheel => Some("wheel"),
            Self::Matrix => Some("matrix"),
            Self::Containers => Some("containers"),
            Self::Wheels => Some("wheels"),
            Self::Builds => Some("builds"),
            Self::Projects => Some("projects"),
            Self::Browser => Some("browser"),
            Self::Pyodide => Some("pyodide"),
        }
    }

    /// The lane of a test in the binary `faults`: by its module, else by what its name says it
    /// needs.
    pub(crate) fn of_fault_test(test: &str) -> Self {
        let module = test.split("::").next().unwrap_or(test);
        match module {
            "silence" => Self::Silence,
            "garbage" => Self::Garbage,
            "unchanged" => Self::Unchanged,
            _ if test.contains("conda") => Self::Conda,
            _ if test.contains("mount") => Self::Mounts,
            _ => Self::Faults,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_goes_by_its_module_first_and_by_its_name_second() {
        assert_eq!(Lane::of_fault_test("silence::a_conda_environment"), Lane::Silence);
        assert_eq!(Lane::of_fault_test("npy::conda_and_pip_disagree"), Lane::Conda);
        assert_eq!(Lane::of_fault_test("fs::a_full_mount"), Lane::Mounts);
        assert_eq!(Lane::of_fault_test("env::base_removed"), Lane::Faults);
    }
}
