//! What a crate's Rust sources declare, by a bounded scan of their text: `#[pymodule]`s, and
//! tests and programs that start Python. Comments and strings do not count.

use std::path::{Path, PathBuf};

use host::{FileKind, Host, HostPath};
use memchr::memmem;

use super::super::path;
use super::place::line_and_column;
use crate::PyModule;

/// Sources of one crate that are read at most.
const FILE_LIMIT: usize = 2_000;

/// Longest source that is read.
const SOURCE_LIMIT: u64 = 2 << 20;

/// Depth of directories that are looked into.
const DEPTH: usize = 12;

/// Calls with which a test or a program takes hold of Python.
const STARTS: [&str; 6] = [
    "Python::attach",
    "Python::with_gil",
    "Python::initialize",
    "Python::with_embedded_python_interpreter",
    "prepare_freethreaded_python",
    "with_embedded_python_interpreter",
];

/// What to look at.
pub(super) struct Scan<'a> {
    /// The library's root source.
    pub(super) library: &'a Path,
    /// `[lib] test = false`.
    pub(super) tests_are_off: bool,
    /// Whether files in `tests` can link to the library.
    pub(super) is_linked_by_tests: bool,
    /// Sources of programs that the manifest names.
    pub(super) programs: &'a [String],
}

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) pymodules: Vec<PyModule>,
    pub(super) python_tests: Vec<HostPath>,
    pub(super) python_programs: Vec<HostPath>,
}

pub(super) fn gather(host: &Host, directory: &Path, scan: &Scan<'_>) -> Found {
    let mut files = Vec::new();
    let source = scan.library.parent().unwrap_or(directory);
    walk(host, source, 0, &mut files);
    if source != directory.join("src") {
        walk(host, &directory.join("src"), 0, &mut files);
    }
    walk(host, &directory.join("tests"), 1, &mut files);
    files.extend(scan.programs.iter().map(|program| host.absolute(&directory.join(program))));
    files.sort();
    files.dedup();
    files.truncate(FILE_LIMIT);
    let each: Vec<Option<(PathBuf, FileFacts)>> = host::in_parallel(files, |file| {
        let bytes = host.read(&file, SOURCE_LIMIT).ok()?;
        let facts = read(&bytes)?;
        Some((file, facts))
    });
    let mut found = Found::default();
    for (file, facts) in each.into_iter().flatten() {
        for (name, line) in facts.pymodules {
            found.pymodules.push(PyModule { name, file: path(&file), line });
        }
        if file.starts_with(directory.join("tests")) {
            if facts.starts_python && scan.is_linked_by_tests {
                found.python_tests.push(path(&file));
            }
        } else if is_program(directory, &file, scan) {
            if facts.starts_python {
                found.python_programs.push(path(&file));
            }
        } else if facts.tests_start_python && !scan.tests_are_off {
            found.python_tests.push(path(&file));
        }
    }
    found
}

fn is_program(directory: &Path, file: &Path, scan: &Scan<'_>) -> bool {
    let source = directory.join("src");
    file == source.join("main.rs")
        || file.starts_with(source.join("bin"))
        || scan.programs.iter().any(|program| directory.join(program) == file)
}

/// Collects `.rs` files, links not followed.
fn walk(host: &Host, directory: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    if depth > DEPTH || files.len() >= FILE_LIMIT {
        return;
    }
    for entry in host.list(directory, FILE_LIMIT).unwrap_or_default() {
        let is_source = Path::new(&entry.name).extension().is_some_and(|end| end == "rs");
        match entry.kind {
            FileKind::File if is_source => files.push(directory.join(&entry.name)),
            FileKind::Directory if entry.name != "target" => {
                walk(host, &directory.join(&entry.name), depth + 1, files);
            }
            _ => {}
        }
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct FileFacts {
    /// Names and lines.
    pymodules: Vec<(String, usize)>,
    /// Whether a call that starts Python stands anywhere.
    starts_python: bool,
    /// Whether one stands after the first mark of a test.
    tests_start_python: bool,
}

/// What one file declares; nothing for one that has none of the words.
fn read(bytes: &[u8]) -> Option<FileFacts> {
    let has = |word: &str| memmem::find(bytes, word.as_bytes()).is_some();
    let has_module = has("pymodule");
    let has_start = STARTS.iter().any(|call| has(call));
    if !has_module && !has_start {
        return None;
    }
    let text = String::from_utf8_lossy(bytes);
    let code = only_code(&text);
    let mut facts = FileFacts::default();
    if has_module {
        facts.pymodules = pymodules(&text, &code);
    }
    if has_start {
        facts.starts_python = calls_python(&code);
        let marks = ["#[test]", "#[cfg(test)]", "#[rstest"];
        let first = marks.iter().filter_map(|mark| code.find(mark)).min();
        facts.tests_start_python = first.is_some_and(|first| calls_python(&code[first..]));
    }
    Some(facts)
}

fn calls_python(code: &str) -> bool {
    STARTS.iter().any(|call| code.contains(call))
}

/// The text with everything in comments and literals replaced by spaces, byte for byte, so that
/// places in it are places in the text.
fn only_code(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |n| at + n)
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => block_comment(bytes, at),
            b'"' => string(bytes, at),
            b'\'' => character(text, at),
            b'r' if !follows_word(bytes, at) => match raw_string(bytes, at) {
                Some(end) => end,
                None => {
                    at += 1;
                    continue;
                }
            },
            _ => {
                at += 1;
                continue;
            }
        };
        let end = end.clamp(at + 1, bytes.len());
        for byte in &mut code[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end;
    }
    // Only whole characters of literals and comments were replaced, all of them by ASCII.
    String::from_utf8(code).unwrap_or_default()
}

