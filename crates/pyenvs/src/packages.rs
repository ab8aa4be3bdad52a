//! Installed packages, by the records that installers leave beside them.

use std::path::Path;
use std::str::FromStr as _;

use host::{FileKind, HostPath, Seen};
use pep440_rs::Version;

use crate::context::Context;
use crate::{Package, PackageSource, paths, pth, record};

/// The largest known `RECORD` has a few MB.
const RECORD_LIMIT: u64 = 32 << 20;
/// The fields of METADATA stand before its text, and are mostly short; some have a whole licence among
/// them, of fifty kilobytes. Of more than the last of these nothing is told.
const METADATA_BYTES: [usize; 2] = [8 << 10, 256 << 10];
const SMALL_LIMIT: u64 = 64 << 10;

/// What lies in the package directories of one environment.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) packages: Vec<Package>,
    pub(crate) leftovers: Vec<HostPath>,
    pub(crate) pth_paths: Vec<(HostPath, HostPath)>,
}

/// Reads the package directories, in the order of `sys.path`. The packages are in order of name,
/// and of one name in the order in which the interpreter finds them.
///
/// # Errors
/// The reasons why directories could not be listed; the others are read all the same.
pub(crate) fn read(
    context: &Context<'_>,
    directories: &[HostPath],
) -> (Contents, Vec<(HostPath, String)>) {
    let mut contents = Contents::default();
    let mut failures = Vec::new();
    let mut records = Vec::new();
    for directory in directories {
        let entries = match context.host.list(directory, crate::context::LIST_LIMIT) {
            Ok(entries) => entries,
            Err(error) => {
                context.tell_unreadable(error.to_string());
                failures.push((directory.clone(), error.reason()));
                continue;
            }
        };
        for entry in entries {
            let bytes = entry.name.as_encoded_bytes();
            if bytes.starts_with(b"~") {
                contents.leftovers.push(directory.join(&entry.name));
            } else if bytes.ends_with(b".pth") && !bytes.starts_with(b".") {
                let file = directory.join(&entry.name);
                for added in pth::read(context, directory, &file) {
                    contents.pth_paths.push((file.clone(), HostPath::new(added)));
                }
            } else if let Some(name) = entry.name_text()
                && let Some(record) = parse_name(name)
            {
                records.push((directory.join(name), record, entry.kind));
            }
        }
    }
    contents.packages = host::in_parallel(records, |(path, record, kind)| {
        read_package(context, path, record, kind)
    });
    contents.packages.sort_by(|a, b| a.name.cmp(&b.name));
    (contents, failures)
}

/// What the name of a record tells.
#[derive(Debug, Clone, PartialEq, Eq)]
struct RecordName {
    name: String,
    version: Option<String>,
    source: PackageSource,
}

/// `foo_bar-1.0.dist-info`, `Foo-1.0-py3.11.egg-info`, `foo.egg-info`.
fn parse_name(file: &str) -> Option<RecordName> {
    let (stem, source) = match file.strip_suffix(".dist-info") {
        Some(stem) => (stem, PackageSource::DistInfo),
        None => (file.strip_suffix(".egg-info")?, PackageSource::EggInfo),
    };
    let stem = match source {
        PackageSource::DistInfo => stem,
        // Setuptools adds the Python version, and the platform of a compiled package.
        PackageSource::EggInfo => stem.split_once("-py").map_or(stem, |(before, after)| {
            if after.starts_with(|c: char| c.is_ascii_digit()) { before } else { stem }
        }),
    };
    let (name, version) = match split_name(stem) {
        Some((name, version)) => (name, Some(version.to_owned())),
        None => (stem, None),
    };
    if name.is_empty() {
        return None;
    }
    Some(RecordName { name: normalized_name(name), version, source })
}

