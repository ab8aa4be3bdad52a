//! `Cargo.lock`, every version of its layout.

use serde::Deserialize;

use super::place;
use crate::{CargoLock, LockedPackage};

#[derive(Deserialize)]
struct File {
    version: Option<u32>,
    /// The first layout kept the workspace's only package apart.
    root: Option<Package>,
    #[serde(default)]
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    source: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

/// What the text says; the reason begins with line and column.
pub(super) fn parse(text: &str) -> Result<CargoLock, String> {
    let file: File = toml::from_str(text).map_err(|error| place::of_error(text, &error))?;
    let packages = file.root.into_iter().chain(file.package).map(|package| LockedPackage {
        name: package.name,
        version: package.version,
        source: package.source,
        dependencies: package.dependencies,
    });
    Ok(CargoLock {
        version: file.version.unwrap_or(1),
        packages: packages.collect(),
        ..CargoLock::default()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn old_and_new_layouts_are_read() {
        let new = parse(
            "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"0.1.0\"\ndependencies = [\n \
             \"b 1.0.0\",\n]\n\n[[package]]\nname = \"b\"\nversion = \"1.0.0\"\nsource = \"registry+x\"\n\
             checksum = \"00\"\n",
        )
        .unwrap();
        assert_eq!((new.version, new.packages.len()), (4, 2));
        assert_eq!(new.packages[0].dependencies, ["b 1.0.0"]);
        let old =
            parse("[root]\nname = \"a\"\nversion = \"0.1.0\"\n[metadata]\nx = \"y\"\n").unwrap();
        assert_eq!((old.version, old.packages[0].name.as_str()), (1, "a"));
    }

    #[test]
    fn conflict_markers_and_missing_keys_have_a_place() {
        let conflict = "version = 4\n[[package]]\nname = \"a\"\n<<<<<<< HEAD\n";
        assert!(parse(conflict).unwrap_err().starts_with("line 4,"));
        assert!(parse("[[package]]\nname = \"a\"\n").unwrap_err().contains("version"));
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(\\PC|\n|package|version|[\\[\\]=\"])*") {
            let _ = parse(&text);
        }
    }
}
