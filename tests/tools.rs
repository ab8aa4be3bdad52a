//! What `cargo xtask test` provides for tests: a directory of programs.

use std::path::PathBuf;

use host::Host;

use crate::skips;

/// The directory; `None`, and a word about it, where a test was started in another way.
pub(crate) fn directory(test: &str, lane: &str) -> Option<PathBuf> {
    let variables = Host::current().unwrap().variables;
    let found = variables.path("TRUEWHEEL_TEST_TOOLS");
    if found.is_none() {
        let reason = variables.text("TRUEWHEEL_TEST_TOOLS_MISSING").unwrap_or_else(|| {
            format!("run by `cargo xtask test {lane}`, which provides programs")
        });
        skips::record(test, &reason);
    }
    found
}
