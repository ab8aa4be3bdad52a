//! Quantized weights and their files checked by code that others wrote: numpy, gguf, onnxruntime,
//! bitsandbytes, pyarrow, safetensors.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod environment;
#[path = "../../../npz/tests/numpy/environments.rs"]
mod environments;
#[cfg(feature = "parquet")]
mod files;
#[path = "../batches/support.rs"]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use arrow_array::RecordBatch;
use arrow_quant::{NF4, Options, ScaleDtype, Scheme, Search, dequantize, matmul_nbits};
use environment::interpreter;
use environments::{run, skip};
use serde_json::{Value, json};
use support::{Random, codes, floats, options, quantized, single};

/// The tests run at once, and one of them makes the environment.
fn python(test: &str) -> Option<&'static Path> {
    static PYTHON: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match PYTHON.get_or_init(interpreter) {
        Ok(python) => Some(python),
        Err(reason) => {
            skip(test, reason);
            None
        }
    }
}

/// A matrix to quantize.
struct Case {
    rows: usize,
    columns: usize,
    options: Options,
    /// What the weights are.
    weights: fn(&mut Random, usize) -> Vec<f32>,
}

impl Case {
    fn new(rows: usize, columns: usize, scheme: Scheme, group: usize, dtype: ScaleDtype) -> Case {
        let options = Options { scale_dtype: dtype, ..options(scheme, group, Search::MinMax) };
        Case { rows, columns, options, weights: Random::weights }
    }

    /// Writes weights and results to files, and says what they are.
    fn write(&self, name: &str, directory: &Path) -> Value {
        let Case { rows, columns, options, weights } = self;
        let x = weights(&mut Random::new((rows * columns) as u64), rows * columns);
        let output = quantized(&single(&x, &[*rows as i64, *columns as i64]), options);
        let restored = floats(&dequantize(&output).unwrap(), "weights", 0);
        let write = |kind: &str, numbers: &[f32]| {
            let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
            fs::write(directory.join(format!("{name}.{kind}")), bytes).unwrap();
        };
        write("weights", &x);
        write("scales", &floats(&output, "scales", 0));
        write("zeros", &floats(&output, "zero_points", 0));
        write("restored", &restored);
        fs::write(directory.join(format!("{name}.codes")), codes(&output, 0)).unwrap();
        json!({
            "name": name,
            "scheme": options.scheme.name(),
            "rows": rows,
            "columns": columns,
            "group_size": options.group_size,
            "scale_dtype": options.scale_dtype.name(),
            "matmul_nbits": write_matmul_nbits(&output, name, directory),
        })
    }
}

/// The same as MatMulNBits takes it, and nothing for a scheme that it does not have.
fn write_matmul_nbits(output: &RecordBatch, name: &str, directory: &Path) -> Value {
    let Ok(matrix) = matmul_nbits(output, 0) else { return Value::Null };
    let write = |kind: &str, bytes: &[u8]| {
        fs::write(directory.join(format!("{name}.{kind}")), bytes).unwrap();
    };
    let scales: Vec<u8> = matrix.scales.iter().flat_map(|x| x.to_le_bytes()).collect();
    write("b", &matrix.b);
    write("block_scales", &scales);
    write("block_zeros", matrix.zero_points.as_deref().unwrap_or_default());
    json!({
        "N": matrix.n,
        "K": matrix.k,
        "bits": matrix.bits,
        "block_size": matrix.block_size,
        "k_blocks": matrix.k_blocks(),
    })
}

/// What an oracle says of each case, in their order.
fn asked(python: &Path, oracle: &str, cases: &[Case]) -> Vec<(String, Value)> {
    let directory = tempfile::tempdir().unwrap();
    let described: Vec<Value> = cases
        .iter()
        .enumerate()
        .map(|(number, case)| case.write(&number.to_string(), directory.path()))
        .collect();
    fs::write(directory.path().join("cases.json"), json!(described).to_string()).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/numpy/oracles.py");
    let mut command = Command::new(python);
    command.args(["-I", "-B", script, oracle]).arg(directory.path());
    let answer = run(command.env("NF4", json!(NF4).to_string())).unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    (0..cases.len())
        .map(|number| {
            let Options { scheme, group_size, scale_dtype, .. } = cases[number].options;
            let name = format!("{} {group_size} {}", scheme.name(), scale_dtype.name());
            (name, answer[number.to_string()].clone())
        })
        .collect()
}

#[test]
fn numpy_finds_the_same_bits_by_the_formulas() {
    let Some(python) = python("numpy_finds_the_same_bits_by_the_formulas") else { return };
    let mut cases = Vec::new();
    for scheme in Scheme::GROUPED {
        for dtype in [ScaleDtype::F16, ScaleDtype::F32] {
            cases.push(Case::new(17, 300, scheme, 0, dtype));
            cases.push(Case::new(40, 509, scheme, 64, dtype));
            cases.push(Case::new(9, 4096, scheme, 256, dtype));
        }
    }
    for (name, found) in asked(python, "numpy", &cases) {
        assert_eq!(found, json!({"codes": 0, "scales": 0, "zeros": 0, "restored": 0}), "{name}");
    }
}

