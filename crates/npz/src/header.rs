//! The header of an npy file: read tolerantly, written as every numpy since 1.17 reads it.

use std::io::{self, Read};

use crate::dtype::{self, DType, Kind};
use crate::error::{Error, ErrorKind, Result};
use crate::literal::{self, Literal};

pub(crate) const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// numpy 1.23.5 and later refuse longer headers unless told otherwise.
pub(crate) const PORTABLE_TEXT: usize = 10_000;

/// numpy before 2.0 has at most this many dimensions.
pub(crate) const PORTABLE_DIMENSIONS: usize = 32;

/// numpy leaves room in the header so that the first axis can grow without moving the data.
const GROWTH_DIGITS: usize = 21;

/// The header, the text and the padding together fill a multiple of this, so that the data of a
/// mapped file are aligned.
pub(crate) const HEADER_ALIGNMENT: usize = 64;

/// How the elements of an array follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// The last axis varies fastest (row by row).
    C,
    /// The first axis varies fastest (column by column).
    Fortran,
}

/// What an npy file says about its array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    dtype: DType,
    shape: Vec<usize>,
    order: Order,
    count: usize,
    nbytes: usize,
    origin: Origin,
}

/// How the header was written, for [`Header::obstacles`](crate::Header::obstacles).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The npy format version.
    pub(crate) version: (u8, u8),
    /// Bytes before the data.
    pub(crate) length: usize,
    /// Characters of the text.
    pub(crate) text_length: usize,
    pub(crate) spellings: literal::Spellings,
    /// Keys besides the three of the format.
    pub(crate) extra_keys: Vec<String>,
}

impl Header {
    /// A header for an array to be written.
    ///
    /// # Errors
    /// [`BadShape`](ErrorKind::BadShape) when the array is larger than a machine can address.
    /// Whether every numpy can load such an array is checked when it is encoded.
    pub fn new(dtype: DType, shape: &[usize], order: Order) -> Result<Header> {
        let origin = Origin {
            version: (1, 0),
            length: 0,
            text_length: 0,
            spellings: literal::Spellings::default(),
            extra_keys: Vec::new(),
        };
        Self::checked(dtype, shape.to_vec(), order, origin)
    }

    fn checked(dtype: DType, shape: Vec<usize>, order: Order, origin: Origin) -> Result<Header> {
        let (count, nbytes) = volume(&shape, dtype.size())?;
        Ok(Header { dtype, shape, order, count, nbytes, origin })
    }

    /// The type of the elements.
    #[must_use]
    pub fn dtype(&self) -> &DType {
        &self.dtype
    }

    /// The length of each axis. Empty for a single value.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// How the elements follow each other.
    #[must_use]
    pub fn order(&self) -> Order {
        self.order
    }

    /// The number of elements.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The size of the data in bytes. Meaningless for pickled data.
    #[must_use]
    pub fn nbytes(&self) -> usize {
        self.nbytes
    }

    /// The npy format version, such as `(1, 0)`.
    #[must_use]
    pub fn version(&self) -> (u8, u8) {
        self.origin.version
    }

