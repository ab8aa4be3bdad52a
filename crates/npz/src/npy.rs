//! Npy files: one array each.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::Path;

use crate::array::{Array, ArrayView};
use crate::buffer::Buffer;
use crate::dtype::DType;
use crate::element::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::header::{Header, Order, cut_short, read_up_to};
use crate::limits::Limits;
use crate::replace::NewFile;
use crate::source::{FileSource, Section, Source, open_regular};
use crate::transfer;

/// An npy file whose header was read and whose size was checked against it.
///
/// ```
/// let view = npz::ArrayView::from_slice(&[1u16, 2, 3], &[3])?;
/// let mut bytes = Vec::new();
/// npz::write_npy_to(&mut bytes, &view)?;
/// let npy = npz::Npy::from_source(bytes.as_slice(), npz::Limits::default())?;
/// assert_eq!(npy.header().shape(), [3]);
/// assert_eq!(npy.read()?.as_slice::<u16>()?, [1, 2, 3]);
/// # Ok::<(), npz::Error>(())
/// ```
#[derive(Debug)]
pub struct Npy<S> {
    source: S,
    header: Header,
}

impl Npy<FileSource> {
    /// Opens the file at `path` and reads its header.
    ///
    /// # Errors
    /// When it cannot be read, is not an npy file, or is shorter than its header says.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let open = || Self::from_source(FileSource::open(path)?, Limits::default());
        open().map_err(|error| error.at(path))
    }
}

impl<S: Source> Npy<S> {
    /// Reads the header of an npy file that is somewhere else, such as in memory.
    ///
    /// # Errors
    /// As [`Npy::open`].
    pub fn from_source(source: S, limits: Limits) -> Result<Self> {
        let length = source.length();
        // Headers are small, and their reader asks for a few bytes at a time.
        let mut reader = BufReader::with_capacity(4096, Section::new(&source, 0, length));
        let header = Header::read_from(&mut reader, limits.header_bytes)?;
        drop(reader);
        if !header.dtype().has_objects() {
            let available = length.saturating_sub(header.length() as u64);
            let needed = header.nbytes() as u64;
            if needed > available {
                return Err(ErrorKind::Truncated { needed, available }.into());
            }
        }
        Ok(Npy { source, header })
    }

    /// Type, shape and order.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// How many bytes follow the array. `np.save` into an open file can be repeated, so there may
    /// be another array.
    #[must_use]
    pub fn trailing_bytes(&self) -> u64 {
        let used = self.header.length() as u64 + self.header.nbytes() as u64;
        self.source.length().saturating_sub(used)
    }

    /// Reads the array, in parallel when it is large.
    ///
    /// # Errors
    /// [`Pickled`](ErrorKind::Pickled) for Python objects and `StringDType`; otherwise when it
    /// cannot be read or there is not enough memory.
    pub fn read(&self) -> Result<Array> {
        self.refuse_objects()?;
        let mut data = Buffer::zeroed(self.header.nbytes())?;
        transfer::read(&self.source, &mut data, self.header.length() as u64)?;
        Ok(Array::new(self.header.clone(), data))
    }

    /// Reads the data into memory of the caller's.
    ///
    /// # Errors
    /// [`WrongLength`](ErrorKind::WrongLength) when `data` is not exactly as large as the array,
    /// [`TypeMismatch`](ErrorKind::TypeMismatch) when the array holds another type; otherwise as
    /// [`read`](Npy::read).
    pub fn read_into<T: Element + bytemuck::Pod>(&self, data: &mut [T]) -> Result<()> {
        self.refuse_objects()?;
        let data = destination(&self.header, data)?;
        transfer::read(&self.source, data, self.header.length() as u64)?;
        Ok(())
    }

    /// The array without copying, when the file is mapped or in memory.
    ///
    /// # Errors
    /// [`NotMapped`](ErrorKind::NotMapped) when it is not; [`Pickled`](ErrorKind::Pickled) for
    /// Python objects.
    pub fn view(&self) -> Result<ArrayView<'_>> {
        self.refuse_objects()?;
        let Some(bytes) = self.source.in_memory() else {
            return Err(ErrorKind::NotMapped { reason: "the file is not mapped" }.into());
        };
        let start = self.header.length();
        let data = bytes
            .get(start..start + self.header.nbytes())
            .ok_or_else(|| cut_short(self.header.nbytes(), bytes.len().saturating_sub(start)))?;
        ArrayView::from_bytes(self.header.clone(), data)
    }

    fn refuse_objects(&self) -> Result<()> {
        let start = self.header.length() as u64;
        let rest = self.source.length().saturating_sub(start);
        refuse_objects(&self.header, &mut Section::new(&self.source, start, rest))
    }
}

/// Refuses pickled data, telling `StringDType` by the start of the pickle.
pub(crate) fn refuse_objects(header: &Header, data: &mut impl Read) -> Result<()> {
    let Err(error) = header.refuse_objects() else { return Ok(()) };
    let mut start = vec![0; 4096];
    let got = read_up_to(data, &mut start).unwrap_or(0);
    let mark = b"_convert_to_stringdtype_kwargs";
    if start[..got].windows(mark.len()).any(|window| window == mark) {
        return Err(ErrorKind::Pickled { what: "StringDType" }.into());
    }
    Err(error)
}

