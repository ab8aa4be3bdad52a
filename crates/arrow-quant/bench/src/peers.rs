//! Other libraries: candle in a process of its own, since its threads are counted once, and Python's.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};

use crate::Result;
use crate::matrix::{COLUMNS, Copying, Matrix};
use crate::record::Record;

const ROUNDS: usize = 3;

/// Measures candle in a process with so many threads.
pub(crate) fn measure_candle(
    rows: usize,
    threads: usize,
    found: &mut impl FnMut(Record),
) -> Result<()> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["candle", &rows.to_string(), &threads.to_string()]);
    command.env("RAYON_NUM_THREADS", threads.to_string());
    lines(&mut command, found)
}

/// Measures candle in this process, and prints a line of JSON for each type.
pub(crate) fn candle(rows: usize, threads: usize) -> Result<()> {
    let matrix = Matrix::normal(rows);
    let mut copying = Copying::new(&matrix);
    let tensor = Tensor::from_slice(&matrix.numbers, (rows, COLUMNS), &Device::Cpu)?;
    for (dtype, label, bits) in
        [(GgmlDType::Q8_0, "Q8_0", 8), (GgmlDType::Q4_0, "Q4_0", 4), (GgmlDType::Q4K, "Q4_K", 4)]
    {
        let (mut seconds, mut copy_seconds) = (f64::INFINITY, copying.seconds());
        let mut last: Option<QTensor> = None;
        for _ in 0..ROUNDS {
            drop(last.take());
            let start = Instant::now();
            last = Some(QTensor::quantize(&tensor, dtype)?);
            seconds = seconds.min(start.elapsed().as_secs_f64());
            copy_seconds = copy_seconds.min(copying.seconds());
        }
        let restored = match &last {
            Some(quantized) => {
                quantized.dequantize(&Device::Cpu)?.flatten_all()?.to_vec1::<f32>()?
            }
            None => return Err("nothing was quantized".into()),
        };
        let (mut signal, mut noise) = (0.0, 0.0);
        for (&original, &returned) in matrix.numbers.iter().zip(&restored) {
            let (original, returned) = (f64::from(original), f64::from(returned));
            signal += original * original;
            noise += (original - returned) * (original - returned);
        }
        let record = Record {
            tool: "candle".to_owned(),
            scheme: label.to_owned(),
            bits,
            threads,
            seconds,
            copy_seconds,
            sqnr_db: Some(10.0 * (signal / noise).log10()),
        };
        println!("{}", serde_json::to_string(&record)?);
    }
    Ok(())
}

/// Measures every library that a Python has.
pub(crate) fn measure_python(
    python: &Path,
    file: &Path,
    rows: usize,
    threads: usize,
    found: &mut impl FnMut(Record),
) -> Result<()> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/peers.py");
    let mut command = Command::new(python);
    command.args(["-I", "-B", script]).arg(file);
    command.args([rows.to_string(), COLUMNS.to_string(), threads.to_string()]);
    lines(&mut command, found)
}

/// Runs a command that prints records.
fn lines(command: &mut Command, found: &mut impl FnMut(Record)) -> Result<()> {
    let output = command.stderr(Stdio::inherit()).output()?;
    for line in String::from_utf8(output.stdout)?.lines().filter(|line| line.starts_with('{')) {
        found(serde_json::from_str(line)?);
    }
    if !output.status.success() {
        return Err(format!("{command:?} failed: {}", output.status).into());
    }
    Ok(())
}

/// Seconds of `quantize_arrow` of the `arrow_quant_v2` that a Python has.
pub(crate) fn quantize_arrow(python: &Path, file: &Path, rows: usize) -> Result<f64> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/reference.py");
    let mut command = Command::new(python);
    command.args(["-I", "-B", script]).arg(file).args([rows.to_string(), COLUMNS.to_string()]);
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{command:?} failed: {}", output.status).into());
    }
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    answer["seconds"].as_f64().ok_or_else(|| "no answer".into())
}
