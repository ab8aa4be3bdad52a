//! Tests of what sources declare.

use std::path::Path;

use host::HostPath;
use proptest::prelude::*;

use super::*;

fn declared(files: &[(&str, &str)]) -> DeclaredNames {
    let root = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = root.path().join(name);
        fs_err::create_dir_all(file.parent().unwrap()).unwrap();
        fs_err::write(file, text).unwrap();
    }
    let manifest = CrateManifest {
        path: HostPath::from(root.path().join("Cargo.toml").as_path()),
        library: Some(HostPath::from(root.path().join("src/lib.rs").as_path())),
        ..CrateManifest::default()
    };
    let mut found =
        gather(&Host::current().unwrap(), &manifest, std::slice::from_ref(&manifest)).unwrap();
    for name in &mut found.names {
        name.file = HostPath::from(name.file.strip_prefix(root.path()).unwrap_or(Path::new("?")));
    }
    found
}

/// `kind Class.name`, with `?` where nothing exports it and the conditions behind it.
fn told(found: &DeclaredNames) -> Vec<String> {
    let one = |name: &DeclaredName| {
        let sign = if name.is_exported { "" } else { "?" };
        let conditions = name.conditions.join("; ");
        format!("{} {}{sign} {conditions}", name.kind.word(), name.dotted()).trim().to_owned()
    };
    found.names.iter().map(one).collect()
}

fn told_of(text: &str) -> Vec<String> {
    told(&declared(&[("src/lib.rs", text)]))
}

