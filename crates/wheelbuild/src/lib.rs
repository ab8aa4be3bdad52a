//! Wheels: clean rooms to build them in, and whether what they say of themselves is true and where two
//! of them differ.

pub mod check;
pub mod compare;
pub mod digest;
pub mod engine;
pub mod image;
#[cfg(test)]
mod samples;

pub use artifacts::wheel::{Wheel, WheelError};
