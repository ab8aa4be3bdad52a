//! The page of the matrix in a real browser, headless Chromium: what a person sees, clicks and
//! types. Skipped where there is none.

#![expect(clippy::unwrap_used, reason = "all of this is test code")]

mod driver;
mod page;
#[path = "../../crates/matrix/tests/render/samples.rs"]
mod samples;
#[path = "../skips.rs"]
mod skips;
