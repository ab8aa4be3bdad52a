//! The project that is built: where it is, and which wheel is made of it.

use std::path::{Path, PathBuf};

use host::{Host, Invocation};
use serde::Deserialize;

use super::{Error, Result};

/// Manifests are small; a larger one is none.
const MANIFEST_LIMIT: u64 = 4 << 20;

/// The earliest time that a zip archive can hold, 1980-01-01, and the latest, 2107-12-31.
const EPOCHS: std::ops::RangeInclusive<u64> = 315_532_800..=4_354_819_199;

/// A project of a crate that maturin makes a wheel of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// What everything is relative to: the top of the repository.
    pub root: PathBuf,
    /// The directory of `pyproject.toml`, relative to the root.
    pub directory: PathBuf,
    /// The directory of `Cargo.lock`, relative to the root.
    pub workspace: PathBuf,
    /// The name of the distribution, as `pyproject.toml` has it.
    pub name: String,
    /// The name of the crate.
    pub package: String,
    /// The crate's version.
    pub version: String,
    /// The requirement of maturin in `build-system`.
    pub maturin: String,
    /// `requires-python`, if it is said.
    pub requires_python: Option<String>,
    /// The crates of the workspace.
    pub members: Vec<String>,
    /// What the wheel is imported as.
    pub module: String,
    /// The profile that cargo compiles with, if the project names one; else `release`.
    pub profile: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Pyproject {
    build_system: Option<BuildSystem>,
    project: Option<ProjectTable>,
    tool: Option<Tool>,
}

