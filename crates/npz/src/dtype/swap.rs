//! Changing the byte order of data in place.

use super::{DType, Endian, Kind, Scalar};

/// Brings elements of type `dtype` into the byte order of this machine. Bytes after the last whole
/// element stay as they are.
pub(crate) fn swap_bytes(dtype: &DType, data: &mut [u8]) {
    let size = dtype.size();
    if size == 0 || !dtype.is_swapped() {
        return;
    }
    match dtype {
        DType::Scalar(scalar) => swap_units(unit(scalar), data),
        DType::SubArray { element, .. } => swap_bytes(element, data),
        DType::Record(record) => {
            for one in data.chunks_exact_mut(size) {
                for field in &record.fields {
                    let end = field.offset.saturating_add(field.dtype.size());
                    if let Some(part) = one.get_mut(field.offset..end) {
                        swap_bytes(&field.dtype, part);
                    }
                }
            }
        }
    }
}

/// How many bytes are reversed together.
fn unit(scalar: &Scalar) -> usize {
    if matches!(scalar.endian, Endian::None | Endian::NATIVE) {
        return 1;
    }
    match scalar.kind {
        Kind::Complex | Kind::LongComplex => scalar.size / 2,
        Kind::Str => 4,
        Kind::Void | Kind::Bytes | Kind::Object => 1,
        _ => scalar.size,
    }
}

fn swap_units(unit: usize, data: &mut [u8]) {
    // The common widths are spelled out so that the compiler can use vector instructions.
    match unit {
        0 | 1 => {}
        2 => data.as_chunks_mut::<2>().0.iter_mut().for_each(|bytes| bytes.reverse()),
        4 => data.as_chunks_mut::<4>().0.iter_mut().for_each(|bytes| bytes.reverse()),
        8 => data.as_chunks_mut::<8>().0.iter_mut().for_each(|bytes| bytes.reverse()),
        _ => data.chunks_exact_mut(unit).for_each(<[u8]>::reverse),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn swapped(descr: &str, data: &[u8]) -> Vec<u8> {
        let mut data = data.to_vec();
        swap_bytes(&DType::parse(descr).unwrap(), &mut data);
        data
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn each_kind_is_swapped_by_its_own_unit() {
        assert_eq!(swapped(">i2", &[1, 2, 3, 4]), [2, 1, 4, 3]);
        assert_eq!(swapped("<i2", &[1, 2, 3, 4]), [1, 2, 3, 4]);
        assert_eq!(swapped(">c8", &[1, 2, 3, 4, 5, 6, 7, 8]), [4, 3, 2, 1, 8, 7, 6, 5]);
        assert_eq!(swapped(">U2", &[1, 2, 3, 4, 5, 6, 7, 8]), [4, 3, 2, 1, 8, 7, 6, 5]);
        assert_eq!(swapped("|S4", &[1, 2, 3, 4]), [1, 2, 3, 4]);
        assert_eq!(swapped(">f16", &(0..16).collect::<Vec<_>>())[0], 15);
        assert_eq!(
            swapped("[('a', '|i1'), ('b', '>i2', (2,)), ('c', '<i2')]", &[1, 2, 3, 4, 5, 6, 7]),
            [1, 3, 2, 5, 4, 6, 7]
        );
    }
}
