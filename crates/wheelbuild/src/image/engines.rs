//! Giving an image to an engine, and proving that it has that image.

use std::path::Path;
use std::time::Duration;

use host::{Host, Invocation, create_directory, remove_tree, rename};

use super::{Error, Image, Store};
use crate::engine::{Engine, Ready, Root, engine_command};

/// Long enough to read and write some hundred megabytes.
const PATIENCE: Duration = Duration::from_secs(1200);
/// An engine that does not answer a question by then does not answer.
const ANSWER: Duration = Duration::from_secs(60);

/// The name of an image in podman and docker.
#[must_use]
pub fn reference(image: &Image) -> String {
    format!("localhost/truewheel-base:{}", image.sum.get(..16).unwrap_or(&image.sum))
}

/// What the engine gives commands as their root when they run in that image; the image is imported
/// or unpacked where that was not done yet.
///
/// # Errors
/// The image is not in the store, the engine cannot take it, or has something else under its name.
pub fn root_for(host: &Host, ready: &Ready, image: &Image) -> Result<Root, Error> {
    let store = Store::of(host)?;
    let archive = store.archive(&image.sum);
    if !host.is_file(&archive) {
        return Err(Error::NotStored { wanted: image.diff_id() });
    }
    match ready.engine {
        Engine::Podman | Engine::Docker => {
            let name = reference(image);
            let _one_at_a_time = store.lock(&image.sum)?;
            put(ready, &archive, &name, &image.sum)?;
            Ok(Root::Image(name))
        }
        Engine::Namespaces => Ok(Root::Directory(unpack(host, &store, &image.sum)?)),
        Engine::Host => Err(Error::NoRoot { engine: ready.engine }),
    }
}

/// Sees to it that the engine has the archive under that name.
pub(crate) fn put(ready: &Ready, archive: &Path, name: &str, sum: &str) -> Result<(), Error> {
    let expected = format!("sha256:{sum}");
    if layers(ready, name)?.as_deref() == Some(std::slice::from_ref(&expected)) {
        return Ok(());
    }
    let command = engine_command(ready).arg("import").arg(archive).arg(name).timeout(PATIENCE);
    let output = command.output()?;
    if !output.success() {
        let said = output.stderr_text();
        let said = said.trim().lines().last().unwrap_or_default().to_owned();
        return Err(Error::Failed { program: command.display(), said });
    }
    let found = layers(ready, name)?.unwrap_or_default();
    if found == [expected.clone()] {
        return Ok(());
    }
    let place = format!("{name} in {}", ready.engine);
    Err(Error::Differs { place, expected, found: found.join(", ") })
}

/// The diffIDs of an image in an engine; `None` when it has no such image.
pub(super) fn layers(ready: &Ready, name: &str) -> Result<Option<Vec<String>>, Error> {
    let inspect = ["image", "inspect", "--format", "{{json .RootFS.Layers}}", name];
    let output = engine_command(ready).args(inspect).timeout(ANSWER).output()?;
    if !output.success() {
        return Ok(None);
    }
    Ok(serde_json::from_slice(&output.stdout).ok())
}

/// What is in an image that an engine has under a name, as one sum: the diffID of its only layer, or
/// of several the SHA-256 of their diffIDs, a line each. `None` when the engine has no such image.
///
/// # Errors
/// The engine does not answer.
pub fn identity(ready: &Ready, name: &str) -> Result<Option<String>, Error> {
    Ok(layers(ready, name)?.map(|layers| match layers.as_slice() {
        [layer] => layer.clone(),
        several => format!("sha256:{}", crate::digest::sha256(several.join("\n").as_bytes())),
    }))
}

/// Unpacks an image for namespaces, once. Devices are left out: they are mounted.
fn unpack(host: &Host, store: &Store, sum: &str) -> Result<std::path::PathBuf, Error> {
    let place = store.unpacked(sum);
    let _one_at_a_time = store.lock(sum)?;
    if host.is_dir(&place) {
        return Ok(place);
    }
    let scratch = store.scratch()?;
    let root = scratch.path().join("root");
    create_directory(&root).map_err(Error::file(&root))?;
    let owner = if host.user_id == Some(0) { "--same-owner" } else { "--no-same-owner" };
    let command = Invocation::new("tar")
        .args(["--extract", "--preserve-permissions", "--numeric-owner", owner])
        .args(["--exclude=./dev/*", "--file"])
        .arg(store.archive(sum))
        .arg("--directory")
        .arg(&root)
        .timeout(PATIENCE);
    let output = command.output()?;
    if !output.success() {
        let said = output.stderr_text().trim().to_owned();
        return Err(Error::Failed { program: command.display(), said });
    }
    // Where this machine's own is shown to a command that may use the network.
    let resolver = root.join("etc/resolv.conf");
    if host.symlink_metadata(&resolver).is_err() && host.is_dir(&root.join("etc")) {
        host::write_atomically(&resolver, b"").map_err(Error::file(&resolver))?;
    }
    rename(&root, &place).map_err(Error::file(&place))?;
    Ok(place)
}

/// What differs between an unpacked image and its archive, a line each; `None` when it is not
/// unpacked.
pub(super) fn unpacked_differences(
    host: &Host,
    store: &Store,
    sum: &str,
) -> Result<Option<Vec<String>>, Error> {
    let place = store.unpacked(sum);
    if !host.is_dir(&place) {
        return Ok(None);
    }
    let command = Invocation::new("tar")
        .env("LC_ALL", "C")
        .args(["--diff", "--exclude=./dev/*", "--file"])
        .arg(store.archive(sum))
        .arg("--directory")
        .arg(&place)
        .timeout(PATIENCE);
    let output = command.output()?;
    let text = [output.stdout_text(), output.stderr_text()].concat();
    // Links, and directories that hold a file more, differ in their times alone; of a user's copy
    // every owner differs.
    let harmless = [": Mod time differs", ": Uid differs", ": Gid differs"];
    let lines = text.lines().filter(|line| !harmless.iter().any(|end| line.ends_with(end)));
    Ok(Some(lines.map(str::to_owned).collect()))
}

/// Removes an unpacked copy, so that the next use makes a new one.
pub(super) fn discard_unpacked(store: &Store, sum: &str) -> Result<(), Error> {
    let _one_at_a_time = store.lock(sum)?;
    let place = store.unpacked(sum);
    remove_tree(&place).map_err(Error::file(&place))
}
