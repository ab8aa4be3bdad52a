//! DAT: data files.

pub(super) mod dat001;
