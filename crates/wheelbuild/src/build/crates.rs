//! The crates that a wheel is made of, and which uses which.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use host::{Host, Invocation};
use serde::Deserialize;

use super::project::Project;
use super::vendored::Vendored;
use super::{Error, Result};

const LOCK_LIMIT: u64 = 64 << 20;

/// A crate as `Cargo.lock` has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Crate {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The sha256 of its `.crate` file; crates of the project and of git have none.
    pub checksum: Option<String>,
    /// Whether it comes from a registry.
    pub is_registered: bool,
    /// What it uses, of those in the graph, as places in it.
    pub uses: Vec<usize>,
}

/// Crates, sorted by name and version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrateGraph(pub Vec<Crate>);

#[derive(Deserialize)]
struct LockFile {
    #[serde(default, rename = "package")]
    packages: Vec<LockedPackage>,
}

#[derive(Deserialize)]
struct LockedPackage {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

impl CrateGraph {
    /// The crates that are compiled for the wheel of a project: its normal and build dependencies
    /// for one target, with the features that are on. The network is not used: cargo finds the
    /// crates where they were vendored.
    ///
    /// # Errors
    /// `Cargo.lock` does not fit the manifests, or cargo fails.
    pub fn of(
        host: &Host,
        cargo: &Path,
        project: &Project,
        vendored: &Vendored,
        target: &str,
    ) -> Result<CrateGraph> {
        let doing = "list the crates of the wheel";
        let output = Invocation::new(cargo)
            .args(["tree", "--offline", "--config"])
            .arg(&vendored.config_file)
            .args(["--locked", "--edges", "normal,build", "--prefix", "none"])
            .args(["--no-dedupe", "--format", "{p}", "--target", target, "--package"])
            .arg(&project.package)
            .directory(project.root.join(&project.workspace))
            .output_limit(1 << 28)
            .output()
            .map_err(Error::process(doing))?;
        if !output.success() {
            let said = output.stderr_text();
            return Err(not_in_the_lock(project, &said).unwrap_or_else(|| Error::Program {
                doing: doing.to_owned(),
                reason: said.trim().to_owned(),
                cure: None,
            }));
        }
        let path = project.lock_file();
        let text = host.read_text(&path, LOCK_LIMIT).map_err(Error::read(&path))?;
        let lock = parse_lock(&path, &text)?;
        Ok(graph(&names(&output.stdout_text()), &lock))
    }

    /// The checksums of the crates that come from registries, by name and version.
    #[must_use]
    pub fn checksums(&self) -> BTreeMap<(String, String), String> {
        let registered = self.0.iter().filter(|it| it.is_registered);
        registered
            .filter_map(|it| Some(((it.name.clone(), it.version.clone()), it.checksum.clone()?)))
            .collect()
    }
}

/// What cargo says without the network when a manifest asks for a crate that `Cargo.lock` does not
/// have.
fn not_in_the_lock(project: &Project, said: &str) -> Option<Error> {
    let missing = said.lines().find_map(|line| {
        let line = line.trim().strip_prefix("error: ").unwrap_or(line.trim());
        line.strip_prefix("no matching package named `")?.split('`').next()
    });
    let reason = match missing {
        Some(name) => format!("the crate {name} is not in it, and a manifest asks for it"),
        None if said.contains("--locked") => "it does not fit the manifests".to_owned(),
        None => return None,
    };
    Some(Error::Project {
        path: project.lock_file(),
        reason,
        cure: "run `cargo update --workspace` and commit Cargo.lock".to_owned(),
    })
}

fn parse_lock(path: &Path, text: &str) -> Result<LockFile> {
    toml::from_str(text).map_err(|error| Error::Project {
        path: path.to_path_buf(),
        reason: error.message().to_owned(),
        cure: "restore the file from the repository".to_owned(),
    })
}

/// Names and versions of `cargo tree`'s lines, `name v1.2.3 (what it is)`.
fn names(output: &str) -> BTreeSet<(String, String)> {
    let words = |line: &str| {
        let mut words = line.split(' ');
        let name = words.next()?.to_owned();
        let version = words.next()?.strip_prefix('v')?.to_owned();
        Some((name, version))
    };
    output.lines().filter_map(words).collect()
}

fn graph(names: &BTreeSet<(String, String)>, lock: &LockFile) -> CrateGraph {
    let mut packages: Vec<&LockedPackage> = lock
        .packages
        .iter()
        .filter(|package| names.contains(&(package.name.clone(), package.version.clone())))
        .collect();
    packages.sort_by_key(|package| (&package.name, &package.version, &package.source));
    // `name`, or `name version` where there are several, or `name version (source)`.
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for (place, package) in packages.iter().enumerate() {
        places.insert(format!("{} {}", package.name, package.version), place);
        places.insert(package.name.clone(), place);
    }
    let crates = packages.iter().map(|package| {
        let place = |text: &String| {
            let mut words = text.split(' ');
            let (name, version) = (words.next()?, words.next());
            let key = version.map_or(name.to_owned(), |version| format!("{name} {version}"));
            places.get(&key).copied()
        };
        let mut uses: Vec<usize> = package.dependencies.iter().filter_map(place).collect();
        uses.sort_unstable();
        Crate {
            name: package.name.clone(),
            version: package.version.clone(),
            checksum: package.checksum.clone(),
            is_registered: package.source.as_deref().is_some_and(|source| {
                source.starts_with("registry+") || source.starts_with("sparse+")
            }),
            uses,
        }
    });
    CrateGraph(crates.collect())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const LOCK: &str = r#"
version = 4
[[package]]
name = "app"
version = "0.1.0"
dependencies = ["serde", "syn 2.0.0", "only-in-tests"]
[[package]]
name = "only-in-tests"
version = "1.0.0"
source = "registry+https://index.example/x"
checksum = "cc"
[[package]]
name = "serde"
version = "1.0.0"
source = "registry+https://index.example/x"
checksum = "aa"
dependencies = ["syn 1.0.0"]
[[package]]
name = "syn"
version = "1.0.0"
source = "registry+https://index.example/x"
checksum = "bb"
[[package]]
name = "syn"
version = "2.0.0"
source = "git+https://git.example/syn?rev=1#abc"
"#;

    pub(crate) fn example() -> CrateGraph {
        let tree = "app v0.1.0 (/somewhere/app)\nserde v1.0.0\nsyn v1.0.0\nsyn v2.0.0 (proc-macro)\nserde v1.0.0 (*)\n";
        graph(&names(tree), &parse_lock(Path::new("Cargo.lock"), LOCK).unwrap())
    }

    #[test]
    fn only_what_is_compiled_is_in_the_graph() {
        let CrateGraph(crates) = example();
        let names: Vec<_> =
            crates.iter().map(|it| (it.name.as_str(), it.version.as_str())).collect();
        assert_eq!(
            names,
            [("app", "0.1.0"), ("serde", "1.0.0"), ("syn", "1.0.0"), ("syn", "2.0.0")]
        );
        assert_eq!(crates[0].uses, [1, 3]);
        assert_eq!(crates[1].uses, [2]);
        assert!(crates[1].is_registered && !crates[3].is_registered && !crates[0].is_registered);
    }

    #[test]
    fn a_lock_that_is_no_lock_is_named() {
        assert!(parse_lock(Path::new("x/Cargo.lock"), "[[package]]\nname = 1").is_err());
    }
}
