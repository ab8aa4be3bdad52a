//! A model file quantized into another one, next to copying it.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use arrow_quant::files::{FileOptions, quantize_file};
use arrow_quant::{Options, Scheme, Search};

use crate::Result;
use crate::matrix::{COLUMNS, Matrix};
use crate::record::FileSpeed;

const ROUNDS: usize = 3;

/// Measures files of so many megabytes; both ways the result is on the disk at the end.
pub(crate) fn measure(megabytes: usize) -> Result<Vec<FileSpeed>> {
    let directory = std::env::temp_dir().join(format!("arrow-quant-files-{}", std::process::id()));
    fs::create_dir_all(&directory)?;
    let measured = measure_in(&directory, megabytes);
    fs::remove_dir_all(&directory)?;
    measured
}

fn measure_in(directory: &Path, megabytes: usize) -> Result<Vec<FileSpeed>> {
    let source = directory.join("model.safetensors");
    let layers = megabytes.div_ceil(64);
    write_model(&source, layers, 64_000_000 / (COLUMNS * 4))?;
    let bytes = fs::metadata(&source)?.len();
    println!(
        "\n{} MB of safetensors, {layers} layers, to files that are synced",
        bytes / 1_000_000
    );
    println!("{:<44}{:>10}{:>18}", "", "GB/s", "x copying the file");
    let copy = directory.join("copy.safetensors");
    let copying = || -> Result<f64> {
        let start = Instant::now();
        fs::copy(&source, &copy)?;
        File::open(&copy)?.sync_all()?;
        let seconds = start.elapsed().as_secs_f64();
        fs::remove_file(&copy)?;
        Ok(seconds)
    };
    let mut found = Vec::new();
    for (name, ending, scheme, group_size, search) in [
        ("int4 g128 symmetric to Parquet", "parquet", Scheme::Int4Sym, 128, Search::MinMax),
        ("int4 g128 symmetric to safetensors", "safetensors", Scheme::Int4Sym, 128, Search::MinMax),
        ("int4 g128, least error, to Parquet", "parquet", Scheme::Int4Sym, 128, Search::Mse),
        ("int8 row to Parquet", "parquet", Scheme::Int8Sym, 0, Search::MinMax),
        ("Q4_0 to GGUF", "gguf", Scheme::GgufQ4_0, 32, Search::MinMax),
    ] {
        let options = Options { scheme, group_size, search, ..Options::default() };
        let options = FileOptions { options, ..FileOptions::default() };
        let destination = directory.join(format!("quantized.{ending}"));
        let (mut seconds, mut copy_seconds) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..ROUNDS {
            copy_seconds = copying()?.min(copy_seconds);
            let start = Instant::now();
            quantize_file(&source, &destination, &options, |_| ControlFlow::Continue(()))?;
            seconds = start.elapsed().as_secs_f64().min(seconds);
            fs::remove_file(&destination)?;
        }
        let ratio = copy_seconds / seconds;
        println!("{name:<44}{:>10.2}{ratio:>18.2}", bytes as f64 / seconds / 1e9);
        found.push(FileSpeed { name: name.to_owned(), bytes, seconds, copy_seconds });
    }
    Ok(found)
}

fn write_model(path: &Path, layers: usize, rows: usize) -> Result<()> {
    let matrix = Matrix::normal(rows);
    let bytes: &[u8] = bytemuck::cast_slice(&matrix.numbers);
    let mut header = serde_json::Map::new();
    for layer in 0..layers {
        let start = layer * bytes.len();
        let value = serde_json::json!({
            "dtype": "F32",
            "shape": [rows, COLUMNS],
            "data_offsets": [start, start + bytes.len()],
        });
        header.insert(format!("layers.{layer:04}.weight"), value);
    }
    let header = serde_json::to_vec(&header)?;
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(&(header.len() as u64).to_le_bytes())?;
    file.write_all(&header)?;
    for _ in 0..layers {
        file.write_all(bytes)?;
    }
    file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    Ok(())
}
