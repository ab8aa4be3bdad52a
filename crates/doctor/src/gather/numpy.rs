//! What an environment says about its numpy: the package's own files, and the records of those who
//! installed it.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use host::{Host, HostPath, Os, Seen};
use numpy_rules::minor;
use pep440_rs::Version;
use pyenvs::{Environment, EnvironmentKind, PackageSource};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::path;
use crate::NumpyFacts;

/// `version.py` and its like have a few hundred bytes.
const TEXT_LIMIT: u64 = 256 << 10;

/// conda's record of numpy lists a thousand files.
const RECORD_LIMIT: u64 = 16 << 20;

/// Names read of one directory.
const LIST_LIMIT: usize = 100_000;

const MODULE: &str = "_multiarray_umath.";

/// `None` where neither files nor records speak of a numpy.
pub(super) fn gather(host: &Host, environment: &Environment) -> Option<NumpyFacts> {
    let directories = search_path(host, environment);
    let directory = directories
        .iter()
        .map(|directory| directory.join("numpy"))
        .find(|numpy| host.is_file(&numpy.join("__init__.py")));
    let conda_records = conda_records(host, environment);
    let dist_info = dist_info(host, environment, &directories, directory.as_deref());
    if directory.is_none() && dist_info.is_empty() && conda_records.is_empty() {
        return None;
    }
    let conda_meta = conda_records.iter().map(|(version, _)| version.clone()).collect();
    let Some(directory) = directory else {
        let directory = environment
            .site_packages
            .first()
            .map_or_else(|| environment.prefix.clone(), |site| site.join("numpy"));
        return Some(NumpyFacts { directory, dist_info, conda_meta, ..NumpyFacts::default() });
    };
    let configuration = configuration(host, &directory);
    Some(NumpyFacts {
        version: version(host, &directory),
        dist_info,
        conda_meta,
        abi_version: number(&configuration, "NPY_ABI_VERSION"),
        api_version: number(&configuration, "NPY_API_VERSION"),
        multiarray: multiarray(host, &directory),
        altered: conda_records
            .first()
            .map(|(_, record)| altered(host, &environment.prefix, record))
            .unwrap_or_default(),
        directory: path(directory),
    })
}

/// Where this interpreter looks for packages, in its order. A virtual environment that sees its
/// base's packages looks there last.
fn search_path(host: &Host, environment: &Environment) -> Vec<PathBuf> {
    let is_virtual = environment.kind.is_virtual();
    let own = environment.site_packages.iter().map(|site| site.to_path_buf());
    let user = environment.user_site.iter().map(|site| site.to_path_buf());
    let mut directories: Vec<PathBuf> =
        if is_virtual { own.chain(user).collect() } else { user.chain(own).collect() };
    let sees_base = environment
        .pyvenv_cfg
        .as_ref()
        .is_some_and(|configuration| configuration.include_system_site_packages);
    if let (true, Some(base), Some(version)) =
        (sees_base, &environment.base_prefix, environment.version.get())
    {
        directories.extend(packages_of_base(host.os, base, minor(version)));
    }
    directories
}

fn packages_of_base(os: Os, base: &HostPath, [major, minor]: [u64; 2]) -> Vec<PathBuf> {
    let python = format!("lib/python{major}.{minor}");
    let mut directories = match os {
        Os::Windows => vec![base.join("Lib/site-packages")],
        Os::Linux | Os::Macos => vec![base.join(&python).join("site-packages")],
    };
    if base.as_path() == Path::new("/usr") {
        directories = vec![
            HostPath::from("/usr/local").join(&python).join("dist-packages"),
            base.join("lib/python3/dist-packages"),
            HostPath::from("/usr/local").join(&python).join("site-packages"),
            base.join(python).join("site-packages"),
        ];
    }
    directories.into_iter().map(|directory| directory.to_path_buf()).collect()
}

