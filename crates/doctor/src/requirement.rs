//! What an installed package asks of another one: requirements as METADATA has them (PEP 508), and
//! whether their markers hold for an interpreter.

use std::str::FromStr as _;

use host::{Arch, Os};
use pep440_rs::{Version, VersionSpecifiers};
use pyenvs::Implementation;

/// A requirement on versions; those by address have none and are not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Requirement {
    /// The package, normalised (PEP 503).
    pub(crate) name: String,
    /// The versions that are right; every version if there are none.
    pub(crate) specifiers: VersionSpecifiers,
}

/// What markers are about, of one interpreter. `None` is not known, and a marker about that neither
/// holds nor fails.
#[derive(Debug, Clone, Default)]
pub(crate) struct Markers {
    python: Option<Version>,
    implementation: Option<(&'static str, &'static str)>,
    os_name: &'static str,
    sys_platform: &'static str,
    platform_system: &'static str,
    platform_machine: Option<&'static str>,
}

impl Markers {
    /// Those of an interpreter on this system.
    pub(crate) fn of(
        os: Os,
        arch: &Arch,
        implementation: Option<&Implementation>,
        python: Option<&Version>,
    ) -> Self {
        let (os_name, sys_platform, platform_system) = match os {
            Os::Linux => ("posix", "linux", "Linux"),
            Os::Macos => ("posix", "darwin", "Darwin"),
            Os::Windows => ("nt", "win32", "Windows"),
        };
        Self {
            python: python.cloned(),
            implementation: implementation.and_then(|implementation| match implementation {
                Implementation::CPython => Some(("CPython", "cpython")),
                Implementation::PyPy => Some(("PyPy", "pypy")),
                _ => None,
            }),
            os_name,
            sys_platform,
            platform_system,
            platform_machine: match (os, arch) {
                (Os::Windows, Arch::X86_64) => Some("AMD64"),
                (Os::Windows, Arch::Aarch64) => Some("ARM64"),
                (Os::Macos, Arch::Aarch64) => Some("arm64"),
                (_, Arch::X86_64) => Some("x86_64"),
                (_, Arch::Aarch64) => Some("aarch64"),
                _ => None,
            },
        }
    }

    /// The value of a variable of PEP 508; `None` if it is not known.
    fn value(&self, variable: &str) -> Option<String> {
        let minor = |version: &Version| {
            let part = |place: usize| version.release().get(place).copied().unwrap_or(0);
            format!("{}.{}", part(0), part(1))
        };
        Some(match variable {
            "python_version" => minor(self.python.as_ref()?),
            "python_full_version" | "implementation_version" => self.python.as_ref()?.to_string(),
            "os_name" | "os.name" => self.os_name.to_owned(),
            "sys_platform" | "sys.platform" => self.sys_platform.to_owned(),
            "platform_system" => self.platform_system.to_owned(),
            "platform_machine" | "platform.machine" => self.platform_machine?.to_owned(),
            "platform_python_implementation" | "python_implementation" => {
                self.implementation?.0.to_owned()
            }
            "implementation_name" => self.implementation?.1.to_owned(),
            _ => return None,
        })
    }
}

