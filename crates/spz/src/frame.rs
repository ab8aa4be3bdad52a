//! Frames, and how numbers go from one to another.
//!
//! A frame is named by what its x, y and z point to. In eight of the frames y is up or down, and in
//! the other eight z is; from one family to the other everything turns by a right angle about x.
//! What a frame means is taken from its letters. The reference takes it from the bits of its number,
//! which in the second family stand for the axes in another order.

use std::fmt;

use crate::fields::Field;
use crate::rotate;

/// What x, y and z point to: Left or Right, Up or Down, Front or Back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Frame(u8);

const NAMES: [&str; 16] = [
    "LDB", "RDB", "LUB", "RUB", "LDF", "RDF", "LUF", "RUF", "LFD", "RFD", "LFU", "RFU", "LBD",
    "RBD", "LBU", "RBU",
];

impl Frame {
    /// Right, up, back: that of OpenGL and three.js, and of files that state none.
    pub const RUB: Frame = Frame(4);
    /// Right, down, front: that of PLY files.
    pub const RDF: Frame = Frame(6);
    /// Left, up, front: that of glTF.
    pub const LUF: Frame = Frame(7);
    /// Right, up, front: that of Unity.
    pub const RUF: Frame = Frame(8);
    /// Right, front, up: that of many programs whose z is up.
    pub const RFU: Frame = Frame(12);

    pub(crate) const DEFAULT: Frame = Frame::RUB;

    /// The names of all frames, in the order of their numbers.
    pub fn names() -> &'static [&'static str] {
        &NAMES
    }

    /// By its name, in upper or lower case.
    pub fn from_name(name: &str) -> Option<Frame> {
        let at = NAMES.iter().position(|known| known.eq_ignore_ascii_case(name))?;
        Some(Frame(at as u8 + 1))
    }

    /// By its number in the record of a file, 1 to 16.
    pub fn from_number(number: u32) -> Option<Frame> {
        (1..=16).contains(&number).then_some(Frame(number as u8))
    }

    /// Its number in the record of a file.
    pub fn number(self) -> u32 {
        self.0.into()
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        NAMES[usize::from(self.0) - 1]
    }

    /// Whether z is up or down, and not y.
    fn is_turned(self) -> bool {
        self.0 > 8
    }

    /// Whether it points to right, up and back, or to the opposite.
    fn signs(self) -> [bool; 3] {
        let bits = self.0 - 1;
        [bits & 1 != 0, bits & 2 != 0, bits & 4 == 0]
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A quarter turn about x, before signs are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    None,
    /// y to z, z to -y.
    Forward,
    /// z to y, y to -z.
    Backward,
}

/// What changes numbers from one frame to another.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Conversion {
    turn: Turn,
    axes: [f32; 3],
    vector: [f32; 3],
    sh: [f32; 24],
}

impl Conversion {
    /// `None` if nothing changes.
    pub(crate) fn new(from: Frame, to: Frame) -> Option<Conversion> {
        if from == to {
            return None;
        }
        let turn = match (from.is_turned(), to.is_turned()) {
            (false, true) => Turn::Forward,
            (true, false) => Turn::Backward,
            _ => Turn::None,
        };
        let sign = |axis: usize| if from.signs()[axis] == to.signs()[axis] { 1.0 } else { -1.0 };
        // Right, up and back as x, y and z of the frame that results. A quarter turn forward takes
        // y to z and z to -y, so that numbers for back become numbers for front, which is what the
        // second axis of RFU is.
        let axes =
            if to.is_turned() { [sign(0), sign(2), sign(1)] } else { [sign(0), sign(1), sign(2)] };
        let [x, y, z] = axes;
        let vector = [y * z, x * z, x * y];
        #[rustfmt::skip]
        let sh = [
            y, z, x,
            x * y, y * z, 1.0, x * z, 1.0,
            y, x * y * z, y, z, x, z, x,
            // The last one is even in y, as x^4 - 6 x^2 y^2 + y^4 is; the reference has y here.
            x * y, y * z, x * y, y * z, 1.0, x * z, 1.0, x * z, 1.0,
        ];
        Some(Conversion { turn, axes, vector, sh })
    }