/// Versions by `numpy-*.dist-info`. Of an environment whose packages were not read, the names in the
/// directory of its numpy are.
fn dist_info(
    host: &Host,
    environment: &Environment,
    directories: &[PathBuf],
    numpy: Option<&Path>,
) -> Vec<Version> {
    let has_records = !environment.packages.is_empty() || !environment.user_packages.is_empty();
    let mut versions: Vec<Version> = if has_records {
        environment
            .packages_named("numpy")
            .filter(|package| package.source == PackageSource::DistInfo)
            .filter_map(|package| package.version.get().cloned())
            .collect()
    } else {
        let site =
            numpy.and_then(Path::parent).or_else(|| directories.first().map(PathBuf::as_path));
        let entries = site.and_then(|site| host.list(site, LIST_LIMIT).ok()).unwrap_or_default();
        entries
            .iter()
            .filter_map(|entry| {
                entry.name_text()?.strip_prefix("numpy-")?.strip_suffix(".dist-info")
            })
            .filter_map(|version| Version::from_str(version).ok())
            .collect()
    };
    versions.sort();
    versions
}

/// conda's records of numpy, with their files.
fn conda_records(host: &Host, environment: &Environment) -> Vec<(Version, PathBuf)> {
    if !matches!(environment.kind, EnvironmentKind::Conda | EnvironmentKind::CondaBase) {
        return Vec::new();
    }
    let directory = environment.prefix.join("conda-meta");
    let entries = host.list(&directory, LIST_LIMIT).unwrap_or_default();
    entries
        .iter()
        .filter_map(|entry| {
            // NAME-VERSION-BUILD.json, and neither version nor build has a dash.
            let stem = entry.name_text()?.strip_suffix(".json")?;
            let mut parts = stem.rsplitn(3, '-');
            let (_build, version, name) = (parts.next()?, parts.next()?, parts.next()?);
            let version = Version::from_str(version).ok().filter(|_| name == "numpy")?;
            Some((version, directory.join(&entry.name).to_path_buf()))
        })
        .collect()
}

/// What `numpy.__version__` would be.
fn version(host: &Host, numpy: &Path) -> Seen<Version> {
    let mut reason = None;
    // Since 1.20 and before 1.25 the version itself stood in `_version.py`.
    for name in ["version.py", "_version.py"] {
        match host.read_text(&numpy.join(name), TEXT_LIMIT) {
            Ok(text) => match version_in(&text).map(Version::from_str) {
                Some(Ok(version)) => return Seen::Seen(version),
                Some(Err(error)) => {
                    reason = Some(format!("{}: {error}", numpy.join(name).display()));
                }
                None => {}
            },
            Err(error) if error.is_not_found() => {}
            Err(error) => reason = Some(error.to_string()),
        }
    }
    Seen::Broken(reason.unwrap_or_else(|| format!("{} names no version", numpy.display())))
}

/// `version = "2.2.6"` at the beginning of a line, or `"version": "1.24.4"` in the JSON text that
/// versioneer wrote.
fn version_in(text: &str) -> Option<&str> {
    text.lines().find_map(|line| {
        let line = line.trim();
        let rest = ["full_version", "version", "short_version", "\"version\""]
            .iter()
            .find_map(|key| line.strip_prefix(key))?;
        // The type may stand between: `version: str = "..."`.
        let rest = rest.trim_start_matches(": str").trim_start();
        let value = rest.strip_prefix(['=', ':'])?.trim_start();
        let quote = value.chars().next().filter(|c| *c == '"' || *c == '\'')?;
        let value = &value[1..];
        value.split(quote).next().filter(|version| !version.is_empty())
    })
}

/// The text of `_numpyconfig.h`, which distributions may have packed apart.
fn configuration(host: &Host, numpy: &Path) -> Seen<String> {
    for core in ["_core", "core"] {
        let file = numpy.join(core).join("include/numpy/_numpyconfig.h");
        match host.read_text(&file, TEXT_LIMIT) {
            Ok(text) => return Seen::Seen(text),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Seen::Broken(error.to_string()),
        }
    }
    Seen::Absent
}

/// The value of `#define NAME 0x...`.
fn number(configuration: &Seen<String>, name: &str) -> Seen<u32> {
    let text = match configuration {
        Seen::Seen(text) => text,
        Seen::Absent => return Seen::Absent,
        Seen::Broken(reason) => return Seen::Broken(reason.clone()),
    };
    let value = text.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let is_it = words.next() == Some("#define") && words.next() == Some(name);
        words.next().filter(|_| is_it)
    });
    match value {
        None => Seen::Absent,
        Some(value) => Seen::from(u32::from_str_radix(value.trim_start_matches("0x"), 16)),
    }
}

