//! Segments to GGUF, version 3 (<https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>).

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use arrow_array::cast::AsArray as _;

use super::assemble::{for_each_batch, is_whole, layers, rows};
use super::journal::{Journal, Row};
use super::{bad, io};
use crate::error::Result;

const VERSION: u32 = 3;
/// Where data start, and each tensor in them.
const ALIGNMENT: u64 = 32;
/// ggml keeps names in 64 bytes, the last of which is zero, and at most four axes.
const LONGEST_NAME: usize = 63;
const MOST_AXES: usize = 4;

/// Numbers of the types of metadata.
const UINT32: u32 = 4;
const STRING: u32 = 8;

/// The version of the layout of quantized blocks.
const QUANTIZATION_VERSION: u32 = 2;

/// The number of a tensor's type.
fn ggml_type(row: &Row) -> Option<u32> {
    Some(match (row.scheme.as_str(), row.dtype.as_str()) {
        ("gguf_q4_0", _) => 2,
        ("gguf_q8_0", _) => 8,
        ("none", "f32") => 0,
        ("none", "f16") => 1,
        ("none", "i8") => 24,
        ("none", "i16") => 25,
        ("none", "i32") => 26,
        ("none", "i64") => 27,
        ("none", "f64") => 28,
        ("none", "bf16") => 30,
        _ => return None,
    })
}

/// Writes the layers of a journal.
pub(super) fn write(
    journal: &Journal,
    destination: &Path,
    path: &Path,
    file: &mut BufWriter<File>,
) -> Result<()> {
    let all: Vec<&Row> = rows(journal).collect();
    let layers = layers(&all);
    let mut infos = Vec::new();
    let mut names = HashSet::new();
    // Zeros after each row: only the last of a layer has some.
    let mut padding = Vec::with_capacity(all.len());
    let mut offset = 0u64;
    for layer in &layers {
        let Some(first) = layer.first() else { continue };
        let wrong = |reason: String| bad(destination, format!("layer {:?}: {reason}", first.layer));
        is_whole(layer).map_err(wrong)?;
        let kind = ggml_type(first).ok_or_else(|| {
            wrong(format!("GGUF has no type for {} of {}", first.scheme, first.dtype))
        })?;
        if !names.insert(first.layer.as_str()) {
            return Err(wrong("its parts do not follow each other".to_owned()));
        }
        if first.layer.len() > LONGEST_NAME {
            return Err(wrong(format!("ggml reads names of at most {LONGEST_NAME} bytes")));
        }
        if first.shape.len() > MOST_AXES {
            return Err(wrong(format!("ggml reads at most {MOST_AXES} axes")));
        }
        text(&mut infos, &first.layer);
        // The fastest axis first; a single number is a vector of one.
        let axes = if first.shape.is_empty() { vec![1] } else { first.shape.clone() };
        infos.extend((axes.len() as u32).to_le_bytes());
        axes.iter().rev().for_each(|length| infos.extend((*length as u64).to_le_bytes()));
        infos.extend(kind.to_le_bytes());
        infos.extend(offset.to_le_bytes());
        let bytes: u64 = layer.iter().map(|row| row.codes).sum();
        offset += bytes.next_multiple_of(ALIGNMENT);
        padding.resize(padding.len() + layer.len() - 1, 0);
        padding.push((bytes.next_multiple_of(ALIGNMENT) - bytes) as usize);
    }
    let mut header = Vec::new();
    header.extend(b"GGUF");
    header.extend(VERSION.to_le_bytes());
    header.extend((layers.len() as u64).to_le_bytes());
    let name = destination.file_stem().unwrap_or_default().to_string_lossy();
    let quantizer = format!("arrow-quant {}", crate::VERSION);
    let texts = [
        // What the model computes is not in a file of weights.
        ("general.architecture", "unknown"),
        ("general.name", &*name),
        ("general.quantized_by", &quantizer),
    ];
    let numbers = [
        ("general.alignment", ALIGNMENT as u32),
        ("general.quantization_version", QUANTIZATION_VERSION),
    ];
    header.extend(((texts.len() + numbers.len()) as u64).to_le_bytes());
    for (key, value) in texts {
        text(&mut header, key);
        header.extend(STRING.to_le_bytes());
        text(&mut header, value);
    }
    for (key, value) in numbers {
        text(&mut header, key);
        header.extend(UINT32.to_le_bytes());
        header.extend(value.to_le_bytes());
    }
    header.extend(infos);
    header.resize(header.len().next_multiple_of(ALIGNMENT as usize), 0);
    file.write_all(&header).map_err(io(path))?;
    let mut padding = padding.into_iter();
    for_each_batch(journal, |batch| {
        let codes = batch["quantized_data"].as_binary::<i64>();
        for row in 0..batch.num_rows() {
            file.write_all(codes.value(row)).map_err(io(path))?;
            let zeros = &[0; ALIGNMENT as usize][..padding.next().unwrap_or(0)];
            file.write_all(zeros).map_err(io(path))?;
        }
        Ok(())
    })
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}
