//! How extension modules of an interpreter are named.

use host::{Arch, Os};

use crate::Abi;

/// What an interpreter's own extension modules or build settings say of their suffix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag {
    /// `.cpython-311-x86_64-linux-gnu.so`
    suffix: String,
    /// Letters behind the version: `t`, `d`, `m`.
    flags: String,
}

/// The tag in the name of an extension module, such as
/// `_asyncio.cpython-311-x86_64-linux-gnu.so` or `_ctypes.pypy310-pp73-x86_64-linux-gnu.so`.
pub(crate) fn tag_of_module(name: &str) -> Option<Tag> {
    if !name.ends_with(".so") {
        return None;
    }
    let start = name.find(".cpython-").or_else(|| name.find(".pypy"))?;
    let suffix = &name[start..];
    let version = suffix.strip_prefix(".cpython-").unwrap_or("");
    let flags = version.trim_start_matches(|c: char| c.is_ascii_digit());
    let flags = &flags[..flags.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(flags.len())];
    Some(Tag { suffix: suffix.to_owned(), flags: flags.to_owned() })
}

/// The tag that follows from the name of the build settings,
/// `_sysconfigdata_t_linux_x86_64-linux-gnu.py`, and the version.
pub(crate) fn tag_of_settings(name: &str, (major, minor): (u64, u64)) -> Option<Tag> {
    let rest = name.strip_prefix("_sysconfigdata_")?.strip_suffix(".py")?;
    let mut parts = rest.splitn(3, '_');
    let (flags, platform, triple) = (parts.next()?, parts.next()?, parts.next()?);
    let triple = if platform == "darwin" { "darwin" } else { triple };
    // Debian keeps a second file without the platform, whose parts do not fit.
    if !["linux", "darwin"].contains(&platform) || triple.is_empty() {
        return None;
    }
    Some(cpython_tag(major, minor, flags, triple))
}

/// The tag of a CPython for a machine, when nothing on the disk shows it.
pub(crate) fn usual_tag(
    os: Os,
    arch: &Arch,
    is_musl: bool,
    (major, minor): (u64, u64),
    flags: &str,
) -> Option<Tag> {
    if os == Os::Windows {
        let platform = match arch {
            Arch::X86_64 => "win_amd64",
            Arch::Aarch64 => "win_arm64",
            Arch::I686 => "win32",
            Arch::Other(_) => return None,
        };
        let (debug, flags) = if flags.contains('d') {
            ("_d", flags.replace('d', ""))
        } else {
            ("", flags.to_owned())
        };
        let suffix = format!("{debug}.cp{major}{minor}{flags}-{platform}.pyd");
        return Some(Tag { suffix, flags: format!("{flags}{}", &debug.trim_start_matches('_')) });
    }
    if os == Os::Macos {
        return Some(cpython_tag(major, minor, flags, "darwin"));
    }
    let machine = match arch {
        Arch::X86_64 | Arch::Aarch64 => arch.name(),
        Arch::I686 => "i386",
        Arch::Other(name) if name == "arm" => {
            let triple = if is_musl { "arm-linux-musleabihf" } else { "arm-linux-gnueabihf" };
            return Some(cpython_tag(major, minor, flags, triple));
        }
        Arch::Other(name) => name,
    };
    let triple = format!("{machine}-linux-{}", if is_musl { "musl" } else { "gnu" });
    Some(cpython_tag(major, minor, flags, &triple))
}

fn cpython_tag(major: u64, minor: u64, flags: &str, triple: &str) -> Tag {
    Tag { suffix: format!(".cpython-{major}{minor}{flags}-{triple}.so"), flags: flags.to_owned() }
}

/// Every suffix the loader of this interpreter tries, in its order.
pub(crate) fn of_tag(os: Os, tag: &Tag, version: (u64, u64)) -> Abi {
    let free_threaded = tag.flags.contains('t');
    let debug = tag.flags.contains('d');
    let mut suffixes = vec![tag.suffix.clone()];
    if os == Os::Windows {
        suffixes.push(if debug { "_d.pyd" } else { ".pyd" }.to_owned());
    } else {
        // A debug build also loads what was built for the ordinary one (since 3.8).
        if debug && version >= (3, 8) {
            suffixes.push(tag.suffix.replacen('d', "", 1));
        }
        suffixes.extend(stable_suffixes(tag, free_threaded, version));
        suffixes.push(".so".to_owned());
    }
    Abi { extension_suffix: tag.suffix.clone(), extension_suffixes: suffixes, free_threaded, debug }
}

