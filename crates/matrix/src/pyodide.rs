//! Pyodide: CPython in WebAssembly, run by Node.js, of a version that npm installs or that lies in a
//! directory of the project.

use std::path::{Path, PathBuf};
use std::time::Duration;

use host::{Host, Invocation, Lock};
use serde_json::Value;

use crate::environment;
use crate::index::without_credentials;

/// The oldest Node.js that every version of Pyodide since 0.25 runs on.
const OLDEST_NODE: u32 = 18;
/// The file of the package that is imported to load it.
const ENTRY: &str = "pyodide.mjs";
/// Asking for a version, and installing it: some fifteen megabytes.
const ASK_LIMIT: Duration = Duration::from_secs(120);
const INSTALL_LIMIT: Duration = Duration::from_secs(600);
/// The package's own description.
const DESCRIPTION_LIMIT: u64 = 1 << 20;

/// The programs that run Pyodide and install it.
#[derive(Debug, Clone)]
pub struct Node {
    /// Node.js.
    pub program: PathBuf,
    npm: Option<PathBuf>,
}

impl Node {
    /// Those on `PATH`.
    ///
    /// # Errors
    /// Why there is no Node.js that Pyodide could run on, and what to do about it.
    pub fn find(host: &Host) -> Result<Self, String> {
        let cure = "install Node.js, or take `pyodide` out of `lanes` in `[matrix]`";
        let Some(program) = host.programs("node").into_iter().next() else {
            return Err(format!("there is no Node.js on PATH; {cure}"));
        };
        let output = Invocation::new(&program).args(["--version"]).timeout(ASK_LIMIT).output();
        let version = output.map_err(|error| error.to_string())?.stdout_text();
        let version = version.trim().trim_start_matches('v');
        let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
        if major.is_none_or(|major| major < OLDEST_NODE) {
            return Err(format!(
                "{} is Node.js {version}, and Pyodide needs {OLDEST_NODE} or newer; {cure}",
                program.display()
            ));
        }
        Ok(Self { program, npm: host.programs("npm").into_iter().next() })
    }

    /// The version of the npm package that a request (`0.25.1`, `newest`) means.
    ///
    /// # Errors
    /// Why there is no such version, or why that cannot be found out.
    pub fn version(&self, request: &str) -> Result<String, String> {
        let package = match request {
            "newest" => "pyodide".to_owned(),
            version => format!("pyodide@{version}"),
        };
        let output = self
            .npm()?
            .args(["view", &package, "version", "--json"])
            .timeout(ASK_LIMIT)
            .output()
            .map_err(|error| error.to_string())?;
        let answer: Value = serde_json::from_str(&output.stdout_text()).unwrap_or_default();
        match answer.as_str() {
            Some(version) if output.success() && is_file_name(version) => Ok(version.to_owned()),
            _ => Err(format!("npm has no {package}: {}", said_by_npm(&answer, &output))),
        }
    }

    /// The directory of this version of the npm package below `directory`: the one that is there if
    /// every file of it is as it was installed, or else a new one. With `anew` it is installed in any
    /// case.
    ///
    /// # Errors
    /// Why it cannot be installed.
    pub fn package(
        &self,
        host: &Host,
        directory: &Path,
        version: &str,
        anew: bool,
    ) -> Result<Package, String> {
        let text = |error: std::io::Error| error.to_string();
        let prefix = directory.join(version);
        let package = prefix.join("node_modules/pyodide");
        // Somebody else may be installing the same one.
        let _lock = Lock::wait(&prefix.with_added_extension("lock")).map_err(text)?;
        if !anew && environment::is_whole(host, &prefix, &version.to_owned()) {
            return Ok(Package { directory: package, reused: true });
        }
        host::remove_tree(&prefix).map_err(text)?;
        host::create_directory(&prefix).map_err(text)?;
        let output = self
            .npm()?
            .args(["install", "--json", "--no-fund", "--no-audit", "--ignore-scripts"])
            .arg("--prefix")
            .arg(&prefix)
            .arg(format!("pyodide@{version}"))
            .timeout(INSTALL_LIMIT)
            .output()
            .map_err(|error| error.to_string())?;
        if !output.success() {
            let answer = serde_json::from_str(&output.stdout_text()).unwrap_or_default();
            let said = said_by_npm(&answer, &output);
            return Err(format!("npm cannot install pyodide {version}: {said}"));
        }
        version_in(host, &package)?;
        environment::stamp(host, &prefix, &version)?;
        Ok(Package { directory: package, reused: false })
    }

    fn npm(&self) -> Result<Invocation, String> {
        let npm = self.npm.as_ref().ok_or("there is no npm on PATH to get Pyodide with")?;
        Ok(Invocation::new(npm))
    }
}

/// Whether a version can be the name of the directory that it is installed in.
fn is_file_name(version: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
    version.starts_with(|c: char| c.is_ascii_digit()) && version.chars().all(is_plain)
}

/// Pyodide that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Where its `pyodide.mjs` lies.
    pub directory: PathBuf,
    /// Whether it was there already.
    pub reused: bool,
}

/// The version of Pyodide in a directory.
pub(crate) fn version_in(host: &Host, directory: &Path) -> Result<String, String> {
    if !host.is_file(&directory.join(ENTRY)) {
        return Err(format!("there is no {ENTRY} in {}", directory.display()));
    }
    let description = directory.join("package.json");
    let text =
        host.read_text(&description, DESCRIPTION_LIMIT).map_err(|error| error.to_string())?;
    let description: Value = serde_json::from_str(&text).unwrap_or_default();
    let version = description.get("version").and_then(Value::as_str);
    version.map(str::to_owned).ok_or_else(|| {
        format!("package.json in {} does not say which version it is", directory.display())
    })
}

/// The versions that were installed below `directory`, as directories are named.
pub(crate) fn installed(host: &Host, directory: &Path) -> Vec<String> {
    /// Nobody has more versions than there are.
    const MOST: usize = 1000;
    let entries = host.list(directory, MOST).unwrap_or_default();
    let names = entries.into_iter().filter_map(|entry| entry.name.into_string().ok());
    let whole = |name: &String| environment::is_whole(host, &directory.join(name), name);
    names.filter(whole).collect()
}

/// What npm says went wrong: of its JSON the summary, otherwise its last words.
fn said_by_npm(answer: &Value, output: &host::Output) -> String {
    let summary = answer.pointer("/error/summary").and_then(Value::as_str);
    let stderr = output.stderr_text();
    let mut lines = stderr.lines().map(|line| line.trim_start_matches("npm error").trim());
    let first = lines.find(|line| !line.is_empty() && !line.starts_with("code "));
    let said = summary.map(str::trim).filter(|said| !said.is_empty()).or(first);
    let said = without_credentials(said.unwrap_or("it does not say why"));
    said.lines().next().unwrap_or_default().to_owned()
}
