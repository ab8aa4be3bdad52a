//! Keyword arguments as options of the core.

use std::num::NonZeroUsize;

use arrow_quant::{Options, Override, Quantizer, ScaleDtype, Scheme, Search};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping, PyString};

use crate::error::{self, Failure};

/// What `quantize` and its kin are told about how to quantize.
pub(crate) struct Keywords<'a, 'py> {
    pub(crate) bits: Option<i64>,
    pub(crate) scheme: &'a str,
    pub(crate) group_size: i64,
    pub(crate) search: &'a str,
    pub(crate) scale_dtype: &'a str,
    pub(crate) fallback_sqnr_db: Option<f32>,
    pub(crate) overrides: Option<&'a Bound<'py, PyAny>>,
    pub(crate) threads: Option<i64>,
}

impl Keywords<'_, '_> {
    /// The options.
    ///
    /// # Errors
    /// `ConfigurationError` for what no option can be, and for arguments that contradict each other.
    pub(crate) fn options(&self, py: Python<'_>) -> PyResult<Options> {
        let mut options = self.read().map_err(|reason| error::configuration(py, &reason))?;
        if let Some(overrides) = self.overrides {
            options.overrides = self.overrides(overrides)?;
        }
        // Ends with an error for what the core does not take.
        Quantizer::new(&Options { threads: Some(NonZeroUsize::MIN), ..options.clone() })
            .map_err(|refused| Failure::Core(refused).raise(py))?;
        Ok(options)
    }

    fn read(&self) -> Result<Options, String> {
        let (scheme, search) = choice(self.bits, self.scheme, self.search)?;
        Ok(Options {
            scheme,
            search,
            scale_dtype: scale_dtype(self.scale_dtype)?,
            group_size: group_size(self.group_size)?,
            fallback_sqnr_db: self.fallback_sqnr_db,
            threads: match self.threads {
                None => None,
                Some(threads) => Some(
                    usize::try_from(threads)
                        .ok()
                        .and_then(NonZeroUsize::new)
                        .ok_or_else(|| format!("threads is {threads}, but at least 1 is needed"))?,
                ),
            },
            overrides: Vec::new(),
        })
    }

    /// A mapping of patterns to settings (or to the name of a scheme), or a sequence of settings with
    /// their patterns in them; the last one that fits decides.
    fn overrides(&self, overrides: &Bound<'_, PyAny>) -> PyResult<Vec<Override>> {
        let py = overrides.py();
        let wrong = || {
            let message = "overrides is neither a mapping of patterns to settings nor a list of \
                           settings with a pattern";
            error::configuration(py, message)
        };
        let mut found = Vec::new();
        if let Ok(mapping) = overrides.cast::<PyMapping>() {
            for item in mapping.items()? {
                let (pattern, settings): (String, Bound<'_, PyAny>) =
                    item.extract().map_err(|_| wrong())?;
                let settings = if settings.is_instance_of::<PyString>() {
                    let dict = PyDict::new(py);
                    dict.set_item("scheme", settings)?;
                    dict
                } else {
                    settings.cast_into::<PyDict>().map_err(|_| wrong())?
                };
                found.push(self.one_override(&settings, Some(pattern))?);
            }
            return Ok(found);
        }
        let list = overrides.try_iter().map_err(|_| wrong())?;
        for settings in list {
            let settings = settings?;
            let settings = settings.cast::<PyDict>().map_err(|_| wrong())?;
            found.push(self.one_override(settings, None)?);
        }
        Ok(found)
    }

    fn one_override(
        &self,
        settings: &Bound<'_, PyDict>,
        pattern: Option<String>,
    ) -> PyResult<Override> {
        let py = settings.py();
        let refuse = |reason: String| error::configuration(py, &format!("overrides: {reason}"));
        let mut named = pattern;
        let (mut bits, mut scheme, mut search) = (None, None, None);
        let mut other = Override::default();
        for (key, value) in settings {
            let key: String = key.extract()?;
            let wrong = |_| refuse(format!("{key:?} has a value of a type that it cannot have"));
            match key.as_str() {
                "pattern" => named = Some(value.extract().map_err(wrong)?),
                "bits" => bits = Some(value.extract::<i64>().map_err(wrong)?),
                "scheme" => scheme = Some(value.extract::<String>().map_err(wrong)?),
                "search" => search = Some(value.extract::<String>().map_err(wrong)?),
                "group_size" => {
                    let size = group_size(value.extract().map_err(wrong)?).map_err(refuse)?;
                    other.group_size = Some(size);
                }
                "scale_dtype" => {
                    let name: String = value.extract().map_err(wrong)?;
                    other.scale_dtype = Some(scale_dtype(&name).map_err(refuse)?);
                }
                "fallback_sqnr_db" => {
                    other.fallback_sqnr_db = Some(value.extract().map_err(wrong)?);
                }
                _ => return Err(refuse(format!("{key:?} is no setting of a layer"))),
            }
        }
        other.pattern = named.ok_or_else(|| refuse("settings without a pattern".to_owned()))?;
        if bits.is_some() || scheme.is_some() {
            let scheme = scheme.as_deref().unwrap_or("auto");
            let search = search.as_deref().unwrap_or(self.search);
            let (scheme, search) = choice(bits, scheme, search).map_err(refuse)?;
            (other.scheme, other.search) = (Some(scheme), Some(search));
        } else if let Some(name) = search.filter(|name| name != "auto") {
            other.search = Some(self::search(&name).map_err(refuse)?);
        }
        Ok(other)
    }
}

/// An override as a dict that `overrides` takes.
pub(crate) fn to_dict<'py>(py: Python<'py>, other: &Override) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("pattern", &other.pattern)?;
    if let Some(scheme) = other.scheme {
        dict.set_item("scheme", scheme.name())?;
    }
    if let Some(size) = other.group_size {
        dict.set_item("group_size", size)?;
    }
    if let Some(search) = other.search {
        dict.set_item("search", search.name())?;
    }
    if let Some(dtype) = other.scale_dtype {
        dict.set_item("scale_dtype", dtype.name())?;
    }
    if let Some(floor) = other.fallback_sqnr_db {
        dict.set_item("fallback_sqnr_db", floor)?;
    }
    Ok(dict)
}

/// The scheme and the search of arguments that may leave them open.
fn choice(bits: Option<i64>, scheme: &str, search: &str) -> Result<(Scheme, Search), String> {
    let bits = match bits {
        None => None,
        Some(bits @ (2 | 4 | 8)) => Some(bits as u8),
        Some(other) => return Err(format!("bits is {other}, but can be 2, 4 or 8")),
    };
    let chosen = match scheme {
        "auto" => None,
        name => Some(self::scheme(name)?),
    };
    if let (Some(chosen), Some(bits)) = (chosen, bits)
        && chosen.bit_width() != Some(bits)
    {
        let width = chosen.bit_width().map_or("other".to_owned(), |width| width.to_string());
        return Err(format!(
            "scheme {scheme:?} has {width} bits, but bits is {bits}: leave one of them out"
        ));
    }
    let width = chosen.and_then(Scheme::bit_width).or(bits).unwrap_or(4);
    let automatic = Options::bits(width).map_err(|error| error.to_string())?;
    let search = if search == "auto" { automatic.search } else { self::search(search)? };
    Ok((chosen.unwrap_or(automatic.scheme), search))
}

fn group_size(size: i64) -> Result<usize, String> {
    usize::try_from(size).map_err(|_| format!("group_size is {size}, but cannot be negative"))
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
