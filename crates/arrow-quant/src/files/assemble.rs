//! Finished segments to one file.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use arrow_array::RecordBatch;

use super::bounds::open_ipc;
use super::journal::{Journal, Row};
use super::{Format, bad, gguf, guarded_batches, io, output};
use crate::error::Result;
use crate::quantize::Quantizer;

/// Puts the result of a journal together, beside its segments.
pub(super) fn assemble(
    journal: &Journal,
    format: Format,
    destination: &Path,
    quantizer: &Quantizer,
) -> Result<()> {
    let path = journal.result_path();
    let file = File::create(&path).map_err(io(&path))?;
    let mut file = BufWriter::with_capacity(1 << 20, file);
    match format {
        Format::Ipc => output::ipc(journal, &path, &mut file, quantizer.schema())?,
        #[cfg(feature = "parquet")]
        Format::Parquet => output::parquet(journal, &path, &mut file, quantizer.schema())?,
        Format::Safetensors => {
            output::safetensors(journal, destination, &path, &mut file, quantizer)?;
        }
        Format::Gguf => gguf::write(journal, destination, &path, &mut file)?,
        // Refused before anything was read; an empty file must not pass for a result.
        _ => return Err(bad(destination, format!("{} is not written", format.name()))),
    }
    file.flush().map_err(io(&path))
}

/// Hands over every batch of the segments, in order.
pub(super) fn for_each_batch(
    journal: &Journal,
    mut each: impl FnMut(&RecordBatch) -> Result<()>,
) -> Result<()> {
    for number in 0..journal.segments.len() {
        let path = journal.segment_path(number);
        for batch in guarded_batches(path.clone(), open_ipc(&path)?) {
            each(&batch?)?;
        }
    }
    Ok(())
}

/// The rows of all segments, in order.
pub(super) fn rows(journal: &Journal) -> impl Iterator<Item = &Row> {
    journal.segments.iter().flat_map(|segment| &segment.rows)
}

/// Rows that are one layer: consecutive, from its start to its end, and of one kind; or why they are
/// not.
pub(super) fn is_whole(rows: &[&Row]) -> std::result::Result<(), String> {
    let Some(first) = rows.first() else { return Ok(()) };
    let mut next = 0;
    for row in rows {
        if row.row_start != next || row.shape != first.shape {
            return Err(format!(
                "the part from {} on does not follow the one before it",
                row.row_start
            ));
        }
        if (&row.scheme, row.group_size, &row.dtype)
            != (&first.scheme, first.group_size, &first.dtype)
        {
            return Err(format!("a part is {}, and another {}", first.scheme, row.scheme));
        }
        next += row.row_count;
    }
    let length = first.shape.first().copied().unwrap_or(1);
    if next != length {
        return Err(format!("its parts end at {next}, and its first axis at {length}"));
    }
    Ok(())
}

/// Consecutive rows of one layer.
pub(super) fn layers<'a>(rows: &[&'a Row]) -> Vec<Vec<&'a Row>> {
    let mut layers: Vec<Vec<&Row>> = Vec::new();
    for row in rows {
        match layers.last_mut() {
            Some(last) if last.last().is_some_and(|before| before.layer == row.layer) => {
                last.push(row);
            }
            _ => layers.push(vec![row]),
        }
    }
    layers
}
