//! Npz files: archives of npy files.

mod member;
mod read;
mod write;

pub use member::MemberReader;
pub use read::{MemberInfo, Npz};
pub use write::{Compression, MemberWriter, NpzWriter, write_npz};
