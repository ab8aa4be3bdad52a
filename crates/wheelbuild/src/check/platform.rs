//! Platform tags against the headers of the files.

use artifacts::ObjectFormat;
use artifacts::wheel::Wheel;
use host::Version;

use super::Problem;
use super::facts::{Facts, system_of};

/// What a platform tag promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Platform {
    /// `any`
    Any,
    /// `manylinux_2_17_x86_64` and its older names: the glibc and the machine.
    Manylinux(Version, String),
    /// `musllinux_1_2_x86_64`: the machine.
    Musllinux(String),
    /// `linux_x86_64`: the machine.
    Linux(String),
    /// `macosx_11_0_arm64`: the machine, or `universal2`.
    Macos(String),
    /// `win_amd64`
    Windows(&'static str),
    /// Nothing is known of it.
    Unknown,
}

impl Platform {
    pub(super) fn parse(tag: &str) -> Self {
        const OLD: [(&str, [u32; 2]); 3] =
            [("manylinux1_", [2, 5]), ("manylinux2010_", [2, 12]), ("manylinux2014_", [2, 17])];
        for (prefix, glibc) in OLD {
            if let Some(machine) = tag.strip_prefix(prefix) {
                return Self::Manylinux(Version::new(glibc), machine.to_owned());
            }
        }
        let numbered = |rest: &str| -> Option<(Version, String)> {
            let mut parts = rest.splitn(3, '_');
            let numbers = [parts.next()?.parse().ok()?, parts.next()?.parse().ok()?];
            Some((Version::new(numbers), parts.next()?.to_owned()))
        };
        if let Some((glibc, machine)) = tag.strip_prefix("manylinux_").and_then(numbered) {
            return Self::Manylinux(glibc, machine);
        }
        if let Some((_, machine)) = tag.strip_prefix("musllinux_").and_then(numbered) {
            return Self::Musllinux(machine);
        }
        if let Some((_, machine)) = tag.strip_prefix("macosx_").and_then(numbered) {
            return Self::Macos(machine);
        }
        match tag {
            "any" => Self::Any,
            "win_amd64" => Self::Windows("x86_64"),
            "win_arm64" => Self::Windows("aarch64"),
            "win32" => Self::Windows("i686"),
            _ => match tag.strip_prefix("linux_") {
                Some(machine) => Self::Linux(machine.to_owned()),
                None => Self::Unknown,
            },
        }
    }

    /// The format of its native files and the machines that each of them must be for, one of them
    /// at least: by the names that `artifacts` has.
    fn expects(&self) -> Option<(ObjectFormat, Vec<&str>, bool)> {
        match self {
            Self::Any | Self::Unknown => None,
            Self::Manylinux(_, machine) | Self::Musllinux(machine) | Self::Linux(machine) => {
                Some((ObjectFormat::Elf, vec![architecture(machine)], false))
            }
            Self::Macos(machine) if machine == "universal2" => {
                Some((ObjectFormat::MachO, vec!["x86_64", "aarch64"], true))
            }
            Self::Macos(machine) => Some((ObjectFormat::MachO, vec![architecture(machine)], false)),
            Self::Windows(machine) => Some((ObjectFormat::Pe, vec![machine], false)),
        }
    }
}

/// The first word of Rust's target triples for a machine as tags name it.
fn architecture(machine: &str) -> &str {
    match machine {
        "arm64" => "aarch64",
        "armv7l" | "armv6l" | "armv8l" => "arm",
        "ppc64le" => "powerpc64le",
        "ppc64" => "powerpc64",
        "i386" | "intel" => "i686",
        other => other,
    }
}

pub(super) fn check(wheel: &Wheel, facts: &Facts, problems: &mut Vec<Problem>) {
    let Ok(name) = &wheel.name else { return };
    for tag in &name.platform {
        let platform = Platform::parse(tag);
        if platform == Platform::Unknown {
            problems.push(
                Problem::info("platform-not-judged", tag)
                    .seen(format!("{} native files", facts.modules.len()))
                    .because("nothing is known here of this platform")
                    .cure("check the wheel with the tools of the platform"),
            );
        }
        if let Platform::Linux(_) = platform {
            problems.push(
                Problem::warning("tag-not-portable", tag)
                    .seen("it promises no version of glibc or musl")
                    .because("the build tool was not asked for a portable tag, or refused to give one")
                    .cure("build with `maturin build --release`, or repair it with auditwheel; the index takes no such tag"),
            );
        }
        let Some((format, machines, all)) = platform.expects() else { continue };
        if facts.modules.is_empty() {
            problems.push(
                Problem::info("no-native-file", tag)
                    .seen("the tag names a platform, and no file is for one")
                    .because("the wheel is pure Python, or its native part was left out")
                    .cure("if there is nothing native in it, build it with the tag `any`"),
            );
        }
        for module in &facts.modules {
            let own = &module.native;
            // Programs for other systems may lie in a wheel as data; modules may not.
            if own.format != format {
                if module.is_extension() {
                    problems.push(
                        Problem::error("module-for-other-system", &module.name)
                            .seen(format!("{} module, and the tag {tag}", system_of(own.format)))
                            .because("it was built for another system than the wheel is tagged for")
                            .cure("build on the system of the tag, or for its target"),
                    );
                }
                continue;
            }
            let has = |machine: &&str| own.architectures.iter().any(|name| name == machine);
            let fits = if all { machines.iter().all(has) } else { machines.iter().any(has) };
            if !fits {
                problems.push(
                    Problem::error("module-for-other-machine", &module.name)
                        .seen(format!("for {}, and the tag {tag}", own.architectures.join(", ")))
                        .because("it was built for another processor than the wheel is tagged for")
                        .cure("build with `--target` for the processor of the tag"),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_told_apart() {
        let glibc = |minor| Version::new([2, minor]);
        for (tag, platform) in [
            ("any", Platform::Any),
            ("manylinux1_i686", Platform::Manylinux(glibc(5), "i686".to_owned())),
            ("manylinux2014_x86_64", Platform::Manylinux(glibc(17), "x86_64".to_owned())),
            ("manylinux_2_34_ppc64le", Platform::Manylinux(glibc(34), "ppc64le".to_owned())),
            ("musllinux_1_2_x86_64", Platform::Musllinux("x86_64".to_owned())),
            ("linux_aarch64", Platform::Linux("aarch64".to_owned())),
            ("macosx_11_0_arm64", Platform::Macos("arm64".to_owned())),
            ("win_amd64", Platform::Windows("x86_64")),
            ("win32", Platform::Windows("i686")),
            ("android_21_x86_64", Platform::Unknown),
            ("manylinux_x_y_z", Platform::Unknown),
        ] {
            assert_eq!(Platform::parse(tag), platform, "{tag}");
        }
    }
}
