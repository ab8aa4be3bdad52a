//! Operating systems and processor architectures.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An operating system the project knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Os {
    /// Linux, glibc or musl, WSL included.
    Linux,
    /// macOS.
    Macos,
    /// Windows.
    Windows,
}

impl Os {
    /// The system this program was compiled for; anything unknown is treated as Linux.
    #[must_use]
    pub fn current() -> Self {
        if cfg!(windows) {
            Self::Windows
        } else if cfg!(target_os = "macos") {
            Self::Macos
        } else {
            Self::Linux
        }
    }

    /// `linux`, `macos` or `windows`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Linux => "linux",
            Self::Macos => "macos",
            Self::Windows => "windows",
        }
    }
}

impl fmt::Display for Os {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A processor architecture, named as Rust's target triples name it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Arch {
    /// 64-bit x86.
    X86_64,
    /// 64-bit ARM.
    Aarch64,
    /// 32-bit x86.
    I686,
    /// Anything else, by its name.
    Other(String),
}

impl Arch {
    /// The architecture this program was compiled for.
    #[must_use]
    pub fn current() -> Self {
        Self::from(std::env::consts::ARCH.to_owned())
    }

    /// Width of a pointer in bits, where it is known.
    #[must_use]
    pub fn pointer_bits(&self) -> Option<u32> {
        match self {
            Self::X86_64 | Self::Aarch64 => Some(64),
            Self::I686 => Some(32),
            Self::Other(name) => match name.as_str() {
                "arm" | "armv7" | "mips" | "powerpc" => Some(32),
                "powerpc64" | "powerpc64le" | "riscv64" | "s390x" | "loongarch64" => Some(64),
                _ => None,
            },
        }
    }

    /// The name, for example `x86_64`.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
            Self::I686 => "i686",
            Self::Other(name) => name,
        }
    }
}

impl From<String> for Arch {
    fn from(name: String) -> Self {
        match name.as_str() {
            "x86_64" | "amd64" | "AMD64" | "x86-64" => Self::X86_64,
            "aarch64" | "arm64" | "ARM64" => Self::Aarch64,
            "i686" | "i386" | "i586" | "x86" => Self::I686,
            _ => Self::Other(name),
        }
    }
}

impl From<&str> for Arch {
    fn from(name: &str) -> Self {
        Self::from(name.to_owned())
    }
}

impl From<Arch> for String {
    fn from(arch: Arch) -> Self {
        arch.name().to_owned()
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A dotted version of numbers, such as the `2.36` of `GLIBC_2.36`; missing parts count as zero.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(Vec<u32>);

impl Version {
    /// From its numbers; trailing zeros do not count.
    pub fn new(parts: impl Into<Vec<u32>>) -> Self {
        let mut parts = parts.into();
        while parts.len() > 2 && parts.last() == Some(&0) {
            parts.pop();
        }
        Self(parts)
    }

    /// The numbers.
    #[must_use]
    pub fn parts(&self) -> &[u32] {
        &self.0
    }
}

impl FromStr for Version {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Result<Vec<u32>, _> = text.split('.').map(str::parse).collect();
        parts
            .ok()
            .filter(|p| p.len() <= 6)
            .map(Self::new)
            .ok_or_else(|| format!("`{text}` is not a dotted version"))
    }
}

impl TryFrom<String> for Version {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            write!(f, "{part}")?;
        }
        Ok(())
    }
}

/// The file of the program that is running, to start it once more as a process of its own.
///
/// # Errors
/// Where the system does not say.
pub fn own_program() -> std::io::Result<std::path::PathBuf> {
    std::env::current_exe()
}

/// How many processes or threads can really run at once; at least 1.
#[must_use]
pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Columns of the terminal that standard output is, where it is one and the system says.
#[cfg(unix)]
#[must_use]
pub fn terminal_width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// Columns of the terminal that standard output is, where it is one and the system says.
#[cfg(not(unix))]
#[must_use]
pub fn terminal_width() -> Option<usize> {
    None
}

/// Whether standard input brings data: a pipe, a file or a socket, and not a terminal or nothing at
/// all (`/dev/null`).
#[cfg(unix)]
#[must_use]
pub fn has_standard_input() -> bool {
    let Ok(status) = rustix::fs::fstat(std::io::stdin()) else { return false };
    let kind = rustix::fs::FileType::from_raw_mode(status.st_mode);
    !matches!(kind, rustix::fs::FileType::CharacterDevice | rustix::fs::FileType::Directory)
}

/// Whether standard input brings data, as far as can be told: it is no terminal.
#[cfg(not(unix))]
#[must_use]
pub fn has_standard_input() -> bool {
    use std::io::IsTerminal as _;
    !std::io::stdin().is_terminal()
}

#[cfg(unix)]
pub(crate) fn effective_user_id() -> Option<u32> {
    Some(rustix::process::geteuid().as_raw())
}

#[cfg(not(unix))]
pub(crate) fn effective_user_id() -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        let version = |text: &str| text.parse::<Version>().unwrap();
        assert!(version("2.4") < version("2.28"));
        assert!(version("3.4.30") > version("3.4.9"));
        assert_eq!(version("2.17.0"), version("2.17"));
        assert!("2.x".parse::<Version>().is_err());
    }

    #[test]
    fn architectures_have_one_name_each() {
        assert_eq!(Arch::from("arm64"), Arch::Aarch64);
        assert_eq!(Arch::from("AMD64"), Arch::X86_64);
        assert_eq!(Arch::from("riscv64").pointer_bits(), Some(64));
    }
}
