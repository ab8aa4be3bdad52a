//! pip's configuration: files for the machine, for the user and for one environment, and variables.

use std::path::{Path, PathBuf};

use host::{Host, HostPath, Os};

use super::super::path;
use crate::{EnvironmentFacts, PipSetting};

/// Longest configuration that is read.
const TEXT_LIMIT: u64 = 1 << 20;

/// The keys that change where pip installs and what it takes.
const KEYS: [&str; 9] = [
    "cert",
    "find-links",
    "no-binary",
    "no-index",
    "only-binary",
    "prefix",
    "root",
    "target",
    "user",
];

/// Every setting, the ones that count more last.
pub(super) fn gather(host: &Host, environments: &[EnvironmentFacts]) -> Vec<PipSetting> {
    let named = host.variables.path("PIP_CONFIG_FILE");
    let mut found = Vec::new();
    // pip's own way of saying that no file counts.
    if named.as_deref() != Some(Path::new("/dev/null")) {
        for file in shared(host) {
            read(host, &file, None, &mut found);
        }
        let name = if host.os == Os::Windows { "pip.ini" } else { "pip.conf" };
        for environment in environments.iter().filter(|environment| environment.judged) {
            let prefix = &environment.python.prefix;
            read(host, &prefix.join(name), Some(prefix), &mut found);
        }
        if let Some(file) = named {
            read(host, &host.absolute(&file), None, &mut found);
        }
    }
    found.extend(KEYS.iter().filter_map(|key| {
        let setting = PipSetting { key: (*key).to_owned(), ..PipSetting::default() };
        let value = host.variables.text(&setting.variable())?;
        Some(PipSetting { value: kept(key, &value), ..setting })
    }));
    found
}

/// The files that count for every environment, the machine's first.
fn shared(host: &Host) -> Vec<PathBuf> {
    let home = host.home.clone().unwrap_or_default();
    if host.os == Os::Windows {
        let below = |name: &str, rest: &str| host.variables.path(name).map(|at| at.join(rest));
        return [
            below("ProgramData", "pip/pip.ini"),
            Some(home.join("pip/pip.ini")),
            below("APPDATA", "pip/pip.ini"),
        ]
        .into_iter()
        .flatten()
        .collect();
    }
    let configuration =
        host.variables.path("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config"));
    let mut files = vec![PathBuf::from("/etc/xdg/pip/pip.conf"), PathBuf::from("/etc/pip.conf")];
    files.push(home.join(".pip/pip.conf"));
    if host.os == Os::Macos {
        files.push(PathBuf::from("/Library/Application Support/pip/pip.conf"));
        files.push(home.join("Library/Application Support/pip/pip.conf"));
    }
    files.push(configuration.join("pip/pip.conf"));
    files
}

fn read(host: &Host, file: &Path, environment: Option<&HostPath>, found: &mut Vec<PipSetting>) {
    let Ok(text) = host.read_text(file, TEXT_LIMIT) else { return };
    for (key, value) in parse(&text) {
        found.push(PipSetting {
            file: Some(path(file)),
            value: kept(&key, &value),
            key,
            environment: environment.cloned(),
        });
    }
}

/// An address may hold a name and a password; that it is set is enough.
fn kept(key: &str, value: &str) -> String {
    if key == "find-links" { "set".to_owned() } else { value.trim().to_owned() }
}

/// The keys in `[global]` and `[install]`, in the order in which pip reads those sections: what is
/// said of the command counts more.
fn parse(text: &str) -> Vec<(String, String)> {
    let mut sections: [Vec<(String, String)>; 2] = Default::default();
    let mut section = None;
    let mut is_taken = false;
    for line in text.lines() {
        let bare = line.trim();
        if bare.is_empty() || bare.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = bare.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = ["global", "install"].iter().position(|known| *known == name.trim());
            is_taken = false;
            continue;
        }
        let Some(section) = section else { continue };
        if line.starts_with([' ', '\t']) {
            // A value goes on in lines that are indented.
            if let Some((_, value)) = sections[section].last_mut().filter(|_| is_taken) {
                value.push(' ');
                value.push_str(bare);
            }
            continue;
        }
        let Some((key, value)) = bare.split_once(['=', ':']) else { continue };
        let key = key.trim().to_ascii_lowercase().replace('_', "-");
        is_taken = KEYS.contains(&key.as_str());
        if is_taken {
            sections[section].push((key, value.trim().to_owned()));
        }
    }
    sections.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_command_counts_more_and_values_may_go_on() {
        let text = "[install]\nuser = yes\n[global]\n# x\nuser: no\nno_binary =\n    numpy\n    \
                    scipy\nindex-url = https://a:b@c\n[list]\ntarget = /x\n";
        let found = parse(text);
        let found: Vec<(&str, &str)> =
            found.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(found, [("user", "no"), ("no-binary", " numpy scipy"), ("user", "yes")]);
        assert_eq!(kept("find-links", "https://a:b@c"), "set");
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(\\PC|\n|\\[global\\]|user|[ \t=:#;])*") {
            parse(&text);
        }
    }
}
