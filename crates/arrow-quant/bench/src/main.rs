//! Quantizes a matrix of 4096 x 11008 `f32` with every scheme, output allocation included, and prints
//! GB of input for each second next to copying it, and next to numpy, gguf-py and onnxruntime in the
//! same run.
//!
//! `ARROW_QUANT_BENCH_PYTHON` is a Python with what to compare with, `ARROW_QUANT_BENCH_ROWS` the
//! number of rows.

use std::env;
use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use arrow_array::{
    Array as _, ArrayRef, Float32Array, Int64Array, LargeListArray, ListArray, RecordBatch,
    StringArray,
};
use arrow_buffer::OffsetBuffer;
use arrow_quant::{Options, Quantizer, Scheme, Search, dequantize};
use arrow_schema::{DataType, Field};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const COLUMNS: usize = 11_008;
const ROUNDS: usize = 7;

/// A normal distribution with a standard deviation of 0.02, nearly: twelve uniform numbers added.
fn weights(count: usize) -> Vec<f32> {
    let mut state = 1u64;
    let mut uniform = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    (0..count).map(|_| (0..12).map(|_| uniform()).sum::<f32>() * 0.02).collect()
}

fn batch(x: &[f32], rows: usize) -> Result<RecordBatch> {
    let floats = Arc::new(Field::new_list_field(DataType::Float32, true));
    let integers = Arc::new(Field::new_list_field(DataType::Int64, true));
    let numbers: ArrayRef = Arc::new(Float32Array::from(x.to_vec()));
    let shape: ArrayRef = Arc::new(Int64Array::from(vec![rows as i64, COLUMNS as i64]));
    let weights =
        LargeListArray::try_new(floats, OffsetBuffer::from_lengths([x.len()]), numbers, None)?;
    let shapes = ListArray::try_new(integers, OffsetBuffer::from_lengths([2]), shape, None)?;
    Ok(RecordBatch::try_from_iter([
        ("layer_name", Arc::new(StringArray::from(vec!["layer"])) as ArrayRef),
        ("weights", Arc::new(weights)),
        ("shape", Arc::new(shapes)),
    ])?)
}

/// The least seconds of several rounds.
fn least<T>(rounds: usize, mut run: impl FnMut() -> Result<T>) -> Result<f64> {
    let mut least = f64::INFINITY;
    for _ in 0..rounds {
        let start = Instant::now();
        let result = run()?;
        least = least.min(start.elapsed().as_secs_f64());
        drop(black_box(result));
    }
    Ok(least)
}

fn main() -> Result<()> {
    let rows = match env::var("ARROW_QUANT_BENCH_ROWS") {
        Ok(rows) => rows.parse()?,
        Err(_) => 4096,
    };
    let x = weights(rows * COLUMNS);
    let gigabytes = (x.len() * 4) as f64 / 1e9;
    let input = batch(&x, rows)?;

    let mut target = vec![0f32; x.len()];
    target.fill(1.0);
    let copy = least(ROUNDS, || {
        target.copy_from_slice(&x);
        black_box(&target);
        Ok(())
    })?;
    drop(target);
    let fresh = least(ROUNDS, || Ok(x.clone()))?;
    println!("{rows} x {COLUMNS} f32, {:.0} MB; GB of input each second", gigabytes * 1e3);
    println!("{:<42}{:>8.2}", "copying, into memory in use", gigabytes / copy);
    println!("{:<42}{:>8.2}", "copying, into fresh memory", gigabytes / fresh);

    println!("\n{:<42}{:>8}{:>10}{:>8}{:>8}", "arrow-quant", "GB/s", "x copying", "dB", "bits");
    let settings = [
        (Scheme::Int8Sym, 0, Search::MinMax),
        (Scheme::Int8Sym, 128, Search::MinMax),
        (Scheme::Int8Sym, 128, Search::Mse),
        (Scheme::Int4Sym, 128, Search::MinMax),
        (Scheme::Int4Sym, 128, Search::Mse),
        (Scheme::Int4Asym, 128, Search::MinMax),
        (Scheme::Int4Asym, 128, Search::Mse),
        (Scheme::Int2Asym, 64, Search::Mse),
        (Scheme::Nf4, 64, Search::MinMax),
        (Scheme::Nf4, 64, Search::Mse),
    ];
    for (scheme, group_size, search) in settings {
        for threads in [1, 2] {
            let threads = NonZeroUsize::new(threads);
            let options = Options { scheme, group_size, search, threads, ..Options::default() };
            let mut quantizer = Quantizer::new(&options)?;
            let rounds = if search == Search::Mse { 3 } else { ROUNDS };
            let seconds = least(rounds, || Ok(quantizer.quantize(&input)?))?;
            let layer = &quantizer.layers()[0];
            println!(
                "{:<42}{:>8.2}{:>10.2}{:>8.2}{:>8.3}",
                format!(
                    "{} g{group_size} {search:?}, {} threads",
                    scheme.name(),
                    threads.map_or(0, NonZeroUsize::get)
                ),
                gigabytes / seconds,
                copy / seconds,
                layer.sums.sqnr_db(),
                layer.bits_per_weight().unwrap_or_default(),
            );
        }
        if search == Search::MinMax {
            let options = Options { scheme, group_size, search, ..Options::default() };
            let output = Quantizer::new(&options)?.quantize(&input)?;
            let seconds = least(3, || Ok(dequantize(&output)?))?;
            println!("{:<42}{:>8.2}", "  and back, all threads", gigabytes / seconds);
            assert_eq!(output.column(0).len(), 1);
        }
    }

    let Ok(python) = env::var("ARROW_QUANT_BENCH_PYTHON") else { return Ok(()) };
    let file = env::temp_dir().join(format!("arrow-quant-bench-{}", std::process::id()));
    let bytes: Vec<u8> = x.iter().flat_map(|x| x.to_le_bytes()).collect();
    fs::write(&file, bytes)?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/lane.py");
    let arguments = ["-I", "-B", script, &rows.to_string(), &COLUMNS.to_string()];
    let output = Command::new(python).args(arguments).arg(&file).output();
    fs::remove_file(&file)?;
    let output = output?;
    println!("\n{:<42}{:>8}", "others", "GB/s");
    for line in String::from_utf8(output.stdout)?.lines() {
        let (seconds, name) = line.split_once('\t').ok_or("no answer")?;
        println!("{name:<42}{:>8.2}", gigabytes / seconds.parse::<f64>()?);
    }
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(())
}
