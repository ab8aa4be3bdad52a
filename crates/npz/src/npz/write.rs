//! Writing npz files.

use std::collections::HashSet;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use crc32fast::Hasher;

use crate::array::ArrayView;
use crate::deflate::{self, Chunks, LAST_BLOCK};
use crate::dtype::DType;
use crate::element::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::header::Header;
use crate::replace::NewFile;
use crate::transfer::PIECE;
use crate::zip::{Written, central_directory, check_name, local_header, patch, payload_start};

/// How an array is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// As it is: the fastest, and the only one whose arrays can be borrowed from a map.
    #[default]
    Stored,
    /// Compressed with a level from 1 (fast) to 9 (small); others count as the nearest. numpy's own
    /// is 6.
    Deflate(u8),
    /// Compressed with level 4 where samples of the data become smaller by a tenth or more, and
    /// stored otherwise. The data never grow.
    Auto,
}

/// The level of [`Compression::Auto`].
const AUTO_LEVEL: u8 = 4;

/// The compressed data that are kept before they are written, in chunks per thread.
const BATCH: usize = 4;

/// Arrays up to this size go into the file in one write, with their headers.
const SMALL: usize = 64 << 10;

/// An npz file being written.
///
/// The bytes depend on the arrays and the compression only: not on the time, the machine or the
/// number of its processors.
///
/// ```
/// use npz::{ArrayView, Compression, Npz, NpzWriter};
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("a.npz");
/// let weights = [0.5f32; 1000];
/// let mut writer = NpzWriter::create(&path)?;
/// writer.add("weights", &ArrayView::from_slice(&weights, &[10, 100])?, Compression::Auto)?;
/// writer.add("bias", &ArrayView::from_slice(&[1.0f32, 2.0], &[2])?, Compression::Stored)?;
/// writer.commit()?;
///
/// let npz = Npz::open(&path)?;
/// assert_eq!(npz.names().collect::<Vec<_>>(), ["weights", "bias"]);
/// assert_eq!(npz.read("weights")?.as_slice::<f32>()?, weights);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct NpzWriter<W> {
    writer: W,
    position: u64,
    members: Vec<Written>,
    names: HashSet<String>,
    broken: bool,
}

impl NpzWriter<NewFile> {
    /// Begins the npz file at `path`. Nothing is at that name before
    /// [`commit`](NpzWriter::commit), and an older file stays what it was until then.
    ///
    /// # Errors
    /// When no file can be made in that directory.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let create = || Self::new(NewFile::create(path)?);
        create().map_err(|error| error.at(path))
    }

    /// Writes the directory, brings everything to the disk and moves the file to its name.
    ///
    /// # Errors
    /// When the disk is full or fails, or an earlier call failed.
    pub fn commit(self) -> Result<()> {
        Ok(self.finish()?.commit()?)
    }
}

impl<W: Write + Seek> NpzWriter<W> {
    /// Begins an npz file in any writer that starts at 0, such as a `Cursor<Vec<u8>>`.
    ///
    /// # Errors
    /// When the writer stands elsewhere.
    pub fn new(mut writer: W) -> Result<Self> {
        if writer.stream_position()? != 0 {
            let feature = "an npz file within another file".to_owned();
            return Err(ErrorKind::Unsupported { feature }.into());
        }
        Ok(NpzWriter {
            writer,
            position: 0,
            members: Vec::new(),
            names: HashSet::new(),
            broken: false,
        })
    }

