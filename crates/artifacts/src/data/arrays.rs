//! Arrays, from the headers of npy files and the directories of npz files.

use std::io::{self, Read};

use npz::{Error, ErrorKind, Header, Limits, Npy, Npz, Order, Readers, Source};

use super::{
    ArrayFacts, ArrayObstacle, DataFacts, DataFaultKind, DataFormat, DataOptions, MemberPickle,
    damage_of,
};
use crate::pickle::{self, Part, PickleFacts, Untold};

/// The largest zip directory that is read, in bytes: enough for 100,000 members.
const DIRECTORY_BYTES: u64 = 16 << 20;

/// A source that somebody else owns.
pub(super) struct Borrowed<'a>(pub(super) &'a dyn Source);

impl Source for Borrowed<'_> {
    fn length(&self) -> u64 {
        self.0.length()
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }

    fn in_memory(&self) -> Option<&[u8]> {
        self.0.in_memory()
    }
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.directory_bytes = DIRECTORY_BYTES;
    limits
}

pub(super) fn npy(source: &dyn Source, options: &DataOptions<'_>) -> DataFacts {
    let mut facts = DataFacts::new(DataFormat::Npy, source.length());
    let npy = match Npy::from_source(Borrowed(source), limits()) {
        Ok(npy) => npy,
        Err(error) => {
            facts.fault(kind_of(&error), error.to_string());
            return facts;
        }
    };
    let header = npy.header();
    let mut array = array(None, header);
    if header.dtype().has_objects() {
        let start = (header.length() as u64).min(source.length());
        array.nbytes = source.length() - start;
        let part = Part { source, start, end: source.length() };
        let pickle = pickle::walk(&part, options.instructions);
        if let Some(damage) = pickle.damage {
            facts.fault(DataFaultKind::Damaged, damage_of(damage));
        }
        array.pickle = Some(pickle);
    }
    facts.arrays.push(array);
    facts
}

pub(super) fn zip(source: &dyn Source, options: &DataOptions<'_>) -> DataFacts {
    let mut facts = DataFacts::new(DataFormat::Npz, source.length());
    let npz = match Npz::from_source(Borrowed(source), limits()) {
        Ok(npz) => npz,
        Err(error) => {
            if options.extension != "npz" {
                facts.format = DataFormat::Zip;
            }
            facts.fault(kind_of(&error), error.to_string());
            return facts;
        }
    };
    let is_array = |name: &str| name.ends_with(".npy");
    let is_torch = npz
        .members()
        .any(|member| member.file_name.ends_with("/data.pkl") || member.file_name == "data.pkl");
    let has_arrays = npz.members().any(|member| is_array(member.file_name));
    if is_torch {
        facts.format = DataFormat::Torch;
    } else if npz.members().next().is_some() && !has_arrays {
        facts.format = DataFormat::Zip;
    }
    pickles(&npz, is_torch, options, &mut facts);
    for (index, member) in npz.members().enumerate() {
        if index >= options.arrays {
            facts.more_arrays += 1;
            continue;
        }
        let name = member.file_name;
        if is_array(name) {
            match look(&npz, name, options) {
                Ok(mut array) => {
                    array.name = Some(member.name.to_owned());
                    array.compressed = (!member.is_stored).then_some(member.compressed_size);
                    if let Some(damage) = array.pickle.as_ref().and_then(|pickle| pickle.damage) {
                        let message = format!("member {name:?}: {}", damage_of(damage));
                        facts.fault(DataFaultKind::Damaged, message);
                    }
                    facts.arrays.push(array);
                }
                Err(error) => {
                    facts.fault(kind_of(&error), error.to_string());
                    continue;
                }
            }
        }
        if options.verify
            && let Err(error) = npz.verify(name)
        {
            facts.fault(kind_of(&error), error.to_string());
        }
    }
    facts.verified = options.verify;
    facts
}

/// Pickles among the members: those whose names say so, and those that begin like one. The storages
/// of PyTorch are data, whatever they begin with.
fn pickles(
    npz: &Npz<Borrowed<'_>>,
    is_torch: bool,
    options: &DataOptions<'_>,
    facts: &mut DataFacts,
) {
    for member in npz.members().filter(|member| !member.file_name.ends_with(".npy")) {
        let name = member.file_name;
        let end = name.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase());
        let is_named = matches!(end.as_deref(), Some("pkl" | "pickle" | "p" | "joblib" | "pk"));
        let is_storage = is_torch && !is_named && name.contains("/data/");
        if is_storage || name.ends_with('/') {
            continue;
        }
        if facts.members.len() + facts.more_members >= options.arrays {
            facts.more_members += 1;
            continue;
        }
        match pickle_in(npz, name, member.size, is_named, options) {
            Ok(Some(pickle)) => {
                if let Some(damage) = pickle.damage {
                    let message = format!("member {name:?}: {}", damage_of(damage));
                    facts.fault(DataFaultKind::Damaged, message);
                }
                facts.members.push(MemberPickle { name: name.to_owned(), pickle });
            }
            Ok(None) if is_torch => {}
            Ok(None) => facts.more_members += usize::from(facts.format == DataFormat::Zip),
            Err(error) => facts.fault(kind_of(&error), error.to_string()),
        }
    }
}