    /// How many bytes of the file come before the data; 0 for a header that was not read.
    #[must_use]
    pub fn length(&self) -> usize {
        self.origin.length
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Refuses data that are a pickle.
    pub(crate) fn refuse_objects(&self) -> Result<()> {
        if self.dtype.has_objects() {
            return Err(ErrorKind::Pickled { what: "objects" }.into());
        }
        Ok(())
    }

    /// Reads a header, and not one byte more.
    ///
    /// # Errors
    /// When the bytes are not an npy header, or it is longer than `limit` bytes.
    pub fn read_from(reader: &mut impl Read, limit: usize) -> Result<Header> {
        let mut start = [0u8; 8];
        let got = read_up_to(reader, &mut start)?;
        if got < MAGIC.len() || start[..6] != *MAGIC {
            return Err(ErrorKind::NotNpy { found: describe(&start[..got]) }.into());
        }
        let truncated =
            |needed: usize, available: usize| -> Error { cut_short(needed, available).into() };
        if got < 8 {
            return Err(truncated(8, got));
        }
        let (major, minor) = (start[6], start[7]);
        let width = match (major, minor) {
            (1, 0) => 2,
            (2 | 3, 0) => 4,
            _ => return Err(ErrorKind::UnsupportedVersion { major, minor }.into()),
        };
        let mut length = [0u8; 4];
        let got = read_up_to(reader, &mut length[..width])?;
        if got < width {
            return Err(truncated(8 + width, 8 + got));
        }
        let text_length = u32::from_le_bytes(length) as usize;
        if text_length > limit {
            let (length, limit) = (text_length as u64, limit as u64);
            return Err(ErrorKind::HeaderTooLong { length, limit }.into());
        }
        let mut text = vec![0u8; text_length];
        let got = read_up_to(reader, &mut text)?;
        if got < text_length {
            return Err(truncated(text_length, got));
        }
        let bad = |reason: &str| -> Error { ErrorKind::BadHeader { reason: reason.into() }.into() };
        let text = if major >= 3 {
            String::from_utf8(text).map_err(|_| bad("the text is not UTF-8"))?
        } else {
            text.into_iter().map(char::from).collect()
        };
        let origin = Origin {
            version: (major, minor),
            length: 8 + width + text_length,
            text_length,
            spellings: literal::Spellings::default(),
            extra_keys: Vec::new(),
        };
        Self::from_text(&text, origin)
    }

    fn from_text(text: &str, mut origin: Origin) -> Result<Header> {
        let bad = |reason: String| -> Error { ErrorKind::BadHeader { reason }.into() };
        let (value, spellings) = literal::parse(text).map_err(bad)?;
        origin.spellings = spellings;
        let Literal::Dict(entries) = value else {
            return Err(bad(format!("it is {}, not a dictionary", value.kind())));
        };
        let (mut descr, mut order, mut shape) = (None, None, None);
        for (key, value) in entries {
            match (key.as_str(), value) {
                ("descr", value) => descr = Some(dtype::from_literal(&value)?),
                ("fortran_order", Literal::Bool(fortran)) => {
                    order = Some(if fortran { Order::Fortran } else { Order::C });
                }
                ("shape", Literal::Tuple(lengths)) => shape = Some(lengths),
                ("fortran_order" | "shape", value) => {
                    return Err(bad(format!("{key} is {}", value.kind())));
                }
                _ => origin.extra_keys.push(key),
            }
        }
        let missing = |key: &str| bad(format!("the key {key} is missing"));
        let dtype = descr.ok_or_else(|| missing("descr"))?;
        let order = order.ok_or_else(|| missing("fortran_order"))?;
        let lengths = shape
            .ok_or_else(|| missing("shape"))?
            .into_iter()
            .map(|length| match length {
                Literal::Int(n) => usize::try_from(n)
                    .map_err(|_| ErrorKind::BadShape { reason: format!("a length of {n}") }.into()),
                other => Err(bad(format!("{} in the shape", other.kind()))),
            })
            .collect::<Result<Vec<usize>>>()?;
        // numpy describes a top-level sub-array type only by more axes, so there are none here.
        if let DType::SubArray { .. } = dtype {
            return Err(bad("an array of arrays".to_owned()));
        }
        Self::checked(dtype, lengths, order, origin)
    }

    /// The header as bytes, with the version numpy would choose, padded to a multiple of 64.
    ///
    /// The bytes are those of `np.save` of numpy 2 (and, but for padding, of every other).
    ///
    /// # Errors
    /// [`Unwritable`](ErrorKind::Unwritable) or [`HeaderTooLong`](ErrorKind::HeaderTooLong) when
    /// some numpy since 1.17 could not load the array: objects, types of `ml_dtypes`, 12-byte long
    /// doubles, overlapping fields, more than 32 axes, a header of more than 10000 bytes.
    pub fn encode(&self) -> Result<Vec<u8>> {
        portable(&self.dtype)?;
        if self.shape.len() > PORTABLE_DIMENSIONS {
            return unwritable(format!(
                "{} axes, and numpy before 2.0 has at most 32",
                self.shape.len()
            ));
        }
        let fortran = match self.order {
            Order::C => "False",
            Order::Fortran => "True",
        };
        let mut text = format!(
            "{{'descr': {}, 'fortran_order': {fortran}, 'shape': {}, }}",
            dtype::to_descr(&self.dtype),
            dtype::tuple(&self.shape)
        );
        let growing = match self.order {
            Order::C => self.shape.first(),
            Order::Fortran => self.shape.last(),
        };
        if let Some(length) = growing {
            let room = GROWTH_DIGITS.saturating_sub(length.to_string().len());
            text.extend(std::iter::repeat_n(' ', room));
        }
        let latin1: Option<Vec<u8>> =
            text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
        let (version, width, mut text) = match latin1 {
            Some(text) => (1u8, 2usize, text),
            None => (3, 4, text.into_bytes()),
        };
        let prefix = MAGIC.len() + 2 + width;
        let whole = (prefix + text.len() + 1).next_multiple_of(HEADER_ALIGNMENT);
        text.resize(whole - prefix - 1, b' ');
        text.push(b'\n');
        if text.len() > PORTABLE_TEXT {
            let (length, limit) = (text.len() as u64, PORTABLE_TEXT as u64);
            return Err(ErrorKind::HeaderTooLong { length, limit }.into());
        }
        let mut header = Vec::with_capacity(whole);
        header.extend_from_slice(MAGIC);
        header.extend_from_slice(&[version, 0]);
        header.extend_from_slice(&(text.len() as u32).to_le_bytes()[..width]);
        header.extend_from_slice(&text);
        Ok(header)
    }
}

fn unwritable<T>(reason: String) -> Result<T> {
    Err(ErrorKind::Unwritable { reason }.into())
}

/// Refuses types that some numpy cannot load, or that cannot be spelled.
fn portable(dtype: &DType) -> Result<()> {
    match dtype {
        DType::Scalar(scalar) => match scalar.kind {
            Kind::Object => unwritable("Python objects are pickles".to_owned()),
            Kind::Extension(extension) => unwritable(format!(
                "{} needs the ml_dtypes package; write its bytes as integers",
                extension.name()
            )),
            Kind::LongDouble | Kind::LongComplex if !scalar.size.is_power_of_two() => {
                unwritable(format!("{dtype} exists on 32-bit machines only"))
            }
            _ => Ok(()),
        },
        DType::SubArray { element, .. } => portable(element),
        DType::Record(record) => {
            let mut end = 0;
            let mut names = std::collections::HashSet::new();
            for field in &record.fields {
                if field.name.is_empty() {
                    return unwritable("a field without a name".to_owned());
                }
                let titled = field.title.iter().any(|title| !names.insert(title.as_str()));
                if titled || !names.insert(field.name.as_str()) {
                    return unwritable(format!("two fields are called {:?}", field.name));
                }
                if field.offset < end {
                    return unwritable(format!("the field {:?} overlaps another", field.name));
                }
                portable(&field.dtype)?;
                end = field.offset.saturating_add(field.dtype.size());
            }
            if end > record.size {
                return unwritable("the fields are larger than their record".to_owned());
            }
            if i32::try_from(record.size).is_err() {
                return unwritable("a record of more than 2 GiB".to_owned());
            }
            Ok(())
        }
    }
}

/// The number of elements and of bytes of an array.
fn volume(shape: &[usize], size: usize) -> Result<(usize, usize)> {
    let limit = isize::MAX as usize;
    let too_large = || -> Error {
        let reason = format!("{} elements of {size} bytes", dtype::tuple(shape));
        ErrorKind::BadShape { reason }.into()
    };
    if shape.len() > 64 {
        let reason = format!("{} axes, and numpy has at most 64", shape.len());
        return Err(ErrorKind::BadShape { reason }.into());
    }
    if shape.iter().any(|&length| length > limit) {
        return Err(too_large());
    }
    if shape.contains(&0) {
        return Ok((0, 0));
    }
    let count = shape
        .iter()
        .try_fold(1usize, |count, &length| count.checked_mul(length))
        .filter(|&count| count <= limit)
        .ok_or_else(too_large)?;
    let nbytes = count.checked_mul(size).filter(|&n| n <= limit).ok_or_else(too_large)?;
    Ok((count, nbytes))
}

pub(crate) fn cut_short(needed: usize, available: usize) -> ErrorKind {
    ErrorKind::Truncated { needed: needed as u64, available: available as u64 }
}

/// Reads until `buffer` is full or the data end, and says how much it got.
pub(crate) fn read_up_to(reader: &mut impl Read, buffer: &mut [u8]) -> Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(filled)
}