#[derive(Deserialize)]
struct Tool {
    maturin: Option<Maturin>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
struct Maturin {
    module_name: Option<String>,
    profile: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct BuildSystem {
    #[serde(default)]
    requires: Vec<String>,
    build_backend: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct ProjectTable {
    name: Option<String>,
    requires_python: Option<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    manifest_path: PathBuf,
}

impl Project {
    /// The project whose `pyproject.toml` is in `directory`.
    ///
    /// # Errors
    /// There is none, its backend is not maturin, it has no crate, or no `Cargo.lock`.
    pub fn open(host: &Host, cargo: &Path, directory: &Path) -> Result<Project> {
        let directory = host.canonicalize(directory).map_err(|error| {
            wrong(directory, &error.to_string(), "name a directory that is there")
        })?;
        let path = directory.join("pyproject.toml");
        let text = host.read_text(&path, MANIFEST_LIMIT).map_err(|error| {
            if error.is_not_found() {
                let cure = "name the directory of a maturin project with --project, or as `wheel` under [build] in truewheel.toml";
                wrong(&directory, "no pyproject.toml is there", cure)
            } else {
                Error::Read { path: path.clone(), source: error }
            }
        })?;
        let pyproject: Pyproject =
            toml::from_str(&text).map_err(|error| wrong(&path, error.message(), "correct it"))?;
        let system = pyproject
            .build_system
            .filter(|system| system.build_backend.as_deref() == Some("maturin"));
        let Some(system) = system else {
            let cure = "only projects with `build-backend = \"maturin\"` can be built here";
            return Err(wrong(&path, "its build backend is not maturin", cure));
        };
        let maturin = system
            .requires
            .iter()
            .find(|requirement| {
                requirement.split(['=', '<', '>', '~', '!', '[', ';', ' ']).next()
                    == Some("maturin")
            })
            .cloned()
            .unwrap_or_else(|| "maturin".to_owned());
        let manifest = directory.join("Cargo.toml");
        if !host.is_file(&manifest) {
            let cure = "put pyproject.toml beside the Cargo.toml of the crate";
            return Err(wrong(&directory, "no Cargo.toml is beside pyproject.toml", cure));
        }
        let metadata = metadata(host, cargo, &manifest)?;
        let package = metadata.packages.iter().find(|package| package.manifest_path == manifest);
        let Some(package) = package else {
            return Err(wrong(&manifest, "it is no package", "add a [package] table"));
        };
        let workspace = metadata.workspace_root;
        if !host.is_file(&workspace.join("Cargo.lock")) {
            let cure = "run `cargo generate-lockfile` and commit Cargo.lock";
            return Err(wrong(
                &workspace,
                "no Cargo.lock is there, so two builds can have different crates",
                cure,
            ));
        }
        let root = repository(host, &workspace).unwrap_or_else(|| workspace.clone());
        let below = |path: &Path| {
            path.strip_prefix(&root).map(Path::to_path_buf).map_err(|_| {
                wrong(
                    path,
                    &format!("it is not below {}", root.display()),
                    "keep the workspace in one repository",
                )
            })
        };
        let project = pyproject.project;
        let maturin_table = pyproject.tool.and_then(|tool| tool.maturin).unwrap_or_default();
        let name = project
            .as_ref()
            .and_then(|project| project.name.clone())
            .unwrap_or_else(|| package.name.clone());
        let module = maturin_table.module_name.as_deref().and_then(|name| name.split('.').next());
        Ok(Project {
            module: module.map_or_else(|| name.replace(['-', '.'], "_"), str::to_owned),
            profile: maturin_table.profile,
            directory: below(&directory)?,
            workspace: below(&workspace)?,
            name,
            requires_python: project.and_then(|project| project.requires_python),
            members: metadata.packages.iter().map(|package| package.name.clone()).collect(),
            package: package.name.clone(),
            version: package.version.clone(),
            maturin,
            root,
        })
    }

    /// The directory of `Cargo.lock` and `build.lock.toml`.
    #[must_use]
    pub fn lock_directory(&self) -> PathBuf {
        self.root.join(&self.workspace)
    }

    /// `Cargo.lock`.
    #[must_use]
    pub fn lock_file(&self) -> PathBuf {
        self.root.join(&self.workspace).join("Cargo.lock")
    }
}

fn wrong(path: &Path, reason: &str, cure: &str) -> Error {
    Error::Project { path: path.to_path_buf(), reason: reason.to_owned(), cure: cure.to_owned() }
}

fn metadata(host: &Host, cargo: &Path, manifest: &Path) -> Result<Metadata> {
    let doing = "ask cargo about the crate";
    let output = Invocation::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline", "--manifest-path"])
        .arg(manifest)
        .directory(manifest.parent().unwrap_or(&host.working_directory))
        .output()
        .map_err(Error::process(doing))?;
    if !output.success() {
        let reason = output.stderr_text().trim().to_owned();
        return Err(Error::Program { doing: doing.to_owned(), reason, cure: None });
    }
    serde_json::from_slice(&output.stdout).map_err(|error| Error::Program {
        doing: doing.to_owned(),
        reason: error.to_string(),
        cure: None,
    })
}

/// The top of the git repository around a directory.
fn repository(host: &Host, directory: &Path) -> Option<PathBuf> {
    directory.ancestors().find(|path| host.exists(&path.join(".git"))).map(Path::to_path_buf)
}

/// The time that everything in a wheel gets: `SOURCE_DATE_EPOCH` if it is set, else the time of the
/// last commit, else the first that a zip archive can hold. In seconds since 1970.
///
/// # Errors
/// The variable is no number, or a time that a zip archive cannot hold.
pub fn source_date_epoch(variable: Option<&str>, commit: Option<u64>) -> Result<u64> {
    let Some(text) = variable else {
        return Ok(commit.unwrap_or(0).clamp(*EPOCHS.start(), *EPOCHS.end()));
    };
    let wrong = |reason: String| Error::Setting { name: "SOURCE_DATE_EPOCH".to_owned(), reason };
    let seconds: u64 =
        text.parse().map_err(|_| wrong(format!("{text:?} is no number of seconds since 1970")))?;
    if EPOCHS.contains(&seconds) {
        return Ok(seconds);
    }
    Err(wrong(format!(
        "{seconds} is not between 1980 and 2107, which is all that a wheel can hold"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_a_time_that_a_zip_archive_can_hold() {
        assert_eq!(source_date_epoch(None, Some(1_700_000_000)).unwrap(), 1_700_000_000);
        assert_eq!(source_date_epoch(None, None).unwrap(), 315_532_800);
        assert_eq!(source_date_epoch(Some("1700000000"), Some(5)).unwrap(), 1_700_000_000);
        for absurd in ["", "abc", "-1", "0", "315532799", "4354819200", "99999999999999999999"] {
            assert!(source_date_epoch(Some(absurd), None).is_err(), "{absurd:?}");
        }
    }
}
