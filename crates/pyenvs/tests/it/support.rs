//! What the tests share: recorded machines, fake installations, short ways to ask.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use host::{Arch, Host, Machine, Os};
use pyenvs::{Depth, Discovery, Environment, Pick, ProblemKind, Search};

/// The recorded machine `tests/fixtures/machines/NAME.toml`.
pub(crate) fn machine(name: &str) -> Host {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/machines")
        .join(name)
        .with_extension("toml");
    let text = fs_err::read_to_string(path).unwrap();
    let machine: Machine = toml::from_str(&text).unwrap();
    Host::recorded(machine.checked().unwrap())
}

/// Everything found from the directory that the host was started in.
pub(crate) fn discover(host: &Host) -> Discovery {
    let project = host.working_directory.clone();
    pyenvs::discover(
        host,
        &Search { project: &project, configured: &[], argument: None, depth: Depth::Full },
    )
}

/// The environment with this prefix.
#[track_caller]
pub(crate) fn at(discovery: &Discovery, prefix: impl AsRef<Path>) -> &Environment {
    let prefix = prefix.as_ref();
    let known = || discovery.environments.iter().map(|e| e.prefix.text()).collect::<Vec<_>>();
    discovery
        .environments
        .iter()
        .find(|environment| *environment.prefix == *prefix)
        .unwrap_or_else(|| panic!("no environment at {}, but at {:#?}", prefix.display(), known()))
}

pub(crate) fn version(environment: &Environment) -> String {
    environment.version.get().map_or_else(|| "?".to_owned(), ToString::to_string)
}

pub(crate) fn suffix(environment: &Environment) -> &str {
    environment.abi.get().map_or("?", |abi| &abi.extension_suffix)
}

pub(crate) fn problems(environment: &Environment) -> Vec<ProblemKind> {
    environment.problems.iter().map(|problem| problem.kind).collect()
}

pub(crate) fn packages(environment: &Environment) -> Vec<String> {
    environment
        .packages
        .iter()
        .map(|p| format!("{} {}", p.name, p.version.get().map_or("?".into(), ToString::to_string)))
        .collect()
}

/// `prefix of the pick`, or what the tool says instead, after a `!`.
pub(crate) fn picked(pick: &Pick) -> String {
    match pick {
        Pick::Python { prefix: Some(prefix), .. } => prefix.text(),
        Pick::Python { executable, prefix: None, .. } => format!("?{executable}"),
        Pick::Refuses { message } => format!("!{message}"),
        Pick::Nothing { because } => format!("-{because}"),
    }
}

/// A recorded Linux machine from lists of files and links.
pub(crate) struct Linux {
    files: BTreeMap<PathBuf, String>,
    links: BTreeMap<PathBuf, PathBuf>,
    variables: BTreeMap<String, String>,
}

impl Linux {
    pub(crate) fn new() -> Self {
        Self { files: BTreeMap::new(), links: BTreeMap::new(), variables: BTreeMap::new() }
            .variable("PATH", "/usr/bin:/bin")
            .python("/usr", "3.11.2")
    }

    pub(crate) fn file(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.into(), text.to_owned());
        self
    }

    pub(crate) fn link(mut self, path: &str, target: &str) -> Self {
        self.links.insert(path.into(), target.into());
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// An installation of `version`, with `python`, `python3` and `pip`.
    pub(crate) fn python(self, prefix: &str, version: &str) -> Self {
        let minor = version.rsplit_once('.').unwrap().0;
        let header = format!("#define PY_VERSION \"{version}\"\n");
        self.file(&format!("{prefix}/bin/python{minor}"), "program")
            .file(&format!("{prefix}/lib/python{minor}/os.py"), "")
            .file(&format!("{prefix}/include/python{minor}/patchlevel.h"), &header)
            .file(&format!("{prefix}/bin/pip"), &format!("#!{prefix}/bin/python{minor}\n"))
            .link(&format!("{prefix}/bin/python3"), &format!("python{minor}"))
            .link(&format!("{prefix}/bin/python"), "python3")
    }

    /// A conda environment of `version`.
    pub(crate) fn conda(self, prefix: &str, version: &str) -> Self {
        self.python(prefix, version)
            .file(&format!("{prefix}/conda-meta/python-{version}-h1_0.json"), "{}")
    }

    /// A virtual environment made from the Python in `base`.
    pub(crate) fn venv(self, prefix: &str, base: &str, version: &str) -> Self {
        let cfg = format!("home = {base}/bin\nversion = {version}\n");
        self.file(&format!("{prefix}/pyvenv.cfg"), &cfg)
            .file(&format!("{prefix}/bin/activate"), &format!("VIRTUAL_ENV={prefix}\n"))
            .file(&format!("{prefix}/bin/pip"), &format!("#!{prefix}/bin/python\n"))
            .link(&format!("{prefix}/bin/python"), &format!("{base}/bin/python3"))
            .link(&format!("{prefix}/bin/python3"), "python")
    }

    /// The machine, used from `/home/dev/project`.
    pub(crate) fn host(self) -> Host {
        Host::recorded(Machine {
            os: Os::Linux,
            arch: Arch::X86_64,
            working_directory: "/home/dev/project".into(),
            home: Some("/home/dev".into()),
            variables: self.variables,
            files: self.files,
            binaries: BTreeMap::new(),
            directories: vec!["/home/dev/project".into()],
            links: self.links,
            registry: BTreeMap::new(),
        })
    }
}

