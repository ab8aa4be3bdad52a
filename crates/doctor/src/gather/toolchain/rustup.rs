//! rustup seen through: which toolchain its stand-ins would start, without starting them (they
//! may install one).
//!
//! Source: rustup's book, "Overrides", and rustup's `src/config.rs`.

use std::path::{Path, PathBuf};

use host::{Arch, Host, HostPath, Os};
use toml::{Table, Value};

/// Longest file of rustup's that is read.
const TEXT_LIMIT: u64 = 1 << 20;

/// Toolchains that are listed at most.
const LIST_LIMIT: usize = 2_000;

/// What a toolchain file asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    /// The channel, or the path of a toolchain.
    pub(super) channel: String,
    /// Whether it is a path, absolute.
    is_path: bool,
}

/// The toolchain that counts in a directory.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Choice {
    /// Its name as asked for.
    pub(super) name: String,
    /// Who asks: a variable or a file.
    pub(super) by: String,
    is_path: bool,
}

/// rustup's directory.
pub(super) fn home(host: &Host) -> Option<PathBuf> {
    let chosen = host.variables.path("RUSTUP_HOME").map(|home| host.absolute(&home));
    chosen.or_else(|| host.home.as_ref().map(|home| home.join(".rustup")))
}

/// Whether a program is one of rustup's stand-ins: a link to rustup, or a copy of it under
/// another name beside it.
pub(super) fn is_proxy(host: &Host, program: &Path) -> bool {
    let is_named = |path: &Path| {
        path.file_stem().is_some_and(|stem| stem == "rustup" || stem == "rustup-init")
    };
    if host.canonicalize(program).is_ok_and(|real| is_named(&real)) {
        return true;
    }
    let name = if host.os == Os::Windows { "rustup.exe" } else { "rustup" };
    let Some(beside) = program.parent().map(|directory| directory.join(name)) else { return false };
    match (host.metadata(program), host.metadata(&beside)) {
        (Ok(a), Ok(b)) if a.inode != 0 => (a.device, a.inode) == (b.device, b.inode),
        (Ok(a), Ok(b)) => a.len == b.len,
        _ => false,
    }
}

/// Which toolchain counts in `directory`: `RUSTUP_TOOLCHAIN`; then, from the directory upward, an
/// override in rustup's settings or a toolchain file, whichever is nearer; then the default.
pub(super) fn choose(host: &Host, directory: &Path) -> Option<Choice> {
    if let Some(name) = host.variables.text("RUSTUP_TOOLCHAIN") {
        let is_path = name.contains(['/', '\\']);
        return Some(Choice { name, by: "RUSTUP_TOOLCHAIN".to_owned(), is_path });
    }
    let settings = settings(host);
    let overrides = settings.as_ref().and_then(|(_, s)| s.get("overrides")?.as_table());
    for parent in directory.ancestors() {
        let key = HostPath::from(parent).native(host.os);
        if let Some(name) = overrides.and_then(|o| o.get(&key)).and_then(Value::as_str) {
            let by = format!("`rustup override` for {key}");
            return Some(Choice { name: name.to_owned(), by, is_path: false });
        }
        if let Some((file, asked)) = file_in(host, parent) {
            return Some(Choice {
                name: asked.channel,
                by: HostPath::new(file).native(host.os),
                is_path: asked.is_path,
            });
        }
    }
    let (file, settings) = settings?;
    let name = settings.get("default_toolchain").and_then(Value::as_str)?;
    let by = format!("the default of {}", HostPath::new(file).native(host.os));
    Some(Choice { name: name.to_owned(), by, is_path: false })
}

fn settings(host: &Host) -> Option<(PathBuf, Table)> {
    let file = home(host)?.join("settings.toml");
    let text = host.read_text(&file, TEXT_LIMIT).ok()?;
    Some((file, toml::from_str(&text).ok()?))
}

/// Whether rustup would fetch this toolchain by itself: a name that it knows, and nothing that
/// forbids it.
pub(super) fn fetches(host: &Host, choice: &Choice) -> bool {
    let forbidden = match host.variables.text("RUSTUP_AUTO_INSTALL") {
        Some(value) => value == "0",
        None => settings(host)
            .and_then(|(_, s)| s.get("auto_install")?.as_str().map(str::to_owned))
            .is_some_and(|value| value == "disable"),
    };
    !forbidden && !choice.is_path && is_release(&choice.name)
}

