//! LIB: the C and C++ libraries that extension modules are loaded with.

mod needs;

pub(super) mod lib001;
pub(super) mod lib002;
pub(super) mod lib003;
