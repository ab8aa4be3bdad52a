//! The header of safetensors files, read with nothing believed of it.
//!
//! The format: a little-endian `u64` with the length of the header, the header as JSON, and the data of
//! the tensors one after the other (<https://github.com/huggingface/safetensors>).

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::path::Path;

use npz::{FileSource, Source as _};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{bad, io};
use crate::error::Result;
use crate::weights::Dtype;

/// The limit of the reference implementation.
const LONGEST: u64 = 100_000_000;

/// A tensor of a safetensors file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tensor {
    pub(super) name: String,
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<i64>,
    /// Where its data start in the file, and how long they are.
    pub(super) start: u64,
    pub(super) length: u64,
}

/// What the header of a file says.
#[derive(Debug, Default)]
pub(super) struct Header {
    /// The tensors in the order of their data.
    pub(super) tensors: Vec<Tensor>,
    /// What is said of the whole file.
    pub(super) metadata: BTreeMap<String, String>,
}

/// The entries of a JSON object, each name once: a later one would otherwise take the place of an
/// earlier one in silence.
pub(super) struct Once<T>(pub(super) BTreeMap<String, T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Once<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Once<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<Once<T>, A::Error> {
                let mut entries = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, T>()? {
                    if entries.contains_key(&name) {
                        return Err(A::Error::custom(format!("{name:?} is there twice")));
                    }
                    entries.insert(name, value);
                }
                Ok(Once(entries))
            }
        }

        deserializer.deserialize_map(Entries(PhantomData))
    }
}

#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<i64>,
    data_offsets: (u64, u64),
}

/// Reads the header of a file, and checks that its tensors fill the file without gaps and overlaps.
pub(super) fn read(path: &Path, file: &FileSource) -> Result<Header> {
    let size = file.length();
    let mut prefix = [0; 8];
    if size < 8 {
        return Err(bad(path, format!("{size} bytes are no safetensors file: 8 are its least")));
    }
    file.read_exact_at(&mut prefix, 0).map_err(io(path))?;
    let length = u64::from_le_bytes(prefix);
    if length > LONGEST || length > size - 8 {
        return Err(bad(
            path,
            format!(
                "its header has {length} bytes, but the file has {size}: it is cut off, or no safetensors file"
            ),
        ));
    }
    let mut text = vec![0; length as usize];
    file.read_exact_at(&mut text, 8).map_err(io(path))?;
    parse(path, &text, 8 + length, size)
}

fn parse(path: &Path, text: &[u8], data: u64, size: u64) -> Result<Header> {
    let Once(document) = serde_json::from_slice::<Once<Value>>(text)
        .map_err(|error| bad(path, format!("its header is no JSON object: {error}")))?;
    let mut header = Header::default();
    for (name, value) in document {
        if name == "__metadata__" {
            header.metadata = serde_json::from_value(value)
                .map_err(|error| bad(path, format!("__metadata__ is no map of texts: {error}")))?;
            continue;
        }
        let wrong = |reason: String| bad(path, format!("tensor {name:?}: {reason}"));
        let Entry { dtype, shape, data_offsets: (start, end) } =
            serde_json::from_value(value).map_err(|error| wrong(error.to_string()))?;
        let dtype = Dtype::from_name(&dtype.to_ascii_lowercase())
            .ok_or_else(|| wrong(format!("the type {dtype} cannot be read or kept")))?;
        if let Some(length) = shape.iter().find(|length| **length < 0) {
            return Err(wrong(format!("{length} is no length of an axis")));
        }
        let count = shape.iter().try_fold(1u64, |count, length| count.checked_mul(*length as u64));
        let bytes = count.and_then(|count| count.checked_mul(dtype.bytes() as u64));
        if end < start || bytes != Some(end - start) {
            return Err(wrong(format!(
                "its data are from {start} to {end}, which is not what {} of shape {shape:?} need",
                dtype.name()
            )));
        }
        if end > size - data {
            return Err(wrong(format!(
                "its data end at {end}, but the file has {} bytes of data: it is cut off",
                size - data
            )));
        }
        header.tensors.push(Tensor {
            start: data + start,
            length: end - start,
            name,
            dtype,
            shape,
        });
    }
    header.tensors.sort_by(|a, b| (a.start, a.length, &a.name).cmp(&(b.start, b.length, &b.name)));
    let mut next = data;
    for tensor in &header.tensors {
        if tensor.start != next {
            let what = if tensor.start < next { "overlap" } else { "leave a gap before" };
            return Err(bad(
                path,
                format!("the data of other tensors {what} those of {:?}", tensor.name),
            ));
        }
        next += tensor.length;
    }
    if next != size {
        return Err(bad(
            path,
            format!("{} bytes after the last tensor belong to none", size - next),
        ));
    }
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str, data: usize) -> Result<Header> {
        let start = 8 + text.len() as u64;
        parse(Path::new("m.safetensors"), text.as_bytes(), start, start + data as u64)
    }

    #[test]
    fn tensors_are_in_the_order_of_their_data() {
        let text = r#"{"__metadata__":{"format":"pt"},
            "a":{"dtype":"F32","shape":[2,2],"data_offsets":[4,20]},
            "b":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]},
            "none":{"dtype":"I64","shape":[0,3],"data_offsets":[4,4]}}"#;
        let header = parsed(text, 20).unwrap();
        let names: Vec<_> = header.tensors.iter().map(|tensor| tensor.name.as_str()).collect();
        assert_eq!(names, ["b", "none", "a"]);
        assert_eq!(header.tensors[2].start, 8 + text.len() as u64 + 4);
        assert_eq!(header.metadata["format"], "pt");
    }

    #[test]
    fn what_contradicts_itself_is_refused_and_named() {
        for (text, data) in [
            (r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4),
            (r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 4),
            (r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 3),
            (r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8),
            (r#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4),
            (r#"{"a":{"dtype":"F4","shape":[8],"data_offsets":[0,4]}}"#, 4),
            (
                r#"{"a":{"dtype":"U8","shape":[9223372036854775807,9223372036854775807],"data_offsets":[0,1]}}"#,
                1,
            ),
            (
                r#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}"#,
                6,
            ),
        ] {
            let error = parsed(text, data).unwrap_err().to_string();
            assert!(error.contains("\"a\"") || error.contains("\"b\""), "{text}: {error}");
        }
        let twice = r#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}"#;
        assert!(parsed(twice, 2).unwrap_err().to_string().contains("is there twice"));
        for text in ["", "[]", "{\"a\":1}", "{\"__metadata__\":1}"] {
            assert!(parsed(text, 0).is_err(), "{text}");
        }
        assert!(parsed("{}", 1).is_err());
    }
}
