//! Results of runs as the renderers meet them: small, whole, huge, failing and hostile. They are
//! made by the rules that real numpys were measured to follow, so that reports look as they will.

use std::collections::BTreeMap;

use matrix::{
    CellKind, CellResult, CellState, Expectation, Format, FormatResult, LeftOut, MachineInfo,
    MatrixResult, Observation, PairResult, PickleResult, PickledObject, Problem, ProblemKind,
    RESULT_SCHEMA, StoredCase, TestedWheel, WrongPrediction,
};

/// Text that would take over a terminal, an XML file, a workflow or a page.
pub(crate) const EVIL: &str = "a</script><script>document.title='owned'</script><!--\
    <img src=x onerror=document.title='owned'>]]>\"' &amp; | `b` ..\n::error::x\r\x1b[31m\u{0}\u{fffe}\u{202e}evil";

const GROUPS: [(&str, &[(&str, &str)]); 10] = [
    ("booleans", &[("bool", "'|b1'")]),
    (
        "integers",
        &[
            ("int8", "'|i1'"),
            ("int16", "'<i2'"),
            ("int32", "'<i4'"),
            ("int64", "'<i8'"),
            ("uint8", "'|u1'"),
            ("uint16", "'<u2'"),
            ("uint32", "'<u4'"),
            ("uint64", "'<u8'"),
        ],
    ),
    (
        "floats",
        &[
            ("float16", "'<f2'"),
            ("float32", "'<f4'"),
            ("float64", "'<f8'"),
            ("long double", "'<f16'"),
            ("float64 with nan and inf", "'<f8'"),
        ],
    ),
    ("complex", &[("complex64", "'<c8'"), ("complex128", "'<c16'"), ("clongdouble", "'<c32'")]),
    (
        "byte order",
        &[
            ("big-endian int16", "'>i2'"),
            ("big-endian float32", "'>f4'"),
            ("big-endian float64", "'>f8'"),
            ("big-endian complex128", "'>c16'"),
        ],
    ),
    (
        "text and bytes",
        &[("bytes", "'|S7'"), ("text", "'<U5'"), ("big-endian text", "'>U5'"), ("void", "'|V9'")],
    ),
    (
        "times",
        &[
            ("datetime64[ns]", "'<M8[ns]'"),
            ("datetime64 without a unit", "'<M8'"),
            ("timedelta64[25s]", "'<m8[25s]'"),
        ],
    ),
    (
        "structures",
        &[
            ("record", "[('a', '<i4'), ('b', '<f8')]"),
            ("aligned and nested", "[('x', [('y', '|u1'), ('', '|V3'), ('z', '<i4')])]"),
            ("titled fields", "[(('title', 'a'), '<i4')]"),
            ("field names in UTF-8", "[('größe', '<f4'), ('数', '<i2')]"),
            ("subarrays", "[('m', '<f4', (2, 3))]"),
        ],
    ),
    (
        "shapes",
        &[
            ("0-d", "'<f8'"),
            ("empty", "'<f8'"),
            ("no rows", "'<i4'"),
            ("one element", "'<i4'"),
            ("five dimensions", "'|u1'"),
        ],
    ),
    ("memory order", &[("Fortran order", "'<f8'"), ("every second element", "'<i4'")]),
];

const OBJECTS: [(&str, &str); 16] = [
    ("array", "an array that is contiguous in memory"),
    ("fortran-array", "an array in Fortran order"),
    ("strided-array", "every second element of an array"),
    ("big-endian-array", "an array of big-endian numbers"),
    ("structured-array", "an array of records"),
    ("aligned-record", "an array of records that are aligned as in C"),
    ("datetime-array", "an array of dates"),
    ("object-array", "an array of Python objects"),
    ("string-array", "an array of StringDType"),
    ("scalar", "a float64"),
    ("matrix", "an np.matrix"),
    ("recarray", "an np.recarray"),
    ("masked-array", "a masked array"),
    ("dtype", "np.dtype('<f4')"),
    ("generator", "a random generator"),
    ("ufunc", "the function np.add"),
];

const MULTIARRAY: usize = 1;
const NUMERIC: usize = 2;
const REC: usize = 3;
const FLAGS: usize = 4;
const NO_STRINGS: usize = 5;
const DEPRECATED: usize = 6;

/// Two cells, both of which read everything.
pub(crate) fn small() -> MatrixResult {
    result(&[("3.11.7", "1.24.4"), ("3.11.7", "2.2.6")], &[])
}

