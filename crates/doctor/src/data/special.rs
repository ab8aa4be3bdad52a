//! Files that are not data but carry the same questions: native modules and wheels, which fit some
//! Pythons and numpys and not others, and Python sources that pickle what they exchange.

use std::path::Path;

use artifacts::{DataFacts, DataFormat, DataOptions, NativeModule, wheel::Wheel};
use host::{Host, HostPath};
use pep440_rs::Version;
use report::{Finding, Fix, Safety, Severity, Subject, SubjectKind};
use serde::Serialize;

use super::findings::named;
use crate::checks::numpy_mismatch;
use crate::{DataCall, DataCallKind, gather};

/// The largest module or wheel that is looked into.
const SIZE_LIMIT: u64 = 1 << 30;

/// The longest source.
const SOURCE_LIMIT: u64 = 4 << 20;

/// Bytes of a member of a wheel that are looked into.
const MEMBER_LIMIT: u64 = 256 << 20;

/// A Python on this machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Python {
    /// Its prefix.
    pub prefix: HostPath,
    /// Its version.
    pub version: Option<Version>,
    /// The ends of the names of modules that it imports, in its order.
    pub suffixes: Vec<String>,
    /// Whether it runs without the global lock.
    pub free_threaded: bool,
    /// Its numpy.
    pub numpy: Option<Version>,
}

/// What a native module says of itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Module {
    /// Its name in a wheel.
    pub name: Option<String>,
    /// The end of its name, which says for which Pythons it is.
    pub suffix: String,
    /// `ELF`, `Mach-O` or `PE`.
    pub object_format: &'static str,
    /// The processors that it is for.
    pub architectures: Vec<String>,
    /// The names that Python can import it by.
    pub init_functions: Vec<String>,
    /// Which numpy it was compiled for, in words; nothing where it does not use numpy's C interface.
    pub numpy: Option<String>,
    /// What each of the Pythons would make of it, in their order: nothing where it can import it,
    /// otherwise why not.
    pub here: Vec<Option<String>>,
}

/// What a file is besides data.
#[derive(Debug, Clone, PartialEq)]
pub enum Special {
    /// A native module.
    Module(Module),
    /// A wheel.
    Wheel {
        /// The tags of its name.
        tags: Vec<String>,
        /// Its native modules.
        modules: Vec<Module>,
        /// What each of the Pythons would make of its tags.
        here: Vec<Option<String>>,
    },
    /// A Python source, with what it does with pickles.
    Source(Vec<DataCall>),
}

/// What was seen of such a file.
pub(super) struct Looked {
    pub(super) facts: DataFacts,
    pub(super) special: Option<Special>,
    pub(super) untold: Vec<String>,
    pub(super) findings: Vec<Finding>,
}