/// Whether the letter at `at` is the end of a word (`br"` and `cr"` are raw strings too).
fn follows_word(bytes: &[u8], at: usize) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    match at.checked_sub(1).map(|before| bytes[before]) {
        Some(b'b' | b'c') => at >= 2 && is_word(bytes[at - 2]),
        Some(before) => is_word(before),
        None => false,
    }
}

fn block_comment(bytes: &[u8], start: usize) -> usize {
    let mut depth = 0;
    let mut at = start;
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/*" => {
                depth += 1;
                at += 2;
            }
            b"*/" => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    bytes.len()
}

fn string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn raw_string(bytes: &[u8], start: usize) -> Option<usize> {
    let hashes = bytes[start + 1..].iter().take_while(|byte| **byte == b'#').count();
    let open = start + 1 + hashes;
    if bytes.get(open) != Some(&b'"') {
        return None;
    }
    let close: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
    let rest = &bytes[open + 1..];
    Some(memmem::find(rest, &close).map_or(bytes.len(), |n| open + 1 + n + close.len()))
}

/// The end of a character literal, or the place after the quote of a lifetime.
fn character(text: &str, start: usize) -> usize {
    let mut rest = text[start + 1..].char_indices();
    match rest.next() {
        Some((_, '\\')) => {
            // `'\''`, `'\u{1f600}'`.
            let escaped = &text.as_bytes()[start + 1..];
            let close = escaped.iter().skip(2).take(12).position(|byte| *byte == b'\'');
            close.map_or(start + 1, |n| start + 1 + 2 + n + 1)
        }
        Some((_, _)) => match rest.next() {
            Some((offset, '\'')) => start + 1 + offset + 1,
            _ => start + 1,
        },
        None => start + 1,
    }
}

/// The names and lines of `#[pymodule]`s; `code` is `text` without literals and comments.
fn pymodules(text: &str, code: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(position) = code[from..].find("pymodule").map(|n| from + n) {
        from = position + "pymodule".len();
        if is_word_around(code, position, from) {
            continue;
        }
        let Some((open, close)) = attribute_around(code, position) else { continue };
        let attribute = &code[open..close];
        if attribute.contains("submodule") {
            continue;
        }
        let mut name = named(text, code, open, close);
        let Some((after, item)) = item_after(text, code, close, &mut name) else { continue };
        found.push((name.unwrap_or(item), line_and_column(text, open).0));
        from = from.max(after);
    }
    found
}

fn is_word_around(code: &str, start: usize, end: usize) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    code[..start].chars().next_back().is_some_and(is_word)
        || code[end..].chars().next().is_some_and(is_word)
}

/// The attribute `#[...]` that holds a position.
fn attribute_around(code: &str, position: usize) -> Option<(usize, usize)> {
    let open = code[..position].rfind("#[")?;
    let close = attribute_end(code, open)?;
    (close > position).then_some((open, close))
}

