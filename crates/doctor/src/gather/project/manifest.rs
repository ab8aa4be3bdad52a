//! One `Cargo.toml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use host::HostPath;
use toml::{Table, Value};

use super::place;
use crate::{CrateManifest, Dependency, DependencyKind};

/// A manifest that is TOML; what it means depends on its workspace.
pub(super) struct Manifest {
    pub(super) file: PathBuf,
    root: Table,
}

/// What `[workspace]` declares.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Workspace {
    pub(super) members: Vec<String>,
    pub(super) exclude: Vec<String>,
    version: Option<String>,
    rust_version: Option<String>,
    edition: Option<String>,
    dependencies: Table,
    /// Names in `[patch]` and `[replace]`.
    pub(super) patched: Vec<String>,
}

impl Manifest {
    /// Parses a text; the reason begins with line and column.
    pub(super) fn parse(file: &Path, text: &str) -> Result<Self, String> {
        let root = toml::from_str(text).map_err(|error| place::of_error(text, &error))?;
        Ok(Self { file: file.to_path_buf(), root })
    }

    pub(super) fn directory(&self) -> &Path {
        self.file.parent().unwrap_or(&self.file)
    }

    /// Whether it describes a package (and not only a workspace).
    pub(super) fn is_package(&self) -> bool {
        self.package().is_some()
    }

    fn package(&self) -> Option<&Table> {
        table(&self.root, "package").or_else(|| table(&self.root, "project"))
    }

    /// `package.workspace`: where its workspace is.
    pub(super) fn named_workspace(&self) -> Option<&str> {
        text(self.package()?, "workspace")
    }

    pub(super) fn workspace(&self) -> Option<Workspace> {
        let declared = table(&self.root, "workspace")?;
        let package = table(declared, "package");
        let patches = table(&self.root, "patch");
        let replaced = table(&self.root, "replace");
        let patched = patches
            .into_iter()
            .flatten()
            .filter_map(|(_, packages)| packages.as_table())
            .chain(replaced)
            .flat_map(|packages| packages.iter())
            .map(|(name, value)| {
                let real = value.get("package").and_then(Value::as_str);
                // `[replace]` has `name:version` as its keys.
                real.unwrap_or(name.split(':').next().unwrap_or_default()).to_owned()
            });
        Some(Workspace {
            members: strings(declared, "members"),
            exclude: strings(declared, "exclude"),
            version: package.and_then(|package| text(package, "version")).map(str::to_owned),
            rust_version: package
                .and_then(|package| text(package, "rust-version"))
                .map(str::to_owned),
            edition: package.and_then(|package| text(package, "edition")).map(str::to_owned),
            dependencies: table(declared, "dependencies").cloned().unwrap_or_default(),
            patched: patched.collect(),
        })
    }

    /// What a manifest without a workspace of its own patches.
    pub(super) fn as_its_own_workspace(&self) -> Workspace {
        let mut root = self.root.clone();
        root.entry("workspace").or_insert_with(|| Value::Table(Table::new()));
        Self { file: self.file.clone(), root }.workspace().unwrap_or_default()
    }

    /// The library's root source, if the manifest names one.
    pub(super) fn library_source(&self) -> Option<&str> {
        text(table(&self.root, "lib")?, "path")
    }

    /// Whether `[lib]` says that it has no tests to run.
    pub(super) fn tests_are_off(&self) -> bool {
        let lib = table(&self.root, "lib");
        lib.and_then(|lib| lib.get("test")).and_then(Value::as_bool) == Some(false)
    }

    /// The sources of programs that the manifest names.
    pub(super) fn program_sources(&self) -> Vec<String> {
        let programs = self.root.get("bin").and_then(Value::as_array);
        programs
            .into_iter()
            .flatten()
            .filter_map(|program| program.get("path").and_then(Value::as_str))
            .map(str::to_owned)
            .collect()
    }