/// Name and version part at the first dash, for both write their own dashes as underscores; names
/// of old records did not, so where that gives no version the last dash is tried.
fn split_name(stem: &str) -> Option<(&str, &str)> {
    let first = stem.split_once('-')?;
    let is_version = |text: &str| Version::from_str(text).is_ok();
    let last = stem.rsplit_once('-').filter(|(_, version)| is_version(version));
    Some(if is_version(first.1) { first } else { last.unwrap_or(first) })
}

/// PEP 503: lower case, runs of `-`, `_` and `.` as one `-`.
#[must_use]
pub fn normalized_name(name: &str) -> String {
    let mut normalized = String::with_capacity(name.len());
    for c in name.chars() {
        if matches!(c, '-' | '_' | '.') {
            if !normalized.ends_with('-') {
                normalized.push('-');
            }
        } else {
            normalized.extend(c.to_lowercase());
        }
    }
    normalized
}

fn read_package(
    context: &Context<'_>,
    path: HostPath,
    record: RecordName,
    kind: FileKind,
) -> Package {
    let host = context.host;
    let is_dist_info = record.source == PackageSource::DistInfo;
    let is_file = kind == FileKind::File;
    let metadata = match (is_file, is_dist_info) {
        (true, _) => path.clone(),
        (false, true) => path.join("METADATA"),
        (false, false) => path.join("PKG-INFO"),
    };
    let fields = fields_of(context, &metadata);
    let mut package = Package {
        version: version(fields.as_deref(), record.version.as_deref()),
        name: record.name,
        source: record.source,
        installer: None,
        editable: None,
        built_from: None,
        direct_url: None,
        source_is_gone: false,
        requires: fields.as_deref().map(requires).unwrap_or_default(),
        extension_modules: Vec::new(),
        record: Seen::Absent,
        path,
    };
    if !is_dist_info || is_file {
        return package;
    }
    package.installer = context
        .read_text(&package.path.join("INSTALLER"), SMALL_LIMIT)
        .map(|text| text.trim().to_owned())
        .filter(|installer| !installer.is_empty());
    let source = context.read_text(&package.path.join("direct_url.json"), SMALL_LIMIT);
    if let Some(text) = source {
        match source_directory(host.os, text.as_bytes()) {
            Some((directory, true)) => package.editable = Some(HostPath::new(directory)),
            Some((directory, false)) => package.built_from = Some(HostPath::new(directory)),
            None => package.direct_url = address(text.as_bytes()),
        }
        let file = package.direct_url.as_deref().and_then(|url| url.strip_prefix("file://"));
        let file = file.and_then(percent_decode).map(|path| HostPath::new(path.as_str()));
        let source = package.editable.as_ref().or(package.built_from.as_ref()).or(file.as_ref());
        package.source_is_gone = source.is_some_and(|source| !host.exists(source));
    }
    package.record = match host.read(&package.path.join("RECORD"), RECORD_LIMIT) {
        Ok(bytes) => {
            package.extension_modules = record::extension_modules(&bytes);
            Seen::Seen(())
        }
        Err(error) if error.is_not_found() => Seen::Absent,
        Err(error) => {
            context.tell_unreadable(error.to_string());
            Seen::Broken(error.reason())
        }
    };
    package
}

/// The fields of METADATA: the lines before the first empty one, or as many as are read.
fn fields_of(context: &Context<'_>, metadata: &Path) -> Option<String> {
    let mut fields = None;
    for limit in METADATA_BYTES {
        match context.host.read_start(metadata, limit) {
            Ok(start) => {
                fields = fields_in(&start);
                let ends = |end: &[u8]| start.windows(end.len()).any(|bytes| bytes == end);
                if start.len() < limit || ends(b"\n\n") || ends(b"\n\r\n") {
                    break;
                }
            }
            Err(error) => {
                if !error.is_not_found() {
                    context.tell_unreadable(error.to_string());
                }
                break;
            }
        }
    }
    fields
}

