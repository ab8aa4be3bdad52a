//! What is returned, and what a caller may ask for.

use crate::error::Result;
use crate::fields::{Field, Fields};
use crate::floats::Floats;
use crate::frame::{Conversion, Frame};
use crate::header::Info;

/// What a caller wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The frame of the numbers; `None` leaves them as they are stored.
    pub frame: Option<Frame>,
    /// The arrays; the others are not decoded.
    pub fields: Fields,
}

impl Default for Options {
    fn default() -> Self {
        Options { frame: None, fields: Fields::ALL }
    }
}

/// Splats.
#[derive(Debug)]
#[non_exhaustive]
pub struct Cloud {
    /// What the file says of itself.
    pub info: Info,
    /// The frame of the numbers here.
    pub frame: Frame,
    arrays: [Option<Floats>; 6],
}

impl Cloud {
    pub(crate) fn new(info: Info, options: Options) -> Result<Cloud> {
        let mut arrays = [const { None }; 6];
        for field in Field::ALL.into_iter().filter(|&field| options.fields.has(field)) {
            let count = info.num_points.saturating_mul(info.numbers(field));
            arrays[field as usize] = Some(Floats::zeroed(count)?);
        }
        Ok(Cloud { frame: info.frame, info, arrays })
    }

    /// The numbers of a field, if it was asked for: those of the first point, then those of the next.
    pub fn array(&self, field: Field) -> Option<&[f32]> {
        self.arrays[field as usize].as_deref()
    }

    /// The same to be changed.
    pub fn array_mut(&mut self, field: Field) -> Option<&mut [f32]> {
        self.arrays[field as usize].as_deref_mut()
    }

    /// Takes an array out, so that it can outlive the others.
    pub fn take(&mut self, field: Field) -> Option<Floats> {
        self.arrays[field as usize].take()
    }

    /// Changes all numbers to another frame.
    pub fn convert(&mut self, frame: Frame) {
        let Some(conversion) = Conversion::new(self.frame, frame) else { return };
        let coefficients = self.info.sh_coefficients();
        for field in Field::ALL {
            if let Some(numbers) = self.array_mut(field) {
                conversion.apply(field, numbers, coefficients);
            }
        }
        self.frame = frame;
    }
}
