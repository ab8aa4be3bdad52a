//! Command lines as a person types them.

use crate::Os;

/// One argument, quoted for the shell a user of `os` has: POSIX `sh`, or PowerShell on Windows.
#[must_use]
pub fn quote(os: Os, argument: &str) -> String {
    let plain = !argument.is_empty()
        && argument.chars().all(|c| {
            c.is_ascii_alphanumeric()
                || matches!(c, '-' | '_' | '.' | '/' | ':' | '=' | '+' | ',' | '@' | '%')
                || (os == Os::Windows && c == '\\')
        });
    if plain {
        return argument.to_owned();
    }
    match os {
        Os::Windows => format!("'{}'", argument.replace('\'', "''")),
        Os::Linux | Os::Macos => format!("'{}'", argument.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_needs_quotes_gets_them() {
        assert_eq!(quote(Os::Linux, "numpy>=2"), "'numpy>=2'");
        assert_eq!(quote(Os::Linux, "/a/b-c"), "/a/b-c");
        assert_eq!(quote(Os::Linux, "it's"), r"'it'\''s'");
        assert_eq!(quote(Os::Windows, r"C:\a b"), r"'C:\a b'");
        assert_eq!(quote(Os::Linux, ""), "''");
    }
}
