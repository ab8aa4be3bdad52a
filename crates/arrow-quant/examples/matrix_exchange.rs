//! The cell of the matrix that quantizes and restores without Python: the same corpus as in
//! scripts/matrix_exchange.py, and the same arrays in the same npz files.

use std::error::Error;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float32Type, Int32Type, Int64Type, UInt8Type};
use arrow_array::{
    Array, ArrayRef, Float16Array, Float32Array, Int32Array, Int64Array, LargeBinaryArray,
    LargeListArray, ListArray, RecordBatch, StringArray, UInt8Array,
};
use arrow_buffer::{Buffer, OffsetBuffer};
use arrow_quant::{Options, ScaleDtype, Scheme, Search, dequantize, quantize};
use arrow_schema::{DataType, Field};
use npz::{ArrayView, Compression, DType, Header, Npz, NpzWriter, Order};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Scheme, group size, search, precision of scales, and the least decibels.
type Setting = (Scheme, usize, Search, ScaleDtype, Option<f32>);

const SETTINGS: [Setting; 14] = [
    (Scheme::Int8Sym, 0, Search::MinMax, ScaleDtype::F32, None),
    (Scheme::Int8Sym, 128, Search::Mse, ScaleDtype::F16, None),
    (Scheme::Int4Sym, 32, Search::MinMax, ScaleDtype::F16, None),
    (Scheme::Int4Sym, 128, Search::Mse, ScaleDtype::F16, None),
    (Scheme::Int4Asym, 16, Search::Mse, ScaleDtype::F32, None),
    (Scheme::Int4Asym, 64, Search::MinMax, ScaleDtype::F16, None),
    (Scheme::Int4Asym, 0, Search::Mse, ScaleDtype::F16, None),
    (Scheme::Int2Asym, 16, Search::Mse, ScaleDtype::F32, None),
    (Scheme::Int2Asym, 64, Search::MinMax, ScaleDtype::F16, Some(12.0)),
    (Scheme::Nf4, 64, Search::MinMax, ScaleDtype::F16, None),
    (Scheme::Nf4, 256, Search::Mse, ScaleDtype::F32, None),
    (Scheme::GgufQ8_0, BLOCK, Search::MinMax, ScaleDtype::F16, None),
    (Scheme::GgufQ4_0, BLOCK, Search::MinMax, ScaleDtype::F16, None),
    (Scheme::None, 0, Search::MinMax, ScaleDtype::F16, None),
];
/// The schemes of GGUF take no row that ends in a part of a block.
const BLOCK: usize = 32;

/// What is done to the numbers of a layer.
#[derive(Clone, Copy)]
enum Kind {
    Plain,
    Zeros,
    Constant,
    Outliers,
    Subnormal,
    Large,
}

type Layer = (&'static str, &'static [usize], Kind);

/// Name, shape and kind; the last [`HALVES`] are of `f16`.
const LAYERS: [Layer; 13] = [
    ("ragged", &[6, 200], Kind::Plain),
    ("one", &[1], Kind::Plain),
    ("empty", &[0, 16], Kind::Plain),
    ("zeros", &[4, 64], Kind::Zeros),
    ("constant", &[3, 33], Kind::Constant),
    ("outliers", &[4, 128], Kind::Outliers),
    ("subnormal", &[2, 40], Kind::Subnormal),
    ("large", &[2, 40], Kind::Large),
    ("three axes", &[2, 5, 24], Kind::Plain),
    ("blocks", &[3, 96], Kind::Plain),
    ("half", &[5, 48], Kind::Plain),
    ("half outliers", &[2, 100], Kind::Outliers),
    ("half blocks", &[2, 64], Kind::Plain),
];
const HALVES: usize = 3;

/// Columns of text, in the order of the array that holds them; a text has this many characters.
const TEXTS: [&str; 4] = ["layer_name", "dtype", "scheme", "scale_dtype"];
const CHARACTERS: usize = 16;
/// What the array of numbers has for each row: four columns, the lengths of codes, scales and zero
/// points, the number of axes and three axes.
const NUMBERS: usize = 11;
const AXES: usize = 3;
const QUALITY: [&str; 3] = ["sqnr_db", "cosine", "max_abs_err"];
/// Python has two ways to the same arrays.
const WAYS: [&str; 2] = ["numpy", "arrow"];

