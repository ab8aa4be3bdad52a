//! The project's compiled module, really imported, where the user allows it.
//!
//! The interpreter runs isolated (`-I -B`), with an empty environment, a time limit and bounds that
//! its script sets; what it answers is text from a stranger, and only names are taken from it.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use host::{Host, HostPath, Invocation, Os, ProcessError, Seen};
use serde::Deserialize;

use crate::{BuiltModule, EnvironmentFacts, ImportedNames};

const SCRIPT: &str = include_str!("import.py");
/// Importing takes a moment; what takes longer hangs.
const TIME_LIMIT: Duration = Duration::from_secs(20);
const ANSWER_LIMIT: u64 = 16 << 20;
/// Longer names are none that anybody declares.
const NAME_LIMIT: usize = 500;
/// Without it no program starts on Windows.
const NEEDED_VARIABLE: &str = "SYSTEMROOT";

/// Asks every judged interpreter that has one of the files.
pub(super) fn gather(host: &Host, built: &mut [BuiltModule], environments: &[EnvironmentFacts]) {
    host::in_parallel(built, |built| {
        for environment in environments.iter().filter(|environment| environment.judged) {
            let module = environment.modules.iter().find(|module| module.path == built.path);
            let suffixes = environment.python.abi.get().map(|abi| &abi.extension_suffixes);
            // Another Python's file is passed over by this one.
            let fits = |suffix: &String| suffixes.is_some_and(|known| known.contains(suffix));
            let Some(module) = module.filter(|module| fits(&module.suffix)) else { continue };
            let Some(interpreter) = environment.python.executable.clone() else { continue };
            built.imported.push(ImportedNames {
                environment: environment.python.prefix.clone(),
                names: ask(host, &interpreter, &module.import_name, &built.path),
                interpreter,
            });
        }
    });
}

fn ask(host: &Host, interpreter: &Path, name: &str, file: &HostPath) -> Seen<BTreeSet<String>> {
    let mut call = Invocation::new(interpreter)
        .args(["-I", "-B", "-c", SCRIPT, name])
        .arg(file.as_path())
        .clear_env()
        .timeout(TIME_LIMIT)
        .output_limit(ANSWER_LIMIT);
    if host.os == Os::Windows
        && let Some(root) = host.variables.text(NEEDED_VARIABLE)
    {
        call = call.env(NEEDED_VARIABLE, root);
    }
    match call.output() {
        Ok(output) => answer(&output.stdout, output.code, output.signal),
        Err(error @ ProcessError::TimedOut { .. }) => {
            Seen::Broken(format!("importing it took too long: {error}"))
        }
        Err(error) => Seen::Broken(error.to_string()),
    }
}

#[derive(Deserialize)]
struct Answer {
    error: Option<String>,
    names: Option<Vec<String>>,
}

fn answer(stdout: &[u8], code: Option<i32>, signal: Option<i32>) -> Seen<BTreeSet<String>> {
    if let Some(signal) = signal {
        return Seen::Broken(format!("importing it ended the interpreter by signal {signal}"));
    }
    match serde_json::from_slice::<Answer>(stdout) {
        Ok(Answer { error: Some(error), .. }) => Seen::Broken(error),
        Ok(Answer { names: Some(names), .. }) => {
            Seen::Seen(names.into_iter().filter(|name| name.len() <= NAME_LIMIT).collect())
        }
        Ok(_) | Err(_) => {
            let code = code.map_or_else(|| "no code".to_owned(), |code| code.to_string());
            Seen::Broken(format!("importing it ended the interpreter with {code}, and no answer"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_are_taken_from_an_answer() {
        let told = |text: &str| answer(text.as_bytes(), Some(0), None);
        let names = told(r#"{"names": ["A", "A.b"], "other": 1}"#);
        assert_eq!(names.get().unwrap().len(), 2);
        assert_eq!(told(r#"{"error": "ImportError: x"}"#).reason(), Some("ImportError: x"));
        for text in ["", "{}", "[]", "null", r#"{"names": 1}"#, "hello {\"names\": []}"] {
            assert!(told(text).reason().unwrap().contains("no answer"), "{text}");
        }
        assert!(answer(b"", None, Some(11)).reason().unwrap().contains("signal 11"));
        let long = format!(r#"{{"names": ["{}"]}}"#, "x".repeat(600));
        assert!(told(&long).get().unwrap().is_empty());
    }
}
