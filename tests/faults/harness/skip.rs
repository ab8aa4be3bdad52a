//! Tests that cannot run on this machine say so; `cargo xtask test` counts them.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::skips;

struct Skipped(String);

/// Ends the running test as skipped.
pub(crate) fn skip(reason: impl Into<String>) -> ! {
    resume_unwind(Box::new(Skipped(reason.into())))
}

/// Runs a test; one that calls [`skip`] is written down as skipped. `closure` is the name of the
/// test's closure.
pub(crate) fn catch(closure: &str, test: impl FnOnce()) {
    let Err(payload) = catch_unwind(AssertUnwindSafe(test)) else { return };
    match payload.downcast::<Skipped>() {
        Ok(skipped) => skips::record(&test_name(closure), &skipped.0),
        Err(payload) => resume_unwind(payload),
    }
}

/// The test's thread is named after it, unless tests run one by one. Then the closure tells:
/// `faults::env::moved::{{closure}}` is in the test `env::moved`.
pub(super) fn test_name(closure: &str) -> String {
    let thread = std::thread::current();
    if let Some(name) = thread.name().filter(|name| *name != "main") {
        return name.to_owned();
    }
    let name = closure.split_once("::").map_or(closure, |(_, rest)| rest);
    name.split("::{{closure}}").next().unwrap_or(name).to_owned()
}