/// `stable`, `nightly-2026-01-01`, `1.80.0-x86_64-unknown-linux-gnu`: what can be fetched. Other
/// names are of toolchains that somebody linked.
fn is_release(name: &str) -> bool {
    let first = name.split('-').next().unwrap_or_default();
    matches!(first, "stable" | "beta" | "nightly")
        || (first.contains('.') && first.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

/// The nearest toolchain file, from a directory upward.
pub(super) fn nearest_file(host: &Host, directory: &Path) -> Option<(PathBuf, Asked)> {
    directory.ancestors().find_map(|parent| file_in(host, parent))
}

/// The toolchain file of one directory; the name without an ending comes first. One that asks for
/// nothing (components only) does not count.
fn file_in(host: &Host, directory: &Path) -> Option<(PathBuf, Asked)> {
    ["rust-toolchain", "rust-toolchain.toml"].iter().find_map(|name| {
        let file = directory.join(name);
        let text = host.read_text(&file, TEXT_LIMIT).ok()?;
        let asked = parse_file(&text, name.ends_with(".toml"))?;
        let asked = match asked.is_path {
            true => Asked {
                channel: host.absolute(&directory.join(&asked.channel)).display().to_string(),
                ..asked
            },
            false => asked,
        };
        Some((file, asked))
    })
}

/// `[toolchain] channel = "..."`, or in a file without an ending also the channel alone.
fn parse_file(text: &str, is_toml: bool) -> Option<Asked> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    if !is_toml
        && let (Some(only), None) = (lines.next(), lines.next())
        && !only.contains(['=', '['])
    {
        return Some(Asked { channel: only.to_owned(), is_path: false });
    }
    let table: Table = toml::from_str(text).ok()?;
    let toolchain = table.get("toolchain")?.as_table()?;
    let value = |key: &str| toolchain.get(key).and_then(Value::as_str).map(str::to_owned);
    value("channel")
        .map(|channel| Asked { channel, is_path: false })
        .or_else(|| value("path").map(|channel| Asked { channel, is_path: true }))
}

/// The directory of a toolchain, if it is installed.
pub(super) fn directory_of(host: &Host, choice: &Choice) -> Option<PathBuf> {
    if choice.is_path {
        let directory = PathBuf::from(&choice.name);
        return host.is_dir(&directory).then_some(directory);
    }
    // A name never leads out of rustup's directory.
    if choice.name.is_empty() || choice.name.contains(['/', '\\']) || choice.name.starts_with('.') {
        return None;
    }
    let toolchains = home(host)?.join("toolchains");
    let triple = settings(host)
        .and_then(|(_, s)| s.get("default_host_triple")?.as_str().map(str::to_owned))
        .unwrap_or_else(|| host_triple(host));
    for name in [choice.name.clone(), format!("{}-{triple}", choice.name)] {
        let directory = toolchains.join(name);
        if host.is_dir(&directory) {
            return Some(directory);
        }
    }
    // rustup was built for another C library or for emulation: one that fits is all there is.
    let prefix = format!("{}-", choice.name);
    let entries = host.list(&toolchains, LIST_LIMIT).unwrap_or_default();
    let mut fitting = entries
        .iter()
        .filter_map(|entry| entry.name_text())
        .filter(|name| name.strip_prefix(&prefix).is_some_and(is_triple));
    match (fitting.next(), fitting.next()) {
        (Some(only), None) => Some(toolchains.join(only)),
        _ => None,
    }
}

/// Whether a text is a triple (and not the date of a nightly).
fn is_triple(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.matches('-').count() >= 2
}

/// The triple of the machine, as far as its system and processor tell.
pub(super) fn host_triple(host: &Host) -> String {
    let arch = match &host.arch {
        Arch::I686 => "i686",
        arch => arch.name(),
    };
    match host.os {
        Os::Linux if host.exists(Path::new("/etc/alpine-release")) => {
            format!("{arch}-unknown-linux-musl")
        }
        Os::Linux => format!("{arch}-unknown-linux-gnu"),
        Os::Macos => format!("{arch}-apple-darwin"),
        Os::Windows => format!("{arch}-pc-windows-msvc"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use host::Machine;
    use proptest::prelude::*;

    use super::*;

    const SETTINGS: &str = "version = \"12\"\ndefault_toolchain = \"stable\"\n[overrides]\n\
                            \"/home/dev/a\" = \"nightly-2026-01-01\"\n";

    fn machine(files: &[(&str, &str)], variables: &[(&str, &str)]) -> Host {
        let mut all: BTreeMap<PathBuf, String> = BTreeMap::new();
        all.insert("/home/dev/.rustup/settings.toml".into(), SETTINGS.to_owned());
        for (name, text) in files {
            all.insert(PathBuf::from(name), (*text).to_owned());
        }
        let toolchains = [
            "stable-x86_64-unknown-linux-gnu",
            "nightly-x86_64-unknown-linux-gnu",
            "nightly-2026-01-01-x86_64-unknown-linux-gnu",
            "1.80.0-x86_64-unknown-linux-musl",
            "mine",
        ];
        Host::recorded(Machine {
            os: Os::Linux,
            arch: Arch::X86_64,
            working_directory: "/home/dev".into(),
            home: Some("/home/dev".into()),
            variables: variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            files: all,
            binaries: BTreeMap::new(),
            directories: toolchains
                .iter()
                .map(|name| Path::new("/home/dev/.rustup/toolchains").join(name))
                .collect(),
            links: [("/home/dev/.cargo/bin/rustc".into(), "rustup".into())].into(),
            registry: BTreeMap::new(),
        })
    }

    fn chosen(host: &Host, directory: &str) -> (String, Option<String>) {
        let choice = choose(host, Path::new(directory)).unwrap();
        let found = directory_of(host, &choice);
        (choice.name, found.map(|d| d.file_name().unwrap().to_string_lossy().into_owned()))
    }

    #[test]
    fn the_nearer_of_override_and_file_counts_and_the_variable_first_of_all() {
        let files = [
            ("/home/dev/a/b/rust-toolchain.toml", "[toolchain]\nchannel = \"nightly\"\n"),
            ("/home/dev/rust-toolchain", "mine\n"),
        ];
        let host = machine(&files, &[]);
        let name = |directory: &str| chosen(&host, directory).1.unwrap();
        assert_eq!(name("/home/dev/a/b/c"), "nightly-x86_64-unknown-linux-gnu");
        assert_eq!(name("/home/dev/a/x"), "nightly-2026-01-01-x86_64-unknown-linux-gnu");
        assert_eq!(name("/home/dev/y"), "mine");
        assert_eq!(name("/srv"), "stable-x86_64-unknown-linux-gnu");
        let host = machine(&files, &[("RUSTUP_TOOLCHAIN", "stable")]);
        assert_eq!(chosen(&host, "/home/dev/a/b").1.unwrap(), "stable-x86_64-unknown-linux-gnu");
    }

    #[test]
    fn a_toolchain_that_is_not_installed_is_none() {
        let host = machine(&[], &[("RUSTUP_TOOLCHAIN", "1.70.0")]);
        assert_eq!(chosen(&host, "/srv"), ("1.70.0".to_owned(), None));
        // The only one of that name, for another C library.
        let host = machine(&[], &[("RUSTUP_TOOLCHAIN", "1.80.0")]);
        assert_eq!(chosen(&host, "/srv").1.as_deref(), Some("1.80.0-x86_64-unknown-linux-musl"));
        let host = machine(&[], &[("RUSTUP_TOOLCHAIN", "../toolchains/mine")]);
        assert_eq!(chosen(&host, "/srv").1, None);
    }

    #[test]
    fn only_releases_are_fetched_and_only_if_nothing_forbids_it() {
        let fetched = |name: &str, variables: &[(&str, &str)]| {
            let mut all = vec![("RUSTUP_TOOLCHAIN", name)];
            all.extend(variables);
            let host = machine(&[], &all);
            fetches(&host, &choose(&host, Path::new("/srv")).unwrap())
        };
        assert!(fetched("1.70.0", &[]) && fetched("nightly-2026-01-02", &[]));
        assert!(!fetched("mine", &[]) && !fetched("/opt/rust", &[]));
        assert!(!fetched("1.70.0", &[("RUSTUP_AUTO_INSTALL", "0")]));
    }

    #[test]
    fn files_ask_in_two_layouts() {
        let parse = |text: &str, toml| parse_file(text, toml).map(|asked| asked.channel);
        assert_eq!(parse(" 1.80.0 \n", false).as_deref(), Some("1.80.0"));
        assert_eq!(parse("1.80.0", true), None);
        let path = parse_file("[toolchain]\npath = \"../rust\"\n", true).unwrap();
        assert!(path.is_path);
        assert_eq!(parse("[toolchain]\ncomponents = [\"clippy\"]\n", true), None);
    }

    #[test]
    fn links_to_rustup_are_seen_through() {
        let host = machine(&[("/home/dev/.cargo/bin/rustup", "")], &[]);
        assert!(is_proxy(&host, Path::new("/home/dev/.cargo/bin/rustc")));
        assert!(!is_proxy(&host, Path::new("/usr/bin/rustc")));
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(\\PC|\n|toolchain|channel|[\\[\\]=\"])*", toml in any::<bool>()) {
            let _ = parse_file(&text, toml);
        }
    }
}
