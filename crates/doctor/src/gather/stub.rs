//! The stub file (`.pyi`) of the project's compiled module.

use std::path::{Path, PathBuf};

use host::{Host, HostPath, Seen};

use super::python_text::{leading_name, only_code};
use crate::{DeclaredKind, Stub, StubName};

/// The longest stub that is read.
const LIMIT: u64 = 2 << 20;

/// Names kept at most.
const NAME_LIMIT: usize = 20_000;

/// Bases of classes that are types alone, and are in no module.
const TYPES_ALONE: &[&str] = &["Protocol", "TypedDict", "NamedTuple"];

/// The stub of a module in one of these directories: `pkg/_native.pyi` of `pkg._native`, or
/// `pkg/_native/__init__.pyi`.
pub(super) fn gather(host: &Host, directories: &[PathBuf], module: &str) -> Seen<Stub> {
    let relative: PathBuf = module.split('.').collect();
    let file = directories
        .iter()
        .flat_map(|directory| {
            let place = directory.join(&relative);
            [place.with_extension("pyi"), place.join("__init__.pyi")]
        })
        .find(|file| host.is_file(file));
    let Some(file) = file else { return Seen::Absent };
    match host.read_text(&file, LIMIT) {
        Ok(text) => Seen::Seen(read(&file, &text)),
        Err(error) => Seen::Broken(error.to_string()),
    }
}

fn read(file: &Path, text: &str) -> Stub {
    let code = only_code(text);
    let mut reader = Reader::default();
    let mut depth = 0_i32;
    for (number, line) in code.lines().enumerate() {
        let is_continued = depth > 0;
        for byte in line.bytes() {
            match byte {
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' => depth = (depth - 1).max(0),
                _ => {}
            }
        }
        if !is_continued && reader.stub.names.len() < NAME_LIMIT {
            reader.line(line, number + 1);
        }
    }
    reader.stub.path = HostPath::from(file);
    reader.stub
}

#[derive(Default)]
struct Reader {
    stub: Stub,
    /// The class around the lines, how far its own line is indented, and whether it counts.
    class: Option<(String, usize, bool)>,
    /// Lines that are indented further are under a condition, or in a function.
    passed_over: Option<usize>,
    decorators: Vec<String>,
}

impl Reader {
    fn line(&mut self, line: &str, number: usize) {
        let text = line.trim();
        if text.is_empty() {
            return;
        }
        let indent = line.len() - line.trim_start().len();
        if self.passed_over.is_some_and(|level| indent > level) {
            return;
        }
        self.passed_over = None;
        if self.class.as_ref().is_some_and(|(_, level, _)| indent <= *level) {
            self.class = None;
        }
        if let Some(decorator) = text.strip_prefix('@') {
            self.decorators.push(decorator.trim().to_owned());
            return;
        }
        let decorators = std::mem::take(&mut self.decorators);
        let has = |end: &str| decorators.iter().any(|one| one.rsplit('.').next() == Some(end));
        let word = leading_name(text).unwrap_or_default();
        let after = text[word.len()..].trim_start();
        match word {
            "class" => {
                let name = leading_name(after).unwrap_or_default().to_owned();
                let bases = &after[name.len()..];
                let is_alone = TYPES_ALONE.iter().any(|base| bases.contains(base));
                let counts = self.class.is_none() && !is_alone && !has("type_check_only");
                if self.class.is_some() {
                    // A class in a class is not followed.
                    self.passed_over = Some(indent);
                    return;
                }
                if counts {
                    self.add(&name, DeclaredKind::Class, number);
                }
                self.class = Some((name, indent, counts));
            }
            "def" | "async" => {
                let after = after.strip_prefix("def").filter(|_| word == "async").unwrap_or(after);
                let name = leading_name(after.trim_start()).unwrap_or_default().to_owned();
                let is_property =
                    ["property", "setter", "getter", "cached_property"].into_iter().any(has);
                let kind = match &self.class {
                    Some(_) if is_property => DeclaredKind::Attribute,
                    Some(_) => DeclaredKind::Method,
                    None => DeclaredKind::Function,
                };
                if name == "__getattr__" {
                    self.stub.is_partial = true;
                }
                self.add(&name, kind, number);
                self.passed_over = Some(indent);
            }
            "if" | "elif" | "else" | "try" | "except" | "with" | "for" | "while" => {
                self.stub.is_partial = true;
                self.passed_over = Some(indent);
            }
            "from" if after.trim_end().ends_with("import *") => self.stub.is_partial = true,
            // `name: type`
            _ if after.starts_with(':') && !after.contains("TypeAlias") => {
                self.add(word, DeclaredKind::Attribute, number);
            }
            _ => {}
        }
    }

    fn add(&mut self, name: &str, kind: DeclaredKind, line: usize) {
        let class = match &self.class {
            Some((_, _, false)) => return,
            Some((class, _, true)) => Some(class.clone()),
            None => None,
        };
        let is_known = |one: &StubName| one.name == name && one.class == class;
        // Overloads and setters repeat a name.
        if !name.is_empty() && !self.stub.names.iter().rev().take(50).any(is_known) {
            self.stub.names.push(StubName { name: name.to_owned(), class, kind, line });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(text: &str) -> Vec<String> {
        let stub = read(Path::new("/x.pyi"), text);
        let partial = stub.is_partial.then(|| "partial".to_owned());
        let names = stub.names.iter();
        names
            .map(|name| format!("{}: {} {}", name.line, name.kind.word(), name.dotted()))
            .chain(partial)
            .collect()
    }

    #[test]
    fn classes_functions_and_their_members_are_read() {
        let text = "from typing import overload\n\
            T = TypeVar('T')\n\
            Alias: TypeAlias = int\n\
            __version__: str\n\
            \n\
            class Table(Base[int]):\n\
            \x20   \"\"\"class Not: def not_this(self)\"\"\"\n\
            \x20   size: int\n\
            \x20   def __init__(\n\
            \x20       self,\n\
            \x20       def_: int = 1,\n\
            \x20   ) -> None: ...\n\
            \x20   @property\n\
            \x20   def names(self) -> list[str]: ...\n\
            \x20   @names.setter\n\
            \x20   def names(self, to: list[str]) -> None: ...\n\
            \x20   class Inner:\n\
            \x20       def deep(self): ...\n\
            \x20   @staticmethod\n\
            \x20   async def read(path: str) -> Table: ...\n\
            class Sized(Protocol):\n\
            \x20   def size(self) -> int: ...\n\
            @overload\n\
            def quantize(x: int) -> int: ...\n\
            @overload\n\
            def quantize(x: str) -> str:\n\
            \x20   value: int\n";
        assert_eq!(
            told(text),
            [
                "4: attribute __version__",
                "6: class Table",
                "8: attribute Table.size",
                "9: method Table.__init__",
                "14: attribute Table.names",
                "20: method Table.read",
                "24: function quantize",
            ]
        );
    }

    #[test]
    fn conditions_and_stars_make_it_partial() {
        for text in [
            "if sys.version_info >= (3, 11):\n    def f(): ...\n",
            "from .other import *\n",
            "def __getattr__(name): ...\n",
        ] {
            assert_eq!(told(text).last().map(String::as_str), Some("partial"), "{text}");
        }
        assert_eq!(told("from .other import f as f\n"), Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(\\PC|\n|    |class |def |@|if |:|\\(|\\)|x)*") {
            let _ = read(Path::new("/x.pyi"), &text);
        }
    }
}
