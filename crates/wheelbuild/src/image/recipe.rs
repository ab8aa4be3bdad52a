//! What images a project wants: `docker/images.toml`.

use std::collections::BTreeMap;
use std::path::Path;

use host::{Arch, Host};
use serde::{Deserialize, Serialize};

use super::Error;

/// Where a project says which images it wants.
pub const RECIPE_FILE: &str = "docker/images.toml";

/// More is no list of images.
const LIMIT: u64 = 1 << 20;

/// What a base image is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Recipe {
    /// Debian's name of the release: `bookworm`.
    pub suite: String,
    /// Where the packages come from.
    pub mirror: String,
    /// A day of Debian's archive of snapshots (`20260901T000000Z`), instead of the mirror: the same
    /// packages on every later day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// Seconds since 1970: no file is newer.
    pub epoch: u64,
    /// Packages besides the smallest system.
    pub include: Vec<String>,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            suite: "bookworm".to_owned(),
            mirror: "http://deb.debian.org/debian".to_owned(),
            snapshot: None,
            epoch: 1_750_000_000,
            include: ["ca-certificates", "gcc", "libc6-dev", "python3", "python3-venv"]
                .map(str::to_owned)
                .to_vec(),
        }
    }
}

/// Debian's archive of snapshots.
const SNAPSHOTS: &str = "https://snapshot.debian.org/archive/debian";

impl Recipe {
    /// Where the packages come from: the snapshot, if there is one.
    #[must_use]
    pub fn source(&self) -> String {
        match &self.snapshot {
            Some(day) => format!("{SNAPSHOTS}/{day}"),
            None => self.mirror.clone(),
        }
    }

    /// What cannot be in it, if anything cannot.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let is_name = |text: &str| {
            !text.is_empty()
                && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-._=~:".contains(c))
                && !text.starts_with('-')
        };
        if !is_name(&self.suite) {
            return Some(format!("`suite` is {:?}, which is no release's name", self.suite));
        }
        if let Some(wrong) = self.include.iter().find(|name| !is_name(name)) {
            return Some(format!("`include` names {wrong:?}, which is no package's name"));
        }
        if self.snapshot.as_deref().is_some_and(|day| !is_name(day)) {
            return Some("`snapshot` is a day such as 20260901T000000Z".to_owned());
        }
        let is_address = ["http://", "https://", "file://", "copy://"]
            .iter()
            .any(|scheme| self.mirror.starts_with(scheme));
        if !is_address || self.mirror.contains(char::is_whitespace) {
            return Some(format!("`mirror` is {:?}, which is no address", self.mirror));
        }
        // The archives and wheels of that time cannot say less.
        if self.epoch < 315_532_800 {
            return Some("`epoch` is before 1980".to_owned());
        }
        None
    }
}

/// An image in a registry, by the name under which it is published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Reference {
    /// Registry and repository: `docker.io/library/rust`.
    pub image: String,
    /// Its tag.
    pub tag: String,
}

/// Everything a project's file says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Recipes {
    /// The image that is made here.
    #[serde(default)]
    pub base: Recipe,
    /// Images of registries, for those who reach one.
    #[serde(default)]
    pub registry: BTreeMap<String, Reference>,
}

impl Recipes {
    /// What the project's file says; without one, the usual base image and no registry.
    ///
    /// # Errors
    /// The file cannot be read, or says something that cannot be.
    pub fn load(host: &Host, project: &Path) -> Result<Self, Error> {
        let path = project.join(RECIPE_FILE);
        if !host.exists(&path) {
            return Ok(Self::default());
        }
        let malformed = |reason| Error::Malformed { path: path.clone(), reason };
        let recipes: Self = toml::from_str(&host.read_text(&path, LIMIT)?)
            .map_err(|error| malformed(error.to_string()))?;
        match recipes.base.problem() {
            Some(problem) => Err(malformed(problem)),
            None => Ok(recipes),
        }
    }
}

/// Debian's name of this machine's architecture.
#[must_use]
pub fn architecture(host: &Host) -> String {
    match &host.arch {
        Arch::X86_64 => "amd64".to_owned(),
        Arch::Aarch64 => "arm64".to_owned(),
        Arch::I686 => "i386".to_owned(),
        Arch::Other(name) => name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Recipes, String> {
        let project = tempfile::tempdir().unwrap();
        fs_err::create_dir(project.path().join("docker")).unwrap();
        fs_err::write(project.path().join(RECIPE_FILE), text).unwrap();
        Recipes::load(&Host::current().unwrap(), project.path()).map_err(|error| error.to_string())
    }

    #[test]
    fn without_a_file_the_usual_base_is_wanted() {
        let recipes = Recipes::load(&Host::current().unwrap(), Path::new("/nonexistent")).unwrap();
        assert_eq!(recipes, Recipes::default());
        assert_eq!(recipes.base.problem(), None);
    }

    #[test]
    fn a_snapshot_comes_before_the_mirror() {
        let base = "[base]\nsuite = \"trixie\"\nmirror = \"http://m\"\nepoch = 1750000000\n";
        let recipes = load(&format!("{base}include = []\nsnapshot = \"20260901T000000Z\"\n"));
        assert!(recipes.unwrap().base.source().ends_with("/archive/debian/20260901T000000Z"));
        assert_eq!(load(&format!("{base}include = []\n")).unwrap().base.source(), "http://m");
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        let base = |suite: &str, mirror: &str, epoch: u64, include: &str| {
            let text = format!(
                "[base]\nsuite = {suite:?}\nmirror = {mirror:?}\nepoch = {epoch}\n\
                 include = [{include:?}]\n"
            );
            load(&text).unwrap_err()
        };
        assert!(base("a b", "http://m", 1 << 30, "gcc").contains("`suite`"));
        assert!(base("bookworm", "m", 1 << 30, "gcc").contains("`mirror`"));
        assert!(base("bookworm", "http://m", 5, "gcc").contains("`epoch`"));
        assert!(base("bookworm", "http://m", 1 << 30, "--x").contains("`include`"));
        assert!(load("[base]\nsuit = \"bookworm\"\n").unwrap_err().contains("suit"));
    }
}
