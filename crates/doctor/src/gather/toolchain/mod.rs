//! Rust, linkers, and the Python tools on `PATH`.

mod linker;
mod pyenv;
mod rustc;
mod rustup;
mod tools;

use std::path::Path;

use host::{Host, HostPath, Seen};

use super::cache::Cache;
use super::path;
use crate::{EnvironmentFacts, ProjectFacts, ToolchainFacts};

/// Looks at every tool but linkers. The one process that may be started is the real `rustc -vV`.
pub(super) fn gather(host: &Host, project: &Path, cache: &Cache) -> ToolchainFacts {
    let ((rustc, missing_toolchain), (tools, pyenv)) = host::both(
        || rustc::gather(host, project, cache),
        || {
            let tools =
                ["maturin", "uv", "pip", "virtualenv"].map(|name| tools::gather(host, name));
            (tools, pyenv::gather(host, project))
        },
    );
    let [maturin, uv, pip, virtualenv] = tools;
    ToolchainFacts {
        rustc,
        missing_toolchain,
        cargo: host.program("cargo").map(path),
        rustup: host.program("rustup").map(path),
        linker: Default::default(),
        maturin,
        uv,
        pip,
        virtualenv,
        pyenv,
    }
}

/// Adds what needs the project's configuration or the environments: linkers, and to which
/// environment each tool belongs.
pub(super) fn complete(
    host: &Host,
    toolchain: &mut ToolchainFacts,
    project: &ProjectFacts,
    environments: &[EnvironmentFacts],
) {
    let triple = match &toolchain.rustc {
        Seen::Seen(rustc) => rustc.host_triple.clone(),
        Seen::Absent | Seen::Broken(_) => rustup::host_triple(host),
    };
    toolchain.linker = linker::gather(host, project, &triple);
    tools::attribute(host, toolchain, environments);
}

/// The `rust-toolchain` or `rust-toolchain.toml` that counts in a directory, and what it asks
/// for.
pub(super) fn toolchain_file(host: &Host, project: &Path) -> Option<(HostPath, String)> {
    let (file, asked) = rustup::nearest_file(host, &host.absolute(project))?;
    Some((path(file), asked.channel))
}