/// The suffixes of the stable ABI. Free-threaded builds before 3.15 list `.abi3.so` although they
/// cannot use such a module (python/cpython#146636); 3.15 has `.abi3t` for both builds, each
/// stable suffix also with the platform in it (python/cpython#152461), and `.abi3` only where
/// there is a global interpreter lock.
fn stable_suffixes(tag: &Tag, free_threaded: bool, version: (u64, u64)) -> Vec<String> {
    let Some(rest) = tag.suffix.strip_prefix(".cpython-") else { return Vec::new() };
    if version < (3, 15) {
        return vec![".abi3.so".to_owned()];
    }
    let platform = rest.split_once('-').map_or("", |(_, platform)| platform);
    let names: &[&str] = if free_threaded { &["abi3t"] } else { &["abi3", "abi3t"] };
    names.iter().flat_map(|name| [format!(".{name}-{platform}"), format!(".{name}.so")]).collect()
}

/// Python 2 has no tags.
pub(crate) fn of_python2() -> Abi {
    Abi {
        extension_suffix: ".so".to_owned(),
        extension_suffixes: vec![".so".to_owned(), "module.so".to_owned()],
        free_threaded: false,
        debug: false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_suffixes_are_in_the_order_of_the_loader() {
        let tag = tag_of_module("_asyncio.cpython-311-x86_64-linux-gnu.so").unwrap();
        let abi = of_tag(Os::Linux, &tag, (3, 11));
        assert_eq!(abi.extension_suffixes, [".cpython-311-x86_64-linux-gnu.so", ".abi3.so", ".so"]);
        assert!(!abi.free_threaded && !abi.debug);
        let tag = tag_of_module("_x.cpython-37m-x86_64-linux-gnu.so").unwrap();
        assert_eq!(of_tag(Os::Linux, &tag, (3, 7)).extension_suffix, tag.suffix);
    }

    #[test]
    fn the_free_threaded_build_tries_what_it_tries() {
        let tag = tag_of_settings("_sysconfigdata_t_linux_x86_64-linux-gnu.py", (3, 13)).unwrap();
        let abi = of_tag(Os::Linux, &tag, (3, 13));
        assert!(abi.free_threaded);
        assert_eq!(
            abi.extension_suffixes,
            [".cpython-313t-x86_64-linux-gnu.so", ".abi3.so", ".so"]
        );
    }

    #[test]
    fn since_3_15_the_stable_suffixes_are_more() {
        let suffixes = |name: &str| {
            let tag = tag_of_module(name).unwrap();
            of_tag(Os::Linux, &tag, (3, 15)).extension_suffixes
        };
        assert_eq!(
            suffixes("_x.cpython-315-x86_64-linux-gnu.so"),
            [
                ".cpython-315-x86_64-linux-gnu.so",
                ".abi3-x86_64-linux-gnu.so",
                ".abi3.so",
                ".abi3t-x86_64-linux-gnu.so",
                ".abi3t.so",
                ".so",
            ]
        );
        assert_eq!(
            suffixes("_x.cpython-315t-darwin.so"),
            [".cpython-315t-darwin.so", ".abi3t-darwin.so", ".abi3t.so", ".so"]
        );
    }

    #[test]
    fn a_debug_build_loads_ordinary_modules_too() {
        let tag = tag_of_module("_x.cpython-312d-x86_64-linux-gnu.so").unwrap();
        assert_eq!(
            of_tag(Os::Linux, &tag, (3, 12)).extension_suffixes[1],
            ".cpython-312-x86_64-linux-gnu.so"
        );
    }

    #[test]
    fn settings_files_name_the_platform() {
        let tag = tag_of_settings("_sysconfigdata__darwin_darwin.py", (3, 12)).unwrap();
        assert_eq!(tag.suffix, ".cpython-312-darwin.so");
        assert_eq!(tag_of_settings("_sysconfigdata__x86_64-linux-gnu.py", (3, 11)), None);
    }

    #[test]
    fn what_is_not_written_anywhere_follows_from_the_machine() {
        let usual = |os, arch: &str, musl, flags| {
            usual_tag(os, &Arch::from(arch), musl, (3, 12), flags).unwrap().suffix
        };
        assert_eq!(usual(Os::Windows, "x86_64", false, ""), ".cp312-win_amd64.pyd");
        assert_eq!(usual(Os::Windows, "aarch64", false, "t"), ".cp312t-win_arm64.pyd");
        assert_eq!(usual(Os::Windows, "x86", false, "d"), "_d.cp312-win32.pyd");
        assert_eq!(usual(Os::Linux, "x86_64", true, ""), ".cpython-312-x86_64-linux-musl.so");
        assert_eq!(usual(Os::Macos, "arm64", false, "t"), ".cpython-312t-darwin.so");
    }

    proptest! {
        #[test]
        fn nothing_panics(name in "(_sysconfigdata_|\\.cpython-|\\.so|\\.py|_|\\PC)*") {
            if let Some(tag) = tag_of_module(&name) {
                let _ = of_tag(Os::Linux, &tag, (3, 12));
            }
            let _ = tag_of_settings(&name, (3, 12));
        }
    }
}
