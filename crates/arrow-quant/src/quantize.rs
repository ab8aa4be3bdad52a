//! Record batches of weights to record batches of codes.

use std::sync::Arc;

use arrow_array::builder::{Int64Builder, ListBuilder};
use arrow_array::{
    ArrayRef, Float32Array, Int32Array, Int64Array, RecordBatch, StringArray, UInt8Array,
};
use arrow_schema::{ArrowError, SchemaRef};
use half::f16;

use crate::error::{Error, Result};
use crate::kernel::{Job, Plan, Sums};
use crate::options::{Options, ScaleDtype, Scheme};
use crate::quality::{LayerQuality, Layers};
use crate::schema::output_schema;
use crate::slab::Slab;
use crate::tensor::{Layout, Tensor};
use crate::work::{Workers, pieces, span_bytes};

/// Quantizes batch after batch, and keeps count of what each layer lost.
#[derive(Debug)]
pub struct Quantizer {
    options: Options,
    schema: SchemaRef,
    workers: Workers,
    layers: Layers,
}

/// Memory for the results of one tensor.
struct Target<'a> {
    codes: &'a mut [u8],
    scales: &'a mut [f32],
    zeros: &'a mut [f32],
}

/// A tensor that was quantized before it was known where its results go.
struct Tried {
    scheme: Scheme,
    codes: Vec<u8>,
    scales: Vec<f32>,
    zeros: Vec<f32>,
    sums: Vec<Sums>,
}

impl Quantizer {
    /// A quantizer with these options.
    ///
    /// # Errors
    /// When an option has a value that it cannot have, or threads cannot be started.
    pub fn new(options: &Options) -> Result<Quantizer> {
        options.validate()?;
        Ok(Quantizer {
            options: options.clone(),
            schema: output_schema(options),
            workers: Workers::new(options.threads.map(std::num::NonZeroUsize::get))?,
            layers: Layers::default(),
        })
    }

    /// The schema of the batches that come out: see [`output_schema`].
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// What each layer lost in all the batches so far, in the order of their first appearance.
    #[must_use]
    pub fn layers(&self) -> &[LayerQuality] {
        self.layers.all()
    }

    /// Quantizes every row of a batch: see [`quantize()`] for its columns.
    ///
    /// # Errors
    /// Columns that are missing or of other types, nulls, shapes that do not fit, weights that are not
    /// finite, and too little memory. Nothing is counted of a batch that fails.
    pub fn quantize(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let tensors = Tensor::all(batch)?;
        let mut tried = Vec::new();
        let mut schemes = vec![self.options.scheme; tensors.len()];
        if let Some(floor) = self.options.fallback_sqnr_db {
            for (tensor, scheme) in tensors.iter().zip(&mut schemes) {
                let found = self.good_enough(tensor, floor)?;
                *scheme = found.scheme;
                tried.push(found);
            }
        }
        let layouts: Vec<Layout> =
            tensors.iter().zip(&schemes).map(|(t, &scheme)| self.layout(t, scheme)).collect();
        let offsets = Offsets::new(&layouts, &schemes)?;
        let mut slab = Slab::new(offsets.codes(), offsets.scales(), offsets.zeros())?;
        let mut all_sums = Vec::with_capacity(tensors.len());
        let mut scale_dtypes = Vec::with_capacity(tensors.len());
        let (mut codes, mut scales, mut zeros) = slab.parts();
        let mut tried = tried.into_iter();
        for ((tensor, layout), &scheme) in tensors.iter().zip(&layouts).zip(&schemes) {
            let target = Target {
                codes: split_off(&mut codes, layout.code_bytes()),
                scales: split_off(&mut scales, layout.scales()),
                zeros: split_off(&mut zeros, zero_count(layout, scheme)),
            };
            all_sums.push(match tried.next() {
                Some(done) => {
                    target.codes.copy_from_slice(&done.codes);
                    target.scales.copy_from_slice(&done.scales);
                    target.zeros.copy_from_slice(&done.zeros);
                    scale_dtypes.push(self.scale_dtype(&done.scales, &done.zeros));
                    done.sums
                }
                None => {
                    let Target { codes, scales, zeros } = target;
                    let into = Target { codes, scales: &mut *scales, zeros: &mut *zeros };
                    let sums = self.fill(tensor, layout, scheme, into)?;
                    scale_dtypes.push(self.scale_dtype(scales, zeros));
                    sums
                }
            });
        }
        let results = Results { tensors, schemes, scale_dtypes, offsets, slab };
        self.finish(results, &all_sums)
    }

