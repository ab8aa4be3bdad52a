//! This crate.

use std::num::NonZeroUsize;
use std::time::Instant;

use arrow_quant::{Options, Quantizer, Scheme, Search};

use crate::Result;
use crate::matrix::{Copying, Matrix};
use crate::record::Record;

const ROUNDS: usize = 7;

/// What is measured of each scheme: its label, group size and search.
const SETTINGS: [(Scheme, usize, Search); 10] = [
    (Scheme::Int8Sym, 0, Search::MinMax),
    (Scheme::Int8Sym, 128, Search::MinMax),
    (Scheme::Int8Sym, 128, Search::Mse),
    (Scheme::Int4Sym, 128, Search::MinMax),
    (Scheme::Int4Asym, 128, Search::MinMax),
    (Scheme::Int4Sym, 128, Search::Mse),
    (Scheme::Int4Asym, 128, Search::Mse),
    (Scheme::Nf4, 64, Search::MinMax),
    (Scheme::Nf4, 64, Search::Mse),
    (Scheme::Int2Asym, 64, Search::Mse),
];

pub(crate) fn label(scheme: Scheme, group_size: usize, search: Search) -> String {
    let name = match scheme {
        Scheme::Int8Sym => "int8",
        Scheme::Int4Sym | Scheme::Int4Asym => "int4",
        Scheme::Int2Asym => "int2",
        other => other.name(),
    };
    let group = if group_size == 0 { "row".to_owned() } else { format!("g{group_size}") };
    let symmetry = match scheme {
        Scheme::Int4Sym => " symmetric",
        Scheme::Int4Asym => " asymmetric",
        _ => "",
    };
    let search = if search == Search::Mse { ", least error" } else { "" };
    format!("{name} {group}{symmetry}{search}")
}

pub(crate) fn measure(
    matrix: &Matrix,
    threads: usize,
    found: &mut impl FnMut(Record),
) -> Result<()> {
    let input = matrix.batch()?;
    let mut copying = Copying::new(matrix);
    for (scheme, group_size, search) in SETTINGS {
        let threads_wanted = NonZeroUsize::new(threads);
        let options =
            Options { scheme, group_size, search, threads: threads_wanted, ..Options::default() };
        let mut quantizer = Quantizer::new(&options)?;
        drop(quantizer.quantize(&input)?);
        let (mut seconds, mut copy_seconds) = (f64::INFINITY, copying.seconds());
        for _ in 0..ROUNDS {
            let start = Instant::now();
            let output = quantizer.quantize(&input)?;
            seconds = seconds.min(start.elapsed().as_secs_f64());
            drop(output);
            copy_seconds = copy_seconds.min(copying.seconds());
        }
        let lost = quantizer.layers().first().map(|layer| f64::from(layer.sums.sqnr_db()));
        found(Record {
            tool: format!("arrow-quant {}", arrow_quant::VERSION),
            scheme: label(scheme, group_size, search),
            bits: scheme.bit_width(),
            threads,
            seconds,
            copy_seconds,
            sqnr_db: lost,
        });
    }
    Ok(())
}
