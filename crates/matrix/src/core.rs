//! The Rust core as a cell: the crate `npz` writes the corpus, and reads what the others wrote.

use std::path::Path;

use npz::{Array, ArrayView, Compression, DType, Header, Npz, NpzWriter, Order};

use crate::corpus::{Case, cases};
use crate::exchange::{
    FormatAnswer, PairAnswer, ReadAnswer, Request, Role, SelfDescription, WriteAnswer, Writer,
    archive_name, npy_name,
};
use crate::{Error, Format};

/// The longest request that is read.
const REQUEST_LIMIT: u64 = 64 << 20;

/// Does what a request file asks, as a process of its own; see [`crate::CORE_CELL`].
///
/// # Errors
/// The request cannot be read, or something cannot be written.
pub fn run_core_cell(host: &host::Host, request: &Path) -> Result<(), Error> {
    let text = host.read_text(request, REQUEST_LIMIT).map_err(Error::request)?;
    let request: Request = serde_json::from_str(&text).map_err(Error::request)?;
    if request.leashed {
        host::end_with_the_leash();
    }
    let answer = match request.role {
        Role::Write => serde_json::to_vec(&write(&request)?),
        Role::Read => serde_json::to_vec(&read(&request)),
    };
    let answer = answer.map_err(Error::request)?;
    host::write_atomically(&request.answer, &answer)
        .map_err(|error| Error::Write { path: request.answer, source: error })
}

fn write(request: &Request) -> Result<WriteAnswer, Error> {
    let cases = cases();
    for &format in &request.formats {
        let compression = match format {
            Format::Npy => {
                for (number, case) in cases.iter().enumerate() {
                    npz::write_npy(request.own.join(npy_name(number)), &view(case)?)?;
                }
                continue;
            }
            // Written by programs of their own.
            Format::WheelWritten | Format::WheelRead => continue,
            Format::Npz => Compression::Stored,
            Format::NpzDeflated => Compression::Deflate(6),
        };
        let mut writer = NpzWriter::create(request.own.join(archive_name(format).unwrap_or("")))?;
        for case in &cases {
            writer.add(case.name, &view(case)?, compression)?;
        }
        writer.commit()?;
    }
    Ok(WriteAnswer::default())
}

fn view(case: &Case) -> Result<ArrayView<'_>, npz::Error> {
    let order = if case.fortran { Order::Fortran } else { Order::C };
    let header = Header::new(DType::parse(case.descr)?, case.shape, order)?;
    ArrayView::from_bytes(header, &case.data)
}

fn read(request: &Request) -> ReadAnswer {
    let cases = cases();
    let pair = |writer: &Writer| PairAnswer {
        formats: request.formats.iter().map(|f| (*f, read_format(&cases, writer, *f))).collect(),
        pickles: Default::default(),
    };
    ReadAnswer {
        of: SelfDescription::default(),
        pairs: request.writers.iter().map(|w| (w.name.clone(), pair(w))).collect(),
    }
}

fn read_format(cases: &[Case], writer: &Writer, format: Format) -> FormatAnswer {
    let mut answer = FormatAnswer::default();
    let archive = archive_name(format).map(|name| Npz::open(writer.directory.join(name)));
    for (number, case) in cases.iter().enumerate() {
        if writer.unsupported.contains_key(&number) {
            continue;
        }
        answer.compared.push(number);
        let array = match &archive {
            None => npz::read_npy(writer.directory.join(npy_name(number))),
            Some(Ok(archive)) => archive.read(case.name),
            Some(Err(error)) => {
                answer.problems.push((number, "error".to_owned(), error.to_string()));
                continue;
            }
        };
        match array.map(|array| difference(case, &array)) {
            Ok(None) => {}
            Ok(Some(what)) => answer.problems.push((number, "differs".to_owned(), what)),
            Err(error) => answer.problems.push((number, "error".to_owned(), error.to_string())),
        }
    }
    answer
}

/// What an array is, other than what it should be.
fn difference(case: &Case, array: &Array) -> Option<String> {
    let descr = array.dtype().to_string();
    if descr != case.descr {
        return Some(format!("dtype is {descr}, not {}", case.descr));
    }
    if array.shape() != case.shape {
        return Some(format!("shape is {:?}, not {:?}", array.shape(), case.shape));
    }
    // In memory, order means nothing where at most one axis is longer than 1.
    let fortran = array.order() == Order::Fortran;
    if fortran != case.fortran && !case.data.is_empty() {
        return Some(format!("Fortran order is {fortran}, not {}", case.fortran));
    }
    if array.bytes() == case.data {
        return None;
    }
    let pairs = array.bytes().iter().zip(&case.data).zip(case.padding.iter().cycle());
    let differs = |((got, wanted), padding): ((&u8, &u8), &bool)| got != wanted && !padding;
    let at = pairs.into_iter().position(differs)?;
    Some(format!("the bytes differ from byte {at} on"))
}