    /// Writes an array under `name`, to which `.npy` is added as numpy does.
    ///
    /// # Errors
    /// [`Unwritable`](ErrorKind::Unwritable) or [`HeaderTooLong`](ErrorKind::HeaderTooLong) when
    /// not every numpy could load the array; [`DuplicateName`](ErrorKind::DuplicateName) or
    /// [`UnsafeName`](ErrorKind::UnsafeName); what writing fails with, after which nothing can be
    /// added any more.
    pub fn add(
        &mut self,
        name: &str,
        array: &ArrayView<'_>,
        compression: Compression,
    ) -> Result<()> {
        let data = array.bytes();
        let level = match compression {
            Compression::Stored => None,
            Compression::Deflate(level) => Some(level),
            Compression::Auto => deflate::is_worth_it(data)?.then_some(AUTO_LEVEL),
        };
        let header = array.header();
        match level {
            None if data.len() <= SMALL => self.add_small(name, header, data, None),
            // Small enough to see the result before it is written.
            Some(level) if data.len() <= SMALL => {
                let chunk = deflate::deflate_chunk(data, level)?.compressed;
                let grows = compression == Compression::Auto && chunk.len() + 64 >= data.len();
                self.add_small(name, header, data, (!grows).then_some((level, &chunk)))
            }
            _ => {
                let mut member = self.begin(name, header, level)?;
                for piece in data.chunks(member.batch) {
                    member.take(piece)?;
                }
                member.remaining = 0;
                member.end()
            }
        }
    }

    /// Begins an array that is written piece by piece, with bounded memory.
    ///
    /// [`Compression::Auto`] decides by the first pieces here: at least 4 MiB, if there are as many.
    ///
    /// # Errors
    /// As [`add`](NpzWriter::add). When the member is not finished, the file cannot be either.
    pub fn stream(
        &mut self,
        name: &str,
        header: &Header,
        compression: Compression,
    ) -> Result<MemberWriter<'_, W>> {
        let level = match compression {
            Compression::Stored => None,
            Compression::Deflate(level) => Some(level),
            Compression::Auto => Some(AUTO_LEVEL),
        };
        let mut member = self.begin(name, header, level)?;
        member.undecided = compression == Compression::Auto;
        Ok(member)
    }

    /// Writes the directory and gives the writer back.
    ///
    /// # Errors
    /// What writing fails with, or when an earlier call failed half way.
    pub fn finish(mut self) -> Result<W> {
        self.refuse_broken()?;
        let directory = central_directory(&self.members, self.position);
        self.writer.write_all(&directory)?;
        self.writer.flush()?;
        Ok(self.writer)
    }

    fn refuse_broken(&self) -> Result<()> {
        if self.broken {
            let reason = "an earlier member was not finished".to_owned();
            return Err(ErrorKind::BadZip { reason }.into());
        }
        Ok(())
    }

    /// Reserves a name.
    fn claim(&mut self, name: &str, deflated: bool) -> Result<Written> {
        self.refuse_broken()?;
        let name = format!("{name}.npy");
        let unsafe_name = |reason| ErrorKind::UnsafeName { name: name.clone(), reason };
        check_name(&name).map_err(unsafe_name)?;
        if name.len() > usize::from(u16::MAX) {
            return Err(unsafe_name("it is longer than 65535 bytes").into());
        }
        if !self.names.insert(name.clone()) {
            return Err(ErrorKind::DuplicateName { name }.into());
        }
        Ok(Written {
            name,
            deflated,
            crc: 0,
            compressed: 0,
            size: 0,
            offset: self.position,
            chunks: Vec::new(),
        })
    }

    /// Writes a whole member at once.
    fn add_small(
        &mut self,
        name: &str,
        header: &Header,
        data: &[u8],
        deflated: Option<(u8, &[u8])>,
    ) -> Result<()> {
        let npy_header = header.encode()?;
        let mut member = self.claim(name, deflated.is_some())?;
        let mut hasher = Hasher::new();
        hasher.update(&npy_header);
        hasher.update(data);
        member.crc = hasher.finalize();
        member.size = (npy_header.len() + data.len()) as u64;
        let payload = match deflated {
            None => [npy_header.as_slice(), data].concat(),
            Some((level, chunk)) => {
                let first = deflate::deflate_chunk(&npy_header, level)?.compressed;
                [first.as_slice(), chunk, &LAST_BLOCK].concat()
            }
        };
        member.compressed = payload.len() as u64;
        let mut bytes = local_header(&member);
        bytes.extend_from_slice(&payload);
        self.broken = true;
        self.writer.write_all(&bytes)?;
        self.broken = false;
        self.position += bytes.len() as u64;
        self.members.push(member);
        Ok(())
    }

    fn begin(
        &mut self,
        name: &str,
        header: &Header,
        level: Option<u8>,
    ) -> Result<MemberWriter<'_, W>> {
        let npy_header = header.encode()?;
        let mut member = self.claim(name, level.is_some())?;
        // The size is known; the checksum and the compressed size are filled in at the end.
        member.size = (npy_header.len() + header.nbytes()) as u64;
        let length = deflate::chunk_length(header.nbytes());
        self.broken = true;
        Ok(MemberWriter {
            npz: self,
            member,
            npy_header,
            started: false,
            undecided: false,
            level,
            dtype: header.dtype().clone(),
            remaining: header.nbytes(),
            hasher: Hasher::new(),
            pending: Vec::new(),
            batch: length.saturating_mul(BATCH * rayon::current_num_threads().max(1)),
            chunks: Chunks { length, header: 0, data: Vec::new() },
        })
    }
}

