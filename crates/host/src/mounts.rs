//! Mounted file systems, from `/proc/self/mountinfo`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{Host, HostPath};

/// One mounted file system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// Where it is mounted.
    pub point: HostPath,
    /// Kind: `ext4`, `tmpfs`, `cifs`, `9p`, `fuse.sshfs`, `overlay`.
    pub file_system: String,
    /// What is mounted: a device, a share.
    pub source: String,
    /// Options of the mount and of the file system, such as `noexec`, `ro`.
    pub options: Vec<String>,
}

impl Mount {
    /// Whether an option is set.
    #[must_use]
    pub fn has_option(&self, option: &str) -> bool {
        self.options.iter().any(|have| have == option)
    }
}

/// Every mount of the machine; empty where the system does not list them in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MountTable(Vec<Mount>);

impl MountTable {
    /// Reads the text of `/proc/self/mountinfo` (fields: `man 5 proc`). Lines that do not fit
    /// are passed over.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self(text.lines().filter_map(parse_line).collect())
    }

    /// The mount that `path` (absolute, links resolved) lies on: the longest mount point above
    /// it, and of equals the last, which hides the others.
    #[must_use]
    pub fn of(&self, path: &Path) -> Option<&Mount> {
        self.0
            .iter()
            .filter(|mount| path.starts_with(mount.point.as_path()))
            .max_by_key(|mount| mount.point.as_os_str().len())
    }

    /// The mounts inside `path` (absolute, links resolved), `path` itself left out.
    pub fn below<'a>(&'a self, path: &'a Path) -> impl Iterator<Item = &'a Mount> {
        self.0
            .iter()
            .filter(move |mount| mount.point.starts_with(path) && mount.point.as_path() != path)
    }
}

impl Host {
    /// The machine's mounts.
    #[must_use]
    pub fn mounts(&self) -> MountTable {
        self.read(Path::new("/proc/self/mountinfo"), 8 << 20)
            .map(|bytes| MountTable::parse(&String::from_utf8_lossy(&bytes)))
            .unwrap_or_default()
    }
}

fn parse_line(line: &str) -> Option<Mount> {
    let (before, after) = line.split_once(" - ")?;
    let mut fields = before.split(' ');
    let point = unescape(fields.nth(4)?);
    let mount_options = fields.next()?;
    let mut fields = after.split(' ');
    let file_system = fields.next()?.to_owned();
    let source = fields.next().unwrap_or_default();
    let super_options = fields.next().unwrap_or_default();
    let mut options: Vec<String> = Vec::new();
    for option in mount_options.split(',').chain(super_options.split(',')) {
        if !option.is_empty() && !options.iter().any(|have| have == option) {
            options.push(option.to_owned());
        }
    }
    Some(Mount {
        point: HostPath::new(PathBuf::from(point)),
        file_system,
        source: unescape(source),
        options,
    })
}

/// The kernel writes space, tab, newline and backslash as three octal digits.
fn unescape(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let octal = bytes.get(at + 1..at + 4).filter(|digits| {
            bytes[at] == b'\\' && digits.iter().all(|d| (b'0'..=b'7').contains(d))
        });
        if let Some(digits) = octal {
            let value = digits.iter().fold(0u32, |sum, d| sum * 8 + u32::from(d - b'0'));
            out.push(u8::try_from(value).unwrap_or(b'?'));
            at += 4;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str = "21 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n\
        36 21 0:32 / /mnt/a\\040b rw,noexec shared:1 master:2 - tmpfs tmpfs rw,size=4k\n\
        37 21 0:33 / /mnt rw - cifs //srv/share rw,vers=3.0\nnonsense\n";

    #[test]
    fn the_longest_mount_point_wins() {
        let table = MountTable::parse(TEXT);
        assert_eq!(table.of(Path::new("/mnt/a b/c")).unwrap().file_system, "tmpfs");
        assert!(table.of(Path::new("/mnt/a b")).unwrap().has_option("noexec"));
        assert_eq!(table.of(Path::new("/mnt/x")).unwrap().source, "//srv/share");
        assert_eq!(table.of(Path::new("/mntx")).unwrap().file_system, "ext4");
        let below: Vec<_> = table.below(Path::new("/mnt")).map(|m| m.point.text()).collect();
        assert_eq!(below, ["/mnt/a b"]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in ".{0,300}") {
            let _ = MountTable::parse(&text);
            let _ = unescape(&text);
        }
    }
}
