//! Files of codes, back to record batches.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{
    ArrayRef, Float32Array, Int32Array, Int64Array, LargeBinaryArray, LargeListArray, RecordBatch,
    StringArray, UInt8Array,
};
use arrow_buffer::{Buffer, OffsetBuffer};
use arrow_schema::{Schema, SchemaRef};
use half::f16;
use npz::{FileSource, Source as _};
use serde::Deserialize;

use super::bounds::open_ipc;
use super::header::{self, Tensor};
use super::{Format, bad, guarded_batches, io, output};
use crate::error::{Error, Result};
use crate::options::Options;
use crate::quantize::shapes;
use crate::schema::output_schema;
use crate::slab::float_item;

/// The batches of a file that [`quantize_file`](super::quantize_file) wrote.
pub struct QuantizedFile {
    schema: SchemaRef,
    batches: Box<dyn Iterator<Item = Result<RecordBatch>> + Send>,
}

impl std::fmt::Debug for QuantizedFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QuantizedFile").field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl QuantizedFile {
    /// The schema of the batches: that of [`output_schema`], with the metadata of the file.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }
}

impl Iterator for QuantizedFile {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        self.batches.next()
    }
}

/// Reads Arrow IPC, Parquet or safetensors that [`quantize_file`](super::quantize_file) wrote, a batch
/// at a time; of safetensors, a layer at a time.
///
/// Whether the rows are what they say is seen when they are used:
/// [`dequantize`](crate::dequantize()) checks them.
///
/// # Errors
/// The file cannot be read, has another format, or contradicts itself; each item can fail so too.
pub fn read_quantized(path: impl AsRef<Path>) -> Result<QuantizedFile> {
    let path = path.as_ref().to_path_buf();
    match Format::from_path(&path) {
        Some(Format::Ipc) => {
            let reader = open_ipc(&path)?;
            let schema = reader.schema();
            Ok(QuantizedFile { schema, batches: Box::new(guarded_batches(path, reader)) })
        }
        #[cfg(feature = "parquet")]
        Some(Format::Parquet) => {
            use arrow_array::RecordBatchReader as _;

            let reader = super::parquet_source::parquet_reader(&path, 32 << 20)?;
            let schema = reader.schema();
            Ok(QuantizedFile { schema, batches: Box::new(guarded_batches(path, reader)) })
        }
        Some(Format::Safetensors) => safetensors(path),
        _ => Err(bad(&path, "quantized weights are read from .arrow, .parquet and .safetensors")),
    }
}

/// A layer as the metadata of a safetensors file describes it.
#[derive(Debug, Deserialize)]
struct Layer {
    name: String,
    layer_name: String,
    shape: Vec<i64>,
    row_start: i64,
    row_count: i64,
    dtype: String,
    scheme: String,
    bit_width: u8,
    group_size: i32,
    scale_dtype: String,
    sqnr_db: u32,
    cosine: u32,
    max_abs_err: u32,
}

fn safetensors(path: PathBuf) -> Result<QuantizedFile> {
    let file = FileSource::open(&path).map_err(io(&path))?;
    let header = header::read(&path, &file)?;
    let Some(text) = header.metadata.get(output::LAYERS) else {
        return Err(bad(&path, "it holds weights and no codes: quantize it first"));
    };
    let layers: Vec<Layer> = serde_json::from_str(text)
        .map_err(|error| bad(&path, format!("{}: {error}", output::LAYERS)))?;
    let metadata: HashMap<String, String> =
        header.metadata.into_iter().filter(|(name, _)| name != output::LAYERS).collect();
    let fields = output_schema(&Options::default()).fields().clone();
    let schema: SchemaRef = Arc::new(Schema::new_with_metadata(fields, metadata));
    let tensors: BTreeMap<String, Tensor> =
        header.tensors.into_iter().map(|tensor| (tensor.name.clone(), tensor)).collect();
    let own = Arc::clone(&schema);
    let batches = layers.into_iter().map(move |layer| layer.read(&path, &file, &tensors, &own));
    Ok(QuantizedFile { schema, batches: Box::new(batches) })
}

impl Layer {
    fn read(
        &self,
        path: &Path,
        file: &FileSource,
        tensors: &BTreeMap<String, Tensor>,
        schema: &SchemaRef,
    ) -> Result<RecordBatch> {
        let bytes = |name: &str| -> Result<Option<(&Tensor, npz::Buffer)>> {
            let Some(tensor) = tensors.get(name) else { return Ok(None) };
            let length =
                usize::try_from(tensor.length).map_err(|_| Error::Memory { bytes: None })?;
            let mut memory =
                npz::Buffer::zeroed(length).map_err(|_| Error::Memory { bytes: Some(length) })?;
            file.read_exact_at(&mut memory, tensor.start).map_err(io(path))?;
            Ok(Some((tensor, memory)))
        };
        let floats = |kind: &str| -> Result<ArrayRef> {
            let values: Vec<f32> = match bytes(&format!("{}.{kind}", self.name))? {
                None => Vec::new(),
                Some((tensor, bytes)) => match tensor.dtype.name() {
                    "f16" => {
                        let (words, _) = bytes.as_chunks::<2>();
                        words.iter().map(|word| f16::from_le_bytes(*word).to_f32()).collect()
                    }
                    "f32" => {
                        let (words, _) = bytes.as_chunks::<4>();
                        words.iter().map(|word| f32::from_le_bytes(*word)).collect()
                    }
                    other => {
                        let reason =
                            format!("tensor {:?} is {other}, and no f16 or f32", tensor.name);
                        return Err(bad(path, reason));
                    }
                },
            };
            let lengths = OffsetBuffer::<i64>::from_lengths([values.len()]);
            let values = Arc::new(Float32Array::from(values));
            Ok(Arc::new(LargeListArray::try_new(float_item(), lengths, values, None)?))
        };
        let codes = match bytes(&format!("{}.quantized_data", self.name))? {
            Some((_, codes)) => codes,
            None => {
                let kept = bytes(&self.name)?.map(|(_, kept)| kept);
                kept.ok_or_else(|| {
                    bad(path, format!("it has no tensor for layer {:?}", self.name))
                })?
            }
        };
        let lengths = OffsetBuffer::<i64>::from_lengths([codes.len()]);
        let codes = Buffer::from(bytes::Bytes::from_owner(crate::slab::Owner(codes)));
        let text = |text: &str| -> ArrayRef { Arc::new(StringArray::from_iter_values([text])) };
        let integer = |number| -> ArrayRef { Arc::new(Int64Array::from_iter_values([number])) };
        let float =
            |bits| -> ArrayRef { Arc::new(Float32Array::from_iter_values([f32::from_bits(bits)])) };
        let columns: Vec<ArrayRef> = vec![
            text(&self.layer_name),
            shapes([self.shape.as_slice()].into_iter()),
            integer(self.row_start),
            integer(self.row_count),
            text(&self.dtype),
            text(&self.scheme),
            Arc::new(UInt8Array::from_iter_values([self.bit_width])),
            Arc::new(Int32Array::from_iter_values([self.group_size])),
            Arc::new(LargeBinaryArray::try_new(lengths, codes, None)?),
            floats("scales")?,
            floats("zero_points")?,
            text(&self.scale_dtype),
            float(self.sqnr_db),
            float(self.cosine),
            float(self.max_abs_err),
        ];
        Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
    }
}
