//! Files that others wrote are read, and others read ours.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray as _;
use arrow_quant::files::{FileOptions, Progress, quantize_file, read_quantized};
use arrow_quant::{Options, Scheme, Search, dequantize};
use serde_json::{Value, json};

use crate::environments::run;
use crate::support::floats;

fn asked(python: &Path, what: &str, directory: &Path) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/numpy/files.py");
    run(Command::new(python).args(["-I", "-B", script, what]).arg(directory)).unwrap()
}

fn options(scheme: Scheme) -> FileOptions {
    let options = Options { scheme, group_size: 32, search: Search::MinMax, ..Options::default() };
    // Small chunks, so that layers come in parts.
    FileOptions { options, chunk_bytes: 4000, ..FileOptions::default() }
}

fn rows(path: &Path) -> impl Iterator<Item = RecordBatch> {
    read_quantized(path).unwrap().flat_map(|batch| {
        let batch = batch.unwrap();
        (0..batch.num_rows()).map(move |row| batch.slice(row, 1)).collect::<Vec<_>>()
    })
}

/// The weights of each layer that are restored, appended to `LAYER.ENDING`.
fn write_restored(quantized: &Path, directory: &Path, ending: &str) {
    for row in rows(quantized) {
        let layer = row["layer_name"].as_string::<i32>().value(0);
        if row["scheme"].as_string::<i32>().value(0) == "none" {
            continue;
        }
        let path = directory.join(format!("{layer}.{ending}"));
        let mut bytes = fs::read(&path).unwrap_or_default();
        let numbers = floats(&dequantize(&row).unwrap(), "weights", 0);
        bytes.extend(numbers.iter().flat_map(|x| x.to_le_bytes()));
        fs::write(&path, bytes).unwrap();
    }
}

fn go_on(_: &Progress<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn files_of_others_are_read_and_others_read_ours() {
    let test = "files_of_others_are_read_and_others_read_ours";
    let Some(python) = crate::python(test) else { return };
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    asked(python, "make", directory.path());
    let mut first = None;
    for source in ["model.safetensors", "model.npz", "model.arrow", "model.parquet"] {
        let destination = at("from.safetensors");
        quantize_file(at(source), &destination, &options(Scheme::Int8Sym), go_on).unwrap();
        let mut layers: Vec<(String, Vec<u8>, Vec<f32>)> = rows(&destination)
            .map(|row| {
                let layer = row["layer_name"].as_string::<i32>().value(0).to_owned();
                (layer, crate::support::codes(&row, 0), floats(&row, "scales", 0))
            })
            .collect();
        layers.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(layers.len(), 4, "{source}");
        assert_eq!(first.get_or_insert_with(|| layers.clone()), &layers, "{source}");
    }
    let compressed = quantize_file(
        at("compressed.parquet"),
        at("from.safetensors"),
        &options(Scheme::Int8Sym),
        go_on,
    );
    let error = compressed.unwrap_err().to_string();
    assert!(error.contains("SNAPPY") && error.contains("without compression"), "{error}");
    for ending in ["arrow", "parquet", "safetensors"] {
        let destination = at(&format!("quantized.{ending}"));
        quantize_file(at("model.safetensors"), &destination, &options(Scheme::Int8Sym), go_on)
            .unwrap();
    }
    write_restored(&at("quantized.arrow"), directory.path(), "restored");
    for (source, destination) in
        [("model.safetensors", "blocks.arrow"), ("model.safetensors", "quantized.gguf")]
    {
        quantize_file(at(source), at(destination), &options(Scheme::GgufQ4_0), go_on).unwrap();
    }
    write_restored(&at("blocks.arrow"), directory.path(), "blocks");
    let answer: Value = serde_json::from_str(&asked(python, "check", directory.path())).unwrap();
    assert_eq!(answer, json!({"arrow": 0, "parquet": 0, "safetensors": 0, "gguf": 0}));
}
