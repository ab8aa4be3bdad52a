//! The element types of array files, as data.

mod descr;
mod swap;

use std::fmt;

pub(crate) use descr::{from_literal, to_descr, tuple};
pub(crate) use swap::swap_bytes;

/// The type of one element of an array.
///
/// `to_string()` gives numpy's own spelling, such as `'<f4'` or `[('x', '<i2'), ('y', '<i2')]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DType {
    /// One value.
    Scalar(Scalar),
    /// A field that is itself an array of fixed shape. Only fields of records have this type.
    SubArray {
        /// The type of its elements.
        element: Box<DType>,
        /// Its shape, in C order.
        shape: Vec<usize>,
    },
    /// Named fields at fixed places: what numpy calls a structured type.
    Record(Record),
}

/// A value that is not made of others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scalar {
    /// What it is.
    pub kind: Kind,
    /// How its bytes are ordered.
    pub endian: Endian,
    /// Its size in bytes.
    pub size: usize,
}

/// What kind of value a scalar is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// One byte, 0 or 1.
    Bool,
    /// A signed integer of 1, 2, 4 or 8 bytes.
    Int,
    /// An unsigned integer of 1, 2, 4 or 8 bytes.
    UInt,
    /// An IEEE 754 number of 2, 4 or 8 bytes.
    Float,
    /// Two IEEE 754 numbers of 4 or 8 bytes, real part first.
    Complex,
    /// The C compiler's `long double`, padded to 12 or 16 bytes. What the bytes mean (80 bits,
    /// 128 bits or two doubles) depends on the machine that wrote them and is not in the file, so
    /// they stay bytes here.
    LongDouble,
    /// Two [`LongDouble`](Kind::LongDouble)s, 24 or 32 bytes.
    LongComplex,
    /// Bytes, padded with zeros: numpy's `S`.
    Bytes,
    /// Text as 32-bit code points, padded with zeros: numpy's `U`. The size is four times the
    /// number of characters.
    Str,
    /// Bytes without meaning: numpy's `V`.
    Void,
    /// A point in time, 8 bytes; [`i64::MIN`] is "not a time".
    Datetime(TimeUnit),
    /// A duration, 8 bytes; [`i64::MIN`] is "not a time".
    Timedelta(TimeUnit),
    /// Python objects, stored as a pickle after the header. Never read.
    Object,
    /// A type of the `ml_dtypes` package.
    Extension(Extension),
}

/// The order of the bytes of a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endian {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
    /// The type has no byte order.
    None,
}

impl Endian {
    /// The order of the machine this runs on.
    pub const NATIVE: Endian =
        if cfg!(target_endian = "little") { Endian::Little } else { Endian::Big };
}

/// Types of the `ml_dtypes` package that a header can name.
///
/// Most of them cannot: `ml_dtypes` registers them as void, so that `np.save` writes `<V2` for a
/// `bfloat16` array, and the name is lost. See [`Scalar::may_be_extension`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Extension {
    /// Two bytes: the upper half of an `f32`. Written as the descr `bfloat16`.
    Bfloat16,
    /// One byte: five exponent bits, two of mantissa. Written as `<f1`, which no numpy loads.
    Float8E5M2,
    /// One byte: four exponent bits, three of mantissa, no infinities.
    Float8E4M3Fn,
    /// One byte: four exponent bits, three of mantissa, with infinities.
    Float8E4M3,
    /// One byte: like `float8_e4m3fn`, with another bias and one zero.
    Float8E4M3Fnuz,
    /// One byte: like `float8_e4m3fnuz`, with bias 11.
    Float8E4M3B11Fnuz,
    /// One byte: like `float8_e5m2`, with another bias and one zero.
    Float8E5M2Fnuz,
    /// One byte: an exponent of base two.
    Float8E8M0Fnu,
    /// One byte that holds a signed integer of four bits.
    Int4,
    /// One byte that holds an unsigned integer of four bits.
    UInt4,
}

impl Extension {
    pub(crate) const ALL: [Extension; 10] = [
        Extension::Bfloat16,
        Extension::Float8E5M2,
        Extension::Float8E4M3Fn,
        Extension::Float8E4M3,
        Extension::Float8E4M3Fnuz,
        Extension::Float8E4M3B11Fnuz,
        Extension::Float8E5M2Fnuz,
        Extension::Float8E8M0Fnu,
        Extension::Int4,
        Extension::UInt4,
    ];