    /// Changes whole points of a field in place. Points of spherical harmonics have so many
    /// coefficients, after `lead` of degree 0, which is the same from everywhere.
    pub(crate) fn apply(
        &self,
        field: Field,
        numbers: &mut [f32],
        coefficients: usize,
        lead: usize,
    ) {
        match field {
            Field::Scales | Field::Alphas | Field::Colors => {}
            Field::Positions => self.positions(numbers.as_chunks_mut().0),
            Field::Rotations => self.rotations(numbers.as_chunks_mut().0),
            Field::Sh if coefficients == 0 => {}
            Field::Sh => numbers
                .chunks_exact_mut(3 * (lead + coefficients))
                .for_each(|point| self.harmonics(&mut point.as_chunks_mut().0[lead..])),
        }
    }

    fn positions(&self, points: &mut [[f32; 3]]) {
        for point in points {
            let [x, y, z] = *point;
            let turned = match self.turn {
                Turn::None => [x, y, z],
                Turn::Forward => [x, -z, y],
                Turn::Backward => [x, z, -y],
            };
            *point = [0, 1, 2].map(|axis| turned[axis] * self.axes[axis]);
        }
    }

    /// A turn multiplies quaternions from the left, so that sizes stay with their axes.
    fn rotations(&self, points: &mut [[f32; 4]]) {
        let half = std::f32::consts::FRAC_1_SQRT_2;
        for point in points {
            let [x, y, z, w] = *point;
            let [x, y, z, w] = match self.turn {
                Turn::None => [x, y, z, w],
                Turn::Forward => [half * (w + x), half * (y - z), half * (y + z), half * (w - x)],
                Turn::Backward => [half * (x - w), half * (y + z), half * (z - y), half * (w + x)],
            };
            *point = [x * self.vector[0], y * self.vector[1], z * self.vector[2], w];
        }
    }

    fn harmonics(&self, coefficients: &mut [[f32; 3]]) {
        if self.turn != Turn::None {
            rotate::harmonics(coefficients, self.turn == Turn::Forward);
        }
        for (coefficient, sign) in coefficients.iter_mut().zip(self.sh) {
            *coefficient = coefficient.map(|number| number * sign);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The basis that coefficients belong to, up to positive factors of whole degrees.
    pub(crate) fn basis([x, y, z]: [f64; 3]) -> [f64; 24] {
        let (xx, yy, zz) = (x * x, y * y, z * z);
        let root = |number: f64| number.sqrt();
        [
            -y,
            z,
            -x,
            root(3.0) * x * y,
            -root(3.0) * y * z,
            0.5 * (2.0 * zz - xx - yy),
            -root(3.0) * x * z,
            0.5 * root(3.0) * (xx - yy),
            -root(5.0 / 8.0) * y * (3.0 * xx - yy),
            root(15.0) * x * y * z,
            -root(3.0 / 8.0) * y * (4.0 * zz - xx - yy),
            0.5 * z * (2.0 * zz - 3.0 * xx - 3.0 * yy),
            -root(3.0 / 8.0) * x * (4.0 * zz - xx - yy),
            0.5 * root(15.0) * z * (xx - yy),
            -root(5.0 / 8.0) * x * (xx - 3.0 * yy),
            0.5 * root(35.0) * x * y * (xx - yy),
            -0.25 * root(70.0) * y * z * (3.0 * xx - yy),
            0.5 * root(5.0) * x * y * (7.0 * zz - 1.0),
            -0.25 * root(10.0) * y * z * (7.0 * zz - 3.0),
            (35.0 * zz * zz - 30.0 * zz + 3.0) / 8.0,
            -0.25 * root(10.0) * x * z * (7.0 * zz - 3.0),
            0.25 * root(5.0) * (xx - yy) * (7.0 * zz - 1.0),
            -0.25 * root(70.0) * x * z * (xx - 3.0 * yy),
            0.125 * root(35.0) * (xx * xx - 6.0 * xx * yy + yy * yy),
        ]
    }

    /// Right, up and back of a point, whatever its frame.
    fn meaning(frame: Frame, point: [f32; 3]) -> [f32; 3] {
        let mut found = [0.0; 3];
        for (letter, number) in frame.name().chars().zip(point) {
            match letter {
                'R' => found[0] = number,
                'L' => found[0] = -number,
                'U' => found[1] = number,
                'D' => found[1] = -number,
                'B' => found[2] = number,
                _ => found[2] = -number,
            }
        }
        found
    }

    fn all() -> impl Iterator<Item = (Frame, Frame)> {
        let frames = || (1..=16).map(|number| Frame::from_number(number).unwrap());
        frames().flat_map(move |from| frames().map(move |to| (from, to)))
    }

    #[test]
    fn a_point_means_the_same_in_every_frame() {
        for (from, to) in all() {
            let mut point = [1.0, 2.0, 3.0];
            let before = meaning(from, point);
            if let Some(conversion) = Conversion::new(from, to) {
                conversion.apply(Field::Positions, &mut point, 0, 0);
            }
            assert_eq!(meaning(to, point), before, "{from} to {to}");
        }
    }

    #[test]
    fn light_means_the_same_in_every_frame() {
        let coefficients: Vec<f32> =
            (0..72).map(|i| ((i * 37 % 23) as f32 - 11.0) / 13.0).collect();
        let direction = [0.36_f32, 0.48, 0.8];
        let light = |coefficients: &[f32], direction: [f32; 3]| {
            let basis = basis(direction.map(f64::from));
            let terms = coefficients.iter().step_by(3).zip(basis);
            terms.map(|(&number, basis)| f64::from(number) * basis).sum::<f64>()
        };
        for (from, to) in all() {
            let Some(conversion) = Conversion::new(from, to) else { continue };
            let (mut changed, mut turned) = (coefficients.clone(), direction);
            conversion.apply(Field::Sh, &mut changed, 24, 0);
            conversion.apply(Field::Positions, &mut turned, 0, 0);
            let difference = light(&changed, turned) - light(&coefficients, direction);
            assert!(difference.abs() < 1e-5, "{from} to {to}: {difference}");
        }
    }

    /// The matrix of sizes and axes, which is what a rotation is for.
    fn covariance([x, y, z, w]: [f32; 4]) -> [[f32; 3]; 3] {
        let turned = [
            [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - w * z), 2.0 * (x * z + w * y)],
            [2.0 * (x * y + w * z), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - w * x)],
            [2.0 * (x * z - w * y), 2.0 * (y * z + w * x), 1.0 - 2.0 * (x * x + y * y)],
        ];
        let sizes = [1.0, 4.0, 9.0];
        let entry = |row: usize, column: usize| {
            (0..3).map(|axis| turned[row][axis] * sizes[axis] * turned[column][axis]).sum()
        };
        [0, 1, 2].map(|row| [0, 1, 2].map(|column| entry(row, column)))
    }

