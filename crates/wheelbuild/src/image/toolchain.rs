//! The Rust toolchain of this machine, to be shown to a container read-only.

use std::path::{Path, PathBuf};
use std::time::Duration;

use host::{Host, Invocation};
use serde::{Deserialize, Serialize};

use super::Error;
use crate::engine::Mount;

/// Where a container sees this machine's toolchain.
pub const TOOLCHAIN_TARGET: &str = "/toolchain";

/// Longer than rustup takes to find out which toolchain is meant.
const PATIENCE: Duration = Duration::from_secs(60);

/// A Rust toolchain: one directory, and what its compiler says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Toolchain {
    /// The directory with `bin/rustc` and `lib/rustlib`.
    pub sysroot: PathBuf,
    /// `1.95.0`
    pub release: String,
    /// The commit that the compiler was built from: what is locked.
    pub commit: String,
    /// The system that it runs on: `x86_64-unknown-linux-gnu`.
    pub host: String,
}

impl Toolchain {
    /// The toolchain that cargo uses in that directory.
    ///
    /// # Errors
    /// There is no rustc, or it does not say what it is.
    pub fn find(host: &Host, directory: &Path) -> Result<Self, Error> {
        let rustc = host.variables.path("RUSTC").or_else(|| host.program("rustc"));
        let rustc = rustc.ok_or_else(|| Error::NotStored { wanted: "rustc".to_owned() })?;
        let ask = |arguments: &[&str]| -> Result<String, Error> {
            let command = Invocation::new(&rustc).args(arguments).directory(directory);
            let output = command.clone().timeout(PATIENCE).output()?;
            if output.success() {
                return Ok(output.stdout_text());
            }
            let said = output.stderr_text().trim().to_owned();
            Err(Error::Failed { program: command.display(), said })
        };
        let version = ask(&["--version", "--verbose"])?;
        let sysroot = PathBuf::from(ask(&["--print", "sysroot"])?.trim());
        let no_field = || Error::Failed {
            program: rustc.display().to_string(),
            said: "its version names no commit: only released compilers can be locked".to_owned(),
        };
        Self::read(&version, sysroot).ok_or_else(no_field)
    }

    /// A toolchain of which `rustc --version --verbose` said that; `None` if it names no commit.
    #[must_use]
    pub fn read(version: &str, sysroot: PathBuf) -> Option<Self> {
        let field = |name: &str| version.lines().find_map(|line| line.strip_prefix(name));
        let commit = field("commit-hash: ").filter(|commit| *commit != "unknown")?;
        Some(Self {
            sysroot,
            release: field("release: ")?.to_owned(),
            commit: commit.to_owned(),
            host: field("host: ")?.to_owned(),
        })
    }

    /// What shows it to a container.
    #[must_use]
    pub fn mount(&self) -> Mount {
        let (source, target) = (self.sysroot.clone(), TOOLCHAIN_TARGET.to_owned());
        Mount { source, target, writable: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION: &str = "rustc 1.95.0 (59807616e 2026-04-14)\nbinary: rustc\n\
        commit-hash: 59807616e1fa2540724bfbac14d7976d7e4a3860\ncommit-date: 2026-04-14\n\
        host: x86_64-unknown-linux-gnu\nrelease: 1.95.0\nLLVM version: 22.1.0\n";

    #[test]
    fn the_compiler_says_what_it_is() {
        let read = Toolchain::read(VERSION, PathBuf::from("/rust")).unwrap();
        assert_eq!(read.commit, "59807616e1fa2540724bfbac14d7976d7e4a3860");
        assert_eq!((&*read.release, &*read.host), ("1.95.0", "x86_64-unknown-linux-gnu"));
        let unknown = VERSION.replace("59807616e1fa2540724bfbac14d7976d7e4a3860", "unknown");
        assert_eq!(Toolchain::read(&unknown, PathBuf::new()), None);
    }

    #[test]
    fn the_toolchain_of_this_machine_has_a_compiler() {
        let host = Host::current().unwrap();
        let found = Toolchain::find(&host, &host.working_directory).unwrap();
        assert!(host.is_dir(&found.sysroot.join("lib/rustlib")), "{found:?}");
        assert_eq!(found.mount().target, TOOLCHAIN_TARGET);
    }
}
