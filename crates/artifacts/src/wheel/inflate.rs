//! The data of an entry: as they are, or inflated, and never more than is said of them.

use zlib_rs::{Inflate, InflateFlush, Status};

use super::error::WheelError;
use super::zip::Entry;

/// The data of an entry, checked against its size and checksum.
pub(super) fn read(bytes: &[u8], entry: &Entry) -> Result<Vec<u8>, WheelError> {
    let stored = bytes.get(entry.data.clone()).unwrap_or_default();
    let data = match entry.method {
        0 => stored.to_vec(),
        8 => inflate(stored, entry)?,
        other => {
            let feature = format!("compression method {other}");
            return Err(WheelError::Unsupported { entry: Some(entry.name.clone()), feature });
        }
    };
    let crc = crc32fast::hash(&data);
    if crc != entry.crc {
        return bad(entry, format!("its checksum is {crc:08x} instead of {:08x}", entry.crc));
    }
    Ok(data)
}

fn bad<T>(entry: &Entry, reason: impl Into<String>) -> Result<T, WheelError> {
    Err(WheelError::BadData { entry: entry.name.clone(), reason: reason.into() })
}

fn inflate(stored: &[u8], entry: &Entry) -> Result<Vec<u8>, WheelError> {
    let Ok(size) = usize::try_from(entry.size) else {
        return bad(entry, "it is larger than the memory");
    };
    let mut data = Vec::new();
    if data.try_reserve_exact(size).is_err() {
        return bad(entry, format!("there is no memory for its {size} bytes"));
    }
    data.resize(size, 0);
    let mut inflate = Inflate::new(false, 15);
    let status = inflate.decompress(stored, &mut data, InflateFlush::Finish);
    // With nothing to fill, the end of the stream is only seen in a second call.
    let ended = matches!(status, Ok(Status::StreamEnd));
    if status.is_err() {
        return bad(entry, "its data are not what deflate writes");
    }
    if inflate.total_out() != entry.size {
        return bad(entry, format!("it has {} bytes, not {size}", inflate.total_out()));
    }
    let used = usize::try_from(inflate.total_in()).unwrap_or(usize::MAX);
    let ended = ended || {
        let rest = stored.get(used..).unwrap_or_default();
        matches!(inflate.decompress(rest, &mut [], InflateFlush::Finish), Ok(Status::StreamEnd))
    };
    if !ended {
        return bad(entry, format!("it has more than {size} bytes"));
    }
    if inflate.total_in() != stored.len() as u64 {
        return bad(entry, "bytes follow the end of its data");
    }
    Ok(data)
}
