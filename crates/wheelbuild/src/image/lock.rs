//! Which images a project was last built with: `docker/images.lock.toml`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use host::{Host, write_atomically};
use serde::{Deserialize, Serialize};

use super::{Error, Image, Package, Recipe, Reference};
use crate::engine::{Ready, engine_command};

/// Where a project keeps it.
pub const LOCK_FILE: &str = "docker/images.lock.toml";

/// More is no lock file.
const LIMIT: u64 = 4 << 20;
/// Long enough to fetch an image.
const PATIENCE: Duration = Duration::from_secs(1800);

/// What stands above the lock file.
const HEADING: &str = "# Written by `cargo xtask image lock`. The images that wheels are built in: \
    base images by the\n# SHA-256 of their files (the diffID of their layer), images of registries \
    by their digest.\n\n";

/// A base image that was made here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Locked {
    /// `sha256:` and the sum of its archive.
    pub diff_id: String,
    /// What it was made with.
    pub made_by: String,
    /// What is installed in it.
    pub packages: Vec<Package>,
    /// What it was made of.
    pub recipe: Recipe,
}

/// An image of a registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LockedReference {
    /// Registry and repository.
    pub image: String,
    /// The tag that was asked for.
    pub tag: String,
    /// What the tag meant; absent until `image lock --registry` has asked the registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// Everything that is locked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LockFile {
    /// Images of registries, by the project's names for them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub registry: BTreeMap<String, LockedReference>,
    /// Base images, by Debian's name of the processor.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub base: BTreeMap<String, Locked>,
}

impl LockFile {
    /// What the project's file says; nothing is locked without one.
    ///
    /// # Errors
    /// The file cannot be read, or is none of these.
    pub fn load(host: &Host, project: &Path) -> Result<Self, Error> {
        let path = project.join(LOCK_FILE);
        if !host.exists(&path) {
            return Ok(Self::default());
        }
        let malformed = |reason| Error::Malformed { path: path.clone(), reason };
        let lock: Self = toml::from_str(&host.read_text(&path, LIMIT)?)
            .map_err(|error| malformed(error.to_string()))?;
        let digests = lock.registry.values().filter_map(|locked| locked.digest.as_ref());
        let mut sums = lock.base.values().map(|locked| &locked.diff_id).chain(digests);
        match sums.find(|sum| !is_sum(sum)) {
            Some(wrong) => Err(malformed(format!("{wrong:?} is not `sha256:` and 64 digits"))),
            None => Ok(lock),
        }
    }

    /// The image that is locked for a processor.
    #[must_use]
    pub fn image(&self, architecture: &str) -> Option<Image> {
        let locked = self.base.get(architecture)?;
        Some(Image {
            sum: locked.diff_id.strip_prefix("sha256:")?.to_owned(),
            architecture: architecture.to_owned(),
            recipe: locked.recipe.clone(),
            made_by: locked.made_by.clone(),
            packages: locked.packages.clone(),
        })
    }

    /// Locks an image for its processor.
    pub fn set(&mut self, image: &Image) {
        let locked = Locked {
            diff_id: image.diff_id(),
            made_by: image.made_by.clone(),
            packages: image.packages.clone(),
            recipe: image.recipe.clone(),
        };
        self.base.insert(image.architecture.clone(), locked);
    }

    /// Takes over which images of registries are wanted; digests of tags that did not change stay.
    pub fn want(&mut self, wanted: &BTreeMap<String, Reference>) {
        let old = std::mem::take(&mut self.registry);
        for (name, reference) in wanted {
            let Reference { image, tag } = reference.clone();
            let same = old.get(name).filter(|old| old.image == image && old.tag == tag);
            let digest = same.and_then(|old| old.digest.clone());
            self.registry.insert(name.clone(), LockedReference { image, tag, digest });
        }
    }

    /// The file's text.
    ///
    /// # Errors
    /// Never for what [`LockFile::load`] accepts.
    pub fn text(&self) -> Result<String, Error> {
        let body = toml::to_string_pretty(self).map_err(|error| Error::Malformed {
            path: LOCK_FILE.into(),
            reason: error.to_string(),
        })?;
        Ok(format!("{HEADING}{body}"))
    }

    /// Writes the project's file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn save(&self, project: &Path) -> Result<(), Error> {
        let path = project.join(LOCK_FILE);
        write_atomically(&path, self.text()?.as_bytes()).map_err(Error::file(&path))
    }
}

