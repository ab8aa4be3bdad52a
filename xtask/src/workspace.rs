//! Where the repository is, and how its cargo is called.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use host::{Host, Invocation};

/// The repository and the machine it is on.
pub(crate) struct Workspace {
    /// The machine.
    pub(crate) host: Host,
    /// The directory that holds the workspace's `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// The directory that cargo builds in.
    pub(crate) target: PathBuf,
}

impl Workspace {
    /// The repository that this program was built from.
    ///
    /// # Errors
    /// When the working directory no longer exists.
    pub(crate) fn open() -> anyhow::Result<Self> {
        let host = Host::current().context("cannot read the working directory")?;
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest.parent().unwrap_or(manifest).to_path_buf();
        let target = match host.variables.path("CARGO_TARGET_DIR") {
            Some(chosen) => host.absolute(&chosen),
            None => root.join("target"),
        };
        Ok(Self { host, root, target })
    }

    /// The cargo that runs this program.
    pub(crate) fn cargo_program(&self) -> PathBuf {
        self.host.variables.path("CARGO").unwrap_or_else(|| PathBuf::from("cargo"))
    }

    /// A call of cargo in the repository's directory.
    pub(crate) fn cargo(&self) -> Invocation {
        Invocation::new(self.cargo_program()).directory(&self.root)
    }

    /// The names of the integration-test binaries of every crate, sorted.
    ///
    /// # Errors
    /// When cargo cannot describe the workspace.
    pub(crate) fn test_binaries(&self) -> anyhow::Result<Vec<String>> {
        let describe = ["metadata", "--no-deps", "--format-version", "1"];
        let described = self.cargo().args(describe).output()?;
        let metadata: serde_json::Value = serde_json::from_slice(&described.stdout)
            .context("`cargo metadata` printed something else than JSON")?;
        let mut names: Vec<String> = list(&metadata["packages"])
            .flat_map(|package| list(&package["targets"]))
            .filter(|target| list(&target["kind"]).any(|kind| kind == "test"))
            .filter_map(|target| target["name"].as_str().map(str::to_owned))
            .collect();
        names.sort();
        names.dedup();
        Ok(names)
    }
}

fn list(value: &serde_json::Value) -> impl Iterator<Item = &serde_json::Value> {
    value.as_array().into_iter().flatten()
}
