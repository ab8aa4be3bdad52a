//! The Pythons on this machine that have numpy.

use std::path::{Path, PathBuf};

use host::Host;
use pyenvs::{Depth, Search};
use rayon::prelude::*;

use super::Reader;
use crate::gather;

/// Every Python on this machine that has numpy, in order of prefix.
#[must_use]
pub fn readers(host: &Host, project: &Path, configured: &[PathBuf]) -> Vec<Reader> {
    let search = Search { project, configured, argument: None, depth: Depth::Outline };
    pyenvs::discover(host, &search)
        .environments
        .into_par_iter()
        .filter(pyenvs::Environment::is_usable)
        .filter_map(|environment| {
            let numpy = gather::numpy_version(host, &environment)?;
            let python = environment.version.get().cloned();
            Some(Reader { prefix: environment.prefix, python, numpy })
        })
        .collect()
}
