//! Tests that cannot run on this machine say so; `cargo xtask test` counts them.

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use host::Host;

struct Skipped(String);

/// Ends the running test as skipped.
pub(crate) fn skip(reason: impl Into<String>) -> ! {
    resume_unwind(Box::new(Skipped(reason.into())))
}

/// Runs a test; one that calls [`skip`] is written down as skipped. `name` is the name of the
/// test's closure.
pub(crate) fn catch(name: &str, test: impl FnOnce()) {
    let Err(payload) = catch_unwind(AssertUnwindSafe(test)) else { return };
    match payload.downcast::<Skipped>() {
        Ok(skipped) => record(test_name(name), &skipped.0),
        Err(payload) => resume_unwind(payload),
    }
}

/// `faults::env::moved::{{closure}}` is the test `env::moved`.
fn test_name(closure: &str) -> &str {
    let name = closure.split_once("::").map_or(closure, |(_, rest)| rest);
    name.split("::{{closure}}").next().unwrap_or(name)
}

fn record(test: &str, reason: &str) {
    eprintln!("skipped: {reason}");
    let host = Host::current().unwrap();
    let Some(file) = host.variables.path("TRUEWHEEL_TEST_SKIPS") else { return };
    let reason = reason.replace('\n', " ");
    let mut file = fs_err::OpenOptions::new().append(true).open(file).unwrap();
    // One write, so that lines of tests that run at the same time stay whole.
    file.write_all(format!("{test}\t{reason}\n").as_bytes()).unwrap();
}
