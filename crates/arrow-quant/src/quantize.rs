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
use crate::options::{GGUF_BLOCK, Options, Rules, ScaleDtype, Scheme, Settings};
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
    rules: Rules,
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
            rules: Rules::default(),
        })
    }

    /// The same with rules for which layers are kept.
    pub(crate) fn with_rules(self, rules: Rules) -> Quantizer {
        Quantizer { rules, ..self }
    }

    /// Goes on from what another quantizer found of a layer.
    pub(crate) fn continue_layer(&mut self, quality: LayerQuality) {
        self.layers.set(quality);
    }

    /// What one layer lost so far.
    pub(crate) fn layer(&self, name: &str) -> Option<&LayerQuality> {
        self.layers.get(name)
    }

    /// The settings of a tensor before any fallback.
    pub(crate) fn settings(&self, tensor: &Tensor<'_>) -> Settings {
        let mut own = self.options.of_layer(tensor.layer);
        let is_vector = tensor.shape.len() < 2;
        let is_ragged = !tensor.columns.is_multiple_of(GGUF_BLOCK);
        let is_kept =
            (self.rules.keep_vectors && is_vector) || (self.rules.keep_ragged && is_ragged);
        if tensor.dtype.weights.is_none() || (is_kept && !own.is_chosen) {
            own.scheme = Scheme::None;
        }
        own
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
        let mut settings = Vec::with_capacity(tensors.len());
        let mut tried = Vec::with_capacity(tensors.len());
        for tensor in &tensors {
            let mut own = self.settings(tensor);
            let found = match own.fallback_sqnr_db {
                Some(floor) if own.scheme != Scheme::None => {
                    Some(self.good_enough(tensor, &own, floor)?)
                }
                _ => None,
            };
            if let Some(found) = &found {
                own.scheme = found.scheme;
            }
            settings.push(own);
            tried.push(found);
        }
        let rows = tensors.iter().zip(&settings);
        let layouts = rows.map(|(tensor, own)| layout(tensor, own)).collect::<Result<Vec<_>>>()?;
        let schemes: Vec<Scheme> = settings.iter().map(|own| own.scheme).collect();
        let offsets = Offsets::new(&layouts, &schemes)?;
        let mut slab = Slab::new(offsets.codes(), offsets.scales(), offsets.zeros())?;
        let mut all_sums = Vec::with_capacity(tensors.len());
        let mut scale_dtypes = Vec::with_capacity(tensors.len());
        let (mut codes, mut scales, mut zeros) = slab.parts();
        let rows = tensors.iter().zip(&layouts).zip(&settings).zip(tried);
        for (((tensor, layout), own), tried) in rows {
            let target = Target {
                codes: split_off(&mut codes, layout.code_bytes()),
                scales: split_off(&mut scales, layout.scales(own.scheme)),
                zeros: split_off(&mut zeros, layout.zeros(own.scheme)),
            };
            all_sums.push(match tried {
                Some(done) => {
                    target.codes.copy_from_slice(&done.codes);
                    target.scales.copy_from_slice(&done.scales);
                    target.zeros.copy_from_slice(&done.zeros);
                    scale_dtypes.push(scale_dtype(own, &done.scales, &done.zeros));
                    done.sums
                }
                None if own.scheme == Scheme::None => {
                    tensor.weights.write(target.codes);
                    scale_dtypes.push(ScaleDtype::F32);
                    Vec::new()
                }
                None => {
                    let Target { codes, scales, zeros } = target;
                    let into = Target { codes, scales: &mut *scales, zeros: &mut *zeros };
                    let sums = self.fill(tensor, layout, own, into)?;
                    scale_dtypes.push(scale_dtype(own, scales, zeros));
                    sums
                }
            });
        }
        let results = Results { tensors, settings, scale_dtypes, offsets, slab };
        self.finish(results, &all_sums)
    }

    /// The first scheme, from the one that was asked for on, that loses little enough; if none does,
    /// the last.
    fn good_enough(&self, tensor: &Tensor<'_>, own: &Settings, floor: f32) -> Result<Tried> {
        let mut own = *own;
        loop {
            let scheme = own.scheme;
            let layout = layout(tensor, &own)?;
            let mut tried = Tried {
                scheme,
                codes: vec![0; layout.code_bytes()],
                scales: vec![0.0; layout.scales(scheme)],
                zeros: vec![0.0; layout.zeros(scheme)],
                sums: Vec::new(),
            };
            let Tried { codes, scales, zeros, .. } = &mut tried;
            tried.sums = self.fill(tensor, &layout, &own, Target { codes, scales, zeros })?;
            match scheme.fallback() {
                Some(next) if total(&tried.sums).sqnr_db() < floor => own.scheme = next,
                _ => return Ok(tried),
            }
        }
    }

    /// Quantizes one tensor, piece by piece.
    fn fill(
        &self,
        tensor: &Tensor<'_>,
        layout: &Layout,
        own: &Settings,
        target: Target<'_>,
    ) -> Result<Vec<Sums>> {
        let Target { mut codes, mut scales, mut zeros } = target;
        let Settings { scheme, search, scale_dtype, .. } = *own;
        let (with_scales, with_zeros) = (scheme.is_grouped(), scheme.has_zero_points());
        let tasks: Vec<_> = pieces(layout)
            .into_iter()
            .map(|piece| {
                let groups = piece.groups * piece.spans;
                let target = Target {
                    codes: split_off(&mut codes, span_bytes(scheme, &piece) * piece.spans),
                    scales: split_off(&mut scales, if with_scales { groups } else { 0 }),
                    zeros: split_off(&mut zeros, if with_zeros { groups } else { 0 }),
                };
                (piece, target)
            })
            .collect();
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
                    scales: split_off(&mut scales, if with_scales { piece.groups } else { 0 }),
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
            let part = result.map_err(|(index, value): (usize, f32)| {
                let (layer, row) = (tensor.layer.to_owned(), tensor.row);
                if value.is_finite() {
                    Error::TooLarge { layer, row, index, value, scheme: scheme.name() }
                } else {
                    Error::NonFinite { layer, row, index, value }
                }
            });
            all.extend(part?);
        }
        Ok(all)
    }

    fn finish(&mut self, results: Results<'_>, all_sums: &[Vec<Sums>]) -> Result<RecordBatch> {
        let Results { tensors, settings, scale_dtypes, offsets, slab } = results;
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
        let widths = settings.iter().zip(&tensors).map(|(own, tensor)| {
            // At most 64.
            own.scheme.bit_width().unwrap_or((tensor.dtype.bytes() * 8) as u8)
        });
        // At most 256.
        let group_sizes = settings.iter().map(|own| own.scheme.group_size(own.group_size) as i32);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from_iter_values(tensors.iter().map(|tensor| tensor.layer))),
            shapes(tensors.iter().map(|tensor| tensor.shape.as_slice())),
            integers(|tensor| tensor.row_start),
            integers(|tensor| tensor.row_count),
            text(&|row| tensors[row].dtype.name()),
            text(&|row| settings[row].scheme.name()),
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