    #[test]
    fn a_shape_means_the_same_in_every_frame() {
        let quaternion = [0.1_f32, 0.3, 0.5, 0.806_225_8];
        for (from, to) in all() {
            let Some(conversion) = Conversion::new(from, to) else { continue };
            let mut changed = quaternion;
            conversion.apply(Field::Rotations, &mut changed, 0, 0);
            // Columns of the conversion of points say where each axis goes.
            let columns = [0, 1, 2].map(|axis| {
                let mut point = [0.0; 3];
                point[axis] = 1.0;
                conversion.apply(Field::Positions, &mut point, 0, 0);
                point
            });
            let before = covariance(quaternion);
            let expected = |row: usize, column: usize| -> f32 {
                let terms = (0..3).flat_map(|a| (0..3).map(move |b| (a, b)));
                terms.map(|(a, b)| columns[a][row] * before[a][b] * columns[b][column]).sum()
            };
            let found = covariance(changed);
            for (row, column) in (0..3).flat_map(|row| (0..3).map(move |column| (row, column))) {
                let difference = found[row][column] - expected(row, column);
                assert!(difference.abs() < 1e-5, "{from} to {to}: {difference}");
            }
        }
    }

    #[test]
    fn there_and_back_changes_nothing_within_a_family() {
        let (forth, back) = (
            Conversion::new(Frame::RUB, Frame::RDF).unwrap(),
            Conversion::new(Frame::RDF, Frame::RUB).unwrap(),
        );
        let before: Vec<f32> = (0..72).map(|i| i as f32).collect();
        let mut after = before.clone();
        forth.apply(Field::Sh, &mut after, 24, 0);
        assert_ne!(after, before);
        back.apply(Field::Sh, &mut after, 24, 0);
        assert_eq!(after, before);
    }

    #[test]
    fn names_and_numbers_belong_together() {
        assert_eq!(Frame::from_name("rub"), Some(Frame::RUB));
        assert_eq!(Frame::from_number(6), Some(Frame::RDF));
        assert_eq!((Frame::LUF.name(), Frame::RUF.name()), ("LUF", "RUF"));
        assert_eq!(Frame::from_number(0), None);
        assert_eq!(Frame::from_number(17), None);
        assert_eq!(Frame::from_name("RUX"), None);
    }
}
