//! Spherical harmonics turned by a right angle about x, degree by degree.

/// The entries of the matrix of a degree: row, column, and the value for a turn forward. A turn
/// backward is the transposed matrix.
type Matrix = &'static [(usize, usize, f32)];

const fn root(of: f64) -> f32 {
    // Newton's method, since a constant cannot call the processor's instruction.
    let mut found = if of > 1.0 { of } else { 1.0 };
    let mut step = 0;
    while step < 60 {
        found = 0.5 * (found + of / found);
        step += 1;
    }
    found as f32
}

const DEGREE_1: Matrix = &[(0, 1, 1.0), (1, 0, -1.0), (2, 2, 1.0)];

const DEGREE_2: Matrix = &[
    (0, 3, 1.0),
    (1, 1, -1.0),
    (2, 2, -0.5),
    (2, 4, -root(0.75)),
    (3, 0, -1.0),
    (4, 2, -root(0.75)),
    (4, 4, 0.5),
];

const DEGREE_3: Matrix = &[
    (0, 3, -root(0.625)),
    (0, 5, root(0.375)),
    (1, 1, -1.0),
    (2, 3, -root(0.375)),
    (2, 5, -root(0.625)),
    (3, 0, root(0.625)),
    (3, 2, root(0.375)),
    (4, 4, -0.25),
    (4, 6, -root(0.9375)),
    (5, 0, -root(0.375)),
    (5, 2, root(0.625)),
    (6, 4, -root(0.9375)),
    (6, 6, 0.25),
];

const DEGREE_4: Matrix = &[
    (0, 5, -root(0.875)),
    (0, 7, root(0.125)),
    (1, 1, -0.75),
    (1, 3, root(0.4375)),
    (2, 5, -root(0.125)),
    (2, 7, -root(0.875)),
    (3, 1, root(0.4375)),
    (3, 3, 0.75),
    (4, 4, 0.375),
    (4, 6, root(0.3125)),
    (4, 8, root(0.546875)),
    (5, 0, root(0.875)),
    (5, 2, root(0.125)),
    (6, 4, root(0.3125)),
    (6, 6, 0.5),
    (6, 8, -root(0.4375)),
    (7, 0, -root(0.125)),
    (7, 2, root(0.875)),
    (8, 4, root(0.546875)),
    (8, 6, -root(0.4375)),
    (8, 8, 0.125),
];

/// Turns the coefficients of a point: 3, 8, 15 or 24, each with three colours.
pub(crate) fn harmonics(coefficients: &mut [[f32; 3]], is_forward: bool) {
    let mut rest = coefficients;
    for matrix in [DEGREE_1, DEGREE_2, DEGREE_3, DEGREE_4] {
        let size = matrix.last().map_or(0, |&(row, _, _)| row + 1);
        let Some((band, others)) = rest.split_at_mut_checked(size) else { return };
        let mut turned = [[0.0; 3]; 9];
        for &(row, column, factor) in matrix {
            let (to, from) = if is_forward { (row, column) } else { (column, row) };
            for color in 0..3 {
                turned[to][color] += factor * band[from][color];
            }
        }
        band.copy_from_slice(&turned[..size]);
        rest = others;
    }
}
