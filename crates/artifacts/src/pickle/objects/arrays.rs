//! Arrays, from how numpy, joblib and PyTorch pickle them.

use npz::{Header, Source};

use super::dtype::{descr, has_objects};
use super::{Id, Node, Objects, Span};

/// The longest header that is made.
const HEADER_LIMIT: usize = 1 << 20;

/// Where the data of an array are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the source, as they are.
    Here(Span),
    /// In the source, as the UTF-8 of a text whose characters are the bytes.
    Characters(Span),
    /// In a storage of PyTorch, from a byte on; with strides where the elements are not in a row.
    Storage { key: String, offset: u64, strides: Option<Vec<i64>>, size: u64 },
}

/// An array that a pickle would build.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) header: Header,
    pub(crate) place: Place,
}

/// What a node is, if it is an array; an error says why it cannot be one in an npz file. Nothing, if
/// it is no array at all.
pub(crate) fn array(
    objects: &Objects,
    id: Id,
    source: &dyn Source,
) -> Option<Result<Found, String>> {
    if let Some(wrapper) = wrapper(objects, id, source) {
        return Some(wrapper.and_then(|wrapper| of_wrapper(objects, id, &wrapper)));
    }
    let ((module, name), arguments) = objects.call(id)?;
    match (module, name) {
        ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => {
            Some(reconstructed(objects, id, arguments, source))
        }
        ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer") => {
            Some(from_buffer(objects, arguments, source))
        }
        ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") => {
            Some(scalar(objects, arguments, source))
        }
        ("torch._utils", "_rebuild_tensor_v2" | "_rebuild_tensor") => {
            Some(tensor(objects, arguments, source))
        }
        ("torch._utils", "_rebuild_parameter") => array(objects, *arguments.first()?, source),
        ("numpy.ma.core", "_mareconstruct") => {
            Some(Err("it is a masked array, and npz files have no masks".to_owned()))
        }
        _ => None,
    }
}

fn unknown() -> String {
    "it is pickled in a way that is not known".to_owned()
}

/// The header of an npy file, by its own parser, which checks what it is given.
fn header(literal: &str, shape: &[u64], fortran: bool) -> Result<Header, String> {
    let lengths: Vec<String> = shape.iter().map(|length| format!("{length},")).collect();
    let order = if fortran { "True" } else { "False" };
    let text = format!(
        "{{'descr': {literal}, 'fortran_order': {order}, 'shape': ({}), }}",
        lengths.join(" ")
    );
    let length = u32::try_from(text.len()).map_err(|_| unknown())?;
    let bytes = [b"\x93NUMPY\x03\0", &length.to_le_bytes()[..], text.as_bytes()].concat();
    let read = Header::read_from(&mut bytes.as_slice(), HEADER_LIMIT);
    let header = read.map_err(|error| error.to_string())?;
    if header.dtype().has_objects() {
        return Err("it holds Python objects".to_owned());
    }
    // Written anew, so that nothing of this text remains in it.
    Header::new(header.dtype().clone(), header.shape(), header.order())
        .map_err(|error| error.to_string())
}

fn lengths(objects: &Objects, id: Id) -> Option<Vec<u64>> {
    // numpy has 64 axes at most.
    let lengths = objects.tuple(id).filter(|lengths| lengths.len() <= 64)?;
    lengths.iter().map(|length| u64::try_from(objects.int(*length)?).ok()).collect()
}

/// Whether a class is an array and nothing more.
fn is_plain(objects: &Objects, class: Id) -> Result<(), String> {
    match objects.name(class) {
        Some(("numpy", "ndarray" | "memmap")) => Ok(()),
        Some(("numpy.core.memmap" | "numpy._core.memmap", "memmap")) => Ok(()),
        Some((module, name)) => {
            Err(format!("it is of the class {module}.{name}, which npz files do not keep"))
        }
        None => Err(unknown()),
    }
}

fn check(found: Found, length: u64) -> Result<Found, String> {
    if found.header.nbytes() as u64 == length {
        return Ok(found);
    }
    Err(format!("it has {length} bytes of data, and its shape needs {}", found.header.nbytes()))
}

