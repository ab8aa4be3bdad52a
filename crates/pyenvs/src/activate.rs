//! The directory that an environment's `activate` names: where the environment was made.

use std::path::{Path, PathBuf};

use host::Os;

use crate::context::Context;
use crate::paths;

/// Real ones have a few thousand bytes.
const SIZE_LIMIT: u64 = 256 << 10;

/// `VIRTUAL_ENV` as `activate` sets it; `None` when there is no script, or when it works the
/// directory out itself.
pub(crate) fn virtual_env(context: &Context<'_>, prefix: &Path) -> Option<PathBuf> {
    let scripts = paths::scripts_directory(context.os(), prefix);
    let text = |name: &str| context.read_text(&scripts.join(name), SIZE_LIMIT);
    let os = context.os();
    if os == Os::Windows
        && let Some(value) = text("activate.bat").and_then(|text| from_batch(&text))
    {
        return Some(paths::from_text(os, &value));
    }
    let value = from_shell(&text("activate")?)?;
    Some(paths::from_text(os, &value))
}

/// `VIRTUAL_ENV="/v"`, with or without `export`, in any quotes, perhaps handed to `cygpath`.
fn from_shell(text: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let value = line.strip_prefix("VIRTUAL_ENV=")?;
        let value = match value.strip_prefix("$(cygpath ") {
            Some(inside) => inside.strip_suffix(')')?.trim_start_matches("-u ").trim(),
            None => value,
        };
        unquote(value)
    })
}

/// A shell word without its quotes; `None` when it is empty or computed.
fn unquote(word: &str) -> Option<String> {
    let value = if let Some(inside) = word.strip_prefix('\'') {
        inside.strip_suffix('\'')?.replace(r"'\''", "'").replace(r#"'"'"'"#, "'")
    } else {
        let inside = match word.strip_prefix('"') {
            Some(inside) => inside.strip_suffix('"')?,
            None => word,
        };
        if inside.contains(['$', '`']) {
            return None;
        }
        inside.to_owned()
    };
    (!value.is_empty()).then_some(value)
}

/// `set VIRTUAL_ENV=C:\v` or `set "VIRTUAL_ENV=C:\v"`.
fn from_batch(text: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let line = line.trim().trim_start_matches('@');
        let rest = line.get(..4).filter(|start| start.eq_ignore_ascii_case("set "))?;
        let rest = line[rest.len()..].trim();
        let rest = match rest.strip_prefix('"') {
            Some(inside) => inside.strip_suffix('"')?,
            None => rest,
        };
        let value = rest.strip_prefix("VIRTUAL_ENV=")?;
        (!value.is_empty() && !value.contains('%')).then(|| value.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_maker_quotes_differently() {
        let shell = |line: &str| from_shell(&format!("unset VIRTUAL_ENV\n{line}\n"));
        assert_eq!(shell("VIRTUAL_ENV=\"/a/b c\"").as_deref(), Some("/a/b c"));
        assert_eq!(shell("VIRTUAL_ENV='/it'\\''s'").as_deref(), Some("/it's"));
        assert_eq!(shell("    export VIRTUAL_ENV=/v").as_deref(), Some("/v"));
        assert_eq!(shell("  VIRTUAL_ENV=$(cygpath \"/v\")").as_deref(), Some("/v"));
        assert_eq!(shell("VIRTUAL_ENV=\"$(dirname -- \"$x\")\""), None);
        assert_eq!(shell("VIRTUAL_ENV=''"), None);
    }

    #[test]
    fn batch_files_set_it_too() {
        assert_eq!(from_batch("@set VIRTUAL_ENV=C:\\a b\r\n").as_deref(), Some("C:\\a b"));
        assert_eq!(from_batch("@SET \"VIRTUAL_ENV=C:\\v\"").as_deref(), Some("C:\\v"));
        assert_eq!(from_batch("set VIRTUAL_ENV=%~dp0.."), None);
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(VIRTUAL_ENV=|set |\"|'|\\$\\(cygpath |\\)|\n|\\PC)*") {
            let _ = from_shell(&text);
            let _ = from_batch(&text);
        }
    }
}