    /// The name `ml_dtypes` gives it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Extension::Bfloat16 => "bfloat16",
            Extension::Float8E5M2 => "float8_e5m2",
            Extension::Float8E4M3Fn => "float8_e4m3fn",
            Extension::Float8E4M3 => "float8_e4m3",
            Extension::Float8E4M3Fnuz => "float8_e4m3fnuz",
            Extension::Float8E4M3B11Fnuz => "float8_e4m3b11fnuz",
            Extension::Float8E5M2Fnuz => "float8_e5m2fnuz",
            Extension::Float8E8M0Fnu => "float8_e8m0fnu",
            Extension::Int4 => "int4",
            Extension::UInt4 => "uint4",
        }
    }

    /// The size of one value in bytes.
    #[must_use]
    pub fn size(self) -> usize {
        if self == Extension::Bfloat16 { 2 } else { 1 }
    }
}

/// What one step of a date or a duration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimeUnit {
    /// The unit, or none for numpy's generic dates, which are all "not a time".
    pub base: Option<TimeBase>,
    /// How many of the unit one step is: 25 for `m8[25s]`.
    pub multiple: u32,
}

/// The units of dates and durations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say all")]
pub enum TimeBase {
    Year,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
    Microsecond,
    Nanosecond,
    Picosecond,
    Femtosecond,
    Attosecond,
}

impl TimeBase {
    pub(crate) const ALL: [(TimeBase, &'static str); 13] = [
        (TimeBase::Year, "Y"),
        (TimeBase::Month, "M"),
        (TimeBase::Week, "W"),
        (TimeBase::Day, "D"),
        (TimeBase::Hour, "h"),
        (TimeBase::Minute, "m"),
        (TimeBase::Second, "s"),
        (TimeBase::Millisecond, "ms"),
        (TimeBase::Microsecond, "us"),
        (TimeBase::Nanosecond, "ns"),
        (TimeBase::Picosecond, "ps"),
        (TimeBase::Femtosecond, "fs"),
        (TimeBase::Attosecond, "as"),
    ];

    /// numpy's code of the unit, such as `ns`.
    #[must_use]
    pub fn code(self) -> &'static str {
        Self::ALL.iter().find(|(base, _)| *base == self).map_or("", |(_, code)| code)
    }
}

/// The fields of a structured type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Record {
    /// The fields, in the order of their offsets.
    pub fields: Vec<Field>,
    /// The size of one record in bytes, padding included.
    pub size: usize,
}

/// One field of a structured type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its title, a second name that numpy allows.
    pub title: Option<String>,
    /// Its type.
    pub dtype: DType,
    /// Where it starts within the record, in bytes.
    pub offset: usize,
}

impl Record {
    /// A record of fields that follow each other without padding.
    ///
    /// ```
    /// use npz::{DType, Element, Record};
    /// let record = Record::packed([("x", f32::dtype()), ("label", DType::bytes(4))]);
    /// assert_eq!(DType::Record(record).to_string(), "[('x', '<f4'), ('label', '|S4')]");
    /// ```
    #[must_use]
    pub fn packed<N: Into<String>>(fields: impl IntoIterator<Item = (N, DType)>) -> Record {
        let mut size = 0usize;
        let fields = fields
            .into_iter()
            .map(|(name, dtype)| {
                let offset = size;
                size = size.saturating_add(dtype.size());
                Field { name: name.into(), title: None, dtype, offset }
            })
            .collect();
        Record { fields, size }
    }

    /// The field called `name`, by its name or its title.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        let titled = |field: &&Field| field.title.as_deref() == Some(name);
        self.fields
            .iter()
            .find(|field| field.name == name)
            .or_else(|| self.fields.iter().find(titled))
    }
}

impl Scalar {
    /// Whether numpy may have written this for a type of `ml_dtypes`, whose name it does not keep.
    ///
    /// `ml_dtypes` gives its void types a byte order (`<V2` for `bfloat16`, `<V1` for the eight-bit
    /// ones), which no void type of numpy's own has.
    #[must_use]
    pub fn may_be_extension(&self) -> bool {
        self.kind == Kind::Void && self.endian != Endian::None
    }
}

