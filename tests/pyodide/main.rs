//! Array files in Pyodide under node: an old one, in which `dup` of a file of the host fails, and the
//! newest. Skipped where there is no node, or no way to the registry of npm.

#![expect(clippy::unwrap_used, reason = "all of this is test code")]

#[path = "../skips.rs"]
mod skips;
#[path = "../tools.rs"]
mod tools;

use std::path::{Path, PathBuf};
use std::time::Duration;

use host::{Host, Invocation};
use matrix::pyodide::Node;
use npz::{ArrayView, Compression, Header, NpzWriter, Order};
use serde_json::{Value, json};

/// The last version with the fault, and the newest.
const FAULTY: &str = "0.25.1";
const NEWEST: &str = "314.0.7";

/// Long enough for reading a dozen small files.
const LIMIT: Duration = Duration::from_secs(300);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_path_buf()
}

/// Node.js and the directory of a version of Pyodide, where the tests of the matrix have it, too.
fn pyodide(tools: &Path, version: &str) -> Result<(PathBuf, PathBuf), String> {
    let host = Host::current().unwrap();
    let node = Node::find(&host)?;
    let package = node.package(&host, &tools.join("matrix/pyodide"), version, false)?;
    Ok((node.program, package.directory))
}

/// Array files of many kinds, as numpy writes them.
fn write_files(directory: &Path) {
    let floats: Vec<f32> = (0..6).map(|number| number as f32 / 4.0).collect();
    let view = ArrayView::from_slice(&floats, &[2, 3]).unwrap();
    npz::write_npy(directory.join("floats.npy"), &view).unwrap();
    let numbers: Vec<i64> = (0..24).collect();
    let dtype = ArrayView::from_slice(&numbers, &[24]).unwrap().dtype().clone();
    let header = Header::new(dtype, &[2, 3, 4], Order::Fortran).unwrap();
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    let columns = ArrayView::from_bytes(header, &bytes).unwrap();
    npz::write_npy(directory.join("columns.npy"), &columns).unwrap();
    let nothing = ArrayView::from_slice::<f64>(&[], &[0, 3]).unwrap();
    npz::write_npy(directory.join("nothing.npy"), &nothing).unwrap();
    let complex = [npz::Complex::new(1.0_f32, 2.0)];
    let complex = ArrayView::from_slice(&complex, &[1]).unwrap();
    npz::write_npy(directory.join("complex.npy"), &complex).unwrap();
    let mut archive = NpzWriter::create(directory.join("archive.npz")).unwrap();
    archive.add("stored", &view, Compression::Stored).unwrap();
    archive.add("deflated", &columns, Compression::Deflate(6)).unwrap();
    archive.commit().unwrap();
    let mut mixed = NpzWriter::create(directory.join("mixed.npz")).unwrap();
    mixed.add("floats", &view, Compression::Stored).unwrap();
    mixed.add("complex", &complex, Compression::Stored).unwrap();
    mixed.commit().unwrap();
    // What another kind of machine writes.
    let mut swapped = fs_err::read(directory.join("floats.npy")).unwrap();
    let text = swapped.windows(3).position(|bytes| bytes == b"<f4").unwrap();
    swapped[text] = b'>';
    let start = swapped.len() - 24;
    swapped[start..].as_chunks_mut::<4>().0.iter_mut().for_each(|word| word.reverse());
    fs_err::write(directory.join("swapped.npy"), &swapped).unwrap();
    fs_err::write(directory.join("cut.npy"), &swapped[..swapped.len() - 5]).unwrap();
    fs_err::write(directory.join("text.npz"), "not an array").unwrap();
}

/// What Pyodide of a version makes of the files.
fn run(test: &str, version: &str) -> Option<Value> {
    let tools = tools::directory(test, "pyodide")?;
    let (node, package) = match pyodide(&tools, version) {
        Ok(found) => found,
        Err(reason) => {
            skips::record(test, &reason);
            return None;
        }
    };
    let data = tempfile::tempdir().unwrap();
    write_files(data.path());
    let here = root().join("tests/pyodide");
    let output = Invocation::new(node)
        .arg(here.join("load.mjs"))
        .arg(package)
        .arg(data.path())
        .arg(root().join("crates/arrow-quant-python/python"))
        .arg(here.join("load.py"))
        .timeout(LIMIT)
        .output()
        .unwrap();
    let (stdout, stderr) = (output.stdout_text(), output.stderr_text());
    assert!(output.success(), "{stdout}\n{stderr}");
    Some(serde_json::from_str(stdout.trim()).unwrap_or_else(|error| panic!("{error}: {stdout}")))
}

/// Whatever Pyodide it is, the files are read, and what they hold is the same.
#[track_caller]
fn reads_everything(found: &Value) {
    let floats = json!({
        "format": "f", "shape": [2, 3], "values": [[0.0, 0.25, 0.5], [0.75, 1.0, 1.25]],
    });
    let columns: Vec<Vec<Vec<i64>>> = (0..2)
        .map(|a| (0..3).map(|b| (0..4).map(|c| a + 2 * b + 6 * c).collect()).collect())
        .collect();
    let columns = json!({ "format": "q", "shape": [2, 3, 4], "values": columns });
    let files = &found["files"];
    assert_eq!(files["floats.npy"], floats);
    assert_eq!(files["swapped.npy"], floats);
    assert_eq!(files["columns.npy"], columns);
    assert_eq!(files["archive.npz"], json!({ "stored": floats, "deflated": columns }));
    assert_eq!(files["nothing.npy"], json!({ "format": "d", "shape": [0], "values": [] }));
    assert_eq!(found["alone"], floats);
    assert_eq!(found["chosen"], json!({ "floats": floats }));
    for (file, said) in [
        ("complex.npy", "install numpy"),
        ("mixed.npz", "or choose other arrays with `only`"),
        ("cut.npy", "19 of 24 bytes"),
        ("text.npz", "neither a .npy nor a .npz file"),
    ] {
        let error = files[file]["error"].as_str().unwrap();
        assert!(error.contains(said), "{file}: {error}");
    }
    let native = found["native"].as_str().unwrap();
    assert!(native.contains("arrow_quant_v2.quantize needs the native module"), "{native}");
    assert_eq!(found["platform"], "emscripten");
}

#[test]
fn arrays_load_where_descriptors_cannot_be_duplicated() {
    let test = "arrays_load_where_descriptors_cannot_be_duplicated";
    let Some(found) = run(test, FAULTY) else { return };
    // The fault itself, without which this version proves nothing.
    let fault = found["dup"].as_str().unwrap_or("no error");
    assert_eq!(fault, "Bad file descriptor", "{found}");
    reads_everything(&found);
}

#[test]
fn arrays_load_in_the_newest_pyodide() {
    let Some(found) = run("arrays_load_in_the_newest_pyodide", NEWEST) else { return };
    assert_eq!(found["dup"], Value::Null, "{found}");
    reads_everything(&found);
}
