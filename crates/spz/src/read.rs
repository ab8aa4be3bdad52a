//! Files of both containers, read once from front to back.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::cloud::{Cloud, Options};
use crate::error::{ErrorKind, Result, Section, corrupt};
use crate::extension::{self, Bytes};
use crate::fields::{Field, Fields, STORED};
use crate::gzip::{Gzip, Tail};
use crate::header::{Container, Info};
use crate::input::Input;
use crate::zstd;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const MAGIC: [u8; 4] = *b"NGSP";

/// The header inside gzip, and that of version 4.
const GZIP_HEADER: usize = 16;
const ZSTD_HEADER: usize = 32;

/// Bytes that are decoded at once.
const PIECE: usize = 128 << 10;

/// What may follow the last part in any file. Beyond it, only as much as the parts themselves.
const TRAILING: u64 = 1 << 20;

/// Reads a file.
///
/// # Errors
/// When it cannot be read, or is no whole SPZ file.
pub fn read_file(path: impl AsRef<Path>, options: &Options) -> Result<Cloud> {
    let path = path.as_ref();
    let read = || read(open(path)?, *options);
    read().map_err(|error| error.in_file(path))
}

/// Reads a file that is in memory.
///
/// # Errors
/// When the bytes are no whole SPZ file.
pub fn read_bytes(bytes: &[u8], options: &Options) -> Result<Cloud> {
    read(Input::of_bytes(bytes), *options)
}

/// What a file says of itself. The points are not read, but where a gzip stream has records of
/// vendors, it is inflated to its end, as they stand there.
///
/// # Errors
/// When it cannot be read, or is no SPZ file.
pub fn info_file(path: impl AsRef<Path>) -> Result<Info> {
    let path = path.as_ref();
    let read = || info(open(path)?);
    read().map_err(|error| error.in_file(path))
}

/// What a file in memory says of itself; see [`info_file`].
///
/// # Errors
/// When the bytes are no SPZ file.
pub fn info_bytes(bytes: &[u8]) -> Result<Info> {
    info(Input::of_bytes(bytes))
}

fn open(path: &Path) -> Result<Input<'static>> {
    // Opening a pipe would wait for whoever writes into it.
    if !fs::metadata(path)?.is_file() {
        let reason = "not a file: read it into memory first, if it is a pipe";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, reason).into());
    }
    Ok(Input::of_file(File::open(path)?)?)
}

fn container(input: &mut Input<'_>) -> Result<Container> {
    let start = input.fill()?;
    if start.starts_with(&GZIP) {
        return Ok(Container::Gzip);
    }
    if start.starts_with(&MAGIC) {
        return Ok(Container::Zstd);
    }
    Err(ErrorKind::NotSpz { found: looks_like(start) }.into())
}

/// What bytes are that are no SPZ file, as far as their start tells.
fn looks_like(start: &[u8]) -> String {
    let known: [(&[u8], &str); 9] = [
        (b"PK\x03\x04", "a zip archive"),
        (b"ply\n", "a PLY file"),
        (b"ply\r", "a PLY file"),
        (b"\x28\xb5\x2f\xfd", "zstd data without the header of version 4"),
        (b"\x93NUMPY", "an npy file"),
        (b"glTF", "a binary glTF file"),
        (b"version https://git-lfs", "a pointer of git-lfs: run `git lfs pull`"),
        (b"<!", "a web page"),
        (b"<h", "a web page"),
    ];
    if start.is_empty() {
        return "an empty file".to_owned();
    }
    if let Some((_, what)) = known.iter().find(|(magic, _)| start.starts_with(magic)) {
        return (*what).to_owned();
    }
    let start = &start[..start.len().min(8)];
    format!("something that starts with {:?}", start.escape_ascii().to_string())
}

fn info(mut input: Input<'_>) -> Result<Info> {
    match container(&mut input)? {
        Container::Gzip => {
            let (stream, info) = open_gzip(input)?;
            if !info.has_extensions() {
                return Ok(info);
            }
            let options = Options { fields: Fields::NONE, ..Options::default() };
            Ok(read_gzip(stream, info, options)?.info)
        }
        Container::Zstd => Ok(open_zstd(&mut input)?.0),
    }
}

