//! What the sources of the crate that maturin builds declare for Python: the classes, methods and
//! functions of every source that belongs to the library, found by following `mod`.

mod attributes;
mod exports;
mod grammar;
#[cfg(test)]
mod tests;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use host::{FileKind, Host};

use super::path;
use crate::{CrateManifest, DeclaredKind, DeclaredName, DeclaredNames, DependencyKind, SourceTime};

/// Sources that are followed at most, and the longest one that is read.
const FILE_LIMIT: usize = 3_000;
const SOURCE_LIMIT: u64 = 2 << 20;

/// Names kept at most.
const NAME_LIMIT: usize = 20_000;

/// Reasons kept at most.
const SHOWN: usize = 20;

/// Depth to which the sources of other crates are looked at.
const DEPTH: usize = 12;

/// A source that is to be read.
struct Pending {
    file: PathBuf,
    /// Directory of the modules that it names.
    modules: PathBuf,
    conditions: Vec<String>,
}

/// A source that was read.
struct Read {
    pending: Pending,
    source: Result<grammar::Source, String>,
}

/// Follows the sources of a crate; `crates` are those of its workspace.
pub(super) fn gather(
    host: &Host,
    manifest: &CrateManifest,
    crates: &[CrateManifest],
) -> Option<DeclaredNames> {
    let library = manifest.library.as_ref()?;
    let read = follow(host, library.as_path());
    let mut found = DeclaredNames::default();
    let mut exported: BTreeSet<&str> = BTreeSet::new();
    let mut classes: BTreeMap<&str, &str> = BTreeMap::new();
    for one in &read {
        match &one.source {
            Ok(source) => {
                // A source that is compiled on a condition exports on that condition.
                if one.pending.conditions.is_empty() {
                    exported.extend(source.exports.items.iter().map(String::as_str));
                }
                found.added.extend(source.exports.added.iter().cloned());
                for declared in &source.declared {
                    if declared.kind == DeclaredKind::Class {
                        classes.insert(&declared.item, &declared.name);
                    }
                }
            }
            Err(reason) if found.unreadable.len() < SHOWN => {
                found.unreadable.push((path(&one.pending.file), reason.clone()));
            }
            Err(_) => {}
        }
    }
    for one in &read {
        let Ok(source) = &one.source else { continue };
        for declared in &source.declared {
            let is_member = matches!(declared.kind, DeclaredKind::Method | DeclaredKind::Attribute);
            let class = is_member.then(|| {
                classes.get(declared.item.as_str()).copied().unwrap_or(&declared.item).to_owned()
            });
            found.names.push(DeclaredName {
                kind: declared.kind,
                name: declared.name.clone(),
                class,
                is_exported: exported.contains(declared.item.as_str()),
                conditions: [one.pending.conditions.as_slice(), &declared.conditions].concat(),
                file: path(&one.pending.file),
                line: declared.line,
            });
        }
    }
    // Names of one line stay in their order.
    found.names.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    found.names.truncate(NAME_LIMIT);
    found.added.sort();
    found.added.dedup();
    let mut files = vec![manifest.path.to_path_buf()];
    files.extend(manifest.path.parent().map(|directory| directory.join("build.rs")));
    let is_tests = |pending: &Pending| pending.conditions.iter().any(|one| one == "test");
    files.extend(read.iter().filter(|one| !is_tests(&one.pending)).map(|r| r.pending.file.clone()));
    files.extend(sources_of_others(host, manifest, crates));
    found.newest = newest(host, files);
    Some(found)
}

