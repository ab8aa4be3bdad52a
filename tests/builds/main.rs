//! Real builds in real clean rooms: what comes of them, whether it is the same everywhere, and what
//! is said and left when they fail.

#[cfg(all(test, target_os = "linux"))]
mod engines;
#[cfg(all(test, target_os = "linux"))]
mod failures;
#[cfg(all(test, target_os = "linux"))]
mod inputs;
#[cfg(all(test, target_os = "linux"))]
mod killed;
#[cfg(all(test, target_os = "linux"))]
mod mirror;
#[cfg(all(test, target_os = "linux"))]
mod records;
#[cfg(all(test, target_os = "linux"))]
mod repository;
#[cfg(all(test, target_os = "linux"))]
mod support;

#[cfg(all(test, target_os = "linux"))]
#[path = "../skips.rs"]
mod skips;
#[cfg(all(test, target_os = "linux"))]
#[path = "../tools.rs"]
mod tools;
