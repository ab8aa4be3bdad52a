//! What Rust sources declare, against a module that PyO3 and maturin have made of them.

use std::path::Path;
use std::time::{Duration, SystemTime};

use host::Host;
use report::{Severity, Step};

use crate::harness::{Sandbox, sandbox};

const SOURCE: &str = r#"//! Something of everything that has a name.

use pyo3::prelude::*;

mod more;

#[pyclass(name = "Quantizer", get_all)]
pub struct Inner {
    bits: u8,
    #[pyo3(set, name = "size")]
    length: usize,
}

#[pymethods]
impl Inner {
    #[new]
    fn new() -> Self {
        Self { bits: 4, length: 0 }
    }

    #[getter]
    fn get_width(&self) -> usize {
        3
    }

    #[classattr]
    const VERSION: u8 = 2;

    fn a(&self) -> usize {
        1
    }

    #[cfg(feature = "gpu")]
    fn on_gpu(&self) -> usize {
        1
    }
}

#[pymethods]
impl Inner {
    #[staticmethod]
    #[pyo3(name = "load")]
    fn from_file() -> usize {
        4
    }
    // here
}

#[pyfunction]
fn forgotten() -> usize {
    1
}

/// The module.
#[pymodule]
mod _demo {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::more::{double, Kind};
    #[pymodule_export]
    use super::Inner;

    #[pymodule]
    mod below {
        use pyo3::prelude::*;

        #[pyfunction]
        fn deep() -> usize {
            1
        }
    }
}
"#;

const MORE: &str = r#"//! Another file.

use pyo3::prelude::*;

#[pyclass(eq)]
#[derive(Clone, PartialEq)]
pub enum Kind {
    Int8,
    #[pyo3(name = "NF4")]
    Nf4,
}

#[pyfunction]
pub fn double(number: i64) -> i64 {
    number * 2
}
"#;

const STUB: &str = "class Quantizer:\n    bits: int\n    size: int\n    VERSION: int\n    \
                    def __init__(self) -> None: ...\n    @property\n    def width(self) -> int: ...\n    \
                    def a(self) -> int: ...\n    @staticmethod\n    def load() -> int: ...\n    \
                    def quantize_arrow(self) -> int: ...\nclass Kind:\n    Int8: Kind\n    NF4: Kind\n\
                    def double(number: int) -> int: ...\ndef deep() -> int: ...\n";

/// A project with the real PyO3, which is fetched and compiled once for all runs.
fn project(sandbox: &Sandbox) {
    let host = Host::current().unwrap();
    let home = host.variables.path("CARGO_HOME");
    let home = home.or_else(|| Some(host.home.as_ref()?.join(".cargo"))).unwrap();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("names");
    sandbox.maturin_project("0.30.1");
    let manifest = fs_err::read_to_string(sandbox.project().join("Cargo.toml")).unwrap();
    sandbox.write(
        "Cargo.toml",
        format!("{manifest}gpu = []\n").replace(
            "pyo3 = \"0.30\"",
            "pyo3 = { version = \"0.30\", features = [\"multiple-pymethods\"] }",
        ),
    );
    sandbox.write("src/lib.rs", SOURCE);
    sandbox.write("src/more.rs", MORE);
    sandbox.write("python/demo/__init__.py", "from ._demo import *\n");
    sandbox.make_room(&sandbox.project().join("Cargo.lock"));
    sandbox.set("CARGO_HOME", &home);
    sandbox.set("CARGO_TARGET_DIR", &target);
}

#[test]
fn sources_that_are_ahead_of_the_module_and_a_stub_that_is_not() {
    sandbox(|sandbox| {
        project(sandbox);
        let python = sandbox.python("3.11");
        let venv = sandbox.venv(&python, ".venv");
        sandbox.activate(&venv);
        sandbox.offer_maturin();
        sandbox.run_installer(&sandbox.command("maturin").arg("develop"));
        sandbox.doctor().silent().gone("EXT007").gone("EXT008").gone("EXT009");
        let has = |code: &str| {
            let script = format!("import demo; {code}");
            let command = sandbox.command(&venv.executable).args(["-B", "-c", &script]);
            command.output().unwrap().success()
        };
        assert!(has("demo.Quantizer().width, demo.Kind.NF4, demo.Quantizer.load()"));
        assert!(!has("demo.Quantizer().quantize_arrow()"));
        let source = sandbox.project().join("src/lib.rs");
        let method = "pub fn quantize_arrow(&self) -> usize { 7 }";
        sandbox.replace(&source, SOURCE.replace("// here", method));
        let diagnosis = sandbox.doctor();
        diagnosis
            .only(&["EXT007"])
            .severity("EXT007", Severity::Warning)
            .message_contains("EXT007", "lacks the method `Quantizer.quantize_arrow`, which")
            .evidence_contains("EXT007", "declares the method")
            .apply_fix("EXT007")
            .silent()
            .gone("EXT007")
            .gone("EXT008");
        assert!(has("demo.Quantizer().quantize_arrow()"));

        // A change that adds no name.
        let text = fs_err::read_to_string(&source).unwrap();
        sandbox.replace(&source, text.replace("{ 7 }", "{ 8 }"));
        for file in fs_err::read_dir(sandbox.project().join("python/demo")).unwrap() {
            let file = file.unwrap().path();
            if file.extension().is_some_and(|extension| extension == "so") {
                sandbox.set_modified(&file, SystemTime::now() - Duration::from_secs(3_600));
            }
        }
        sandbox
            .doctor()
            .only(&["EXT008"])
            .message_contains("EXT008", "older than src/lib.rs")
            .apply_fix("EXT008")
            .silent()
            .gone("EXT008");
        assert!(has("assert demo.Quantizer().quantize_arrow() == 8"));

        let stub = sandbox.project().join("python/demo/_demo.pyi");
        sandbox.replace(&stub, STUB);
        sandbox.doctor().silent().gone("EXT009");
        sandbox.replace(&stub, format!("{STUB}def halve(number: int) -> int: ...\n"));
        let mended = sandbox
            .doctor()
            .only(&["EXT009"])
            .message_contains("EXT009", "describes `halve`, which the module does not have")
            .apply_fix_with("EXT009", |step| {
                if matches!(step, Step::Edit { .. }) {
                    sandbox.replace(&stub, STUB);
                }
            });
        mended.silent().gone("EXT009");
        sandbox.replace(&stub, STUB.replace("    def a(self) -> int: ...\n", ""));
        sandbox
            .doctor()
            .silent()
            .severity("EXT009", Severity::Info)
            .message_contains("EXT009", "does not describe `Quantizer.a`");
    });
}