/// The library's sources, level by level.
fn follow(host: &Host, library: &Path) -> Vec<Read> {
    let mut all: Vec<Read> = Vec::new();
    let mut seen: BTreeSet<PathBuf> = BTreeSet::new();
    let mut level = vec![Pending {
        file: library.to_path_buf(),
        modules: library.parent().unwrap_or(library).to_path_buf(),
        conditions: Vec::new(),
    }];
    while !level.is_empty() {
        level.retain(|pending| seen.insert(pending.file.clone()));
        level.truncate(FILE_LIMIT.saturating_sub(all.len()));
        let read: Vec<Read> = host::in_parallel(level, |pending| {
            let text = host.read_text(&pending.file, SOURCE_LIMIT);
            let source = text.map_err(|e| e.reason()).and_then(|text| grammar::read(&text));
            Read { pending, source }
        });
        level = read
            .iter()
            .filter_map(|one| Some((one, one.source.as_ref().ok()?)))
            .flat_map(|(one, source)| {
                source.modules.iter().map(|module| next(host, &one.pending, module))
            })
            .collect();
        all.extend(read);
    }
    all
}

/// The file of a module that `from` names.
fn next(host: &Host, from: &Pending, module: &grammar::Module) -> Pending {
    let inside: PathBuf = module.inside.iter().collect();
    let directory = from.modules.join(inside);
    let plain = directory.join(format!("{}.rs", module.name));
    let (file, modules) = match &module.path {
        Some(named) => {
            let base = if module.inside.is_empty() {
                from.file.parent().unwrap_or(&from.file).to_path_buf()
            } else {
                directory.clone()
            };
            let file = host.absolute(&base.join(named));
            let modules = file.parent().unwrap_or(&file).to_path_buf();
            (file, modules)
        }
        None if host.is_file(&plain) => (plain, directory.join(&module.name)),
        None => {
            let own = directory.join(&module.name);
            (own.join("mod.rs"), own)
        }
    };
    let conditions = [from.conditions.as_slice(), &module.conditions].concat();
    Pending { file, modules, conditions }
}

/// Manifests and sources of the workspace's crates that a crate is made of.
fn sources_of_others(
    host: &Host,
    manifest: &CrateManifest,
    crates: &[CrateManifest],
) -> Vec<PathBuf> {
    let mut reached: BTreeSet<PathBuf> = BTreeSet::new();
    let mut pending = vec![manifest];
    let mut files = Vec::new();
    while let Some(one) = pending.pop() {
        for dependency in &one.dependencies {
            let location = dependency.location.as_deref().and_then(|l| l.strip_prefix("path:"));
            let Some(directory) = location.map(PathBuf::from) else { continue };
            if dependency.kind == DependencyKind::Dev || !reached.insert(directory.clone()) {
                continue;
            }
            let Some(other) = crates.iter().find(|c| c.path.parent() == Some(&directory)) else {
                continue;
            };
            files.push(other.path.to_path_buf());
            if let Some(source) = other.library.as_ref().and_then(|library| library.parent()) {
                walk(host, source, 0, &mut files);
            }
            pending.push(other);
        }
    }
    files
}

/// The `.rs` files of a library, those of programs beside it left out.
fn walk(host: &Host, directory: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    if depth > DEPTH || files.len() >= FILE_LIMIT {
        return;
    }
    for entry in host.list(directory, FILE_LIMIT).unwrap_or_default() {
        let is_source = Path::new(&entry.name).extension().is_some_and(|end| end == "rs");
        let is_test = matches!(entry.name_text(), Some("tests.rs" | "tests" | "main.rs" | "bin"));
        match entry.kind {
            FileKind::File if is_source && !is_test => files.push(directory.join(&entry.name)),
            FileKind::Directory if entry.name != "target" && !is_test => {
                walk(host, &directory.join(&entry.name), depth + 1, files);
            }
            _ => {}
        }
    }
}

fn newest(host: &Host, files: Vec<PathBuf>) -> Option<SourceTime> {
    let times = host::in_parallel(files, |file| {
        let metadata = host.metadata(&file).ok()?;
        Some(SourceTime { path: path(file), modified_ns: metadata.modified_ns })
    });
    times.into_iter().flatten().max_by_key(|source| source.modified_ns)
}