impl DType {
    pub(crate) fn number(kind: Kind, size: usize) -> DType {
        let endian = if size == 1 { Endian::None } else { Endian::NATIVE };
        DType::Scalar(Scalar { kind, endian, size })
    }

    /// Bytes of a fixed length: numpy's `S`.
    #[must_use]
    pub fn bytes(length: usize) -> DType {
        DType::Scalar(Scalar { kind: Kind::Bytes, endian: Endian::None, size: length })
    }

    /// Text of at most `length` characters: numpy's `U`.
    #[must_use]
    pub fn str(length: usize) -> DType {
        let size = length.saturating_mul(4);
        DType::Scalar(Scalar { kind: Kind::Str, endian: Endian::NATIVE, size })
    }

    /// Bytes without meaning: numpy's `V`.
    #[must_use]
    pub fn void(length: usize) -> DType {
        DType::Scalar(Scalar { kind: Kind::Void, endian: Endian::None, size: length })
    }

    /// Dates counted in `unit` from 1970.
    #[must_use]
    pub fn datetime(unit: TimeUnit) -> DType {
        DType::number(Kind::Datetime(unit), 8)
    }

    /// Durations counted in `unit`.
    #[must_use]
    pub fn timedelta(unit: TimeUnit) -> DType {
        DType::number(Kind::Timedelta(unit), 8)
    }

    /// The type numpy writes as `text`: a descr such as `<f4`, `|S5` or `<M8[ns]`, or the literal of
    /// a structured type.
    ///
    /// # Errors
    /// [`BadDType`](crate::ErrorKind::BadDType) when it is none.
    pub fn parse(text: &str) -> crate::Result<DType> {
        let literal = if text.starts_with(['[', '(', '\'', '"']) {
            crate::literal::parse(text)
                .map_err(|reason| crate::ErrorKind::BadDType { descr: text.to_owned(), reason })?
                .0
        } else {
            crate::literal::Literal::Str(text.to_owned())
        };
        from_literal(&literal)
    }

    /// The size of one element in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            DType::Scalar(scalar) => scalar.size,
            DType::SubArray { element, shape } => {
                shape.iter().fold(element.size(), |size, &n| size.saturating_mul(n))
            }
            DType::Record(record) => record.size,
        }
    }

    /// The scalar this is, if it is one.
    #[must_use]
    pub fn as_scalar(&self) -> Option<&Scalar> {
        match self {
            DType::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The record this is, if it is one.
    #[must_use]
    pub fn as_record(&self) -> Option<&Record> {
        match self {
            DType::Record(record) => Some(record),
            _ => None,
        }
    }

    /// Whether the data are, or contain, Python objects and so are a pickle.
    #[must_use]
    pub fn has_objects(&self) -> bool {
        self.any_scalar(&mut |scalar| scalar.kind == Kind::Object)
    }

    /// Whether some part of it is in the other byte order than this machine's.
    #[must_use]
    pub fn is_swapped(&self) -> bool {
        self.any_scalar(&mut |scalar| {
            scalar.endian != Endian::None
                && scalar.endian != Endian::NATIVE
                && scalar.kind != Kind::Void
        })
    }

    /// The same type in the byte order of this machine.
    #[must_use]
    pub fn to_native(&self) -> DType {
        match self {
            DType::Scalar(scalar) => {
                let endian = match scalar.endian {
                    Endian::None => Endian::None,
                    _ => Endian::NATIVE,
                };
                DType::Scalar(Scalar { endian, ..scalar.clone() })
            }
            DType::SubArray { element, shape } => {
                DType::SubArray { element: Box::new(element.to_native()), shape: shape.clone() }
            }
            DType::Record(record) => DType::Record(Record {
                fields: record
                    .fields
                    .iter()
                    .map(|field| Field { dtype: field.dtype.to_native(), ..field.clone() })
                    .collect(),
                size: record.size,
            }),
        }
    }

    /// Whether `test` holds for some scalar in it.
    pub(crate) fn any_scalar(&self, test: &mut dyn FnMut(&Scalar) -> bool) -> bool {
        match self {
            DType::Scalar(scalar) => test(scalar),
            DType::SubArray { element, .. } => element.any_scalar(test),
            DType::Record(record) => record.fields.iter().any(|f| f.dtype.any_scalar(test)),
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_descr(self))
    }
}
