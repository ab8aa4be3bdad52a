//! numpy's types, from how they are pickled to how the header of an npy file writes them.

use npz::Source;

use super::{Id, Objects};

/// How deep structures lie within structures.
const DEPTH_LIMIT: usize = 8;

/// A type as a header writes it, and its size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Descr {
    /// A literal of Python: `'<f4'`, or a list of fields.
    pub(crate) literal: String,
    pub(crate) size: u64,
    /// The shape of a field that is an array itself.
    shape: Option<String>,
}

/// The type that a node is, or why no file without a pickle can hold it.
pub(crate) fn descr(objects: &Objects, id: Id, source: &dyn Source) -> Result<Descr, String> {
    let descr = descr_within(objects, id, source, 0)?;
    match descr.shape {
        None => Ok(descr),
        Some(_) => Err("its type is an array itself".to_owned()),
    }
}

/// Whether a type has Python objects for elements, as far as it can be told.
pub(crate) fn has_objects(objects: &Objects, id: Id, source: &dyn Source) -> bool {
    has_objects_within(objects, id, source, 0)
}

fn has_objects_within(objects: &Objects, id: Id, source: &dyn Source, depth: usize) -> bool {
    if depth > DEPTH_LIMIT || !objects.spend(1) {
        return false;
    }
    let code =
        objects.call(id).and_then(|(_, arguments)| objects.text(*arguments.first()?, source));
    if code.is_some_and(|code| code.trim_start_matches(['|', '<', '>', '=']).starts_with('O')) {
        return true;
    }
    let within = |id: Id| has_objects_within(objects, id, source, depth + 1);
    let Some(state) = objects.states.get(&id).and_then(|state| objects.tuple(*state)) else {
        return false;
    };
    let sub = state.get(2).and_then(|id| objects.tuple(*id)).and_then(|sub| sub.first());
    let fields = state.get(4).and_then(|fields| objects.entries.get(fields));
    let mut fields = fields
        .into_iter()
        .flatten()
        .filter_map(|(_, field)| objects.tuple(*field).and_then(|field| field.first()).copied());
    sub.is_some_and(|sub| within(*sub)) || fields.any(within)
}

fn descr_within(
    objects: &Objects,
    id: Id,
    source: &dyn Source,
    depth: usize,
) -> Result<Descr, String> {
    let unknown = || "its type is made in a way that is not known".to_owned();
    if depth > DEPTH_LIMIT || !objects.spend(1) {
        return Err("its type is nested too deep".to_owned());
    }
    let ((module, name), arguments) = objects.call(id).ok_or_else(unknown)?;
    if (module, name) != ("numpy", "dtype") {
        return Err(format!("its type is made by {module}.{name}"));
    }
    let first = *arguments.first().ok_or_else(unknown)?;
    let code = match objects.text(first, source) {
        Some(code) => code,
        // The class of its elements, with the type's own fields in its state.
        None => match objects.name(first) {
            Some(("numpy", "record" | "void")) => "V".to_owned(),
            _ => return Err(unknown()),
        },
    };
    let state: &[Id] = match objects.states.get(&id) {
        Some(state) => objects.tuple(*state).ok_or_else(unknown)?,
        None => &[],
    };
    let part = |index: usize| state.get(index).copied();
    if let Some(fields) = part(3).filter(|fields| objects.tuple(*fields).is_some()) {
        return structure(objects, fields, part(4).zip(part(5)), source, depth);
    }
    if let Some(sub) = part(2).and_then(|sub| objects.tuple(sub)) {
        let [base, shape] = sub else { return Err(unknown()) };
        let lengths = lengths(objects, *shape).ok_or_else(unknown)?;
        let base = descr_within(objects, *base, source, depth + 1)?;
        let mut size = base.size;
        for length in &lengths {
            size = size.checked_mul(*length).ok_or_else(unknown)?;
        }
        let lengths: Vec<String> = lengths.iter().map(|length| format!("{length},")).collect();
        let shape = Some(format!("({})", lengths.join(" ")));
        return Ok(Descr { literal: base.literal, size, shape });
    }
    let order = part(1).and_then(|order| objects.text(order, source));
    let unit = part(8).filter(|_| code.starts_with(['M', 'm']));
    let unit = match unit {
        Some(metadata) => unit_of(objects, metadata, source).ok_or_else(unknown)?,
        None => String::new(),
    };
    plain(&code, order.as_deref(), &unit)
}

