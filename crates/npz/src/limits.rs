//! How much a reader lets a file ask for.

/// Limits on what a file may make the reader do.
///
/// The size of the file itself bounds everything that is stored; these limits are for what can
/// be larger than the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The longest npy header in bytes: 1 MiB, which is about 50000 fields.
    pub header_bytes: usize,
    /// A compressed member may always inflate to this many bytes: 1 GiB.
    pub inflated_bytes: u64,
    /// A compressed member that inflates to more than [`inflated_bytes`](Limits::inflated_bytes)
    /// may be at most this many times larger than it is in the file: 200. Deflate itself ends at
    /// 1032, for data that are all the same.
    pub inflation: u64,
    /// The largest zip directory in bytes: 256 MiB.
    pub directory_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            header_bytes: 1 << 20,
            inflated_bytes: 1 << 30,
            inflation: 200,
            directory_bytes: 256 << 20,
        }
    }
}

impl Limits {
    /// Limits for files that are trusted: all that deflate can do is allowed.
    #[must_use]
    pub fn trusted() -> Self {
        Limits { inflation: u64::MAX, directory_bytes: u64::MAX, ..Limits::default() }
    }
}
