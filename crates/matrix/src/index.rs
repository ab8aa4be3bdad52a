//! The user's package index: how pip and uv reach it, and how to speak of it without secrets.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use host::{Host, Invocation};

const PIP_LIMIT: Duration = Duration::from_secs(60);

/// What pip is configured to do here (its files and variables), as variables for pip and for uv:
/// uv never reads pip's files. Variables that the user set stay as they are.
#[must_use]
pub fn index_variables(host: &Host, python: &Path) -> BTreeMap<String, String> {
    let listed = Invocation::new(python)
        .args(["-m", "pip", "config", "list", "--disable-pip-version-check"])
        .timeout(PIP_LIMIT)
        .output()
        .map(|output| output.stdout_text())
        .unwrap_or_default();
    variables_of(&listed, |name| host.variables.is_set(name))
}

fn variables_of(pip_config_list: &str, is_set: impl Fn(&str) -> bool) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    for line in pip_config_list.lines() {
        let Some((key, value)) = line.split_once('=') else { continue };
        let value = value.trim_matches(|c| c == '\'' || c == '"').replace("\\n", " ");
        let Some((_, option)) = key.rsplit_once('.') else { continue };
        let names: &[&str] = match option {
            "index-url" => &["PIP_INDEX_URL", "UV_DEFAULT_INDEX"],
            "extra-index-url" => &["PIP_EXTRA_INDEX_URL", "UV_INDEX"],
            "find-links" => &["PIP_FIND_LINKS", "UV_FIND_LINKS"],
            "trusted-host" => &["PIP_TRUSTED_HOST", "UV_INSECURE_HOST"],
            "cert" => &["PIP_CERT", "SSL_CERT_FILE"],
            "proxy" => &["PIP_PROXY", "ALL_PROXY"],
            "no-index" => &["PIP_NO_INDEX", "UV_NO_INDEX"],
            _ => continue,
        };
        for name in names.iter().filter(|name| !is_set(name)) {
            variables.insert((*name).to_owned(), value.trim().to_owned());
        }
    }
    variables
}

/// `https://user:password@host/` without the user and the password.
#[must_use]
pub fn without_credentials(text: &str) -> String {
    let mut clean = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("://") {
        let (before, after) = rest.split_at(start + 3);
        clean.push_str(before);
        let end = after.find(['/', ' ', '\'', '"', '\n']).unwrap_or(after.len());
        let (authority, tail) = after.split_at(end);
        clean.push_str(authority.rsplit('@').next().unwrap_or(authority));
        rest = tail;
    }
    clean.push_str(rest);
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pip_is_told_uv_is_told_too_unless_the_user_told_it_otherwise() {
        let listed = ":env:.cert='/etc/ca.pem'\nglobal.index-url='https://mirror/simple'\n\
                      global.timeout='60'\n";
        let variables = variables_of(listed, |name| name == "SSL_CERT_FILE");
        let expected = [
            ("PIP_CERT", "/etc/ca.pem"),
            ("PIP_INDEX_URL", "https://mirror/simple"),
            ("UV_DEFAULT_INDEX", "https://mirror/simple"),
        ];
        assert_eq!(variables, expected.map(|(n, v)| (n.to_owned(), v.to_owned())).into());
    }

    #[test]
    fn credentials_are_never_shown() {
        assert_eq!(
            without_credentials("no 'https://me:secret@host/simple' and http://host2/x here"),
            "no 'https://host/simple' and http://host2/x here"
        );
        assert_eq!(without_credentials("at http://a:b@h\nnext"), "at http://h\nnext");
    }
}