/// `_reconstruct(ndarray, (0,), b'b')`, with version, shape, type, order and data as state.
fn reconstructed(
    objects: &Objects,
    id: Id,
    arguments: &[Id],
    source: &dyn Source,
) -> Result<Found, String> {
    is_plain(objects, *arguments.first().ok_or_else(unknown)?)?;
    let state = objects.states.get(&id).and_then(|state| objects.tuple(*state));
    let [_, shape, kind, order, data] = state.ok_or_else(unknown)? else {
        return Err(unknown());
    };
    let descr = descr(objects, *kind, source)?;
    let shape = lengths(objects, *shape).ok_or_else(unknown)?;
    let fortran = objects.int(*order).ok_or_else(unknown)? != 0;
    let header = header(&descr.literal, &shape, fortran)?;
    let place = bytes(objects, *data, source).ok_or_else(unknown)?;
    let length = length_of(objects, &place, source)?;
    check(Found { header, place }, length)
}

/// `_frombuffer(data, type, shape, order)`.
fn from_buffer(objects: &Objects, arguments: &[Id], source: &dyn Source) -> Result<Found, String> {
    let [data, kind, shape, order] = arguments else { return Err(unknown()) };
    let descr = descr(objects, *kind, source)?;
    let shape = lengths(objects, *shape).ok_or_else(unknown)?;
    let order = objects.text(*order, source).ok_or_else(unknown)?;
    let header = header(&descr.literal, &shape, order == "F")?;
    let place =
        bytes(objects, *data, source).ok_or_else(|| "its data are not in the pickle".to_owned())?;
    let length = length_of(objects, &place, source)?;
    check(Found { header, place }, length)
}

/// `scalar(type, data)`.
fn scalar(objects: &Objects, arguments: &[Id], source: &dyn Source) -> Result<Found, String> {
    let [kind, data] = arguments else { return Err(unknown()) };
    let header = header(&descr(objects, *kind, source)?.literal, &[], false)?;
    let place = bytes(objects, *data, source).ok_or_else(unknown)?;
    let length = length_of(objects, &place, source)?;
    check(Found { header, place }, length)
}

/// Bytes, however the protocol writes them.
fn bytes(objects: &Objects, id: Id, source: &dyn Source) -> Option<Place> {
    match objects.node(id) {
        Node::Bytes(span) | Node::Str(span) => return Some(Place::Here(*span)),
        _ => {}
    }
    match objects.call(id)? {
        // Protocol 2 has no bytes: they are characters that are encoded.
        (("_codecs", "encode"), [text, encoding])
            if objects.text(*encoding, source).as_deref() == Some("latin1") =>
        {
            match objects.node(*text) {
                Node::Text(span) => Some(Place::Characters(*span)),
                _ => None,
            }
        }
        (("builtins" | "__builtin__", "bytes" | "bytearray"), [data]) => {
            bytes(objects, *data, source)
        }
        (("builtins" | "__builtin__", "bytes" | "bytearray"), []) => {
            Some(Place::Here(Span { start: 0, end: 0 }))
        }
        _ => None,
    }
}

fn length_of(objects: &Objects, place: &Place, source: &dyn Source) -> Result<u64, String> {
    match place {
        Place::Here(span) => Ok(span.length()),
        Place::Storage { size, .. } => Ok(*size),
        Place::Characters(span) => {
            if !objects.spend(span.length() / 256) {
                return Err("its characters are more than are counted".to_owned());
            }
            let mut count = 0;
            let mut window = vec![0; 64 * 1024];
            let mut at = span.start;
            while at < span.end {
                let length = (span.end - at).min(window.len() as u64) as usize;
                let part = &mut window[..length];
                source.read_exact_at(part, at).map_err(|error| error.to_string())?;
                // Every character begins with a byte that continues none.
                count += part.iter().filter(|byte| **byte & 0xc0 != 0x80).count() as u64;
                at += length as u64;
            }
            Ok(count)
        }
    }
}

/// What the wrapper of joblib says of the data that follow it.
#[derive(Debug)]
pub(crate) struct Wrapper {
    literal: String,
    shape: Vec<u64>,
    fortran: bool,
    /// What the data are aligned to, with a byte in front that says how.
    pub(crate) alignment: Option<u64>,
    /// Bytes of data; nothing where a pickle follows instead.
    pub(crate) length: Option<u64>,
    class: Id,
}

/// What follows an object, if it is a wrapper of joblib with its state.
pub(crate) fn wrapper(
    objects: &Objects,
    id: Id,
    source: &dyn Source,
) -> Option<Result<Wrapper, String>> {
    let ((module, name), _) = objects.call(id)?;
    // The older wrapper names a file of its own for each array.
    if module != "joblib.numpy_pickle" || name != "NumpyArrayWrapper" {
        return None;
    }
    let state = *objects.states.get(&id)?;
    Some(read_wrapper(objects, state, source))
}