/// A machine whose home and project lie in a temporary directory.
#[cfg(unix)]
pub(crate) struct Tree {
    root: tempfile::TempDir,
    pub(crate) host: Host,
}

#[cfg(unix)]
impl Tree {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let mut host = Host::current().unwrap();
        let real = host.canonicalize(root.path()).unwrap();
        host.variables = host::Variables::default();
        host.working_directory = real.join("project");
        host.home = Some(real.join("home"));
        let tree = Self { root, host };
        fs_err::create_dir_all(tree.path("home")).unwrap();
        fs_err::create_dir_all(tree.path("project")).unwrap();
        tree
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.host.canonicalize(self.root.path()).unwrap().join(name)
    }

    pub(crate) fn file(&self, name: impl AsRef<Path>, contents: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, contents).unwrap();
    }

    pub(crate) fn directory(&self, name: impl AsRef<Path>) {
        fs_err::create_dir_all(self.path(name)).unwrap();
    }

    pub(crate) fn program(&self, name: impl AsRef<Path>, contents: impl AsRef<[u8]>) {
        use std::os::unix::fs::PermissionsExt as _;
        self.file(&name, contents);
        let mode = std::fs::Permissions::from_mode(0o755);
        fs_err::set_permissions(self.path(name), mode).unwrap();
    }

    pub(crate) fn link(&self, name: impl AsRef<Path>, target: impl AsRef<Path>) {
        let path = self.path(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::os::unix::fs::symlink(target, path).unwrap();
    }

    /// An installation of `version` at `prefix`.
    pub(crate) fn python(&self, prefix: &str, version: &str) {
        let minor = version.rsplit_once('.').unwrap().0;
        self.program(format!("{prefix}/bin/python{minor}"), b"program");
        self.file(format!("{prefix}/lib/python{minor}/os.py"), "");
        self.directory(format!("{prefix}/lib/python{minor}/site-packages"));
        self.file(
            format!("{prefix}/include/python{minor}/patchlevel.h"),
            format!("#define PY_VERSION \"{version}\"\n"),
        );
        self.link(format!("{prefix}/bin/python3"), format!("python{minor}"));
        self.link(format!("{prefix}/bin/python"), "python3");
    }

    /// A virtual environment at `prefix`, made from the Python 3.11 in `base`, as the standard
    /// library makes it.
    pub(crate) fn venv(&self, prefix: &str, base: &str) {
        let here = self.path(prefix);
        let base = self.path(base);
        let (here_text, base_text) = (here.display(), base.display());
        self.file(
            format!("{prefix}/pyvenv.cfg"),
            format!(
                "home = {base_text}/bin\ninclude-system-site-packages = false\nversion = 3.11.7\n\
                 command = {base_text}/bin/python -m venv {here_text}\n"
            ),
        );
        self.file(
            format!("{prefix}/bin/activate"),
            format!("VIRTUAL_ENV=\"{here_text}\"\nexport VIRTUAL_ENV\n"),
        );
        self.program(format!("{prefix}/bin/pip"), format!("#!{here_text}/bin/python\n"));
        self.link(format!("{prefix}/bin/python"), base.join("bin/python"));
        self.link(format!("{prefix}/bin/python3"), "python");
        self.directory(format!("{prefix}/lib/python3.11/site-packages"));
    }

    /// A `dist-info` with METADATA and INSTALLER in `site`.
    pub(crate) fn package(&self, site: &str, name: &str, version: &str) {
        let record = format!("{site}/{name}-{version}.dist-info");
        self.file(
            format!("{record}/METADATA"),
            format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nText\n"),
        );
        self.file(format!("{record}/INSTALLER"), "pip\n");
    }

    /// What was found inside the tree; the machine's own Pythons are left out.
    pub(crate) fn discover(&self) -> Discovery {
        let mut discovery = discover(&self.host);
        let root = self.path("");
        discovery.environments.retain(|environment| environment.prefix.starts_with(&root));
        discovery
    }
}
