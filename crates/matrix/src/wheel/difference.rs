//! What an array is, other than what it should be, down to the first element that differs.

use npz::{Array, Order};

/// What differs in `got`; nothing if both have the same type, shape, order and bits.
pub(crate) fn difference(got: &Array, wanted: &Array) -> Option<String> {
    let dtypes = [got, wanted].map(|array| array.dtype().to_string());
    if dtypes[0] != dtypes[1] {
        return Some(format!("dtype is {}, not {}", dtypes[0], dtypes[1]));
    }
    if got.shape() != wanted.shape() {
        return Some(format!("shape is {:?}, not {:?}", got.shape(), wanted.shape()));
    }
    if got.order() != wanted.order() {
        let fortran = got.order() == Order::Fortran;
        return Some(format!("Fortran order is {fortran}, not {}", !fortran));
    }
    let at = got.bytes().iter().zip(wanted.bytes()).position(|(got, wanted)| got != wanted)?;
    let size = got.dtype().size().max(1);
    let (element, count) = (at / size, got.bytes().len() / size);
    let of = |array: &Array| {
        array.bytes().get(element * size..).and_then(|from| from.get(..size)).map(<[u8]>::to_vec)
    };
    let (Some(is), Some(not)) = (of(got), of(wanted)) else {
        return Some(format!("the bytes differ from byte {at} on"));
    };
    let [is, not] = [is, not].map(|bytes| shown(&dtypes[0], bytes));
    Some(format!("element {element} of {count} is {is}, not {not}"))
}

/// One element as a number, where it is one that Rust has; its bits tell apart what looks the same.
fn shown(descr: &str, mut bytes: Vec<u8>) -> String {
    let descr = descr.trim_matches('\'');
    if descr.starts_with('>') {
        bytes.reverse();
    }
    let mut eight = [0; 8];
    let is_number = descr.get(1..2).is_some_and(|kind| "biuf".contains(kind)) && bytes.len() <= 8;
    if !is_number {
        let bytes: Vec<String> = bytes.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        return format!("the bytes {}", bytes.join(" "));
    }
    for (to, from) in eight.iter_mut().zip(&bytes) {
        *to = *from;
    }
    let bits = u64::from_le_bytes(eight);
    let hexadecimal = format!("{bits:#0width$x}", width = 2 + 2 * bytes.len());
    match descr.get(1..) {
        Some("f4") => format!("{} ({hexadecimal})", f32::from_bits(bits as u32)),
        Some("f8") => format!("{} ({hexadecimal})", f64::from_bits(bits)),
        Some("f2") => hexadecimal,
        Some(kind) if kind.starts_with('i') => {
            let unused = 64 - 8 * bytes.len() as u32;
            format!("{}", ((bits << unused) as i64) >> unused)
        }
        _ => format!("{bits}"),
    }
}

#[cfg(test)]
mod tests {
    use npz::{ArrayView, DType, Header};

    use super::*;

    fn array(descr: &str, shape: &[usize], data: &[u8]) -> Array {
        let header = Header::new(DType::parse(descr).unwrap(), shape, Order::C).unwrap();
        ArrayView::from_bytes(header, data).unwrap().to_owned().unwrap()
    }

    fn said(descr: &str, got: &[u8], wanted: &[u8]) -> String {
        let size = DType::parse(descr).unwrap().size();
        let of = |data: &[u8]| array(descr, &[data.len() / size], data);
        difference(&of(got), &of(wanted)).unwrap_or_default()
    }

    #[test]
    fn the_first_element_that_differs_is_shown_as_a_number_and_as_bits() {
        let floats = |values: [f32; 2]| values.map(f32::to_le_bytes).concat();
        assert_eq!(
            said("<f4", &floats([1.0, 0.0]), &floats([1.0, -0.0])),
            "element 1 of 2 is 0 (0x00000000), not -0 (0x80000000)"
        );
        assert_eq!(said("|i1", &[1, 254], &[1, 3]), "element 1 of 2 is -2, not 3");
        assert_eq!(said(">u2", &[1, 0], &[0, 1]), "element 0 of 1 is 256, not 1");
        assert_eq!(said("<f2", &[1, 60], &[0, 60]), "element 0 of 1 is 0x3c01, not 0x3c00");
        assert_eq!(
            said("|S2", b"ab", b"ac"),
            "element 0 of 1 is the bytes 61 62, not the bytes 61 63"
        );
    }

    #[test]
    fn numbers_that_are_none_are_compared_by_their_bits() {
        let nan = f32::NAN.to_le_bytes();
        let other = f32::from_bits(f32::NAN.to_bits() | 1).to_le_bytes();
        assert_eq!(said("<f4", &nan, &nan), "");
        assert_eq!(
            said("<f4", &nan, &other),
            "element 0 of 1 is NaN (0x7fc00000), not NaN (0x7fc00001)"
        );
    }

    #[test]
    fn type_and_shape_come_first() {
        let (a, b) = (array("|i1", &[2], &[1, 2]), array("|u1", &[2], &[1, 2]));
        assert_eq!(difference(&a, &b).unwrap(), "dtype is '|i1', not '|u1'");
        let b = array("|i1", &[1, 2], &[1, 2]);
        assert_eq!(difference(&a, &b).unwrap(), "shape is [2], not [1, 2]");
    }
}
