//! Which engine a build uses.

use host::Host;

use super::{Engine, Error, Ready, probe_one};

/// The engine asked for, or the first that works.
///
/// # Errors
/// [`Error::NoEngine`] with what was tried, and as [`probe_one`].
pub fn choose(host: &Host, asked: Option<Engine>) -> Result<Ready, Error> {
    let engines: &[Engine] = match &asked {
        Some(engine) => std::slice::from_ref(engine),
        None => &Engine::ALL,
    };
    let mut tried = Vec::new();
    let mut cure = Vec::new();
    for &engine in engines {
        let trial = probe_one(host, engine)?;
        let reason = trial.reason().unwrap_or_default();
        match trial.ready {
            Some(ready) => return Ok(ready),
            None => {
                tried.push((engine, reason));
                if cure.is_empty() {
                    cure = trial.cure;
                }
            }
        }
    }
    Err(Error::NoEngine { tried, cure })
}