/// A type without fields, from its letter and its number of bytes or characters.
fn plain(code: &str, order: Option<&str>, unit: &str) -> Result<Descr, String> {
    let (own_order, code) = match code.chars().next() {
        Some(order @ ('<' | '>' | '|' | '=')) => (Some(order), &code[1..]),
        _ => (None, code),
    };
    let not_numpys = || format!("its type is {code:?}");
    let kind = code.chars().next().filter(char::is_ascii).ok_or_else(not_numpys)?;
    let count: u64 = code[1..].parse().map_err(|_| not_numpys())?;
    let size = match kind {
        'b' if count == 1 => 1,
        'i' | 'u' if [1, 2, 4, 8].contains(&count) => count,
        'f' if [2, 4, 8, 12, 16].contains(&count) => count,
        'c' if [8, 16, 24, 32].contains(&count) => count,
        'S' | 'V' | 'a' => count,
        'U' => count.checked_mul(4).ok_or_else(not_numpys)?,
        'M' | 'm' if count == 8 => 8,
        'O' => return Err("it holds Python objects".to_owned()),
        _ => return Err(not_numpys()),
    };
    let kind = if kind == 'a' { 'S' } else { kind };
    let order = match order.and_then(|order| order.chars().next()).or(own_order) {
        _ if matches!(kind, 'S' | 'V') || (size == 1 && kind != 'U') => '|',
        Some('>') => '>',
        _ => '<',
    };
    Ok(Descr { literal: format!("'{order}{kind}{count}{unit}'"), size, shape: None })
}

/// `[ns]` or `[25s]`, from the metadata of a date or a duration.
fn unit_of(objects: &Objects, metadata: Id, source: &dyn Source) -> Option<String> {
    let [_, unit] = objects.tuple(metadata)? else { return None };
    let [name, number, divisor, ..] = objects.tuple(*unit)? else { return None };
    let name = objects.text(*name, source)?;
    let (number, divisor) = (objects.int(*number)?, objects.int(*divisor)?);
    if name == "generic" {
        return Some(String::new());
    }
    if divisor != 1 || !name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte > 127) {
        return None;
    }
    Some(if number == 1 { format!("[{name}]") } else { format!("[{number}{name}]") })
}

fn lengths(objects: &Objects, shape: Id) -> Option<Vec<u64>> {
    let whole = |id: Id| objects.int(id).and_then(|length| u64::try_from(length).ok());
    match objects.tuple(shape) {
        // numpy has 64 axes at most.
        Some(lengths) if lengths.len() <= 64 => {
            lengths.iter().map(|length| whole(*length)).collect()
        }
        Some(_) => None,
        None => Some(vec![whole(shape)?]),
    }
}

/// A structure: its fields in the order of their places, and `V` where nothing lies.
fn structure(
    objects: &Objects,
    names: Id,
    rest: Option<(Id, Id)>,
    source: &dyn Source,
    depth: usize,
) -> Result<Descr, String> {
    let unknown = || "its type is made in a way that is not known".to_owned();
    let (fields, size) = rest.ok_or_else(unknown)?;
    let size = objects.int(size).and_then(|size| u64::try_from(size).ok()).ok_or_else(unknown)?;
    let mut found = Vec::new();
    for name in objects.tuple(names).unwrap_or_default() {
        let name = objects.text(*name, source).ok_or_else(unknown)?;
        let field = objects.entry(fields, &name, source).ok_or_else(unknown)?;
        let field = objects.tuple(field).ok_or_else(unknown)?;
        let [kind, offset, title @ ..] = field else { return Err(unknown()) };
        let offset =
            objects.int(*offset).and_then(|n| u64::try_from(n).ok()).ok_or_else(unknown)?;
        let title = match title {
            [] => None,
            [title] => Some(objects.text(*title, source).ok_or_else(unknown)?),
            _ => return Err(unknown()),
        };
        let descr = descr_within(objects, *kind, source, depth + 1)?;
        found.push((offset, name, title, descr));
    }
    found.sort_by_key(|(offset, ..)| *offset);
    let mut parts = Vec::new();
    let mut end = 0;
    for (offset, name, title, descr) in found {
        if offset < end {
            return Err("fields of its type overlap".to_owned());
        }
        if offset > end {
            parts.push(format!("('', '|V{}')", offset - end));
        }
        end = offset.checked_add(descr.size).ok_or_else(unknown)?;
        let name = match title {
            Some(title) => format!("({}, {})", quoted(&title), quoted(&name)),
            None => quoted(&name),
        };
        let shape = descr.shape.map(|shape| format!(", {shape}")).unwrap_or_default();
        parts.push(format!("({name}, {}{shape})", descr.literal));
    }
    if end > size {
        return Err("the fields of its type are larger than it is".to_owned());
    }
    if end < size {
        parts.push(format!("('', '|V{}')", size - end));
    }
    Ok(Descr { literal: format!("[{}]", parts.join(", ")), size, shape: None })
}

/// A literal of Python for a text.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("'");
    for c in text.chars() {
        match c {
            '\\' | '\'' => {
                quoted.push('\\');
                quoted.push(c);
            }
            c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}