/// Looks into a module, a wheel or a source; nothing for any other file.
pub(super) fn look(
    host: &Host,
    path: &Path,
    extension: &str,
    pythons: &[Python],
    subject: &Subject,
) -> Option<Result<Looked, String>> {
    let looked = match extension {
        "py" | "pyi" | "pyw" => source(host, path, subject),
        "so" | "pyd" | "dylib" => module_file(host, path, pythons, subject),
        "whl" => wheel(host, path, pythons, subject),
        _ => return None,
    };
    Some(looked)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn source(host: &Host, path: &Path, subject: &Subject) -> Result<Looked, String> {
    let bytes = host.read(path, SOURCE_LIMIT).map_err(|error| error.reason())?;
    let calls = gather::calls_of_source(path, &bytes);
    let mut findings = Vec::new();
    for call in &calls {
        let (severity, what, fix) = match call.kind {
            DataCallKind::UnpicklesOutput => (
                Severity::Warning,
                "unpickles what another process has written",
                Fix::new(Safety::Manual, "send arrays as .npz")
                    .by_hand("write: `np.savez(sys.stdout.buffer, x=x)`, or into an io.BytesIO")
                    .by_hand("read: `np.load(io.BytesIO(data), allow_pickle=False)[\"x\"]`"),
            ),
            DataCallKind::AllowsPickle => (
                Severity::Info,
                "lets numpy unpickle (allow_pickle=True)",
                Fix::new(Safety::Manual, "store typed arrays, and leave the flag out"),
            ),
            DataCallKind::LoadsNpy => continue,
        };
        // Whoever starts itself has the same numpy on both sides.
        let severity = if call.starts_itself { Severity::Info } else { severity };
        let subject = Subject::new(SubjectKind::File, subject.label.clone());
        let finding = Finding::new(severity, subject, format!("line {} {what}", call.line))
            .seen_at(format!("{}:{}", path.display(), call.line), call.text.clone())
            .cause(
                "A pickle fits the numpy and the Python that wrote it, and runs whatever it says",
            )
            .fix(fix);
        findings.push(named("DAT007", finding));
    }
    let facts = DataFacts::new(DataFormat::Source, bytes.len() as u64);
    let special = (!calls.is_empty()).then_some(Special::Source(calls));
    Ok(Looked { facts, special, untold: Vec::new(), findings })
}

fn module_file(
    host: &Host,
    path: &Path,
    pythons: &[Python],
    subject: &Subject,
) -> Result<Looked, String> {
    let bytes = host.read(path, SIZE_LIMIT).map_err(|error| error.reason())?;
    let mut facts = DataFacts::new(DataFormat::Module, bytes.len() as u64);
    let name = file_name(path);
    let native = match artifacts::inspect(&bytes) {
        Ok(native) => native,
        Err(error) => {
            facts.damaged(error.to_string());
            let finding = Finding::new(Severity::Error, subject.clone(), error.to_string())
                .cause("The build or the copy was interrupted, or it is no module at all")
                .fix(Fix::new(Safety::Manual, "build or install it again"));
            let findings = vec![named("DAT005", finding)];
            return Ok(Looked { facts, special: None, untold: Vec::new(), findings });
        }
    };
    let module = module(None, &name, &native, pythons);
    let findings = mismatch(&native, &name, pythons, subject).into_iter().collect();
    let special = Some(Special::Module(module));
    Ok(Looked { facts, special, untold: Vec::new(), findings })
}

fn module(name: Option<&str>, file: &str, native: &NativeModule, pythons: &[Python]) -> Module {
    Module {
        name: name.map(ToOwned::to_owned),
        suffix: suffix(file).to_owned(),
        object_format: native.format.name(),
        architectures: native.architectures.clone(),
        init_functions: native.init_functions.clone(),
        numpy: numpy_of(native),
        here: pythons.iter().map(|python| refusal(python, file, native).err()).collect(),
    }
}

fn suffix(file: &str) -> &str {
    file.find('.').map_or("", |dot| &file[dot..])
}

/// Which numpy a module was compiled for.
fn numpy_of(native: &NativeModule) -> Option<String> {
    let uses = native.numpy;
    if let Some((major, minor)) = uses.oldest_numpy {
        return Some(format!("numpy {major}.{minor} and newer, 2 included"));
    }
    if !uses.mentions_c_api && !uses.imports_c_api {
        return None;
    }
    Some(match (uses.mentions_core, uses.mentions_underscore_core) {
        (_, true) => "numpy 1 and 2".to_owned(),
        (true, false) if uses.checks_type_sizes || uses.imports_c_api => "numpy 1 alone".to_owned(),
        _ => "numpy, and for which cannot be told".to_owned(),
    })
}

/// Why a Python would not import a module.
fn refusal(python: &Python, file: &str, native: &NativeModule) -> Result<(), String> {
    let suffix = suffix(file);
    if !python.suffixes.iter().any(|known| known == suffix) {
        return Err(format!("it imports no file that ends in {suffix}"));
    }
    if python.free_threaded && suffix.starts_with(".abi3") {
        return Err("it runs without the global lock, where abi3 is not supported".to_owned());
    }
    if let Some(numpy) = &python.numpy
        && let Some(says) = numpy_mismatch(native, numpy)
    {
        return Err(format!("with numpy {numpy}: {says}"));
    }
    Ok(())
}

/// That a Python here would take the module for its own, and fail for its numpy.
fn mismatch(
    native: &NativeModule,
    file: &str,
    pythons: &[Python],
    subject: &Subject,
) -> Option<Finding> {
    let failing: Vec<(&Python, String)> = pythons
        .iter()
        .filter(|python| python.suffixes.iter().any(|known| known == suffix(file)))
        .filter_map(|python| {
            let says = numpy_mismatch(native, python.numpy.as_ref()?)?;
            Some((python, says))
        })
        .collect();
    let (first, says) = failing.first()?;
    let numpy = first.numpy.as_ref().map(ToString::to_string).unwrap_or_default();
    let message = format!("{file} cannot be imported at {} with numpy {numpy}", first.prefix);
    let mut finding = Finding::new(Severity::Warning, subject.clone(), message)
        .seen(says.clone())
        .cause("It was compiled for another numpy than the one that it meets")
        .fix(Fix::new(Safety::Manual, "install a build of it that is made for both numpys"));
    for (python, says) in failing.iter().take(5) {
        finding = finding.seen_at(&python.prefix, says.clone());
    }
    Some(named("NPY001", finding))
}

fn wheel(
    host: &Host,
    path: &Path,
    pythons: &[Python],
    subject: &Subject,
) -> Result<Looked, String> {
    let bytes = host.read(path, SIZE_LIMIT).map_err(|error| error.reason())?;
    let mut facts = DataFacts::new(DataFormat::Wheel, bytes.len() as u64);
    let mut findings = Vec::new();
    let mut untold = Vec::new();
    let wheel = match Wheel::open(&file_name(path), bytes) {
        Ok(wheel) => wheel,
        Err(error) => {
            facts.damaged(error.to_string());
            let finding = Finding::new(Severity::Error, subject.clone(), error.to_string())
                .cause("The wheel is damaged, renamed, or made to look like another one")
                .fix(Fix::new(Safety::Manual, "fetch or build it again; do not install it"));
            findings.push(named("DAT005", finding));
            return Ok(Looked { facts, special: None, untold, findings });
        }
    };
    let mut modules = Vec::new();
    for entry in &wheel.entries {
        let end = entry.name.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase());
        let end = end.unwrap_or_default();
        let is_module = matches!(end.as_str(), "so" | "pyd");
        let is_data = super::EXTENSIONS.contains(&end.as_str()) || is_more_data(&end);
        if !is_module && !is_data {
            continue;
        }
        if entry.size > MEMBER_LIMIT {
            untold.push(format!("{} in it is larger than what is looked at", entry.name));
            continue;
        }
        let data = match wheel.read(entry) {
            Ok(data) => data,
            Err(error) => {
                facts.damaged(error.to_string());
                let finding = Finding::new(Severity::Error, subject.clone(), error.to_string())
                    .cause("The wheel is damaged")
                    .fix(Fix::new(Safety::Manual, "fetch or build it again"));
                findings.push(named("DAT005", finding));
                continue;
            }
        };
        if is_module {
            let file = entry.name.rsplit('/').next().unwrap_or_default();
            match artifacts::inspect(&data) {
                Ok(native) => {
                    findings.extend(mismatch(&native, file, pythons, subject));
                    modules.push(module(Some(&entry.name), file, &native, pythons));
                }
                Err(error) => untold.push(format!("{} in it: {error}", entry.name)),
            }
            continue;
        }
        let options = DataOptions { member_bytes: 16 << 20, ..DataOptions::thorough(&end, false) };
        let inner = artifacts::inspect_data(&data.as_slice(), &options);
        facts.take_in(&entry.name, inner);
    }
    let (tags, here) = match &wheel.name {
        Ok(name) => {
            (name.tags(), pythons.iter().map(|python| tags_refused(python, name, host)).collect())
        }
        Err(error) => {
            untold.push(format!("its name says nothing of whom it is for: {error}"));
            (Vec::new(), Vec::new())
        }
    };
    Ok(Looked { facts, special: Some(Special::Wheel { tags, modules, here }), untold, findings })
}