/// Why the command failed; what `main` returns is shown by its `Debug`, as the last line.
struct Failure(Box<dyn Error>);

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

fn main() -> std::result::Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["write", arrays] => write(Path::new(arrays)),
        ["read", files @ ..] if files.len().is_multiple_of(2) => {
            files.chunks(2).try_for_each(|pair| read(Path::new(pair[0]), Path::new(pair[1])))
        }
        _ => Err("`write ARRAYS.npz` or `read ARRAYS.npz RESULTS.npz ...` is needed".into()),
    };
    done.map_err(Failure)
}

fn name_of((scheme, group_size, search, scale_dtype, least): Setting) -> String {
    let fallback = if least.is_some() { "-fallback" } else { "" };
    let [scheme, search, precision] = [scheme.name(), search.name(), scale_dtype.name()];
    format!("{scheme}-{group_size}-{search}-{precision}{fallback}")
}

fn write(path: &Path) -> Result<()> {
    let mut file = NpzWriter::create(path)?;
    for setting in SETTINGS {
        let (scheme, group_size, search, scale_dtype, fallback_sqnr_db) = setting;
        let options = Options {
            scheme,
            group_size,
            search,
            scale_dtype,
            fallback_sqnr_db,
            ..Options::default()
        };
        let in_blocks = matches!(scheme, Scheme::GgufQ8_0 | Scheme::GgufQ4_0);
        let batches = [layers(in_blocks, false)?, layers(in_blocks, true)?];
        let quantized: Vec<RecordBatch> =
            quantize(batches.map(Ok), &options)?.collect::<std::result::Result<_, _>>()?;
        for way in WAYS {
            add(&mut file, &format!("{}/{way}", name_of(setting)), &quantized)?;
        }
    }
    Ok(file.commit()?)
}

/// The numbers of a layer; `seed` is its place among the layers.
fn weights(seed: usize, count: usize, kind: Kind) -> Vec<f32> {
    let mut state = seed as u64 + 1;
    let mut numbers: Vec<f32> = (0..count)
        .map(|_| {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            let even = (state >> 40) as f32 / 8_388_608.0 - 1.0;
            even * even * even
        })
        .collect();
    for (place, number) in numbers.iter_mut().enumerate() {
        match kind {
            Kind::Plain => {}
            Kind::Zeros => *number *= 0.0,
            Kind::Constant => *number = *number * 0.0 + 0.1,
            Kind::Outliers if place % 50 == 0 => *number *= 64.0,
            Kind::Outliers => {}
            Kind::Subnormal => *number *= 2f32.powi(-140),
            Kind::Large => *number *= 2f32.powi(125),
        }
    }
    numbers
}

/// The layers of one type, all or those that end in whole blocks.
fn layers(in_blocks: bool, halves: bool) -> Result<RecordBatch> {
    let chosen = LAYERS.iter().enumerate().filter(|(place, (_, shape, _))| {
        let ends_whole = shape.last().is_some_and(|length| length.is_multiple_of(BLOCK));
        (*place >= LAYERS.len() - HALVES) == halves && (ends_whole || !in_blocks)
    });
    let (mut names, mut shapes) = (Vec::new(), Vec::new());
    let (mut values, mut lengths) = (Vec::new(), Vec::new());
    for (place, (name, shape, kind)) in chosen {
        let count = shape.iter().product();
        values.extend(weights(place, count, *kind));
        lengths.push(count);
        names.push(*name);
        shapes.push(shape.iter().map(|length| *length as i64).collect());
    }
    let values: ArrayRef = match halves {
        true => {
            Arc::new(Float16Array::from_iter_values(values.into_iter().map(npz::f16::from_f32)))
        }
        false => Arc::new(Float32Array::from(values)),
    };
    let item = Arc::new(Field::new_list_field(values.data_type().clone(), true));
    let weights = LargeListArray::try_new(item, OffsetBuffer::from_lengths(lengths), values, None)?;
    Ok(RecordBatch::try_from_iter([
        ("layer_name", Arc::new(StringArray::from(names)) as ArrayRef),
        ("weights", Arc::new(weights)),
        ("shape", Arc::new(shape_column(&shapes)?)),
    ])?)
}

