//! Clean wheel builds: in containers without a network, from inputs that are known by their sums.

pub mod engine;
pub mod image;
