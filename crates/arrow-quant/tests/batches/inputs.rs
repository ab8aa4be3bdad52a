//! Every kind of column, slice and shape that weights come in.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Float32Type;
use arrow_array::{
    Array as _, ArrayRef, BinaryArray, BinaryViewArray, DictionaryArray, FixedSizeListArray,
    Float16Array, Float32Array, Int8Array, LargeBinaryArray, LargeListViewArray, LargeStringArray,
    ListArray, ListViewArray, RecordBatch, StringArray,
};
use arrow_buffer::OffsetBuffer;
use arrow_quant::{Error, Options, Quantizer, Scheme, Search, dequantize};
use arrow_schema::{DataType, Field};
use half::{bf16, f16};

use crate::readings::{float, integer, text};
use crate::support::{
    Part, Random, batch, codes, floats, options, quantized, single, with_weights,
};

/// Numbers that an `f16` and a `bf16` both have exactly.
fn numbers(count: usize) -> Vec<f32> {
    let mut random = Random::new(7);
    let exact = |x: f32| f16::from_f32(bf16::from_f32(x).to_f32()).to_f32();
    random
        .weights(count)
        .into_iter()
        .map(exact)
        .filter(|x| bf16::from_f32(*x).to_f32() == *x)
        .collect()
}

fn rows() -> (Vec<f32>, usize) {
    let columns = 37;
    let mut x = numbers(600);
    x.truncate(columns * 4);
    assert_eq!(x.len(), columns * 4);
    (x, columns)
}

fn parts<'a>(x: &'a [f32], shapes: &'a [[i64; 2]; 2]) -> [Part<'a>; 2] {
    let (first, second) = x.split_at(37);
    [
        Part { layer: "a", x: first, shape: &shapes[0], row_start: 0 },
        Part { layer: "b", x: second, shape: &shapes[1], row_start: 0 },
    ]
}

fn item(kind: DataType) -> Arc<Field> {
    Arc::new(Field::new_list_field(kind, true))
}

fn with_dtype(batch: &RecordBatch, dtype: &str) -> RecordBatch {
    let mut columns: Vec<(String, ArrayRef)> = batch
        .schema()
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, column)| (field.name().clone(), Arc::clone(column)))
        .collect();
    let dtypes = StringArray::from_iter_values((0..batch.num_rows()).map(|_| dtype));
    columns.push(("dtype".to_owned(), Arc::new(dtypes)));
    RecordBatch::try_from_iter(columns).unwrap()
}

