//! Cures, as steps that a person can type and a program can run.

use serde::{Deserialize, Serialize};

/// How much care a cure needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Safety {
    /// Loses nothing and can be done again.
    Safe,
    /// Removes or replaces something: ask first.
    Confirm,
    /// Needs a person: a decision, a setting, rights that the tool does not have.
    Manual,
}

/// Where a cure applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// Everywhere.
    #[default]
    Any,
    /// Linux only.
    Linux,
    /// macOS only.
    Macos,
    /// Windows only.
    Windows,
}

/// One step of a cure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Step {
    /// Run a command.
    Run {
        /// Program and arguments.
        argv: Vec<String>,
    },
    /// Set an environment variable in the shell that builds.
    SetVariable {
        /// Name.
        name: String,
        /// New value.
        value: String,
    },
    /// Remove an environment variable from the shell that builds.
    UnsetVariable {
        /// Name.
        name: String,
    },
    /// Remove files and directories; links are removed and not followed. A program moves them
    /// aside instead, so that they can be brought back.
    Remove {
        /// Absolute paths.
        paths: Vec<String>,
    },
    /// Keep a directory that the next command replaces: a program moves it aside. Whoever types
    /// has nothing to type here.
    SetAside {
        /// Absolute path.
        path: String,
    },
    /// Write a text file anew, as a whole.
    Write {
        /// The file.
        file: String,
        /// All of its text.
        text: String,
    },
    /// Give a key of a TOML file a value; the rest of the file, comments too, stays as it is.
    Configure {
        /// The file, which may be missing.
        file: String,
        /// The table, by its keys: `["build"]`; none is the top of the file.
        table: Vec<String>,
        /// The key in it.
        key: String,
        /// The value, as it stands in the file.
        value: String,
    },
    /// Edit a file by hand.
    Edit {
        /// The file.
        file: String,
        /// What to change, exactly.
        change: String,
    },
    /// Something only a person can do.
    Do {
        /// What.
        what: String,
    },
}

/// A cure: what it does, and its steps in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fix {
    /// What it does, in the imperative: `recreate the environment`.
    pub title: String,
    /// How much care it needs.
    pub safety: Safety,
    /// Where it applies.
    pub platform: Platform,
    /// Steps, in order.
    pub steps: Vec<Step>,
}

impl Fix {
    /// A cure without steps yet.
    pub fn new(safety: Safety, title: impl Into<String>) -> Self {
        Self { title: title.into(), safety, platform: Platform::Any, steps: Vec::new() }
    }

    /// Limits the cure to one system.
    #[must_use]
    pub fn on(mut self, platform: Platform) -> Self {
        self.platform = platform;
        self
    }

    /// Adds a command.
    #[must_use]
    pub fn run<A: Into<String>>(mut self, argv: impl IntoIterator<Item = A>) -> Self {
        self.steps.push(Step::Run { argv: argv.into_iter().map(Into::into).collect() });
        self
    }

    /// Adds the setting of a variable.
    #[must_use]
    pub fn set(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.steps.push(Step::SetVariable { name: name.into(), value: value.into() });
        self
    }

    /// Adds the removal of a variable.
    #[must_use]
    pub fn unset(mut self, name: impl Into<String>) -> Self {
        self.steps.push(Step::UnsetVariable { name: name.into() });
        self
    }

    /// Adds the removal of files and directories.
    #[must_use]
    pub fn remove<P: Into<String>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.steps.push(Step::Remove { paths: paths.into_iter().map(Into::into).collect() });
        self
    }

    /// Says that the next command replaces a directory.
    #[must_use]
    pub fn set_aside(mut self, path: impl Into<String>) -> Self {
        self.steps.push(Step::SetAside { path: path.into() });
        self
    }

    /// Adds the writing of a whole file.
    #[must_use]
    pub fn write(mut self, file: impl Into<String>, text: impl Into<String>) -> Self {
        self.steps.push(Step::Write { file: file.into(), text: text.into() });
        self
    }

    /// Adds a value in a TOML file, written as TOML.
    #[must_use]
    pub fn configure(
        mut self,
        file: impl Into<String>,
        table: &[&str],
        key: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        self.steps.push(Step::Configure {
            file: file.into(),
            table: table.iter().map(|&part| part.to_owned()).collect(),
            key: key.into(),
            value: value.into(),
        });
        self
    }

    /// Adds an edit.
    #[must_use]
    pub fn edit(mut self, file: impl Into<String>, change: impl Into<String>) -> Self {
        self.steps.push(Step::Edit { file: file.into(), change: change.into() });
        self
    }

    /// Adds something only a person can do.
    #[must_use]
    pub fn by_hand(mut self, what: impl Into<String>) -> Self {
        self.steps.push(Step::Do { what: what.into() });
        self
    }
}
