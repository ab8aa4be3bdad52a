//! Segments to Arrow IPC, Parquet and safetensors.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{BufWriter, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray as _;
use arrow_array::types::Float32Type;
use arrow_schema::SchemaRef;
use half::f16;
use serde_json::json;

use super::assemble::{for_each_batch, is_whole, layers, rows};
use super::journal::{Journal, Row};
#[cfg(feature = "parquet")]
use super::parquet_source::parquet_failed;
use super::{bad, failed, io};
use crate::error::Result;
use crate::quantize::Quantizer;

pub(super) fn ipc(
    journal: &Journal,
    path: &Path,
    file: &mut BufWriter<File>,
    schema: &SchemaRef,
) -> Result<()> {
    let mut writer = arrow_ipc::writer::FileWriter::try_new(file, schema).map_err(failed(path))?;
    for_each_batch(journal, |batch| writer.write(batch).map_err(failed(path)))?;
    writer.finish().map_err(failed(path))
}

/// Writes Parquet, as it is and without statistics: codes do not compress, and nobody asks for the
/// least of them. A segment is a row group.
#[cfg(feature = "parquet")]
pub(super) fn parquet(
    journal: &Journal,
    path: &Path,
    file: &mut BufWriter<File>,
    schema: &SchemaRef,
) -> Result<()> {
    use parquet::arrow::ArrowWriter;
    use parquet::file::properties::{EnabledStatistics, WriterProperties};

    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_created_by(format!("arrow-quant {}", crate::VERSION))
        .build();
    let mut writer = ArrowWriter::try_new(file, std::sync::Arc::clone(schema), Some(properties))
        .map_err(parquet_failed(path))?;
    let mut pending = 0;
    for_each_batch(journal, |batch| {
        writer.write(batch).map_err(parquet_failed(path))?;
        pending += batch["quantized_data"].as_binary::<i64>().values().len();
        // A row group is in memory until it is whole.
        if pending >= ROW_GROUP {
            writer.flush().map_err(parquet_failed(path))?;
            pending = 0;
        }
        Ok(())
    })?;
    writer.finish().map(drop).map_err(parquet_failed(path))
}

/// Bytes of codes in a row group.
#[cfg(feature = "parquet")]
const ROW_GROUP: usize = 16 << 20;

/// A tensor of the result, and how much of it is written.
struct Entry {
    name: String,
    dtype: &'static str,
    bytes_each: u64,
    shape: Vec<u64>,
    start: u64,
    length: u64,
    written: u64,
}

/// The three tensors of a layer or of a part of one, as places in the list of entries.
#[derive(Clone, Copy)]
struct Places {
    codes: usize,
    scales: Option<usize>,
    zeros: Option<usize>,
}

/// Writes safetensors: a layer whose parts are of one kind is one, and one whose parts fell back to
/// different schemes is several, with `@ROW_START` after its name.
pub(super) fn safetensors(
    journal: &Journal,
    destination: &Path,
    path: &Path,
    file: &mut BufWriter<File>,
    quantizer: &Quantizer,
) -> Result<()> {
    let all: Vec<&Row> = rows(journal).collect();
    let mut entries: Vec<Entry> = Vec::new();
    let mut places: Vec<Places> = Vec::new();
    let mut described = Vec::new();
    for layer in layers(&all) {
        let units: Vec<Vec<&Row>> = match is_whole(&layer) {
            Ok(()) => vec![layer],
            Err(_) => layer.iter().map(|row| vec![*row]).collect(),
        };
        for unit in units {
            let Some(first) = unit.first() else { continue };
            let is_part = unit.iter().map(|row| row.row_count).sum::<i64>()
                != first.shape.first().copied().unwrap_or(1)
                || first.row_start != 0;
            let name = match is_part {
                true => format!("{}@{}", first.layer, first.row_start),
                false => first.layer.clone(),
            };
            let place = add_entries(&mut entries, &name, &unit, is_part);
            described.push(describe(&name, &unit, quantizer));
            places.extend(unit.iter().map(|_| place));
        }
    }
    let mut seen = HashSet::new();
    if let Some(twice) = entries.iter().find(|entry| !seen.insert(entry.name.as_str())) {
        let reason = format!("two tensors would be called {:?}: rename a layer", twice.name);
        return Err(bad(destination, reason));
    }
    let data = write_header(path, file, &mut entries, &described)?;
    let mut place = places.iter();
    for_each_batch(journal, |batch| {
        for row in 0..batch.num_rows() {
            let Some(place) = place.next() else { break };
            write_row(path, file, &mut entries, place, batch, row, data)?;
        }
        Ok(())
    })
}

