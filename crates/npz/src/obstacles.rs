//! Why some numpy cannot load an array that this crate reads.

use std::fmt;

use crate::dtype::{Extension, Kind};
use crate::header::{Header, PORTABLE_DIMENSIONS, PORTABLE_TEXT};

/// A version of numpy, for asking which one can load a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NumpyVersion(pub u32, pub u32, pub u32);

impl fmt::Display for NumpyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// A reason why `np.load` refuses an array, or gives something else than was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Obstacle {
    /// Which numpys it concerns.
    pub readers: Readers,
    /// Whether the array is refused; otherwise it is loaded as something else.
    pub refused: bool,
    /// Why, as a sentence without a full stop.
    pub reason: String,
}

/// Which versions of numpy an obstacle concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Readers {
    /// Every version.
    All,
    /// Versions before this one.
    Before(NumpyVersion),
    /// This version and later ones.
    From(NumpyVersion),
    /// Versions on machines of another kind than the one that wrote the file.
    OtherMachines,
    /// Versions without the `ml_dtypes` package, or where it was not imported.
    WithoutMlDtypes,
}

impl Readers {
    /// Whether a numpy of this version is, or may be, one of them.
    #[must_use]
    pub fn include(self, version: NumpyVersion) -> bool {
        match self {
            Readers::Before(first) => version < first,
            Readers::From(first) => version >= first,
            Readers::All | Readers::OtherMachines | Readers::WithoutMlDtypes => true,
        }
    }
}

impl fmt::Display for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Readers::All => write!(f, "every numpy"),
            Readers::Before(version) => write!(f, "numpy before {version}"),
            Readers::From(version) => write!(f, "numpy {version} and later"),
            Readers::OtherMachines => write!(f, "numpy on another kind of machine"),
            Readers::WithoutMlDtypes => write!(f, "numpy without ml_dtypes imported"),
        }
    }
}

impl fmt::Display for Obstacle {
    /// Such as "numpy before 2.0.0 cannot load this: it has 33 axes".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.refused { "cannot load this" } else { "loads this as something else" };
        write!(f, "{} {what}: {}", self.readers, self.reason)
    }
}

