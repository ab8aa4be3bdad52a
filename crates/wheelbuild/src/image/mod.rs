//! Images: the files that commands see as their root, known by their sum.
//!
//! An image is one uncompressed archive of a root file system. Its SHA-256 is what podman and docker
//! call the *diffID* of its only layer, so one number proves that the store, each engine and an
//! unpacked copy hold the same files. An image's own id in an engine holds the time at which it was
//! made, and proves nothing.

mod bootstrap;
mod check;
mod engines;
mod error;
mod lock;
mod packages;
mod recipe;
mod store;
mod toolchain;

pub use bootstrap::{Tool, bootstrap};
pub use check::{Copy, State, check};
pub(crate) use engines::put;
pub use engines::{identity, reference, root_for};
pub use error::Error;
pub use lock::{LOCK_FILE, LockFile, Locked, LockedReference, digest_of};
pub use packages::{Package, differences};
pub use recipe::{RECIPE_FILE, Recipe, Recipes, Reference, architecture};
pub(crate) use store::sum_of_file;
pub use store::{Image, Store};
pub use toolchain::{TOOLCHAIN_TARGET, Toolchain};