/// The default matrix of a project: thirty-one Pythons and the core, and what no index has.
pub(crate) fn default_matrix() -> MatrixResult {
    let mut cells = Vec::new();
    let mut missing = Vec::new();
    let numpys = [
        ("1.17.5", "3.8", "3.8"),
        ("1.21.6", "3.8", "3.10"),
        ("1.23.5", "3.8", "3.11"),
        ("1.24.4", "3.8", "3.11"),
        ("1.26.0", "3.9", "3.12"),
        ("1.26.4", "3.9", "3.12"),
        ("2.0.2", "3.9", "3.12"),
        ("2.2.6", "3.10", "3.13"),
        ("2.4.6", "3.11", "3.11"),
        ("2.5.5", "3.12", "3.13"),
    ];
    let pythons = ["3.8.18", "3.9.18", "3.10.13", "3.11.7", "3.12.1", "3.13.0"];
    let minor = |version: &str| version.split('.').nth(1).unwrap().parse::<u32>().unwrap();
    for python in pythons {
        for (numpy, first, last) in numpys {
            if (minor(first)..=minor(last)).contains(&minor(python)) {
                cells.push((python, numpy));
            } else if !numpy.starts_with("2.4") && !numpy.starts_with("2.5") {
                missing.push((&python[..python.rfind('.').unwrap()], numpy));
            }
        }
    }
    result(&cells, &missing)
}

/// A hundred cells, more than any terminal is wide.
pub(crate) fn huge() -> MatrixResult {
    let pythons = ["3.8.18", "3.9.18", "3.10.13", "3.11.7", "3.12.1", "3.13.0", "3.14.0"];
    let numpys = [
        "1.17.5", "1.18.5", "1.19.5", "1.20.3", "1.21.6", "1.22.4", "1.23.5", "1.24.4", "1.25.2",
        "1.26.0", "1.26.4", "2.0.2", "2.1.3", "2.2.6", "2.3.5",
    ];
    let mut cells: Vec<_> =
        pythons.iter().flat_map(|python| numpys.map(|numpy| (*python, numpy))).collect();
    cells.truncate(99);
    result(&cells, &[])
}

/// The default matrix with everything that can go wrong: a reader that misreads, a pair that failed
/// for a reason of its own, a cell that was killed, one without an interpreter, one whose environment
/// is broken, a wrong prediction, and a pair that was not run.
pub(crate) fn faulty() -> MatrixResult {
    let mut result = default_matrix();
    misread(&mut result, "py3.11-numpy1.24.4");
    let pair = pair_mut(&mut result, "core", "py3.8-numpy1.17.5");
    pair.formats[0].problems.push(Problem {
        case: "field names in UTF-8".to_owned(),
        kind: ProblemKind::Error,
        message: "ValueError: Invalid header in py3.8-numpy1.17.5".to_owned(),
    });
    fail(
        &mut result,
        "py3.13-numpy2.2.6",
        CellState::ReadingFailed {
            reason: "killed by signal 9 after reading 17 of 32 writers".to_owned(),
        },
    );
    fail(
        &mut result,
        "py3.12-numpy1.26.0",
        CellState::WritingFailed {
            reason: "OSError: [Errno 28] No space left on device".to_owned(),
        },
    );
    fail(
        &mut result,
        "py3.12-numpy2.5.5",
        CellState::MissingInterpreter {
            reason: "no Python 3.12 on this machine; `uv python install 3.12` gets one".to_owned(),
        },
    );
    let pair = pair_mut(&mut result, "py3.11-numpy2.2.6", "py3.9-numpy1.26.4");
    let pickles = pair.pickles.as_mut().unwrap();
    pickles.observed.get_mut("array").unwrap()[3] = 0;
    pickles.wrong.push(WrongPrediction {
        object: "array".to_owned(),
        protocol: 5,
        predicted: Expectation::Fails {
            message: "ModuleNotFoundError: No module named 'numpy._core.numeric'".to_owned(),
        },
        observed: 0,
    });
    result.pairs.retain(|pair| {
        (pair.writer.as_str(), pair.reader.as_str()) != ("py3.9-numpy2.0.2", "py3.10-numpy2.2.6")
    });
    result
}

