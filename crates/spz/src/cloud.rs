//! What is returned, and what a caller may ask for.

use crate::decode::decode;
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
    /// Whether the array of [`Field::Sh`] starts each point with the coefficient of degree 0, which is
    /// what [`Field::Colors`] holds: one array of all coefficients, as many programs want it.
    pub sh_from_degree_0: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { frame: None, fields: Fields::ALL, sh_from_degree_0: false }
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
    sh_from_degree_0: bool,
}

impl Cloud {
    pub(crate) fn new(info: Info, options: Options) -> Result<Cloud> {
        let mut arrays = [const { None }; 6];
        for field in Field::ALL.into_iter().filter(|&field| options.fields.has(field)) {
            let more = if options.sh_from_degree_0 && field == Field::Sh { 3 } else { 0 };
            let count = info.num_points.saturating_mul(info.numbers(field) + more);
            arrays[field as usize] = Some(Floats::zeroed(count)?);
        }
        let sh_from_degree_0 = options.sh_from_degree_0;
        Ok(Cloud { frame: info.frame, info, arrays, sh_from_degree_0 })
    }

    /// Decodes the bytes of whole points, the first of which is the one of this number.
    pub(crate) fn decode(
        &mut self,
        field: Field,
        first: usize,
        stored: &[u8],
        room: &mut Vec<f32>,
    ) {
        let Cloud { info, arrays, .. } = self;
        let (each, points) = (info.numbers(field), stored.len() / info.stored_stride(field));
        let is_split = self.sh_from_degree_0 && matches!(field, Field::Colors | Field::Sh);
        if let Some(numbers) = &mut arrays[field as usize]
            && !(is_split && field == Field::Sh)
        {
            decode(info, field, stored, &mut numbers[first * each..(first + points) * each]);
        }
        if let Some(numbers) = &mut arrays[Field::Sh as usize]
            && is_split
        {
            // Decoded in one go, and then put where they belong: the pieces are in the cache.
            room.resize(points * each, 0.0);
            decode(info, field, stored, room);
            let row = 3 + info.numbers(Field::Sh);
            let rows = numbers[first * row..(first + points) * row].chunks_exact_mut(row);
            for (row, point) in rows.zip(room.chunks_exact(each)) {
                let row = if field == Field::Colors { &mut row[..3] } else { &mut row[3..] };
                row.copy_from_slice(point);
            }
        }
    }

    /// Whether the bytes of a field are of use.
    pub(crate) fn wants(&self, field: Field) -> bool {
        let is_split = self.sh_from_degree_0 && field == Field::Colors;
        self.array(field).is_some() || is_split && self.array(Field::Sh).is_some()
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
        let lead = usize::from(self.sh_from_degree_0);
        for field in Field::ALL {
            if let Some(numbers) = self.array_mut(field) {
                conversion.apply(field, numbers, coefficients, lead);
            }
        }
        self.frame = frame;
    }
}
