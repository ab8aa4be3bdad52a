//! The packages in an image, as dpkg lists them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

/// One installed package. Written `name version architecture`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Debian's version of it.
    pub version: String,
    /// For which processors: `amd64`, `all`.
    pub architecture: String,
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.name, self.version, self.architecture)
    }
}

impl From<Package> for String {
    fn from(package: Package) -> Self {
        package.to_string()
    }
}

impl TryFrom<String> for Package {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(' ').collect();
        let [name, version, architecture] = parts.as_slice() else {
            return Err(format!("{text:?} is not a package's name, version and architecture"));
        };
        Ok(Self {
            name: (*name).to_owned(),
            version: (*version).to_owned(),
            architecture: (*architecture).to_owned(),
        })
    }
}

/// The installed packages of dpkg's `status` file, sorted.
pub(super) fn installed(status: &str) -> Vec<Package> {
    let mut packages: Vec<Package> = status
        .split("\n\n")
        .filter_map(|paragraph| {
            let field = |name: &str| {
                paragraph.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            };
            field("Status")?.ends_with(" installed").then_some(())?;
            Some(Package {
                name: field("Package")?.to_owned(),
                version: field("Version")?.to_owned(),
                architecture: field("Architecture")?.to_owned(),
            })
        })
        .collect();
    packages.sort();
    packages
}

/// What differs between two lists, a line for each package.
#[must_use]
pub fn differences(expected: &[Package], found: &[Package]) -> Vec<String> {
    let by_name = |packages: &[Package]| -> BTreeMap<(String, String), String> {
        let key = |package: &Package| (package.name.clone(), package.architecture.clone());
        packages.iter().map(|package| (key(package), package.version.clone())).collect()
    };
    let (expected, found) = (by_name(expected), by_name(found));
    let names: BTreeSet<_> = expected.keys().chain(found.keys()).collect();
    names
        .into_iter()
        .filter_map(|key| match (expected.get(key), found.get(key)) {
            (Some(old), Some(new)) if old != new => Some(format!("{}: {old} -> {new}", key.0)),
            (Some(old), None) => Some(format!("{}: {old} -> none", key.0)),
            (None, Some(new)) => Some(format!("{}: none -> {new}", key.0)),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Package: gcc\nStatus: install ok installed\nArchitecture: amd64\n\
        Version: 4:12.2.0-3\nDescription: GNU C compiler\n long text\n\n\
        Package: adduser\nStatus: install ok installed\nArchitecture: all\nVersion: 3.134\n\n\
        Package: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1\n";

    #[test]
    fn installed_packages_are_read_and_sorted() {
        let packages: Vec<String> = installed(STATUS).into_iter().map(String::from).collect();
        assert_eq!(packages, ["adduser 3.134 all", "gcc 4:12.2.0-3 amd64"]);
    }

    #[test]
    fn a_package_is_read_as_it_is_written() {
        let package = Package::try_from("gcc 4:12.2.0-3 amd64".to_owned()).unwrap();
        assert_eq!(package.to_string(), "gcc 4:12.2.0-3 amd64");
        assert!(Package::try_from("gcc".to_owned()).is_err());
    }

    #[test]
    fn differences_are_named_with_both_versions() {
        let list = |text: &str| -> Vec<Package> {
            text.split(',').map(|line| Package::try_from(line.to_owned()).unwrap()).collect()
        };
        let lines = differences(&list("a 1 all,b 1 all"), &list("a 2 all,c 1 all"));
        assert_eq!(lines, ["a: 1 -> 2", "b: 1 -> none", "c: none -> 1"]);
    }
}
