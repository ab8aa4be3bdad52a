//! A machine written down in a file: what Windows and macOS look like from a Linux test.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use crate::files::Files;
use crate::registry::Registry;
use crate::{Arch, Entry, FileKind, Host, Metadata, Os, Variables, path};

/// A recorded machine, as its TOML file holds it.
///
/// Windows paths are written with forward slashes. Parent directories need not be listed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Operating system.
    pub os: Os,
    /// Processor architecture.
    pub arch: Arch,
    /// Directory the tool is started in.
    pub working_directory: PathBuf,
    /// Home directory.
    pub home: Option<PathBuf>,
    /// Environment variables.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Files by path, with their text.
    #[serde(default)]
    pub files: BTreeMap<PathBuf, String>,
    /// Files whose first bytes matter, by path, in hexadecimal (spaces allowed).
    #[serde(default)]
    pub binaries: BTreeMap<PathBuf, String>,
    /// Directories that are empty.
    #[serde(default)]
    pub directories: Vec<PathBuf>,
    /// Symbolic links by path, with their targets as written.
    #[serde(default)]
    pub links: BTreeMap<PathBuf, PathBuf>,
    /// Windows registry: what `reg query ROOT /s` printed, by root key.
    #[serde(default)]
    pub registry: BTreeMap<String, String>,
}

/// Why a recorded machine could not be used.
#[derive(Debug)]
pub struct RecordedError(String);

impl fmt::Display for RecordedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a recorded machine: {}", self.0)
    }
}

impl std::error::Error for RecordedError {}

impl Machine {
    /// Checks what serde cannot: that binaries are hexadecimal.
    ///
    /// # Errors
    /// Names the file whose bytes are not hexadecimal.
    pub fn checked(self) -> Result<Self, RecordedError> {
        for (path, hex) in &self.binaries {
            if from_hex(hex).is_none() {
                return Err(RecordedError(format!("{} is not hexadecimal", path.display())));
            }
        }
        Ok(self)
    }
}

pub(crate) fn into_host(machine: Machine) -> Host {
    let mut tree = Tree { os: machine.os, nodes: BTreeMap::new() };
    for directory in machine.directories {
        tree.insert(&directory, Node::Directory);
    }
    for (path, text) in machine.files {
        tree.insert(&path, Node::File(text.into_bytes()));
    }
    for (path, hex) in machine.binaries {
        tree.insert(&path, Node::File(from_hex(&hex).unwrap_or_default()));
    }
    for (path, target) in machine.links {
        tree.insert(&path, Node::Symlink(target));
    }
    Host {
        os: machine.os,
        arch: machine.arch,
        variables: Variables::from_pairs(machine.os, machine.variables),
        working_directory: machine.working_directory,
        home: machine.home,
        user_id: (machine.os != Os::Windows).then_some(1000),
        files: Files::Recorded(tree),
        registry: Some(Registry::from_text(machine.registry)),
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

#[derive(Debug)]
enum Node {
    File(Vec<u8>),
    Directory,
    Symlink(PathBuf),
}

/// The files of a recorded machine.
#[derive(Debug)]
pub(crate) struct Tree {
    os: Os,
    nodes: BTreeMap<PathBuf, Node>,
}

/// Links followed before a path counts as a loop, as Linux has it.
const LINK_LIMIT: usize = 40;

impl Tree {
    fn insert(&mut self, path: &Path, node: Node) {
        for parent in path.ancestors().skip(1) {
            if !parent.as_os_str().is_empty() {
                self.nodes.entry(parent.to_path_buf()).or_insert(Node::Directory);
            }
        }
        self.nodes.insert(path.to_path_buf(), node);
    }

    /// The path with every link in it followed; the last one only when `follow_last`.
    fn resolve(&self, path: &Path, follow_last: bool) -> io::Result<PathBuf> {
        let mut pending: Vec<OsString> = components_reversed(path);
        let mut resolved = PathBuf::new();
        let mut links = 0;
        while let Some(part) = pending.pop() {
            if part == ".." {
                resolved.pop();
                continue;
            }
            let next = resolved.join(&part);
            match self.nodes.get(&next) {
                Some(Node::Symlink(target)) if follow_last || !pending.is_empty() => {
                    links += 1;
                    if links > LINK_LIMIT {
                        return Err(io::Error::other("too many levels of symbolic links"));
                    }
                    if path::is_absolute(self.os, target) {
                        resolved = PathBuf::new();
                    }
                    pending.extend(components_reversed(target));
                }
                Some(_) => resolved = next,
                None => return Err(io::Error::from(io::ErrorKind::NotFound)),
            }
        }
        Ok(resolved)
    }

    fn node(&self, path: &Path, follow_last: bool) -> io::Result<&Node> {
        let path = self.resolve(path, follow_last)?;
        self.nodes.get(&path).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    pub(crate) fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        self.node(path, true).map(describe)
    }

    pub(crate) fn symlink_metadata(&self, path: &Path) -> io::Result<Metadata> {
        self.node(path, false).map(describe)
    }

    pub(crate) fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        self.resolve(path, true)
    }

    pub(crate) fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        match self.node(path, false)? {
            Node::Symlink(target) => Ok(target.clone()),
            _ => Err(io::Error::from(io::ErrorKind::InvalidInput)),
        }
    }

    pub(crate) fn read(&self, path: &Path) -> io::Result<&[u8]> {
        match self.node(path, true)? {
            Node::File(bytes) => Ok(bytes),
            _ => Err(io::Error::from(io::ErrorKind::IsADirectory)),
        }
    }

    pub(crate) fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let directory = self.resolve(path, true)?;
        if !matches!(self.nodes.get(&directory), Some(Node::Directory)) {
            return Err(io::Error::from(io::ErrorKind::NotADirectory));
        }
        Ok(self
            .nodes
            .range(directory.clone()..)
            .take_while(|(path, _)| path.starts_with(&directory))
            .filter(|(path, _)| path.parent() == Some(&directory))
            .filter_map(|(path, node)| {
                Some(Entry { name: path.file_name()?.to_owned(), kind: describe(node).kind })
            })
            .collect())
    }
}