/// The bytes to read into, when type and size fit.
pub(crate) fn destination<'a, T: Element + bytemuck::Pod>(
    header: &Header,
    data: &'a mut [T],
) -> Result<&'a mut [u8]> {
    if !T::reads(header.dtype()) || size_of::<T>() != header.dtype().size() {
        let (expected, found) = (T::dtype().to_string(), header.dtype().to_string());
        return Err(ErrorKind::TypeMismatch { expected, found }.into());
    }
    if data.len() != header.count() {
        let (expected, found) = (header.count() as u64, data.len() as u64);
        return Err(ErrorKind::WrongLength { expected, found }.into());
    }
    Ok(bytemuck::cast_slice_mut(data))
}

/// Reads the npy file at `path`.
///
/// # Errors
/// As [`Npy::open`] and [`Npy::read`].
pub fn read_npy(path: impl AsRef<Path>) -> Result<Array> {
    let path = path.as_ref();
    Npy::open(path)?.read().map_err(|error| error.at(path))
}

/// Writes an npy file that every numpy since 1.17 loads, whole or not at all.
///
/// # Errors
/// [`Unwritable`](ErrorKind::Unwritable) or [`HeaderTooLong`](ErrorKind::HeaderTooLong) when there
/// is no such file for this array; otherwise when it cannot be written. An older file is then still
/// what it was.
pub fn write_npy(path: impl AsRef<Path>, array: &ArrayView<'_>) -> Result<()> {
    let path = path.as_ref();
    let write = || -> Result<()> {
        let header = array.header().encode()?;
        let mut file = NewFile::create(path)?;
        file.write_all(&header)?;
        file.write_all(array.bytes())?;
        Ok(file.commit()?)
    };
    write().map_err(|error: Error| error.at(path))
}

/// Writes an npy file into any writer, such as a pipe or memory.
///
/// # Errors
/// As [`write_npy`], but the writer may have got a part.
pub fn write_npy_to(writer: &mut impl Write, array: &ArrayView<'_>) -> Result<()> {
    writer.write_all(&array.header().encode()?)?;
    writer.write_all(array.bytes())?;
    Ok(())
}

/// An array read piece by piece from anything, such as a pipe, in memory of the caller's.
///
/// ```
/// let view = npz::ArrayView::from_slice(&[1.0f64, 2.0, 3.0], &[3])?;
/// let mut bytes = Vec::new();
/// npz::write_npy_to(&mut bytes, &view)?;
///
/// let mut reader = npz::NpyReader::new(bytes.as_slice(), npz::Limits::default())?;
/// let (mut sum, mut piece) = (0.0, [0.0f64; 2]);
/// loop {
///     let got = reader.read_elements(&mut piece)?;
///     if got == 0 {
///         break;
///     }
///     sum += piece[..got].iter().sum::<f64>();
/// }
/// assert_eq!(sum, 6.0);
/// # Ok::<(), npz::Error>(())
/// ```
#[derive(Debug)]
pub struct NpyReader<R> {
    reader: R,
    header: Header,
    remaining: usize,
}

impl<R: Read> NpyReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// When the bytes are not an npy file, or its data are a pickle.
    pub fn new(mut reader: R, limits: Limits) -> Result<Self> {
        let header = Header::read_from(&mut reader, limits.header_bytes)?;
        refuse_objects(&header, &mut reader)?;
        let remaining = header.nbytes();
        Ok(NpyReader { reader, header, remaining })
    }

    /// Type, shape and order.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Reads the next elements into `elements`, and says how many: as many as fit, until the array
    /// ends, then 0. Data of the other byte order are swapped.
    ///
    /// # Errors
    /// [`TypeMismatch`](ErrorKind::TypeMismatch) when the array holds another type,
    /// [`Truncated`](ErrorKind::Truncated) when the data end early, and what reading fails with.
    pub fn read_elements<T: Element + bytemuck::Pod>(
        &mut self,
        elements: &mut [T],
    ) -> Result<usize> {
        let dtype = self.header.dtype();
        if !T::reads(&dtype.to_native()) || size_of::<T>() != dtype.size() {
            let (expected, found) = (T::dtype().to_string(), dtype.to_string());
            return Err(ErrorKind::TypeMismatch { expected, found }.into());
        }
        if size_of::<T>() == 0 {
            return Ok(0);
        }
        let count = elements.len().min(self.remaining / size_of::<T>());
        let bytes = bytemuck::cast_slice_mut(&mut elements[..count]);
        let got = read_up_to(&mut self.reader, bytes)?;
        if got < bytes.len() {
            return Err(cut_short(self.remaining, got).into());
        }
        crate::dtype::swap_bytes(self.header.dtype(), bytes);
        self.remaining -= got;
        Ok(count)
    }

    /// Reads the rest as one array (all of it, when nothing was read before).
    ///
    /// Memory grows with the data that really come, so a header that lies about its shape costs
    /// nothing.
    ///
    /// # Errors
    /// [`Truncated`](ErrorKind::Truncated) when the data end early;
    /// [`Unsupported`](ErrorKind::Unsupported) when elements were read before.
    pub fn read_array(mut self) -> Result<Array> {
        let needed = self.header.nbytes();
        if self.remaining != needed {
            let feature = "an array from the middle of a stream".to_owned();
            return Err(ErrorKind::Unsupported { feature }.into());
        }
        let mut data = Buffer::zeroed(needed.min(FIRST_GUESS))?;
        let mut filled = 0;
        loop {
            filled += read_up_to(&mut self.reader, &mut data[filled..])?;
            if filled < data.len() {
                return Err(cut_short(needed, filled).into());
            }
            if filled == needed {
                return Ok(Array::new(self.header, data));
            }
            let mut larger = Buffer::zeroed(needed.min(filled * 4))?;
            larger[..filled].copy_from_slice(&data);
            data = larger;
        }
    }

    /// The reader, standing after what was read.
    #[must_use]
    pub fn into_inner(self) -> R {
        self.reader
    }
}

