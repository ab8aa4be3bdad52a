//! `truewheel.toml`: what a project says about itself. No file is needed.

mod build;
mod matrix;
mod reader;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ::matrix::Specification;
use host::{Host, Os};
use toml::de::DeTable;

pub(crate) use self::build::Build;
use self::reader::{Problems, Reader};
use crate::failure::Failure;

/// Name of the configuration file in a project.
pub(crate) const CONFIG_FILE: &str = "truewheel.toml";

/// Longer files are not configuration.
const SIZE_LIMIT: u64 = 1 << 20;

/// Everything that a project may say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Config {
    /// The file, if there is one.
    pub(crate) path: Option<PathBuf>,
    /// Checks not to run: codes and families.
    pub(crate) skip: Vec<String>,
    /// Whether warnings count as problems.
    pub(crate) strict: bool,
    /// Findings that are known and accepted.
    pub(crate) suppress: Vec<Suppression>,
    /// Environments that the project uses: prefixes or interpreters.
    pub(crate) python: Vec<PathBuf>,
    /// Pairs of environments of which the first writes what the second reads.
    pub(crate) exchange: Vec<(PathBuf, PathBuf)>,
    /// Versions that the tools must have here, by their names.
    pub(crate) tools: BTreeMap<String, String>,
    /// What its matrix runs.
    pub(crate) matrix: Specification,
    /// What its builds make.
    pub(crate) build: Build,
}

/// One entry of `doctor.suppress`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Suppression {
    /// Code of the findings.
    pub(crate) code: String,
    /// Pattern for the subject's label.
    pub(crate) subject: Option<String>,
    /// Pattern for the subject's path, absolute, with forward slashes.
    pub(crate) path: Option<String>,
    /// Why they are accepted.
    pub(crate) reason: String,
    /// The last day on which they are, `YYYY-MM-DD`.
    pub(crate) until: Option<String>,
    /// Line of the entry.
    pub(crate) line: usize,
}

impl Config {
    /// Reads the project's file; without one, the defaults.
    pub(crate) fn load(host: &Host, project: &Path) -> Result<Self, Failure> {
        let path = project.join(CONFIG_FILE);
        match host.read_text(&path, SIZE_LIMIT) {
            Ok(text) => Self::parse(&text, &path, project, host),
            Err(error) if error.is_not_found() && !host.is_broken_link(&path) => {
                Ok(Self::default())
            }
            Err(error) => Err(Failure::input(error)
                .hint("the configuration is a text file in UTF-8; without it the defaults hold")),
        }
    }

    fn parse(text: &str, path: &Path, project: &Path, host: &Host) -> Result<Self, Failure> {
        let problems = Problems::new(text, path);
        let document = match DeTable::parse(text) {
            Ok(document) => document,
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                problems.add(at, format!("not TOML: {}", error.message()));
                return Err(problems.failure());
            }
        };
        let root = Reader::root(&problems, document.get_ref());
        let places = Places { host, project };
        let mut config = Self { path: Some(path.to_path_buf()), ..Self::default() };
        root.only(&["build", "doctor", "matrix", "project", "tools"]);
        if let Some(doctor) = root.table("doctor") {
            doctor.only(&["skip", "strict", "suppress"]);
            config.skip = doctor.texts("skip");
            check_codes(&doctor, &config.skip);
            config.strict = doctor.boolean("strict").unwrap_or(false);
            config.suppress =
                doctor.tables("suppress").iter().filter_map(|t| suppression(t, &places)).collect();
        }
        if let Some(project) = root.table("project") {
            project.only(&["python", "exchange"]);
            config.python = project.texts("python").iter().map(|p| places.path(p)).collect();
            config.exchange =
                project.tables("exchange").iter().filter_map(|t| pair(t, &places)).collect();
        }
        if let Some(tools) = root.table("tools") {
            config.tools = pinned(&tools);
        }
        if let Some(matrix) = root.table("matrix") {
            config.matrix = matrix::specification(&matrix, &places);
        }
        if let Some(build) = root.table("build") {
            config.build = build::build(&build, &places);
        }
        if problems.is_empty() { Ok(config) } else { Err(problems.failure()) }
    }
}

/// The tools whose versions can be pinned.
const TOOLS: &[&str] = &["maturin", "uv"];

fn pinned(table: &Reader<'_>) -> BTreeMap<String, String> {
    table.only(TOOLS);
    let mut tools = BTreeMap::new();
    for name in TOOLS {
        let Some(version) = table.text(name) else { continue };
        if version.parse::<host::Version>().is_err() {
            table.complain(name, format!("`{version}` is not a version such as `1.9.4`"));
        }
        tools.insert((*name).to_owned(), version);
    }
    tools
}

fn check_codes(doctor: &Reader<'_>, skip: &[String]) {
    if let Err(unknown) = doctor::Selection::parse(&[], skip) {
        let nearest = unknown.nearest.as_ref().map(|name| format!(", did you mean `{name}`?"));
        doctor.complain("skip", format!("{unknown}{}", nearest.unwrap_or_default()));
    }
}

fn suppression(entry: &Reader<'_>, places: &Places<'_>) -> Option<Suppression> {
    entry.only(&["code", "subject", "path", "reason", "until"]);
    let code = entry.required_text("code").map(|code| code.trim().to_ascii_uppercase());
    let reason = entry.required_text("reason");
    let subject = entry.text("subject");
    let path = entry.text("path").map(|pattern| places.pattern(&pattern));
    let until = entry.day("until");
    if let Some(code) = code.as_ref().filter(|code| doctor::page(code).is_none()) {
        let codes = doctor::pages().map(|page| page.code);
        let nearest = codes.min_by_key(|known| doctor::distance(known, code));
        let nearest = nearest.map(|code| format!(", did you mean `{code}`?")).unwrap_or_default();
        entry.complain("code", format!("no check is called `{code}`{nearest}"));
    }
    if reason.as_ref().is_some_and(|reason| reason.trim().is_empty()) {
        entry.complain("reason", "the reason is empty".to_owned());
    }
    Some(Suppression { code: code?, subject, path, reason: reason?, until, line: entry.line() })
}

fn pair(entry: &Reader<'_>, places: &Places<'_>) -> Option<(PathBuf, PathBuf)> {
    entry.only(&["writer", "reader"]);
    let writer = entry.required_text("writer");
    let reader = entry.required_text("reader");
    Some((places.path(&writer?), places.path(&reader?)))
}

/// What paths in the file count from.
struct Places<'a> {
    host: &'a Host,
    project: &'a Path,
}

impl Places<'_> {
    /// A path as written: `~` is the home directory, and relative paths count from the project.
    fn path(&self, written: &str) -> PathBuf {
        let written = match self.host.os {
            Os::Windows => written.replace('\\', "/"),
            Os::Linux | Os::Macos => written.to_owned(),
        };
        let in_home = written.strip_prefix('~').filter(|r| r.is_empty() || r.starts_with('/'));
        if let (Some(rest), Some(home)) = (in_home, &self.host.home) {
            return self.host.absolute(&home.join(rest.trim_start_matches('/')));
        }
        self.host.absolute(&self.project.join(written))
    }

    /// A pattern for absolute paths; one that starts with a wildcard is left as it is.
    fn pattern(&self, written: &str) -> String {
        if written.starts_with(['*', '?']) {
            return written.to_owned();
        }
        self.path(written).to_string_lossy().replace('\\', "/")
    }
}

#[cfg(test)]
mod tests;
