//! What was done, written down before it is done, so that it can be brought back even if the
//! program was stopped half-way.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use doctor::Installed;
use host::{Host, Lock, Owner};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// Version of the layout of a record.
const SCHEMA: &str = "truewheel-undo/1";
/// Name of the directory beside what is moved, where the cache is on another file system.
pub(super) const BESIDE: &str = ".truewheel-undo";
/// Longer files are no records.
const RECORD_LIMIT: u64 = 16 << 20;
/// Nobody keeps more.
const MOST_RECORDS: usize = 100_000;

/// One cure that was carried out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) schema: String,
    /// Its number.
    pub(super) id: u64,
    /// When it was begun (UTC).
    pub(super) begun: String,
    /// The project's directory.
    pub(super) project: PathBuf,
    /// Code of the finding.
    pub(super) code: String,
    /// What the finding was about.
    pub(super) subject: String,
    /// What the cure does.
    pub(super) title: String,
    /// Who carries it out, while it is at work.
    pub(super) owner: Option<String>,
    /// How far it is.
    pub(super) state: State,
    /// What was done, in order.
    pub(super) steps: Vec<Step>,
}

/// How far a cure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// At work, or stopped half-way.
    Begun,
    /// Carried out.
    Done,
    /// It failed, and what could be brought back was.
    Failed,
    /// Brought back.
    Undone,
    /// Brought back, but for what could not be.
    PartlyUndone,
}

/// One thing that was done.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Step {
    /// Whether it is known to have been done; if not, it may have been begun.
    pub(super) finished: bool,
    #[serde(flatten)]
    pub(super) what: What,
}

/// What is done.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum What {
    /// Moved aside.
    Moved { from: PathBuf, to: PathBuf },
    /// Written: the text before, if there was a file, and after.
    File { path: PathBuf, before: Option<String>, after: String },
    /// Run: with the packages of the environment before, where it works on one.
    Command { argv: Vec<String>, packages: Option<Packages> },
}

/// The packages of an environment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Packages {
    pub(super) prefix: String,
    pub(super) conda: bool,
    pub(super) installed: Installed,
}

impl Record {
    /// Whether it was stopped half-way: nobody is at work on it any more.
    pub(super) fn is_interrupted(&self, host: &Host) -> bool {
        let owner = self.owner.as_ref().and_then(|owner| owner.parse::<Owner>().ok());
        self.state == State::Begun && owner.is_none_or(|owner| owner.is_gone(host))
    }

    /// Whether there is something to bring back.
    pub(super) fn can_be_undone(&self) -> bool {
        matches!(self.state, State::Begun | State::Done)
    }
}

/// The place of the records.
pub(super) struct Store<'a> {
    host: &'a Host,
    root: PathBuf,
}

impl<'a> Store<'a> {
    pub(super) fn of(host: &'a Host) -> Result<Self, Failure> {
        let cache = host.cache_directory().ok_or_else(|| {
            Failure::input("there is no place to write down how to undo what is done")
                .hint("set TRUEWHEEL_CACHE_DIR to a directory that you may write to")
        })?;
        Ok(Self { host, root: host.absolute(&cache).join("undo") })
    }

    /// The right to change something; only one process has it.
    pub(super) fn lock(&self) -> Result<Lock, Failure> {
        let path = self.root.join("lock");
        match Lock::take(&path) {
            Ok(Some(lock)) => Ok(lock),
            Ok(None) => Err(Failure::tool(
                anyhow::anyhow!("{} is locked", path.display()),
                "another `doctor --fix` or `--undo` is at work",
            )
            .hint("wait until it has ended, and try again")),
            Err(error) => Err(Failure::tool(error, "cannot lock the records of what is done")
                .hint("TRUEWHEEL_CACHE_DIR names another directory for them")),
        }
    }

    /// The directory of a record and of what was moved for it.
    pub(super) fn directory(&self, id: u64) -> PathBuf {
        self.root.join(id.to_string())
    }

    pub(super) fn file(&self, id: u64) -> PathBuf {
        self.directory(id).join("record.json")
    }

    /// The numbers of the records, oldest first.
    pub(super) fn ids(&self) -> Vec<u64> {
        let entries = self.host.list(&self.root, MOST_RECORDS).unwrap_or_default();
        let mut ids: Vec<u64> =
            entries.iter().filter_map(|entry| entry.name_text()?.parse().ok()).collect();
        ids.sort_unstable();
        ids
    }

    /// A record, or why it cannot be read.
    pub(super) fn load(&self, id: u64) -> Result<Record, String> {
        let text =
            self.host.read_text(&self.file(id), RECORD_LIMIT).map_err(|error| error.to_string())?;
        let at = |reason: String| format!("{}: {reason}", self.file(id).display());
        let record: Record =
            serde_json::from_str(&text).map_err(|error| at(format!("not a record: {error}")))?;
        if record.schema != SCHEMA || record.id != id {
            return Err(at(format!("it is not record {id} of `{SCHEMA}`")));
        }
        Ok(record)
    }

    /// The records that can be read, oldest first.
    pub(super) fn records(&self) -> Vec<Record> {
        self.ids().into_iter().filter_map(|id| self.load(id).ok()).collect()
    }

    /// Begins a record; what it says is filled in by the caller.
    pub(super) fn begin(&self, project: &Path, entry: &doctor::Entry) -> Result<Record, Failure> {
        let record = Record {
            schema: SCHEMA.to_owned(),
            id: self.ids().last().map_or(1, |last| last + 1),
            begun: host::utc(SystemTime::now()),
            project: project.to_path_buf(),
            code: entry.code.clone(),
            subject: entry.subject.label.clone(),
            title: entry.cure.title.clone(),
            owner: Owner::current(self.host).map(|owner| owner.to_string()),
            state: State::Begun,
            steps: Vec::new(),
        };
        self.save(&record)?;
        Ok(record)
    }

    /// Writes a record down, for good.
    pub(super) fn save(&self, record: &Record) -> Result<(), Failure> {
        let doing = "cannot write down how to undo what is done";
        let text =
            serde_json::to_vec_pretty(record).map_err(|error| Failure::tool(error, doing))?;
        host::write_atomically(&self.file(record.id), &text).map_err(|error| {
            Failure::tool(error, doing)
                .hint("TRUEWHEEL_CACHE_DIR names another directory for such records")
        })
    }
}
