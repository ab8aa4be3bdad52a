//! What the name of an extension module says of the Pythons that import it.

/// What a file's suffix promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Suffix {
    /// `.abi3.so`: every later CPython. On Windows such a file is named `.pyd` alone.
    Abi3,
    /// `.cpython-313-x86_64-linux-gnu.so`, `.cp313-win_amd64.pyd`: one version, with `t` where it
    /// is for interpreters without the global lock, and the platform.
    CPython {
        /// Digits and letters of the version: `313`, `313t`, `37m`.
        version: String,
        /// The platform, as the suffix has it.
        platform: String,
    },
    /// `.pypy310-pp73-x86_64-linux-gnu.so` and others that this knows nothing of.
    Other,
    /// `.so` or `.pyd`: every version that can load it.
    Plain,
}

/// The name of the module and the suffix of a file that Python might import.
pub(super) fn of_file(file_name: &str) -> Option<(&str, Suffix)> {
    let dot = file_name.find('.')?;
    let (stem, suffix) = file_name.split_at(dot);
    let kind = match suffix {
        ".so" | ".pyd" => Suffix::Plain,
        _ if suffix.starts_with(".abi3") && suffix.ends_with(".so") => Suffix::Abi3,
        _ => {
            let inner = suffix.strip_suffix(".so").or_else(|| suffix.strip_suffix(".pyd"))?;
            let inner = inner.trim_start_matches('.');
            let rest = inner.strip_prefix("cpython-").or_else(|| inner.strip_prefix("cp"));
            match rest.and_then(|rest| rest.split_once('-')) {
                Some((version, platform)) if version.starts_with(|c: char| c.is_ascii_digit()) => {
                    Suffix::CPython { version: version.to_owned(), platform: platform.to_owned() }
                }
                _ => Suffix::Other,
            }
        }
    };
    Some((stem, kind))
}

/// The version in a Python tag of CPython: `cp310` gives 3.10. None for `py3`, `pp310`.
pub(super) fn python_of_tag(tag: &str) -> Option<(u32, u32)> {
    python_of_digits(tag.strip_prefix("cp")?)
}

/// The version in `310`, whatever letters follow.
pub(super) fn python_of_digits(text: &str) -> Option<(u32, u32)> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_lowercase());
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (major, minor) = digits.split_at_checked(1)?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_are_told_apart() {
        let cpython = |version: &str, platform: &str| Suffix::CPython {
            version: version.to_owned(),
            platform: platform.to_owned(),
        };
        for (name, stem, suffix) in [
            ("_core.abi3.so", "_core", Suffix::Abi3),
            ("_core.so", "_core", Suffix::Plain),
            ("_core.pyd", "_core", Suffix::Plain),
            (
                "_core.cpython-313t-x86_64-linux-gnu.so",
                "_core",
                cpython("313t", "x86_64-linux-gnu"),
            ),
            ("_core.cpython-310-darwin.so", "_core", cpython("310", "darwin")),
            ("_core.cp313-win_amd64.pyd", "_core", cpython("313", "win_amd64")),
            ("_core.pypy310-pp73-x86_64-linux-gnu.so", "_core", Suffix::Other),
        ] {
            assert_eq!(of_file(name), Some((stem, suffix)), "{name}");
        }
        for name in ["libx.so.6", "x.dll", "x", "libgfortran-040039e1.so.5.0.0"] {
            assert_eq!(of_file(name), None, "{name}");
        }
    }

    #[test]
    fn versions_are_in_tags() {
        assert_eq!(python_of_tag("cp310"), Some((3, 10)));
        assert_eq!(python_of_digits("313t"), Some((3, 13)));
        for tag in ["py3", "pp310", "cp", "cp3", "cpx"] {
            assert_eq!(python_of_tag(tag), None, "{tag}");
        }
    }
}
