//! Wheels that can be checked: whether what they say of themselves is true, and where two of them
//! differ.

pub mod check;
pub mod compare;
pub mod digest;
#[cfg(test)]
mod samples;

pub use artifacts::wheel::{Wheel, WheelError};
