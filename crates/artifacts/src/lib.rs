//! What a file says about itself. This crate reads bytes that it is given; it never executes,
//! imports or unpickles anything (invariant I4), and touches no file itself.

mod model;

pub use model::{ModuleError, NativeModule, NumpyUse, ObjectFormat, RustCrate, VersionNeed};
