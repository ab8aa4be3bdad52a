//! What an Arrow IPC file says of its own parts, checked against its size before anything is read:
//! the library that reads it asks for as much memory as the file says.

use std::fs::File;
use std::path::Path;

use arrow_ipc::reader::FileReader;
use arrow_ipc::{Block, root_as_footer};
use npz::{FileSource, Source as _};

use super::{bad, failed, guarded, io};
use crate::error::Result;

const MAGIC: &[u8; 6] = b"ARROW1";

/// Opens an Arrow IPC file whose parts are all within it.
pub(super) fn open_ipc(path: &Path) -> Result<FileReader<File>> {
    check_ipc(path)?;
    let file = File::open(path).map_err(io(path))?;
    guarded(path, || FileReader::try_new(file, None).map_err(failed(path)))
}

/// Checks the footer of an Arrow IPC file.
fn check_ipc(path: &Path) -> Result<()> {
    let file = FileSource::open(path).map_err(io(path))?;
    let size = file.length();
    // The magic with its padding, and the length and the magic at the end.
    if size < 18 {
        return Err(bad(path, format!("{size} bytes are no Arrow IPC file")));
    }
    let mut end = [0; 10];
    file.read_exact_at(&mut end, size - 10).map_err(io(path))?;
    let (length, magic) = end.split_at(4);
    if magic != MAGIC {
        return Err(bad(
            path,
            "it does not end as an Arrow IPC file: it is cut off, none, or a stream, which is not read: write \
             the file format",
        ));
    }
    let length = u64::from(u32::from_le_bytes([length[0], length[1], length[2], length[3]]));
    if length > size - 18 {
        return Err(bad(path, format!("its footer has {length} bytes, but the file has {size}")));
    }
    let mut footer = vec![0; length as usize];
    file.read_exact_at(&mut footer, size - 10 - length).map_err(io(path))?;
    let footer = root_as_footer(&footer)
        .map_err(|error| bad(path, format!("its footer is damaged: {error}")))?;
    let blocks = footer.recordBatches().into_iter().flatten();
    for block in blocks.chain(footer.dictionaries().into_iter().flatten()) {
        check_block(path, block, size)?;
    }
    Ok(())
}

fn check_block(path: &Path, block: &Block, size: u64) -> Result<()> {
    let end = || {
        let start = u64::try_from(block.offset()).ok()?;
        let metadata = u64::try_from(block.metaDataLength()).ok()?;
        let body = u64::try_from(block.bodyLength()).ok()?;
        start.checked_add(metadata)?.checked_add(body)
    };
    match end() {
        Some(end) if end <= size => Ok(()),
        _ => Err(bad(
            path,
            "a batch is said to be where the file has none: it is cut off or damaged",
        )),
    }
}
