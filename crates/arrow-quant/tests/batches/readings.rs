//! Single values of batches, and weights with heavy tails.

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float32Type, Int64Type};

use crate::support::Random;

impl Random {
    /// Student's t with four degrees of freedom.
    pub(crate) fn student(&mut self) -> f64 {
        let spread: f64 = (0..4).map(|_| self.normal().powi(2)).sum();
        self.normal() / (spread / 4.0).sqrt()
    }
}

pub(crate) fn float(batch: &RecordBatch, column: &str, row: usize) -> f32 {
    batch[column].as_primitive::<Float32Type>().value(row)
}

pub(crate) fn text<'a>(batch: &'a RecordBatch, column: &str, row: usize) -> &'a str {
    batch[column].as_string::<i32>().value(row)
}

pub(crate) fn integer(batch: &RecordBatch, column: &str, row: usize) -> i64 {
    batch[column].as_primitive::<Int64Type>().value(row)
}
