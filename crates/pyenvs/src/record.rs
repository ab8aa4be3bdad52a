//! `RECORD`: which extension modules a package installed.

use memchr::{memchr, memmem, memrchr};

/// Modules of one package that are kept; the largest known has a few hundred.
const MODULE_LIMIT: usize = 10_000;
/// Longest path kept.
const PATH_LIMIT: usize = 4_096;

/// The paths in a `RECORD` that end in `.so` or `.pyd`, relative to the directory that holds the
/// package, with forward slashes. Paths that lead out of it are data files and do not count.
pub(crate) fn extension_modules(record: &[u8]) -> Vec<String> {
    let mut modules: Vec<(usize, String)> = Vec::new();
    for suffix in [".so", ".pyd"] {
        for at in memmem::find_iter(record, suffix) {
            if modules.len() == MODULE_LIMIT {
                break;
            }
            let end = at + suffix.len();
            let quoted = match record.get(end..) {
                Some([b',', ..]) => false,
                Some([b'"', b',', ..]) => true,
                _ => continue,
            };
            let start = memrchr(b'\n', &record[..at]).map_or(0, |newline| newline + 1);
            if let Some(path) = path_of_field(&record[start..end], quoted) {
                modules.push((start, path));
            }
        }
    }
    modules.sort();
    modules.dedup();
    modules.into_iter().map(|(_, path)| path).collect()
}

/// The first field of a line; `quoted` when its end was a quote.
fn path_of_field(field: &[u8], quoted: bool) -> Option<String> {
    let text = std::str::from_utf8(field.get(..field.len().min(PATH_LIMIT + 1))?).ok()?;
    if text.len() > PATH_LIMIT {
        return None;
    }
    let path = if quoted {
        let inside = text.strip_prefix('"')?;
        // A lone quote inside would mean that the first field ended before.
        if inside.replace("\"\"", "").contains('"') {
            return None;
        }
        inside.replace("\"\"", "\"")
    } else if memchr(b',', field).is_some() || text.starts_with('"') {
        return None;
    } else {
        text.to_owned()
    };
    let path = path.replace('\\', "/");
    let is_inside = !path.starts_with('/')
        && path.as_bytes().get(1) != Some(&b':')
        && !path.contains('\0')
        && path.split('/').all(|part| part != "..");
    is_inside.then_some(path)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn modules_are_the_paths_that_end_like_one() {
        let record = b"numpy/__init__.py,sha256=x,1\n\
            numpy/_core/_m.cpython-311-x86_64-linux-gnu.so,sha256=a,2\r\n\
            numpy.libs/libopenblas.so.0,,\n\
            \"a,b/_c.abi3.so\",sha256=c,3\n\
            win\\_d.cp311-win_amd64.pyd,,\n\
            x.txt,sha256=.so,4\n\
            ../../etc/evil.so,,\n\
            /abs.so,,\nC:/abs.pyd,,\n";
        assert_eq!(
            extension_modules(record),
            [
                "numpy/_core/_m.cpython-311-x86_64-linux-gnu.so",
                "a,b/_c.abi3.so",
                "win/_d.cp311-win_amd64.pyd"
            ]
        );
    }

    proptest! {
        #[test]
        fn nothing_panics_and_nothing_leads_out(
            text in "(\\.so|\\.pyd|,|\"|\n|\\.\\./|/|[a-c]|\\PC)*",
            raw: Vec<u8>,
        ) {
            let bytes = [text.as_bytes(), &raw, b".so,"].concat();
            for module in extension_modules(&bytes) {
                prop_assert!(!module.starts_with('/'));
                prop_assert!(module.split('/').all(|part| part != ".."));
            }
        }
    }
}
