//! What the project's Python sources do with pickles and array files, by a bounded scan of their
//! text; comments and strings do not count as code.

use std::path::{Path, PathBuf};

use host::Host;
use memchr::memmem;

use super::path;
use super::python_text::{is_word, only_code};
use crate::{DataCall, DataCallKind};

/// Sources read at most, and the longest one.
const FILE_LIMIT: usize = 5_000;
const SOURCE_LIMIT: u64 = 1 << 20;

/// Calls kept at most.
const SHOWN: usize = 200;

/// Modules whose `load` and `loads` unpickle.
const PICKLERS: &[&str] = &["pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib"];

/// What another process has written.
const OUTPUTS: &[&str] = &["stdout", "check_output", "communicate", "recv_bytes", "getoutput"];

/// Calls in one source.
pub(crate) fn calls_of_source(path: &Path, bytes: &[u8]) -> Vec<DataCall> {
    read(path, bytes)
}

/// Calls in the sources, in order of file and line.
pub(super) fn gather(host: &Host, sources: &[PathBuf]) -> Vec<DataCall> {
    let mut files: Vec<&PathBuf> = sources
        .iter()
        .filter(|file| file.extension().is_some_and(|end| end == "py"))
        .take(FILE_LIMIT)
        .collect();
    files.sort();
    let calls = host::in_parallel(files, |file| match host.read(file, SOURCE_LIMIT) {
        Ok(bytes) => read(file, &bytes),
        Err(_) => Vec::new(),
    });
    let mut calls: Vec<DataCall> = calls.into_iter().flatten().collect();
    calls.truncate(SHOWN);
    calls
}

fn read(file: &Path, bytes: &[u8]) -> Vec<DataCall> {
    let has = |word: &str| memmem::find(bytes, word.as_bytes()).is_some();
    if !has("load") || !["pickle", "dill", "joblib", "numpy"].into_iter().any(has) {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(bytes);
    let code = only_code(&text);
    let starts_itself = code.contains("sys.executable");
    let names = Names::of(&code);
    let mut calls = Vec::new();
    let mut from = 0;
    while let Some(at) = code[from..].find("load").map(|n| from + n) {
        from = at + 4;
        let Some((start, open)) = called(&code, at) else { continue };
        let end = closing(&code, open);
        let callee = code[start..open].trim();
        let (arguments, written) = (&code[open..end], text.get(open..end).unwrap_or_default());
        let Some(kind) = names.kind(callee, arguments, written) else { continue };
        calls.push(DataCall {
            path: path(file),
            line: code[..at].matches('\n').count() + 1,
            kind,
            text: line_at(&text, at),
            starts_itself,
        });
    }
    calls
}

/// The call of which the word at `at` is a part: where its dotted name begins, and its parenthesis.
fn called(code: &str, at: usize) -> Option<(usize, usize)> {
    let is_part = |c: char| is_word(c) || c == '.';
    let start = code[..at]
        .rfind(|c| !is_part(c))
        .map_or(0, |n| n + code[n..].chars().next().map_or(1, char::len_utf8));
    let rest = &code[at..];
    let name = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
    let open = at + name + rest[name..].find(|c: char| c != ' ')?;
    let is_definition = code[..start].trim_end().ends_with("def");
    (code[open..].starts_with('(') && !is_definition).then_some((start, open))
}

/// The place after the parenthesis that closes the one at `open`.
fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, byte) in code.as_bytes()[open..].iter().enumerate().take(2_000) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return open + offset + 1;
                }
            }
            _ => {}
        }
    }
    let end = code.len().min(open + 2_000);
    (open..=end).rev().find(|end| code.is_char_boundary(*end)).unwrap_or(open)
}

fn line_at(text: &str, at: usize) -> String {
    let Some(before) = text.get(..at) else { return String::new() };
    let start = before.rfind('\n').map_or(0, |n| n + 1);
    let line = text[start..].lines().next().unwrap_or_default().trim();
    line.chars().take(100).collect()
}

/// What names mean in one source.
#[derive(Default)]
struct Names {
    /// Names of modules that unpickle, and of numpy.
    picklers: Vec<String>,
    numpys: Vec<String>,
    /// `loads`, taken from such a module by itself.
    functions: Vec<String>,
    /// Variables that hold what another process has written.
    outputs: Vec<String>,
}

