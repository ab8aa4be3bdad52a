//! Quantized matrices as ONNX Runtime's operator `com.microsoft.MatMulNBits` takes them.

use arrow_array::RecordBatch;

use crate::dequantize::Coded;
use crate::error::{Error, Result};
use crate::options::Scheme;

/// The initializers and attributes of a node `MatMulNBits`, which computes `A Bᵀ` for an `A` of `k`
/// columns: see `ContribOperators.md` of ONNX Runtime.
///
/// Code `i` of a block stands for `(code - zero_point) scale`.
#[derive(Debug, Clone, PartialEq)]
pub struct MatMulNBits {
    /// The attribute `N`: rows of the matrix.
    pub n: usize,
    /// The attribute `K`: its columns.
    pub k: usize,
    /// The attribute `bits`: 2, 4 or 8.
    pub bits: u8,
    /// The attribute `block_size`: codes that share a scale; a power of two from 16 to 256.
    pub block_size: usize,
    /// The input `B`, of the shape `[n, k_blocks, block_size * bits / 8]`: codes, low bits first. What is
    /// missing in the last block of a row has the code of zero.
    pub b: Vec<u8>,
    /// The input `scales`, of the shape `[n * k_blocks]`. Where the row says `scale_dtype` `f16` they
    /// are `f16` without loss, if `A` is.
    pub scales: Vec<f32>,
    /// The input `zero_points`, of the shape `[n, ceil(k_blocks * bits / 8)]`, packed as the codes are;
    /// `None` if they are all `2^(bits - 1)`, which the operator assumes.
    pub zero_points: Option<Vec<u8>>,
}

impl MatMulNBits {
    /// Blocks of a row.
    #[must_use]
    pub fn k_blocks(&self) -> usize {
        self.k.div_ceil(self.block_size)
    }
}

/// One row of a quantized batch, for ONNX Runtime: the last axis of its shape is `K`, and all others
/// together, as far as the row has them, are `N`.
///
/// `int8_sym` and `int4_sym` fit as they are, the asymmetric schemes if their zero points are integers,
/// as those of [`Search::MinMax`](crate::Search::MinMax). Blocks are the groups; where those are not a
/// power of two or a whole row, smaller blocks repeat their scale.
///
/// # Errors
/// When there is no such row, everything that stops [`dequantize`](crate::dequantize()) for that row,
/// schemes and zero points that the operator does not have, a matrix without numbers, and too little
/// memory.
pub fn matmul_nbits(batch: &RecordBatch, row: usize) -> Result<MatMulNBits> {
    if row >= batch.num_rows() {
        let reason = format!("{row}, but the record batch has {} rows", batch.num_rows());
        return Err(Error::Option { name: "row", reason });
    }
    // Other rows may be of schemes that the operator does not have.
    let one = batch.slice(row, 1);
    let coded = Coded::all(&one).map_err(|error| error.moved(row))?;
    match coded.first() {
        Some(coded) => convert(coded, row),
        None => Err(Error::NoRows { table: "quantized weights" }),
    }
}

fn convert(coded: &Coded<'_>, row: usize) -> Result<MatMulNBits> {
    let unfit = |reason| Error::Unfit { layer: coded.layer.to_owned(), row, reason };
    let bits = match coded.scheme {
        Scheme::Int8Sym => 8,
        Scheme::Int4Sym | Scheme::Int4Asym => 4,
        Scheme::Int2Asym => 2,
        other => {
            let name = other.name();
            return Err(unfit(format!("it has no {name}; quantize with int4_sym, for example")));
        }
    };
    let layout = coded.layout;
    let (n, k) = (layout.rows, layout.columns);
    if n == 0 || k == 0 {
        return Err(unfit(format!("a matrix of {n} rows and {k} columns has no numbers")));
    }
    let zeros = integer_zeros(coded, bits).map_err(unfit)?;
    let block_size = block_size(layout.group, layout.groups);
    let k_blocks = k.div_ceil(block_size);
    // Groups are whole blocks, except for one that is a whole row.
    let group_of = |block: usize| (block * block_size / layout.group).min(layout.groups - 1);
    let mut scales = allocated(n, k_blocks)?;
    for row in coded.scales.chunks(layout.groups) {
        scales.extend((0..k_blocks).map(|block| row[group_of(block)]));
    }
    let row_bytes = k_blocks * block_size / 8 * usize::from(bits);
    let mut b = allocated(n, row_bytes)?;
    for (index, codes) in coded.codes.chunks(layout.row_bytes).enumerate() {
        let start = b.len();
        // Zero is the middle of the codes, unless there is a zero point.
        let zero = zeros
            .as_ref()
            .map_or(1 << (bits - 1), |zeros| zeros[index * layout.groups + layout.groups - 1]);
        // The same code in each place of a byte.
        let filler = zero * (0xff / (0xff >> (8 - bits)));
        // Two's complement, of which the operator wants the distance from -128.
        let flip = if coded.scheme == Scheme::Int8Sym { 0x80 } else { 0 };
        b.extend(codes.iter().map(|codes| codes ^ flip));
        let used = k * usize::from(bits) % 8;
        if used > 0 {
            let last = b.len() - 1;
            let places = 0xff << used;
            b[last] = b[last] & !places | filler & places;
        }
        b.resize(start + row_bytes, filler);
    }
    let zero_points = match &zeros {
        None => None,
        Some(zeros) => {
            let per_byte = 8 / usize::from(bits);
            let mut packed = allocated(n, k_blocks.div_ceil(per_byte))?;
            for row in zeros.chunks(layout.groups) {
                packed.extend((0..k_blocks).step_by(per_byte).map(|first| {
                    let blocks = first..(first + per_byte).min(k_blocks);
                    blocks.rev().fold(0, |byte, block| byte << bits | row[group_of(block)])
                }));
            }
            Some(packed)
        }
    };
    Ok(MatMulNBits { n, k, bits, block_size, b, scales, zero_points })
}

/// The largest block that groups consist of: a power of two that the operator has.
fn block_size(group: usize, groups: usize) -> usize {
    if groups == 1 {
        return group.next_power_of_two().clamp(16, 256);
    }
    1 << group.trailing_zeros()
}

/// Zero points as codes; `None` if the scheme has none.
fn integer_zeros(coded: &Coded<'_>, bits: u8) -> std::result::Result<Option<Vec<u8>>, String> {
    if !coded.scheme.has_zero_points() {
        return Ok(None);
    }
    let highest = 0xffu8 >> (8 - bits);
    let integer = |(group, &zero): (usize, &f32)| {
        if zero.fract() == 0.0 && (0.0..=f32::from(highest)).contains(&zero) {
            return Ok(zero as u8);
        }
        Err(format!(
            "the zero point of group {group} is {zero}, no integer from 0 to {highest}; quantize with \
             the search minmax"
        ))
    };
    coded.zeros.iter().enumerate().map(integer).collect::<std::result::Result<_, _>>().map(Some)
}

/// An empty vector with room for `rows` of so many.
fn allocated<T>(rows: usize, each: usize) -> Result<Vec<T>> {
    let count = rows.checked_mul(each).ok_or(Error::Memory { bytes: None })?;
    let mut vector = Vec::new();
    let bytes = count.checked_mul(size_of::<T>());
    vector.try_reserve_exact(count).map_err(|_| Error::Memory { bytes })?;
    Ok(vector)
}