#[test]
fn every_way_to_declare_is_seen() {
    let text = r#"
//! Words.
use pyo3::prelude::*;

#[pyclass(name = "Quantizer", get_all)]
pub struct Inner<T: Into<Vec<u8>>> {
    pub bits: HashMap<String, u8>,
    #[pyo3(name = "size")]
    len: usize,
}

#[pyclass]
struct Plain { #[pyo3(get, set)] x: f64, hidden: fn(a: u8, b: u8) -> u8 }

#[pyclass(eq, eq_int)]
enum Kind { Int8, #[pyo3(name = "NF4")] Nf4 = 3, Other { at: usize } }

#[pymethods]
impl<T> Inner<T> where T: Into<Vec<u8>> {
    #[new]
    fn new() -> Self { panic!() }
    /// Says it.
    #[pyo3(signature = (data, bits = 4))]
    pub fn quantize_arrow(&self, data: Vec<(u8, u8)>) -> PyResult<()> { Ok(()) }
    #[getter]
    fn get_width(&self) -> usize { 3 }
    #[getter(depth)] fn r#in(&self) -> usize { 3 }
    #[setter] fn set_width(&mut self, to: usize) {}
    #[classattr] const VERSION: u8 = 2;
    const SILENT: u8 = 2;
    #[staticmethod] #[pyo3(name = "load")] unsafe extern "C" fn from_file() {}
    fn __len__(&self) -> usize { 0 }
}

#[pymethods]
impl Inner<u8> { fn second_block(&self) {} }

impl Plain { fn rust_only(&self) {} }

#[pyfunction]
#[pyo3(name = "double")]
pub(crate) async fn twice(x: usize) -> usize { 2 * x }

#[pyfunction] fn never_added() {}

pyo3::create_exception!(demo, DemoError, pyo3::exceptions::PyException);

#[pymodule]
fn demo(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<Inner<u8>>()?;
    m.add_class::<self::Kind>()?;
    m.add_function(wrap_pyfunction!(crate::twice, m)?)?;
    #[cfg(feature = "gpu")]
    m.add_class::<Plain>()?;
    m.add("__version__", "1")?;
    m.add("DemoError", m.py().get_type::<DemoError>())?;
    Ok(())
}
"#;
    let found = declared(&[("src/lib.rs", text)]);
    assert_eq!(
        told(&found),
        [
            "class Quantizer",
            "attribute Quantizer.bits",
            "attribute Quantizer.size",
            "class Plain?",
            "attribute Plain.x?",
            "class Kind",
            "attribute Kind.Int8",
            "attribute Kind.NF4",
            "attribute Kind.Other",
            "method Quantizer.quantize_arrow",
            "attribute Quantizer.width",
            "attribute Quantizer.depth",
            "attribute Quantizer.width",
            "attribute Quantizer.VERSION",
            "method Quantizer.load",
            "method Quantizer.second_block",
            "function double",
            "function never_added?",
        ]
    );
    assert_eq!(found.names[9].line, 24);
    for name in ["DemoError", "__version__"] {
        assert!(found.added.iter().any(|added| added == name), "{:?}", found.added);
    }
}

#[test]
fn modules_of_modules_export_what_stands_in_them() {
    let text = r#"
mod other;
#[pymodule(name = "_native")]
mod native {
    #[pymodule_export]
    use super::other::{deep::Far, near as close, rest};
    #[pyfunction] fn inside() {}
    #[pyclass] struct Here;
    #[pymodule]
    mod sub { #[pyfunction] fn below() {} }
    #[cfg(feature = "x")]
    #[pymodule_export]
    use super::other::gated;
    #[pymodule_init]
    fn init(m: &Bound<'_, PyModule>) -> PyResult<()> { m.add("X", 1) }
}
"#;
    let other = "#[pyfunction] fn near() {} #[pyfunction] fn rest() {} #[pyfunction] fn gated() {}\n\
                 pub(crate) mod deep;";
    let deep = "#[pyclass] pub struct Far; #[pyclass] struct Farther;";
    let found = declared(&[
        ("src/lib.rs", text),
        ("src/other.rs", other),
        ("src/other/deep.rs", deep),
        ("src/stray.rs", "#[pyfunction] fn stray() {}"),
    ]);
    assert_eq!(
        told(&found),
        [
            "function inside",
            "class Here",
            "module sub",
            "function below",
            "class Far",
            "class Farther?",
            "function near",
            "function rest",
            "function gated?",
        ]
    );
}

#[test]
fn conditions_come_from_all_around() {
    let text = r#"
#[cfg(feature = "a")]
mod gated;
#[cfg_attr(feature = "python", pyclass)]
pub struct Maybe { x: u8 }
#[cfg_attr(feature = "python", pymethods)]
impl Maybe { #[cfg(unix)] fn both(&self) {} }
#[cfg_attr(docsrs, doc(hidden))]
#[pyfunction]
fn plain() {}
#[path = "elsewhere/that.rs"]
mod named;
"#;
    let found = declared(&[
        ("src/lib.rs", text),
        ("src/gated/mod.rs", "#![cfg(windows)]\n#[pyfunction] fn f() {}\nmod x { }"),
        ("src/elsewhere/that.rs", "#[pyfunction] fn g() {} mod inner;"),
        ("src/elsewhere/inner.rs", "#[pyfunction] fn h() {}"),
    ]);
    assert_eq!(
        told(&found),
        [
            "function h?",
            "function g?",
            "function f? feature = \"a\"; windows",
            "class Maybe? feature = \"python\"",
            "method Maybe.both? feature = \"python\"; unix",
            "function plain?",
        ]
    );
}

#[test]
fn what_macros_write_and_what_is_text_does_not_count() {
    for text in [
        "macro_rules! m { ($n:ident) => { #[pyfunction] fn $n() {} } }",
        "// #[pyfunction] fn f() {}",
        "const X: &str = \"#[pyfunction] fn f() {}\";",
        "m! { #[pyclass] struct X; }",
        "fn f() { let pyclass = 1; }",
    ] {
        assert_eq!(told_of(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn a_source_that_makes_no_sense_is_told() {
    let deep = format!("const X: u8 = {}1{};", "(".repeat(100_000), ")".repeat(100_000));
    for text in ["fn f( {", "fn \"", deep.as_str()] {
        let found = declared(&[("src/lib.rs", text)]);
        assert_eq!(found.unreadable.len(), 1, "{:.20}", text);
    }
    let found = declared(&[("src/lib.rs", "mod missing; #[pyfunction] fn here() {}")]);
    assert_eq!((found.names.len(), found.unreadable.len()), (1, 1));
}

#[test]
fn the_newest_source_is_one_that_is_compiled() {
    let found = declared(&[
        ("src/lib.rs", "mod a; #[cfg(test)] mod tests;"),
        ("src/a.rs", ""),
        ("src/tests.rs", ""),
        ("src/stray.rs", ""),
    ]);
    let newest = found.newest.unwrap();
    assert!(newest.path.ends_with("a.rs") || newest.path.ends_with("lib.rs"), "{newest:?}");
}

proptest! {
    #[test]
    fn nothing_panics(
        text in "(\\PC|\n|#\\[py(class|methods|function|module)\\]|fn |mod |impl |struct |enum |use \
                 |pub |[(){};:,<>!#]|x|where |for |const |=)*"
    ) {
        let _ = grammar::read(&text);
    }
}
