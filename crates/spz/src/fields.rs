//! Which arrays there are, how they are stored, and which of them a caller wants.

use crate::error::Section;
use crate::header::Info;

/// An array of a cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// Centres: x, y, z.
    Positions,
    /// Natural logarithms of the sizes along the axes.
    Scales,
    /// Quaternions: x, y, z, w.
    Rotations,
    /// Logits of the opacities.
    Alphas,
    /// Colours as coefficients of degree 0: red, green, blue.
    Colors,
    /// Coefficients of degree 1 and up; each has red, green, blue.
    Sh,
}

/// The parts of a file in their order.
pub(crate) const STORED: [(Field, Section); 6] = [
    (Field::Positions, Section::Positions),
    (Field::Alphas, Section::Alphas),
    (Field::Colors, Section::Colors),
    (Field::Scales, Section::Scales),
    (Field::Rotations, Section::Rotations),
    (Field::Sh, Section::Sh),
];

impl Field {
    /// Every array, in the order in which they are told.
    pub const ALL: [Field; 6] = [
        Field::Positions,
        Field::Scales,
        Field::Rotations,
        Field::Alphas,
        Field::Colors,
        Field::Sh,
    ];

    /// As it is called in Python.
    pub fn name(self) -> &'static str {
        match self {
            Field::Positions => "positions",
            Field::Scales => "scales",
            Field::Rotations => "rotations",
            Field::Alphas => "alphas",
            Field::Colors => "colors",
            Field::Sh => "sh",
        }
    }

    /// By its name.
    pub fn from_name(name: &str) -> Option<Field> {
        Field::ALL.into_iter().find(|field| field.name() == name)
    }
}

/// A set of arrays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fields(u8);

impl Fields {
    /// Every array.
    pub const ALL: Fields = Fields(0b11_1111);
    /// No array.
    pub const NONE: Fields = Fields(0);

    /// The same with one more.
    #[must_use]
    pub fn with(self, field: Field) -> Fields {
        Fields(self.0 | 1 << field as u8)
    }

    /// Whether it is in the set.
    pub fn has(self, field: Field) -> bool {
        self.0 & 1 << field as u8 != 0
    }
}

impl FromIterator<Field> for Fields {
    fn from_iter<I: IntoIterator<Item = Field>>(fields: I) -> Self {
        fields.into_iter().fold(Fields::NONE, Fields::with)
    }
}

impl Info {
    /// The bytes of a point in the part of a field.
    pub(crate) fn stored_stride(&self, field: Field) -> usize {
        match field {
            Field::Positions if self.version == 1 => 6,
            Field::Positions => 9,
            Field::Alphas => 1,
            Field::Colors | Field::Scales => 3,
            Field::Rotations if self.version < 3 => 3,
            Field::Rotations => 4,
            Field::Sh => 3 * self.sh_coefficients(),
        }
    }

    /// The numbers of a point in the array of a field.
    pub fn numbers(&self, field: Field) -> usize {
        match field {
            Field::Positions | Field::Colors | Field::Scales => 3,
            Field::Alphas => 1,
            Field::Rotations => 4,
            Field::Sh => 3 * self.sh_coefficients(),
        }
    }

    /// The lengths of the axes of the array of a field.
    pub fn shape(&self, field: Field) -> Vec<usize> {
        match field {
            Field::Alphas => vec![self.num_points],
            Field::Sh => vec![self.num_points, self.sh_coefficients(), 3],
            _ => vec![self.num_points, self.numbers(field)],
        }
    }
}