    /// The crate it describes. `absolute` makes a path absolute against a directory; the sources
    /// are read by the caller.
    pub(super) fn read(
        &self,
        workspace: &Workspace,
        workspace_root: &Path,
        has_library_file: bool,
        absolute: &dyn Fn(&Path, &str) -> PathBuf,
    ) -> Option<CrateManifest> {
        let package = self.package()?;
        let name = text(package, "name")?.to_owned();
        let lib = table(&self.root, "lib");
        let own_or_inherited = |key: &str, shared: &Option<String>| match package.get(key) {
            Some(Value::String(own)) => Some(own.clone()),
            Some(value) if is_inherited(value) => shared.clone(),
            Some(_) | None => None,
        };
        let lib_name = lib.and_then(|lib| text(lib, "name")).unwrap_or(&name).replace('-', "_");
        let reader =
            DependencyReader { directory: self.directory(), workspace, workspace_root, absolute };
        Some(CrateManifest {
            path: HostPath::from(self.file.as_path()),
            version: own_or_inherited("version", &workspace.version),
            rust_version: own_or_inherited("rust-version", &workspace.rust_version),
            edition: own_or_inherited("edition", &workspace.edition),
            lib_name,
            has_lib: lib.is_some() || has_library_file,
            crate_types: lib
                .map(|lib| [strings(lib, "crate-type"), strings(lib, "crate_type")].concat())
                .unwrap_or_default(),
            dependencies: reader.all(&self.root),
            features: features(&self.root),
            name,
            ..CrateManifest::default()
        })
    }
}

fn features(root: &Table) -> BTreeMap<String, Vec<String>> {
    let declared = table(root, "features").into_iter().flatten();
    declared
        .filter_map(|(name, value)| {
            let items = value.as_array()?.iter().filter_map(Value::as_str);
            Some((name.clone(), items.map(str::to_owned).collect()))
        })
        .collect()
}

struct DependencyReader<'a> {
    directory: &'a Path,
    workspace: &'a Workspace,
    workspace_root: &'a Path,
    absolute: &'a dyn Fn(&Path, &str) -> PathBuf,
}

impl DependencyReader<'_> {
    fn all(&self, root: &Table) -> Vec<Dependency> {
        let mut found = Vec::new();
        self.tables(root, None, &mut found);
        for (target, tables) in table(root, "target").into_iter().flatten() {
            if let Some(tables) = tables.as_table() {
                self.tables(tables, Some(target), &mut found);
            }
        }
        found
    }

    fn tables(&self, parent: &Table, target: Option<&str>, found: &mut Vec<Dependency>) {
        for (key, kind) in [
            ("dependencies", DependencyKind::Normal),
            ("dev-dependencies", DependencyKind::Dev),
            ("dev_dependencies", DependencyKind::Dev),
            ("build-dependencies", DependencyKind::Build),
            ("build_dependencies", DependencyKind::Build),
        ] {
            for (name, value) in table(parent, key).into_iter().flatten() {
                found.extend(self.dependency(name, value, kind, target));
            }
        }
    }

    fn dependency(
        &self,
        name: &str,
        value: &Value,
        kind: DependencyKind,
        target: Option<&str>,
    ) -> Option<Dependency> {
        // What the workspace declares comes first, and the member adds to it.
        let (declared, base) = if is_inherited(value) {
            (self.workspace.dependencies.get(name)?, self.workspace_root)
        } else {
            (value, self.directory)
        };
        let own = value.as_table();
        let own_flag = |key: &str| own.and_then(|own| own.get(key)).and_then(Value::as_bool);
        let empty = Table::new();
        let (requirement, declared) = match declared {
            Value::String(requirement) => (Some(requirement.clone()), &empty),
            Value::Table(table) => (text(table, "version").map(str::to_owned), table),
            _ => return None,
        };
        let mut features = strings(declared, "features");
        if is_inherited(value) {
            features.extend(own.map(|own| strings(own, "features")).unwrap_or_default());
        }
        let default_features = ["default-features", "default_features"]
            .iter()
            .find_map(|key| declared.get(*key).and_then(Value::as_bool));
        let location = match (text(declared, "path"), text(declared, "git")) {
            (Some(path), _) => {
                let directory = (self.absolute)(base, path);
                Some(format!("path:{}", HostPath::new(directory).text()))
            }
            (None, Some(address)) => Some(format!("git:{address}")),
            (None, None) => None,
        };
        Some(Dependency {
            name: name.to_owned(),
            package: text(declared, "package").unwrap_or(name).to_owned(),
            requirement,
            features,
            default_features: default_features
                .or_else(|| own_flag("default-features"))
                .unwrap_or(true),
            optional: own_flag("optional").unwrap_or(false),
            location,
            kind,
            target: target.map(str::to_owned),
        })
    }
}

