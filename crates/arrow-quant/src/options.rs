//! How to quantize: the schemes and what can be chosen about them.

use std::num::NonZeroUsize;

use crate::error::{Error, Result};
use crate::pattern::is_match;

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
    /// `gguf_q8_0`: blocks of 32 as ggml's `Q8_0`, bit for bit: `s = max|x| / 127`,
    /// `q = round(x (1 / s))` with ties away from zero, then `s` as an `f16` before the 32 codes, and
    /// `x ≈ q s`. The codes are those of the scale before it was rounded.
    GgufQ8_0,
    /// `gguf_q4_0`: blocks of 32 as ggml's `Q4_0`, bit for bit: `s = m / -8` with `m` the first of the
    /// weights farthest from zero, `q = trunc(x (1 / s) + 8.5)` in 0..=15, then `s` as an `f16` before
    /// 16 bytes, of which byte `i` holds code `i` in its low half and code `i + 16` in its high one,
    /// and `x ≈ (q - 8) s`.
    GgufQ4_0,
    /// `none`: the bytes of the layer as they are, little-endian, whatever its type is.
    None,
}

impl Scheme {
    /// Every scheme.
    pub const ALL: [Scheme; 8] = [
        Scheme::Int8Sym,
        Scheme::Int4Sym,
        Scheme::Int4Asym,
        Scheme::Int2Asym,
        Scheme::Nf4,
        Scheme::GgufQ8_0,
        Scheme::GgufQ4_0,
        Scheme::None,
    ];

    /// Those with groups of any size, and scales in columns of their own.
    pub const GROUPED: [Scheme; 5] =
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
            Scheme::GgufQ8_0 => "gguf_q8_0",
            Scheme::GgufQ4_0 => "gguf_q4_0",
            Scheme::None => "none",
        }
    }

    /// The scheme of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Scheme> {
        Scheme::ALL.into_iter().find(|scheme| scheme.name() == name)
    }

    /// Bits of a code; `None` for [`Scheme::None`], where they are those of the layer's type.
    #[must_use]
    pub fn bit_width(self) -> Option<u8> {
        match self {
            Scheme::Int8Sym | Scheme::GgufQ8_0 => Some(8),
            Scheme::Int4Sym | Scheme::Int4Asym | Scheme::Nf4 | Scheme::GgufQ4_0 => Some(4),
            Scheme::Int2Asym => Some(2),
            Scheme::None => None,
        }
    }

    /// Whether it is one of [`Scheme::GROUPED`].
    #[must_use]
    pub fn is_grouped(self) -> bool {
        Scheme::GROUPED.contains(&self)
    }

    /// The size of its groups, when `wanted` is what was asked for.
    pub(crate) fn group_size(self, wanted: usize) -> usize {
        match self {
            Scheme::GgufQ8_0 | Scheme::GgufQ4_0 => GGUF_BLOCK,
            Scheme::None => 0,
            _ => wanted,
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
            Scheme::GgufQ4_0 => Some(Scheme::GgufQ8_0),
            Scheme::Int8Sym | Scheme::GgufQ8_0 | Scheme::None => None,
        }
    }
}

/// Weights of a block of GGUF's `Q8_0` and `Q4_0`.
pub(crate) const GGUF_BLOCK: usize = 32;

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
    /// What is different for some layers. Of several that fit a layer the last one that says something
    /// of a setting decides it.
    pub overrides: Vec<Override>,
}

/// Other settings for the layers whose names fit a pattern; `None` leaves a setting as it is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Override {
    /// The names: `*` stands for any characters, also none, `?` for one, and `\` before either for the
    /// character itself.
    pub pattern: String,
    /// See [`Options::scheme`].
    pub scheme: Option<Scheme>,
    /// See [`Options::group_size`].
    pub group_size: Option<usize>,
    /// See [`Options::search`].
    pub search: Option<Search>,
    /// See [`Options::scale_dtype`].
    pub scale_dtype: Option<ScaleDtype>,
    /// See [`Options::fallback_sqnr_db`]; `Some(None)` turns it off.
    pub fallback_sqnr_db: Option<Option<f32>>,
}

/// The settings of one layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Settings {
    pub(crate) scheme: Scheme,
    pub(crate) group_size: usize,
    pub(crate) search: Search,
    pub(crate) scale_dtype: ScaleDtype,
    pub(crate) fallback_sqnr_db: Option<f32>,
    /// Whether an override names the scheme.
    pub(crate) is_chosen: bool,
}

