//! Types to and from the `descr` of an npy header.

use super::{DType, Endian, Extension, Field, Kind, Record, Scalar, TimeBase, TimeUnit};
use crate::error::{ErrorKind, Result};
use crate::literal::{Literal, quote};

/// numpy keeps the size of an element in a C `int` in the versions before 2.
const MAX_SIZE: usize = i32::MAX as usize;

fn bad<T>(descr: impl Into<String>, reason: impl Into<String>) -> Result<T> {
    Err(ErrorKind::BadDType { descr: descr.into(), reason: reason.into() }.into())
}

/// The type a descr literal means.
pub(crate) fn from_literal(literal: &Literal) -> Result<DType> {
    match literal {
        Literal::Str(text) => scalar(text).map(DType::Scalar),
        Literal::List(fields) => record(fields).map(DType::Record),
        // numpy writes a type with a shape as a pair.
        Literal::Tuple(pair) => match pair.as_slice() {
            [element, shape @ (Literal::Tuple(_) | Literal::Int(_))] => {
                sub_array(from_literal(element)?, shape)
            }
            _ => bad("a tuple", "a type and a shape are expected in it"),
        },
        other => bad(other.kind(), "a type is a string, a list of fields or a pair"),
    }
}

fn sub_array(element: DType, shape: &Literal) -> Result<DType> {
    let lengths = match shape {
        Literal::Tuple(lengths) => lengths.as_slice(),
        single => std::slice::from_ref(single),
    };
    let mut size = element.size();
    let mut shape = Vec::with_capacity(lengths.len());
    for length in lengths {
        let length = match length {
            Literal::Int(n) => usize::try_from(*n).ok().filter(|n| *n <= MAX_SIZE),
            _ => None,
        };
        let (Some(length), true) = (length, shape.len() < 64) else {
            return bad(to_descr(&element), "the shape of a field is wrong");
        };
        size = match size.checked_mul(length) {
            Some(size) if size <= MAX_SIZE => size,
            _ => return bad(to_descr(&element), "a field of more than 2 GiB"),
        };
        shape.push(length);
    }
    if shape.is_empty() {
        return Ok(element);
    }
    Ok(DType::SubArray { element: Box::new(element), shape })
}

fn record(items: &[Literal]) -> Result<Record> {
    let mut fields: Vec<Field> = Vec::new();
    let mut names = std::collections::HashSet::new();
    let mut size = 0usize;
    for item in items {
        let Literal::Tuple(parts) = item else {
            return bad(item.kind(), "a field is a tuple");
        };
        let (name, dtype) = match parts.as_slice() {
            [name, dtype] => (name, from_literal(dtype)?),
            [name, dtype, shape] => (name, sub_array(from_literal(dtype)?, shape)?),
            _ => return bad("a tuple", "a field is a name, a type and perhaps a shape"),
        };
        let (title, name) = match name {
            Literal::Str(name) => (None, name),
            Literal::Tuple(pair) => match pair.as_slice() {
                [Literal::Str(title), Literal::Str(name)] => (Some(title), name),
                _ => return bad("a tuple", "a field is named by a title and a name"),
            },
            other => return bad(other.kind(), "a field is named by a string"),
        };
        let offset = size;
        size = match size.checked_add(dtype.size()) {
            Some(size) if size <= MAX_SIZE => size,
            _ => return bad("a structured type", "more than 2 GiB"),
        };
        // numpy writes padding as void fields without a name.
        let padding = name.is_empty()
            && title.is_none()
            && dtype.as_scalar().is_some_and(|scalar| scalar.kind == Kind::Void);
        if padding {
            continue;
        }
        // numpy names a field without a name after its place.
        let name = if name.is_empty() { format!("f{}", fields.len()) } else { name.clone() };
        for name in title.into_iter().chain([&name]) {
            if !names.insert(name.clone()) {
                return bad("a structured type", format!("two fields are called {name:?}"));
            }
        }
        fields.push(Field { name, title: title.cloned(), dtype, offset });
    }
    Ok(Record { fields, size })
}

