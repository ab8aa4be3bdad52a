//! The files of the project's compiled module, and which of the names that sources and stub have
//! are in their bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use artifacts::WantedName;
use host::{Host, HostPath, ReadError, Seen};

use super::cache::Cache;
use super::stub;
use crate::{BuiltModule, EnvironmentFacts, ProjectFacts, SourceTree};

/// The largest module that is read.
const MODULE_LIMIT: u64 = 512 << 20;

/// Files looked at, at most.
const FILE_LIMIT: usize = 50;

/// Completes what is known of the project by what its compiled modules hold.
pub(super) fn gather(
    host: &Host,
    project: &mut ProjectFacts,
    environments: &[EnvironmentFacts],
    tree: &SourceTree,
    cache: &Cache,
) {
    if project.declared.is_none() {
        return;
    }
    let names = import_names(project);
    let Some(first) = names.first() else { return };
    let directories = source_directories(project);
    project.stub = stub::gather(host, &directories, first);
    let wanted = wanted(project);
    let files = files(&names, project, environments, tree);
    let built = host::in_parallel(files, |file| look(host, file, &wanted, cache));
    project.built = built.into_iter().flatten().collect();
}

/// The names by which the module may be imported: the one that the configuration states, else that
/// of the library, in a package of that name if there is one.
fn import_names(project: &ProjectFacts) -> Vec<String> {
    let maturin = project.pyproject.get().and_then(|pyproject| pyproject.maturin.as_ref());
    if let Some(name) = maturin.and_then(|maturin| maturin.module_name.as_ref()) {
        return vec![name.clone()];
    }
    project.maturin_crate().map_or_else(Vec::new, |manifest| {
        let name = &manifest.lib_name;
        vec![format!("{name}.{name}"), name.clone()]
    })
}

/// Directories in which the project's Python packages and stubs may lie.
fn source_directories(project: &ProjectFacts) -> Vec<PathBuf> {
    let maturin = project.pyproject.get().and_then(|pyproject| pyproject.maturin.as_ref());
    let named = maturin.and_then(|maturin| maturin.python_source.as_deref());
    // Without the `.` of `python-source = "."`, which would stand in every path below.
    let below = |name: &str| project.root.join(name).components().collect::<PathBuf>();
    let mut directories = vec![below(named.unwrap_or("."))];
    directories.extend(["python", "src", "."].map(below));
    directories
}

/// The names to look for, and whether each is one that C reads.
fn wanted(project: &ProjectFacts) -> BTreeMap<&str, bool> {
    let mut wanted = BTreeMap::new();
    for name in project.declared.iter().flat_map(|declared| &declared.names) {
        *wanted.entry(name.name.as_str()).or_insert(true) &= name.kind.is_c_string();
    }
    for name in project.stub.get().iter().flat_map(|stub| &stub.names) {
        // A name that only the stub has may have come into the module in any way.
        wanted.entry(name.name.as_str()).or_insert(false);
    }
    wanted
}

fn files(
    names: &[String],
    project: &ProjectFacts,
    environments: &[EnvironmentFacts],
    tree: &SourceTree,
) -> BTreeSet<HostPath> {
    let own = project.pyproject.get().and_then(|pyproject| pyproject.name.as_ref());
    let installed =
        environments.iter().flat_map(|environment| &environment.modules).filter(|one| {
            names.contains(&one.import_name)
                && (one.package.is_none() || one.package.as_ref() == own)
        });
    let stem = names[0].rsplit('.').next().unwrap_or_default();
    let sources = tree.extension_modules.iter().map(|module| &module.path).filter(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.split('.').next() == Some(stem)
    });
    installed.map(|one| &one.path).chain(sources).take(FILE_LIMIT).cloned().collect()
}

fn look(
    host: &Host,
    file: HostPath,
    wanted: &BTreeMap<&str, bool>,
    cache: &Cache,
) -> Option<BuiltModule> {
    let metadata = host.metadata(&file).ok()?;
    let names: Vec<WantedName<'_>> = wanted
        .iter()
        .map(|(name, is_c_string)| WantedName { name, is_c_string: *is_c_string })
        .collect();
    let lacks = cache.names(&metadata, &names, || match host.read(&file, MODULE_LIMIT) {
        Ok(bytes) => {
            let found = artifacts::names_in(&bytes, &names);
            let lacks = names.iter().zip(found).filter(|(_, is_here)| !is_here);
            Seen::Seen(lacks.map(|(name, _)| name.name.to_owned()).collect())
        }
        Err(error) => Seen::Broken(ReadError::reason(&error)),
    });
    let (path, modified_ns) = (file, metadata.modified_ns);
    Some(BuiltModule { path, modified_ns, lacks, imported: Vec::new() })
}
