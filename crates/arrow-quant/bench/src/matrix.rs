//! The matrix that everything quantizes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use arrow_array::{
    ArrayRef, Float32Array, Int64Array, LargeListArray, ListArray, RecordBatch, StringArray,
};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field};

use crate::Result;

/// Columns of the matrix: the width of a feed-forward layer of a model with 7 billion weights.
pub(crate) const COLUMNS: usize = 11_008;

/// Rows of `f32`, in memory once.
pub(crate) struct Matrix {
    pub(crate) rows: usize,
    pub(crate) numbers: ScalarBuffer<f32>,
}

/// A file that is removed when it is no longer needed.
pub(crate) struct File(PathBuf);

impl File {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl Matrix {
    /// Of a normal distribution with a standard deviation of 0.02, nearly: twelve uniform numbers
    /// added.
    pub(crate) fn normal(rows: usize) -> Matrix {
        let mut state = 1u64;
        let mut uniform = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
        };
        let number = |_| (0..12).map(|_| uniform()).sum::<f32>() * 0.02;
        let numbers: Vec<f32> = (0..rows * COLUMNS).map(number).collect();
        Matrix { rows, numbers: numbers.into() }
    }

    /// The same rows again and again.
    pub(crate) fn repeated(rows: usize) -> Matrix {
        let pattern = Matrix::normal(rows.min(64));
        let mut numbers = Vec::with_capacity(rows * COLUMNS);
        while numbers.len() < rows * COLUMNS {
            let rest = rows * COLUMNS - numbers.len();
            numbers.extend_from_slice(&pattern.numbers[..pattern.numbers.len().min(rest)]);
        }
        Matrix { rows, numbers: numbers.into() }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.numbers.len() * 4
    }

    /// The rows as a layer, without a copy.
    pub(crate) fn batch(&self) -> Result<RecordBatch> {
        let floats = Arc::new(Field::new_list_field(DataType::Float32, true));
        let integers = Arc::new(Field::new_list_field(DataType::Int64, true));
        let numbers: ArrayRef = Arc::new(Float32Array::try_new(self.numbers.clone(), None)?);
        let shape: ArrayRef = Arc::new(Int64Array::from(vec![self.rows as i64, COLUMNS as i64]));
        let lengths = OffsetBuffer::from_lengths([self.numbers.len()]);
        let weights = LargeListArray::try_new(floats, lengths, numbers, None)?;
        let shapes = ListArray::try_new(integers, OffsetBuffer::from_lengths([2]), shape, None)?;
        Ok(RecordBatch::try_from_iter([
            ("layer_name", Arc::new(StringArray::from(vec!["layer"])) as ArrayRef),
            ("weights", Arc::new(weights)),
            ("shape", Arc::new(shapes)),
        ])?)
    }

    /// A file of the numbers alone.
    pub(crate) fn file(&self) -> Result<File> {
        let name = format!("arrow-quant-bench-{}", std::process::id());
        let file = File(std::env::temp_dir().join(name));
        fs::write(file.path(), bytemuck::cast_slice::<f32, u8>(&self.numbers))?;
        Ok(file)
    }
}

/// Copying the matrix into memory that is in use already.
pub(crate) struct Copying<'a> {
    numbers: &'a [f32],
    target: Vec<f32>,
}

impl<'a> Copying<'a> {
    pub(crate) fn new(matrix: &'a Matrix) -> Copying<'a> {
        let mut target = vec![0.0; matrix.numbers.len()];
        target.fill(1.0);
        Copying { numbers: &matrix.numbers, target }
    }

    /// Seconds for one copy.
    pub(crate) fn seconds(&mut self) -> f64 {
        let start = Instant::now();
        self.target.copy_from_slice(self.numbers);
        std::hint::black_box(&self.target);
        start.elapsed().as_secs_f64()
    }
}