fn pickle_in(
    npz: &Npz<Borrowed<'_>>,
    name: &str,
    size: u64,
    is_named: bool,
    options: &DataOptions<'_>,
) -> npz::Result<Option<PickleFacts>> {
    let mut reader = npz.member(name)?;
    let mut bytes = Vec::new();
    (&mut reader).take(2).read_to_end(&mut bytes)?;
    if !is_named && !pickle::starts_as_pickle(&bytes) {
        return Ok(None);
    }
    (&mut reader).take(options.member_bytes).read_to_end(&mut bytes)?;
    let walked = pickle::walk(&Part::all(&bytes), options.instructions);
    if size <= bytes.len() as u64 {
        return Ok(Some(walked));
    }
    let mut untold = walked.untold.clone();
    untold.push(Untold::TooMuch);
    Ok(Some(PickleFacts { damage: None, untold, ..walked }))
}

/// One member that should be an array.
fn look(npz: &Npz<Borrowed<'_>>, name: &str, options: &DataOptions<'_>) -> npz::Result<ArrayFacts> {
    let header = npz.header(name)?;
    let mut array = array(None, &header);
    if header.dtype().has_objects() {
        let mut reader = npz.member(name)?;
        // The header, once more, to stand at what follows it.
        let header = Header::read_from(&mut reader, limits().header_bytes)?;
        let mut bytes = Vec::new();
        (&mut reader).take(options.member_bytes).read_to_end(&mut bytes)?;
        let size = npz.members().find(|member| member.file_name == name).map_or(0, |m| m.size);
        array.nbytes = size.saturating_sub(header.length() as u64);
        array.pickle = Some(if array.nbytes > bytes.len() as u64 {
            let partial = pickle::walk(&Part::all(&bytes), options.instructions);
            PickleFacts { damage: None, untold: vec![Untold::TooMuch], ..partial }
        } else {
            pickle::walk(&Part::all(&bytes), options.instructions)
        });
    }
    Ok(array)
}

fn array(name: Option<String>, header: &Header) -> ArrayFacts {
    let is_pickled = header.dtype().has_objects();
    let obstacles = header.obstacles().into_iter().map(|obstacle| {
        let (mut since, mut before, mut condition) = (None, None, None);
        match obstacle.readers {
            Readers::Before(version) => before = Some(version.to_string()),
            Readers::From(version) => since = Some(version.to_string()),
            Readers::All => {}
            other => condition = Some(other.to_string()),
        }
        let refused = obstacle.refused;
        ArrayObstacle { since, before, condition, refused, reason: obstacle.reason }
    });
    // That objects are a pickle is told by the pickle itself.
    let is_news = |obstacle: &ArrayObstacle| !(is_pickled && obstacle.reason.contains("pickle"));
    ArrayFacts {
        name,
        dtype: header.dtype().to_string(),
        shape: header.shape().iter().map(|length| *length as u64).collect(),
        fortran_order: header.order() == Order::Fortran,
        version: header.version(),
        nbytes: header.nbytes() as u64,
        compressed: None,
        obstacles: obstacles.filter(is_news).collect(),
        pickle: None,
    }
}

fn kind_of(error: &Error) -> DataFaultKind {
    match error.kind() {
        ErrorKind::Io(_) => DataFaultKind::Unreadable,
        ErrorKind::Overlap { .. }
        | ErrorKind::DuplicateName { .. }
        | ErrorKind::UnsafeName { .. }
        | ErrorKind::Bomb { .. }
        | ErrorKind::HeaderTooLong { .. }
        | ErrorKind::BadShape { .. }
        | ErrorKind::TrailingBytes { .. } => DataFaultKind::Hostile,
        ErrorKind::Unsupported { .. } | ErrorKind::UnsupportedVersion { .. } => {
            DataFaultKind::Unsupported
        }
        _ => DataFaultKind::Damaged,
    }
}
