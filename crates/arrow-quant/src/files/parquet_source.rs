//! Parquet files, read with nothing believed of them: what the library would spend time, memory or depth
//! on is checked before it sees it.

mod layout;
#[cfg(test)]
mod tests;
mod thrift;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use npz::{FileSource, Source};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{ChunkReader, Length};

use self::thrift::Window;
use super::{bad, guarded, io};
use crate::error::{Error, Result};

/// What the library says of a file.
pub(super) fn parquet_failed(path: &Path) -> impl FnOnce(ParquetError) -> Error + '_ {
    move |error| match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(source) => Error::Io { path: path.to_path_buf(), source: *source },
            Err(other) => bad(path, other.to_string()),
        },
        other => bad(path, other.to_string()),
    }
}

/// Batches of a Parquet file, of as many rows as a chunk has room for.
pub(super) fn parquet_reader(path: &Path, chunk_bytes: usize) -> Result<ParquetRecordBatchReader> {
    let source: Arc<dyn Source> = Arc::new(FileSource::open(path).map_err(io(path))?);
    check_footer(path, &source)?;
    let file = File::open(path).map_err(io(path))?;
    guarded(path, || {
        let loaded = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new());
        let metadata = loaded.map_err(|error| match parquet_failed(path)(error) {
            Error::File { reason, .. } => not_whole(path, &reason),
            other => other,
        })?;
        let row = check_columns(path, metadata.metadata(), source.length())?;
        let count = (chunk_bytes as u64 / row).clamp(1, 4096) as usize;
        ParquetRecordBatchReaderBuilder::new_with_metadata(Pages(source), metadata)
            .with_batch_size(count)
            .build()
            .map_err(parquet_failed(path))
    })
}

fn not_whole(path: &Path, reason: &str) -> Error {
    bad(path, format!("it is no whole Parquet file ({reason}): write it again"))
}

/// Walks the footer, if it is where it should be and not encrypted; of anything else the library says
/// itself that it is not read.
fn check_footer(path: &Path, source: &Arc<dyn Source>) -> Result<()> {
    let Some(end) = source.length().checked_sub(8) else { return Ok(()) };
    let mut tail = [0; 8];
    source.read_exact_at(&mut tail, end).map_err(io(path))?;
    let [length @ .., b'P', b'A', b'R', b'1'] = tail else { return Ok(()) };
    let Some(start) = end.checked_sub(u64::from(u32::from_le_bytes(length))) else { return Ok(()) };
    let mut window = Window::new(Arc::clone(source), start, end, 1 << 16);
    match thrift::walk(&mut window, layout::FOOTER) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(not_whole(path, &format!("in its footer, {error}")))
        }
        Err(error) => Err(io(path)(error)),
    }
}

/// Checks that all columns are within the file and not compressed, and says how many bytes a row has.
fn check_columns(path: &Path, metadata: &ParquetMetaData, size: u64) -> Result<u64> {
    let mut bytes = 0u64;
    let mut rows = 0u64;
    for group in metadata.row_groups() {
        rows = rows.saturating_add(u64::try_from(group.num_rows()).unwrap_or(0));
        bytes = bytes.saturating_add(u64::try_from(group.total_byte_size()).unwrap_or(0));
        for column in group.columns() {
            let compression = column.compression();
            if compression != Compression::UNCOMPRESSED {
                let reason = format!(
                    "its columns are compressed with {compression}, which is not read: write it without \
                     compression"
                );
                return Err(bad(path, reason));
            }
            // A dictionary comes before the data that it is for.
            let first = column.dictionary_page_offset().filter(|offset| *offset > 0);
            let start = u64::try_from(first.unwrap_or(column.data_page_offset())).ok();
            let length = u64::try_from(column.compressed_size()).ok();
            let end = start.zip(length).and_then(|(start, length)| start.checked_add(length));
            if end.is_none_or(|end| end > size) {
                return Err(bad(
                    path,
                    "a column is said to be where the file has none: it is damaged",
                ));
            }
        }
    }
    Ok((bytes / rows.max(1)).max(1))
}

/// A file as the library asks for its pages: the header of each to be read, and then its bytes.
struct Pages(Arc<dyn Source>);

impl Length for Pages {
    fn len(&self) -> u64 {
        self.0.length()
    }
}

impl ChunkReader for Pages {
    type T = PageHeader;

    fn get_read(&self, start: u64) -> parquet::errors::Result<PageHeader> {
        let window = Window::new(Arc::clone(&self.0), start, self.0.length(), HEADER_STEP);
        Ok(PageHeader { window, is_walked: false })
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.0.length()) {
            return Err(ParquetError::EOF(
                "a page is said to be where the file has none".to_owned(),
            ));
        }
        let mut bytes = vec![0; length];
        self.0.read_exact_at(&mut bytes, start)?;
        Ok(bytes.into())
    }
}

/// Bytes that are read at once for the header of a page; most have fewer than a hundred.
const HEADER_STEP: usize = 1 << 12;

/// The header of a page, which is walked before any of it is handed over.
///
/// Not before it is read: the library asks for a header that it has read already, at the place of the
/// page's bytes, and lets it be.
struct PageHeader {
    window: Window,
    is_walked: bool,
}

impl Read for PageHeader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.is_walked {
            let start = self.window.place();
            thrift::walk(&mut self.window, layout::PAGE_HEADER).map_err(|error| {
                match error.kind() {
                    io::ErrorKind::InvalidData => io::Error::new(
                        error.kind(),
                        format!("in the header of a page, {error}: the file is damaged"),
                    ),
                    _ => error,
                }
            })?;
            // And nothing after it.
            let end = self.window.place();
            self.window.narrow(start, end);
            self.is_walked = true;
        }
        self.window.read(buffer)
    }
}
