//! Making an image without a registry: Debian's packages, unpacked into an archive.

use std::path::Path;
use std::time::Duration;

use host::{Host, Invocation, Output, ProcessError, Stream};

use super::recipe::architecture;
use super::{Error, Image, Recipe, Store, packages, store};

/// A slow mirror is slow, and one that says nothing for so long is dead.
const PATIENCE: Duration = Duration::from_secs(3600);
/// Lines that are kept of what was said, for an error.
const KEPT: usize = 20;
/// dpkg's list of what is installed.
const STATUS: &str = "./var/lib/dpkg/status";
/// Longest such list.
const STATUS_LIMIT: u64 = 64 << 20;

/// A program that makes root file systems of Debian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// Makes the same bytes each time, as root or as a user with ids to map.
    Mmdebstrap,
    /// Root only, and not the same bytes each time.
    Debootstrap,
}

impl Tool {
    fn name(self) -> &'static str {
        match self {
            Self::Mmdebstrap => "mmdebstrap",
            Self::Debootstrap => "debootstrap",
        }
    }

    fn find(host: &Host) -> Result<Self, Error> {
        if host.program("mmdebstrap").is_some() {
            return Ok(Self::Mmdebstrap);
        }
        let reason = match (host.program("debootstrap"), host.user_id) {
            (Some(_), Some(0)) => return Ok(Self::Debootstrap),
            (Some(_), _) => "mmdebstrap is not on PATH, and debootstrap needs root",
            (None, _) => "neither mmdebstrap nor debootstrap is on PATH",
        };
        Err(Error::NoTool { reason: reason.to_owned() })
    }
}

/// Makes the image of a recipe and puts it into the store; `each` is given every line that is said.
///
/// # Errors
/// There is no tool, the mirror cannot be reached or lacks a package, there is no room.
pub fn bootstrap(host: &Host, recipe: &Recipe, mut each: impl FnMut(&str)) -> Result<Image, Error> {
    let tool = Tool::find(host)?;
    let store = Store::of(host)?;
    let scratch = store.scratch()?;
    let archive = scratch.path().join("image.tar");
    let made_by = format!("{} {}", tool.name(), version(tool)?);
    match tool {
        Tool::Mmdebstrap => {
            let by_root = host.user_id == Some(0);
            told(&mmdebstrap(recipe, &archive, by_root), &mut each)?;
        }
        Tool::Debootstrap => {
            let root = scratch.path().join("root");
            told(&debootstrap(recipe, &root), &mut each)?;
            told(&pack(recipe, &root, &archive), &mut each)?;
        }
    }
    let sum = store::sum_of_file(host, &archive)?;
    let packages = packages::installed(&read_status(&archive)?);
    let architecture = architecture(host);
    let image = Image { sum, architecture, recipe: recipe.clone(), made_by, packages };
    store.add(&archive, &image)?;
    Ok(image)
}

fn mmdebstrap(recipe: &Recipe, archive: &Path, by_root: bool) -> Invocation {
    let command = Invocation::new("mmdebstrap")
        .env("SOURCE_DATE_EPOCH", recipe.epoch.to_string())
        .arg(if by_root { "--mode=root" } else { "--mode=unshare" })
        .args(["--variant=minbase", "--format=tar"]);
    let command = if recipe.include.is_empty() {
        command
    } else {
        command.arg(format!("--include={}", recipe.include.join(",")))
    };
    // The lists of a snapshot are past their date by intent.
    let command = match recipe.snapshot {
        Some(_) => command.arg("--aptopt=Acquire::Check-Valid-Until \"false\""),
        None => command,
    };
    command.arg(&recipe.suite).arg(archive).arg(recipe.source()).timeout(PATIENCE)
}

fn debootstrap(recipe: &Recipe, root: &Path) -> Invocation {
    let command = Invocation::new("debootstrap")
        .env("SOURCE_DATE_EPOCH", recipe.epoch.to_string())
        .arg("--variant=minbase");
    let command = if recipe.include.is_empty() {
        command
    } else {
        command.arg(format!("--include={}", recipe.include.join(",")))
    };
    command.arg(&recipe.suite).arg(root).arg(recipe.source()).timeout(PATIENCE)
}

