//! Quantizes a matrix of `f32` with this crate, with candle and with what Python has, in one run, and
//! prints GB of input each second, the allocation of the output included, next to copying it.
//!
//! `cargo xtask bench quant` makes what is compared with and calls this; the variables that it sets are
//! those of [`Setup`]. `arrow-quant-bench draw DATA.json PICTURE.svg` draws the results of a run again.

mod draw;
mod goals;
mod matrix;
mod own;
mod peers;
mod record;
mod sizes;

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use crate::matrix::Matrix;
use crate::record::{Results, print};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What is measured, and with what.
struct Setup {
    /// Rows of the matrix.
    rows: usize,
    /// A Python with the libraries to compare with.
    python: Option<PathBuf>,
    /// A Python with another package called `arrow_quant_v2`.
    reference: Option<PathBuf>,
    /// The most megabytes of the table of sizes.
    largest: usize,
    /// Where the results and their picture go.
    save: Option<PathBuf>,
}

impl Setup {
    fn from_environment() -> Result<Setup> {
        let number = |name: &str, otherwise: usize| match env::var(name) {
            Ok(text) => text.parse().map_err(|error| format!("{name}: {error}")),
            Err(_) => Ok(otherwise),
        };
        let path =
            |name: &str| env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
        Ok(Setup {
            rows: number("QUANT_BENCH_ROWS", 4096)?,
            python: path("QUANT_BENCH_PYTHON"),
            reference: path("QUANT_BENCH_REFERENCE"),
            largest: number("QUANT_BENCH_LARGEST", 4096)?,
            save: path("QUANT_BENCH_SAVE"),
        })
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => measure(&Setup::from_environment()?),
        ["candle", rows, threads] => peers::candle(rows.parse()?, threads.parse()?),
        ["draw", data, picture] => {
            let results: Results = serde_json::from_slice(&fs::read(data)?)?;
            Ok(fs::write(picture, draw::picture(&results))?)
        }
        _ => Err("usage: arrow-quant-bench [draw DATA.json PICTURE.svg]".into()),
    }
}

fn measure(setup: &Setup) -> Result<()> {
    let matrix = Matrix::normal(setup.rows);
    let mut results = Results::new(&matrix);
    println!("{}", results.headline());
    println!("GB of input each second, the output's allocation included; times what copying took");
    println!("between the same rounds; decibels are the signal-to-quantization-noise ratio.\n");
    record::print_heading();
    let mut found = |record| {
        print(&record, &results.matrix);
        results.records.push(record);
    };
    for threads in [1, 2] {
        own::measure(&matrix, threads, &mut found)?;
        peers::measure_candle(setup.rows, threads, &mut found)?;
    }
    if let Some(python) = &setup.python {
        let file = matrix.file()?;
        for threads in [1, 2] {
            peers::measure_python(python, file.path(), setup.rows, threads, &mut found)?;
        }
        if let Some(reference) = &setup.reference {
            for (name, python) in [("published", reference), ("ours", python)] {
                let seconds = peers::quantize_arrow(python, file.path(), setup.rows)?;
                results.quantize_arrow.push((name.to_owned(), seconds));
            }
        }
    }
    drop(matrix);
    results.sizes = sizes::measure(setup.largest)?;
    goals::print(&results);
    if let Some(directory) = &setup.save {
        save(directory, &results)?;
    }
    Ok(())
}

fn save(directory: &Path, results: &Results) -> Result<()> {
    fs::create_dir_all(directory)?;
    let mut data = serde_json::to_vec_pretty(results)?;
    data.push(b'\n');
    fs::write(directory.join("quant.json"), data)?;
    fs::write(directory.join("quant.svg"), draw::picture(results))?;
    println!("\nsaved to {}", directory.display());
    Ok(())
}