fn is_sum(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|digits| {
        digits.len() == 64 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// Fetches an image of a registry with that engine, and gives its digest.
///
/// # Errors
/// The registry cannot be reached or has no such image, or the engine does not tell the digest.
pub fn digest_of(ready: &Ready, wanted: &LockedReference) -> Result<String, Error> {
    let name = format!("{}:{}", wanted.image, wanted.tag);
    let mut printed = Vec::new();
    let inspect = ["image", "inspect", "--format", "{{json .RepoDigests}}", &name];
    for command in [
        engine_command(ready).args(["pull", "--quiet", &name]),
        engine_command(ready).args(inspect),
    ] {
        let output = command.clone().timeout(PATIENCE).output()?;
        if !output.success() {
            let said = output.stderr_text();
            let said = said.trim().lines().last().unwrap_or_default().to_owned();
            return Err(Error::Failed { program: command.display(), said });
        }
        printed = output.stdout;
    }
    digest_among(&printed).ok_or_else(|| Error::Failed {
        program: ready.engine.name().to_owned(),
        said: format!("it does not say the digest of {name}"),
    })
}

/// `["docker.io/library/rust@sha256:..."]`
fn digest_among(printed: &[u8]) -> Option<String> {
    let digests: Vec<String> = serde_json::from_slice(printed).ok()?;
    let mut sums = digests.iter().filter_map(|digest| digest.split_once('@')).map(|(_, sum)| sum);
    sums.find(|sum| is_sum(sum)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::store::sample;

    const SUM: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_lock_file_is_read_as_it_is_written() {
        let project = tempfile::tempdir().unwrap();
        let host = Host::current().unwrap();
        let mut lock = LockFile::load(&host, project.path()).unwrap();
        assert_eq!(lock, LockFile::default());
        lock.set(&sample(SUM));
        let rust = Reference { image: "docker.io/library/rust".to_owned(), tag: "1".to_owned() };
        let wanted = BTreeMap::from([("rust".to_owned(), rust)]);
        lock.want(&wanted);
        lock.save(project.path()).unwrap();
        let read = LockFile::load(&host, project.path()).unwrap();
        assert_eq!(read, lock);
        assert_eq!(read.image("amd64"), Some(sample(SUM)));
        assert_eq!(read.image("arm64"), None);
        insta::assert_snapshot!(lock.text().unwrap(), @r#"
        # Written by `cargo xtask image lock`. The images that wheels are built in: base images by the
        # SHA-256 of their files (the diffID of their layer), images of registries by their digest.

        [registry.rust]
        image = "docker.io/library/rust"
        tag = "1"

        [base.amd64]
        diff-id = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        made-by = "mmdebstrap 1.3.5"
        packages = ["gcc 4:12.2.0-3 amd64"]

        [base.amd64.recipe]
        suite = "bookworm"
        mirror = "http://deb.debian.org/debian"
        epoch = 1750000000
        include = [
            "ca-certificates",
            "gcc",
            "libc6-dev",
            "python3",
            "python3-venv",
        ]
        "#);
    }

    #[test]
    fn a_digest_stays_as_long_as_its_tag_does() {
        let mut lock = LockFile::default();
        let reference = |tag: &str| {
            let rust = Reference { image: "rust".to_owned(), tag: tag.to_owned() };
            BTreeMap::from([("rust".to_owned(), rust)])
        };
        lock.want(&reference("1"));
        lock.registry.get_mut("rust").unwrap().digest = Some(format!("sha256:{SUM}"));
        lock.want(&reference("1"));
        assert!(lock.registry["rust"].digest.is_some());
        lock.want(&reference("2"));
        assert!(lock.registry["rust"].digest.is_none());
    }

    #[test]
    fn damaged_sums_and_unknown_keys_are_refused() {
        let project = tempfile::tempdir().unwrap();
        fs_err::create_dir(project.path().join("docker")).unwrap();
        let host = Host::current().unwrap();
        let mut lock = LockFile::default();
        lock.set(&sample(SUM));
        let text = lock.text().unwrap();
        for (from, to, said) in [
            (SUM, "ba78", "64 digits"),
            ("made-by", "maid-by", "maid-by"),
            ("[base", "[bas", "bas"),
        ] {
            fs_err::write(project.path().join(LOCK_FILE), text.replace(from, to)).unwrap();
            let error = LockFile::load(&host, project.path()).unwrap_err().to_string();
            assert!(error.contains(said) && error.contains(LOCK_FILE), "{error}");
        }
    }

    #[test]
    fn the_digest_is_read_from_what_engines_print() {
        let printed = format!("[\"docker.io/library/rust@sha256:{SUM}\"]\n");
        assert_eq!(digest_among(printed.as_bytes()), Some(format!("sha256:{SUM}")));
        assert_eq!(digest_among(b"[]"), None);
        assert_eq!(digest_among(b"null"), None);
    }
}
