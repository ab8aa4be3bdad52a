//! Reading npz files.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use crc32fast::Hasher;
use rayon::prelude::*;

use super::member::{MemberReader, check_sum};
use crate::array::{Array, ArrayView};
use crate::buffer::Buffer;
use crate::deflate::{self, Chunks};
use crate::element::Element;
use crate::error::{Error, ErrorKind, Result};
use crate::header::{Header, cut_short, read_up_to};
use crate::inflate;
use crate::limits::Limits;
use crate::npy::{NpyReader, destination, refuse_objects};
use crate::source::{FileSource, Source};
use crate::transfer;
use crate::zip::{Directory, Entry, Method};

/// An npz file whose directory was read and checked.
///
/// Arrays are asked for by the names that numpy shows: the member `weights.npy` is `weights`.
/// Reading needs only `&self`, so several threads may read at once.
#[derive(Debug)]
pub struct Npz<S> {
    source: S,
    directory: Directory,
    places: HashMap<String, usize>,
    limits: Limits,
}

/// A member of an npz file, as the directory describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemberInfo<'a> {
    /// The name in the archive, such as `weights.npy`.
    pub file_name: &'a str,
    /// The name of the array, such as `weights`.
    pub name: &'a str,
    /// The size of the npy file in bytes: header and data.
    pub size: u64,
    /// The bytes it takes in the archive.
    pub compressed_size: u64,
    /// The CRC-32 of the npy file.
    pub crc32: u32,
    /// Whether it is stored as it is, so that it can be borrowed from a map.
    pub is_stored: bool,
}

impl Npz<FileSource> {
    /// Opens the file at `path` and reads its directory.
    ///
    /// # Errors
    /// When it cannot be read, is not an npz file, or its directory is not to be trusted: members
    /// that overlap, have the same name or an unsafe one, or lie outside of the file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let open = || Self::from_source(FileSource::open(path)?, Limits::default());
        open().map_err(|error| error.at(path))
    }
}

impl<S: Source> Npz<S> {
    /// Reads the directory of an npz file that is somewhere else, such as in memory.
    ///
    /// # Errors
    /// As [`Npz::open`].
    pub fn from_source(source: S, limits: Limits) -> Result<Self> {
        let directory = Directory::read(&source, &limits)?;
        let mut places: HashMap<String, usize> = HashMap::new();
        for (index, entry) in directory.entries.iter().enumerate() {
            // A name as it is in the archive wins over one that only looks like it without `.npy`.
            places.insert(entry.name.clone(), index);
        }
        for (index, entry) in directory.entries.iter().enumerate() {
            places.entry(array_name(&entry.name).to_owned()).or_insert(index);
        }
        Ok(Npz { source, directory, places, limits })
    }