#[test]
fn gguf_finds_the_same_codes() {
    let Some(python) = python("gguf_finds_the_same_codes") else { return };
    let cases = [
        Case::new(128, 1024, Scheme::Int8Sym, 32, ScaleDtype::F32),
        Case::new(128, 1024, Scheme::Int4Sym, 32, ScaleDtype::F32),
    ];
    for (name, found) in asked(python, "gguf", &cases) {
        assert_eq!(found, json!({"codes": 0, "scales": 0}), "{name}");
    }
}

/// Rows of zeros, of one number, of outliers, of heavy tails, and of numbers that are hardly any.
fn unusual(random: &mut Random, count: usize) -> Vec<f32> {
    let mut x = random.weights(count);
    let row = count / 8;
    x[..row].fill(0.0);
    x[row..2 * row].fill(-0.37);
    for x in x[2 * row..3 * row].iter_mut().step_by(31) {
        *x *= 300.0;
    }
    for x in &mut x[3 * row..4 * row] {
        *x = x.powi(3) * 1e4;
    }
    // Below about 1e-37 the reciprocal of a scale overflows, and numpy's codes mean nothing.
    for (x, size) in x[4 * row..].chunks_mut(row).zip([1e-30, 1e-6, 1e6, 1e-34]) {
        x.iter_mut().for_each(|x| *x *= size);
    }
    // The first of the two that are farthest from zero decides.
    x[7] = 1.5;
    x[9] = -1.5;
    x
}

#[test]
fn gguf_finds_the_same_blocks() {
    let Some(python) = python("gguf_finds_the_same_blocks") else { return };
    let cases: Vec<Case> = [Scheme::GgufQ8_0, Scheme::GgufQ4_0]
        .into_iter()
        .flat_map(|scheme| {
            let case = |rows, columns| Case::new(rows, columns, scheme, 128, ScaleDtype::F16);
            [case(128, 1024), case(1, 32), Case { weights: unusual, ..case(8, 3200) }]
        })
        .collect();
    for (name, found) in asked(python, "gguf", &cases) {
        assert_eq!(found, json!({"codes": 0, "restored": 0}), "{name}");
    }
}

#[test]
fn onnxruntime_multiplies_with_the_same_numbers() {
    let Some(python) = python("onnxruntime_multiplies_with_the_same_numbers") else { return };
    let mut cases = Vec::new();
    for scheme in [Scheme::Int8Sym, Scheme::Int4Sym, Scheme::Int4Asym, Scheme::Int2Asym] {
        for (rows, columns, group) in [
            (48, 256, 32),
            (48, 256, 128),
            // Rows that end within a block, within a byte, and before the first block is full.
            (33, 300, 64),
            (5, 261, 16),
            (7, 9, 128),
            // Groups that are several blocks, and whole rows.
            (16, 500, 96),
            (16, 500, 240),
            (9, 1000, 0),
            (9, 40, 0),
            (1, 1, 0),
        ] {
            let dtype = if rows == 48 { ScaleDtype::F16 } else { ScaleDtype::F32 };
            cases.push(Case::new(rows, columns, scheme, group, dtype));
        }
    }
    let mut offences = Vec::new();
    for ((name, found), case) in asked(python, "onnxruntime", &cases).into_iter().zip(&cases) {
        let largest = found["largest"].as_f64().unwrap();
        if largest > 1e-6 {
            offences.push(format!("{name}, {} by {}: {largest}", case.rows, case.columns));
        }
    }
    assert!(offences.is_empty(), "{offences:#?}");
}

#[test]
fn bitsandbytes_has_the_same_code_book() {
    let Some(python) = python("bitsandbytes_has_the_same_code_book") else { return };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/numpy/oracles.py");
    let arguments = ["-I", "-B", script, "code book", "."];
    let answer = run(Command::new(python).args(arguments)).unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let book: Vec<f32> = answer["code_book"]
        .as_array()
        .unwrap()
        .iter()
        .map(|x| x.as_f64().unwrap() as f32)
        .collect();
    assert_eq!(book, NF4);
}

#[test]
fn bitsandbytes_finds_no_nearer_codes() {
    let Some(python) = python("bitsandbytes_finds_no_nearer_codes") else { return };
    let cases = [
        Case::new(64, 1024, Scheme::Nf4, 64, ScaleDtype::F32),
        Case::new(3, 4096, Scheme::Nf4, 256, ScaleDtype::F32),
        Case::new(17, 128, Scheme::Nf4, 128, ScaleDtype::F32),
    ];
    for (name, found) in asked(python, "bitsandbytes", &cases) {
        let same = json!({"scales": 0, "farther": 0, "much_nearer": 0, "restored": 0});
        assert_eq!(found, same, "{name}");
    }
}
