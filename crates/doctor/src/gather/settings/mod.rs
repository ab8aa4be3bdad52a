//! What variables and configuration files tell the tools to do, and whether what they name is
//! there. The files themselves are read by the gathering of the project; here the answers are put
//! together as cargo, pip and maturin do it.

mod crates;
mod pip;

use std::path::{Path, PathBuf};

use host::{Host, HostPath};

use super::path;
use crate::{EnvironmentFacts, GoneCheckout, NamedPath, ProjectFacts, SettingsFacts};

/// Variables that name a file or a directory which the tool cannot do without.
const FILES: [&str; 6] = [
    "CARGO_HTTP_CAINFO",
    "CURL_CA_BUNDLE",
    "PIP_CERT",
    "PYO3_CONFIG_FILE",
    "PYO3_CROSS_LIB_DIR",
    "REQUESTS_CA_BUNDLE",
];

/// Longest `.python-version` that is read.
const PIN_LIMIT: u64 = 64 << 10;

pub(super) fn gather(
    host: &Host,
    directory: &Path,
    project: &ProjectFacts,
    environments: &[EnvironmentFacts],
) -> SettingsFacts {
    let offline = crates::offline(host, project);
    let vendored = crates::vendored(host, project);
    let needs_network = offline.is_some() && vendored.is_none();
    SettingsFacts {
        named: named(host),
        wrappers: wrappers(host, project),
        pip: pip::gather(host, environments),
        not_downloaded: if needs_network {
            crates::not_downloaded(host, project)
        } else {
            Vec::new()
        },
        offline,
        vendored,
        declared: declared(host, directory, project),
        pinned_python: pinned_python(host, directory),
        gone_checkouts: gone_checkouts(host, environments),
    }
}

fn named(host: &Host) -> Vec<NamedPath> {
    FILES
        .iter()
        .filter_map(|name| Some((*name, host.variables.text(name)?)))
        .map(|(name, written)| NamedPath {
            exists: host.exists(&host.absolute(Path::new(&written))),
            path: path(host.absolute(Path::new(&written))),
            setting: name.to_owned(),
            file: None,
            written,
        })
        .collect()
}

/// A variable that is set to nothing switches the wrapper off, whatever the files say.
fn wrappers(host: &Host, project: &ProjectFacts) -> Vec<NamedPath> {
    [
        (["RUSTC_WRAPPER", "CARGO_BUILD_RUSTC_WRAPPER"], "rustc-wrapper"),
        (
            ["RUSTC_WORKSPACE_WRAPPER", "CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER"],
            "rustc-workspace-wrapper",
        ),
    ]
    .into_iter()
    .filter_map(|(variables, key)| {
        let by_variable = variables.iter().find_map(|name| {
            host.variables.is_set(name).then(|| {
                let value = host.variables.text(name).unwrap_or_default();
                ((*name).to_owned(), None, value)
            })
        });
        let (setting, file, written) = by_variable.or_else(|| {
            project.cargo_configs.iter().find_map(|config| {
                let written = config.wrappers.get(key)?.clone();
                Some((format!("build.{key}"), Some(config.path.clone()), written))
            })
        })?;
        (!written.is_empty()).then(|| wrapper(host, setting, file, written))
    })
    .collect()
}

/// A name is looked up on `PATH`; a path in a file counts from the directory above `.cargo`, and
/// one in a variable from where cargo runs.
fn wrapper(host: &Host, setting: String, file: Option<HostPath>, written: String) -> NamedPath {
    let found = if written.contains(['/', '\\']) {
        let base = file.as_ref().and_then(|file| Some(file.parent()?.parent()?.to_path_buf()));
        let base = base.unwrap_or_else(|| host.working_directory.clone());
        let program = host.absolute(&base.join(&written));
        (host.is_file(&program), program)
    } else {
        match host.program(&written) {
            Some(program) => (true, program),
            None => (false, PathBuf::from(&written)),
        }
    };
    NamedPath { setting, file, written, exists: found.0, path: path(found.1) }
}

/// What `pyproject.toml` names: the readme, the license, and where maturin is to look.
fn declared(host: &Host, directory: &Path, project: &ProjectFacts) -> Vec<NamedPath> {
    let Some(pyproject) = project.pyproject.get() else { return Vec::new() };
    let named = |setting: &str, written: &str| {
        let file = host.absolute(&directory.join(written));
        NamedPath {
            setting: setting.to_owned(),
            file: Some(pyproject.path.clone()),
            written: written.to_owned(),
            exists: host.exists(&file),
            path: path(file),
        }
    };
    let mut found = Vec::new();
    found.extend(pyproject.readme.as_deref().map(|file| named("project.readme", file)));
    found.extend(pyproject.license_file.as_deref().map(|file| named("project.license", file)));
    let Some(maturin) = &pyproject.maturin else { return found };
    let manifest = maturin.manifest_path.as_deref();
    found.extend(manifest.map(|file| named("tool.maturin.manifest-path", file)));
    if let Some(source) = &maturin.python_source {
        let directory = named("tool.maturin.python-source", source);
        let name = maturin.module_name.clone();
        let name = name.or_else(|| Some(project.maturin_crate()?.lib_name.clone()));
        let top = name.as_deref().and_then(|name| name.split('.').next()).unwrap_or_default();
        let package = (directory.exists && !top.is_empty())
            .then(|| named("tool.maturin.module-name", &format!("{source}/{top}")));
        found.push(directory);
        found.extend(package);
    }
    found
}

/// The first line that is no comment.
fn pinned_python(host: &Host, directory: &Path) -> Option<(HostPath, String)> {
    let file = directory.join(".python-version");
    let text = host.read_text(&file, PIN_LIMIT).ok()?;
    let asked = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    Some((path(file), asked?.to_owned()))
}

fn gone_checkouts(host: &Host, environments: &[EnvironmentFacts]) -> Vec<GoneCheckout> {
    let judged = environments.iter().filter(|environment| environment.judged);
    judged
        .flat_map(|environment| {
            environment.python.packages.iter().filter_map(|package| {
                let directory = package.editable.as_ref()?;
                // What may not be looked at may be there.
                let is_gone = host
                    .symlink_metadata(directory)
                    .is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound);
                is_gone.then(|| GoneCheckout {
                    environment: environment.python.prefix.clone(),
                    package: package.name.clone(),
                    record: package.path.clone(),
                    directory: directory.clone(),
                })
            })
        })
        .collect()
}