#[test]
fn every_kind_of_column_gives_the_same_codes() {
    let (x, columns) = rows();
    let shapes = [[1, 37], [3, 37]];
    let parts = parts(&x, &shapes);
    let lengths = [37, 111];
    let halves: Vec<f16> = x.iter().map(|x| f16::from_f32(*x)).collect();
    let brains: Vec<bf16> = x.iter().map(|x| bf16::from_f32(*x)).collect();
    let list = |values: ArrayRef| -> ArrayRef {
        let kind = values.data_type().clone();
        let offsets = OffsetBuffer::<i32>::from_lengths(lengths);
        Arc::new(ListArray::new(item(kind), offsets, values, None))
    };
    let bytes = |size: usize, all: &[u8]| [all[..37 * size].to_vec(), all[37 * size..].to_vec()];
    let binary = |size, all: &[u8]| -> ArrayRef {
        Arc::new(BinaryArray::from_iter_values(bytes(size, all)))
    };
    let large = |size, all: &[u8]| -> ArrayRef {
        Arc::new(LargeBinaryArray::from_iter_values(bytes(size, all)))
    };
    let f32s: Vec<u8> = x.iter().flat_map(|x| x.to_le_bytes()).collect();
    let f16s: Vec<u8> = halves.iter().flat_map(|x| x.to_le_bytes()).collect();
    let bf16s: Vec<u8> = brains.iter().flat_map(|x| x.to_le_bytes()).collect();
    let views = |dtype: &str| -> ArrayRef {
        // What comes first is last in the values, and between them is what belongs to no row.
        let (first, second) = (&x[..37], &x[37..]);
        let mixed = [second, &[f32::NAN; 5], first].concat();
        let values: ArrayRef = match dtype {
            "f32" => Arc::new(Float32Array::from(mixed)),
            _ => Arc::new(Float16Array::from_iter_values(mixed.iter().map(|x| f16::from_f32(*x)))),
        };
        let item = item(values.data_type().clone());
        if dtype == "f32" {
            let (at, sizes) = (vec![116i32, 0].into(), vec![37i32, 111].into());
            Arc::new(ListViewArray::new(item, at, sizes, values, None))
        } else {
            let (at, sizes) = (vec![116i64, 0].into(), vec![37i64, 111].into());
            Arc::new(LargeListViewArray::new(item, at, sizes, values, None))
        }
    };
    let flavours = [
        ("f32", views("f32")),
        ("f16", views("f16")),
        ("bf16", Arc::new(BinaryViewArray::from_iter_values(bytes(2, &bf16s)))),
        ("f32", list(Arc::new(Float32Array::from(x.clone())))),
        ("f16", list(Arc::new(Float16Array::from(halves)))),
        ("f32", binary(4, &f32s)),
        ("f16", large(2, &f16s)),
        ("bf16", binary(2, &bf16s)),
        ("bf16", large(2, &bf16s)),
    ];
    for scheme in Scheme::GROUPED {
        let options = options(scheme, 16, Search::Mse);
        let expected = quantized(&batch(&parts), &options);
        for (dtype, weights) in &flavours {
            let input = with_dtype(&with_weights(&parts, Arc::clone(weights)), dtype);
            let found = quantized(&input, &options);
            assert_eq!(text(&found, "dtype", 1), *dtype);
            for column in ["quantized_data", "scales", "zero_points", "sqnr_db", "cosine"] {
                assert_eq!(&found[column], &expected[column], "{scheme:?} {dtype} {column}");
            }
            // Of a slice, the rows that are in it.
            let sliced = quantized(&input.slice(1, 1), &options);
            assert_eq!(codes(&sliced, 0), codes(&expected, 1));
            assert_eq!(floats(&sliced, "scales", 0), floats(&expected, "scales", 1));
        }
        let fixed: Vec<Part<'_>> = x
            .chunks(columns)
            .map(|x| Part { layer: "a", x, shape: &[1, 37], row_start: 0 })
            .collect();
        let values = Arc::new(Float32Array::from(x.clone()));
        let list = FixedSizeListArray::new(item(DataType::Float32), 37, values, None);
        let input = with_weights(&fixed, Arc::new(list));
        let found = quantized(&input.slice(1, 3), &options);
        let together: Vec<u8> = (0..3).flat_map(|row| codes(&found, row)).collect();
        assert_eq!(together, codes(&expected, 1));
    }
}

#[test]
fn columns_that_may_be_absent() {
    let (x, _) = rows();
    let item = item(DataType::Float32);
    let offsets = OffsetBuffer::<i32>::from_lengths([x.len()]);
    let values = Arc::new(Float32Array::from(x.clone()));
    let weights = ListArray::new(item, offsets, values, None);
    let input = RecordBatch::try_from_iter([
        ("weights", Arc::new(weights) as ArrayRef),
        ("layer_name", Arc::new(LargeStringArray::from_iter_values(["vector"]))),
    ])
    .unwrap();
    let found = quantized(&input, &Options::default());
    let shape = found["shape"].as_list::<i32>().value(0);
    let shape = shape.as_primitive::<arrow_array::types::Int64Type>().values().to_vec();
    assert_eq!(shape, [x.len() as i64]);
    assert_eq!(integer(&found, "row_count", 0), x.len() as i64);
    assert_eq!(codes(&found, 0), codes(&quantized(&single(&x, &[148]), &Options::default()), 0));
}

#[test]
fn empty_single_and_constant_layers() {
    for scheme in Scheme::GROUPED {
        for group_size in [0, 64] {
            let options = options(scheme, group_size, Search::Mse);
            let one = [0.75];
            let constant = [3.0; 100];
            let parts = [
                Part { layer: "empty", x: &[], shape: &[0, 5], row_start: 0 },
                Part { layer: "no columns", x: &[], shape: &[5, 0], row_start: 0 },
                Part { layer: "number", x: &one, shape: &[], row_start: 0 },
                Part { layer: "constant", x: &constant, shape: &[100], row_start: 0 },
                Part { layer: "zeros", x: &[0.0; 9], shape: &[3, 3], row_start: 0 },
            ];
            let found = quantized(&batch(&parts), &options);
            let back = dequantize(&found).unwrap();
            for (row, part) in parts.iter().enumerate() {
                let restored = floats(&back, "weights", row);
                assert_eq!(restored.len(), part.x.len());
                for (x, restored) in part.x.iter().zip(restored) {
                    assert!((x - restored).abs() <= x * 1e-3, "{scheme:?}: {x} is {restored}");
                }
                assert!(float(&found, "cosine", row) > 0.999);
                assert!(float(&found, "sqnr_db", row) > 60.0);
            }
            assert_eq!(float(&found, "sqnr_db", 4), f32::INFINITY);
            let none = quantized(&batch(&[]), &options);
            assert_eq!((none.num_rows(), dequantize(&none).unwrap().num_rows()), (0, 0));
            let empty = quantized(&batch(&parts[..2]), &options);
            assert_eq!(floats(&dequantize(&empty).unwrap(), "weights", 1).len(), 0);
        }
    }
}

