//! Archives for tests: every field of every header can be set, wrong ones as well.

use zlib_rs::{Deflate, DeflateFlush};

/// One file of an archive.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) data: Vec<u8>,
    /// 0 as they are, 8 deflated.
    pub(crate) method: u16,
    pub(crate) level: i32,
    pub(crate) flags: u16,
    pub(crate) time: u16,
    pub(crate) date: u16,
    pub(crate) mode: u32,
    pub(crate) extra: Vec<u8>,
    pub(crate) crc: Option<u32>,
    pub(crate) size: Option<u32>,
}

/// A regular file of 1980 that is deflated.
pub(crate) fn file(name: &str, data: impl AsRef<[u8]>) -> File {
    File {
        name: name.to_owned(),
        data: data.as_ref().to_vec(),
        method: 8,
        level: 6,
        flags: 0,
        time: 0,
        date: 33,
        mode: 0o100_644,
        extra: Vec::new(),
        crc: None,
        size: None,
    }
}

/// Deflates without a zlib header.
pub(crate) fn deflate(data: &[u8], level: i32) -> Vec<u8> {
    let mut deflate = Deflate::new(level, false, 15);
    let mut output = vec![0; data.len() + data.len() / 8 + 64];
    deflate.compress(data, &mut output, DeflateFlush::Finish).unwrap();
    output.truncate(usize::try_from(deflate.total_out()).unwrap());
    output
}

/// The archive of these files.
pub(crate) fn zip(files: &[File]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for file in files {
        let data = match file.method {
            8 => deflate(&file.data, file.level),
            _ => file.data.clone(),
        };
        let crc = file.crc.unwrap_or_else(|| crc32fast::hash(&file.data));
        let size = file.size.unwrap_or(file.data.len() as u32);
        let mut common = Vec::new();
        for half in [20, file.flags, file.method, file.time, file.date] {
            common.extend(half.to_le_bytes());
        }
        let sizes = [crc, data.len() as u32, size].map(u32::to_le_bytes).concat();
        let lengths = [file.name.len() as u16, file.extra.len() as u16].map(u16::to_le_bytes);
        let offset = archive.len() as u32;
        let later = file.flags & 8 != 0;
        archive.extend(b"PK\x03\x04");
        archive.extend(&common);
        archive.extend(if later { &[0; 12] } else { &sizes[..] });
        archive.extend(lengths.concat());
        archive.extend(file.name.as_bytes());
        archive.extend(&file.extra);
        archive.extend(data);
        if later {
            archive.extend(b"PK\x07\x08");
            archive.extend(&sizes);
        }
        directory.extend(b"PK\x01\x02\x14\x03");
        directory.extend(common);
        directory.extend(sizes);
        directory.extend(lengths.concat());
        directory.extend([0; 6]);
        directory.extend((file.mode << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(file.name.as_bytes());
        directory.extend(&file.extra);
    }
    let count = (files.len() as u16).to_le_bytes();
    let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
    end.extend([count, count].concat());
    end.extend((directory.len() as u32).to_le_bytes());
    end.extend((archive.len() as u32).to_le_bytes());
    end.extend([0, 0]);
    [archive, directory, end].concat()
}
