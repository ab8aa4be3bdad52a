//! The Windows registry, as `reg query KEY /s` prints it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::{Host, Invocation, Os};

/// One value of the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryValue {
    /// Full key, `HKEY_CURRENT_USER\...` spelled out.
    pub key: String,
    /// Name of the value; empty for a key's default value.
    pub name: String,
    /// The value as text, numbers as `0x1`.
    pub data: String,
}

#[derive(Debug)]
pub(crate) struct Registry(BTreeMap<String, String>);

impl Registry {
    pub(crate) fn from_text(text: BTreeMap<String, String>) -> Self {
        Self(text)
    }
}

/// `reg.exe` answers in milliseconds; a machine on which it does not has no registry worth asking.
const PATIENCE: Duration = Duration::from_secs(5);

impl Host {
    /// Every value at and below `key`; empty where the key, or a registry, does not exist.
    #[must_use]
    pub fn registry(&self, key: &str) -> Vec<RegistryValue> {
        if let Some(recorded) = &self.registry {
            return recorded.0.get(key).map(|text| parse(text)).unwrap_or_default();
        }
        if self.os != Os::Windows {
            return Vec::new();
        }
        Invocation::new("reg.exe")
            .args(["query", key, "/s"])
            .timeout(PATIENCE)
            .output()
            .map(|output| parse(&String::from_utf8_lossy(&output.stdout)))
            .unwrap_or_default()
    }
}

/// Reads the layout of `reg query /s`: a key alone on a line, then `    name    REG_SZ    data`.
/// The default value's name is localised in parentheses, so any `(...)` counts as it.
fn parse(text: &str) -> Vec<RegistryValue> {
    let mut values = Vec::new();
    let mut key = String::new();
    for line in text.lines() {
        if line.starts_with("HKEY_") {
            line.trim_end().clone_into(&mut key);
            continue;
        }
        let Some((name, rest)) = line.trim_start().split_once("    REG_") else { continue };
        let data = rest.split_once("    ").map_or("", |(_, data)| data);
        let is_default = name.starts_with('(') && name.ends_with(')');
        values.push(RegistryValue {
            key: key.clone(),
            name: if is_default { String::new() } else { name.to_owned() },
            data: data.trim_end().to_owned(),
        });
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_belong_to_the_key_above_them() {
        let text = "\r\nHKEY_CURRENT_USER\\Software\\Python\\PythonCore\\3.12\\InstallPath\r\n    (Standard)    REG_SZ    C:\\Py 312\\\r\n    ExecutablePath    REG_SZ    C:\\Py 312\\python.exe\r\n";
        let values = parse(text);
        assert_eq!(values.len(), 2);
        assert_eq!(values[0].name, "");
        assert_eq!(values[0].data, r"C:\Py 312\");
        assert_eq!(values[1].name, "ExecutablePath");
        assert!(values[1].key.ends_with("InstallPath"));
    }
}
