//! Which crate may know which, and what the toolkit may contain (I1, I4, I6).

use std::collections::BTreeSet;

use host::Invocation;

use crate::files::{none_of, read, root};

/// A crate with the crates of the workspace that it may use.
type Direction = (&'static str, &'static [&'static str]);

/// The toolkit: what must compile on a machine that is sick.
const TOOLKIT: &[Direction] = &[
    ("xtask", &["truewheel", "matrix", "report", "host"]),
    ("truewheel", &["doctor", "wheelbuild", "matrix", "pyenvs", "numpy-rules", "report", "host"]),
    ("doctor", &["pyenvs", "artifacts", "numpy-rules", "report", "host"]),
    ("wheelbuild", &["pyenvs", "artifacts", "report", "host"]),
    ("matrix", &["pyenvs", "npz", "numpy-rules", "report", "host"]),
    ("pyenvs", &["host"]),
    ("artifacts", &["npz"]),
    ("npz", &[]),
    ("numpy-rules", &[]),
    ("report", &[]),
    ("host", &[]),
];

/// The product, which never uses the toolkit; `npz` is a leaf that both use.
const PRODUCT: &[Direction] = &[
    ("arrow-quant-python", &["arrow-quant", "spz"]),
    ("arrow-quant", &["npz"]),
    ("spz", &["npz"]),
];

/// What the product is made of; the toolkit never contains it.
const HEAVY: &[&str] = &["arrow", "pyo3", "numpy", "parquet", "tokio"];

/// The most crates that a first `cargo xtask doctor` may compile.
const MOST_CRATES: usize = 100;

/// Licences that go with this project's own.
const LICENCES: &[&str] = &[
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

fn cargo(arguments: &[&str]) -> String {
    let cargo = host::Host::current().unwrap().variables.path("CARGO").unwrap();
    let output = Invocation::new(cargo).args(arguments).directory(root()).output().unwrap();
    assert!(output.success(), "cargo {arguments:?}: {}", output.stderr_text());
    output.stdout_text()
}

/// Names of the crates in a tree, each once.
fn tree(arguments: &[&str]) -> BTreeSet<String> {
    let format = ["--prefix", "none", "--format", "{p}"];
    let text = cargo(&[&["tree", "--locked"], arguments, &format].concat());
    text.lines()
        .filter_map(|line| line.split(" (").next())
        .map(|crate_and_version| crate_and_version.trim().to_owned())
        .filter(|line| !line.is_empty())
        .collect()
}

fn metadata(arguments: &[&str]) -> serde_json::Value {
    let text = cargo(&[&["metadata", "--format-version", "1", "--locked"], arguments].concat());
    serde_json::from_str(&text).unwrap()
}

#[test]
fn crates_know_only_whom_they_may() {
    let metadata = metadata(&["--no-deps"]);
    let packages = metadata["packages"].as_array().unwrap();
    let members: BTreeSet<&str> =
        packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
    let mut offences = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap();
        let Some((_, allowed)) = TOOLKIT.iter().chain(PRODUCT).find(|(known, _)| *known == name)
        else {
            offences.push(format!("nothing says whom {name} may use"));
            continue;
        };
        for dependency in package["dependencies"].as_array().unwrap() {
            let used = dependency["name"].as_str().unwrap();
            let for_tests = dependency["kind"].as_str() == Some("dev");
            if members.contains(used) && !for_tests && !allowed.contains(&used) {
                offences.push(format!("{name} -> {used} is not allowed"));
            }
        }
    }
    none_of(&offences);
}

#[test]
fn the_toolkit_holds_nothing_of_the_product() {
    let crates = tree(&["--package", "xtask", "--edges", "normal,build", "--target", "all"]);
    let offences: Vec<String> = crates
        .iter()
        .filter(|line| {
            let name = line.split(' ').next().unwrap_or(line);
            !TOOLKIT.iter().any(|(own, _)| *own == name)
                && HEAVY
                    .iter()
                    .any(|heavy| name == *heavy || name.starts_with(&format!("{heavy}-")))
        })
        .map(|line| format!("{line} is in the toolkit"))
        .collect();
    none_of(&offences);
}

#[test]
fn the_first_command_compiles_few_crates_and_no_c() {
    let crates = tree(&["--package", "xtask", "--edges", "normal,build"]);
    assert!(crates.len() <= MOST_CRATES, "{} crates: {crates:#?}", crates.len());
    let c: Vec<&String> = crates
        .iter()
        .filter(|line| line.starts_with("cc ") || line.split(' ').next().unwrap().ends_with("-sys"))
        .filter(|line| !line.starts_with("linux-raw-sys "))
        .collect();
    assert!(c.is_empty(), "these compile C: {c:?}");
}

#[test]
fn nothing_but_the_toolkit_is_compiled_by_default() {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let default = manifest["workspace"]["default-members"].as_array().unwrap();
    let offences: Vec<String> = default
        .iter()
        .map(|path| path.as_str().unwrap().trim_start_matches("crates/"))
        .filter(|name| !TOOLKIT.iter().any(|(known, _)| known == name))
        .map(|name| format!("{name} is compiled by default"))
        .collect();
    none_of(&offences);
}

#[test]
fn licences_go_together() {
    let metadata = metadata(&[]);
    let mut offences = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let licence = package["license"].as_str().unwrap_or("");
        // One of several with OR is enough; of those with AND every one counts.
        let licence = licence.replace(['(', ')'], "").replace('/', " OR ");
        let fits = licence
            .split(" AND ")
            .all(|part| part.split(" OR ").any(|choice| LICENCES.contains(&choice.trim())));
        if !fits {
            offences.push(format!("{name} is under {licence:?}"));
        }
    }
    none_of(&offences);
}

#[test]
fn every_version_is_written_once() {
    let metadata = metadata(&["--no-deps"]);
    let mut offences = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        let manifest = package["manifest_path"].as_str().unwrap();
        let text = fs_err::read_to_string(manifest).unwrap();
        let own: toml::Table = text.parse().unwrap();
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(table) = own.get(section).and_then(toml::Value::as_table) else { continue };
            for (name, dependency) in table {
                if dependency.get("workspace").is_none() {
                    offences.push(format!("{manifest}: {name} does not come from the workspace"));
                }
            }
        }
        if !text.contains("[lints]\nworkspace = true") {
            offences.push(format!("{manifest}: the workspace's lints do not hold"));
        }
    }
    none_of(&offences);
}
