//! What variables and configuration files tell the tools to do, and whether what they name is
//! there.

use host::HostPath;
use serde::{Deserialize, Serialize};

/// A file, directory or program that a setting names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedPath {
    /// The setting: the name of a variable, or the key in a configuration file.
    pub setting: String,
    /// The configuration file; `None` for a variable.
    pub file: Option<HostPath>,
    /// The value as it is written.
    pub written: String,
    /// What it means, absolute where it is a path.
    pub path: HostPath,
    /// Whether it is there.
    pub exists: bool,
}

/// A setting of pip's that changes where it installs, or what it takes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PipSetting {
    /// The configuration file; `None` for a variable.
    pub file: Option<HostPath>,
    /// The key, with hyphens: `no-binary`.
    pub key: String,
    /// The value. Of `find-links`, which may hold credentials, only that it is set.
    pub value: String,
    /// The environment to which the file belongs, if it is not for every pip.
    pub environment: Option<HostPath>,
}

/// An editable installation whose sources are not there any more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoneCheckout {
    /// Prefix of the environment.
    pub environment: HostPath,
    /// Normalised name of the package.
    pub package: String,
    /// Its record.
    pub record: HostPath,
    /// The directory that the record names.
    pub directory: HostPath,
}

/// What the tools are told, beyond what they declare for themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsFacts {
    /// Files that variables and cargo's configuration name, those of [`NamedPath::setting`]s that
    /// tools cannot do without.
    pub named: Vec<NamedPath>,
    /// The program that cargo starts in place of rustc, for each of the two settings that count.
    pub wrappers: Vec<NamedPath>,
    /// pip's settings, the ones that count more last.
    pub pip: Vec<PipSetting>,
    /// What tells cargo to stay off the network.
    pub offline: Option<String>,
    /// Direct dependencies that are locked and not in `CARGO_HOME`; only told if cargo is to stay
    /// off the network.
    pub not_downloaded: Vec<String>,
    /// The directory that takes the place of crates.io.
    pub vendored: Option<NamedPath>,
    /// Files and directories that `pyproject.toml` names.
    pub declared: Vec<NamedPath>,
    /// `.python-version` in the project's directory, and what it asks for.
    pub pinned_python: Option<(HostPath, String)>,
    /// Editable installations without their sources, in the environments that are judged.
    pub gone_checkouts: Vec<GoneCheckout>,
}

impl SettingsFacts {
    /// What pip takes for a key in an environment, by a file or by a variable: the last word counts.
    #[must_use]
    pub fn pip(&self, key: &str, environment: &HostPath) -> Option<&PipSetting> {
        self.pip.iter().rev().find(|setting| {
            setting.key == key
                && setting.environment.as_ref().is_none_or(|prefix| prefix == environment)
        })
    }
}

impl PipSetting {
    /// Whether it is switched on, as pip reads switches.
    #[must_use]
    pub fn is_on(&self) -> bool {
        matches!(
            self.value.trim().to_ascii_lowercase().as_str(),
            "1" | "y" | "yes" | "t" | "true" | "on"
        )
    }

    /// For a reader: `PIP_USER`, or `user` in a file.
    #[must_use]
    pub fn name(&self) -> String {
        match self.file {
            Some(_) => format!("`{}`", self.key),
            None => self.variable(),
        }
    }

    /// The variable of that name.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("PIP_{}", self.key.to_ascii_uppercase().replace('-', "_"))
    }
}