    fn layout(&self, tensor: &Tensor<'_>, scheme: Scheme) -> Layout {
        Layout::new(tensor.rows, tensor.columns, self.options.group_size, scheme)
    }

    /// The first scheme, from the one that was asked for on, that loses little enough; if none does,
    /// the last.
    fn good_enough(&self, tensor: &Tensor<'_>, floor: f32) -> Result<Tried> {
        let mut scheme = self.options.scheme;
        loop {
            let layout = self.layout(tensor, scheme);
            let mut tried = Tried {
                scheme,
                codes: vec![0; layout.code_bytes()],
                scales: vec![0.0; layout.scales()],
                zeros: vec![0.0; zero_count(&layout, scheme)],
                sums: Vec::new(),
            };
            let Tried { codes, scales, zeros, .. } = &mut tried;
            tried.sums = self.fill(tensor, &layout, scheme, Target { codes, scales, zeros })?;
            match scheme.fallback() {
                Some(next) if total(&tried.sums).sqnr_db() < floor => scheme = next,
                _ => return Ok(tried),
            }
        }
    }

    /// Quantizes one tensor, piece by piece.
    fn fill(
        &self,
        tensor: &Tensor<'_>,
        layout: &Layout,
        scheme: Scheme,
        target: Target<'_>,
    ) -> Result<Vec<Sums>> {
        let Target { mut codes, mut scales, mut zeros } = target;
        let with_zeros = scheme.has_zero_points();
        let tasks: Vec<_> = pieces(layout)
            .into_iter()
            .map(|piece| {
                let groups = piece.groups * piece.spans;
                let target = Target {
                    codes: split_off(&mut codes, span_bytes(scheme, &piece) * piece.spans),
                    scales: split_off(&mut scales, groups),
                    zeros: split_off(&mut zeros, if with_zeros { groups } else { 0 }),
                };
                (piece, target)
            })
            .collect();
        let Options { search, scale_dtype, .. } = self.options;
        let plan = Plan { scheme, search, scale_dtype };
        let level = self.workers.level;
        let results = self.workers.run(tasks, |(piece, target)| {
            let x = tensor.weights.as_f32(piece.start..piece.start + piece.length());
            let Target { mut codes, mut scales, mut zeros } = target;
            let mut sums = Vec::with_capacity(piece.spans);
            for (span, x) in x.chunks(piece.span).enumerate() {
                let job = Job {
                    plan,
                    group: layout.group,
                    x,
                    codes: split_off(&mut codes, span_bytes(scheme, &piece)),
                    scales: split_off(&mut scales, piece.groups),
                    zeros: split_off(&mut zeros, if with_zeros { piece.groups } else { 0 }),
                };
                match level.quantize(job) {
                    Ok(part) => sums.push(part),
                    Err(index) => {
                        let value = x[index];
                        return Err((piece.start + span * piece.span + index, value));
                    }
                }
            }
            Ok(sums)
        });
        let mut all = Vec::new();
        // In order, so the weight that is named is the first one.
        for result in results {
            let part = result.map_err(|(index, value)| Error::NonFinite {
                layer: tensor.layer.to_owned(),
                row: tensor.row,
                index,
                value,
            });
            all.extend(part?);
        }
        Ok(all)
    }