/// Two Pyodides: one that cannot hold half of the arrays and has a remark, and one that is not there.
pub(crate) fn pyodide() -> MatrixResult {
    let mut result = small();
    let missing = "there is no Node.js on PATH; install it".to_owned();
    let reads_only = |version: &str, state: CellState| CellResult {
        name: format!("pyodide-{version}"),
        kind: CellKind::Pyodide,
        numpy: None,
        pyodide: Some(version.to_owned()),
        writes: false,
        write_seconds: None,
        ..python_cell("3.11.3", "0", state)
    };
    let mut there = reads_only("0.25.1", CellState::Ran);
    let left_out = result.cases.iter().skip(result.cases.len() / 2);
    let reason = || "a memoryview has no type '<c8': install numpy to read it".to_owned();
    there.left_out =
        left_out.map(|case| LeftOut { case: case.name.clone(), reason: reason() }).collect();
    there.remarks = vec!["`numpy.load` would end in OSError (WSM001)".to_owned()];
    let compared = result.cases.len() - there.left_out.len();
    for writer in result.cells.clone() {
        let formats =
            Format::ALL.map(|format| FormatResult { format, compared, problems: Vec::new() });
        result.pairs.push(PairResult {
            writer: writer.name,
            reader: there.name.clone(),
            formats: formats.to_vec(),
            pickles: None,
        });
    }
    result.cells.push(there);
    result.cells.push(reads_only("314.0.7", CellState::MissingInterpreter { reason: missing }));
    result
}

/// Both lanes: a wheel that Python 3.8 does not take, and that writes other bits on one Python and
/// cannot be imported on another.
pub(crate) fn wheel() -> MatrixResult {
    let pythons = [("3.8.18", "1.24.4"), ("3.11.7", "1.24.4"), ("3.11.7", "2.2.6")];
    let mut result = result(&pythons, &[]);
    let file = "example-1.0-cp39-abi3-linux_x86_64.whl";
    result.wheels = vec![TestedWheel { file: file.to_owned(), sha256: "0".repeat(64) }];
    result.formats.extend(Format::OF_WHEELS);
    for format in Format::OF_WHEELS {
        for name in ["small/codes", "small/scales", "int8"] {
            result.cases.push(StoredCase {
                name: name.to_owned(),
                group: format!("of the wheel, {format}"),
                descr: "'<f4'".to_owned(),
                shape: vec![3],
                fortran: false,
                only_in: Some(format),
            });
        }
    }
    let made = |python: &str, numpy: &str, state: CellState| {
        let cell = python_cell(python, numpy, state);
        let (name, wheel) = (format!("wheel-{}", cell.name), Some(file.to_owned()));
        CellResult { name, kind: CellKind::Wheel, wheel, ..cell }
    };
    let refused = "The wheel is compatible with CPython 3.9, but you're using CPython 3.8";
    let broken = "exchange.py cannot be imported: ImportError: no symbol";
    let cells = [
        made("3.8", "1.24.4", CellState::NotAvailable { reason: refused.to_owned() }),
        made("3.11.7", "1.24.4", CellState::Ran),
        made("3.11.7", "2.2.6", CellState::Ran),
        made("3.12.1", "2.2.6", CellState::BrokenEnvironment { reason: broken.to_owned() }),
        CellResult {
            name: "wheel-core".to_owned(),
            kind: CellKind::WheelCore,
            python: None,
            numpy: None,
            ..made("3.0", "0", CellState::Ran)
        },
    ];
    for writer in cells.iter().filter(|cell| cell.state == CellState::Ran) {
        for reader in cells.iter().filter(|cell| cell.state == CellState::Ran) {
            let formats = Format::OF_WHEELS.map(|format| FormatResult {
                format,
                compared: 3,
                problems: Vec::new(),
            });
            let (writer, reader) = (writer.name.clone(), reader.name.clone());
            result.pairs.push(PairResult {
                writer,
                reader,
                formats: formats.into(),
                pickles: None,
            });
        }
    }
    result.cells.extend(cells);
    for pair in &mut result.pairs {
        if pair.writer == "wheel-py3.11-numpy2.2.6" {
            pair.formats[0].problems.push(Problem {
                case: "small/codes".to_owned(),
                kind: ProblemKind::Differs,
                message: "element 1 of 3 is 2, not 1; 2 of 3 agree on that".to_owned(),
            });
        }
    }
    result
}

