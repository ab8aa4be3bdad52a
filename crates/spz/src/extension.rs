//! Records that vendors append, of which two are known.

use crate::error::{Error, ErrorKind, Result, Section, corrupt};
use crate::frame::Frame;

/// Adobe's bounds for a camera that orbits the scene.
const SAFE_ORBIT: u32 = 0xADBE_0002;
/// Adobe's statement of the frame that the numbers are stored in.
const COORDINATE_SYSTEM: u32 = 0xADBE_0003;

/// More records than this are not believed.
const MOST_RECORDS: usize = 1000;

/// A record.
#[derive(Debug, Clone, PartialEq)]
pub struct Extension {
    /// Vendor (upper half) and number.
    pub kind: u32,
    /// Bytes of its content.
    pub length: u32,
    /// What it says.
    pub content: Content,
}

/// What a record says.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Content {
    /// Nobody here knows: it may change what the numbers mean.
    Unknown,
    /// The frame of the stored numbers.
    CoordinateSystem(Frame),
    /// Where a camera may go.
    SafeOrbit {
        /// The least elevation, in radians.
        min_elevation: f32,
        /// The largest elevation, in radians.
        max_elevation: f32,
        /// The least distance.
        min_radius: f32,
    },
}

impl Extension {
    /// What it is called, if it is known.
    pub fn name(&self) -> Option<&'static str> {
        match self.content {
            Content::Unknown => None,
            Content::CoordinateSystem(_) => Some("coordinate_system"),
            Content::SafeOrbit { .. } => Some("safe_orbit_camera"),
        }
    }

    pub(crate) fn frame(&self) -> Option<Frame> {
        match self.content {
            Content::CoordinateSystem(frame) => Some(frame),
            _ => None,
        }
    }
}

/// Bytes that come one after the other, from memory or from a stream.
pub(crate) trait Bytes {
    /// Fills `output` as far as there are bytes, and says how far.
    fn read_up_to(&mut self, output: &mut [u8]) -> Result<usize>;
    /// Leaves out as many as there are, at most `count`, and says how many.
    fn skip(&mut self, count: u64) -> Result<u64>;
}

/// Reads records until the bytes end.
pub(crate) fn parse(bytes: &mut impl Bytes) -> Result<Vec<Extension>> {
    let mut found = Vec::new();
    loop {
        let mut head = [0; 8];
        match bytes.read_up_to(&mut head)? {
            0 => return Ok(found),
            8 => {}
            got => {
                let section = Section::Extensions;
                return Err(ErrorKind::Truncated { section, want: 8, got: got as u64 }.into());
            }
        }
        if found.len() == MOST_RECORDS {
            let reason = format!("there are more than {MOST_RECORDS} records");
            return Err(corrupt(Section::Extensions, reason));
        }
        let [a, b, c, d, e, f, g, h] = head;
        let (kind, length) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
        let content = content(bytes, kind, length)?;
        found.push(Extension { kind, length, content });
    }
}

fn content(bytes: &mut impl Bytes, kind: u32, length: u32) -> Result<Content> {
    let bad = |reason: String| -> Error { ErrorKind::BadExtension { kind, reason }.into() };
    let cut = |got: u64| bad(format!("{got} of its {length} bytes are there"));
    let expected: u32 = match kind {
        COORDINATE_SYSTEM => 4,
        SAFE_ORBIT => 12,
        _ => {
            let got = bytes.skip(length.into())?;
            return if got == u64::from(length) { Ok(Content::Unknown) } else { Err(cut(got)) };
        }
    };
    if length != expected {
        return Err(bad(format!("it has {length} bytes and should have {expected}")));
    }
    let mut words = [[0; 4]; 3];
    let words = &mut words[..expected as usize / 4];
    let got = bytes.read_up_to(words.as_flattened_mut())?;
    if got != expected as usize {
        return Err(cut(got as u64));
    }
    if let [min_elevation, max_elevation, min_radius] = *words {
        return Ok(Content::SafeOrbit {
            min_elevation: f32::from_le_bytes(min_elevation),
            max_elevation: f32::from_le_bytes(max_elevation),
            min_radius: f32::from_le_bytes(min_radius),
        });
    }
    let number = u32::from_le_bytes(words[0]);
    match Frame::from_number(number) {
        Some(frame) => Ok(Content::CoordinateSystem(frame)),
        None => Err(bad(format!("{number} is no coordinate system; there are 1 to 16"))),
    }
}
