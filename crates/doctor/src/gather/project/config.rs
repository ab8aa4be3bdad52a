//! cargo's configuration files: from the project upward, then `CARGO_HOME`'s.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use host::{Host, HostPath};
use toml::{Table, Value};

use super::super::path;
use super::{TEXT_LIMIT, place};
use crate::{CargoConfig, CargoSource};

/// What the files say.
#[derive(Default)]
pub(super) struct Configs {
    /// Nearest first.
    pub(super) files: Vec<CargoConfig>,
    /// Files that could not be read, with the reason.
    pub(super) broken: Vec<(HostPath, String)>,
    /// Names under `[patch]`.
    pub(super) patched: Vec<String>,
}

pub(super) fn gather(host: &Host, project: &Path) -> Configs {
    let mut directories: Vec<PathBuf> =
        project.ancestors().map(|directory| directory.join(".cargo")).collect();
    let home = host
        .variables
        .path("CARGO_HOME")
        .or_else(|| host.home.as_ref().map(|home| home.join(".cargo")))
        .map(|home| host.absolute(&home));
    if let Some(home) = home
        && !directories.contains(&home)
    {
        directories.push(home);
    }
    let mut configs = Configs::default();
    for directory in directories {
        // Where both exist cargo takes the one without an ending.
        for name in ["config", "config.toml"] {
            let file = directory.join(name);
            let text = match host.read_text(&file, TEXT_LIMIT) {
                Ok(text) => text,
                Err(error) if error.is_not_found() => continue,
                Err(error) => {
                    configs.broken.push((path(file), error.reason()));
                    break;
                }
            };
            // Paths in the file count from the directory that holds `.cargo`.
            let base = directory.parent().unwrap_or(&directory);
            match parse(&text, &|given| host.absolute(&base.join(given))) {
                Ok((config, patched)) => {
                    configs.files.push(CargoConfig { path: path(file), ..config });
                    configs.patched.extend(patched);
                }
                Err(reason) => configs.broken.push((path(file), reason)),
            }
            break;
        }
    }
    configs
}

/// What a file says, and the names that it patches. `resolve` makes a path of the file absolute.
fn parse(
    text: &str,
    resolve: &dyn Fn(&Path) -> PathBuf,
) -> Result<(CargoConfig, Vec<String>), String> {
    let root: Table = toml::from_str(text).map_err(|error| place::of_error(text, &error))?;
    let absolute = |given: &str| HostPath::new(resolve(Path::new(given))).text();
    let build = root.get("build").and_then(Value::as_table);
    let build_text = |key: &str| build.and_then(|b| b.get(key)).and_then(Value::as_str);
    let mut config = CargoConfig {
        target_dir: build_text("target-dir").map(absolute),
        build_target: build_target(build),
        wrappers: wrappers(build),
        offline: root.get("net").and_then(|net| net.get("offline")).and_then(Value::as_bool),
        sources: sources(&root, &absolute),
        ..CargoConfig::default()
    };
    if let Some(flags) = build.and_then(|b| b.get("rustflags")).and_then(words) {
        config.rustflags.insert("build".to_owned(), flags);
    }
    for (triple, table) in tables(&root, "target") {
        if let Some(linker) = table.get("linker").and_then(Value::as_str) {
            let linker =
                if linker.contains(['/', '\\']) { absolute(linker) } else { linker.to_owned() };
            config.linkers.insert(triple.clone(), linker);
        }
        if let Some(flags) = table.get("rustflags").and_then(words) {
            config.rustflags.insert(triple.clone(), flags);
        }
    }
    config.env = variables(root.get("env"), &absolute);
    let patched = tables(&root, "patch").flat_map(|(_, packages)| packages.keys().cloned());
    let patched = patched.collect();
    Ok((config, patched))
}

fn wrappers(build: Option<&Table>) -> BTreeMap<String, String> {
    ["rustc-wrapper", "rustc-workspace-wrapper"]
        .into_iter()
        .filter_map(|key| Some((key.to_owned(), build?.get(key)?.as_str()?.to_owned())))
        .collect()
}