/// Layers that are kept as they are unless an override names a scheme for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Rules {
    /// Those of one axis.
    pub(crate) keep_vectors: bool,
    /// Those whose last axis is no whole number of GGUF's blocks.
    pub(crate) keep_ragged: bool,
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
            overrides: Vec::new(),
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
        validate(Some(self.group_size), self.fallback_sqnr_db, "")?;
        for other in &self.overrides {
            let place = format!(" (in the override for {:?})", other.pattern);
            if other.pattern.is_empty() {
                let reason = "a pattern is empty, which fits no layer".to_owned();
                return Err(Error::Option { name: "overrides", reason });
            }
            validate(other.group_size, other.fallback_sqnr_db.flatten(), &place)?;
        }
        Ok(())
    }

    /// The settings of a layer.
    pub(crate) fn of_layer(&self, layer: &str) -> Settings {
        let mut settings = Settings {
            scheme: self.scheme,
            group_size: self.group_size,
            search: self.search,
            scale_dtype: self.scale_dtype,
            fallback_sqnr_db: self.fallback_sqnr_db,
            is_chosen: false,
        };
        for other in self.overrides.iter().filter(|other| is_match(&other.pattern, layer)) {
            settings = Settings {
                scheme: other.scheme.unwrap_or(settings.scheme),
                group_size: other.group_size.unwrap_or(settings.group_size),
                search: other.search.unwrap_or(settings.search),
                scale_dtype: other.scale_dtype.unwrap_or(settings.scale_dtype),
                fallback_sqnr_db: other.fallback_sqnr_db.unwrap_or(settings.fallback_sqnr_db),
                is_chosen: settings.is_chosen || other.scheme.is_some(),
            };
        }
        settings
    }
}

fn validate(group_size: Option<usize>, fallback_sqnr_db: Option<f32>, place: &str) -> Result<()> {
    if let Some(size) = group_size.filter(|size| !is_group_size(*size)) {
        let reason = format!("{size} is neither 0 nor a multiple of 16 to 256{place}");
        return Err(Error::Option { name: "group_size", reason });
    }
    if fallback_sqnr_db.is_some_and(f32::is_nan) {
        let reason = format!("NaN is no ratio{place}");
        return Err(Error::Option { name: "fallback_sqnr_db", reason });
    }
    Ok(())
}

/// Sixteen codes fill whole bytes at every bit width, so groups start on a byte.
pub(crate) fn is_group_size(size: usize) -> bool {
    size == 0 || (size.is_multiple_of(16) && size <= 256)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_override_that_says_something_decides() {
        let of = |pattern: &str| Override { pattern: pattern.to_owned(), ..Override::default() };
        let options = Options {
            overrides: vec![
                Override {
                    scheme: Some(Scheme::Int8Sym),
                    group_size: Some(64),
                    ..of("*.attention.*")
                },
                Override { scheme: Some(Scheme::None), ..of("*.bias") },
                Override {
                    group_size: Some(0),
                    fallback_sqnr_db: Some(Some(20.0)),
                    ..of("layer.0.*")
                },
            ],
            ..Options::default()
        };
        options.validate().unwrap();
        let settings = |layer| {
            let Settings { scheme, group_size, fallback_sqnr_db, .. } = options.of_layer(layer);
            (scheme, group_size, fallback_sqnr_db)
        };
        assert_eq!(settings("layer.1.mlp.weight"), (Scheme::Int4Sym, 128, None));
        assert_eq!(settings("layer.1.attention.weight"), (Scheme::Int8Sym, 64, None));
        assert_eq!(settings("layer.0.attention.bias"), (Scheme::None, 0, Some(20.0)));
    }

    #[test]
    fn a_wrong_override_is_named() {
        let wrong = |other: Override| {
            let options = Options { overrides: vec![other], ..Options::default() };
            options.validate().unwrap_err().to_string()
        };
        let named = Override { pattern: "a*".to_owned(), ..Override::default() };
        assert!(wrong(Override { group_size: Some(7), ..named.clone() }).contains("a*"));
        let nan = Some(Some(f32::NAN));
        assert!(wrong(Override { fallback_sqnr_db: nan, ..named }).contains("a*"));
        assert!(wrong(Override::default()).contains("empty"));
    }

    #[test]
    fn names_lead_back_to_their_schemes() {
        for scheme in Scheme::ALL {
            assert_eq!(Scheme::from_name(scheme.name()), Some(scheme));
        }
        assert_eq!(Scheme::from_name("int3"), None);
    }
}
