//! The arrays that every cell writes: as data, so that a writer in any language makes the same ones
//! and a reader knows what it must find without trusting the writer.

use serde::Serialize;

use crate::CellKind;

/// One array.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// The family it is reported under.
    pub(crate) group: &'static str,
    /// Its name, in reports and in archives.
    pub(crate) name: &'static str,
    /// Its type as an npy header says it.
    pub(crate) descr: &'static str,
    /// Its shape.
    pub(crate) shape: &'static [usize],
    /// Whether it lies in Fortran order.
    pub(crate) fortran: bool,
    /// What is special about it in the memory of the writer.
    pub(crate) origin: Origin,
    /// For each byte of an element, whether it lies between the fields of a record and means
    /// nothing: numpy keeps it in some ways of reading and not in others.
    pub(crate) padding: Vec<bool>,
    /// Its elements as they lie in an npy file.
    pub(crate) data: Vec<u8>,
}

/// What is special about an array in the memory of its writer; a reader sees none of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Origin {
    /// Nothing.
    Plain,
    /// It is every second element of a larger array.
    Strided,
    /// It lies backwards in memory.
    Reversed,
    /// Its dtype carries metadata, which no array file keeps.
    Metadata,
    /// It is of a long double, which not every machine has in this size.
    LongDouble,
}

impl Case {
    /// Whether a machine or a reader may say that it cannot hold such an array.
    pub(crate) fn may_be_left_out_by(&self, kind: CellKind) -> bool {
        let in_a_memoryview = "biuf".contains(self.kind()) && self.descr.starts_with('\'');
        // Half floats: only those of newer Pythons have a format for them.
        let in_every_memoryview = in_a_memoryview && !self.descr.ends_with("f2'");
        self.origin == Origin::LongDouble || (kind == CellKind::Pyodide && !in_every_memoryview)
    }

    /// The letter of its type: `f` of `'<f4'`; of a record that is none of the letters of numbers.
    fn kind(&self) -> char {
        self.descr.chars().nth(2).unwrap_or_default()
    }
}

/// Every array of the corpus.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Cases(Vec::new());
    numbers(&mut cases);
    text(&mut cases);
    dates(&mut cases);
    shapes(&mut cases);
    records(&mut cases);
    order(&mut cases);
    cases.0
}

/// The list as it grows.
struct Cases(Vec<Case>);

impl Cases {
    /// Adds an array whose elements have the layout `element` (see [`layout`]).
    fn add(
        &mut self,
        (group, name): (&'static str, &'static str),
        descr: &'static str,
        shape: &'static [usize],
        element: &str,
    ) -> &mut Case {
        let layout = layout(element);
        let data = fill(&layout, shape.iter().product(), self.0.len() as u64);
        let case = self.add_bytes((group, name), descr, shape, data, layout.len());
        case.padding = layout.iter().map(|byte| *byte == Byte::Padding).collect();
        case
    }

    fn add_bytes(
        &mut self,
        (group, name): (&'static str, &'static str),
        descr: &'static str,
        shape: &'static [usize],
        data: Vec<u8>,
        size: usize,
    ) -> &mut Case {
        let (origin, padding) = (Origin::Plain, vec![false; size]);
        self.0.push(Case { group, name, descr, shape, fortran: false, origin, padding, data });
        let last = self.0.len() - 1;
        &mut self.0[last]
    }
}

/// What a byte of an element holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Byte {
    /// Anything.
    Any,
    /// 0 or 1.
    Truth,
    /// The first byte of a letter in UTF-32.
    Letter,
    /// 0.
    Zero,
    /// 0, between fields.
    Padding,
}

/// The bytes of one element: `d` any, `t` 0 or 1, `u` a letter, `0` zero, `_` padding, each with
/// the number of times that it is repeated.
fn layout(element: &str) -> Vec<Byte> {
    let mut layout = Vec::new();
    for part in element.split(' ') {
        let (kind, times) = part.split_at(1);
        let byte = match kind {
            "d" => Byte::Any,
            "t" => Byte::Truth,
            "u" => Byte::Letter,
            "_" => Byte::Padding,
            _ => Byte::Zero,
        };
        layout.extend(std::iter::repeat_n(byte, times.parse().unwrap_or(1)));
    }
    layout
}

/// `count` elements that look random and are the same on every machine: their bytes are the high
/// ones of a linear congruential generator (constants of MMIX: Knuth, The Art of Computer
/// Programming, volume 2, section 3.3.4).
fn fill(layout: &[Byte], count: usize, seed: u64) -> Vec<u8> {
    let mut state = seed + 1;
    let mut any = || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (state >> 56) as u8
    };
    let mut data = Vec::with_capacity(layout.len() * count);
    for _ in 0..count {
        data.extend(layout.iter().map(|byte| match byte {
            Byte::Any => any(),
            Byte::Truth => any() & 1,
            Byte::Letter => b'a' + any() % 26,
            Byte::Zero | Byte::Padding => 0,
        }));
    }
    data
}