fn shape_column(shapes: &[Vec<i64>]) -> Result<ListArray> {
    let item = Arc::new(Field::new_list_field(DataType::Int64, true));
    let offsets = OffsetBuffer::from_lengths(shapes.iter().map(Vec::len));
    Ok(ListArray::try_new(item, offsets, Arc::new(Int64Array::from(shapes.concat())), None)?)
}

/// A column of a batch of the schema that [`arrow_quant::output_schema`] gives.
fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    Ok(batch.column_by_name(name).ok_or_else(|| format!("there is no column {name}"))?)
}

/// Adds the rows of quantized batches, column by column, and what they are restored to.
fn add<W: std::io::Write + std::io::Seek>(
    file: &mut NpzWriter<W>,
    name: &str,
    batches: &[RecordBatch],
) -> Result<()> {
    let (mut texts, mut numbers, mut quality) = (Vec::new(), Vec::<i64>::new(), Vec::new());
    let (mut codes, mut restored) = (Vec::new(), Vec::new());
    let mut floats = [Vec::new(), Vec::new()];
    for batch in batches {
        let shapes = column(batch, "shape")?.as_list::<i32>();
        let data = column(batch, "quantized_data")?.as_binary::<i64>();
        for row in 0..batch.num_rows() {
            for text in TEXTS {
                let text = column(batch, text)?.as_string::<i32>().value(row).chars();
                let padded = text.map(u32::from).chain(std::iter::repeat(0)).take(CHARACTERS);
                texts.extend(padded.flat_map(u32::to_le_bytes));
            }
            for part in ["row_start", "row_count"] {
                numbers.push(column(batch, part)?.as_primitive::<Int64Type>().value(row));
            }
            let bits = column(batch, "bit_width")?.as_primitive::<UInt8Type>().value(row);
            let group_size = column(batch, "group_size")?.as_primitive::<Int32Type>().value(row);
            numbers.extend([i64::from(bits), i64::from(group_size)]);
            numbers.push(data.value(row).len() as i64);
            codes.extend_from_slice(data.value(row));
            for (values, part) in floats.iter_mut().zip(["scales", "zero_points"]) {
                let list = column(batch, part)?.as_list::<i64>().value(row);
                values.extend_from_slice(list.as_primitive::<Float32Type>().values());
                numbers.push(list.len() as i64);
            }
            let shape = shapes.value(row);
            let shape = shape.as_primitive::<Int64Type>().values();
            numbers.push(shape.len() as i64);
            numbers.extend(shape.iter().copied().chain(std::iter::repeat(0)).take(AXES));
            for figure in QUALITY {
                quality.push(column(batch, figure)?.as_primitive::<Float32Type>().value(row));
            }
        }
        restored.extend(restore(batch)?);
    }
    let rows = numbers.len() / NUMBERS;
    let dtype = DType::parse(&format!("'<U{CHARACTERS}'"))?;
    let header = Header::new(dtype, &[rows, TEXTS.len()], Order::C)?;
    let mut put = |part: &str, array: ArrayView<'_>| {
        file.add(&format!("{name}/{part}"), &array, Compression::Stored)
    };
    put("texts", ArrayView::from_bytes(header, &texts)?)?;
    put("numbers", ArrayView::from_slice(&numbers, &[rows, NUMBERS])?)?;
    put("quantized_data", ArrayView::from_slice(&codes, &[codes.len()])?)?;
    for (values, part) in floats.iter().zip(["scales", "zero_points"]) {
        put(part, ArrayView::from_slice(values, &[values.len()])?)?;
    }
    put("quality", ArrayView::from_slice(&quality, &[rows, QUALITY.len()])?)?;
    put("restored", ArrayView::from_slice(&restored, &[restored.len()])?)?;
    Ok(())
}

fn restore(batch: &RecordBatch) -> Result<Vec<f32>> {
    let restored = dequantize(batch)?;
    let lists = column(&restored, "weights")?.as_list::<i64>();
    let rows = (0..restored.num_rows()).map(|row| lists.value(row));
    Ok(rows.flat_map(|list| list.as_primitive::<Float32Type>().values().to_vec()).collect())
}

