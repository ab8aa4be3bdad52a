//! Programs that come in wheels.

use std::path::PathBuf;

use host::Host;

use super::lock::PythonFile;
use super::store::Store;
use super::{Error, Result};
use crate::Wheel;

const WHEEL_LIMIT: u64 = 1 << 30;

/// The program of that name in a wheel of the store, unpacked beside it once.
///
/// # Errors
/// The wheel cannot be read, or has no such program.
pub fn program(
    host: &Host,
    store: &Store,
    file: &PythonFile,
    wheel: &std::path::Path,
    name: &str,
) -> Result<PathBuf> {
    let place = store.directory().join("tools").join(&file.sha256).join(name);
    if host.is_file(&place) {
        return Ok(place);
    }
    let bytes = host.read(wheel, WHEEL_LIMIT).map_err(Error::read(wheel))?;
    let wrong = |reason: String| Error::Program {
        doing: format!("take {name} out of {}", file.file),
        reason,
        cure: None,
    };
    let wheel = Wheel::open(&file.file, bytes).map_err(|error| wrong(error.to_string()))?;
    let ending = format!(".data/scripts/{name}");
    let entry = wheel.entries.iter().find(|entry| entry.name.ends_with(&ending));
    let entry = entry.ok_or_else(|| wrong("there is no such program in it".to_owned()))?;
    let program = wheel.read(entry).map_err(|error| wrong(error.to_string()))?;
    host::write_atomically(&place, &program).map_err(Error::write(&place))?;
    host::set_mode(&place, 0o755).map_err(Error::write(&place))?;
    Ok(place)
}