/// What a file that is not an array file looks like, by its first bytes.
pub(crate) fn describe(start: &[u8]) -> String {
    let name = match start {
        [] => "it is empty",
        [b'P', b'K', 3 | 5, ..] => "it is a zip archive (perhaps npz)",
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => "it is an npy file",
        [0x80, 2..=5, ..] => "it is a Python pickle",
        [0x1f, 0x8b, ..] => "it is gzip data",
        [0x89, b'H', b'D', b'F', ..] => "it is an HDF5 file",
        _ if start.iter().all(|b| matches!(b, b'\t' | b'\n' | b'\r' | 0x20..=0x7e)) => {
            "it starts with text"
        }
        _ => return format!("it starts with the bytes {start:02x?}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn with_text(version: u8, text: &[u8]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([version, 0]);
        let width = if version == 1 { 2 } else { 4 };
        bytes.extend(&(text.len() as u32).to_le_bytes()[..width]);
        bytes.extend(text);
        bytes
    }

    fn read(text: &str) -> Result<Header> {
        Header::read_from(&mut with_text(1, text.as_bytes()).as_slice(), 1 << 20)
    }

    #[test]
    fn a_header_comes_back_as_it_was_written() {
        for (descr, shape, order) in [
            ("<f4", vec![2, 3], Order::C),
            ("|b1", vec![], Order::C),
            (">i8", vec![0, 5], Order::Fortran),
            ("[('a', '<i4'), ('', '|V4'), ('b', '<U2', (2,))]", vec![7], Order::C),
            ("[('\u{442}\u{435}\u{43c}\u{43f}', '<f8')]", vec![1], Order::C),
            ("[('\u{e9}', '<f8')]", vec![1], Order::C),
        ] {
            let header = Header::new(DType::parse(descr).unwrap(), &shape, order).unwrap();
            let bytes = header.encode().unwrap();
            assert_eq!(bytes.len() % 64, 0);
            let again = Header::read_from(&mut bytes.as_slice(), 1 << 20).unwrap();
            assert_eq!(again.dtype(), header.dtype());
            assert_eq!((again.shape(), again.order()), (shape.as_slice(), order));
            assert_eq!(again.length(), bytes.len());
            assert_eq!(again.version(), if descr.contains('\u{442}') { (3, 0) } else { (1, 0) });
        }
    }

    #[test]
    fn tolerated_headers() {
        for text in [
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}",
            "{'shape':(3L,),'descr':'<f4','fortran_order':False}\n",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (np.int64(3),), }      \n",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), 'made by': 'someone'}",
            "{\"descr\": u'<f4', 'fortran_order': False, 'shape': (numpy.intp(3),)}",
        ] {
            assert_eq!(read(text).unwrap().shape(), [3], "{text}");
        }
    }

    #[test]
    fn lying_headers_are_refused() {
        for text in [
            "",
            "{}",
            "3",
            "{'descr': '<f4', 'fortran_order': False}",
            "{'descr': '<f4', 'fortran_order': 0, 'shape': (3,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': 3}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-3,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3.5,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (True,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 2)}",
            "{'descr': ('<f4', (2,)), 'fortran_order': False, 'shape': (3,)}",
            "{'descr': __import__('os'), 'fortran_order': False, 'shape': (3,)}",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        let axes = "1,".repeat(65);
        let text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({axes})}}");
        assert!(matches!(read(&text).unwrap_err().kind(), ErrorKind::BadShape { .. }));
    }

    #[test]
    fn an_empty_array_may_have_a_long_axis() {
        let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4611686018427387904, 4)}";
        assert_eq!(read(text).unwrap().nbytes(), 0);
    }

    #[test]
    fn other_files_are_named() {
        for (bytes, found) in [
            (b"".as_slice(), "empty"),
            (b"PK\x03\x04aaaa", "zip"),
            (b"\x80\x05\x95abcd", "pickle"),
            (b"Loading model", "text"),
            (b"\x00\x01", "bytes"),
        ] {
            let error = Header::read_from(&mut &bytes[..], 100).unwrap_err();
            assert!(error.to_string().contains(found), "{error}");
        }
        let cut = &with_text(1, b"{'descr': '<f4'")[..15];
        let error = Header::read_from(&mut &*cut, 1000).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Truncated { .. }), "{error}");
        let error = Header::read_from(&mut with_text(2, &[b' '; 200]).as_slice(), 100).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::HeaderTooLong { .. }), "{error}");
        let mut future = with_text(1, b"{}");
        future[6] = 4;
        let error = Header::read_from(&mut future.as_slice(), 100).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::UnsupportedVersion { major: 4, .. }), "{error}");
    }

    #[test]
    fn what_some_numpy_cannot_load_is_not_written() {
        let refused = |descr: &str, shape: &[usize]| {
            let dtype = DType::parse(descr).unwrap();
            Header::new(dtype, shape, Order::C).unwrap().encode().unwrap_err()
        };
        for descr in ["|O", "<f1", "bfloat16", "<f12", "[('a', [('b', '|O')], (2,))]"] {
            let error = refused(descr, &[1]);
            assert!(matches!(error.kind(), ErrorKind::Unwritable { .. }), "{descr}: {error}");
        }
        let error = refused("<f4", &[1; 33]);
        assert!(matches!(error.kind(), ErrorKind::Unwritable { .. }), "{error}");
        let fields: Vec<String> = (0..600).map(|i| format!("('column{i:05}', '<f4')")).collect();
        let error = refused(&format!("[{}]", fields.join(", ")), &[1]);
        assert!(matches!(error.kind(), ErrorKind::HeaderTooLong { .. }), "{error}");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Header::read_from(&mut bytes.as_slice(), 100);
            let _ = Header::read_from(&mut with_text(3, &bytes).as_slice(), 1000);
        }
    }
}
