//! Faults made for real, and healthy machines: the program is run on each.

mod harness;
mod itself;
