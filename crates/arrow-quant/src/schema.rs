//! The columns of quantized weights.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::options::Options;
use crate::slab::{float_item, half_item};
use crate::weights::WeightDtype;

/// The version of the columns and of what they mean, in the metadata of the schema.
pub const FORMAT_VERSION: &str = "1";

/// The schema of the batches that quantizing with these options yields.
///
/// | Column | Type | Meaning |
/// |---|---|---|
/// | `layer_name` | utf8 | as given |
/// | `shape` | `list<int64>` | of the whole tensor |
/// | `row_start`, `row_count` | int64 | which part of the first axis this row is |
/// | `dtype` | utf8 | `f32`, `f16` or `bf16`: what the weights were; another type for a layer that was kept |
/// | `scheme` | utf8 | [`Scheme::name`](crate::Scheme::name) of what was used |
/// | `bit_width` | uint8 | bits of a code, or of an element that was kept |
/// | `group_size` | int32 | weights that share a scale; 0 is a whole row |
/// | `quantized_data` | large_binary | codes, low bits first, each row padded to a byte; blocks of GGUF; or the bytes that were kept |
/// | `scales` | `large_list<float32>` | one for each group, row by row; empty if they are in the blocks or there are none |
/// | `zero_points` | `large_list<float32>` | the same; empty if the scheme has none |
/// | `scale_dtype` | utf8 | `f16` if every scale and zero point is one exactly, else `f32` |
/// | `sqnr_db` | float32 | signal-to-quantization-noise ratio; infinite if nothing was lost |
/// | `cosine` | float32 | cosine similarity; 1 if nothing was lost |
/// | `max_abs_err` | float32 | largest error |
///
/// Its metadata, under keys that start with `arrow_quant.`, give the format's version, the packing,
/// the version of this crate and the options.
#[must_use]
pub fn output_schema(options: &Options) -> SchemaRef {
    let metadata = [
        ("format_version", FORMAT_VERSION.to_owned()),
        ("library_version", crate::VERSION.to_owned()),
        ("packing", "low_bits_first".to_owned()),
        ("scheme", options.scheme.name().to_owned()),
        ("search", options.search.name().to_owned()),
        ("scale_dtype", options.scale_dtype.name().to_owned()),
        (
            "fallback_sqnr_db",
            options.fallback_sqnr_db.map_or("none".to_owned(), |db| db.to_string()),
        ),
    ];
    let metadata: HashMap<String, String> =
        metadata.map(|(key, value)| (format!("arrow_quant.{key}"), value)).into();
    let field = |name, kind| Field::new(name, kind, false);
    let fields = vec![
        field("layer_name", DataType::Utf8),
        field("shape", DataType::List(integer_item())),
        field("row_start", DataType::Int64),
        field("row_count", DataType::Int64),
        field("dtype", DataType::Utf8),
        field("scheme", DataType::Utf8),
        field("bit_width", DataType::UInt8),
        field("group_size", DataType::Int32),
        field("quantized_data", DataType::LargeBinary),
        field("scales", DataType::LargeList(float_item())),
        field("zero_points", DataType::LargeList(float_item())),
        field("scale_dtype", DataType::Utf8),
        field("sqnr_db", DataType::Float32),
        field("cosine", DataType::Float32),
        field("max_abs_err", DataType::Float32),
    ];
    Arc::new(Schema::new_with_metadata(fields, metadata))
}

/// The schema of weights that were restored: input for quantizing again.
pub(crate) fn restored_schema(dtype: WeightDtype) -> SchemaRef {
    let weights = match dtype {
        WeightDtype::F32 => DataType::LargeList(float_item()),
        WeightDtype::F16 => DataType::LargeList(half_item()),
        WeightDtype::Bf16 => DataType::LargeBinary,
    };
    let field = |name, kind| Field::new(name, kind, false);
    Arc::new(Schema::new(vec![
        field("layer_name", DataType::Utf8),
        field("weights", weights),
        field("dtype", DataType::Utf8),
        field("shape", DataType::List(integer_item())),
        field("row_start", DataType::Int64),
    ]))
}

/// The item of lists of integers.
pub(crate) fn integer_item() -> Arc<Field> {
    Arc::new(Field::new_list_field(DataType::Int64, true))
}
