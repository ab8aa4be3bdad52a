//! Wheels built in clean rooms, bit for bit the same wherever that is, and checked: whether what they
//! say of themselves is true, and where two of them differ.

pub mod build;
pub mod check;
pub mod compare;
pub mod digest;
pub mod engine;
pub mod image;
#[cfg(test)]
mod samples;

pub use artifacts::wheel::{Wheel, WheelError};
