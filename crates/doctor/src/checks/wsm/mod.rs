//! WSM: Python as WebAssembly.

pub(super) mod wsm001;