/// The requirement, if it is one on versions and its marker holds; nothing where that cannot be told.
pub(crate) fn parse(text: &str, markers: &Markers) -> Option<Requirement> {
    let (requirement, marker) = match text.split_once(';') {
        Some((requirement, marker)) => (requirement, Some(marker)),
        None => (text, None),
    };
    if let Some(marker) = marker
        && holds(marker, markers) != Some(true)
    {
        return None;
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let requirement = requirement.trim();
    let end = requirement.find(|c| !is_name(c)).unwrap_or(requirement.len());
    let (name, rest) = requirement.split_at(end);
    let mut rest = rest.trim();
    if let Some(extras) = rest.strip_prefix('[') {
        rest = extras.split_once(']')?.1.trim();
    }
    // Old METADATA has parentheses around the versions.
    let versions = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(rest);
    if name.is_empty() || versions.trim_start().starts_with('@') {
        return None;
    }
    let specifiers = match versions.trim() {
        "" => VersionSpecifiers::empty(),
        versions => VersionSpecifiers::from_str(versions).ok()?,
    };
    Some(Requirement { name: pyenvs::normalized_name(name), specifiers })
}

/// Whether a marker holds; `None` where it rests on something that is not known, or is none.
fn holds(marker: &str, markers: &Markers) -> Option<bool> {
    let tokens = tokens(marker)?;
    let mut parser = Parser { tokens: &tokens, markers, depth: 0 };
    let value = parser.any()?;
    if parser.tokens.is_empty() { value } else { None }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// `(`, `)`, a comparison, or a word: a variable, `and`, `or`, `in`, `not`.
    Word(String),
    /// A text in quotes.
    Text(String),
}

fn tokens(marker: &str) -> Option<Vec<Token>> {
    /// No marker that anybody writes has more.
    const MOST: usize = 1000;
    let mut tokens = Vec::new();
    let mut rest = marker.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '(' | ')' => 1,
            '\'' | '"' => {
                let (text, after) = rest[1..].split_once(first)?;
                tokens.push(Token::Text(text.to_owned()));
                rest = after.trim_start();
                continue;
            }
            _ => {
                let kind = |c: char| (c.is_ascii_alphanumeric() || matches!(c, '_' | '.'), c);
                let is_word = kind(first).0;
                let is_same = |c: char| {
                    kind(c).0 == is_word
                        && !c.is_whitespace()
                        && !matches!(c, '(' | ')' | '\'' | '"')
                };
                rest.find(|c| !is_same(c)).unwrap_or(rest.len())
            }
        };
        if length == 0 || tokens.len() == MOST {
            return None;
        }
        tokens.push(Token::Word(rest[..length].to_owned()));
        rest = rest[length..].trim_start();
    }
    Some(tokens)
}

/// Reads a marker; the inner `Option` of what is read is a value that is not known.
struct Parser<'a> {
    tokens: &'a [Token],
    markers: &'a Markers,
    depth: usize,
}

impl Parser<'_> {
    fn take(&mut self, word: &str) -> bool {
        match self.tokens.split_first() {
            Some((Token::Word(first), rest)) if first == word => {
                self.tokens = rest;
                true
            }
            _ => false,
        }
    }

    fn any(&mut self) -> Option<Option<bool>> {
        self.series("or", true, Self::all)
    }

    fn all(&mut self) -> Option<Option<bool>> {
        self.series("and", false, Self::one)
    }

    /// Parts with this word between them: one that is `decisive` decides, whatever is not known.
    fn series(
        &mut self,
        word: &str,
        decisive: bool,
        part: fn(&mut Self) -> Option<Option<bool>>,
    ) -> Option<Option<bool>> {
        let mut value = part(self)?;
        while self.take(word) {
            let pair = [value, part(self)?];
            value = match pair {
                _ if pair.contains(&Some(decisive)) => Some(decisive),
                [Some(_), Some(_)] => Some(!decisive),
                _ => None,
            };
        }
        Some(value)
    }

    fn one(&mut self) -> Option<Option<bool>> {
        /// Deeper parentheses are no marker that anybody writes.
        const DEEPEST: usize = 50;
        if self.take("(") {
            self.depth += 1;
            if self.depth > DEEPEST {
                return None;
            }
            let value = self.any()?;
            self.depth -= 1;
            return self.take(")").then_some(value);
        }
        let left = self.operand()?;
        let operator = match self.tokens.split_first()? {
            (Token::Word(word), rest) => {
                self.tokens = rest;
                word.as_str()
            }
            _ => return None,
        };
        let operator = match operator {
            "not" => self.take("in").then_some("not in")?,
            operator => operator,
        };
        let right = self.operand()?;
        let (Some((left, left_is_version)), Some((right, right_is_version))) = (left, right) else {
            return Some(None);
        };
        compare(&left, operator, &right, left_is_version || right_is_version).map(Some)
    }

    /// A text or the value of a variable, and whether it is one of those that are versions.
    fn operand(&mut self) -> Option<Option<(String, bool)>> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(match first {
            Token::Text(text) => Some((text.clone(), false)),
            Token::Word(variable) => {
                let is_version = variable.ends_with("_version") && variable != "platform_version";
                self.markers.value(variable).map(|value| (value, is_version))
            }
        })
    }
}

