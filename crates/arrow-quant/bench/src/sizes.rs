//! Matrices from 1 MB up: whether time grows with the rows, and falls with the processors.

use std::num::NonZeroUsize;
use std::time::Instant;

use arrow_quant::{Options, Quantizer, Scheme, Search};

use crate::Result;
use crate::matrix::{COLUMNS, Matrix};
use crate::own::label;
use crate::record::Size;

/// Megabytes of `f32`.
const MEGABYTES: [usize; 7] = [1, 4, 16, 64, 256, 1024, 4096];

/// Schemes: bound by memory, and bound by the processor.
const SETTINGS: [(Scheme, usize, Search); 3] = [
    (Scheme::Int8Sym, 0, Search::MinMax),
    (Scheme::Int4Sym, 128, Search::MinMax),
    (Scheme::Int4Sym, 128, Search::Mse),
];

pub(crate) fn measure(largest: usize) -> Result<Vec<Size>> {
    println!("\nmilliseconds for matrices of so many MB, and GB of input each second");
    print!("{:<36}{:>8}", "", "threads");
    let sizes: Vec<usize> = MEGABYTES.into_iter().filter(|size| *size <= largest).collect();
    for size in &sizes {
        print!("{size:>16}");
    }
    println!();
    let mut found = Vec::new();
    let mut lines = vec![Vec::new(); SETTINGS.len() * 2];
    for megabytes in sizes {
        let rows = (megabytes * 1_000_000).div_ceil(COLUMNS * 4);
        let matrix = Matrix::repeated(rows);
        let input = matrix.batch()?;
        for (setting, (scheme, group_size, search)) in SETTINGS.into_iter().enumerate() {
            for threads in [1, 2] {
                let wanted = NonZeroUsize::new(threads);
                let options =
                    Options { scheme, group_size, search, threads: wanted, ..Options::default() };
                let mut quantizer = Quantizer::new(&options)?;
                let rounds = (2000 / megabytes).clamp(2, 20);
                let mut seconds = f64::INFINITY;
                for _ in 0..rounds {
                    let start = Instant::now();
                    let output = quantizer.quantize(&input)?;
                    seconds = seconds.min(start.elapsed().as_secs_f64());
                    drop(output);
                }
                let bytes = matrix.bytes();
                let speed = bytes as f64 / seconds / 1e9;
                lines[setting * 2 + threads - 1].push(format!("{:.2} ({speed:.1})", seconds * 1e3));
                let scheme = label(scheme, group_size, search);
                found.push(Size { bytes, scheme, threads, seconds });
            }
        }
    }
    for (index, line) in lines.iter().enumerate() {
        let (scheme, group_size, search) = SETTINGS[index / 2];
        print!("{:<36}{:>8}", label(scheme, group_size, search), index % 2 + 1);
        for cell in line {
            print!("{cell:>16}");
        }
        println!();
    }
    Ok(found)
}
