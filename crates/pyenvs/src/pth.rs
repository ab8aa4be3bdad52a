//! `.pth` files: directories that `site` adds to `sys.path`.

use std::path::{Path, PathBuf};

use host::Os;

use crate::context::Context;
use crate::paths;

/// Real ones have a line or two.
const SIZE_LIMIT: u64 = 256 << 10;
/// Lines looked at.
const LINE_LIMIT: usize = 4_000;

/// The directories that a `.pth` file in `site` adds, whether or not they exist.
pub(crate) fn read(context: &Context<'_>, site: &Path, file: &Path) -> Vec<PathBuf> {
    match context.host.read(file, SIZE_LIMIT) {
        Ok(bytes) => parse(context.os(), site, &String::from_utf8_lossy(&bytes)),
        Err(error) => {
            context.tell_unreadable(error.to_string());
            Vec::new()
        }
    }
}

/// As `site.addpackage` reads it: comments and lines of code add nothing.
fn parse(os: Os, site: &Path, text: &str) -> Vec<PathBuf> {
    text.trim_start_matches('\u{feff}')
        .lines()
        .take(LINE_LIMIT)
        .filter(|line| !line.starts_with('#'))
        .filter(|line| !line.starts_with("import ") && !line.starts_with("import\t"))
        .map(str::trim_end)
        .filter(|line| !line.trim().is_empty() && !line.contains('\0'))
        .map(|line| paths::join(os, site, &paths::from_text(os, line)))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_lines_that_name_a_directory_count() {
        let text = "# note\nimport sys; sys.x = 1\n\n/src/a \nb/c\nimporter\n";
        assert_eq!(
            parse(Os::Linux, Path::new("/s"), text),
            [PathBuf::from("/src/a"), "/s/b/c".into(), "/s/importer".into()]
        );
        assert_eq!(parse(Os::Windows, Path::new("C:/s"), "D:\\src\r\n"), [PathBuf::from("D:/src")]);
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(\n|\\PC)*") {
            let _ = parse(Os::Windows, Path::new("C:/s"), &text);
        }
    }
}
