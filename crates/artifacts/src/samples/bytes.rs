//! Numbers and texts as files have them.

/// Writes numbers in one byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// The least significant byte first.
    Little,
    /// The most significant byte first.
    Big,
}

impl Order {
    pub(crate) fn bytes<const N: usize>(self, little: [u8; N]) -> [u8; N] {
        let mut bytes = little;
        if self == Self::Big {
            bytes.reverse();
        }
        bytes
    }

    pub(crate) fn half(self, value: u16) -> [u8; 2] {
        self.bytes(value.to_le_bytes())
    }

    pub(crate) fn word(self, value: u32) -> [u8; 4] {
        self.bytes(value.to_le_bytes())
    }

    pub(crate) fn long(self, value: u64) -> [u8; 8] {
        self.bytes(value.to_le_bytes())
    }
}

/// Texts that end with a zero byte, found again by their offsets.
#[derive(Default)]
pub(crate) struct Texts {
    pub(crate) bytes: Vec<u8>,
}

impl Texts {
    pub(crate) fn offset(&mut self, text: &str) -> u32 {
        if self.bytes.is_empty() {
            self.bytes.push(0);
        }
        let offset = self.bytes.len();
        self.bytes.extend(text.as_bytes());
        self.bytes.push(0);
        u32::try_from(offset).unwrap()
    }
}

/// A whole number of eights, so that whatever follows is where it would be in a real file.
pub(crate) fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(8), 0);
}