fn read(mut input: Input<'_>, options: Options) -> Result<Cloud> {
    let mut cloud = match container(&mut input)? {
        Container::Gzip => {
            let (stream, info) = open_gzip(input)?;
            read_gzip(stream, info, options)?
        }
        Container::Zstd => read_zstd(&mut input, options)?,
    };
    if let Some(frame) = options.frame {
        cloud.convert(frame);
    }
    Ok(cloud)
}

fn open_gzip(input: Input<'_>) -> Result<(Gzip<'_>, Info)> {
    let mut stream = Gzip::open(input)?;
    let mut header = [0; GZIP_HEADER];
    let got = stream.read_up_to(&mut header)?;
    if !header[..got].starts_with(&MAGIC) && (got >= MAGIC.len() || stream.is_ended()) {
        let start = looks_like(&header[..got]);
        return Err(ErrorKind::NotSpz { found: format!("a gzip file of {start}") }.into());
    }
    let Some(fields) = header.first_chunk().filter(|_| got == GZIP_HEADER) else {
        let (want, got) = (GZIP_HEADER as u64, got as u64);
        return Err(ErrorKind::Truncated { section: Section::Header, want, got }.into());
    };
    let info = Info::parse(fields, Container::Gzip, stream.file_length())?;
    Ok((stream, info))
}

fn read_gzip(mut stream: Gzip<'_>, info: Info, options: Options) -> Result<Cloud> {
    let mut cloud = Cloud::new(info, options)?;
    for (field, section) in STORED {
        let want = cloud.info.num_points as u64 * cloud.info.stored_stride(field) as u64;
        section_into(&mut cloud, field, section, want, |output| {
            stream.read_up_to(output).map_err(|error| match error.kind() {
                ErrorKind::Corrupt { reason, .. } => corrupt(section, reason.clone()),
                _ => error,
            })
        })?;
    }
    let most = TRAILING.saturating_add(cloud.info.stored_bytes());
    let mut tail = Tail { stream: &mut stream, left: most, most };
    if cloud.info.has_extensions() {
        cloud.info.extensions = extension::parse(&mut tail)?;
        cloud.info.settle();
        cloud.frame = cloud.info.frame;
    }
    // Whatever else is there counts for the checksum.
    let unknown = tail.skip(u64::MAX)?;
    if !stream.is_ended() {
        let section = Section::GzipTrailer;
        return Err(ErrorKind::Truncated { section, want: 8, got: 0 }.into());
    }
    stream.finish()?;
    cloud.info.trailing_bytes = unknown + stream.remaining();
    Ok(cloud)
}

/// Reads a part, piece by piece, and decodes it if it is wanted.
fn section_into(
    cloud: &mut Cloud,
    field: Field,
    section: Section,
    want: u64,
    mut read: impl FnMut(&mut [u8]) -> Result<usize>,
) -> Result<()> {
    let (stride, all) = (cloud.info.stored_stride(field), cloud.info.num_points);
    if want == 0 {
        return Ok(());
    }
    let points = (PIECE / stride).min(all);
    let mut buffer = vec![0; points * stride];
    let mut room = Vec::new();
    let mut done = 0;
    while done < all {
        let points = points.min(all - done);
        let piece = &mut buffer[..points * stride];
        let got = read(piece)?;
        if got < piece.len() {
            let got = (done * stride + got) as u64;
            return Err(ErrorKind::Truncated { section, want, got }.into());
        }
        cloud.decode(field, done, piece, &mut room);
        done += points;
    }
    Ok(())
}

/// A part of a version 4 file.
struct Stream {
    packed: u64,
    size: u64,
}

