//! Wheels built in clean rooms, bit for bit the same wherever it is, and checked.

pub mod build;