/// Every text that can come from outside is hostile.
pub(crate) fn hostile() -> MatrixResult {
    let mut result = small();
    result.cells[0].name = EVIL.to_owned();
    result.cells[0].python = Some(EVIL.to_owned());
    result.cells[0].numpy = Some(EVIL.to_owned());
    for pair in &mut result.pairs {
        for name in [&mut pair.writer, &mut pair.reader] {
            if name == "py3.11-numpy1.24.4" {
                *name = EVIL.to_owned();
            }
        }
        for format in &mut pair.formats {
            let kind = ProblemKind::Differs;
            format.problems =
                vec![Problem { case: EVIL.to_owned(), kind, message: EVIL.to_owned() }];
        }
        if let Some(pickles) = &mut pair.pickles {
            pickles.wrong.push(WrongPrediction {
                object: EVIL.to_owned(),
                protocol: 2,
                predicted: Expectation::Warns { message: EVIL.to_owned() },
                observed: MULTIARRAY,
            });
            pickles.observed.insert(EVIL.to_owned(), vec![MULTIARRAY; 4]);
        }
    }
    result.cases[0] = StoredCase {
        name: EVIL.to_owned(),
        group: EVIL.to_owned(),
        descr: EVIL.to_owned(),
        ..result.cases[0].clone()
    };
    result.wheels = vec![TestedWheel { file: EVIL.to_owned(), sha256: EVIL.to_owned() }];
    result.formats.push(Format::WheelRead);
    result.objects[1] = PickledObject { name: EVIL.to_owned(), summary: EVIL.to_owned() };
    result.observations[MULTIARRAY] = Observation::Fails { message: EVIL.to_owned() };
    for (name, state) in [
        ("gone", CellState::BrokenEnvironment { reason: EVIL.to_owned() }),
        (EVIL, CellState::NotAvailable { reason: EVIL.to_owned() }),
    ] {
        let cell = CellResult { name: format!("{EVIL} {name}"), state, ..result.cells[0].clone() };
        result.cells.push(cell);
    }
    result.tool = EVIL.to_owned();
    result.machine = MachineInfo { os: EVIL.to_owned(), arch: EVIL.to_owned() };
    result.started = EVIL.to_owned();
    result
}

/// Every pair that the cell reads fails in the same four arrays: what a patched reader looks like.
pub(crate) fn misread(result: &mut MatrixResult, reader: &str) {
    let cases: Vec<StoredCase> =
        result.cases.iter().filter(|case| case.group == "byte order").cloned().collect();
    for pair in result.pairs.iter_mut().filter(|pair| pair.reader == reader) {
        for format in &mut pair.formats {
            format.problems = cases
                .iter()
                .map(|case| Problem {
                    case: case.name.clone(),
                    kind: ProblemKind::Differs,
                    message: format!(
                        "dtype is {}, not {}",
                        case.descr.replace('>', "<"),
                        case.descr
                    ),
                })
                .collect();
        }
    }
}

/// Takes a cell out as a run does: without a corpus nobody reads it, and it reads nobody.
fn fail(result: &mut MatrixResult, name: &str, state: CellState) {
    let wrote = matches!(state, CellState::ReadingFailed { .. });
    result.pairs.retain(|pair| pair.reader != name && (wrote || pair.writer != name));
    let cell = result.cells.iter_mut().find(|cell| cell.name == name).unwrap();
    cell.state = state;
    cell.read_seconds = None;
}

fn pair_mut<'a>(result: &'a mut MatrixResult, writer: &str, reader: &str) -> &'a mut PairResult {
    let pairs = result.pairs.iter_mut();
    pairs.into_iter().find(|pair| pair.writer == writer && pair.reader == reader).unwrap()
}