fn fields_in(start: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(start);
    // The last line may be cut.
    let (whole, _) = text.rsplit_once('\n')?;
    let fields: Vec<&str> = whole.lines().take_while(|line| !line.is_empty()).collect();
    Some(fields.join("\n"))
}

/// METADATA's version, or the name's where METADATA does not tell.
fn version(fields: Option<&str>, named: Option<&str>) -> Seen<Version> {
    let written = fields.and_then(written_version);
    // Names write `-` of a version as `_`.
    let named = named.map(|text| text.replace('_', "-"));
    match written.or(named) {
        Some(text) => match Version::from_str(&text) {
            Ok(version) => Seen::Seen(version),
            Err(_) => Seen::Broken(format!("`{text}` is no version")),
        },
        None => Seen::Absent,
    }
}

fn written_version(fields: &str) -> Option<String> {
    fields
        .lines()
        .find_map(|line| line.strip_prefix("Version:"))
        .map(|version| version.trim().to_owned())
        .filter(|version| !version.is_empty())
}

/// What a package asks for without any of its extras.
fn requires(fields: &str) -> Vec<String> {
    let of_extra = |requirement: &str| {
        let marker = requirement.split_once(';').map_or("", |(_, marker)| marker);
        marker.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == "extra")
    };
    fields
        .lines()
        .filter_map(|line| line.strip_prefix("Requires-Dist:"))
        .map(str::trim)
        .filter(|requirement| !requirement.is_empty() && !of_extra(requirement))
        .map(str::to_owned)
        .collect()
}

/// The directory that a package was installed from, and whether the installation is editable.
fn source_directory(os: host::Os, direct_url: &[u8]) -> Option<(std::path::PathBuf, bool)> {
    let value: serde_json::Value = serde_json::from_slice(direct_url).ok()?;
    let editable = value.get("dir_info")?.get("editable");
    let is_editable = editable.and_then(serde_json::Value::as_bool).unwrap_or(false);
    let url = value.get("url")?.as_str()?;
    let path = percent_decode(url.strip_prefix("file://")?)?;
    if path.contains('\0') {
        return None;
    }
    // `file:///C:/src` has a slash before the drive.
    let path = match path.strip_prefix('/') {
        Some(rest) if os == host::Os::Windows && rest.as_bytes().get(1) == Some(&b':') => rest,
        _ => &path,
    };
    Some((paths::from_text(os, path), is_editable))
}

