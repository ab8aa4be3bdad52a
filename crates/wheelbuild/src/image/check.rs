//! Whether every copy of an image is what it says it is.

use host::Host;
use serde::Serialize;

use super::{Error, Image, Store, engines, store};
use crate::engine::{Engine, Ready};

/// What a copy turned out to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    /// The very same files.
    Same,
    /// Something else.
    Differs {
        /// What is there, or what differs; a line each.
        found: Vec<String>,
    },
    /// There is none.
    Absent,
}

/// One copy of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Copy {
    /// `store`, `unpacked`, or the engine that has it.
    pub place: String,
    /// What it is.
    #[serde(flatten)]
    pub state: State,
}

/// Looks at every copy of the image with that sum: the archive is summed anew, engines are asked for
/// the diffIDs of their layers, an unpacked copy is compared with the archive file by file. A copy
/// of the last kind that differs is removed: the next use makes a new one.
///
/// # Errors
/// A copy cannot be read, or an engine does not answer.
pub fn check(host: &Host, image: &Image, engines: &[Ready]) -> Result<Vec<Copy>, Error> {
    let store = Store::of(host)?;
    let archive = store.archive(&image.sum);
    let mut copies = Vec::new();
    let stored = if host.is_file(&archive) {
        let sum = store::sum_of_file(host, &archive)?;
        same_or(sum == image.sum, || vec![format!("sha256:{sum}")])
    } else {
        State::Absent
    };
    let is_stored = stored == State::Same;
    copies.push(Copy { place: "store".to_owned(), state: stored });
    if is_stored {
        let state = match engines::unpacked_differences(host, &store, &image.sum)? {
            None => State::Absent,
            Some(lines) if lines.is_empty() => State::Same,
            Some(found) => {
                engines::discard_unpacked(&store, &image.sum)?;
                State::Differs { found }
            }
        };
        copies.push(Copy { place: "unpacked".to_owned(), state });
    }
    for ready in engines.iter().filter(|ready| ready.engine.has_store()) {
        let state = match engines::layers(ready, &engines::reference(image))? {
            None => State::Absent,
            Some(layers) => same_or(layers == [image.diff_id()], || layers.clone()),
        };
        copies.push(Copy { place: Engine::name(ready.engine).to_owned(), state });
    }
    Ok(copies)
}

fn same_or(is_same: bool, found: impl FnOnce() -> Vec<String>) -> State {
    if is_same { State::Same } else { State::Differs { found: found() } }
}