#[test]
fn results_are_one_allocation_of_the_size_that_was_known() {
    let x = Random::new(3).weights(48 * 100);
    let found = quantized(&single(&x, &[48, 100]), &options(Scheme::Int4Asym, 32, Search::MinMax));
    let data = found["quantized_data"].as_binary::<i64>().values().clone();
    assert_eq!(data.len(), 48 * 50);
    let values = |column: &str| {
        let list = found[column].as_list::<i64>();
        list.values().as_primitive::<Float32Type>().values().clone()
    };
    let (scales, zeros) = (values("scales"), values("zero_points"));
    assert_eq!((scales.len(), zeros.len()), (48 * 4, 48 * 4));
    assert_eq!(scales.as_ptr().addr(), data.as_ptr().addr() + 2400usize.next_multiple_of(64));
    assert_eq!(zeros.as_ptr().addr(), scales.as_ptr().addr() + 48 * 4 * 4);
    assert_eq!(data.as_ptr().addr() % 64, 0);
}

#[test]
fn half_precision_is_widened_exactly() {
    let halves: Vec<f16> = Random::new(9).weights(256).iter().map(|x| f16::from_f32(*x)).collect();
    let wide: Vec<f32> = halves.iter().map(|x| x.to_f32()).collect();
    let array = Float16Array::from_iter_values(halves);
    assert_eq!(array.data_type(), &DataType::Float16);
    let offsets = OffsetBuffer::<i32>::from_lengths([256]);
    let list = ListArray::new(item(DataType::Float16), offsets, Arc::new(array), None);
    let part = [Part { layer: "layer", x: &wide, shape: &[2, 128], row_start: 0 }];
    let options = options(Scheme::Int8Sym, 0, Search::MinMax);
    let found = quantized(&with_weights(&part, Arc::new(list)), &options);
    assert_eq!(codes(&found, 0), codes(&quantized(&batch(&part), &options), 0));
}

/// Texts by their numbers, which is how other libraries keep what repeats itself.
fn numbered<const N: usize>(numbers: [Option<i8>; N], texts: &ArrayRef) -> ArrayRef {
    let numbers = numbers.into_iter().collect::<Int8Array>();
    Arc::new(DictionaryArray::new(numbers, Arc::clone(texts)))
}

#[test]
fn text_may_be_a_dictionary() {
    let x = [0.5f32, -0.25, 0.125];
    let part = |layer| Part { layer, x: &x, shape: &[3], row_start: 0 };
    let input = batch(&[part("b"), part("a"), part("b")]);
    let quantized = |names: ArrayRef| {
        let mut columns = vec![("layer_name".to_owned(), names)];
        for (field, column) in input.schema().fields().iter().zip(input.columns()).skip(1) {
            columns.push((field.name().clone(), Arc::clone(column)));
        }
        let input = RecordBatch::try_from_iter(columns).unwrap();
        Quantizer::new(&Options::default()).unwrap().quantize(&input)
    };
    let texts: ArrayRef = Arc::new(LargeStringArray::from(vec![Some("a"), None, Some("b")]));
    let names = numbered([Some(2), Some(0), Some(2)], &texts);
    let expected = quantized(Arc::clone(&input["layer_name"])).unwrap();
    assert_eq!(quantized(names).unwrap(), expected);
    let longer = numbered([None, Some(2), Some(0), Some(2), None], &texts);
    assert_eq!(quantized(longer.slice(1, 3)).unwrap(), expected);

    let none: ArrayRef = Arc::new(StringArray::from(Vec::<&str>::new()));
    for (names, null) in [
        (numbered([Some(2), None, Some(2)], &texts), 1),
        (numbered([Some(2), Some(0), Some(1)], &texts), 2),
        (numbered([None, None, None], &none), 0),
    ] {
        let error = quantized(names).unwrap_err();
        assert!(matches!(error, Error::Null { column: "layer_name", row, .. } if row == null));
    }
    let floats: ArrayRef = Arc::new(Float32Array::from(vec![1.0]));
    let error = quantized(numbered([Some(0), Some(0), Some(0)], &floats)).unwrap_err();
    assert!(matches!(error, Error::ColumnType { name: "layer_name", .. }), "{error}");
}
