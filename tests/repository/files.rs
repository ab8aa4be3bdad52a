//! The files of the repository, as the tests see them.

use std::path::{Path, PathBuf};

use host::{FileKind, Host};

/// One text file.
pub(crate) struct TextFile {
    /// Path below the repository's root, with forward slashes.
    pub(crate) path: String,
    /// Contents.
    pub(crate) text: String,
    /// Whether it is compiled for tests only.
    for_tests: bool,
}

impl TextFile {
    /// Numbered lines.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(number, line)| (number + 1, line))
    }

    /// The lines that are part of the program: none of a file for tests, and of others those
    /// before the module of unit tests.
    pub(crate) fn lines_of_program(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines: Vec<&str> = self.text.lines().collect();
        let module = lines.iter().position(|line| line.starts_with("mod tests {"));
        let tests =
            module.filter(|end| lines[..*end].iter().rev().take(3).any(|l| is_for_tests(l)));
        let length = if self.for_tests { 0 } else { tests.unwrap_or(lines.len()) };
        self.lines().take(length)
    }

    /// Files of the modules that it declares for tests only.
    fn modules_for_tests(&self) -> Vec<String> {
        let (directory, name) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        let directory = match name.trim_end_matches(".rs") {
            "lib" | "main" | "mod" => directory.to_owned(),
            module => format!("{directory}/{module}"),
        };
        let lines: Vec<&str> = self.text.lines().collect();
        lines
            .windows(2)
            .filter(|pair| is_for_tests(pair[0]))
            .filter_map(|pair| pair[1].strip_suffix(';')?.rsplit_once("mod "))
            .map(|(_, module)| format!("{directory}/{module}"))
            .collect()
    }

    /// Whether it is of the product, which never depends on the toolkit (I1) and so touches files
    /// itself.
    pub(crate) fn is_product(&self) -> bool {
        ["arrow-quant", "arrow-quant-python", "npz", "spz"].contains(&self.crate_name())
    }

    /// The crate it belongs to: `crates/host/src/lib.rs` is of `host`.
    pub(crate) fn crate_name(&self) -> &str {
        let path = self.path.strip_prefix("crates/").unwrap_or(&self.path);
        path.split('/').next().unwrap_or(path)
    }
}

fn is_for_tests(line: &str) -> bool {
    line.starts_with("#[cfg(") && line.contains("test")
}

/// The directory with the workspace's `Cargo.toml`.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// One file of the repository.
#[track_caller]
pub(crate) fn read(path: &str) -> String {
    fs_err::read_to_string(root().join(path)).unwrap()
}

/// Every text file of the repository that git would hold.
pub(crate) fn all() -> Vec<TextFile> {
    let mut found = Vec::new();
    collect(&Host::current().unwrap(), &root(), &mut found);
    assert!(found.len() > 50, "only {} files found", found.len());
    found
}

/// Every Rust file.
pub(crate) fn rust() -> Vec<TextFile> {
    let mut files = all();
    files.retain(|file| file.path.ends_with(".rs"));
    files
}

/// Rust files of the crates and of xtask, without those of integration tests.
pub(crate) fn programs() -> Vec<TextFile> {
    let mut files = rust();
    files.retain(|file| !file.path.split('/').any(|part| part == "tests"));
    let modules: Vec<String> = files.iter().flat_map(TextFile::modules_for_tests).collect();
    for file in &mut files {
        file.for_tests = modules.iter().any(|module| {
            let rest = file.path.strip_prefix(module.as_str());
            rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        });
    }
    files
}

fn collect(host: &Host, directory: &Path, found: &mut Vec<TextFile>) {
    for entry in host.list(directory, 10_000).unwrap() {
        let path = directory.join(&entry.name);
        let name = entry.name_text().unwrap_or_default();
        match entry.kind {
            FileKind::Directory if !matches!(name, ".git" | "target" | "__pycache__" | ".venv") => {
                collect(host, &path, found);
            }
            // In a second working tree `.git` is a file.
            FileKind::File if name != ".git" => {
                let Ok(text) = host.read_text(&path, 64 << 20) else { continue };
                let path = path.strip_prefix(root()).unwrap().display().to_string();
                found.push(TextFile { path, text, for_tests: false });
            }
            _ => {}
        }
    }
}

/// Fails with one line for every offence.
#[track_caller]
pub(crate) fn none_of(offences: &[String]) {
    assert!(offences.is_empty(), "\n{}\n", offences.join("\n"));
}