/// The place after the `]` of the attribute that begins at `open`.
fn attribute_end(code: &str, open: usize) -> Option<usize> {
    let mut depth = 0;
    for (offset, byte) in code.as_bytes()[open..].iter().enumerate().take(4096) {
        match byte {
            b'[' => depth += 1,
            b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(open + offset + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// The value of `name = "..."` in an attribute.
fn named(text: &str, code: &str, open: usize, close: usize) -> Option<String> {
    let attribute = &code[open..close];
    let mut from = 0;
    while let Some(position) = attribute[from..].find("name").map(|n| from + n) {
        from = position + "name".len();
        if is_word_around(attribute, position, from) {
            continue;
        }
        // The literal is blank in the code and whole in the text.
        let rest = text.get(open + from..close)?.trim_start();
        let value = rest.strip_prefix('=')?.trim_start().strip_prefix('"')?;
        return value.split('"').next().map(str::to_owned);
    }
    None
}

/// The item that attributes stand before: the place after its name, and the name. A `#[pyo3(name
/// = "...")]` on the way fills `name`.
fn item_after(
    text: &str,
    code: &str,
    mut at: usize,
    name: &mut Option<String>,
) -> Option<(usize, String)> {
    loop {
        at += code[at..].len() - code[at..].trim_start().len();
        if !code[at..].starts_with("#[") {
            break;
        }
        let close = attribute_end(code, at)?;
        if code[at..close].starts_with("#[pyo3") && name.is_none() {
            *name = named(text, code, at, close);
        }
        at = close;
    }
    let end = code.len().min(at + 400);
    let end = (at..=end).rev().find(|end| code.is_char_boundary(*end))?;
    let mut words = code[at..end]
        .split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '#' | '$')))
        .filter(|word| !word.is_empty());
    words.find(|word| matches!(*word, "fn" | "mod"))?;
    let item = words.next()?;
    // In a macro the name is a parameter.
    if item.starts_with('$') {
        return None;
    }
    let item = item.strip_prefix("r#").unwrap_or(item).to_owned();
    Some((at, item))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn modules(text: &str) -> Vec<(String, usize)> {
        read(text.as_bytes()).map(|facts| facts.pymodules).unwrap_or_default()
    }

    #[test]
    fn every_way_to_declare_a_module_is_seen() {
        for (text, name, line) in [
            ("#[pymodule]\nfn plain(m: &M) {}", "plain", 1),
            ("\n#[pyo3::pymodule]\npub(crate) fn path() {}", "path", 2),
            ("#[pymodule]\n#[pyo3(name = \"_native\")]\nfn x() {}", "_native", 1),
            ("#[pymodule(name = \"core\", gil_used = false)]\npub mod x {}", "core", 1),
            ("#[pymodule]\n/// Words.\nmod r#mod { }", "mod", 1),
            ("#[cfg_attr(feature = \"python\", pymodule)]\nfn gated() {}", "gated", 1),
            (
                "#[pymodule]\n#[allow(clippy::all)]\n#[pyo3(crate = \"p\", name=\"n\")] fn x(){}",
                "n",
                1,
            ),
            ("#[pymodule]\nfn été() {}", "été", 1),
        ] {
            assert_eq!(modules(text), [(name.to_owned(), line)], "{text}");
        }
    }

    #[test]
    fn words_in_comments_strings_and_macros_do_not_count() {
        for text in [
            "// #[pymodule]\n// fn x() {}",
            "/* #[pymodule] /* nested */ fn x() {} */",
            "const X: &str = \"#[pymodule] fn x() {}\";",
            "const X: &str = r#\"#[pymodule] \"fn\" x() {}\"#;",
            "use pyo3::pymodule; fn f() {}",
            "macro_rules! m { ($n:ident) => { #[pymodule] fn $n() {} } }",
            "#[pymodule(submodule)] mod inner {}",
            "#[my_pymodule] fn x() {}",
            "#[pymodule",
        ] {
            assert_eq!(modules(text), [], "{text}");
        }
    }

    #[test]
    fn quotes_of_characters_and_lifetimes_are_told_apart() {
        let text = "fn a<'a>(x: &'a str) { let q = '\"'; let s = '\\''; let u = '\\u{22}'; }\n\
                    #[pymodule]\nfn after<'py>() {}";
        assert_eq!(modules(text), [("after".to_owned(), 2)]);
    }

    #[test]
    fn only_tests_that_start_python_are_told() {
        let facts = |text: &str| read(text.as_bytes()).unwrap_or_default();
        let library = "fn f() { Python::attach(|py| ()); }\n";
        assert!(facts(library).starts_python && !facts(library).tests_start_python);
        let with_test = format!("{library}#[cfg(test)]\nmod tests {{ #[test] fn t() {{}} }}\n");
        assert!(!facts(&with_test).tests_start_python);
        let starting = format!("{with_test}#[test]\nfn u() {{ Python::with_gil(|py| ()); }}");
        assert!(facts(&starting).tests_start_python);
        assert!(!facts("// Python::attach\n#[test] fn t() {}").starts_python);
    }

    #[test]
    fn files_are_sorted_by_what_they_are() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let file = root.path().join(name);
            fs_err::create_dir_all(file.parent().unwrap()).unwrap();
            fs_err::write(file, text).unwrap();
        };
        let test = "#[test]\nfn t() { Python::attach(|_| ()); }";
        write("src/lib.rs", "#[pymodule]\nfn demo() {}");
        write("src/deep/unit.rs", test);
        write("src/main.rs", "fn main() { Python::initialize(); }");
        write("tests/it.rs", test);
        let library = root.path().join("src/lib.rs");
        let scan = |off, linked| Scan {
            library: &library,
            tests_are_off: off,
            is_linked_by_tests: linked,
            programs: &[],
        };
        let host = Host::current().unwrap();
        let found = gather(&host, root.path(), &scan(false, true));
        assert_eq!(found.pymodules.len(), 1);
        assert_eq!(found.python_programs, [path(root.path().join("src/main.rs"))]);
        assert_eq!(found.python_tests.len(), 2);
        assert!(gather(&host, root.path(), &scan(true, false)).python_tests.is_empty());
    }

    proptest! {
        #[test]
        fn nothing_panics_and_places_stay(
            text in "(\\PC|\n|#\\[pymodule\\]|fn |mod |r#\"|\"|'|/\\*|\\*/|//|\\\\|name = )*"
        ) {
            prop_assert_eq!(only_code(&text).len(), text.len());
            let _ = read(text.as_bytes());
        }

        #[test]
        fn bytes_that_are_no_text_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut bytes = bytes;
            bytes.extend_from_slice(b"#[pymodule] fn x() { Python::attach }");
            let _ = read(&bytes);
        }
    }
}
