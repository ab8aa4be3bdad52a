//! What the tests share: uv, virtualenv and rattler in `target/test-tools`, caches, the Rust
//! toolchain, and the way to the package index.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use host::{Host, Invocation};

use super::skip;

/// The directory that `cargo xtask test` fills; without it the test is skipped.
pub(crate) fn directory() -> PathBuf {
    let host = Host::current().unwrap();
    let directory = host
        .variables
        .path("TRUEWHEEL_TEST_TOOLS")
        .unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("test-tools"));
    if !host.is_file(&directory.join("made-from.txt")) {
        let missing = host.variables.text("TRUEWHEEL_TEST_TOOLS_MISSING");
        skip(missing.unwrap_or_else(|| "`cargo xtask test` has not made its tools yet".to_owned()));
    }
    directory
}

/// A program of the tools' environment.
pub(crate) fn program(name: &str) -> PathBuf {
    directory().join("venv/bin").join(name)
}

/// The directory of the real `rustc` and `cargo`: rustup's stand-ins need the user's home.
pub(crate) fn rust_programs() -> PathBuf {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND
        .get_or_init(|| {
            let output = Invocation::new("rustc").args(["--print", "sysroot"]).output().unwrap();
            Path::new(output.stdout_text().trim()).join("bin")
        })
        .clone()
}

/// The user's own settings for reaching a package index, and nothing else of theirs.
pub(crate) fn network_variables() -> Vec<(String, String)> {
    let host = Host::current().unwrap();
    let tools = directory();
    let mut variables: Vec<(String, String)> = host
        .variables
        .iter()
        .filter(|(name, _)| is_about_the_network(name))
        .map(|(name, value)| (name.to_owned(), value.to_string_lossy().into_owned()))
        .collect();
    for (name, directory) in [("PIP_CACHE_DIR", "pip-cache"), ("UV_CACHE_DIR", "uv-cache")] {
        variables.push((name.to_owned(), tools.join(directory).display().to_string()));
    }
    for (name, value) in [("PIP_DISABLE_PIP_VERSION_CHECK", "1"), ("UV_PYTHON_DOWNLOADS", "never")]
    {
        variables.push((name.to_owned(), value.to_owned()));
    }
    variables
}

fn is_about_the_network(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    name.starts_with("SSL_CERT_")
        || name.ends_with("_PROXY")
        || name.ends_with("_CA_BUNDLE")
        || [
            "PIP_INDEX_URL",
            "PIP_EXTRA_INDEX_URL",
            "PIP_FIND_LINKS",
            "PIP_TRUSTED_HOST",
            "PIP_CERT",
            "PIP_NO_INDEX",
            "PIP_DEFAULT_TIMEOUT",
            "UV_DEFAULT_INDEX",
            "UV_INDEX",
            "UV_INDEX_URL",
            "UV_EXTRA_INDEX_URL",
            "UV_FIND_LINKS",
            "UV_INSECURE_HOST",
            "UV_NO_INDEX",
            "UV_NATIVE_TLS",
        ]
        .contains(&name.as_str())
}

/// Whether an installer's message says that the index could not be reached at all.
pub(crate) fn is_network_failure(stderr: &str) -> bool {
    [
        "Temporary failure in name resolution",
        "Name or service not known",
        "dns error",
        "Network is unreachable",
        "Connection refused",
        "connection refused",
        "Failed to establish a new connection",
        "tcp connect error",
    ]
    .iter()
    .any(|phrase| stderr.contains(phrase))
}
