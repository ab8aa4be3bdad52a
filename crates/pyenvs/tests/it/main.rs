//! Discovery on machines that are written down, and on trees that are made for the test.

#![cfg(test)]

mod hostile;
mod machines;
mod picks;
mod support;
mod trees;