fn scalar(text: &str) -> Result<Scalar> {
    if let Some(known) = named(text) {
        return Ok(known);
    }
    let (mark, rest) = match text.split_at_checked(1) {
        Some((mark @ ("<" | ">" | "|" | "="), rest)) => (mark, rest),
        _ => ("=", text),
    };
    let mut characters = rest.chars();
    let Some(code) = characters.next() else { return bad(quote(text), "no type is named") };
    let rest = characters.as_str();
    let digits = &rest[..rest.bytes().take_while(u8::is_ascii_digit).count()];
    let suffix = &rest[digits.len()..];
    let number = match digits {
        "" => None,
        digits => match digits.parse::<usize>() {
            Ok(number) if number <= MAX_SIZE => Some(number),
            _ => return bad(quote(text), "a size of more than 2 GiB"),
        },
    };
    let unknown = || bad(quote(text), "no numpy has such a type");
    if !suffix.is_empty() && !matches!(code, 'M' | 'm') {
        return unknown();
    }
    let (kind, size) = match (code, number) {
        ('b', Some(1)) | ('?', None) => (Kind::Bool, 1),
        ('i', Some(n @ (1 | 2 | 4 | 8))) => (Kind::Int, n),
        ('u', Some(n @ (1 | 2 | 4 | 8))) => (Kind::UInt, n),
        ('f', Some(n @ (2 | 4 | 8))) => (Kind::Float, n),
        ('f', Some(1)) => (Kind::Extension(Extension::Float8E5M2), 1),
        ('f', Some(n @ (12 | 16))) => (Kind::LongDouble, n),
        ('c', Some(n @ (8 | 16))) => (Kind::Complex, n),
        ('c', Some(n @ (24 | 32))) => (Kind::LongComplex, n),
        ('S' | 'a', n) => (Kind::Bytes, n.unwrap_or(0)),
        ('U', n) => match n.unwrap_or(0).checked_mul(4) {
            Some(size) if size <= MAX_SIZE => (Kind::Str, size),
            _ => return bad(quote(text), "a size of more than 2 GiB"),
        },
        ('V', n) => (Kind::Void, n.unwrap_or(0)),
        ('O', None | Some(4 | 8)) => (Kind::Object, 8),
        ('M', Some(8)) => (Kind::Datetime(time_unit(text, suffix)?), 8),
        ('m', Some(8)) => (Kind::Timedelta(time_unit(text, suffix)?), 8),
        _ => return unknown(),
    };
    let ordered = match kind {
        Kind::Bool | Kind::Bytes | Kind::Object | Kind::Extension(_) => false,
        // A void with a byte order is how `ml_dtypes` marks its own types.
        Kind::Void => mark == "<" || mark == ">",
        Kind::Str => true,
        _ => size > 1,
    };
    // "Native" in a file means the machine that wrote it; all that numpy runs on today but
    // s390x are little-endian.
    let endian = match (ordered, mark) {
        (false, _) => Endian::None,
        (true, ">") => Endian::Big,
        (true, _) => Endian::Little,
    };
    Ok(Scalar { kind, endian, size })
}

/// Types spelled as names: those of `ml_dtypes` and the plain ones, which numpy accepts too.
fn named(text: &str) -> Option<Scalar> {
    if let Some(extension) = Extension::ALL.into_iter().find(|known| known.name() == text) {
        let endian = if extension.size() > 1 { Endian::Little } else { Endian::None };
        return Some(Scalar { kind: Kind::Extension(extension), endian, size: extension.size() });
    }
    let (kind, size) = match text {
        "bool" => (Kind::Bool, 1),
        "int8" => (Kind::Int, 1),
        "int16" => (Kind::Int, 2),
        "int32" => (Kind::Int, 4),
        "int64" => (Kind::Int, 8),
        "uint8" => (Kind::UInt, 1),
        "uint16" => (Kind::UInt, 2),
        "uint32" => (Kind::UInt, 4),
        "uint64" => (Kind::UInt, 8),
        "float16" => (Kind::Float, 2),
        "float32" => (Kind::Float, 4),
        "float64" => (Kind::Float, 8),
        "complex64" => (Kind::Complex, 8),
        "complex128" => (Kind::Complex, 16),
        _ => return None,
    };
    let endian = if size > 1 { Endian::Little } else { Endian::None };
    Some(Scalar { kind, endian, size })
}

