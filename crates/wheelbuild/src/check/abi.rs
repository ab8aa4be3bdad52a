//! Whether the modules fit the Pythons that the tags promise.

use artifacts::ObjectFormat;
use artifacts::wheel::{Wheel, WheelName};

use super::facts::{Facts, Module};
use super::suffix::{self, Suffix};
use super::{Problem, tables};

pub(super) fn check(wheel: &Wheel, facts: &Facts, problems: &mut Vec<Problem>) {
    let Ok(name) = &wheel.name else { return };
    for module in &facts.modules {
        search_paths(module, problems);
        libpython(module, problems);
        if suffix::of_file(module.file_name()).is_some() {
            importable(module, name, problems);
        }
    }
    if name.abi.iter().any(|abi| abi == "abi3") {
        // Of several tags, the oldest Python is promised too.
        let oldest = name.python.iter().filter_map(|tag| suffix::python_of_tag(tag)).min();
        for module in facts.modules.iter().filter(|module| module.is_extension()) {
            stable_abi(module, oldest, problems);
        }
    }
}

/// Directories of the machine that it was built on.
fn search_paths(module: &Module, problems: &mut Vec<Problem>) {
    let relative = ["$ORIGIN", "${ORIGIN}", "@loader_path", "@executable_path", "@rpath"];
    let absolute: Vec<String> = module
        .native
        .search_paths
        .iter()
        .filter(|path| !relative.iter().any(|start| path.starts_with(start)))
        .cloned()
        .collect();
    if !absolute.is_empty() {
        problems.push(
            Problem::warning("search-path-of-build-machine", &module.name)
                .seen_all(absolute)
                .because(
                    "libraries are looked for there first on every machine, where somebody else may \
                     have put them",
                )
                .cure("leave `-rpath` out of the link arguments, or use $ORIGIN or @loader_path"),
        );
    }
}

fn libpython(module: &Module, problems: &mut Vec<Problem>) {
    let Some(library) = &module.native.libpython else { return };
    // A program that embeds Python needs it, and on Windows every module does.
    if module.native.format != ObjectFormat::Pe && module.is_extension() {
        problems.push(
            Problem::error("libpython-linked", &module.name)
                .seen(format!("it needs {library}"))
                .because("most Pythons have no such file, and where there is one a second Python is loaded")
                .cure("build with PyO3's feature `extension-module`, or with maturin, which sets it"),
        );
    }
}

/// Whether Python finds the module, and its init function in it.
fn importable(module: &Module, name: &WheelName, problems: &mut Vec<Problem>) {
    let Some((stem, suffix)) = suffix::of_file(module.file_name()) else { return };
    let is_tagged = !matches!(suffix, Suffix::Plain) || module.name.ends_with(".pyd");
    // A name that is not ASCII is looked for in another form (PEP 489).
    if is_tagged && stem.is_ascii() && !module.native.init_functions.iter().any(|own| own == stem) {
        let has = match module.native.init_functions.as_slice() {
            [] => "it exports no init function".to_owned(),
            own => format!("it exports PyInit_{}", own.join(", PyInit_")),
        };
        problems.push(
            Problem::error("init-function-missing", &module.name)
                .seen(format!("{has}, and Python looks for PyInit_{stem}"))
                .because("the file has another name than the module in the code")
                .cure("give `#[pymodule]` the name of the file, or set `module-name` in `[tool.maturin]`"),
        );
    }
    let problem = |evidence: String| {
        Problem::error("suffix-contradicts-tag", &module.name)
            .seen(evidence)
            .because(
                "Python imports only files whose suffix it knows, so the module is never found",
            )
            .cure("build the wheel with the Python that the tag names, or with its ABI")
    };
    let is_abi3 = name.abi.iter().any(|abi| abi == "abi3");
    match &suffix {
        Suffix::CPython { version, platform } => {
            let promised: Vec<&str> =
                name.abi.iter().filter_map(|abi| abi.strip_prefix("cp")).collect();
            if is_abi3 {
                problems.push(problem(format!(
                    "it is for CPython {version} alone, and the tag abi3 promises every later one"
                )));
            } else if !promised.is_empty() && !promised.contains(&version.as_str()) {
                problems.push(problem(format!(
                    "it is for cp{version}, and the wheel for cp{}",
                    promised.join(", cp")
                )));
            }
            let machines = ["x86_64", "aarch64", "i386", "powerpc64le", "s390x", "riscv64"];
            let told = machines.iter().find(|machine| platform.starts_with(**machine));
            let own = &module.native.architectures;
            let is_same =
                |told: &str| own.iter().any(|own| own == told || (told == "i386" && own == "i686"));
            if let Some(told) = told.filter(|told| !is_same(told)) {
                problems.push(problem(format!(
                    "its suffix says {told}, and it is for {}",
                    own.join(", ")
                )));
            }
        }
        Suffix::Abi3 => {
            if let Some(threaded) = name.abi.iter().find(|abi| abi.ends_with('t')) {
                problems.push(problem(format!(
                    "interpreters without the global lock ({threaded}) cannot use the ABI of .abi3.so"
                )));
            }
        }
        Suffix::Other | Suffix::Plain => {}
    }
}

/// Symbols that a later or an earlier Python may not have.
fn stable_abi(module: &Module, oldest: Option<(u32, u32)>, problems: &mut Vec<Problem>) {
    let (mut unstable, mut private, mut newer) = (Vec::new(), Vec::new(), Vec::new());
    let floor = oldest.unwrap_or((3, 2));
    for symbol in &module.imports {
        match tables::stable_since(symbol) {
            Some(since) if since > floor => {
                newer.push(format!("{symbol}, since {}.{}", since.0, since.1));
            }
            Some(_) => {}
            None if symbol.starts_with('_') => private.push(symbol.clone()),
            None => unstable.push(symbol.clone()),
        }
    }
    let mut report = |name, evidence: Vec<String>, cause: String, cure: &str| {
        if !evidence.is_empty() {
            let problem = Problem::error(name, &module.name);
            problems.push(problem.seen_all(evidence).because(cause).cure(cure));
        }
    };
    report(
        "abi3-symbol-too-new",
        newer,
        format!("the tag promises CPython {}.{}, which does not have them", floor.0, floor.1),
        "enable the PyO3 feature of the oldest Python (`abi3-py310`), and build with the tag it gives",
    );
    report(
        "abi3-private-symbol",
        private,
        "they are private to CPython, and change without notice".to_owned(),
        "build without the crate or C code that uses them, or without abi3",
    );
    report(
        "abi3-unstable-symbol",
        unstable,
        "they are not in the stable ABI, so that a later CPython may lack or change them"
            .to_owned(),
        "define `Py_LIMITED_API` for C code and an `abi3-py3*` feature for PyO3, or build without abi3",
    );
    // On Windows the stable ABI is in a library of its own.
    if let Some(library) = &module.native.libpython
        && module.native.format == ObjectFormat::Pe
        && !matches!(library.to_ascii_lowercase().as_str(), "python3.dll" | "python3t.dll")
    {
        problems.push(
            Problem::error("abi3-linked-to-one-python", &module.name)
                .seen(format!("it needs {library}, not python3.dll"))
                .because("it was linked to the library of one version of Python")
                .cure("build with an `abi3-py3*` feature of PyO3, which links python3.dll"),
        );
    }
}