fn add_entries(entries: &mut Vec<Entry>, name: &str, unit: &[&Row], is_part: bool) -> Places {
    let sum = |value: fn(&Row) -> u64| unit.iter().map(|row| value(row)).sum::<u64>();
    let mut add = |name: String, dtype, bytes_each: u64, shape: Vec<u64>, length: u64| {
        entries.push(Entry { name, dtype, bytes_each, shape, start: 0, length, written: 0 });
        entries.len() - 1
    };
    let first = unit[0];
    let codes = sum(|row| row.codes);
    if first.scheme == "none" && !is_part {
        let shape = first.shape.iter().map(|length| *length as u64).collect();
        let (dtype, each) = kept(&first.dtype);
        return Places {
            codes: add(name.to_owned(), dtype, each, shape, codes),
            scales: None,
            zeros: None,
        };
    }
    let is_half = unit.iter().all(|row| row.scale_dtype == "f16");
    let (dtype, each) = if is_half { ("F16", 2) } else { ("F32", 4) };
    let mut floats = |kind: &str, count: u64| {
        let name = format!("{name}.{kind}");
        (count > 0).then(|| add(name, dtype, each, vec![count], count * each))
    };
    let scales = floats("scales", sum(|row| row.scales));
    let zeros = floats("zero_points", sum(|row| row.zeros));
    let codes = add(format!("{name}.quantized_data"), "U8", 1, vec![codes], codes);
    Places { codes, scales, zeros }
}

/// What safetensors calls a type that was kept.
fn kept(dtype: &str) -> (&'static str, u64) {
    match dtype {
        "f32" => ("F32", 4),
        "f16" => ("F16", 2),
        "bf16" => ("BF16", 2),
        "bool" => ("BOOL", 1),
        "i8" => ("I8", 1),
        "f8_e4m3" => ("F8_E4M3", 1),
        "f8_e5m2" => ("F8_E5M2", 1),
        "f8_e8m0" => ("F8_E8M0", 1),
        "i16" => ("I16", 2),
        "u16" => ("U16", 2),
        "i32" => ("I32", 4),
        "u32" => ("U32", 4),
        "f64" => ("F64", 8),
        "i64" => ("I64", 8),
        "u64" => ("U64", 8),
        "c64" => ("C64", 8),
        _ => ("U8", 1),
    }
}

/// What a reader must know of a layer besides its tensors.
fn describe(name: &str, unit: &[&Row], quantizer: &Quantizer) -> serde_json::Value {
    let first = unit[0];
    let is_half = unit.iter().all(|row| row.scale_dtype == "f16");
    let quality = quantizer.layer(&first.layer).map(|layer| layer.sums).unwrap_or_default();
    json!({
        "name": name,
        "layer_name": first.layer,
        "shape": first.shape,
        "row_start": first.row_start,
        "row_count": unit.iter().map(|row| row.row_count).sum::<i64>(),
        "dtype": first.dtype,
        "scheme": first.scheme,
        "bit_width": first.bit_width,
        "group_size": first.group_size,
        "scale_dtype": if is_half { "f16" } else { "f32" },
        // As their bits, since JSON has no infinity; of the whole layer.
        "sqnr_db": quality.sqnr_db().to_bits(),
        "cosine": quality.cosine().to_bits(),
        "max_abs_err": quality.max_abs_err().to_bits(),
    })
}

/// Where in the metadata the layers are described.
pub(super) const LAYERS: &str = "arrow_quant.layers";

/// Places the tensors, the widest elements first so that each is aligned, and writes the header. Gives
/// where the data start.
fn write_header(
    path: &Path,
    file: &mut BufWriter<File>,
    entries: &mut [Entry],
    described: &[serde_json::Value],
) -> Result<u64> {
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by_key(|&place| std::cmp::Reverse(entries[place].bytes_each));
    let mut next = 0;
    for &place in &order {
        entries[place].start = next;
        next += entries[place].length;
    }
    let mut header = BTreeMap::new();
    let described = serde_json::to_string(described).unwrap_or_default();
    header.insert(
        "__metadata__",
        json!({
            LAYERS: described,
            "arrow_quant.format_version": crate::FORMAT_VERSION,
            "arrow_quant.library_version": crate::VERSION,
        }),
    );
    for entry in entries.iter() {
        let offsets = [entry.start, entry.start + entry.length];
        let value = json!({ "dtype": entry.dtype, "shape": entry.shape, "data_offsets": offsets });
        header.insert(&entry.name, value);
    }
    let mut text = serde_json::to_vec(&header).unwrap_or_default();
    text.resize(text.len().next_multiple_of(8), b' ');
    file.write_all(&(text.len() as u64).to_le_bytes()).map_err(io(path))?;
    file.write_all(&text).map_err(io(path))?;
    Ok(8 + text.len() as u64)
}

fn write_row(
    path: &Path,
    file: &mut BufWriter<File>,
    entries: &mut [Entry],
    place: &Places,
    batch: &RecordBatch,
    row: usize,
    data: u64,
) -> Result<()> {
    let halves = |place: usize, entries: &[Entry]| entries[place].bytes_each == 2;
    let mut write = |place: usize, entries: &mut [Entry], bytes: &[u8]| {
        let entry = &mut entries[place];
        file.seek(SeekFrom::Start(data + entry.start + entry.written)).map_err(io(path))?;
        entry.written += bytes.len() as u64;
        file.write_all(bytes).map_err(io(path))
    };
    write(place.codes, entries, batch["quantized_data"].as_binary::<i64>().value(row))?;
    for (place, column) in [(place.scales, "scales"), (place.zeros, "zero_points")] {
        let Some(place) = place else { continue };
        let values = batch[column].as_list::<i64>().value(row);
        let values = values.as_primitive::<Float32Type>().values();
        let bytes: Vec<u8> = match halves(place, entries) {
            true => values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect(),
            false => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        };
        write(place, entries, &bytes)?;
    }
    Ok(())
}