    /// What the scales and zero points of a tensor need.
    fn scale_dtype(&self, scales: &[f32], zeros: &[f32]) -> ScaleDtype {
        let is_half = |value: &f32| f16::from_f32(*value).to_f32() == *value;
        let all_half = || scales.iter().chain(zeros).all(is_half);
        if self.options.scale_dtype == ScaleDtype::F16 && all_half() {
            ScaleDtype::F16
        } else {
            ScaleDtype::F32
        }
    }

    fn finish(&mut self, results: Results<'_>, all_sums: &[Vec<Sums>]) -> Result<RecordBatch> {
        let Results { tensors, schemes, scale_dtypes, offsets, slab } = results;
        let totals: Vec<Sums> = all_sums.iter().map(|sums| total(sums)).collect();
        let bits: Vec<u64> =
            (0..tensors.len()).map(|row| offsets.bits(row, scale_dtypes[row])).collect();
        let Offsets { codes, scales, zeros } = offsets;
        let [data, scale_lists, zero_lists] = slab.into_columns(codes, scales, zeros)?;
        let text = |text: &dyn Fn(usize) -> &'static str| -> ArrayRef {
            Arc::new(StringArray::from_iter_values((0..tensors.len()).map(text)))
        };
        let float = |measure: fn(&Sums) -> f32| -> ArrayRef {
            Arc::new(Float32Array::from_iter_values(totals.iter().map(measure)))
        };
        let integers = |value: fn(&Tensor<'_>) -> i64| -> ArrayRef {
            Arc::new(Int64Array::from_iter_values(tensors.iter().map(value)))
        };
        let widths = schemes.iter().map(|scheme| scheme.bit_width());
        // At most 256.
        let group_sizes = schemes.iter().map(|_| self.options.group_size as i32);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from_iter_values(tensors.iter().map(|tensor| tensor.layer))),
            shapes(tensors.iter().map(|tensor| tensor.shape.as_slice())),
            integers(|tensor| tensor.row_start),
            integers(|tensor| tensor.row_count),
            text(&|row| tensors[row].dtype.name()),
            text(&|row| schemes[row].name()),
            Arc::new(UInt8Array::from_iter_values(widths)),
            Arc::new(Int32Array::from_iter_values(group_sizes)),
            data,
            scale_lists,
            zero_lists,
            text(&|row| scale_dtypes[row].name()),
            float(Sums::sqnr_db),
            float(Sums::cosine),
            float(Sums::max_abs_err),
        ];
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        for ((tensor, sums), bits) in tensors.iter().zip(all_sums).zip(bits) {
            self.layers.add(tensor.layer, tensor.weights.len() as u64, bits, sums);
        }
        Ok(batch)
    }
}

/// Everything that a batch is made of.
struct Results<'a> {
    tensors: Vec<Tensor<'a>>,
    schemes: Vec<Scheme>,
    scale_dtypes: Vec<ScaleDtype>,
    offsets: Offsets,
    slab: Slab,
}

/// Where the results of each row start and end.
struct Offsets {
    codes: Vec<i64>,
    scales: Vec<i64>,
    zeros: Vec<i64>,
}

impl Offsets {
    fn new(layouts: &[Layout], schemes: &[Scheme]) -> Result<Offsets> {
        let count = |count: &dyn Fn(usize) -> usize| {
            let mut next = 0i64;
            let mut offsets = vec![0];
            for row in 0..layouts.len() {
                next = i64::try_from(count(row))
                    .ok()
                    .and_then(|count| next.checked_add(count))
                    .ok_or(Error::Memory { bytes: None })?;
                offsets.push(next);
            }
            Ok::<_, Error>(offsets)
        };
        Ok(Offsets {
            codes: count(&|row| layouts[row].code_bytes())?,
            scales: count(&|row| layouts[row].scales())?,
            zeros: count(&|row| zero_count(&layouts[row], schemes[row]))?,
        })
    }