/// How a tensor is laid out with its settings.
fn layout(tensor: &Tensor<'_>, own: &Settings) -> Result<Layout> {
    let Tensor { rows, columns, .. } = *tensor;
    match own.scheme {
        Scheme::None => Ok(Layout::kept(rows, columns, tensor.dtype.bytes())),
        scheme if !scheme.is_grouped() && !columns.is_multiple_of(GGUF_BLOCK) => {
            Err(Error::Shape {
                layer: tensor.layer.to_owned(),
                row: tensor.row,
                reason: format!(
                    "the last axis has {columns} weights, and {} needs a multiple of {GGUF_BLOCK}; \
                     give the layer another scheme by an override",
                    scheme.name()
                ),
            })
        }
        scheme => Ok(Layout::new(rows, columns, own.group_size, scheme)),
    }
}

/// What the scales and zero points of a tensor need.
fn scale_dtype(own: &Settings, scales: &[f32], zeros: &[f32]) -> ScaleDtype {
    let is_half = |value: &f32| f16::from_f32(*value).to_f32() == *value;
    let all_half = || scales.iter().chain(zeros).all(is_half);
    if own.scale_dtype == ScaleDtype::F16 && all_half() { ScaleDtype::F16 } else { ScaleDtype::F32 }
}

/// Everything that a batch is made of.
struct Results<'a> {
    tensors: Vec<Tensor<'a>>,
    settings: Vec<Settings>,
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
            scales: count(&|row| layouts[row].scales(schemes[row]))?,
            zeros: count(&|row| layouts[row].zeros(schemes[row]))?,
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
/// | `layer_name` | utf8, large_utf8 or utf8_view, or a dictionary of these | the layer |
/// | `weights` | list, large_list, fixed_size_list, list_view or large_list_view of float32 or float16; binary, large_binary or binary_view | the numbers in C order |
/// | `dtype` | as `layer_name`, may be absent or null except for binary | `f32`, `f16` or `bf16`; another type of safetensors, such as `i64`, makes a binary layer one that is kept as it is |
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
