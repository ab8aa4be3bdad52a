//! The texts of a wheel: `METADATA` and `WHEEL`, `RECORD`, and `entry_points.txt`.

use super::error::WheelError;

/// Fields of `METADATA` or `WHEEL`, in their order, as mails have them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers {
    /// Names and values; a value that goes on over lines keeps its line breaks.
    pub fields: Vec<(String, String)>,
}

impl Headers {
    /// The first value of a field; case does not matter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Every value of a field; case does not matter.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let fields = self.fields.iter().filter(move |(own, _)| own.eq_ignore_ascii_case(name));
        fields.map(|(_, value)| value.as_str())
    }

    /// Reads the fields; what follows the first empty line is the description.
    pub(super) fn parse(entry: &str, bytes: &[u8]) -> Result<Self, WheelError> {
        let text = text(entry, bytes)?;
        let mut headers = Self::default();
        for (number, line) in text.lines().enumerate() {
            if line.is_empty() {
                break;
            }
            if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = headers.fields.last_mut() {
                    value.push('\n');
                    value.push_str(line.trim());
                    continue;
                }
            } else if let Some((name, value)) = line.split_once(':')
                && !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            {
                headers.fields.push((name.to_owned(), value.trim().to_owned()));
                continue;
            }
            return Err(wrong(entry, number, "not a field, `Name: value`"));
        }
        Ok(headers)
    }
}

/// One line of `RECORD`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRow {
    /// The entry it is about.
    pub path: String,
    /// Algorithm and digest, `("sha256", "47DEQpj8...")`.
    pub hash: Option<(String, String)>,
    /// Bytes of its data.
    pub size: Option<u64>,
}

/// Reads `RECORD`, whose lines are as CSV has them.
pub(super) fn record(entry: &str, bytes: &[u8]) -> Result<Vec<RecordRow>, WheelError> {
    let text = text(entry, bytes)?;
    let mut rows = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.is_empty() {
            continue;
        }
        let fields = csv(line).ok_or_else(|| wrong(entry, number, "a quote does not end"))?;
        let [path, hash, size] = fields.as_slice() else {
            return Err(wrong(entry, number, "not path, hash and size"));
        };
        let hash = match (hash.as_str(), hash.split_once('=')) {
            ("", _) => None,
            (_, Some((algorithm, digest))) => Some((algorithm.to_owned(), digest.to_owned())),
            _ => return Err(wrong(entry, number, "a hash is written ALGORITHM=DIGEST")),
        };
        let size = match size.as_str() {
            "" => None,
            size => match size.parse() {
                Ok(size) => Some(size),
                Err(_) => return Err(wrong(entry, number, "the size is not a number")),
            },
        };
        rows.push(RecordRow { path: path.clone(), hash, size });
    }
    Ok(rows)
}

/// The fields of one line.
fn csv(line: &str) -> Option<Vec<String>> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars().peekable();
    let mut quoted = false;
    while let Some(character) = characters.next() {
        let last = fields.last_mut()?;
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                last.push('"');
            }
            '"' if quoted || last.is_empty() => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => last.push(other),
        }
    }
    (!quoted).then_some(fields)
}

/// One entry point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryPoint {
    /// Group: `console_scripts`.
    pub group: String,
    /// Name.
    pub name: String,
    /// What it leads to: `package.module:function`.
    pub target: String,
}

/// Reads `entry_points.txt`.
pub(super) fn entry_points(entry: &str, bytes: &[u8]) -> Result<Vec<EntryPoint>, WheelError> {
    let text = text(entry, bytes)?;
    let mut group: Option<String> = None;
    let mut points = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            group = Some(name.trim().to_owned());
            continue;
        }
        let (Some(group), Some((name, target))) = (&group, line.split_once('=')) else {
            return Err(wrong(entry, number, "not `name = package.module:function` in a group"));
        };
        points.push(EntryPoint {
            group: group.clone(),
            name: name.trim().to_owned(),
            target: target.trim().to_owned(),
        });
    }
    Ok(points)
}

fn wrong(entry: &str, number: usize, reason: &str) -> WheelError {
    WheelError::BadText { entry: entry.to_owned(), line: number + 1, reason: reason.to_owned() }
}

fn text<'a>(entry: &str, bytes: &'a [u8]) -> Result<&'a str, WheelError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count();
        wrong(entry, line, "not UTF-8")
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_go_on_over_lines_and_end_at_the_description() {
        let headers = Headers::parse(
            "M",
            b"Name: a\r\nlicense: x\n  y\n\tz\nTag: 1\nTag: 2\n\nNot: a field\n",
        );
        let headers = headers.unwrap();
        assert_eq!(headers.get("name"), Some("a"));
        assert_eq!(headers.get("License"), Some("x\ny\nz"));
        assert_eq!(headers.all("tag").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(headers.get("not"), None);
    }

    #[test]
    fn what_is_not_a_field_is_named_with_its_line() {
        for (bytes, line) in [(&b"Name: a\nno field\n"[..], 2), (b" goes on\n", 1), (b"a\xff\n", 1)]
        {
            let error = Headers::parse("M", bytes).unwrap_err();
            assert!(matches!(error, WheelError::BadText { line: l, .. } if l == line), "{error}");
        }
    }

    #[test]
    fn a_record_is_csv() {
        let rows = record("R", b"a.py,sha256=abc,3\r\n\"b,\"\"c\"\".py\",sha256=x,4\nd/RECORD,,\n")
            .unwrap();
        assert_eq!(rows[0].hash, Some(("sha256".to_owned(), "abc".to_owned())));
        assert_eq!(rows[1].path, "b,\"c\".py");
        assert_eq!((rows[2].path.as_str(), rows[2].size), ("d/RECORD", None));
        for bad in ["a,b", "a,b,c,d", "a,sha256=x,many", "a,x,1", "\"a,,"] {
            assert!(record("R", bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn entry_points_are_in_groups() {
        let points = entry_points("E", b"# x\n[console_scripts]\nrun = a.b:main\n\n[g]\nn=m\n");
        let points = points.unwrap();
        assert_eq!(points[0].group, "console_scripts");
        assert_eq!((points[1].name.as_str(), points[1].target.as_str()), ("n", "m"));
        assert!(entry_points("E", b"run = a:b\n").is_err());
        assert!(entry_points("E", b"[g]\nrun\n").is_err());
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(,|\"|\n|:|=|\\[|\\]|[a-c]| |\\PC)*", raw: Vec<u8>) {
            for bytes in [text.as_bytes(), &raw] {
                let _ = Headers::parse("E", bytes);
                let _ = record("E", bytes);
                let _ = entry_points("E", bytes);
            }
        }
    }
}