/// Reads everything before the first zstd frame.
fn open_zstd(input: &mut Input<'_>) -> Result<(Info, Vec<Stream>)> {
    let length = input.length();
    let mut header = [0; ZSTD_HEADER];
    let got = input.read_up_to(&mut header)? as u64;
    if got < ZSTD_HEADER as u64 {
        let want = ZSTD_HEADER as u64;
        return Err(ErrorKind::Truncated { section: Section::Header, want, got }.into());
    }
    let mut fields = [0; 15];
    fields.copy_from_slice(&header[..15]);
    let mut info = Info::parse(&fields, Container::Zstd, length)?;
    let streams = u64::from(header[15]);
    let toc = u64::from(u32::from_le_bytes([header[16], header[17], header[18], header[19]]));
    let Some(zone) = toc.checked_sub(ZSTD_HEADER as u64) else {
        let reason = format!("it starts at {toc}, inside the header");
        return Err(corrupt(Section::Toc, reason));
    };
    let expected: Vec<_> = STORED
        .iter()
        .map(|&(field, section)| (section, info.num_points, info.stored_stride(field)))
        .filter(|&(_, points, stride)| points * stride > 0)
        .collect();
    if streams != expected.len() as u64 {
        let reason = format!("{streams} streams, where {} belong", expected.len());
        return Err(corrupt(Section::Toc, reason));
    }
    if zone > input.remaining() {
        let got = length;
        return Err(ErrorKind::Truncated { section: Section::Toc, want: toc, got }.into());
    }
    if info.has_extensions() {
        info.extensions = extension::parse(&mut Zone { input, left: zone })?;
        info.settle();
    } else {
        input.skip(zone)?;
    }
    let mut found = Vec::with_capacity(expected.len());
    for (number, &(section, points, stride)) in expected.iter().enumerate() {
        let mut entry = [[0; 8]; 2];
        let got = input.read_up_to(entry.as_flattened_mut())? as u64;
        if got < 16 {
            let (want, got) = (streams * 16, number as u64 * 16 + got);
            return Err(ErrorKind::Truncated { section: Section::Toc, want, got }.into());
        }
        let [packed, size] = entry.map(u64::from_le_bytes);
        let want = points as u64 * stride as u64;
        if size != want {
            let reason = format!("the table of contents says {size} bytes, where {want} belong");
            return Err(corrupt(section, reason));
        }
        found.push(Stream { packed, size });
    }
    let mut left = input.remaining();
    for (stream, &(section, ..)) in found.iter().zip(&expected) {
        let Some(after) = left.checked_sub(stream.packed) else {
            return Err(ErrorKind::Truncated { section, want: stream.packed, got: left }.into());
        };
        left = after;
    }
    if left > 0 {
        let reason = format!("{left} bytes of the file are in none of its streams");
        return Err(corrupt(Section::Toc, reason));
    }
    Ok((info, found))
}

fn read_zstd(input: &mut Input<'_>, options: Options) -> Result<Cloud> {
    let (info, streams) = open_zstd(input)?;
    let mut cloud = Cloud::new(info, options)?;
    let mut streams = streams.into_iter();
    for (field, section) in STORED {
        if cloud.info.num_points * cloud.info.stored_stride(field) == 0 {
            continue;
        }
        let Some(Stream { packed, size }) = streams.next() else { break };
        if !cloud.wants(field) {
            input.skip(packed)?;
            continue;
        }
        let mut frame = zstd::Frame::open(input, section, packed, size)?;
        section_into(&mut cloud, field, section, size, |output| {
            match frame.read_up_to(input, output)? {
                got if got < output.len() => {
                    Err(corrupt(section, format!("its zstd frame holds fewer than {size} bytes")))
                }
                got => Ok(got),
            }
        })?;
        frame.finish(input, size)?;
    }
    Ok(cloud)
}

/// The bytes between the header of version 4 and its table of contents.
struct Zone<'a, 'b> {
    input: &'a mut Input<'b>,
    left: u64,
}

impl Bytes for Zone<'_, '_> {
    fn read_up_to(&mut self, output: &mut [u8]) -> Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(output.len());
        let got = self.input.read_up_to(&mut output[..most])?;
        self.left -= got as u64;
        Ok(got)
    }

    fn skip(&mut self, count: u64) -> Result<u64> {
        let count = count.min(self.left);
        self.input.skip(count)?;
        self.left -= count;
        Ok(count)
    }
}