/// `{ workspace = true }`.
fn is_inherited(value: &Value) -> bool {
    value.get("workspace").and_then(Value::as_bool) == Some(true)
}

fn table<'a>(table: &'a Table, key: &str) -> Option<&'a Table> {
    table.get(key).and_then(Value::as_table)
}

fn text<'a>(table: &'a Table, key: &str) -> Option<&'a str> {
    table.get(key).and_then(Value::as_str)
}

fn strings(table: &Table, key: &str) -> Vec<String> {
    let list = table.get(key).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str, workspace: &Workspace) -> Option<CrateManifest> {
        let manifest = Manifest::parse(Path::new("/w/a/Cargo.toml"), text).ok()?;
        let absolute = |base: &Path, path: &str| base.join(path);
        manifest.read(workspace, Path::new("/w"), true, &absolute)
    }

    fn workspace(text: &str) -> Workspace {
        Manifest::parse(Path::new("/w/Cargo.toml"), text).ok().unwrap().workspace().unwrap()
    }

    #[test]
    fn what_the_workspace_declares_is_inherited_and_added_to() {
        let workspace = workspace(
            r#"
            [workspace]
            members = ["a"]
            [workspace.package]
            version = "2.0.0"
            [workspace.dependencies]
            pyo3 = { version = "0.26", features = ["macros"], default-features = false }
            core = { path = "core" }
            [patch.crates-io]
            x = { git = "https://example.org/x", package = "real-x" }
            [replace]
            "y:1.0.0" = { path = "y" }
            "#,
        );
        assert_eq!(workspace.patched, ["real-x", "y"]);
        let found = read(
            r#"
            [package]
            name = "a-b"
            version.workspace = true
            [lib]
            crate-type = ["cdylib"]
            [dependencies]
            pyo3 = { workspace = true, features = ["abi3-py39"], optional = true }
            core.workspace = true
            [target.'cfg(unix)'.dev-dependencies]
            tmp = { package = "tempfile", version = "3" }
            [features]
            default = ["x"]
            "#,
            &workspace,
        )
        .unwrap();
        assert_eq!(found.version.as_deref(), Some("2.0.0"));
        assert_eq!(found.lib_name, "a_b");
        let by_name = |name: &str| found.dependencies.iter().find(|d| d.name == name).unwrap();
        let pyo3 = by_name("pyo3");
        assert_eq!(pyo3.features, ["macros", "abi3-py39"]);
        assert!(pyo3.optional && !pyo3.default_features);
        assert_eq!(by_name("core").location.as_deref(), Some("path:/w/core"));
        let tempfile = by_name("tmp");
        assert_eq!((tempfile.package.as_str(), tempfile.kind), ("tempfile", DependencyKind::Dev));
        assert_eq!(tempfile.target.as_deref(), Some("cfg(unix)"));
        assert_eq!(found.features["default"], ["x"]);
    }

    #[test]
    fn a_manifest_without_a_package_is_no_crate() {
        assert!(read("[workspace]\n", &Workspace::default()).is_none());
        assert!(read("[package]\nversion = \"1\"\n", &Workspace::default()).is_none());
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(\\PC|\n|package|name|dependencies|workspace|true|[\\[\\]{}=\"'.])*") {
            let workspace = Workspace::default();
            let _ = read(&text, &workspace);
            let _ = Manifest::parse(Path::new("/x"), &text).map(|m| (m.workspace(), m.is_package()));
        }
    }
}
