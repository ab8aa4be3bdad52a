//! The Python of a build: that of the image, or one of this machine that is shown to it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use host::{Arch, Host, Invocation};

use super::store::Target;
use super::{Error, Result};
use crate::image::Package;

/// An interpreter answers at once, unless its disk is dead.
const PATIENCE: Duration = Duration::from_secs(60);

/// What an interpreter says of itself, a line each.
pub const QUESTION: &str = "import platform, sys\n\
    print('%d.%d' % sys.version_info[:2])\n\
    print(sys.base_prefix)\n\
    print(platform.libc_ver()[1])\n";

/// A Python of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpreter {
    /// The directory that has everything of it: `bin`, `lib`.
    pub prefix: PathBuf,
    /// Such as `3.11`.
    pub version: String,
    /// The minor version of glibc 2 that it runs on; 0 where there is none.
    glibc: u32,
}

impl Interpreter {
    /// What a Python says of itself. It is run once, isolated.
    ///
    /// # Errors
    /// It cannot be run, or says something else.
    pub fn ask(python: &Path) -> Result<Interpreter> {
        let doing = format!("ask {} what it is", python.display());
        let output = Invocation::new(python)
            .args(["-I", "-B", "-c", QUESTION])
            .timeout(PATIENCE)
            .output()
            .map_err(Error::process(&doing))?;
        let said = output.stdout_text();
        Self::read(&said).filter(|_| output.success()).ok_or_else(|| Error::Program {
            doing,
            reason: super::store::last_lines(&output.stderr_text()),
            cure: Some("name another one with --python".to_owned()),
        })
    }

    /// A Python that answered that to [`QUESTION`]; `None` if it is no answer.
    #[must_use]
    pub fn read(answer: &str) -> Option<Interpreter> {
        let mut lines = answer.lines();
        let (version, prefix) = (lines.next()?, lines.next()?);
        let glibc = lines.next().and_then(minor_of_glibc).unwrap_or_default();
        Some(Interpreter { prefix: PathBuf::from(prefix), version: version.to_owned(), glibc })
    }

    /// For what files are fetched when it is used on this machine.
    #[must_use]
    pub fn target(&self, host: &Host) -> Target {
        Target { python: self.version.clone(), glibc: self.glibc, machine: machine(host) }
    }
}

/// For what files are fetched when the packages of an image, and perhaps a Python of this machine,
/// are used; `None` if the image has no Python or no glibc.
#[must_use]
pub fn target_of(
    host: &Host,
    packages: &[Package],
    interpreter: Option<&Interpreter>,
) -> Option<Target> {
    let version = |name: &str| {
        let package = packages.iter().find(|package| package.name == name)?;
        // What stands before a colon counts how often Debian began to number anew.
        package.version.split_once(':').map(|it| it.1).or(Some(package.version.as_str()))
    };
    let glibc = minor_of_glibc(version("libc6")?)?;
    let python = match interpreter {
        Some(interpreter) => interpreter.version.clone(),
        None => {
            let mut parts = version("python3")?.split('.');
            format!("{}.{}", parts.next()?, parts.next()?)
        }
    };
    Some(Target { python, glibc, machine: machine(host) })
}

/// `36` of `2.36` and `2.36-9+deb12u1`.
fn minor_of_glibc(version: &str) -> Option<u32> {
    let rest = version.strip_prefix("2.")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// As the tags of wheels have it.
fn machine(host: &Host) -> String {
    match &host.arch {
        Arch::X86_64 => "x86_64".to_owned(),
        Arch::Aarch64 => "aarch64".to_owned(),
        Arch::I686 => "i686".to_owned(),
        Arch::Other(name) => name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_says_by_its_packages_what_it_can_run() {
        let host = Host::current().unwrap();
        let package = |text: &str| Package::try_from(text.to_owned()).unwrap();
        let mut packages = vec![package("libc6 2.36-9+deb12u13 amd64")];
        assert_eq!(target_of(&host, &packages, None), None);
        packages.push(package("python3 3.11.2-1+b1 amd64"));
        let target = target_of(&host, &packages, None).unwrap();
        assert_eq!((&*target.python, target.glibc), ("3.11", 36));
        let other = Interpreter { prefix: "/py".into(), version: "3.13".to_owned(), glibc: 0 };
        assert_eq!(target_of(&host, &packages, Some(&other)).unwrap().python, "3.13");
    }

    #[test]
    fn what_is_no_python_is_named() {
        let error = Interpreter::ask(Path::new("/bin/false")).unwrap_err();
        assert!(error.to_string().contains("/bin/false"), "{error}");
    }
}
