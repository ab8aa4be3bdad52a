//! The files that a build gets: those that git knows, and no others.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use host::{Host, Invocation, Output};

use super::{Error, Result};

/// Git answers at once; a repository on a dead network mount does not.
const GIT_LIMIT: Duration = Duration::from_secs(120);
/// Paths of a few million files.
const LIST_LIMIT: u64 = 1 << 29;

/// A file as git has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Relative to the root.
    pub path: PathBuf,
    /// Whether it is a program.
    pub executable: bool,
    /// Whether it is a symbolic link.
    pub link: bool,
}

/// What is built, and which version of it that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    /// The files, in git's order.
    pub files: Vec<SourceFile>,
    /// The commit; `None` outside a repository or before the first one.
    pub revision: Option<String>,
    /// When it was made, in seconds since 1970.
    pub committed: Option<u64>,
    /// Files that differ from the commit.
    pub modified: Vec<String>,
    /// Files that git does not know and does not ignore, so that they are not built.
    pub untracked: Vec<String>,
}

impl Sources {
    /// What git knows of a repository.
    ///
    /// # Errors
    /// git is missing, or the directory is in no repository.
    pub fn of(host: &Host, root: &Path) -> Result<Sources> {
        let Some(git) = host.program("git") else {
            return Err(Error::Program {
                doing: "list the sources".to_owned(),
                reason: "git is not on PATH".to_owned(),
                cure: Some("install git: exactly the files that it knows are built".to_owned()),
            });
        };
        let run = |arguments: &[&str]| -> Result<Output> {
            Invocation::new(&git)
                .args(["-C"])
                .arg(root)
                .args(["-c", "core.quotepath=off", "-c", "core.fsmonitor=false"])
                .args(arguments)
                .env("GIT_OPTIONAL_LOCKS", "0")
                .env("LC_ALL", "C")
                .timeout(GIT_LIMIT)
                .output_limit(LIST_LIMIT)
                .output()
                .map_err(Error::process("list the sources"))
        };
        let listed = run(&["ls-files", "-z", "--stage", "--recurse-submodules"])?;
        if !listed.success() {
            return Err(Error::Project {
                path: root.to_path_buf(),
                reason: format!("git cannot list its files: {}", listed.stderr_text().trim()),
                cure:
                    "a build takes exactly the files that git knows: run `git init` and `git add` \
                       there, or build a checkout"
                        .to_owned(),
            });
        }
        let files = parse_stage(&listed.stdout)
            .ok_or_else(|| unreadable("git ls-files", &listed))?
            .into_iter()
            // A file that was removed and not committed is not there to be built.
            .filter(|file| host.symlink_metadata(&root.join(&file.path)).is_ok())
            .collect();
        let status = run(&["status", "--porcelain=v1", "-z", "--untracked-files=normal"])?;
        let (modified, untracked) = parse_status(&status.stdout);
        let head = run(&["log", "-1", "--format=%H %ct"])?;
        let head = head.stdout_text();
        let mut words = head.split_whitespace();
        let revision = words.next().map(str::to_owned);
        let committed = words.next().and_then(|time| time.parse().ok());
        Ok(Sources { files, revision, committed, modified, untracked })
    }

    /// The commit, if that is what is built.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.revision.as_deref().filter(|_| self.modified.is_empty())
    }

    /// Copies the files to a directory that is there, with modes that no umask changes.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn copy(&self, host: &Host, root: &Path, target: &Path) -> Result<()> {
        for file in &self.files {
            let (from, to) = (root.join(&file.path), target.join(&file.path));
            let copied = copy(host, file, &from, &to);
            copied.map_err(Error::write(&to))?;
        }
        Ok(())
    }
}

fn copy(host: &Host, file: &SourceFile, from: &Path, to: &Path) -> io::Result<()> {
    to.parent().map_or(Ok(()), host::create_directory)?;
    if file.link {
        return host::make_link(&host.read_link(from)?, to);
    }
    host::copy_file(from, to)?;
    host::set_mode(to, if file.executable { 0o755 } else { 0o644 })
}

fn unreadable(what: &str, output: &Output) -> Error {
    let text: String = output.stdout_text().chars().take(200).collect();
    Error::Program {
        doing: "list the sources".to_owned(),
        reason: format!("{what} printed what is not understood: {text:?}"),
        cure: None,
    }
}

/// `MODE OBJECT STAGE\tPATH` and a zero byte, for each file.
fn parse_stage(output: &[u8]) -> Option<Vec<SourceFile>> {
    let mut files = Vec::new();
    for line in output.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
        let line = std::str::from_utf8(line).ok()?;
        let (facts, path) = line.split_once('\t')?;
        let mode = facts.split(' ').next()?;
        let path = PathBuf::from(path);
        let stays_below =
            path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        if !stays_below {
            return None;
        }
        // A submodule that was not fetched is a directory and has no files.
        if mode != "160000" && files.last().is_none_or(|last: &SourceFile| last.path != path) {
            files.push(SourceFile { path, executable: mode == "100755", link: mode == "120000" });
        }
    }
    Some(files)
}

/// Files that differ from the commit, and files that git does not know.
fn parse_status(output: &[u8]) -> (Vec<String>, Vec<String>) {
    let (mut modified, mut untracked) = (Vec::new(), Vec::new());
    let mut parts = output.split(|byte| *byte == 0).filter(|part| !part.is_empty());
    while let Some(part) = parts.next() {
        let text = String::from_utf8_lossy(part);
        let Some((state, path)) = text.split_at_checked(3) else { continue };
        if state.starts_with("??") {
            untracked.push(path.to_owned());
            continue;
        }
        modified.push(path.to_owned());
        // Where a renamed file was is a part of its own.
        if state.starts_with(['R', 'C']) {
            parts.next();
        }
    }
    (modified, untracked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_the_modes_that_git_knows() {
        let output = b"100644 abc 0\tsrc/lib.rs\x00100755 abc 0\trun me\x00120000 abc 0\tlink\x00\
                       160000 abc 0\tsubmodule\x00100644 a 1\tboth\x00100644 b 2\tboth\x00";
        let files = parse_stage(output).unwrap();
        let names: Vec<_> = files.iter().map(|file| file.path.to_str().unwrap()).collect();
        assert_eq!(names, ["src/lib.rs", "run me", "link", "both"]);
        assert!(files[1].executable && files[2].link);
        assert!(parse_stage(b"100644 abc 0\t../outside\x00").is_none());
        assert!(parse_stage(b"100644 abc 0\t/etc/passwd\x00").is_none());
    }

    #[test]
    fn what_differs_is_told_from_what_git_does_not_know() {
        let status = b" M src/lib.rs\x00R  new\x00old\x00?? extra\x00A  added\x00";
        let (modified, untracked) = parse_status(status);
        assert_eq!(modified, ["src/lib.rs", "new", "added"]);
        assert_eq!(untracked, ["extra"]);
    }
}