fn numbers(cases: &mut Cases) {
    cases.add(("numbers", "bool"), "'|b1'", &[5, 3], "t");
    for (name, descr, element) in [
        ("int8", "'|i1'", "d"),
        ("uint8", "'|u1'", "d"),
        ("int16", "'<i2'", "d2"),
        ("int16, big-endian", "'>i2'", "d2"),
        ("uint16", "'<u2'", "d2"),
        ("uint16, big-endian", "'>u2'", "d2"),
        ("int32", "'<i4'", "d4"),
        ("int32, big-endian", "'>i4'", "d4"),
        ("uint32", "'<u4'", "d4"),
        ("uint32, big-endian", "'>u4'", "d4"),
        ("int64", "'<i8'", "d8"),
        ("int64, big-endian", "'>i8'", "d8"),
        ("uint64", "'<u8'", "d8"),
        ("uint64, big-endian", "'>u8'", "d8"),
        ("float16", "'<f2'", "d2"),
        ("float16, big-endian", "'>f2'", "d2"),
        ("float32", "'<f4'", "d4"),
        ("float32, big-endian", "'>f4'", "d4"),
        ("float64", "'<f8'", "d8"),
        ("float64, big-endian", "'>f8'", "d8"),
        ("complex64", "'<c8'", "d8"),
        ("complex64, big-endian", "'>c8'", "d8"),
        ("complex128", "'<c16'", "d16"),
        ("complex128, big-endian", "'>c16'", "d16"),
    ] {
        cases.add(("numbers", name), descr, &[5, 3], element);
    }
    let payload = u64::from_le_bytes([1, 2, 3, 4, 5, 6, 0xf8, 0x7f]);
    let special = [0.0, -0.0, f64::INFINITY, f64::from_bits(payload), 5e-324, f64::MAX];
    let data = special.iter().flat_map(|value| value.to_le_bytes()).collect();
    cases.add_bytes(("numbers", "special float64"), "'<f8'", &[6], data, 8);
    // 1, -2, pi and 0 as the x87 lays them out, which the other long doubles of 16 bytes read as
    // other numbers and keep as well.
    let mut long = Vec::new();
    for (mantissa, exponent) in [
        (0x8000_0000_0000_0000_u64, 0x3fff_u16),
        (0x8000_0000_0000_0000, 0xc000),
        (0xc90f_daa2_2168_c235, 0x4000),
        (0, 0),
    ] {
        long.extend(mantissa.to_le_bytes());
        long.extend(exponent.to_le_bytes());
        long.extend([0; 6]);
    }
    let (name, complex) = (("numbers", "long double"), ("numbers", "complex long double"));
    cases.add_bytes(name, "'<f16'", &[4], long.clone(), 16).origin = Origin::LongDouble;
    cases.add_bytes(complex, "'<c32'", &[2], long, 32).origin = Origin::LongDouble;
}

fn text(cases: &mut Cases) {
    let bytes = b"\0\0\0\0abc\0\xff\0x\0wide".to_vec();
    cases.add_bytes(("text", "bytes"), "'|S4'", &[4], bytes, 4);
    let texts = ["", "abc", "\u{e9}\u{442}\u{4e2d}\u{1f600}", "x\0y"];
    let code_points = || {
        let padded = |text: &'static str| text.chars().chain(std::iter::repeat('\0')).take(4);
        texts.into_iter().flat_map(padded).map(u32::from)
    };
    let little: Vec<u8> = code_points().flat_map(u32::to_le_bytes).collect();
    let big = code_points().flat_map(u32::to_be_bytes).collect();
    cases.add_bytes(("text", "str"), "'<U4'", &[4], little.clone(), 16);
    cases.add_bytes(("text", "str, two axes"), "'<U4'", &[2, 2], little, 16);
    cases.add_bytes(("text", "str, big-endian"), "'>U4'", &[4], big, 16);
    cases.add(("text", "void"), "'|V6'", &[4], "d6");
}

fn dates(cases: &mut Cases) {
    for (name, descr) in [
        ("datetime64[ns]", "'<M8[ns]'"),
        ("datetime64[ns], big-endian", "'>M8[ns]'"),
        ("datetime64[D]", "'<M8[D]'"),
        ("datetime64[7D]", "'<M8[7D]'"),
        ("datetime64 without a unit", "'<M8'"),
        ("timedelta64[25s]", "'<m8[25s]'"),
        ("timedelta64[us], big-endian", "'>m8[us]'"),
        ("timedelta64 without a unit", "'<m8'"),
    ] {
        cases.add(("dates", name), descr, &[2, 3], "d8");
    }
    let not_a_time = [i64::MIN, 1].iter().flat_map(|value| value.to_le_bytes()).collect();
    cases.add_bytes(("dates", "not a time"), "'<M8[ms]'", &[2], not_a_time, 8);
}