fn components_reversed(path: &Path) -> Vec<OsString> {
    let mut parts: Vec<OsString> = path
        .components()
        .filter(|part| *part != Component::CurDir)
        .map(|part| part.as_os_str().to_owned())
        .collect();
    parts.reverse();
    parts
}

fn describe(node: &Node) -> Metadata {
    let (kind, len) = match node {
        Node::File(bytes) => (FileKind::File, bytes.len() as u64),
        Node::Directory => (FileKind::Directory, 0),
        Node::Symlink(_) => (FileKind::Symlink, 0),
    };
    Metadata {
        kind,
        len,
        modified_ns: 0,
        changed_ns: 0,
        mode: 0o755,
        uid: 1000,
        device: 1,
        inode: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Host {
        let mut files = BTreeMap::new();
        files.insert(PathBuf::from("C:/Users/dev/a/x.txt"), "hello".to_owned());
        let mut links = BTreeMap::new();
        links.insert(PathBuf::from("C:/link"), PathBuf::from("C:/Users/dev"));
        links.insert(PathBuf::from("C:/loop"), PathBuf::from("C:/loop"));
        Host::recorded(Machine {
            os: Os::Windows,
            arch: Arch::X86_64,
            working_directory: PathBuf::from("C:/Users/dev"),
            home: None,
            variables: BTreeMap::new(),
            files,
            binaries: BTreeMap::new(),
            directories: vec![PathBuf::from("C:/empty")],
            links,
            registry: BTreeMap::new(),
        })
    }

    #[test]
    fn links_are_followed_anywhere_in_a_path() {
        let host = machine();
        assert_eq!(host.read(Path::new("C:/link/a/x.txt"), 10).unwrap(), b"hello");
        assert_eq!(
            host.canonicalize(Path::new("C:/link/a/../a/x.txt")).unwrap(),
            PathBuf::from("C:/Users/dev/a/x.txt")
        );
        assert!(host.is_broken_link(Path::new("C:/loop")));
    }

    #[test]
    fn parents_exist_and_are_listed() {
        let host = machine();
        let names = |path: &str| -> Vec<_> {
            host.list(Path::new(path), 9).unwrap().into_iter().map(|e| e.name).collect()
        };
        assert_eq!(names("C:/Users"), ["dev"]);
        assert_eq!(names("C:"), ["Users", "empty", "link", "loop"]);
        assert!(names("C:/empty").is_empty());
    }
}