    /// The names of the arrays, in the order of the file.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.directory.entries.iter().map(|entry| array_name(&entry.name))
    }

    /// The members, in the order of the file.
    pub fn members(&self) -> impl Iterator<Item = MemberInfo<'_>> {
        self.directory.entries.iter().map(|entry| MemberInfo {
            file_name: &entry.name,
            name: array_name(&entry.name),
            size: entry.size,
            compressed_size: entry.compressed,
            crc32: entry.crc,
            is_stored: entry.method == Method::Stored,
        })
    }

    fn entry(&self, name: &str) -> Result<&Entry> {
        let index = self.places.get(name);
        index
            .and_then(|&index| self.directory.entries.get(index))
            .ok_or_else(|| ErrorKind::NoSuchMember { name: name.to_owned() }.into())
    }

    /// The bytes of a member, in order and checked, whatever they are.
    ///
    /// # Errors
    /// [`NoSuchMember`](ErrorKind::NoSuchMember); or when the member contradicts the directory, is
    /// a [`Bomb`](ErrorKind::Bomb), or is compressed in a way that is not supported.
    pub fn member(&self, name: &str) -> Result<MemberReader<'_, S>> {
        let entry = self.entry(name)?;
        self.open_member(entry).map_err(|error| error.in_member(&entry.name))
    }

    fn open_member(&self, entry: &Entry) -> Result<MemberReader<'_, S>> {
        let (compressed, inflated) = (entry.compressed, entry.size);
        let bomb = entry.method == Method::Deflated
            && (!deflate::is_possible(compressed, inflated)
                || (inflated > self.limits.inflated_bytes
                    && inflated > compressed.saturating_mul(self.limits.inflation)));
        if bomb {
            return Err(ErrorKind::Bomb { compressed, inflated }.into());
        }
        MemberReader::new(&self.source, entry)
    }

    /// Type, shape and order of an array. Only the start of the member is read.
    ///
    /// # Errors
    /// As [`member`](Npz::member), and when the member is not an npy file or has another size than
    /// its header says.
    pub fn header(&self, name: &str) -> Result<Header> {
        let entry = self.entry(name)?;
        let header = || Ok(self.start(entry)?.0);
        header().map_err(|error: Error| error.in_member(&entry.name))
    }

    /// The header of a member, and the reader standing at its data.
    fn start(&self, entry: &Entry) -> Result<(Header, MemberReader<'_, S>)> {
        let mut reader = self.open_member(entry)?;
        let header = Header::read_from(&mut reader, self.limits.header_bytes)?;
        if header.dtype().has_objects() {
            return Ok((header, reader));
        }
        let (needed, available) =
            (header.nbytes() as u64, entry.size.saturating_sub(header.length() as u64));
        if needed > available {
            return Err(ErrorKind::Truncated { needed, available }.into());
        }
        if needed < available {
            return Err(ErrorKind::TrailingBytes { extra: available - needed }.into());
        }
        Ok((header, reader))
    }

    /// Reads an array and checks it: in parallel when it is large and stored, or was compressed by
    /// this crate.
    ///
    /// # Errors
    /// As [`header`](Npz::header); [`Pickled`](ErrorKind::Pickled) for Python objects and
    /// `StringDType`; [`BadCrc`](ErrorKind::BadCrc), [`BadDeflate`](ErrorKind::BadDeflate) or
    /// [`WrongSize`](ErrorKind::WrongSize) when the data are damaged.
    pub fn read(&self, name: &str) -> Result<Array> {
        let entry = self.entry(name)?;
        self.read_entry(entry).map_err(|error| error.in_member(&entry.name))
    }

    fn read_entry(&self, entry: &Entry) -> Result<Array> {
        let (header, mut reader) = self.start(entry)?;
        refuse_objects(&header, &mut reader)?;
        let mut data = Buffer::zeroed(header.nbytes())?;
        self.fill(entry, &header, reader, &mut data)?;
        Ok(Array::new(header, data))
    }

    /// Reads an array into memory of the caller's, and checks it.
    ///
    /// # Errors
    /// [`WrongLength`](ErrorKind::WrongLength) when `data` is not exactly as large as the array,
    /// [`TypeMismatch`](ErrorKind::TypeMismatch) when the array holds another type; otherwise as
    /// [`read`](Npz::read). The memory may then hold a part of the array.
    pub fn read_into<T: Element + bytemuck::Pod>(&self, name: &str, data: &mut [T]) -> Result<()> {
        let entry = self.entry(name)?;
        let mut read = || {
            let (header, mut reader) = self.start(entry)?;
            refuse_objects(&header, &mut reader)?;
            let data = destination(&header, data)?;
            self.fill(entry, &header, reader, data)
        };
        read().map_err(|error: Error| error.in_member(&entry.name))
    }

    /// Fills `data` with the data of a member whose reader stands at them.
    fn fill(
        &self,
        entry: &Entry,
        header: &Header,
        mut reader: MemberReader<'_, S>,
        data: &mut [u8],
    ) -> Result<()> {
        if entry.method == Method::Stored {
            let start = entry.data_start(&self.source)?;
            let mut hasher = self.header_sum(start, header)?;
            let offset = start + header.length() as u64;
            transfer::read_summed(&self.source, data, offset, &mut hasher)?;
            return check_sum(entry.crc, hasher);
        }
        if self.fill_in_parallel(entry, header, data) {
            return Ok(());
        }
        let got = read_up_to(&mut reader, data)?;
        if got < data.len() {
            return Err(cut_short(data.len(), got).into());
        }
        Ok(())
    }

    /// The checksum of the npy header of a stored member.
    fn header_sum(&self, start: u64, header: &Header) -> Result<Hasher> {
        let mut bytes = vec![0; header.length()];
        self.source.read_exact_at(&mut bytes, start)?;
        let mut hasher = Hasher::new();
        hasher.update(&bytes);
        Ok(hasher)
    }

    /// Inflates with several threads. Whether it worked: if not, the stream is read in order, and what
    /// is wrong with it is found there.
    fn fill_in_parallel(&self, entry: &Entry, header: &Header, data: &mut [u8]) -> bool {
        let list = entry.chunks.as_deref();
        let chunks = list.and_then(|list| Chunks::decode(list, entry.compressed, data.len()));
        let fill = || -> Result<bool> {
            let start = entry.data_start(&self.source)?;
            let hasher = match chunks.filter(|chunks| chunks.data.len() > 1) {
                Some(chunks) => {
                    // The header is a chunk of its own, of the size that leaves the data.
                    let mut hasher = chunks.inflate_header(&self.source, start, header.length())?;
                    chunks.inflate(&self.source, start, data, &mut hasher)?;
                    hasher
                }
                None => {
                    let mut head = vec![0; header.length()];
                    let size = entry.compressed;
                    let sum = inflate::inflate(&self.source, start, size, &mut head, data);
                    let Some(hasher) = sum else { return Ok(false) };
                    hasher
                }
            };
            check_sum(entry.crc, hasher)?;
            Ok(true)
        };
        fill().unwrap_or(false)
    }

    /// Reads all arrays, in parallel, in the order of the file.
    ///
    /// Memory for all of them is needed at once: see [`members`](Npz::members) for the sizes.
    ///
    /// # Errors
    /// As [`read`](Npz::read), for the first array that cannot be read.
    pub fn read_all(&self) -> Result<Vec<(String, Array)>> {
        let entries = &self.directory.entries;
        entries
            .par_iter()
            .map(|entry| {
                let array = self.read_entry(entry).map_err(|error| error.in_member(&entry.name))?;
                Ok((array_name(&entry.name).to_owned(), array))
            })
            .collect()
    }

    /// Reads an array piece by piece, with bounded memory.
    ///
    /// # Errors
    /// As [`header`](Npz::header), and [`Pickled`](ErrorKind::Pickled).
    pub fn stream(&self, name: &str) -> Result<NpyReader<MemberReader<'_, S>>> {
        let entry = self.entry(name)?;
        let stream = || {
            // Once for the sizes, and once more to be read from the start.
            self.start(entry)?;
            NpyReader::new(self.open_member(entry)?, self.limits)
        };
        stream().map_err(|error: Error| error.in_member(&entry.name))
    }

    /// An array without copying, when it is stored and the file is mapped or in memory.
    ///
    /// The checksum is **not** verified, as that would read all of the data: see
    /// [`verify`](Npz::verify).
    ///
    /// # Errors
    /// [`NotMapped`](ErrorKind::NotMapped) when the array is compressed or the file is not in
    /// memory; otherwise as [`header`](Npz::header), and [`Pickled`](ErrorKind::Pickled).
    pub fn view(&self, name: &str) -> Result<ArrayView<'_>> {
        let entry = self.entry(name)?;
        self.view_entry(entry).map_err(|error| error.in_member(&entry.name))
    }

    fn view_entry(&self, entry: &Entry) -> Result<ArrayView<'_>> {
        let Some(bytes) = self.source.in_memory() else {
            return Err(ErrorKind::NotMapped { reason: "the file is not mapped" }.into());
        };
        if entry.method != Method::Stored {
            return Err(ErrorKind::NotMapped { reason: "the array is compressed" }.into());
        }
        let start = usize::try_from(entry.data_start(&self.source)?).unwrap_or(usize::MAX);
        let size = usize::try_from(entry.size).unwrap_or(usize::MAX);
        let member = start.checked_add(size).and_then(|end| bytes.get(start..end));
        let member = member.ok_or_else(|| cut_short(size, bytes.len()))?;
        let header = Header::read_from(&mut &*member, self.limits.header_bytes)?;
        let data = member.get(header.length()..).unwrap_or_default();
        refuse_objects(&header, &mut &*data)?;
        if header.nbytes() > data.len() {
            return Err(cut_short(header.nbytes(), data.len()).into());
        }
        if header.nbytes() < data.len() {
            let extra = (data.len() - header.nbytes()) as u64;
            return Err(ErrorKind::TrailingBytes { extra }.into());
        }
        ArrayView::from_bytes(header, data)
    }

    /// Reads a member without keeping it, to check its size and its checksum.
    ///
    /// # Errors
    /// As [`member`](Npz::member); [`BadCrc`](ErrorKind::BadCrc),
    /// [`BadDeflate`](ErrorKind::BadDeflate) or [`WrongSize`](ErrorKind::WrongSize) when the data
    /// are damaged.
    pub fn verify(&self, name: &str) -> Result<()> {
        let entry = self.entry(name)?;
        let verify = || -> Result<()> {
            let mut reader = self.open_member(entry)?;
            let in_memory = self.source.in_memory().filter(|_| entry.method == Method::Stored);
            if let Some(bytes) = in_memory {
                let start = entry.data_start(&self.source)? as usize;
                let mut hasher = Hasher::new();
                transfer::sum(&bytes[start..start + entry.size as usize], &mut hasher);
                return check_sum(entry.crc, hasher);
            }
            let mut piece = vec![0; transfer::PIECE];
            while reader.read(&mut piece)? > 0 {}
            Ok(())
        };
        verify().map_err(|error| error.in_member(&entry.name))
    }
}

fn array_name(file_name: &str) -> &str {
    file_name.strip_suffix(".npy").unwrap_or(file_name)
}