    fn codes(&self) -> usize {
        last(&self.codes)
    }

    fn scales(&self) -> usize {
        last(&self.scales)
    }

    fn zeros(&self) -> usize {
        last(&self.zeros)
    }

    /// What the results of a row take.
    fn bits(&self, row: usize, scale_dtype: ScaleDtype) -> u64 {
        let length = |offsets: &[i64]| (offsets[row + 1] - offsets[row]) as u64;
        length(&self.codes) * 8 + (length(&self.scales) + length(&self.zeros)) * scale_dtype.bits()
    }
}

fn last(offsets: &[i64]) -> usize {
    offsets.last().map_or(0, |&end| end as usize)
}

fn zero_count(layout: &Layout, scheme: Scheme) -> usize {
    if scheme.has_zero_points() { layout.scales() } else { 0 }
}

pub(crate) fn total(sums: &[Sums]) -> Sums {
    let mut total = Sums::default();
    for part in sums {
        total.add(*part);
    }
    total
}

/// A column of shapes.
pub(crate) fn shapes<'a>(shapes: impl Iterator<Item = &'a [i64]>) -> ArrayRef {
    let mut builder = ListBuilder::new(Int64Builder::new());
    for shape in shapes {
        builder.values().append_slice(shape);
        builder.append(true);
    }
    Arc::new(builder.finish())
}

/// The first `count` elements, which are no longer in `rest`.
pub(crate) fn split_off<'a, T>(rest: &mut &'a mut [T], count: usize) -> &'a mut [T] {
    let (first, others) = std::mem::take(rest).split_at_mut(count);
    *rest = others;
    first
}

/// A stream of quantized batches.
#[derive(Debug)]
pub struct Quantized<I> {
    batches: I,
    quantizer: Quantizer,
}

impl<I> Quantized<I> {
    /// The schema of the batches.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        self.quantizer.schema()
    }

    /// What each layer lost in the batches so far.
    #[must_use]
    pub fn layers(&self) -> &[LayerQuality] {
        self.quantizer.layers()
    }
}

impl<I: Iterator<Item = std::result::Result<RecordBatch, ArrowError>>> Iterator for Quantized<I> {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.batches.next()?;
        Some(batch.map_err(Error::from).and_then(|batch| self.quantizer.quantize(&batch)))
    }
}

/// Quantizes a stream of record batches, one batch for each that comes, row for row.
///
/// Columns of the input, in any order, others being left alone:
///
/// | Column | Type | Meaning |
/// |---|---|---|
/// | `layer_name` | utf8, large_utf8 or utf8_view | the layer |
/// | `weights` | list, large_list, fixed_size_list, list_view or large_list_view of float32 or float16; binary, large_binary or binary_view | the numbers in C order |
/// | `dtype` | utf8, may be absent or null except for binary | `f32`, `f16` or `bf16` |
/// | `shape` | list of int64, may be absent or null | of the whole tensor; one axis if absent |
/// | `row_start` | int64, may be absent or null | where these numbers start along the first axis; 0 if absent |
///
/// Groups run along the last axis and never cross a row, so a tensor with two or more axes may come
/// in any parts along its first and gives the same codes. A tensor with one axis is one row: each of
/// its parts is a row too, and gives the same codes as the whole where it starts at a multiple of the
/// group size. What [`Options::fallback_sqnr_db`] decides is decided for each part by itself.
///
/// Weights of `f32` are read where Arrow keeps them; others are widened a piece at a time.
///
/// # Errors
/// When an option has a value that it cannot have, or threads cannot be started. Each item can fail
/// as [`Quantizer::quantize`] says.
pub fn quantize<I>(batches: I, options: &Options) -> Result<Quantized<I::IntoIter>>
where
    I: IntoIterator<Item = std::result::Result<RecordBatch, ArrowError>>,
{
    Ok(Quantized { batches: batches.into_iter(), quantizer: Quantizer::new(options)? })
}