/// An array of an npz file being written piece by piece.
///
/// ```
/// use npz::{Compression, Header, Limits, Npz, NpzWriter};
/// let mut writer = NpzWriter::new(std::io::Cursor::new(Vec::new()))?;
/// let header = Header::for_type::<u32>(&[1000, 4])?;
/// let mut rows = writer.stream("rows", &header, Compression::Deflate(6))?;
/// for row in 0..1000u32 {
///     rows.write_elements(&[row, row + 1, row + 2, row + 3])?;
/// }
/// rows.finish()?;
/// let npz = Npz::from_source(writer.finish()?.into_inner(), Limits::default())?;
/// assert_eq!(npz.read("rows")?.as_slice::<u32>()?[4..8], [1, 2, 3, 4]);
/// # Ok::<(), npz::Error>(())
/// ```
#[derive(Debug)]
pub struct MemberWriter<'a, W: Write + Seek> {
    npz: &'a mut NpzWriter<W>,
    member: Written,
    npy_header: Vec<u8>,
    /// Whether the headers are written.
    started: bool,
    /// Whether the first data decide if the array is compressed.
    undecided: bool,
    level: Option<u8>,
    dtype: DType,
    remaining: usize,
    hasher: Hasher,
    /// Data that wait for more, to be compressed together.
    pending: Vec<u8>,
    /// How many bytes are compressed together.
    batch: usize,
    chunks: Chunks,
}

