//! Keyword arguments as options of the core.

use std::num::NonZeroUsize;

use arrow_quant::{Options, ScaleDtype, Scheme, Search};
use pyo3::prelude::*;

use crate::error;

/// What `quantize` and its kin are told about how to quantize.
pub(crate) struct Keywords<'a> {
    pub(crate) bits: Option<i64>,
    pub(crate) scheme: &'a str,
    pub(crate) group_size: i64,
    pub(crate) search: &'a str,
    pub(crate) scale_dtype: &'a str,
    pub(crate) fallback_sqnr_db: Option<f32>,
    pub(crate) threads: Option<i64>,
}

impl Keywords<'_> {
    /// The options.
    ///
    /// # Errors
    /// `ConfigurationError` for what no option can be, and for arguments that contradict each other.
    pub(crate) fn options(&self, py: Python<'_>) -> PyResult<Options> {
        self.read().map_err(|reason| error::configuration(py, &reason))
    }

    fn read(&self) -> Result<Options, String> {
        let bits = match self.bits {
            None => None,
            Some(bits @ (2 | 4 | 8)) => Some(bits as u8),
            Some(other) => return Err(format!("bits is {other}, but can be 2, 4 or 8")),
        };
        let mut options = if self.scheme == "auto" {
            Options::bits(bits.unwrap_or(4)).map_err(|error| error.to_string())?
        } else {
            let scheme = scheme(self.scheme)?;
            if let Some(bits) = bits.filter(|&bits| bits != scheme.bit_width()) {
                let width = scheme.bit_width();
                return Err(format!(
                    "scheme {:?} has {width} bits, but bits is {bits}: leave one of them out",
                    self.scheme
                ));
            }
            let automatic = Options::bits(scheme.bit_width()).map_err(|error| error.to_string())?;
            Options { scheme, ..automatic }
        };
        if self.search != "auto" {
            options.search = search(self.search)?;
        }
        options.scale_dtype = scale_dtype(self.scale_dtype)?;
        options.group_size = usize::try_from(self.group_size)
            .map_err(|_| format!("group_size is {}, but cannot be negative", self.group_size))?;
        options.fallback_sqnr_db = self.fallback_sqnr_db;
        options.threads = match self.threads {
            None => None,
            Some(threads) => Some(
                usize::try_from(threads)
                    .ok()
                    .and_then(NonZeroUsize::new)
                    .ok_or_else(|| format!("threads is {threads}, but at least 1 is needed"))?,
            ),
        };
        Ok(options)
    }
}

fn scheme(name: &str) -> Result<Scheme, String> {
    Scheme::from_name(name).ok_or_else(|| {
        let known: Vec<&str> = Scheme::ALL.into_iter().map(Scheme::name).collect();
        format!("scheme is {name:?}, but can be \"auto\" or one of {}", known.join(", "))
    })
}

fn search(name: &str) -> Result<Search, String> {
    match name {
        "mse" => Ok(Search::Mse),
        "minmax" => Ok(Search::MinMax),
        other => Err(format!("search is {other:?}, but can be \"auto\", \"mse\" or \"minmax\"")),
    }
}

fn scale_dtype(name: &str) -> Result<ScaleDtype, String> {
    match name {
        "f16" => Ok(ScaleDtype::F16),
        "f32" => Ok(ScaleDtype::F32),
        other => Err(format!("scale_dtype is {other:?}, but can be \"f16\" or \"f32\"")),
    }
}
