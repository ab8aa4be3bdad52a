//! Which of the libraries that a module is linked to is Python's own.

/// The libpython among `libraries`, as written there: the one of a particular version before
/// `python3.dll`, which stands for any.
pub(crate) fn libpython<'a>(libraries: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut best: Option<(&str, usize)> = None;
    for library in libraries.filter(|library| is_libpython(library)) {
        let digits = library.bytes().filter(u8::is_ascii_digit).count();
        if best.is_none_or(|(_, known)| digits > known) {
            best = Some((library, digits));
        }
    }
    best.map(|(library, _)| library)
}

/// Whether a library, by its name or path, is a libpython: `libpython3.11.so.1.0`,
/// `python311.dll`, `@rpath/libpython3.12.dylib`, the `Python` of a framework, `libpypy3.10-c.so`.
fn is_libpython(library: &str) -> bool {
    let name = library.rsplit(['/', '\\']).next().unwrap_or(library).to_ascii_lowercase();
    if let Some(version) = name.strip_prefix("libpython") {
        return version.starts_with(|first: char| first.is_ascii_digit());
    }
    if name.starts_with("libpypy") {
        return true;
    }
    if matches!(name.as_str(), "python" | "python3" | "pythont") {
        return library.contains(".framework/");
    }
    name.strip_prefix("python").and_then(|rest| rest.strip_suffix(".dll")).is_some_and(|version| {
        let version = version.strip_suffix("_d").unwrap_or(version);
        let version = version.strip_suffix('t').unwrap_or(version);
        !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_libpython_is_known() {
        for library in [
            "libpython3.11.so.1.0",
            "libpython3.13t.so.1.0",
            "libpython3.so",
            "libpython2.7.so.1.0",
            "libpython3.11-0f1a2b3c.so.1.0",
            "/opt/conda/lib/libpython3.12.so.1.0",
            "@rpath/libpython3.12.dylib",
            "/Library/Frameworks/Python.framework/Versions/3.11/Python",
            "@rpath/Python3.framework/Versions/3.9/Python3",
            "/Library/Frameworks/PythonT.framework/Versions/3.13/PythonT",
            "python311.dll",
            "PYTHON311.DLL",
            "python3.dll",
            "python313t.dll",
            "python311_d.dll",
            "python313t_d.dll",
            "libpython3.11.dll",
            "libpypy3.10-c.so",
            "libpypy3-c.dylib",
        ] {
            assert!(is_libpython(library), "{library}");
        }
    }

    #[test]
    fn others_are_not_taken_for_it() {
        for library in [
            "",
            "python",
            "/usr/lib/Python",
            "libc.so.6",
            "libpython_binding.so",
            "libpythonqt.so",
            "pythoncom311.dll",
            "pythonnet.dll",
            "python.dll",
            "python_d.dll",
            "pythont.dll",
            "pywintypes311.dll",
            "boost_python311.dll",
            "libboost_python311.so.1.80.0",
        ] {
            assert!(!is_libpython(library), "{library}");
        }
    }

    #[test]
    fn the_one_of_a_version_is_preferred() {
        let libraries = ["KERNEL32.dll", "python3.dll", "python311.dll"];
        assert_eq!(libpython(libraries.into_iter()), Some("python311.dll"));
        assert_eq!(libpython(libraries[..2].iter().copied()), Some("python3.dll"));
        assert_eq!(libpython(libraries[..1].iter().copied()), None);
    }
}
