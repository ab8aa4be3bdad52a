//! The Pythons on this machine, and those that have numpy.

use std::path::{Path, PathBuf};

use host::Host;
use pyenvs::{Depth, Search};

use super::{Python, Reader};
use crate::gather;

/// Every Python on this machine, and those that have numpy, in order of prefix.
#[must_use]
pub fn pythons_and_readers(
    host: &Host,
    project: &Path,
    configured: &[PathBuf],
) -> (Vec<Python>, Vec<Reader>) {
    let search = Search { project, configured, argument: None, depth: Depth::Outline };
    let environments = pyenvs::discover(host, &search).environments;
    let pythons: Vec<Python> = host::in_parallel(
        environments.into_iter().filter(pyenvs::Environment::is_usable),
        |environment| {
            let numpy = gather::numpy_version(host, &environment);
            let version = environment.version.get().cloned();
            let abi = environment.abi.get();
            Python {
                suffixes: abi.map(|abi| abi.extension_suffixes.clone()).unwrap_or_default(),
                free_threaded: abi.is_some_and(|abi| abi.free_threaded),
                prefix: environment.prefix,
                version,
                numpy,
            }
        },
    );
    let readers = pythons
        .iter()
        .filter_map(|python| {
            let (prefix, numpy) = (python.prefix.clone(), python.numpy.clone()?);
            Some(Reader { prefix, python: python.version.clone(), numpy })
        })
        .collect();
    (pythons, readers)
}
