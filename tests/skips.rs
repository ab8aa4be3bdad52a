//! How a test says that it could not run here.

use std::io::Write as _;

use host::Host;

/// Says so past the capture of the test runner, and in the list that `cargo xtask test` counts.
pub(crate) fn record(test: &str, reason: &str) {
    let reason = reason.replace('\n', " ");
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {reason}");
    let list = Host::current().unwrap().variables.path("TRUEWHEEL_TEST_SKIPS");
    let Some(list) = list else { return };
    let mut list = fs_err::OpenOptions::new().append(true).open(list).unwrap();
    // One write, so that lines of tests that run at the same time stay whole.
    list.write_all(format!("{test}\t{reason}\n").as_bytes()).unwrap();
}
