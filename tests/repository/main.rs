//! The rules of this repository, as tests. ARCHITECTURE.md says why each of them is there.

#![expect(clippy::unwrap_used, reason = "all of this is test code")]

mod dependencies;
mod documents;
mod faults;
mod files;
mod sources;
