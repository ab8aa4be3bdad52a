//! The programs that the tests need and that are not part of a Rust toolchain: a virtual
//! environment in `target/test-tools`, made once and kept until its requirements change.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use host::{Host, Invocation};

use crate::workspace::Workspace;

const REQUIREMENTS: &str = "scripts/test-requirements.txt";
const INSTALL_LIMIT: Duration = Duration::from_secs(600);
const PROBE_LIMIT: Duration = Duration::from_secs(60);

/// A Python that can make virtual environments.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    version: (u32, u32, u32),
    executable: PathBuf,
}

/// The environment of `target/test-tools`.
pub(crate) struct Tools {
    /// Its directory, which also holds the caches that the tests share.
    pub(crate) directory: PathBuf,
    /// Its interpreter.
    pub(crate) python: PathBuf,
    /// How pip and uv reach their index, for the environment of what runs next.
    pub(crate) network: BTreeMap<String, String>,
}

impl Tools {
    /// The program uv.
    pub(crate) fn uv_program(&self) -> PathBuf {
        in_environment(&self.directory.join("venv"), "uv")
    }

    /// A call of uv, with the cache that the tests share.
    pub(crate) fn uv(&self) -> Invocation {
        let uv = Invocation::new(self.uv_program())
            .env("UV_CACHE_DIR", self.directory.join("uv-cache"))
            .env("UV_PYTHON_DOWNLOADS", "never");
        self.network.iter().fold(uv, |uv, (name, value)| uv.env(name, value))
    }
}

/// Makes the environment, or finds it made and whole.
///
/// # Errors
/// No Python that can make one, or its packages cannot be installed.
pub(crate) fn provision(workspace: &Workspace) -> anyhow::Result<Tools> {
    let directory = workspace.target.join("test-tools");
    let requirements = workspace.root.join(REQUIREMENTS);
    let wanted = workspace.host.read_text(&requirements, 1 << 20)?;
    let base = newest_python(&workspace.host)
        .context("no Python with venv and ensurepip found on PATH or under pyenv")?;
    let stamp = format!("{wanted}# made with {}\n", base.executable.display());
    let stamp_file = directory.join("made-from.txt");
    let prefix = directory.join("venv");
    let python = in_environment(&prefix, "python");

    let made = workspace.host.read_text(&stamp_file, 1 << 20).is_ok_and(|text| text == stamp);
    if !made || !is_whole(&python) {
        eprintln!("making {} with {}", prefix.display(), base.executable.display());
        let prefix_text = prefix.display().to_string();
        succeed(
            &Invocation::new(&base.executable).args(["-m", "venv", "--clear", &prefix_text]),
            "cannot make a virtual environment",
        )?;
        succeed(
            &Invocation::new(&python)
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                .arg("--requirement")
                .arg(&requirements),
            "pip cannot install the tools of the tests",
        )?;
        if !is_whole(&python) {
            bail!("{} does not run, though it was just made", prefix.display());
        }
        host::write_atomically(&stamp_file, stamp.as_bytes())?;
    }
    let network = network(&workspace.host, &python);
    Ok(Tools { directory, python, network })
}

/// A program of a virtual environment.
pub(crate) fn in_environment(prefix: &Path, program: &str) -> PathBuf {
    if cfg!(windows) {
        prefix.join("Scripts").join(format!("{program}.exe"))
    } else {
        prefix.join("bin").join(program)
    }
}

fn is_whole(python: &Path) -> bool {
    let imports = "import conda_package_streaming, rattler, virtualenv; from uv import find_uv_bin; find_uv_bin()";
    Invocation::new(python)
        .args(["-I", "-c", imports])
        .timeout(PROBE_LIMIT)
        .output()
        .is_ok_and(|output| output.success())
}

fn succeed(command: &Invocation, failure: &str) -> anyhow::Result<()> {
    let output = command.clone().timeout(INSTALL_LIMIT).output().context(failure.to_owned())?;
    if !output.success() {
        // The last line says why; the lines before it may name an index with a password in it.
        let stderr = output.stderr_text();
        bail!("{failure}: {}", without_credentials(stderr.trim().lines().last().unwrap_or("")));
    }
    Ok(())
}

/// `https://user:password@host/` without the user and the password.
fn without_credentials(text: &str) -> String {
    let mut clean = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("://") {
        let (before, after) = rest.split_at(start + 3);
        clean.push_str(before);
        let end = after.find(['/', ' ', '\'', '"']).unwrap_or(after.len());
        let (authority, tail) = after.split_at(end);
        clean.push_str(authority.rsplit('@').next().unwrap_or(authority));
        rest = tail;
    }
    clean.push_str(rest);
    clean
}

fn newest_python(host: &Host) -> Option<Candidate> {
    let mut executables: Vec<PathBuf> = host.programs("python3");
    for minor in 10..20 {
        executables.extend(host.programs(&format!("python3.{minor}")));
    }
    let pyenv =
        host.variables.path("PYENV_ROOT").or_else(|| Some(host.home.as_ref()?.join(".pyenv")));
    if let Some(versions) = pyenv.map(|root| root.join("versions")) {
        let entries = host.list(&versions, 1000).unwrap_or_default();
        executables
            .extend(entries.iter().map(|entry| versions.join(&entry.name).join("bin/python3")));
    }
    // The first of several of one version wins, so the answer is the same every time.
    let mut best: Option<Candidate> = None;
    for executable in executables.into_iter().filter(|path| host.is_executable(path)) {
        // A shim's answer depends on the directory it is asked in.
        if executable.parent().is_some_and(|parent| parent.ends_with("shims")) {
            continue;
        }
        let Some(version) = version_of(&executable) else { continue };
        if version >= (3, 10, 0) && best.as_ref().is_none_or(|best| version > best.version) {
            best = Some(Candidate { version, executable });
        }
    }
    best
}

fn version_of(executable: &Path) -> Option<(u32, u32, u32)> {
    let script = "import ensurepip, sys, venv; print(*sys.version_info[:3])";
    let output = Invocation::new(executable)
        .args(["-I", "-c", script])
        .timeout(PROBE_LIMIT)
        .output()
        .ok()?;
    let text = output.stdout_text();
    let mut numbers = text.split_whitespace().map(str::parse);
    let mut next = || numbers.next()?.ok();
    output.success().then_some((next()?, next()?, next()?))
}

/// How pip reaches its index here (its configuration files and variables), as variables for pip
/// and for uv, since a test's home directory holds no configuration and uv never reads pip's.
fn network(host: &Host, python: &Path) -> BTreeMap<String, String> {
    let listed = Invocation::new(python)
        .args(["-m", "pip", "config", "list", "--disable-pip-version-check"])
        .timeout(PROBE_LIMIT)
        .output()
        .map(|output| output.stdout_text())
        .unwrap_or_default();
    network_variables(&listed, |name| host.variables.is_set(name))
}

fn network_variables(
    pip_config_list: &str,
    is_set: impl Fn(&str) -> bool,
) -> BTreeMap<String, String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pip_is_told_uv_is_told_too_unless_the_user_told_it_otherwise() {
        let listed = ":env:.cert='/etc/ca.pem'\nglobal.index-url='https://mirror/simple'\n\
                      global.timeout='60'\n";
        let variables = network_variables(listed, |name| name == "SSL_CERT_FILE");
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
    }
}
