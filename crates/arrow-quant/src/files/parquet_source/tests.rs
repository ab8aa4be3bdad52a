//! Footers and page headers that would keep the library busy, and those of real files.

use std::fs;
use std::path::Path;

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, LargeBinaryArray, RecordBatch, StringArray,
};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use proptest::prelude::*;

use super::layout::{FOOTER, PAGE_HEADER};
use super::thrift::{Fields, walk};
use super::*;

/// Types, as they are written.
const TRUE: u8 = 1;
const BYTE: u8 = 3;
const I32: u8 = 5;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
const STRUCT: u8 = 12;

/// The greatest length that the library believes.
const MOST: u64 = i32::MAX as u64;

fn number(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// The header of a field, by how much its number is greater than that of the field before it.
fn field(more: u8, wire: u8) -> Vec<u8> {
    vec![more << 4 | wire]
}

fn list(count: u64, wire: u8) -> Vec<u8> {
    [vec![0xf0 | wire], number(count)].concat()
}

fn walked(bytes: &[u8], fields: Fields, step: usize) -> io::Result<u64> {
    let source: Arc<dyn Source> = Arc::new(bytes.to_vec());
    walk(&mut Window::new(source, 0, bytes.len() as u64, step), fields)
}

/// Why it is refused, as a footer and as the header of a page.
fn refused(parts: &[Vec<u8>]) -> String {
    let bytes = parts.concat();
    let reasons = [FOOTER, PAGE_HEADER].map(|fields| {
        let error = walked(&bytes, fields, 16).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        error.to_string()
    });
    assert_eq!(reasons[0], reasons[1]);
    reasons[0].clone()
}

/// A field that nobody knows.
const UNKNOWN: u8 = 14;

#[test]
fn lengths_are_not_believed() {
    let stop = vec![0];
    let room = vec![0; 100];
    // The library takes no byte for any of these, and nests them.
    let nested = |times: usize| list(14, LIST).repeat(times);
    for (parts, wanted) in [
        (vec![field(UNKNOWN, LIST), list(MOST, TRUE)], "2147483647 values"),
        (vec![field(UNKNOWN, SET), list(MOST, 2), stop.clone()], "and 1 bytes do"),
        (vec![field(UNKNOWN, LIST), list(50, TRUE), room.clone()], "50 booleans"),
        (vec![field(UNKNOWN, LIST), list(2, TRUE), vec![1, 1], stop.clone()], "2 booleans"),
        (
            vec![field(UNKNOWN, LIST), nested(8), list(MOST, TRUE), room.clone()],
            "2147483647 values",
        ),
        (vec![field(UNKNOWN, MAP), number(MOST), vec![TRUE << 4 | TRUE]], "2147483647 values"),
        (vec![field(UNKNOWN, MAP), number(9), vec![BYTE << 4 | 2], room.clone()], "9 booleans"),
        (vec![field(UNKNOWN, MAP), number(9), vec![TRUE << 4 | BYTE], room.clone()], "9 booleans"),
        (vec![field(UNKNOWN, LIST), list(u64::MAX, I32), room.clone()], "18446744073709551615"),
        (vec![field(UNKNOWN, LIST), list(101, STRUCT), room.clone()], "101 values"),
        (vec![field(UNKNOWN, BINARY), number(u64::MAX), room.clone()], "18446744073709551615"),
        (vec![field(UNKNOWN, BINARY), number(101), room.clone()], "101 bytes"),
        (vec![field(UNKNOWN, LIST), list(1, LIST).repeat(70), room.clone()], "more than 64 deep"),
        (vec![field(UNKNOWN, STRUCT), field(1, STRUCT).repeat(70)], "more than 64 deep"),
        (vec![field(UNKNOWN, I32), vec![0xff; 40]], "more than ten bytes"),
        (vec![field(UNKNOWN, 14), room.clone()], "no type 14"),
        (vec![field(UNKNOWN, LIST), list(3, 15), room.clone()], "no type 15"),
        (vec![field(0, I32), number(2 * 32767), stop.clone(), field(1, I32)], "no number"),
        (vec![field(UNKNOWN, STRUCT), field(1, STRUCT)], "ends in the middle"),
        (vec![], "ends in the middle"),
    ] {
        let reason = refused(&parts);
        assert!(reason.contains(wanted) && reason.starts_with("at byte "), "{wanted}: {reason}");
    }
}

/// The library reads these by what the format says of them, so that a list of booleans could hide in
/// what is text for whoever goes by the file.
#[test]
fn a_field_is_of_the_type_that_the_format_has() {
    for (fields, parts) in [
        (FOOTER, vec![field(1, BINARY), number(3), vec![0; 3]]),
        (FOOTER, vec![field(2, BINARY), number(3), vec![0; 3]]),
        (FOOTER, vec![field(2, LIST), list(1, I32), vec![0]]),
        (FOOTER, vec![field(2, LIST), list(1, STRUCT), field(4, I32), vec![0, 0]]),
        (FOOTER, vec![field(2, LIST), list(1, STRUCT), field(10, STRUCT), field(1, TRUE)]),
        (FOOTER, vec![field(4, LIST), list(1, STRUCT), field(1, SET), list(1, BYTE)]),
        (FOOTER, vec![field(7, LIST), list(1, STRUCT), field(1, TRUE), vec![0]]),
        (PAGE_HEADER, vec![field(1, BINARY), number(3), vec![0; 3]]),
        (PAGE_HEADER, vec![field(5, BINARY), number(3), vec![0; 3]]),
        (PAGE_HEADER, vec![field(8, STRUCT), field(7, I32), vec![0]]),
    ] {
        let bytes = [parts.concat(), vec![0; 20]].concat();
        let reason = walked(&bytes, fields, 16).unwrap_err().to_string();
        assert!(reason.contains("and should be"), "{reason}");
    }
}

/// Elements of a schema that have so many children each.
fn schema(children: &[u64]) -> io::Result<u64> {
    let elements = children.iter().flat_map(|children| {
        let name = [field(4, BINARY), number(1), vec![b'a']].concat();
        [name, field(1, I32), number(2 * children), vec![0]].concat()
    });
    let count = list(children.len() as u64, STRUCT);
    let bytes = [field(2, LIST), count, elements.collect(), vec![0]].concat();
    walked(&bytes, FOOTER, 16)
}

#[test]
fn a_schema_has_no_more_columns_than_it_has_elements() {
    for whole in [&[0][..], &[2, 0, 0], &[2, 2, 0, 0, 1, 0], &[1; 64], &[1, 1, 1 << 32]] {
        let whole = [whole, &[0]].concat();
        schema(&whole).unwrap_or_else(|error| panic!("{whole:?}: {error}"));
    }
    for (children, wanted) in [
        (&[1 << 30, 0][..], "1073741824 columns are said to follow, and 1 do"),
        (&[3, 0, 0], "3 columns are said to follow, and 2 do"),
        (&[2, 2, 0, 0], "3 columns are said to follow, and 2 do"),
        (&[1; 70], "more than 64 deep"),
        (&[1; 100_000], "more than 64 deep"),
    ] {
        let reason = schema(children).unwrap_err().to_string();
        assert!(reason.contains(wanted), "{reason}");
    }
}

/// Every kind of metadata that the library writes.
fn real(version: WriterVersion, statistics: EnabledStatistics) -> Vec<u8> {
    let weights: Vec<Vec<u8>> = (0..50u8).map(|row| vec![row; 400]).collect();
    let columns: [(&str, ArrayRef); 4] = [
        ("layer_name", Arc::new(StringArray::from_iter_values((0..50).map(|row| row.to_string())))),
        ("weights", Arc::new(LargeBinaryArray::from_iter_values(weights))),
        ("numbers", Arc::new(Float64Array::from_iter_values((0..50).map(f64::from)))),
        ("flags", Arc::new(BooleanArray::from_iter((0..50).map(|row| Some(row % 3 == 0))))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let properties = WriterProperties::builder()
        .set_writer_version(version)
        .set_statistics_enabled(statistics)
        .set_data_page_size_limit(1000)
        .set_write_batch_size(5)
        .set_max_row_group_row_count(Some(20))
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn rows(path: &Path) -> Result<usize> {
    let mut rows = 0;
    for batch in super::super::guarded_batches(path.to_path_buf(), parquet_reader(path, 1000)?) {
        rows += batch?.num_rows();
    }
    Ok(rows)
}

#[test]
fn real_files_are_read_and_hostile_headers_of_their_pages_are_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.parquet");
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        for statistics in
            [EnabledStatistics::None, EnabledStatistics::Chunk, EnabledStatistics::Page]
        {
            let bytes = real(version, statistics);
            fs::write(&path, &bytes).unwrap();
            assert_eq!(rows(&path).unwrap(), 50);
            let file = File::open(&path).unwrap();
            let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).unwrap();
            for group in metadata.metadata().row_groups() {
                for column in group.columns() {
                    let (start, _) = column.byte_range();
                    let mut hostile = bytes.clone();
                    let header =
                        [field(UNKNOWN, LIST), list(14, LIST), list(MOST, TRUE), vec![0]].concat();
                    hostile[start as usize..start as usize + header.len()].copy_from_slice(&header);
                    fs::write(&path, hostile).unwrap();
                    let error = rows(&path).unwrap_err();
                    assert!(matches!(&error, Error::File { path: named, .. } if *named == path));
                    let place = format!("in the header of a page, at byte {}", start + 9);
                    assert!(error.to_string().contains(&place), "{error}");
                }
            }
        }
    }
}

#[test]
fn the_header_of_a_page_is_handed_over_and_nothing_after_it() {
    let header = [field(1, I32), number(0), field(13, BINARY), number(9000), vec![7; 9000]];
    let header = [header.concat(), vec![0]].concat();
    let bytes = [vec![9; 5], header.clone(), vec![0xff; 5000]].concat();
    let pages = Pages(Arc::new(bytes));
    let mut read = Vec::new();
    pages.get_read(5).unwrap().read_to_end(&mut read).unwrap();
    assert!(read == header);
    // What is not read is not looked at.
    pages.get_read(5 + header.len() as u64).unwrap();
    assert_eq!(pages.get_bytes(3, 4).unwrap(), [9, 9, 0x15, 0].as_slice());
    for (start, length) in [(0, usize::MAX), (u64::MAX, 1), (pages.len(), 1)] {
        assert!(pages.get_bytes(start, length).is_err());
    }
    assert!(pages.get_read(u64::MAX).unwrap().read(&mut [0]).is_err());
}

/// What a fuzzer found: the footers of these kept the library busy for ten and for more than twenty seconds.
const SLOW: [&str; 2] = [
    "2a29010111111111504152311111111111b4b4b3b4b448b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4f4b4 \
     b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b40a3bb40a4bb4b4b41115b4b4b4b42d11111a24ce \
     003f330000002c111111110011112a110007324b00000050415231",
    "290101111111115041523111111111111111119a1111111111d9d9d9d9d9d9d9d9d9faffffffffffffffd9d9 \
     d911111111119a1111efd9d9d9d9d9d9272626262626262bd9d9d9d9d9d9d91111338c8c8c8c8c8c8c8c8c8c \
     8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c1111110005555555 \
     555555569a9a9a9a9a1129111111d9d9d9d9d9d9d9d9d9faffffffd9d9d9d9d9d9d9d9d9d929010111111111 \
     5041523211111111111111119a1111efd9d9d9d9d9d9272626262626262bd9d9d9d9d9d9d91111338c8c8c8c \
     8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c8c1111 \
     110005555555555555569a9ad9d9d9d9d9d9d9d9d9d9272626262626262bd9d9ff1111000734000000504152 \
     31",
];

#[test]
fn what_was_slow_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("slow.parquet");
    for text in SLOW {
        let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
        let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
        fs::write(&path, digits.chunks(2).map(byte).collect::<Vec<u8>>()).unwrap();
        let error = rows(&path).unwrap_err();
        assert!(matches!(&error, Error::File { path: named, .. } if *named == path));
        assert!(error.to_string().contains("in its footer, at byte "), "{error}");
    }
}

proptest! {
    #[test]
    fn there_is_a_byte_for_every_value(
        bytes in proptest::collection::vec(prop_oneof![any::<u8>(), 0..0x20u8, Just(0x19)], 0..300),
        step in 1..400usize,
    ) {
        for fields in [FOOTER, PAGE_HEADER] {
            let values = walked(&bytes, fields, 1 << 12);
            let others = walked(&bytes, fields, step);
            prop_assert_eq!(values.as_ref().ok(), others.as_ref().ok());
            match (values, others) {
                (Ok(values), _) => prop_assert!(values <= bytes.len() as u64),
                (Err(error), Err(other)) => {
                    prop_assert_eq!(error.kind(), io::ErrorKind::InvalidData);
                    prop_assert_eq!(error.to_string(), other.to_string());
                }
                (Err(error), Ok(_)) => prop_assert!(false, "{}", error),
            }
        }
    }
}