impl Header {
    /// Why numpys refuse this array, or load something else, with their default settings.
    ///
    /// Empty means that every numpy since 1.17 loads exactly this array.
    ///
    /// ```
    /// let text = b"{'descr': '<f4', 'fortran_order': False, 'shape': (np.int64(3),), }";
    /// let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    /// bytes.extend((text.len() as u16).to_le_bytes());
    /// bytes.extend(text);
    /// let header = npz::Header::read_from(&mut bytes.as_slice(), 1000)?;
    /// let obstacles = header.obstacles();
    /// assert!(obstacles[0].to_string().starts_with("every numpy cannot load this"));
    /// # Ok::<(), npz::Error>(())
    /// ```
    #[must_use]
    pub fn obstacles(&self) -> Vec<Obstacle> {
        let mut found = Vec::new();
        let mut add = |readers, refused, reason: String| {
            found.push(Obstacle { readers, refused, reason });
        };
        let origin = self.origin();
        if origin.spellings.numpy_scalars {
            let reason = "its shape is written as np.int64(...), a fault of open_memmap in numpy 2";
            add(Readers::All, true, reason.to_owned());
        }
        if origin.spellings.python2_longs && origin.version > (2, 0) {
            let reason = "its shape is written with the L of Python 2 in format 3.0";
            add(Readers::All, true, reason.to_owned());
        }
        if !origin.extra_keys.is_empty() {
            let reason = format!("its header has the foreign keys {:?}", origin.extra_keys);
            add(Readers::All, true, reason);
        }
        if origin.text_length > PORTABLE_TEXT {
            let reason = format!(
                "its header has {} bytes, which is allowed only with max_header_size",
                origin.text_length
            );
            add(Readers::From(NumpyVersion(1, 23, 5)), true, reason);
        }
        if origin.version >= (3, 0) {
            let reason = "it is in format 3.0".to_owned();
            add(Readers::Before(NumpyVersion(1, 17, 0)), true, reason);
        }
        if self.shape().len() > PORTABLE_DIMENSIONS {
            let reason = format!("it has {} axes", self.shape().len());
            add(Readers::Before(NumpyVersion(2, 0, 0)), true, reason);
        }
        let (mut object, mut extension, mut void, mut long) = (false, None, false, None);
        self.dtype().any_scalar(&mut |scalar| {
            match scalar.kind {
                Kind::Object => object = true,
                Kind::Extension(kind) => extension = Some(kind),
                Kind::LongDouble | Kind::LongComplex => long = Some(scalar.size),
                _ => void |= scalar.may_be_extension(),
            }
            false
        });
        if object {
            let reason = "it is a pickle, which needs allow_pickle=True and a numpy that has the \
                          modules it names";
            add(Readers::All, true, reason.to_owned());
        }
        match extension {
            Some(Extension::Float8E5M2) => {
                let reason = "ml_dtypes calls float8_e5m2 '<f1', which is no type of numpy's";
                add(Readers::All, true, reason.to_owned());
            }
            Some(kind) => {
                let reason = format!("its type is {}", kind.name());
                add(Readers::WithoutMlDtypes, true, reason);
            }
            None => {}
        }
        if void {
            let reason = "it was saved from a type of ml_dtypes, whose name numpy does not keep: \
                          it comes back as void";
            add(Readers::All, false, reason.to_owned());
        }
        if let Some(size) = long {
            let reason = format!("a long double of {size} bytes means something else there");
            add(Readers::OtherMachines, false, reason);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DType, Order};

    fn read(version: u8, text: &str) -> Header {
        let mut bytes = b"\x93NUMPY".to_vec();
        bytes.extend([version, 0]);
        let width = if version == 1 { 2 } else { 4 };
        bytes.extend(&(text.len() as u32).to_le_bytes()[..width]);
        bytes.extend(text.bytes());
        Header::read_from(&mut bytes.as_slice(), 1 << 20).unwrap()
    }

    fn readers(header: &Header) -> Vec<Readers> {
        header.obstacles().into_iter().map(|obstacle| obstacle.readers).collect()
    }

    #[test]
    fn what_this_crate_writes_has_no_obstacle() {
        for descr in ["<f4", ">M8[ns]", "[('a', '<i4'), ('', '|V4')]"] {
            let header = Header::new(DType::parse(descr).unwrap(), &[2], Order::C).unwrap();
            let bytes = header.encode().unwrap();
            let read = Header::read_from(&mut bytes.as_slice(), 1000).unwrap();
            assert_eq!(read.obstacles(), []);
        }
    }

    #[test]
    fn each_obstacle_names_its_numpys() {
        let plain = |descr: &str, rest: &str| {
            format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (1,){rest}}}")
        };
        let long = format!("{}{}", plain("'<f4'", ""), " ".repeat(10_000));
        let seen = readers(&read(1, &long));
        assert_eq!(seen, [Readers::From(NumpyVersion(1, 23, 5))]);
        assert!(!seen[0].include(NumpyVersion(1, 23, 4)));
        assert!(seen[0].include(NumpyVersion(2, 5, 5)));
        assert_eq!(
            readers(&read(3, &plain("'<f4'", ""))),
            [Readers::Before(NumpyVersion(1, 17, 0))]
        );
        assert_eq!(readers(&read(1, &plain("'<f4'", ", 'x': 1"))), [Readers::All]);
        assert_eq!(readers(&read(1, &plain("'|O'", ""))), [Readers::All]);
        assert_eq!(readers(&read(1, &plain("'<f1'", ""))), [Readers::All]);
        assert_eq!(readers(&read(1, &plain("'bfloat16'", ""))), [Readers::WithoutMlDtypes]);
        assert_eq!(readers(&read(1, &plain("'<f16'", ""))), [Readers::OtherMachines]);
        assert!(!read(1, &plain("'<V2'", "")).obstacles()[0].refused);
        let axes = plain("'<f4'", "").replace("(1,)", &format!("({})", "1,".repeat(33)));
        assert_eq!(readers(&read(1, &axes)), [Readers::Before(NumpyVersion(2, 0, 0))]);
        let two = plain("'<f4'", "").replace("(1,)", "(1L,)");
        assert_eq!(readers(&read(1, &two)), []);
    }
}
