//! Which rung worked the last time, in the cache directory.

use std::path::{Path, PathBuf};

use host::{Host, write_atomically};
use serde::{Deserialize, Serialize};

use super::{Engine, Ready, Rung};

/// More is not a memory of ours.
const LIMIT: u64 = 1 << 20;
/// Machines and versions that are remembered.
const MOST: usize = 50;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Remembered {
    engine: Engine,
    /// What the rung depends on.
    key: String,
    rung: Rung,
}

/// What an engine's way of working depends on: program, version, user, kernel, and where a daemon is.
pub(super) fn key(host: &Host, program: &Path, version: &str) -> String {
    let kernel = host.read_text(Path::new("/proc/sys/kernel/osrelease"), 4096).unwrap_or_default();
    let user = host.user_id.map_or_else(String::new, |user| user.to_string());
    let daemon = host.variables.text("DOCKER_HOST").unwrap_or_default();
    let settings = host.variables.text("CONTAINERS_CONF").unwrap_or_default();
    [&program.display().to_string(), version, kernel.trim(), &user, &daemon, &settings].join("|")
}

fn file(host: &Host) -> Option<PathBuf> {
    Some(host.cache_directory()?.join("engines.json"))
}

fn all(host: &Host) -> Vec<Remembered> {
    // What cannot be read was never remembered.
    file(host)
        .and_then(|file| host.read(&file, LIMIT).ok())
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default()
}

/// The rung that worked for an engine of this key.
pub(super) fn recall(host: &Host, engine: Engine, key: &str) -> Option<Rung> {
    let found = all(host).into_iter().find(|known| known.engine == engine && known.key == key);
    found.map(|known| known.rung)
}

/// Engines in which a container was run by this user on this kernel, from what is remembered:
/// nothing is started.
#[must_use]
pub fn proven(host: &Host) -> Vec<Engine> {
    let here = key(host, Path::new(""), "");
    let same_machine = |key: &str| key.splitn(3, '|').nth(2) == here.splitn(3, '|').nth(2);
    let known = all(host).into_iter().filter(|known| same_machine(&known.key));
    let mut engines: Vec<Engine> = known.map(|known| known.engine).collect();
    engines.sort();
    engines.dedup();
    engines
}

/// Remembers it; that it cannot be written costs time and nothing else.
pub(super) fn remember(host: &Host, ready: &Ready, key: &str) {
    let Some(file) = file(host) else { return };
    let new = Remembered { engine: ready.engine, key: key.to_owned(), rung: ready.rung.clone() };
    let mut known = all(host);
    if known.contains(&new) {
        return;
    }
    known.retain(|old| !(old.engine == new.engine && old.key == new.key));
    known.insert(0, new);
    known.truncate(MOST);
    if let Ok(text) = serde_json::to_vec_pretty(&known) {
        let _ = write_atomically(&file, &text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Remedy;

    #[test]
    fn the_last_rung_of_a_key_is_remembered() {
        let cache = tempfile::tempdir().unwrap();
        let mut host = Host::current().unwrap();
        host.variables.set("TRUEWHEEL_CACHE_DIR", cache.path());
        let ready = |remedies: &[Remedy]| Ready {
            engine: Engine::Podman,
            program: "podman".into(),
            version: "4".to_owned(),
            rung: Rung::with(remedies.iter().copied()),
        };
        assert_eq!(recall(&host, Engine::Podman, "a"), None);
        remember(&host, &ready(&[Remedy::Runc]), "a");
        remember(&host, &ready(&[Remedy::Ulimits]), "a");
        remember(&host, &ready(&[]), "b");
        assert_eq!(recall(&host, Engine::Podman, "a"), Some(Rung::with([Remedy::Ulimits])));
        assert_eq!(recall(&host, Engine::Podman, "b"), Some(Rung::default()));
        assert_eq!(recall(&host, Engine::Docker, "a"), None);
        assert_eq!(proven(&host), []);
        let here = key(&host, Path::new("/usr/bin/podman"), "4");
        remember(&host, &ready(&[]), &here);
        assert_eq!(proven(&host), [Engine::Podman]);
        fs_err::write(cache.path().join("engines.json"), "{").unwrap();
        assert_eq!(recall(&host, Engine::Podman, "a"), None);
    }
}