/// Restores a file; why that cannot be done is said in another file, as other files may follow.
fn read(arrays: &Path, results: &Path) -> Result<()> {
    match restored(arrays) {
        Ok(restored) => {
            let mut file = NpzWriter::create(results)?;
            for (name, weights) in &restored {
                let array = ArrayView::from_slice(weights, &[weights.len()])?;
                file.add(name, &array, Compression::Stored)?;
            }
            Ok(file.commit()?)
        }
        Err(error) => Ok(std::fs::write(results.with_added_extension("error"), error.to_string())?),
    }
}

fn restored(arrays: &Path) -> Result<Vec<(String, Vec<f32>)>> {
    let archive = Npz::open(arrays)?;
    let mut restored = Vec::new();
    for setting in SETTINGS {
        for way in WAYS {
            let name = format!("{}/{way}", name_of(setting));
            let batch = batch(&archive, &name).map_err(|error| format!("{name}: {error}"))?;
            restored.push((name, restore(&batch)?));
        }
    }
    Ok(restored)
}

/// The record batch whose rows were added under this name.
fn batch(archive: &Npz<npz::FileSource>, name: &str) -> Result<RecordBatch> {
    let array = |part: &str| archive.read(&format!("{name}/{part}"));
    let (texts, numbers, quality) = (array("texts")?, array("numbers")?, array("quality")?);
    let texts: Vec<String> = texts.view().strings()?.collect::<npz::Result<_>>()?;
    let (numbers, quality) = (numbers.to_vec::<i64>()?, quality.to_vec::<f32>()?);
    let rows: Vec<&[i64]> = numbers.chunks_exact(NUMBERS).collect();
    if texts.len() != rows.len() * TEXTS.len() || quality.len() != rows.len() * QUALITY.len() {
        return Err("texts, numbers and quality have other numbers of rows".into());
    }
    let of = |place: usize| rows.iter().map(move |row| row[place]);
    let lengths = |place: usize| -> Result<OffsetBuffer<i64>> {
        let lengths = of(place).map(usize::try_from).collect::<std::result::Result<Vec<_>, _>>()?;
        Ok(OffsetBuffer::from_lengths(lengths))
    };
    let text = |place: usize| {
        let column: Vec<&str> =
            texts.iter().skip(place).step_by(TEXTS.len()).map(String::as_str).collect();
        Arc::new(StringArray::from(column)) as ArrayRef
    };
    let figure = |place: usize| {
        let column: Vec<f32> = quality.iter().skip(place).step_by(QUALITY.len()).copied().collect();
        Arc::new(Float32Array::from(column)) as ArrayRef
    };
    let list = |part: &str, place: usize| -> Result<ArrayRef> {
        let item = Arc::new(Field::new_list_field(DataType::Float32, true));
        let values = Arc::new(Float32Array::from(array(part)?.to_vec::<f32>()?));
        Ok(Arc::new(LargeListArray::try_new(item, lengths(place)?, values, None)?))
    };
    let mut shapes = Vec::new();
    for row in &rows {
        let axes = usize::try_from(row[7])?.min(AXES);
        shapes.push(row[8..8 + axes].to_vec());
    }
    let codes = Buffer::from_vec(array("quantized_data")?.to_vec::<u8>()?);
    let bits = of(2).map(u8::try_from).collect::<std::result::Result<Vec<_>, _>>()?;
    let group_sizes = of(3).map(i32::try_from).collect::<std::result::Result<Vec<_>, _>>()?;
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("shape", Arc::new(shape_column(&shapes)?)),
        ("row_start", Arc::new(Int64Array::from_iter_values(of(0)))),
        ("row_count", Arc::new(Int64Array::from_iter_values(of(1)))),
        ("bit_width", Arc::new(UInt8Array::from(bits))),
        ("group_size", Arc::new(Int32Array::from(group_sizes))),
        ("quantized_data", Arc::new(LargeBinaryArray::try_new(lengths(4)?, codes, None)?)),
        ("scales", list("scales", 5)?),
        ("zero_points", list("zero_points", 6)?),
    ];
    columns.extend(TEXTS.iter().enumerate().map(|(place, name)| (*name, text(place))));
    columns.extend(QUALITY.iter().enumerate().map(|(place, name)| (*name, figure(place))));
    Ok(RecordBatch::try_from_iter(columns)?)
}
