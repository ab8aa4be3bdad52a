//! The fixed fields of both containers.

use crate::error::{Error, ErrorKind, Result};
use crate::extension::Extension;
use crate::frame::Frame;

/// The bytes of a position in version 4, which every point has.
const POSITION: u64 = 9;

/// Deflate cannot make data smaller than this fraction of what they are.
const MOST_DEFLATED: u64 = 1032;

/// What the reference allows zstd to do, and so what a file may do.
const MOST_ZSTD: u64 = 1024;

/// Positions have 24 bits, so more of them cannot stand after the point.
const MOST_FRACTIONAL_BITS: u8 = 24;

/// Spherical harmonics up to this degree.
const MOST_DEGREE: u8 = 4;

const ANTIALIASED: u8 = 0x1;
pub(crate) const HAS_EXTENSIONS: u8 = 0x2;
const KNOWN_FLAGS: u8 = ANTIALIASED | HAS_EXTENSIONS;

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Container {
    /// One gzip stream of everything: versions 1 to 3, and the version 4 of early 2026.
    Gzip,
    /// A plain header and a zstd frame for each part: version 4.
    Zstd,
}

impl Container {
    /// `gzip` or `zstd`.
    pub fn name(self) -> &'static str {
        match self {
            Container::Gzip => "gzip",
            Container::Zstd => "zstd",
        }
    }

    pub(crate) fn describe(self) -> &'static str {
        match self {
            Container::Gzip => "a gzip stream",
            Container::Zstd => "the container of version 4",
        }
    }

    pub(crate) fn versions(self) -> &'static str {
        match self {
            Container::Gzip => "1 to 4",
            Container::Zstd => "4",
        }
    }
}

/// What a file says of itself.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Info {
    /// How it is packed.
    pub container: Container,
    /// The version of the format, 1 to 4.
    pub version: u32,
    /// How many splats there are; none is fine.
    pub num_points: usize,
    /// The degree of the spherical harmonics, 0 to 4.
    pub sh_degree: u8,
    /// Bits of a position after the point; without meaning in version 1.
    pub fractional_bits: u8,
    /// All flags, as stored.
    pub flags: u8,
    /// The frame that the numbers are stored in.
    pub frame: Frame,
    /// Whether the file states the frame; otherwise it is the one that the format takes for granted.
    pub frame_is_stated: bool,
    /// Records of vendors, in their order, those that nobody here knows included.
    pub extensions: Vec<Extension>,
    /// Bytes after the last part that were looked at and have no meaning here.
    pub trailing_bytes: u64,
}

impl Info {
    /// Whether it was trained to be drawn with antialiasing (mip splatting).
    pub fn is_antialiased(&self) -> bool {
        self.flags & ANTIALIASED != 0
    }

    /// Flags that this crate does not know: they may change what other numbers mean.
    pub fn unknown_flags(&self) -> u8 {
        self.flags & !KNOWN_FLAGS
    }

    pub(crate) fn has_extensions(&self) -> bool {
        self.flags & HAS_EXTENSIONS != 0
    }

    /// Coefficients of each colour without the one of degree 0.
    pub fn sh_coefficients(&self) -> usize {
        let degree = usize::from(self.sh_degree);
        degree * (degree + 2)
    }

    /// Takes the frame from the records.
    pub(crate) fn settle(&mut self) {
        if let Some(frame) = self.extensions.iter().find_map(Extension::frame) {
            self.frame = frame;
            self.frame_is_stated = true;
        }
    }

    /// The first 15 bytes, which both containers share; `length` is that of the file.
    pub(crate) fn parse(fields: &[u8; 15], container: Container, length: u64) -> Result<Info> {
        let word = |at: usize| {
            u32::from_le_bytes([fields[at], fields[at + 1], fields[at + 2], fields[at + 3]])
        };
        let (version, points) = (word(4), word(8));
        let [sh_degree, fractional_bits, flags] = [fields[12], fields[13], fields[14]];
        let is_known = match container {
            Container::Gzip => (1..=4).contains(&version),
            Container::Zstd => version == 4,
        };
        if !is_known {
            return Err(ErrorKind::UnsupportedVersion { found: version, container }.into());
        }
        let implausible = |field, value, reason: String| -> Error {
            ErrorKind::ImplausibleHeader { field, value, reason }.into()
        };
        if sh_degree > MOST_DEGREE {
            let reason = format!("degrees go from 0 to {MOST_DEGREE}");
            return Err(implausible("shDegree", sh_degree.into(), reason));
        }
        if fractional_bits > MOST_FRACTIONAL_BITS && version > 1 {
            let reason = format!("positions have {MOST_FRACTIONAL_BITS} bits");
            return Err(implausible("fractionalBits", fractional_bits.into(), reason));
        }
        let num_points = usize::try_from(points).unwrap_or(usize::MAX);
        let info = Info {
            container,
            version,
            num_points,
            sh_degree,
            fractional_bits,
            flags,
            frame: Frame::DEFAULT,
            frame_is_stated: false,
            extensions: Vec::new(),
            trailing_bytes: 0,
        };
        let least = match container {
            Container::Gzip => info.stored_bytes(),
            Container::Zstd => u64::from(points) * POSITION,
        };
        let most = match container {
            Container::Gzip => length.saturating_mul(MOST_DEFLATED),
            Container::Zstd => length.saturating_mul(MOST_ZSTD),
        };
        if least > most {
            let reason = format!("a file of {length} bytes has no room for them");
            return Err(implausible("numPoints", points.into(), reason));
        }
        Ok(info)
    }

    /// The bytes that all points take before they are compressed.
    pub(crate) fn stored_bytes(&self) -> u64 {
        let each: usize =
            crate::fields::STORED.iter().map(|&(field, _)| self.stored_stride(field)).sum();
        self.num_points as u64 * each as u64
    }
}