impl Names {
    fn of(code: &str) -> Self {
        let mut names = Self::default();
        for line in code.lines() {
            let line = line.trim();
            if let Some(list) = line.strip_prefix("import ") {
                for part in list.split(',') {
                    let (module, known) = renamed(part);
                    match module {
                        "numpy" => names.numpys.push(known),
                        _ if PICKLERS.contains(&module) => names.picklers.push(known),
                        _ => {}
                    }
                }
            } else if let Some((module, list)) =
                line.strip_prefix("from ").and_then(|rest| rest.split_once(" import "))
                && PICKLERS.contains(&module.trim())
            {
                let loads =
                    list.split(',').map(renamed).filter(|(name, _)| name.starts_with("load"));
                names.functions.extend(loads.map(|(_, known)| known));
            } else if let Some((name, value)) = line.split_once('=')
                && OUTPUTS.iter().any(|word| has_word(value, word))
                && name.trim().chars().all(is_word)
            {
                names.outputs.push(name.trim().to_owned());
            }
        }
        names
    }

    fn kind(&self, callee: &str, arguments: &str, written: &str) -> Option<DataCallKind> {
        let (module, function) = callee.rsplit_once('.').unwrap_or(("", callee));
        let is_function = matches!(function, "load" | "loads");
        let unpickles = (is_function && self.picklers.iter().any(|name| name == module))
            || self.functions.iter().any(|name| name == callee);
        if unpickles {
            let is_output = OUTPUTS.iter().any(|word| has_word(arguments, word))
                || self.outputs.iter().any(|name| has_word(arguments, name));
            return is_output.then_some(DataCallKind::UnpicklesOutput);
        }
        if function != "load" || !self.numpys.iter().any(|name| name == module) {
            return None;
        }
        let plain: String = arguments.chars().filter(|c| !c.is_whitespace()).collect();
        if plain.contains("allow_pickle=True") {
            return Some(DataCallKind::AllowsPickle);
        }
        let names_npy = written.contains(".npy\"") || written.contains(".npy'");
        (names_npy && !plain.contains("BytesIO")).then_some(DataCallKind::LoadsNpy)
    }
}

/// `x as y`: the name, and what it is known by.
fn renamed(part: &str) -> (&str, String) {
    let part = part.trim().trim_matches(['(', ')']).trim();
    match part.split_once(" as ") {
        Some((name, known)) => (name.trim(), known.trim().to_owned()),
        None => (part, part.to_owned()),
    }
}

fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(text: &str) -> Vec<(usize, DataCallKind)> {
        read(Path::new("/x.py"), text.as_bytes())
            .into_iter()
            .map(|call| (call.line, call.kind))
            .collect()
    }

    #[test]
    fn what_comes_from_another_process_is_seen_in_its_shapes() {
        use DataCallKind::{AllowsPickle, LoadsNpy, UnpicklesOutput};
        let text = "import pickle, subprocess\n\
            import numpy as np\n\
            result = subprocess.run([python, 'x.py'], stdout=subprocess.PIPE)\n\
            a = pickle.loads(result.stdout)\n\
            raw = subprocess.check_output([python])\n\
            b = pickle.loads(\n    raw,\n)\n\
            c = np.load('x.npz',\n            allow_pickle = True)\n\
            d = np.load(\"weights.npy\")\n\
            e = np.load(io.BytesIO(open('weights.npy', 'rb').read()))\n\
            f = np.load('x.npz')\n";
        assert_eq!(
            told(text),
            [(4, UnpicklesOutput), (6, UnpicklesOutput), (9, AllowsPickle), (11, LoadsNpy)]
        );
        let text = "from cloudpickle import loads as unpack\nx = unpack(p.communicate()[0])\n";
        // The name itself must say that it loads.
        assert_eq!(told(text), []);
        let text = "from dill import loads\nx = loads(p.communicate()[0])\n";
        assert_eq!(told(text), [(2, UnpicklesOutput)]);
    }

    #[test]
    fn other_loads_are_nobodys_business() {
        for text in [
            "import pickle\nx = pickle.load(open('a.pkl', 'rb'))\n",
            "import json, pickle\nx = json.loads(result.stdout)\n",
            "import pickle\n# pickle.loads(result.stdout)\n",
            "import pickle\ns = 'pickle.loads(result.stdout)'\n",
            "import numpy as np\nx = np.load('a.npz', allow_pickle=False)\n",
            "import numpy\ndef load(stdout): pass\n",
            "import pickle\nclass A:\n    def loads(self, stdout): pass\n",
            "",
        ] {
            assert_eq!(told(text), [], "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(\\PC|\n|pickle|load|s\\(|\\(|\\)|stdout|import |'|#|=|é)*") {
            let _ = read(Path::new("/x.py"), format!("import pickle\n{text}").as_bytes());
        }
    }
}
