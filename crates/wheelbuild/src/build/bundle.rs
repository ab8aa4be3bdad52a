//! All inputs of a build as one file, for machines without a network.
//!
//! A bundle is a tar archive of parts of the cache directory, each under what it is. Nothing in it is
//! trusted: every part is summed and compared with `build.lock.toml` of the project before it goes
//! into the store.

use std::path::{Path, PathBuf};
use std::time::Duration;

use host::{Host, Invocation, Scratch};

use super::lock::{BuildLock, PythonFile};
use super::store::{Store, last_lines};
use super::{Error, Result, prepare, vendored};
use crate::digest::sha256;
use crate::image;

/// Long enough to read and write some gigabytes.
const LIMIT: Duration = Duration::from_secs(3600);
const LIST_LIMIT: u64 = 1 << 28;
const FILE_LIMIT: u64 = 1 << 30;
const TEXT_LIMIT: u64 = 4 << 20;

/// Where the parts of the inputs of a lock are below the cache directory.
struct Parts {
    crates: PathBuf,
    python: Vec<(PythonFile, PathBuf)>,
    image: Option<(String, [PathBuf; 2])>,
}

impl Parts {
    fn of(store: &Store, lock: &BuildLock) -> Parts {
        let python = |file: &PythonFile| (file.clone(), store.python_place(file));
        let below = |path: PathBuf| {
            let inputs = store.directory();
            let name = Path::new(inputs.file_name().unwrap_or_default());
            name.join(path.strip_prefix(inputs).unwrap_or(&path))
        };
        let sum = lock.image.as_ref().and_then(|image| image.diff_id.strip_prefix("sha256:"));
        let images = Path::new("images");
        Parts {
            crates: below(store.crates_place(&lock.crates.cargo_lock)),
            python: lock
                .python
                .iter()
                .map(python)
                .map(|(file, place)| (file, below(place)))
                .collect(),
            image: sum.map(|sum| {
                let file = |ending: &str| images.join(format!("{sum}.{ending}"));
                (sum.to_owned(), [file("tar"), file("json")])
            }),
        }
    }

    fn all(&self) -> Vec<&Path> {
        let mut all = vec![self.crates.as_path()];
        all.extend(self.python.iter().map(|(_, path)| path.as_path()));
        all.extend(self.image.iter().flat_map(|(_, paths)| paths).map(PathBuf::as_path));
        all
    }
}

fn tar(doing: &str, command: Invocation) -> Result<host::Output> {
    let output = command
        .env("LC_ALL", "C")
        .timeout(LIMIT)
        .output_limit(LIST_LIMIT)
        .output()
        .map_err(Error::process(doing))?;
    if output.success() {
        return Ok(output);
    }
    Err(Error::Program {
        doing: doing.to_owned(),
        reason: last_lines(&output.stderr_text()),
        cure: None,
    })
}

/// Writes the inputs of a lock into one file; `cache` is the directory that the store and the images
/// are in.
///
/// # Errors
/// A part is missing, or the file cannot be written.
pub fn write_bundle(
    host: &Host,
    cache: &Path,
    store: &Store,
    lock: &BuildLock,
    file: &Path,
) -> Result<()> {
    let parts = Parts::of(store, lock);
    if let Some(missing) = parts.all().into_iter().find(|part| !host.exists(&cache.join(part))) {
        return Err(Error::Missing {
            what: cache.join(missing).display().to_string(),
            cure: "run `fetch` without --bundle first".to_owned(),
        });
    }
    let unfinished = file.with_extension("tar.unfinished");
    let command = Invocation::new("tar")
        .args(["--create", "--sort=name", "--mtime=@315532800", "--owner=0", "--group=0"])
        .args(["--numeric-owner", "--mode=u+rw,go=rX", "--format=posix"])
        .args(["--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime"])
        .arg("--directory")
        .arg(cache)
        .arg("--file")
        .arg(&unfinished)
        .arg("--")
        .args(parts.all());
    let written = tar("write the bundle", command)
        .and_then(|_| host::rename(&unfinished, file).map_err(Error::write(file)));
    if written.is_err() {
        // What is half written is of no use; that the writing failed is what the user must know.
        let _ = host::remove_tree(&unfinished);
    }
    written
}

/// Puts what a bundle has of the inputs of a lock into the store.
///
/// # Errors
/// It cannot be read, lacks a part, or has another one than the lock says.
pub fn read_bundle(
    host: &Host,
    cache: &Path,
    store: &Store,
    lock: &BuildLock,
    file: &Path,
) -> Result<()> {
    let wrong = |reason: String| Error::Lock {
        reason: format!("{}: {reason}", file.display()),
        cure: "get the bundle anew from the machine that wrote it with `fetch --bundle`".to_owned(),
    };
    if !host.is_file(file) {
        let cure = "name a file that `fetch --bundle FILE` wrote".to_owned();
        return Err(Error::Missing { what: file.display().to_string(), cure });
    }
    let parts = Parts::of(store, lock);
    let list =
        Invocation::new("tar").args(["--list", "--verbose", "--quoting-style=literal", "--file"]);
    let listed =
        tar("read the bundle", list.arg(file)).map_err(|error| wrong(error_text(&error)))?;
    // Links and devices could lead out of the directory that it is unpacked into.
    if let Some(line) = listed.stdout_text().lines().find(|line| !line.starts_with(['-', 'd'])) {
        return Err(wrong(format!("it holds more than files and directories: {line}")));
    }
    let scratch = Scratch::new(&cache.join("bundles"), "bundle").map_err(Error::write(cache))?;
    let unpack = Invocation::new("tar")
        .args(["--extract", "--no-same-owner", "--no-same-permissions", "--file"])
        .arg(file)
        .arg("--directory")
        .arg(scratch.path())
        .arg("--")
        .args(parts.all());
    tar("unpack the bundle", unpack).map_err(|error| wrong(error_text(&error)))?;
    let unpacked = |part: &Path| scratch.path().join(part);
    let crates = unpacked(&parts.crates);
    let found = vendored::read(host, &crates)?
        .ok_or_else(|| wrong("it has no crates of this Cargo.lock".to_owned()))?;
    prepare::check_files(host, lock, &found)?;
    for (file, part) in &parts.python {
        let path = unpacked(part);
        let bytes = host.read(&path, FILE_LIMIT).map_err(Error::read(&path))?;
        if sha256(&bytes) != file.sha256 {
            return Err(wrong(format!(
                "{} has another sha256 than build.lock.toml says",
                file.file
            )));
        }
    }
    if let Some((sum, [archive, _])) = &parts.image {
        let found = image::sum_of_file(host, &unpacked(archive))
            .map_err(|error| wrong(error.to_string()))?;
        if found != *sum {
            return Err(wrong(format!("the image has the sum {found} and not {sum}")));
        }
    }
    // The description of where the crates lie is of the machine that wrote it.
    let said = host.read_text(&crates.join(vendored::SOURCES), TEXT_LIMIT);
    let said = said.map_err(Error::read(&crates))?;
    vendored::describe(host, &crates, &said, &cache.join(&parts.crates))?;
    for part in parts.all() {
        let place = cache.join(part);
        if host.exists(&place) {
            continue;
        }
        place.parent().map_or(Ok(()), host::create_directory).map_err(Error::write(&place))?;
        host::rename(&unpacked(part), &place).map_err(Error::write(&place))?;
    }
    Ok(())
}

fn error_text(error: &Error) -> String {
    match error {
        Error::Program { reason, .. } => reason.clone(),
        other => other.to_string(),
    }
}