fn time_unit(text: &str, suffix: &str) -> Result<TimeUnit> {
    if suffix.is_empty() || suffix == "[generic]" {
        return Ok(TimeUnit { base: None, multiple: 1 });
    }
    let inner = suffix.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let unit = inner.and_then(|inner| {
        let digits = inner.bytes().take_while(u8::is_ascii_digit).count();
        let multiple = match &inner[..digits] {
            "" => 1,
            digits => digits.parse().ok().filter(|n| (1..=i32::MAX as u32).contains(n))?,
        };
        let code = if &inner[digits..] == "\u{3bc}s" { "us" } else { &inner[digits..] };
        let (base, _) = TimeBase::ALL.into_iter().find(|(_, known)| *known == code)?;
        Some(TimeUnit { base: Some(base), multiple })
    });
    match unit {
        Some(unit) => Ok(unit),
        None => bad(quote(text), "an unknown unit of time"),
    }
}

/// The descr of a type, as Python's `repr` puts it.
pub(crate) fn to_descr(dtype: &DType) -> String {
    match dtype {
        DType::Scalar(scalar) => quote(&scalar_descr(scalar)),
        DType::SubArray { element, shape } => {
            format!("({}, {})", to_descr(element), tuple(shape))
        }
        DType::Record(record) => record_descr(record),
    }
}

/// A shape, as Python's `repr` puts a tuple.
pub(crate) fn tuple(shape: &[usize]) -> String {
    match shape {
        [single] => format!("({single},)"),
        _ => {
            let lengths: Vec<String> = shape.iter().map(ToString::to_string).collect();
            format!("({})", lengths.join(", "))
        }
    }
}

fn scalar_descr(scalar: &Scalar) -> String {
    let mark = match scalar.endian {
        Endian::Little => '<',
        Endian::Big => '>',
        Endian::None => '|',
    };
    let size = scalar.size;
    match scalar.kind {
        Kind::Bool => "|b1".to_owned(),
        Kind::Int => format!("{mark}i{size}"),
        Kind::UInt => format!("{mark}u{size}"),
        Kind::Float | Kind::LongDouble => format!("{mark}f{size}"),
        Kind::Complex | Kind::LongComplex => format!("{mark}c{size}"),
        Kind::Bytes => format!("|S{size}"),
        Kind::Str => format!("{mark}U{}", size / 4),
        Kind::Void => format!("{mark}V{size}"),
        Kind::Datetime(unit) => format!("{mark}M8{}", unit_descr(unit)),
        Kind::Timedelta(unit) => format!("{mark}m8{}", unit_descr(unit)),
        Kind::Object => "|O".to_owned(),
        Kind::Extension(Extension::Float8E5M2) => "<f1".to_owned(),
        Kind::Extension(extension) => extension.name().to_owned(),
    }
}

fn unit_descr(unit: TimeUnit) -> String {
    match unit {
        TimeUnit { base: None, .. } => String::new(),
        TimeUnit { base: Some(base), multiple: 1 } => format!("[{}]", base.code()),
        TimeUnit { base: Some(base), multiple } => format!("[{multiple}{}]", base.code()),
    }
}

