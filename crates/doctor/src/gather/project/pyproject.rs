//! `pyproject.toml`.

use toml::{Table, Value};

use super::place;
use crate::{MaturinConfig, Pyproject};

/// What the text declares; the reason begins with line and column.
pub(super) fn parse(text: &str) -> Result<Pyproject, String> {
    let root: Table = toml::from_str(text).map_err(|error| place::of_error(text, &error))?;
    let project = table(&root, "project");
    let build = table(&root, "build-system");
    let tool = table(&root, "tool");
    let uv = tool.and_then(|tool| table(tool, "uv"));
    Ok(Pyproject {
        name: project
            .and_then(|p| string(p, "name"))
            .map(|name| pyenvs::normalized_name(name.trim())),
        requires_python: project.and_then(|p| string(p, "requires-python")),
        dependencies: project.map(|p| strings(p, "dependencies")).unwrap_or_default(),
        build_backend: build.and_then(|b| string(b, "build-backend")),
        build_requires: build.map(|b| strings(b, "requires")).unwrap_or_default(),
        maturin: tool.and_then(|tool| table(tool, "maturin")).map(maturin),
        uv_cache_keys: uv.and_then(|uv| uv.get("cache-keys")).map(cache_keys),
        readme: project.and_then(|p| file(p, "readme")),
        license_file: project.and_then(|p| table(p, "license")).and_then(|l| string(l, "file")),
        uses_uv: uv.is_some(),
        uv_never_builds: uv.and_then(never_builds),
        ..Pyproject::default()
    })
}

/// What keeps uv from building the project: it is no package to it, or nothing is built at all.
fn never_builds(uv: &Table) -> Option<String> {
    let is = |key: &str, wanted: bool| uv.get(key).and_then(Value::as_bool) == Some(wanted);
    [("package", false), ("no-build", true)]
        .into_iter()
        .find(|(key, wanted)| is(key, *wanted))
        .map(|(key, wanted)| format!("{key} = {wanted}"))
}

/// `key = "README.md"`, or `key = { file = "README.md" }`.
fn file(parent: &Table, key: &str) -> Option<String> {
    string(parent, key).or_else(|| string(table(parent, key)?, "file"))
}

fn maturin(table: &Table) -> MaturinConfig {
    MaturinConfig {
        module_name: string(table, "module-name"),
        python_source: string(table, "python-source"),
        manifest_path: string(table, "manifest-path"),
        features: strings(table, "features"),
        bindings: string(table, "bindings"),
        no_default_features: table
            .get("no-default-features")
            .and_then(Value::as_bool)
            .unwrap_or(false),
    }
}

/// `{ file = "src/**/*.rs" }` becomes its pattern, `{ env = "X" }` becomes `env = "X"`.
fn cache_keys(value: &Value) -> Vec<String> {
    let entry = |value: &Value| match value {
        Value::String(pattern) => Some(pattern.clone()),
        Value::Table(table) => match table.get("file").and_then(Value::as_str) {
            Some(pattern) => Some(pattern.to_owned()),
            None => Some(table.to_string().trim().to_owned()),
        },
        _ => None,
    };
    value.as_array().map(|list| list.iter().filter_map(entry).collect()).unwrap_or_default()
}

fn table<'a>(table: &'a Table, key: &str) -> Option<&'a Table> {
    table.get(key).and_then(Value::as_table)
}

fn string(table: &Table, key: &str) -> Option<String> {
    table.get(key).and_then(Value::as_str).map(str::to_owned)
}

fn strings(table: &Table, key: &str) -> Vec<String> {
    let list = table.get(key).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn everything_that_matters_is_read() {
        let found = parse(
            r#"
            [project]
            name = "My.__Demo"
            requires-python = ">=3.9"
            dependencies = ["numpy>=1.26", "x"]
            [build-system]
            requires = ["maturin>=1,<2"]
            build-backend = "maturin"
            [tool.maturin]
            module-name = "demo._demo"
            features = ["pyo3/extension-module"]
            no-default-features = true
            [tool.uv]
            cache-keys = [{ file = "**/*.rs" }, { env = "X" }, "y"]
            "#,
        )
        .unwrap();
        assert_eq!(found.name.as_deref(), Some("my-demo"));
        assert_eq!(found.dependencies, ["numpy>=1.26", "x"]);
        let maturin = found.maturin.unwrap();
        assert_eq!(maturin.module_name.as_deref(), Some("demo._demo"));
        assert!(maturin.no_default_features);
        assert_eq!(found.uv_cache_keys.unwrap(), ["**/*.rs", "env = \"X\"", "y"]);
    }

    #[test]
    fn uv_may_be_told_never_to_build_the_project() {
        let said = |text: &str| parse(text).unwrap().uv_never_builds;
        assert_eq!(said("[tool.uv]\npackage = false").as_deref(), Some("package = false"));
        assert_eq!(said("[tool.uv]\nno-build = true").as_deref(), Some("no-build = true"));
        for text in ["[tool.uv]\npackage = true", "[tool.uv]\nno-build = false", "[tool.uv]"] {
            assert_eq!(said(text), None);
        }
    }

    #[test]
    fn a_value_of_another_kind_is_passed_over_and_broken_text_has_a_place() {
        let found = parse("project = 3\ntool = []\nbuild-system = { requires = 1 }").unwrap();
        assert_eq!(found, Pyproject::default());
        assert!(parse("[project]\nname = = 1").unwrap_err().starts_with("line 2, column 8: "));
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(\\PC|\n|[\\[\\]{}=\"'.,])*") {
            let _ = parse(&text);
        }
    }
}
