//! The rules of this repository, as tests. ARCHITECTURE.md says why each of them is there.

mod dependencies;
mod documents;
mod files;
mod sources;