fn record_descr(record: &Record) -> String {
    let mut parts = Vec::new();
    let mut end = 0;
    let padding = |from: usize, to: usize| format!("('', '|V{}')", to.saturating_sub(from));
    for field in &record.fields {
        if field.offset > end {
            parts.push(padding(end, field.offset));
        }
        let name = match &field.title {
            Some(title) => format!("({}, {})", quote(title), quote(&field.name)),
            None => quote(&field.name),
        };
        parts.push(match &field.dtype {
            DType::SubArray { element, shape } => {
                format!("({name}, {}, {})", to_descr(element), tuple(shape))
            }
            dtype => format!("({name}, {})", to_descr(dtype)),
        });
        end = field.offset.saturating_add(field.dtype.size());
    }
    if record.size > end {
        parts.push(padding(end, record.size));
    }
    format!("[{}]", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::literal::parse;

    fn dtype(text: &str) -> Result<DType> {
        from_literal(&parse(text).unwrap().0)
    }

    #[test]
    fn descrs_come_back_as_they_were() {
        for text in [
            "'|b1'",
            "'|i1'",
            "'<i2'",
            "'>u8'",
            "'<f2'",
            "'<f4'",
            "'>f8'",
            "'<f16'",
            "'<c8'",
            "'<c32'",
            "'|S5'",
            "'|S0'",
            "'<U3'",
            "'>U3'",
            "'|V7'",
            "'<V2'",
            "'<M8'",
            "'<M8[ns]'",
            "'>m8[25s]'",
            "'|O'",
            "'<f1'",
            "'bfloat16'",
            "'float8_e4m3fn'",
            "[('a', '<i4'), ('b', '<f8', (2, 3)), ('', '|V4')]",
            "[('a', '|i1'), ('', '|V3'), ('n', [('x', '<f4'), ('y', '<f4')], (2,))]",
            "[(('long title', 't'), '<i2'), ('\u{e4}\u{f6}', '>u2')]",
            "[]",
        ] {
            assert_eq!(to_descr(&dtype(text).unwrap()), text);
        }
    }

    #[test]
    fn other_spellings_mean_the_same() {
        for (text, same) in [
            ("'f4'", "'<f4'"),
            ("'=i8'", "'<i8'"),
            ("'float64'", "'<f8'"),
            ("'<b1'", "'|b1'"),
            ("'|O8'", "'|O'"),
            ("'<M8[generic]'", "'<M8'"),
            ("'|a3'", "'|S3'"),
            ("'?'", "'|b1'"),
            ("'<M8[\u{3bc}s]'", "'<M8[us]'"),
            ("('<f4', ())", "'<f4'"),
            ("[('a', '<f4', 3)]", "[('a', '<f4', (3,))]"),
            ("'<S3'", "'|S3'"),
            ("[('a', ('<f4', (2,)))]", "[('a', '<f4', (2,))]"),
            ("[('', '<i4')]", "[('f0', '<i4')]"),
        ] {
            assert_eq!(to_descr(&dtype(text).unwrap()), same);
        }
    }

    #[test]
    fn what_is_no_type_is_refused() {
        for text in [
            "''",
            "'<'",
            "'<f3'",
            "'<i16'",
            "'<q8'",
            "'<f4x'",
            "'<M8[q]'",
            "'<M8[0s]'",
            "'<M4'",
            "'|S99999999999999999999'",
            "'<U600000000'",
            "3",
            "None",
            "('<f4',)",
            "[('a',)]",
            "[('a', '<f4'), ('a', '<f4')]",
            "[(1, '<f4')]",
            "[('a', '<f4', -1)]",
            "['<f4']",
            "[('a', '<f4', (99999, 99999))]",
            "[('a', '|S2000000000'), ('b', '|S2000000000')]",
            "'\u{3bc}'",
            "'<\u{3bc}4'",
            "[('a', '<f4', ('x',))]",
        ] {
            assert!(dtype(text).is_err(), "{text}");
        }
    }

    #[test]
    fn offsets_leave_room_for_padding() {
        let DType::Record(record) =
            dtype("[('a', '|i1'), ('', '|V3'), ('b', '<f4'), ('', '|V8')]").unwrap()
        else {
            panic!("a record");
        };
        assert_eq!(record.fields.iter().map(|f| f.offset).collect::<Vec<_>>(), [0, 4]);
        assert_eq!(record.size, 16);
    }

    proptest! {
        #[test]
        fn no_descr_panics(text in "[<>|=]?[a-zA-Z?\u{3bc}][0-9]{0,11}(\\[[0-9]{0,11}[a-zA-Z]{0,3}\\])?") {
            if let Ok(known) = scalar(&text) {
                let spelled = scalar_descr(&known);
                prop_assert_eq!(scalar(&spelled).unwrap(), known);
            }
        }
    }
}
