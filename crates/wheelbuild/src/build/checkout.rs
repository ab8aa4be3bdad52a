//! A commit of a repository in a directory of its own, so that it can be built again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use host::{Host, Invocation};

use super::{Error, Result};

/// A large repository takes a while to be written.
const LIMIT: Duration = Duration::from_secs(1800);

/// Writes the commit into `target`, which must not be there yet, and says which directory in it is the
/// one that `directory` is in its repository. The repository itself is only read.
///
/// # Errors
/// git is missing, `directory` is in no repository, or the commit is not in it.
pub fn checkout(host: &Host, directory: &Path, commit: &str, target: &Path) -> Result<PathBuf> {
    let is_name = commit.len() >= 7 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_name {
        return Err(Error::Setting {
            name: "commit".to_owned(),
            reason: format!("{commit:?} is no commit's name"),
        });
    }
    let doing = format!("check out the commit {commit}");
    let git = host.program("git").ok_or_else(|| Error::Program {
        doing: doing.clone(),
        reason: "git is not on PATH".to_owned(),
        cure: Some("install git".to_owned()),
    })?;
    let run = |place: &Path, arguments: &[&str]| {
        Invocation::new(&git)
            .arg("-C")
            .arg(place)
            .args(["-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false"])
            .args(arguments)
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("LC_ALL", "C")
            .timeout(LIMIT)
            .output()
            .map_err(Error::process(&doing))
    };
    let not_in = |said: &str, cure: String| Error::Project {
        path: directory.to_path_buf(),
        reason: said.trim().to_owned(),
        cure,
    };
    let asked = run(directory, &["rev-parse", "--show-toplevel", "--show-prefix"])?;
    if !asked.success() {
        let cure =
            "name a directory of the repository that the wheel was built from with --project";
        return Err(not_in(&asked.stderr_text(), cure.to_owned()));
    }
    let text = asked.stdout_text();
    let mut lines = text.lines();
    let (top, prefix) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let known = run(directory, &["cat-file", "-e", &format!("{commit}^{{commit}}")])?;
    if !known.success() {
        let cure = format!("fetch it: `git fetch origin {commit}`");
        return Err(not_in("the commit is not in this repository", cure));
    }
    let parent = target.parent().unwrap_or(target);
    let place = target.display().to_string();
    let clone = ["clone", "--quiet", "--shared", "--no-checkout", "--", top, &place];
    for (place, arguments) in
        [(parent, &clone[..]), (target, &["checkout", "--quiet", "--detach", commit][..])]
    {
        let output = run(place, arguments)?;
        if !output.success() {
            let reason = output.stderr_text().trim().to_owned();
            return Err(Error::Program { doing: doing.clone(), reason, cure: None });
        }
    }
    Ok(target.join(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_written_as_it_was_and_others_are_refused() {
        let host = Host::current().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let repository = directory.path().join("repository");
        fs_err::create_dir_all(repository.join("part")).unwrap();
        let git = |arguments: &[&str]| {
            let output = Invocation::new("git")
                .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-C"])
                .arg(&repository)
                .args(arguments)
                .output()
                .unwrap();
            assert!(output.success(), "{}", output.stderr_text());
            output.stdout_text().trim().to_owned()
        };
        git(&["init", "--quiet"]);
        fs_err::write(repository.join("part/file"), "first").unwrap();
        git(&["add", "."]);
        git(&["commit", "--quiet", "-m", "first"]);
        let commit = git(&["rev-parse", "HEAD"]);
        fs_err::write(repository.join("part/file"), "changed").unwrap();
        let target = directory.path().join("target");
        let part = checkout(&host, &repository.join("part"), &commit, &target).unwrap();
        assert_eq!(part, target.join("part"));
        assert_eq!(fs_err::read_to_string(part.join("file")).unwrap(), "first");
        let absent = "0123456789012345678901234567890123456789";
        let error = checkout(&host, &repository, absent, &target).unwrap_err();
        assert!(error.cure().unwrap().contains("git fetch"), "{error}");
        assert!(checkout(&host, &repository, "--upload-pack=x", &target).is_err());
        assert!(checkout(&host, directory.path(), &commit, &target).unwrap_err().is_input());
    }
}
