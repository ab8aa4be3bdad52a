//! The zip container, as far as npz files use it: stored and deflated members, one disk, zip64.

mod directory;
mod local;
mod name;

pub(crate) use directory::{Directory, Entry, Method};
pub(crate) use local::{Written, central_directory, local_header, patch, payload_start};
pub(crate) use name::check as check_name;

pub(crate) const LOCAL: u32 = 0x0403_4b50;
pub(crate) const CENTRAL: u32 = 0x0201_4b50;
pub(crate) const END: u32 = 0x0605_4b50;
pub(crate) const END64: u32 = 0x0606_4b50;
pub(crate) const LOCATOR64: u32 = 0x0706_4b50;

/// The extra field with sizes of more than 32 bits.
pub(crate) const EXTRA_ZIP64: u16 = 1;
/// The extra field that Android's zipalign fills to align the data.
pub(crate) const EXTRA_ALIGNMENT: u16 = 0xd935;
/// The extra field of this crate: the places in a deflate stream where decoding can start.
pub(crate) const EXTRA_CHUNKS: u16 = u16::from_le_bytes(*b"zn");

/// The flag of a name in UTF-8.
pub(crate) const FLAG_UTF8: u16 = 1 << 11;
/// The flag of sizes that follow the data.
pub(crate) const FLAG_DESCRIPTOR: u16 = 1 << 3;

/// A 32-bit size that says "see the zip64 extra field".
pub(crate) const SENTINEL: u32 = u32::MAX;

/// Numbers of a record, little-endian, `None` past its end.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }
}