fn result(pythons: &[(&str, &str)], missing: &[(&str, &str)]) -> MatrixResult {
    let mut cells: Vec<CellResult> =
        pythons.iter().map(|(python, numpy)| python_cell(python, numpy, CellState::Ran)).collect();
    cells.extend(missing.iter().map(|(python, numpy)| {
        let reason = format!("the index has no wheel of numpy {numpy} for CPython {python}");
        python_cell(python, numpy, CellState::NotAvailable { reason })
    }));
    cells.push(CellResult {
        name: "core".to_owned(),
        kind: CellKind::Core,
        python: None,
        numpy: None,
        core: Some("0.1.0".to_owned()),
        ..python_cell("3.0", "0", CellState::Ran)
    });
    let cases = cases();
    let mut pairs = Vec::new();
    for writer in cells.iter().filter(|cell| cell.state == CellState::Ran) {
        for reader in cells.iter().filter(|cell| cell.state == CellState::Ran) {
            let formats = Format::ALL.map(|format| FormatResult {
                format,
                compared: cases.len(),
                problems: Vec::new(),
            });
            pairs.push(PairResult {
                writer: writer.name.clone(),
                reader: reader.name.clone(),
                formats: formats.to_vec(),
                pickles: pickles(writer.numpy.as_deref(), reader.numpy.as_deref()),
            });
        }
    }
    MatrixResult {
        schema: RESULT_SCHEMA.to_owned(),
        tool: "truewheel 0.1.0".to_owned(),
        machine: MachineInfo { os: "linux".to_owned(), arch: "x86_64".to_owned() },
        started: "2027-01-31T12:00:00Z".to_owned(),
        seconds: 192.4,
        shard: None,
        wheels: Vec::new(),
        formats: Format::ALL.to_vec(),
        cases,
        objects: OBJECTS
            .map(|(name, summary)| PickledObject {
                name: name.to_owned(),
                summary: summary.to_owned(),
            })
            .to_vec(),
        protocols: vec![2, 3, 4, 5],
        observations: observations(),
        cells,
        pairs,
    }
}

fn python_cell(python: &str, numpy: &str, state: CellState) -> CellResult {
    let minor: Vec<&str> = python.split('.').take(2).collect();
    CellResult {
        name: format!("py{}-numpy{numpy}", minor.join(".")),
        kind: CellKind::Cpython,
        python: Some(python.to_owned()),
        numpy: Some(numpy.to_owned()),
        core: None,
        wheel: None,
        pyodide: None,
        writes: true,
        reads: true,
        left_out: Vec::new(),
        remarks: Vec::new(),
        write_seconds: (state == CellState::Ran).then_some(0.4),
        read_seconds: (state == CellState::Ran).then_some(3.5),
        state,
    }
}

fn cases() -> Vec<StoredCase> {
    let mut cases = Vec::new();
    for (group, members) in GROUPS {
        for (name, descr) in members {
            let shape = match *name {
                "0-d" => vec![],
                "empty" => vec![0],
                "no rows" => vec![0, 4],
                "one element" => vec![1],
                "five dimensions" => vec![2, 1, 3, 1, 2],
                _ => vec![3, 4],
            };
            cases.push(StoredCase {
                name: (*name).to_owned(),
                group: group.to_owned(),
                descr: (*descr).to_owned(),
                shape,
                fortran: *name == "Fortran order",
                only_in: None,
            });
        }
    }
    cases
}

fn observations() -> Vec<Observation> {
    let fails = |message: &str| Observation::Fails { message: message.to_owned() };
    vec![
        Observation::Loads,
        fails("ModuleNotFoundError: No module named 'numpy._core'"),
        fails("ModuleNotFoundError: No module named 'numpy._core.numeric'"),
        fails("ModuleNotFoundError: No module named 'numpy.rec'"),
        fails("ValueError: incorrect value for flags variable (overflow)"),
        Observation::NotWritten { reason: "this numpy has no StringDType".to_owned() },
        Observation::Warns {
            message: "DeprecationWarning: numpy.core.numeric is deprecated".to_owned(),
        },
    ]
}

fn pickles(writer: Option<&str>, reader: Option<&str>) -> Option<PickleResult> {
    let generation = |numpy: &str| match numpy {
        new if new.starts_with('2') => 2,
        "1.26.4" => 1,
        _ => 0,
    };
    let (writer, reader) = (generation(writer?), generation(reader?));
    let observe = |object: &str, protocol: u8| match (object, writer, reader) {
        ("string-array", 0 | 1, _) => NO_STRINGS,
        ("masked-array" | "dtype", ..) | (_, 2, 2) | (_, 0 | 1, 0 | 1) => 0,
        ("array" | "fortran-array", 0 | 1, 2) if protocol == 5 => DEPRECATED,
        (_, 2, 0) => MULTIARRAY,
        ("array" | "fortran-array", 2, 1) if protocol == 5 => NUMERIC,
        ("recarray", 2, 1) => REC,
        ("aligned-record", 2, 1) if protocol < 5 => FLAGS,
        _ => 0,
    };
    let observed: BTreeMap<String, Vec<usize>> = OBJECTS
        .iter()
        .map(|(name, _)| ((*name).to_owned(), (2..=5).map(|p| observe(name, p)).collect()))
        .collect();
    Some(PickleResult { observed, wrong: Vec::new() })
}