/// The ends of further data files' names.
pub(super) fn is_more_data(end: &str) -> bool {
    matches!(end, "p" | "pk" | "joblib" | "pt" | "pth" | "ckpt" | "dill")
}

/// Why a Python cannot install a wheel, by its tags.
fn tags_refused(
    python: &Python,
    name: &artifacts::wheel::WheelName,
    host: &Host,
) -> Option<String> {
    let version = python.version.as_ref()?;
    let [major, minor] = numpy_rules::minor(version);
    let own = format!("cp{major}{minor}");
    let is_older = |tag: &str, start: &str| {
        let digits = tag.strip_prefix(start).and_then(|digits| digits.strip_prefix('3'));
        major == 3
            && digits.is_some_and(|d| d.is_empty() || d.parse().is_ok_and(|m: u64| m <= minor))
    };
    let fits = |tag: &String, abi: &String| match abi.as_str() {
        "none" => is_older(tag, "py") || *tag == own,
        "abi3" => is_older(tag, "cp") && !python.free_threaded,
        abi => {
            let letters = abi.strip_prefix(&own);
            let is_own = letters.is_some_and(|rest| {
                matches!((rest, python.free_threaded), ("t", true) | ("" | "m", false))
            });
            *tag == own && is_own
        }
    };
    if !name.python.iter().any(|tag| name.abi.iter().any(|abi| fits(tag, abi))) {
        let (pythons, abis) = (name.python.join("."), name.abi.join("."));
        return Some(format!("the wheel is for {pythons}-{abis}"));
    }
    let system = match host.os.name() {
        "macos" => "macosx",
        "windows" => "win",
        _ => "linux",
    };
    let runs = |tag: &String| {
        tag == "any" || tag.starts_with(system) || (system == "linux" && tag.contains("linux"))
    };
    let is_here = name.platform.iter().any(runs);
    (!is_here).then(|| format!("the wheel is for {}", name.platform.join(".")))
}