/// Compares as versions where that makes sense, and as texts otherwise.
fn compare(left: &str, operator: &str, right: &str, are_versions: bool) -> Option<bool> {
    match operator {
        "in" => return Some(right.contains(left)),
        "not in" => return Some(!right.contains(left)),
        _ => {}
    }
    if are_versions
        && let Ok(version) = Version::from_str(left)
        && let Ok(specifiers) = VersionSpecifiers::from_str(&format!("{operator}{right}"))
    {
        return Some(specifiers.contains(&version));
    }
    Some(match operator {
        "==" | "===" => left == right,
        "!=" => left != right,
        "<" => left < right,
        "<=" => left <= right,
        ">" => left > right,
        ">=" => left >= right,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn markers() -> Markers {
        let python = Version::from_str("3.12.1").unwrap();
        Markers::of(Os::Linux, &Arch::X86_64, Some(&Implementation::CPython), Some(&python))
    }

    fn read(text: &str) -> Option<String> {
        let found = parse(text, &markers())?;
        Some(format!("{} {}", found.name, found.specifiers).trim().to_owned())
    }

    #[test]
    fn requirements_as_metadata_has_them() {
        for (text, expected) in [
            ("numpy", "numpy"),
            ("numpy>=1.26,<3", "numpy >=1.26, <3"),
            ("Foo_Bar.baz [fast,x] (>=1.0)", "foo-bar-baz >=1.0"),
            ("six~=1.16 ; python_version < '4'", "six ~=1.16"),
            ("a==1.*;platform_system==\"Linux\"", "a ==1.*"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "",
            ">=1",
            "pkg @ https://host/pkg.whl",
            "a>=x",
            "a[b>=1",
            "a; python_version < '3'",
            "a; platform_release == '6'",
            "a; python_version <",
            "a; 'x",
            "a>=1 b",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn markers_hold_fail_or_are_not_known() {
        for (marker, expected) in [
            ("python_version >= '3.10'", Some(true)),
            ("python_version < \"3.9\"", Some(false)),
            ("'3.10' <= python_version", Some(true)),
            ("python_version in '3.11 3.12'", Some(true)),
            ("python_version not in '3.12'", Some(false)),
            ("python_full_version == '3.12.*'", Some(true)),
            ("os_name == 'nt' or sys_platform == 'linux'", Some(true)),
            ("os_name == 'nt' and platform_release > '5'", Some(false)),
            ("os_name == 'posix' or platform_release > '5'", Some(true)),
            ("os_name == 'posix' and platform_release > '5'", None),
            ("(os_name=='nt')or(platform_machine!='arm64' and python_version>='3')", Some(true)),
            ("platform_python_implementation != 'PyPy'", Some(true)),
            ("implementation_name == 'cpython'", Some(true)),
            ("sys_platform == 'win32' or", None),
            ("((os_name == 'posix')", None),
            ("os_name posix", None),
            ("", None),
        ] {
            assert_eq!(holds(marker, &markers()), expected, "{marker}");
        }
        assert_eq!(holds(&"(".repeat(5000), &markers()), None);
        let unknown = Markers { python: None, ..markers() };
        assert_eq!(holds("python_version >= '3'", &unknown), None);
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(
            text in "[a-z~=<>! ;()'\"\\[\\]@.0-9_é\u{0}]{0,60}",
            marker in "((python_version|os_name|and|or|in|not|'3.1'|~=|===|[(]|[)]) ){0,12}",
        ) {
            let _ = parse(&text, &markers());
            if let Some(found) = parse(&format!("a~=1.0;{marker}"), &markers()) {
                prop_assert_eq!(found.name, "a");
            }
        }
    }
}
