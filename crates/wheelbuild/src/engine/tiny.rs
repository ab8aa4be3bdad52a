//! The smallest image: a shell and `env`, taken from this machine, to try an engine with.

use std::path::{Path, PathBuf};
use std::time::Duration;

use host::{Host, Invocation, Os, copy_file, create_directory, make_link, set_mode};

use super::Error;
use crate::image::sum_of_file;

/// Long enough for any of the small programs that are called here.
const PATIENCE: Duration = Duration::from_secs(60);

/// Directories that it has; the last three are for what is mounted.
const DIRECTORIES: [&str; 8] = ["bin", "dev", "etc", "proc", "sys", "tmp", "in", "out"];

/// A root file system, and the archive of it.
#[derive(Debug)]
pub(super) struct TinyImage {
    /// Its files.
    pub(super) directory: PathBuf,
    /// Them as one archive.
    pub(super) archive: PathBuf,
    /// The archive's SHA-256, in hexadecimal digits.
    pub(super) sum: String,
}

/// Makes it in `place`, an empty directory.
pub(super) fn make(host: &Host, place: &Path) -> Result<TinyImage, Error> {
    let no_image = |reason: String| Error::NoImage { engine: super::Engine::Podman, reason };
    if host.os != Os::Linux {
        return Err(no_image("its programs are taken from a Linux machine".to_owned()));
    }
    let directory = place.join("root");
    for name in DIRECTORIES {
        let path = directory.join(name);
        create_directory(&path).map_err(Error::file(&path))?;
        // Docker gives a directory in memory the bits of the one that it covers.
        let mode = if name == "tmp" { 0o1777 } else { 0o755 };
        set_mode(&path, mode).map_err(Error::file(&path))?;
    }
    for (program, targets) in [("sh", &["bin/sh"][..]), ("env", &["bin/env"][..])] {
        let path = host
            .program(program)
            .and_then(|path| host.canonicalize(&path).ok())
            .ok_or_else(|| no_image(format!("there is no program {program} on PATH")))?;
        for library in libraries(&path)? {
            copy(&library, &directory, &library)?;
        }
        for target in targets {
            copy(&path, &directory, Path::new(target))?;
        }
    }
    // `/bin/env` is where `env -i` of a container without a PATH is looked for too.
    let usr = directory.join("usr");
    create_directory(&usr).map_err(Error::file(&usr))?;
    make_link(Path::new("../bin"), &usr.join("bin")).map_err(Error::file(&usr))?;
    let archive = place.join("root.tar");
    pack(&directory, &archive)?;
    let sum = sum_of_file(host, &archive).map_err(|error| no_image(error.to_string()))?;
    Ok(TinyImage { directory, archive, sum })
}

fn copy(from: &Path, root: &Path, target: &Path) -> Result<(), Error> {
    let to = root.join(target.strip_prefix("/").unwrap_or(target));
    if let Some(parent) = to.parent() {
        create_directory(parent).map_err(Error::file(parent))?;
    }
    copy_file(from, &to).map_err(Error::file(&to))?;
    set_mode(&to, 0o755).map_err(Error::file(&to))
}

/// The shared libraries that a program of this machine needs, its loader included.
fn libraries(program: &Path) -> Result<Vec<PathBuf>, Error> {
    let output =
        Invocation::new("ldd").arg(program).env("LC_ALL", "C").timeout(PATIENCE).output()?;
    // A static program has none, and ldd says so by failing.
    Ok(if output.success() { named_by_ldd(&output.stdout_text()) } else { Vec::new() })
}

/// `libc.so.6 => /lib/libc.so.6 (0x7f..)`, and the loader as `/lib64/ld.so (0x7f..)`.
fn named_by_ldd(text: &str) -> Vec<PathBuf> {
    text.lines()
        .filter_map(|line| {
            let line = line.trim();
            let path = line.split_once(" => ").map_or(line, |(_, path)| path);
            path.starts_with('/').then(|| PathBuf::from(path.split(" (").next().unwrap_or(path)))
        })
        .collect()
}

/// An archive in which nothing tells when, where or by whom it was made.
fn pack(directory: &Path, archive: &Path) -> Result<(), Error> {
    let tar = Invocation::new("tar")
        .args(["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"])
        .arg("--directory")
        .arg(directory)
        .args(["--create", "--file"])
        .arg(archive)
        .arg(".");
    let output = tar.timeout(PATIENCE).output()?;
    if output.success() {
        return Ok(());
    }
    let reason = format!("tar: {}", output.stderr_text().trim());
    Err(Error::NoImage { engine: super::Engine::Podman, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_and_the_loader_are_read_from_what_ldd_prints() {
        let text = "\tlinux-vdso.so.1 (0x00007ffd)\n\
                    \tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f9521)\n\
                    \t/lib64/ld-linux-x86-64.so.2 (0x00007f9521295000)\n";
        let expected = ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"];
        assert_eq!(named_by_ldd(text), expected.map(PathBuf::from));
        assert!(named_by_ldd("\tstatically linked\n").is_empty());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn it_is_the_same_each_time() {
        let host = Host::current().unwrap();
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let one = make(&host, one.path()).unwrap();
        let two = make(&host, two.path()).unwrap();
        assert_eq!(one.sum, two.sum);
        assert_eq!(one.sum.len(), 64);
    }
}