/// One archive of what debootstrap made, without what only tells of how it was made.
fn pack(recipe: &Recipe, root: &Path, archive: &Path) -> Invocation {
    Invocation::new("tar")
        .args(["--sort=name", "--numeric-owner", "--clamp-mtime"])
        .arg(format!("--mtime=@{}", recipe.epoch))
        .args(["--exclude=./var/cache/apt/archives/*.deb", "--exclude=./var/lib/apt/lists/*"])
        .args(["--exclude=./var/log/*", "--exclude=./etc/resolv.conf", "--exclude=./etc/hostname"])
        .arg("--directory")
        .arg(root)
        .args(["--create", "--file"])
        .arg(archive)
        .arg(".")
        .timeout(PATIENCE)
}

fn version(tool: Tool) -> Result<String, Error> {
    let output =
        Invocation::new(tool.name()).arg("--version").timeout(Duration::from_secs(30)).output()?;
    let text = output.stdout_text();
    Ok(text.trim().rsplit(' ').next().unwrap_or_default().to_owned())
}

/// Runs a command, hands over what it says, and keeps the end of it for an error.
fn told(command: &Invocation, each: &mut impl FnMut(&str)) -> Result<Output, Error> {
    let mut said: Vec<String> = Vec::new();
    let mut guard = host::Guard::new(None)?;
    let result = command.stream(
        |group| guard.watch_group(group),
        |_: Stream, line| {
            each(line);
            if said.len() == KEPT {
                said.remove(0);
            }
            said.push(line.trim().to_owned());
        },
    );
    guard.release();
    failed(command, result, &said)
}

fn failed(
    command: &Invocation,
    result: Result<Output, ProcessError>,
    said: &[String],
) -> Result<Output, Error> {
    let output = result?;
    if output.success() {
        return Ok(output);
    }
    let is_error = |line: &&String| line.starts_with("E:") || line.contains("error");
    let first = said.iter().find(is_error).or_else(|| said.last());
    Err(Error::Failed {
        program: command.display(),
        said: first.cloned().unwrap_or_else(|| "it did not say why".to_owned()),
    })
}

fn read_status(archive: &Path) -> Result<String, Error> {
    let command = Invocation::new("tar")
        .args(["--extract", "--to-stdout", "--file"])
        .arg(archive)
        .arg(STATUS);
    let output = command.clone().output_limit(STATUS_LIMIT).timeout(PATIENCE).output()?;
    if output.success() {
        return Ok(output.stdout_text());
    }
    let said = output.stderr_text().trim().to_owned();
    Err(Error::Failed { program: command.display(), said })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recipe_is_on_the_command_line() {
        let archive = Path::new("/a.tar");
        let mut recipe = Recipe::default();
        insta::assert_snapshot!(mmdebstrap(&recipe, archive, true).display(), @"mmdebstrap --mode=root --variant=minbase --format=tar --include=ca-certificates,gcc,libc6-dev,python3,python3-venv bookworm /a.tar http://deb.debian.org/debian");
        recipe.snapshot = Some("20260901T000000Z".to_owned());
        recipe.include.clear();
        insta::assert_snapshot!(mmdebstrap(&recipe, archive, false).display(), @r#"mmdebstrap --mode=unshare --variant=minbase --format=tar '--aptopt=Acquire::Check-Valid-Until "false"' bookworm /a.tar https://snapshot.debian.org/archive/debian/20260901T000000Z"#);
        insta::assert_snapshot!(debootstrap(&recipe, Path::new("/r")).display(), @"debootstrap --variant=minbase bookworm /r https://snapshot.debian.org/archive/debian/20260901T000000Z");
    }

    #[test]
    #[cfg(unix)]
    fn a_tool_that_fails_is_told_by_its_first_error() {
        let script = "echo I: working; echo 'E: unable to reach the mirror'; echo I: end; exit 1";
        let mut lines = Vec::new();
        let error = told(&Invocation::new("sh").args(["-c", script]), &mut |line: &str| {
            lines.push(line.to_owned());
        });
        let error = error.unwrap_err().to_string();
        assert!(error.ends_with("failed: E: unable to reach the mirror"), "{error}");
        assert_eq!(lines.len(), 3);
    }
}
