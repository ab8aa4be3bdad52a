//! The store of images in the cache directory: `images/SUM.tar`, and what is known of it beside.

use std::path::{Path, PathBuf};

use host::{Host, Lock, Scratch, create_directory, rename, set_mode, write_atomically};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Error, Package, Recipe};
use crate::digest::hexadecimal;

/// Images that are listed.
const MOST: usize = 10_000;
/// Longest description of an image.
const LIMIT: u64 = 4 << 20;
/// Read at once when a sum is made.
const PART: usize = 1 << 20;

/// An image in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Image {
    /// SHA-256 of the archive in hexadecimal digits: the diffID of the only layer.
    pub sum: String,
    /// Debian's name of the processor that it is for.
    pub architecture: String,
    /// What it was made of.
    pub recipe: Recipe,
    /// What it was made with.
    pub made_by: String,
    /// What is installed in it.
    pub packages: Vec<Package>,
}

impl Image {
    /// As engines write it: `sha256:` and the sum.
    #[must_use]
    pub fn diff_id(&self) -> String {
        format!("sha256:{}", self.sum)
    }
}

/// The store.
#[derive(Debug, Clone)]
pub struct Store {
    directory: PathBuf,
}

impl Store {
    /// That of the cache directory; it is made when something is put into it.
    ///
    /// # Errors
    /// There is no cache directory.
    pub fn of(host: &Host) -> Result<Self, Error> {
        let cache = host.cache_directory().ok_or(Error::NoCache)?;
        Ok(Self { directory: cache.join("images") })
    }

    /// Where it is.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where the archive of an image is.
    #[must_use]
    pub fn archive(&self, sum: &str) -> PathBuf {
        self.directory.join(format!("{sum}.tar"))
    }

    /// Where an image is unpacked for namespaces.
    #[must_use]
    pub fn unpacked(&self, sum: &str) -> PathBuf {
        self.directory.join(format!("{sum}.root"))
    }

    fn description(&self, sum: &str) -> PathBuf {
        self.directory.join(format!("{sum}.json"))
    }

    /// A directory for work that ends with something in the store, on the same file system.
    pub(super) fn scratch(&self) -> Result<Scratch, Error> {
        self.prepare()?;
        let work = self.directory.join("work");
        Scratch::new(&work, "image").map_err(Error::file(&work))
    }

    /// A lock between processes for one image.
    pub(super) fn lock(&self, sum: &str) -> Result<Lock, Error> {
        self.prepare()?;
        let path = self.directory.join(format!("{sum}.lock"));
        Lock::wait(&path).map_err(Error::file(&path))
    }

    fn prepare(&self) -> Result<(), Error> {
        create_directory(&self.directory).map_err(Error::file(&self.directory))?;
        // Root file systems hold programs that run as their owner.
        set_mode(&self.directory, 0o700).map_err(Error::file(&self.directory))
    }

    /// Moves an archive into the store and describes it.
    pub(super) fn add(&self, archive: &Path, image: &Image) -> Result<(), Error> {
        self.prepare()?;
        let place = self.archive(&image.sum);
        rename(archive, &place).map_err(Error::file(&place))?;
        let description = self.description(&image.sum);
        let text = serde_json::to_vec_pretty(image).map_err(|error| Error::Malformed {
            path: description.clone(),
            reason: error.to_string(),
        })?;
        write_atomically(&description, &text).map_err(Error::file(&description))
    }

    /// The image with that sum, if it is there.
    ///
    /// # Errors
    /// Its description is damaged.
    pub fn get(&self, host: &Host, sum: &str) -> Result<Option<Image>, Error> {
        let description = self.description(sum);
        if !host.is_file(&self.archive(sum)) || !host.is_file(&description) {
            return Ok(None);
        }
        let image: Image = serde_json::from_slice(&host.read(&description, LIMIT)?)
            .map_err(|error| Error::Malformed { path: description, reason: error.to_string() })?;
        Ok((image.sum == sum).then_some(image))
    }

    /// Every image, newest first, with the length of its archive in bytes.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn list(&self, host: &Host) -> Result<Vec<(Image, u64)>, Error> {
        if !host.is_dir(&self.directory) {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for entry in host.list(&self.directory, MOST)? {
            let Some(sum) = entry.name_text().and_then(|name| name.strip_suffix(".tar")) else {
                continue;
            };
            if let Some(image) = self.get(host, sum)? {
                let archive = host.metadata(&self.archive(sum)).map_err(Error::file(sum))?;
                found.push((archive.modified_ns, image, archive.len));
            }
        }
        found.sort_by_key(|(modified, _, _)| std::cmp::Reverse(*modified));
        Ok(found.into_iter().map(|(_, image, length)| (image, length)).collect())
    }

    /// The newest image that was made of that recipe for that processor.
    ///
    /// # Errors
    /// As [`Store::list`].
    pub fn newest(
        &self,
        host: &Host,
        recipe: &Recipe,
        architecture: &str,
    ) -> Result<Option<Image>, Error> {
        let mut all = self.list(host)?.into_iter().map(|(image, _)| image);
        Ok(all.find(|image| image.recipe == *recipe && image.architecture == architecture))
    }
}

/// SHA-256 of a file, in hexadecimal digits.
///
/// # Errors
/// The file cannot be read.
pub(crate) fn sum_of_file(host: &Host, path: &Path) -> Result<String, Error> {
    let file = host.open(path)?;
    let mut sum = Sha256::new();
    let mut part = vec![0; PART];
    let mut offset = 0;
    while offset < file.length() {
        let left = usize::try_from(file.length() - offset).unwrap_or(PART).min(PART);
        file.read_exact_at(&mut part[..left], offset).map_err(Error::file(path))?;
        sum.update(&part[..left]);
        offset += left as u64;
    }
    Ok(hexadecimal(&sum.finalize()))
}

/// An image of the tests, with that sum.
#[cfg(test)]
pub(super) fn sample(sum: &str) -> Image {
    Image {
        sum: sum.to_owned(),
        architecture: "amd64".to_owned(),
        recipe: Recipe::default(),
        made_by: "mmdebstrap 1.3.5".to_owned(),
        packages: vec![Package::try_from("gcc 4:12.2.0-3 amd64".to_owned()).unwrap()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_found_by_its_sum_and_by_its_recipe() {
        let directory = tempfile::tempdir().unwrap();
        let mut host = Host::current().unwrap();
        host.variables.set("TRUEWHEEL_CACHE_DIR", directory.path());
        let store = Store::of(&host).unwrap();
        assert!(store.list(&host).unwrap().is_empty());
        let archive = directory.path().join("made.tar");
        fs_err::write(&archive, b"abc").unwrap();
        let sum = sum_of_file(&host, &archive).unwrap();
        assert!(sum.starts_with("ba7816bf"), "{sum}");
        store.add(&archive, &sample(&sum)).unwrap();
        assert_eq!(store.get(&host, &sum).unwrap(), Some(sample(&sum)));
        assert_eq!(store.get(&host, "00").unwrap(), None);
        let recipe = Recipe::default();
        assert_eq!(store.newest(&host, &recipe, "amd64").unwrap(), Some(sample(&sum)));
        assert_eq!(store.newest(&host, &recipe, "arm64").unwrap(), None);
        assert_eq!(store.list(&host).unwrap(), [(sample(&sum), 3)]);
        fs_err::write(store.description(&sum), "{").unwrap();
        let error = store.get(&host, &sum).unwrap_err().to_string();
        assert!(error.contains(".json"), "{error}");
    }
}