/// The address of an archive or a commit, with what it takes to get the same again.
fn address(direct_url: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(direct_url).ok()?;
    let text = |of: &serde_json::Value, key: &str| Some(of.get(key)?.as_str()?.to_owned());
    let url = text(&value, "url")?;
    let mut address = match value.get("vcs_info") {
        Some(info) => format!("{}+{url}@{}", text(info, "vcs")?, text(info, "commit_id")?),
        None => {
            value.get("archive_info")?;
            url
        }
    };
    if let Some(subdirectory) = text(&value, "subdirectory") {
        address.push_str(&format!("#subdirectory={subdirectory}"));
    }
    // It becomes an argument of a command and a line of a report.
    (!address.chars().any(|c| c.is_whitespace() || c.is_control())).then_some(address)
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first == b'%' {
            let (digits, tail) = rest.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = tail;
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use host::Os;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_leads_to_the_same_again() {
        let of = |text: &str| address(text.as_bytes());
        let git = r#"{"url": "https://h/x.git", "vcs_info": {"vcs": "git", "commit_id": "abc",
                      "requested_revision": "main"}, "subdirectory": "py"}"#;
        assert_eq!(of(git).as_deref(), Some("git+https://h/x.git@abc#subdirectory=py"));
        let archive = r#"{"url": "file:///w/x-1.0-py3-none-any.whl", "archive_info": {}}"#;
        assert_eq!(of(archive).as_deref(), Some("file:///w/x-1.0-py3-none-any.whl"));
        assert_eq!(of(r#"{"url": "https://h/a b", "archive_info": {}}"#), None);
        assert_eq!(of(r#"{"url": "file:///src", "dir_info": {}}"#), None);
    }

    fn named(file: &str) -> Option<(String, Option<String>)> {
        parse_name(file).map(|record| (record.name, record.version))
    }

    #[test]
    fn names_of_records_tell_name_and_version() {
        let some =
            |name: &str, version: Option<&str>| Some((name.to_owned(), version.map(str::to_owned)));
        assert_eq!(named("Foo_Bar.baz-1.0.dist-info"), some("foo-bar-baz", Some("1.0")));
        assert_eq!(named("torch-2.1.0+cu118.dist-info"), some("torch", Some("2.1.0+cu118")));
        assert_eq!(named("old-name-1.2.dist-info"), some("old-name", Some("1.2")));
        assert_eq!(named("PyGObject-3.42.2.egg-info"), some("pygobject", Some("3.42.2")));
        assert_eq!(named("x-1.0-py3.11-linux-x86_64.egg-info"), some("x", Some("1.0")));
        assert_eq!(named("cryptography.egg-info"), some("cryptography", None));
        assert_eq!(named(".dist-info"), None);
        assert_eq!(named("numpy"), None);
    }

    #[test]
    fn metadata_tells_the_version_in_its_head_only() {
        let head = b"Metadata-Version: 2.1\nName: x\nVersion: 1.0rc1\n\nVersion: 9\n";
        assert_eq!(
            fields_in(head).and_then(|fields| written_version(&fields)).as_deref(),
            Some("1.0rc1")
        );
        assert_eq!(
            fields_in(b"Name: x\n\nVersion: 9\n").and_then(|fields| written_version(&fields)),
            None
        );
        assert_eq!(fields_in(b"Version: 1.2"), None);
    }

    #[test]
    fn metadata_tells_what_a_package_asks_for_without_its_extras() {
        let fields = "Name: x\nRequires-Dist: numpy>=2\nRequires-Dist: a ; extra == 'b'\n\
                      Requires-Dist: extra-things<3; os_name == 'nt'\nRequires-Python: >=3\n\
                      Requires-Dist: c; python_version<'4' and extra=='d'\nRequires-Dist:\n";
        assert_eq!(requires(fields), ["numpy>=2", "extra-things<3; os_name == 'nt'"]);
    }

    #[test]
    fn editable_installs_name_their_project() {
        let url = |url: &str, editable: bool| {
            format!(r#"{{"url": "{url}", "dir_info": {{"editable": {editable}}}}}"#)
        };
        let source = |os, text: &str| source_directory(os, text.as_bytes());
        assert_eq!(
            source(Os::Linux, &url("file:///a%20b/c", true)),
            Some((PathBuf::from("/a b/c"), true))
        );
        let copy = Some((PathBuf::from("/a"), false));
        assert_eq!(source(Os::Linux, &url("file:///a", false)), copy);
        assert_eq!(source(Os::Linux, r#"{"url": "file:///a", "dir_info": {}}"#), copy);
        let wheel = r#"{"url": "file:///a/x.whl", "archive_info": {}}"#;
        assert_eq!(source(Os::Linux, wheel), None);
        assert_eq!(
            source(Os::Windows, &url("file:///C:/src", true)),
            Some((PathBuf::from("C:/src"), true))
        );
        assert_eq!(source(Os::Linux, "[[[["), None);
    }

    proptest! {
        #[test]
        fn nothing_panics(
            name in "(-|_|\\.|py|[0-9]|\\PC)*",
            end in "(\\.dist-info|\\.egg-info)",
            url in "(%|[0-9a-f]|\\PC)*",
            raw: Vec<u8>,
        ) {
            let _ = parse_name(&format!("{name}{end}"));
            let _ = percent_decode(&url);
            let _ = fields_in(&raw).map(|fields| (written_version(&fields), requires(&fields)));
            let _ = source_directory(Os::Windows, &raw);
        }
    }
}