fn shapes(cases: &mut Cases) {
    for (name, shape) in [
        ("no axis", &[][..]),
        ("one element", &[1]),
        ("no element", &[0]),
        ("no element, two axes", &[0, 3]),
        ("no element, three axes", &[3, 0, 2]),
        ("three axes", &[2, 3, 4]),
        ("32 axes", &[1; 32]),
    ] {
        cases.add(("shapes", name), "'<f8'", shape, "d8");
    }
    // More than one chunk of the core's deflate, and of what zipfile reads at once.
    cases.add(("shapes", "over a megabyte"), "'<f4'", &[600, 512], "d4");
    cases.add(("shapes", "over a megabyte, repetitive"), "'<i8'", &[160_000], "t 07");
    let name = ("shapes", "a name in UTF-8: \u{43a}\u{43b}\u{44e}\u{447}");
    cases.add(name, "'<i4'", &[3], "d4");
}

fn records(cases: &mut Cases) {
    for (name, descr, shape, element) in [
        (
            "fields of every kind",
            "[('a', '<i4'), ('b', '>f8'), ('c', '|S3'), ('d', '<U2'), ('e', '|b1')]",
            &[4][..],
            "d15 u 03 u 03 t",
        ),
        (
            "aligned fields",
            "[('a', '|i1'), ('', '|V7'), ('b', '<f8'), ('c', '<i2'), ('', '|V6')]",
            &[4],
            "d _7 d8 d2 _6",
        ),
        (
            "fields with holes between them",
            "[('', '|V3'), ('a', '|i1'), ('', '|V4'), ('b', '<i4'), ('', '|V8')]",
            &[4],
            "_3 d _4 d4 _8",
        ),
        ("records in records", NESTED, &[4], "d4 t _3 d4 t _3 d4 t _3 d8"),
        (
            "arrays in records",
            "[('a', '<i4', (2, 3)), ('b', '|S2', (2,)), ('c', '<f4', (1,))]",
            &[4],
            "d32",
        ),
        ("fields with titles", "[(('a long title', 'a'), '<i4'), (('T', 'b'), '<f4')]", &[4], "d8"),
        (
            "field names in UTF-8",
            "[('\u{442}\u{435}\u{43c}\u{43f}', '<f8'), ('\u{e9}', '<i4')]",
            &[4],
            "d12",
        ),
        ("field names in Latin-1", "[('\u{e9}t\u{e9}', '<f8')]", &[4], "d8"),
        (
            "quotes in field names",
            r#"[("it's", '<i4'), ('"', '<i4'), ('back\\slash\n', '<i4')]"#,
            &[4],
            "d12",
        ),
        ("a record without axis", "[('a', '<i4'), ('b', '<f8')]", &[], "d12"),
    ] {
        cases.add(("records", name), descr, shape, element);
    }
}

const NESTED: &str = "[('n', [('x', '<f4'), ('flag', '|b1'), ('', '|V3')]), \
                      ('m', [('x', '<f4'), ('flag', '|b1'), ('', '|V3')], (2,)), \
                      ('t', '<M8[ms]')]";

fn order(cases: &mut Cases) {
    for (name, descr, shape, element) in [
        ("Fortran", "'<f4'", &[3, 4][..], "d4"),
        ("Fortran, three axes, big-endian", "'>i2'", &[2, 3, 4], "d2"),
        ("Fortran, records", "[('a', '<i4'), ('b', '|i1')]", &[2, 3], "d5"),
    ] {
        cases.add(("order", name), descr, shape, element).fortran = true;
    }
    for (name, descr, shape, origin) in [
        ("every second element", "'<f4'", &[5, 3][..], Origin::Strided),
        ("backwards", "'<i4'", &[6], Origin::Reversed),
        ("dtype with metadata", "'<i4'", &[4], Origin::Metadata),
    ] {
        cases.add(("order", name), descr, shape, "d4").origin = origin;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use npz::DType;

    use super::*;

    #[test]
    fn every_case_is_of_the_size_that_its_type_and_shape_say() {
        let mut names = HashSet::new();
        for case in cases() {
            let dtype = DType::parse(case.descr.trim_matches('\'')).unwrap();
            assert_eq!(dtype.to_string(), case.descr, "{}", case.name);
            assert_eq!(case.padding.len(), dtype.size(), "{}", case.name);
            let length = dtype.size() * case.shape.iter().product::<usize>();
            assert_eq!(case.data.len(), length, "{}", case.name);
            assert!(names.insert(case.name), "{} is there twice", case.name);
        }
    }

    #[test]
    fn the_corpus_is_the_same_everywhere() {
        assert_eq!(
            fill(&layout("d t u 0 _ d"), 2, 7),
            [214, 1, 106, 0, 0, 65, 173, 1, 113, 0, 0, 8]
        );
        assert_eq!(fill(&layout("d4"), 1, 0), [108, 130, 165, 98]);
    }
}