/// The names of numpy's main C module, for whatever Python.
fn multiarray(host: &Host, numpy: &Path) -> Vec<String> {
    let mut names: Vec<String> = ["_core", "core"]
        .iter()
        .filter_map(|core| host.list(&numpy.join(core), LIST_LIMIT).ok())
        .flatten()
        .filter_map(|entry| entry.name_text().map(str::to_owned))
        .filter(|name| {
            name.starts_with(MODULE)
                && Path::new(name).extension().is_some_and(|e| e == "so" || e == "pyd")
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

/// The part of conda's record that lists files.
#[derive(Deserialize)]
struct CondaMeta {
    paths_data: Option<PathsData>,
}

#[derive(Deserialize)]
struct PathsData {
    #[serde(default)]
    paths: Vec<CondaPath>,
}

#[derive(Deserialize)]
struct CondaPath {
    #[serde(rename = "_path")]
    path: String,
    sha256: Option<String>,
    sha256_in_prefix: Option<String>,
    size_in_bytes: Option<u64>,
    file_mode: Option<String>,
}

impl CondaPath {
    /// Of a file into which conda wrote the prefix, the sum and the size are those before, unless
    /// the record has both.
    fn expected_sum(&self) -> Option<&str> {
        match (&self.sha256_in_prefix, &self.file_mode) {
            (Some(sum), _) => Some(sum),
            (None, None) => self.sha256.as_deref(),
            (None, Some(_)) => None,
        }
    }

    fn expected_size(&self) -> Option<u64> {
        self.size_in_bytes.filter(|_| self.file_mode.as_deref() != Some("text"))
    }
}

/// numpy's version file and its main C module, where they are not what conda installed. The module
/// is large, and another build of it never has the same size, so that its size is compared.
fn altered(host: &Host, prefix: &HostPath, record: &Path) -> Vec<HostPath> {
    let Ok(bytes) = host.read(record, RECORD_LIMIT) else { return Vec::new() };
    let Ok(record) = serde_json::from_slice::<CondaMeta>(&bytes) else { return Vec::new() };
    let paths = record.paths_data.map(|data| data.paths).unwrap_or_default();
    paths
        .iter()
        .filter(|listed| {
            listed.path.ends_with("/numpy/version.py")
                || listed.path.rsplit('/').next().is_some_and(|name| name.starts_with(MODULE))
        })
        .filter(|listed| !listed.path.split('/').any(|part| part == ".." || part.is_empty()))
        .filter_map(|listed| {
            let file = prefix.join(&listed.path);
            is_altered(host, &file, listed).then_some(file)
        })
        .collect()
}

fn is_altered(host: &Host, file: &Path, listed: &CondaPath) -> bool {
    // A file that is not there is not altered: what is missing shows elsewhere.
    let Ok(metadata) = host.metadata(file) else { return false };
    if listed.expected_size().is_some_and(|size| size != metadata.len) {
        return true;
    }
    if !listed.path.ends_with(".py") {
        return false;
    }
    let (Some(expected), Ok(bytes)) = (listed.expected_sum(), host.read(file, TEXT_LIMIT)) else {
        return false;
    };
    let sum: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    !sum.eq_ignore_ascii_case(expected)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use pyenvs::PyvenvCfg;

    use super::*;
    use crate::testing::bare_environment;

    fn write(root: &Path, file: &str, text: &str) {
        let file = root.join(file);
        fs_err::create_dir_all(file.parent().unwrap()).unwrap();
        fs_err::write(file, text).unwrap();
    }

    fn environment(root: &Path, kind: EnvironmentKind) -> Environment {
        bare_environment(&root.display().to_string(), "3.11.7", kind).python
    }

    const SITE: &str = "lib/python3.11/site-packages";

    #[test]
    fn versions_as_numpys_of_all_ages_write_them() {
        for (text, version) in [
            ("\"\"\"x\"\"\"\nversion = \"2.2.6\"\n__version__ = version\n", "2.2.6"),
            ("short_version = '1.19.5'\nversion = '1.19.5'\n", "1.19.5"),
            (
                "version_json = '''\n{\n \"dirty\": false,\n \"version\": \"1.24.4\"\n}\n'''",
                "1.24.4",
            ),
            ("version: str = \"2.5.0\"\n", "2.5.0"),
        ] {
            assert_eq!(version_in(text), Some(version));
        }
        assert_eq!(version_in("version = vinfo[\"version\"]\n"), None);
    }

    #[test]
    fn a_whole_numpy_is_read_from_its_files() {
        let root = tempfile::tempdir().unwrap();
        let numpy = format!("{SITE}/numpy");
        write(root.path(), &format!("{numpy}/__init__.py"), "");
        write(root.path(), &format!("{numpy}/version.py"), "version = \"2.2.6\"\n");
        let header = "#define NPY_ABI_VERSION 0x02000000\n#define NPY_API_VERSION 0x00000013\n";
        write(root.path(), &format!("{numpy}/_core/include/numpy/_numpyconfig.h"), header);
        let module = "_multiarray_umath.cpython-311-x86_64-linux-gnu.so";
        write(root.path(), &format!("{numpy}/_core/{module}"), "");
        write(root.path(), &format!("{numpy}/core/_multiarray_umath.py"), "");
        write(root.path(), &format!("{SITE}/numpy-2.2.6.dist-info/METADATA"), "");
        let host = Host::current().unwrap();
        let facts = gather(&host, &environment(root.path(), EnvironmentKind::Venv)).unwrap();
        assert_eq!(facts.version.get().unwrap().to_string(), "2.2.6");
        assert_eq!(facts.dist_info.len(), 1);
        assert_eq!(facts.abi_version, Seen::Seen(0x0200_0000));
        assert_eq!(facts.api_version, Seen::Seen(0x13));
        assert_eq!(facts.multiarray, [module]);
    }

    #[test]
    fn there_is_no_numpy_in_an_empty_environment_or_a_directory_that_is_no_package() {
        let root = tempfile::tempdir().unwrap();
        fs_err::create_dir_all(root.path().join(SITE).join("numpy")).unwrap();
        let host = Host::current().unwrap();
        assert_eq!(gather(&host, &environment(root.path(), EnvironmentKind::Venv)), None);
    }

    #[test]
    fn a_virtual_environment_that_sees_its_base_has_the_bases_numpy() {
        let root = tempfile::tempdir().unwrap();
        let base = root.path().join("base");
        write(&base, &format!("{SITE}/numpy/__init__.py"), "");
        write(&base, &format!("{SITE}/numpy/version.py"), "version = \"1.26.4\"\n");
        let mut environment = environment(&root.path().join("venv"), EnvironmentKind::Venv);
        environment.base_prefix = Some(path(base));
        let host = Host::current().unwrap();
        assert_eq!(gather(&host, &environment), None);
        environment.pyvenv_cfg =
            Some(PyvenvCfg { include_system_site_packages: true, ..PyvenvCfg::default() });
        let facts = gather(&host, &environment).unwrap();
        assert_eq!(facts.version.get().unwrap().to_string(), "1.26.4");
    }

    #[test]
    fn condas_record_is_compared_with_the_files() {
        let root = tempfile::tempdir().unwrap();
        let file = format!("{SITE}/numpy/version.py");
        write(root.path(), &format!("{SITE}/numpy/__init__.py"), "");
        write(root.path(), &file, "version = \"1.26.4\"\n");
        let sum = "0".repeat(64);
        let record = format!(
            r#"{{"name":"numpy","version":"1.26.4","paths_data":{{"paths":[
                {{"_path":"{file}","sha256":"{sum}","sha256_in_prefix":"{sum}","size_in_bytes":19}},
                {{"_path":"../numpy/version.py","sha256":"{sum}","size_in_bytes":1}}]}}}}"#
        );
        write(root.path(), "conda-meta/numpy-1.26.4-py311_0.json", &record);
        write(root.path(), "conda-meta/numpy-base-1.26.4-py311_0.json", &record);
        let host = Host::current().unwrap();
        let facts = gather(&host, &environment(root.path(), EnvironmentKind::Conda)).unwrap();
        assert_eq!(facts.conda_meta.len(), 1);
        assert_eq!(facts.altered, [path(root.path().join(&file))]);
    }

    proptest! {
        #[test]
        fn no_text_makes_a_parser_panic(text in "(version|_|:|=| |'|\"|#define|NPY_ABI_VERSION|0x|\n|\\PC)*") {
            let _ = version_in(&text);
            let _ = number(&Seen::Seen(text.clone()), "NPY_ABI_VERSION");
            let _ = serde_json::from_str::<CondaMeta>(&text);
        }
    }
}
