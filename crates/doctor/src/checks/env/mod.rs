//! ENV: virtual environments.

pub(super) mod env001;