fn read_wrapper(objects: &Objects, state: Id, source: &dyn Source) -> Result<Wrapper, String> {
    let entry = |key: &str| {
        objects.entry(state, key, source).ok_or_else(|| format!("its wrapper has no {key}"))
    };
    let kind = entry("dtype")?;
    let shape = lengths(objects, entry("shape")?).ok_or("its shape is no tuple of numbers")?;
    let order = objects.text(entry("order")?, source).ok_or("its order is no text")?;
    let alignment = match entry("numpy_array_alignment_bytes") {
        Ok(id) => objects.int(id).map(i64::cast_unsigned),
        Err(_) => None,
    };
    let class = entry("subclass")?;
    if has_objects(objects, kind, source) {
        let (literal, fortran) = (String::new(), false);
        return Ok(Wrapper { literal, shape, fortran, alignment, length: None, class });
    }
    let descr = descr(objects, kind, source)?;
    let mut length = descr.size;
    for axis in &shape {
        length = length.checked_mul(*axis).ok_or("its shape is larger than any memory")?;
    }
    let (literal, fortran) = (descr.literal, order == "F");
    Ok(Wrapper { literal, shape, fortran, alignment, length: Some(length), class })
}

fn of_wrapper(objects: &Objects, id: Id, wrapper: &Wrapper) -> Result<Found, String> {
    is_plain(objects, wrapper.class)?;
    if wrapper.length.is_none() {
        return Err("it holds Python objects".to_owned());
    }
    let raw = objects.raw.get(&id).ok_or_else(unknown)?;
    let header = header(&wrapper.literal, &wrapper.shape, wrapper.fortran)?;
    check(Found { header, place: Place::Here(raw.data) }, raw.data.length())
}

/// The type of a storage of PyTorch: its literal and its size.
fn storage(name: &str) -> Result<(&'static str, u64), String> {
    Ok(match name {
        "DoubleStorage" => ("'<f8'", 8),
        "FloatStorage" => ("'<f4'", 4),
        "HalfStorage" => ("'<f2'", 2),
        "LongStorage" => ("'<i8'", 8),
        "IntStorage" => ("'<i4'", 4),
        "ShortStorage" => ("'<i2'", 2),
        "CharStorage" => ("'|i1'", 1),
        "ByteStorage" => ("'|u1'", 1),
        "BoolStorage" => ("'|b1'", 1),
        "ComplexFloatStorage" => ("'<c8'", 8),
        "ComplexDoubleStorage" => ("'<c16'", 16),
        "BFloat16Storage" => return Err("numpy has no type for bfloat16".to_owned()),
        other => return Err(format!("its storage is a {other}")),
    })
}

/// `_rebuild_tensor_v2(storage, offset, shape, strides, ...)`.
fn tensor(objects: &Objects, arguments: &[Id], source: &dyn Source) -> Result<Found, String> {
    let [place, offset, shape, strides, ..] = arguments else { return Err(unknown()) };
    let Node::Persistent(what) = objects.node(*place) else { return Err(unknown()) };
    let [tag, class, key, _, ..] = objects.tuple(*what).ok_or_else(unknown)? else {
        return Err(unknown());
    };
    if objects.text(*tag, source).as_deref() != Some("storage") {
        return Err(unknown());
    }
    let (_, class) = objects.name(*class).ok_or_else(unknown)?;
    let (literal, size) = storage(class)?;
    let key = objects.text(*key, source).ok_or_else(unknown)?;
    let shape = lengths(objects, *shape).ok_or_else(unknown)?;
    let strides: Option<Vec<i64>> = objects
        .tuple(*strides)
        .and_then(|strides| strides.iter().map(|stride| objects.int(*stride)).collect());
    let strides = strides.filter(|strides| strides.len() == shape.len()).ok_or_else(unknown)?;
    let offset = objects.int(*offset).and_then(|offset| u64::try_from(offset).ok());
    let offset = offset.and_then(|offset| offset.checked_mul(size)).ok_or_else(unknown)?;
    let header = header(literal, &shape, false)?;
    let mut expected = 1_i64;
    let mut in_a_row = true;
    for (length, stride) in shape.iter().zip(&strides).rev() {
        in_a_row &= *length <= 1 || *stride == expected;
        expected = expected.saturating_mul(i64::try_from(*length).unwrap_or(i64::MAX));
    }
    let is_empty = header.nbytes() == 0;
    let strides = (!in_a_row && !is_empty).then_some(strides);
    let size = header.nbytes() as u64;
    Ok(Found { header, place: Place::Storage { key, offset, strides, size } })
}