fn sources(root: &Table, absolute: &dyn Fn(&str) -> String) -> BTreeMap<String, CargoSource> {
    tables(root, "source")
        .map(|(name, table)| {
            let text = |key: &str| table.get(key).and_then(Value::as_str);
            let source = CargoSource {
                replace_with: text("replace-with").map(str::to_owned),
                directory: text("directory").map(absolute),
            };
            (name.clone(), source)
        })
        .collect()
}

/// One triple, or the first of several.
fn build_target(build: Option<&Table>) -> Option<String> {
    match build?.get("target")? {
        Value::String(triple) => Some(triple.clone()),
        Value::Array(list) => list.first().and_then(Value::as_str).map(str::to_owned),
        _ => None,
    }
}

fn words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(list) => {
            Some(list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "))
        }
        _ => None,
    }
}

fn variables(env: Option<&Value>, absolute: &dyn Fn(&str) -> String) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    for (name, value) in env.and_then(Value::as_table).into_iter().flatten() {
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Table(table) => match table.get("value").and_then(Value::as_str) {
                Some(text) if table.get("relative").and_then(Value::as_bool) == Some(true) => {
                    absolute(text)
                }
                Some(text) => text.to_owned(),
                None => continue,
            },
            _ => continue,
        };
        variables.insert(name.clone(), value);
    }
    variables
}

/// The tables below `[key.NAME]`.
fn tables<'a>(root: &'a Table, key: &str) -> impl Iterator<Item = (&'a String, &'a Table)> {
    let outer = root.get(key).and_then(Value::as_table);
    outer.into_iter().flatten().filter_map(|(name, value)| Some((name, value.as_table()?)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<(CargoConfig, Vec<String>), String> {
        parse(text, &|given| Path::new("/p").join(given))
    }

    #[test]
    fn paths_count_from_the_directory_above() {
        let (config, patched) = read(
            r#"
            [build]
            target = ["x86_64-apple-darwin"]
            target-dir = "out"
            rustflags = ["-C", "link-arg=-fuse-ld=mold"]
            [target.x86_64-unknown-linux-gnu]
            linker = "tools/ld.sh"
            rustflags = "-Clinker=clang"
            [target.'cfg(unix)']
            linker = "clang"
            [env]
            PYO3_PYTHON = { value = ".venv/bin/python", relative = true, force = true }
            PLAIN = "x"
            NUMBER = 3
            [patch.crates-io]
            serde = { path = "../serde" }
            "#,
        )
        .unwrap();
        assert_eq!(config.target_dir.as_deref(), Some("/p/out"));
        assert_eq!(config.build_target.as_deref(), Some("x86_64-apple-darwin"));
        assert_eq!(config.linkers["x86_64-unknown-linux-gnu"], "/p/tools/ld.sh");
        assert_eq!(config.linkers["cfg(unix)"], "clang");
        assert_eq!(config.rustflags["build"], "-C link-arg=-fuse-ld=mold");
        assert_eq!(config.env["PYO3_PYTHON"], "/p/.venv/bin/python");
        assert_eq!(config.env.len(), 2);
        assert_eq!(patched, ["serde"]);
    }

    #[test]
    fn nearest_comes_first_and_the_old_name_wins() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, target: &str| {
            let file = root.path().join(name);
            fs_err::create_dir_all(file.parent().unwrap()).unwrap();
            fs_err::write(file, format!("[build]\ntarget = \"{target}\"\n")).unwrap();
        };
        write("a/b/.cargo/config", "near-old");
        write("a/b/.cargo/config.toml", "near");
        write("a/.cargo/config.toml", "above");
        write("home/config.toml", "home");
        let mut host = Host::current().unwrap();
        host.variables.set("CARGO_HOME", root.path().join("home"));
        let configs = gather(&host, &root.path().join("a/b"));
        let targets: Vec<_> =
            configs.files.iter().filter_map(|file| file.build_target.as_deref()).collect();
        assert_eq!(targets, ["near-old", "above", "home"]);
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(\\PC|\n|target|env|build|[\\[\\]{}=\"'.])*") {
            let _ = read(&text);
        }
    }
}
