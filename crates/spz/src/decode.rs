//! Stored bytes of whole points as numbers, bit for bit as the reference has them.

use std::sync::LazyLock;

use crate::fields::Field;
use crate::header::Info;

/// What a byte means, for fields of single bytes.
type Table = [f32; 256];

/// Logits. A byte of 0 or 255 is infinite. The logarithm is taken in double precision, so that it is
/// the same on every machine.
static ALPHAS: LazyLock<Table> = LazyLock::new(|| {
    table(|byte| {
        let opacity = byte / 255.0;
        f64::from(opacity / (1.0 - opacity)).ln() as f32
    })
});

static COLORS: LazyLock<Table> = LazyLock::new(|| table(|byte| (byte / 255.0 - 0.5) / 0.15));

/// Parts of a quaternion of ten bits: a sign and nine bits of size.
static PARTS: LazyLock<[f32; 1024]> = LazyLock::new(|| {
    std::array::from_fn(|bits| {
        let size = std::f32::consts::FRAC_1_SQRT_2 * (bits & 511) as f32 / 511.0;
        if bits & 512 == 0 { size } else { -size }
    })
});

fn table(value: impl Fn(f32) -> f32) -> Table {
    std::array::from_fn(|byte| value(byte as f32))
}

/// Decodes whole points of a field; `stored` and `numbers` hold as many.
pub(crate) fn decode(info: &Info, field: Field, stored: &[u8], numbers: &mut [f32]) {
    match field {
        Field::Positions if info.version == 1 => {
            for (number, bytes) in numbers.iter_mut().zip(stored.as_chunks::<2>().0) {
                *number = half(u16::from_le_bytes(*bytes));
            }
        }
        Field::Positions => positions(stored, numbers, info.fractional_bits),
        Field::Alphas => look_up(&ALPHAS, stored, numbers),
        Field::Colors => look_up(&COLORS, stored, numbers),
        Field::Scales => {
            for (number, &byte) in numbers.iter_mut().zip(stored) {
                *number = f32::from(byte) / 16.0 - 10.0;
            }
        }
        Field::Rotations if info.version < 3 => first_three(stored, numbers),
        Field::Rotations => smallest_three(stored, numbers),
        Field::Sh => {
            for (number, &byte) in numbers.iter_mut().zip(stored) {
                *number = (f32::from(byte) - 128.0) / 128.0;
            }
        }
    }
}

fn look_up(table: &Table, stored: &[u8], numbers: &mut [f32]) {
    for (number, &byte) in numbers.iter_mut().zip(stored) {
        *number = table[usize::from(byte)];
    }
}

fn positions(stored: &[u8], numbers: &mut [f32], fractional_bits: u8) {
    // A power of two, so that the product is exact.
    let step = 1.0 / (1_u32 << fractional_bits) as f32;
    let number = |[a, b, c]: [u8; 3]| (i32::from_le_bytes([0, a, b, c]) >> 8) as f32 * step;
    for (numbers, bytes) in numbers.as_chunks_mut::<3>().0.iter_mut().zip(stored.as_chunks::<9>().0)
    {
        let [a, b, c, d, e, f, g, h, i] = *bytes;
        *numbers = [number([a, b, c]), number([d, e, f]), number([g, h, i])];
    }
}

/// x, y and z of eight bits each; w is what makes the length 1, and 0 if they are longer already.
fn first_three(stored: &[u8], numbers: &mut [f32]) {
    let points = numbers.as_chunks_mut::<4>().0.iter_mut().zip(stored.as_chunks::<3>().0);
    for (quaternion, bytes) in points {
        let [x, y, z] = bytes.map(|byte| f32::from(byte) * (1.0 / 127.5) + -1.0);
        let w = (1.0 - (x * x + y * y + z * z)).max(0.0).sqrt();
        *quaternion = [x, y, z, w];
    }
}

/// Two bits say which part is the largest, and ten bits each the others, from the last to the first.
fn smallest_three(stored: &[u8], numbers: &mut [f32]) {
    let parts: &[f32; 1024] = &PARTS;
    let points = numbers.as_chunks_mut::<4>().0.iter_mut().zip(stored.as_chunks::<4>().0);
    for (quaternion, bytes) in points {
        let word = u32::from_le_bytes(*bytes);
        let part = |shift: u32| parts[(word >> shift & 1023) as usize];
        let (last, middle, first) = (part(0), part(10), part(20));
        // In this order, as the bits of a sum depend on it.
        let squares = last * last + middle * middle + first * first;
        // Parts that are longer than 1 are no rotation; the reference has NaN here.
        let largest = (1.0 - squares).max(0.0).sqrt();
        *quaternion = match word >> 30 {
            0 => [largest, first, middle, last],
            1 => [first, largest, middle, last],
            2 => [first, middle, largest, last],
            _ => [first, middle, last, largest],
        };
    }
}

/// A number of half precision. Every NaN becomes the same one, as in the reference.
fn half(bits: u16) -> f32 {
    let sign = u32::from(bits >> 15) << 31;
    let (exponent, fraction) = (u32::from(bits >> 10) & 31, u32::from(bits) & 1023);
    match exponent {
        0 => f32::from_bits(sign | (fraction as f32 / 16_777_216.0).to_bits()),
        31 if fraction != 0 => f32::from_bits(0x7FC0_0000),
        31 => f32::from_bits(sign | 0x7F80_0000),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_what_their_bits_say() {
        assert_eq!(half(0x3C00), 1.0);
        assert_eq!(half(0xC000), -2.0);
        assert_eq!(half(0x0001), 2.0_f32.powi(-24));
        assert_eq!(half(0x03FF), 1023.0 * 2.0_f32.powi(-24));
        assert_eq!(half(0x7BFF), 65504.0);
        assert_eq!(half(0x8000).to_bits(), 0x8000_0000);
        assert_eq!(half(0xFC00), f32::NEG_INFINITY);
        assert!(half(0x7E00).is_nan());
    }

    #[test]
    fn opacities_end_in_infinity() {
        assert_eq!(ALPHAS[0], f32::NEG_INFINITY);
        assert_eq!(ALPHAS[255], f32::INFINITY);
        assert!(ALPHAS.is_sorted());
    }
}