/// The memory given to an array before any of its data were seen.
const FIRST_GUESS: usize = 16 << 20;

/// An array written piece by piece into anything.
///
/// ```
/// let mut writer = npz::NpyWriter::new(Vec::new(), &npz::Header::for_type::<f32>(&[4])?)?;
/// writer.write_elements(&[1.0f32, 2.0])?;
/// writer.write_elements(&[3.0f32, 4.0])?;
/// let bytes = writer.finish()?;
/// let npy = npz::Npy::from_source(bytes, npz::Limits::default())?;
/// assert_eq!(npy.read()?.as_slice::<f32>()?, [1.0, 2.0, 3.0, 4.0]);
/// # Ok::<(), npz::Error>(())
/// ```
#[derive(Debug)]
pub struct NpyWriter<W> {
    writer: W,
    dtype: DType,
    remaining: usize,
}

impl NpyWriter<NewFile> {
    /// Begins the npy file at `path`. Nothing is at that name before [`commit`](NpyWriter::commit).
    ///
    /// # Errors
    /// As [`write_npy`].
    pub fn create(path: impl AsRef<Path>, header: &Header) -> Result<Self> {
        let path = path.as_ref();
        let create = || Self::new(NewFile::create(path)?, header);
        create().map_err(|error| error.at(path))
    }

    /// Ends the array and moves the file to its name.
    ///
    /// # Errors
    /// [`Unfinished`](ErrorKind::Unfinished) when elements are missing; otherwise when the disk is
    /// full or fails.
    pub fn commit(self) -> Result<()> {
        Ok(self.finish()?.commit()?)
    }
}

impl<W: Write> NpyWriter<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// As [`Header::encode`], and what writing fails with.
    pub fn new(mut writer: W, header: &Header) -> Result<Self> {
        writer.write_all(&header.encode()?)?;
        Ok(NpyWriter { writer, dtype: header.dtype().clone(), remaining: header.nbytes() })
    }

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
    pub fn write_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.len() > self.remaining {
            let (expected, found) = (self.remaining as u64, bytes.len() as u64);
            return Err(ErrorKind::WrongLength { expected, found }.into());
        }
        self.writer.write_all(bytes)?;
        self.remaining -= bytes.len();
        Ok(())
    }

    /// Ends the array and gives the writer back.
    ///
    /// # Errors
    /// [`Unfinished`](ErrorKind::Unfinished) when elements are missing.
    pub fn finish(mut self) -> Result<W> {
        if self.remaining > 0 {
            return Err(ErrorKind::Unfinished { missing: self.remaining as u64 }.into());
        }
        self.writer.flush()?;
        Ok(self.writer)
    }
}

impl Header {
    /// A header for an array of `T` in C order.
    ///
    /// # Errors
    /// As [`Header::new`].
    pub fn for_type<T: Element>(shape: &[usize]) -> Result<Header> {
        Header::new(T::dtype(), shape, Order::C)
    }
}

/// Reads one array from anything, such as a pipe, and leaves what follows it.
///
/// # Errors
/// As [`NpyReader::new`] and [`NpyReader::read_array`].
pub fn read_npy_from(reader: &mut impl Read) -> Result<Array> {
    NpyReader::new(reader, Limits::default())?.read_array()
}

/// Whether the file at `path` starts as an npy file does.
///
/// # Errors
/// When it cannot be read.
pub fn is_npy(path: impl AsRef<Path>) -> Result<bool> {
    let path = path.as_ref();
    let mut start = [0; 6];
    let open = || -> Result<File> { Ok(open_regular(path)?.0) };
    let mut file = open().map_err(|error| error.at(path))?;
    let got = read_up_to(&mut file, &mut start).map_err(|error| error.at(path))?;
    Ok(start[..got] == *crate::header::MAGIC)
}
