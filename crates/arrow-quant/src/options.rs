//! How to quantize: the schemes and what can be chosen about them.

use std::num::NonZeroUsize;

use crate::error::{Error, Result};

/// How numbers become codes.
///
/// `x` is a weight, `q` its code, `s` the scale and `z` the zero point of its group, and `round`
/// rounds to the nearest integer, ties to even. All arithmetic is that of `f32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// `int8_sym`: `s = max|x| / 127`, `q = round(x / s)` in -127..=127 as two's complement, and
    /// `x ≈ q s`. The per-row weights of LLM.int8() (Dettmers et al., arXiv 2208.07339).
    Int8Sym,
    /// `int4_sym`: `s = m / -8` with `m` the weight farthest from zero (so `s` can be negative),
    /// `q = round(x / s)` in -8..=7, stored as `q + 8`, and `x ≈ q s`. The rule of GGUF's `Q4_0`:
    /// it uses all sixteen codes, while `max|x| / 7` uses fifteen.
    Int4Sym,
    /// `int4_asym`: `s = (max - min) / 15` over the weights and zero, `z = round(-min / s)`,
    /// `q = round(x / s + z)` in 0..=15, and `x ≈ (q - z) s` (Jacob et al., arXiv 1712.05877).
    Int4Asym,
    /// `int2_asym`: the same with codes in 0..=3.
    Int2Asym,
    /// `nf4`: `s = max|x|`, `q` the nearest of the sixteen quantiles of a normal distribution to
    /// `x / s`, and `x ≈ NF4[q] s` (Dettmers et al., QLoRA, arXiv 2305.14314, appendix E).
    Nf4,
}

impl Scheme {
    /// Every scheme.
    pub const ALL: [Scheme; 5] =
        [Scheme::Int8Sym, Scheme::Int4Sym, Scheme::Int4Asym, Scheme::Int2Asym, Scheme::Nf4];

    /// Its name in the column `scheme`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Scheme::Int8Sym => "int8_sym",
            Scheme::Int4Sym => "int4_sym",
            Scheme::Int4Asym => "int4_asym",
            Scheme::Int2Asym => "int2_asym",
            Scheme::Nf4 => "nf4",
        }
    }

    /// The scheme of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Scheme> {
        Scheme::ALL.into_iter().find(|scheme| scheme.name() == name)
    }

    /// Bits of a code.
    #[must_use]
    pub fn bit_width(self) -> u8 {
        match self {
            Scheme::Int8Sym => 8,
            Scheme::Int4Sym | Scheme::Int4Asym | Scheme::Nf4 => 4,
            Scheme::Int2Asym => 2,
        }
    }

    /// Whether each group has a zero point.
    #[must_use]
    pub fn has_zero_points(self) -> bool {
        matches!(self, Scheme::Int4Asym | Scheme::Int2Asym)
    }

    /// What is tried when this scheme loses more than [`Options::fallback_sqnr_db`] allows.
    #[must_use]
    pub fn fallback(self) -> Option<Scheme> {
        match self {
            Scheme::Int2Asym => Some(Scheme::Int4Asym),
            Scheme::Int4Sym | Scheme::Int4Asym | Scheme::Nf4 => Some(Scheme::Int8Sym),
            Scheme::Int8Sym => None,
        }
    }
}

/// How the scale of a group is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Search {
    /// By the formula of the [`Scheme`], from the smallest and the largest weight.
    MinMax,
    /// From the formula and a grid of narrower and wider ranges around it, the one with the least
    /// sum of squared errors, then one least-squares fit of the scale (and, where there is one, the
    /// zero point, which need not be an integer then) to the codes. Never worse than `MinMax`.
    Mse,
}

impl Search {
    /// Its name in the metadata of the output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Search::MinMax => "minmax",
            Search::Mse => "mse",
        }
    }
}

/// The precision of scales and zero points.
///
/// In memory they are always `f32`; this says what their values are rounded to, and what they take
/// in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScaleDtype {
    /// Rounded to `f16`. A scale outside 2^-16..=65504, where an `f16` is too coarse or does not
    /// exist, stays an `f32`, and so the row is marked `f32`.
    F16,
    /// Not rounded.
    F32,
}

impl ScaleDtype {
    /// Its name in the column `scale_dtype`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ScaleDtype::F16 => "f16",
            ScaleDtype::F32 => "f32",
        }
    }

    /// Bits that a scale takes.
    pub(crate) fn bits(self) -> u64 {
        match self {
            ScaleDtype::F16 => 16,
            ScaleDtype::F32 => 32,
        }
    }
}

/// Everything that can be chosen about quantizing.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// How numbers become codes.
    pub scheme: Scheme,
    /// Weights that share a scale: a multiple of 16 from 16 to 256, or 0 for a whole row. Groups run
    /// along the last axis and never cross a row; the last one of a row may be shorter.
    pub group_size: usize,
    /// How scales are found.
    pub search: Search,
    /// The precision of scales and zero points.
    pub scale_dtype: ScaleDtype,
    /// The least signal-to-quantization-noise ratio in dB. Where a row of the record batch has less,
    /// it is quantized with more bits, 2 to 4 to 8, and the columns `scheme` and `bit_width` say so.
    pub fallback_sqnr_db: Option<f32>,
    /// Threads to use; `None` for rayon's own pool. The result does not depend on it.
    pub threads: Option<NonZeroUsize>,
}

impl Default for Options {
    /// Four bits, symmetric, groups of 128, least squared error, `f16` scales.
    fn default() -> Self {
        Options {
            scheme: Scheme::Int4Sym,
            group_size: 128,
            search: Search::Mse,
            scale_dtype: ScaleDtype::F16,
            fallback_sqnr_db: None,
            threads: None,
        }
    }
}

impl Options {
    /// The defaults for a number of bits: 8 is [`Scheme::Int8Sym`] by [`Search::MinMax`] (a search
    /// gains little there), 4 is [`Scheme::Int4Sym`] and 2 is [`Scheme::Int2Asym`].
    ///
    /// # Errors
    /// For every other number.
    pub fn bits(bits: u8) -> Result<Options> {
        let (scheme, search) = match bits {
            8 => (Scheme::Int8Sym, Search::MinMax),
            4 => (Scheme::Int4Sym, Search::Mse),
            2 => (Scheme::Int2Asym, Search::Mse),
            other => {
                let reason = format!("{other} is none of 2, 4 and 8");
                return Err(Error::Option { name: "bits", reason });
            }
        };
        Ok(Options { scheme, search, ..Options::default() })
    }

    /// # Errors
    /// When an option has a value that it cannot have.
    pub(crate) fn validate(&self) -> Result<()> {
        if !is_group_size(self.group_size) {
            let reason = format!("{} is neither 0 nor a multiple of 16 to 256", self.group_size);
            return Err(Error::Option { name: "group_size", reason });
        }
        if self.fallback_sqnr_db.is_some_and(f32::is_nan) {
            let reason = "NaN is no ratio".to_owned();
            return Err(Error::Option { name: "fallback_sqnr_db", reason });
        }
        Ok(())
    }
}

/// Sixteen codes fill whole bytes at every bit width, so groups start on a byte.
pub(crate) fn is_group_size(size: usize) -> bool {
    size == 0 || (size.is_multiple_of(16) && size <= 256)
}
