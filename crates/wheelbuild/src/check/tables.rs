//! Facts that others decided: the stable ABI of CPython, and what the manylinux policies allow.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use host::Version;

const STABLE_ABI: &str = include_str!("data/stable-abi.txt");
const MANYLINUX: &str = include_str!("data/manylinux.txt");

/// Libraries that musllinux wheels may need besides musl itself (PEP 656).
pub(super) const MUSL_LIBRARIES: [&str; 2] = ["libc.so", "libz.so.1"];

/// The minor version of CPython 3 that added a symbol to the stable ABI.
pub(super) fn stable_since(symbol: &str) -> Option<(u32, u32)> {
    static SYMBOLS: LazyLock<BTreeMap<&str, (u32, u32)>> = LazyLock::new(|| {
        lines(STABLE_ABI)
            .filter_map(|line| {
                let (version, symbol) = line.split_once(' ')?;
                let (major, minor) = version.split_once('.')?;
                Some((symbol, (major.parse().ok()?, minor.parse().ok()?)))
            })
            .collect()
    });
    SYMBOLS.get(symbol).copied()
}

/// What one manylinux policy allows on one machine.
#[derive(Debug, Clone, Default)]
pub(super) struct Allowed {
    /// The newest version of each family: `GLIBCXX`.
    pub(super) newest: BTreeMap<&'static str, Version>,
    /// Versions without a number: `CXXABI_TM_1`.
    pub(super) named: BTreeSet<&'static str>,
}

struct Policies {
    /// Libraries, with the first policy that allows them.
    libraries: Vec<(Version, Vec<&'static str>)>,
    /// By version and machine.
    symbols: Vec<(Version, &'static str, Allowed)>,
}

static POLICIES: LazyLock<Policies> = LazyLock::new(|| {
    let mut policies = Policies { libraries: Vec::new(), symbols: Vec::new() };
    for line in lines(MANYLINUX) {
        let mut words = line.split(' ');
        let (kind, version) = (words.next(), words.next());
        let Some(version) = version.and_then(|version| version.parse::<Version>().ok()) else {
            continue;
        };
        if kind == Some("libraries") {
            policies.libraries.push((version, words.collect()));
            continue;
        }
        let machine = words.next().unwrap_or_default();
        let mut allowed = Allowed::default();
        for word in words {
            if let Some(name) = word.strip_prefix('+') {
                allowed.named.insert(name);
            } else if let Some((family, newest)) = word.split_once('=')
                && let Ok(newest) = newest.parse()
            {
                allowed.newest.insert(family, newest);
            }
        }
        policies.symbols.push((version, machine, allowed));
    }
    policies
});

/// What `manylinux_<glibc>_<machine>` allows: of the policies that are not newer, the newest that
/// knows the machine; else the oldest that does.
pub(super) fn manylinux(glibc: &Version, machine: &str) -> Option<&'static Allowed> {
    let known = || POLICIES.symbols.iter().filter(|(_, name, _)| *name == machine);
    let not_newer = known().filter(|(version, _, _)| version <= glibc);
    let chosen = not_newer.max_by_key(|(version, _, _)| version);
    chosen.or_else(|| known().min_by_key(|(version, _, _)| version)).map(|(_, _, allowed)| allowed)
}

/// Whether `manylinux_<glibc>` lets a wheel need a library that it does not bring.
pub(super) fn is_allowed_library(glibc: &Version, library: &str) -> bool {
    POLICIES.libraries.iter().any(|(since, names)| since <= glibc && names.contains(&library))
}

fn lines(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stable_abi_is_known_by_version() {
        assert_eq!(stable_since("PyList_New"), Some((3, 2)));
        assert_eq!(stable_since("_Py_Dealloc"), Some((3, 2)));
        assert_eq!(stable_since("PyObject_Vectorcall"), Some((3, 12)));
        assert_eq!(stable_since("PyObject_GetBuffer"), Some((3, 11)));
        assert_eq!(stable_since("PyUnicode_AsUTF8AndSize"), Some((3, 10)));
        for symbol in ["_PyDict_SetItem_KnownHash", "PyFrame_New", ""] {
            assert_eq!(stable_since(symbol), None, "{symbol}");
        }
        assert!(lines(STABLE_ABI).count() > 900);
    }

    #[test]
    fn policies_are_chosen_by_version_and_machine() {
        let allowed = |glibc: &str, machine| manylinux(&glibc.parse().unwrap(), machine);
        let newest = |glibc, machine, family: &str| {
            allowed(glibc, machine).map(|allowed| allowed.newest[family].to_string())
        };
        assert_eq!(newest("2.17", "x86_64", "GLIBCXX").as_deref(), Some("3.4.19"));
        assert_eq!(newest("2.29", "x86_64", "GLIBCXX").as_deref(), Some("3.4.24"));
        assert_eq!(newest("2.99", "x86_64", "GLIBCXX").as_deref(), Some("3.4.33"));
        assert_eq!(newest("2.17", "riscv64", "GLIBC").as_deref(), Some("2.31"));
        assert!(allowed("2.17", "sparc").is_none());
        assert!(allowed("2.36", "x86_64").unwrap().named.contains("GLIBC_ABI_DT_RELR"));
        for (glibc, library, is_allowed) in [
            ("2.5", "libc.so.6", true),
            ("2.5", "libexpat.so.1", false),
            ("2.12", "libexpat.so.1", true),
            ("2.99", "libmvec.so.1", true),
            ("2.99", "libssl.so.3", false),
        ] {
            assert_eq!(is_allowed_library(&glibc.parse().unwrap(), library), is_allowed);
        }
    }
}