impl<W: Write + Seek> MemberWriter<'_, W> {
    /// Writes the next elements, in the order the header says.
    ///
    /// # Errors
    /// [`TypeMismatch`](ErrorKind::TypeMismatch) when the array is of another type,
    /// [`WrongLength`](ErrorKind::WrongLength) when there are more than fit, and what writing fails
    /// with.
    pub fn write_elements<T: Element>(&mut self, elements: &[T]) -> Result<()> {
        if !T::reads(&self.dtype) || size_of::<T>() != self.dtype.size() {
            let (expected, found) = (T::dtype().to_string(), self.dtype.to_string());
            return Err(ErrorKind::TypeMismatch { expected, found }.into());
        }
        self.write_bytes(bytemuck::cast_slice(elements))
    }

    /// Writes the next bytes of data, whatever their type.
    ///
    /// # Errors
    /// [`WrongLength`](ErrorKind::WrongLength) when there are more than fit, and what writing fails
    /// with.
    pub fn write_bytes(&mut self, mut bytes: &[u8]) -> Result<()> {
        if bytes.len() > self.remaining {
            let (expected, found) = (self.remaining as u64, bytes.len() as u64);
            return Err(ErrorKind::WrongLength { expected, found }.into());
        }
        self.remaining -= bytes.len();
        if self.level.is_none() {
            return self.take(bytes);
        }
        while !bytes.is_empty() {
            let room = self.batch - self.pending.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.pending.extend_from_slice(now);
            bytes = later;
            if self.pending.len() == self.batch {
                self.take_pending()?;
            }
        }
        Ok(())
    }

    /// Ends the array.
    ///
    /// # Errors
    /// [`Unfinished`](ErrorKind::Unfinished) when elements are missing, and what writing fails
    /// with.
    pub fn finish(mut self) -> Result<()> {
        if self.remaining > 0 {
            return Err(ErrorKind::Unfinished { missing: self.remaining as u64 }.into());
        }
        self.take_pending()?;
        self.end()
    }

    fn take_pending(&mut self) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        if self.undecided {
            self.undecided = false;
            if !deflate::is_worth_it(&pending)? {
                self.level = None;
                self.member.deflated = false;
            }
        }
        self.take(&pending)?;
        self.pending = pending;
        self.pending.clear();
        Ok(())
    }

    /// Writes data: whole chunks, but for the last ones.
    fn take(&mut self, data: &[u8]) -> Result<()> {
        self.start()?;
        let Some(level) = self.level else {
            // In pieces, so that writing finds the data in the processor's cache after the checksum:
            // that is faster than summing all of them in another thread.
            for piece in data.chunks(PIECE) {
                self.hasher.update(piece);
                self.put(piece)?;
            }
            return Ok(());
        };
        for chunk in deflate::deflate(data, self.chunks.length, level)? {
            self.hasher.combine(&chunk.sum);
            self.chunks.data.push(chunk.compressed.len() as u32);
            self.put(&chunk.compressed)?;
        }
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.npz.writer.write_all(bytes)?;
        self.member.compressed += bytes.len() as u64;
        Ok(())
    }

    /// Writes the two headers, once.
    fn start(&mut self) -> Result<()> {
        if self.started {
            return Ok(());
        }
        self.started = true;
        self.npz.writer.write_all(&local_header(&self.member))?;
        let header = std::mem::take(&mut self.npy_header);
        self.hasher.update(&header);
        match self.level {
            None => self.put(&header),
            Some(level) => {
                let chunk = deflate::deflate_chunk(&header, level)?.compressed;
                self.chunks.header = chunk.len() as u32;
                self.put(&chunk)
            }
        }
    }

    fn end(mut self) -> Result<()> {
        self.start()?;
        if self.level.is_some() {
            self.put(&LAST_BLOCK)?;
            // Finding the chunks again pays from two on.
            if self.chunks.data.len() > 1 {
                self.member.chunks = self.chunks.encode();
            }
        }
        self.member.crc = self.hasher.clone().finalize();
        for (at, bytes) in patch(&self.member) {
            self.npz.writer.seek(SeekFrom::Start(at))?;
            self.npz.writer.write_all(&bytes)?;
        }
        let end = payload_start(&self.member) + self.member.compressed;
        self.npz.writer.seek(SeekFrom::Start(end))?;
        self.npz.position = end;
        self.npz.members.push(self.member);
        self.npz.broken = false;
        Ok(())
    }
}

/// Writes an npz file that every numpy since 1.17 loads, whole or not at all.
///
/// # Errors
/// As [`NpzWriter::create`], [`NpzWriter::add`] and [`NpzWriter::commit`].
///
/// ```
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("a.npz");
/// let arrays = [("x", npz::ArrayView::from_slice(&[1i32, 2, 3], &[3])?)];
/// npz::write_npz(&path, arrays, npz::Compression::Stored)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_npz<'a, N: AsRef<str>>(
    path: impl AsRef<Path>,
    arrays: impl IntoIterator<Item = (N, ArrayView<'a>)>,
    compression: Compression,
) -> Result<()> {
    let path = path.as_ref();
    let write = || -> Result<()> {
        let mut writer = NpzWriter::create(path)?;
        for (name, array) in arrays {
            let name = name.as_ref();
            writer.add(name, &array, compression).map_err(|error| error.in_member(name))?;
        }
        writer.commit()
    };
    write().map_err(|error: Error| error.at(path))
}
