//! What a build is given: directories on this machine, made anew for each build and removed after it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use host::{Host, Scratch};

use super::conditions::{Conditions, INPUTS, OUTPUT, PYTHON, TOOLS};
use super::crates::CrateGraph;
use super::interpreter::Interpreter;
use super::project::Project;
use super::sbom::sbom;
use super::sources::Sources;
use super::vendored::Vendored;
use super::{Error, Result};
use crate::engine::{Limits, Run, Tmpfs};
use crate::image::Toolchain;

const MANIFEST_LIMIT: u64 = 4 << 20;
/// What a build may put into its target directory, which is in memory.
const TARGET_MEGABYTES: u64 = 8192;
/// No wheel takes as long to build.
const BUILD_LIMIT: Duration = Duration::from_secs(4 * 3600);
const TEST_LIMIT: Duration = Duration::from_secs(3600);

/// What is fetched before a build and the same for all of them.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// The crates of `Cargo.lock`.
    pub crates: Vendored,
    /// The compiler.
    pub toolchain: Toolchain,
    /// Whether it is this machine's and must be shown, rather than being in the image.
    pub shows_toolchain: bool,
    /// The program maturin.
    pub maturin: PathBuf,
    /// The crates of the wheel.
    pub graph: CrateGraph,
}

/// What is built, of what.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// The project.
    pub project: &'a Project,
    /// Its files.
    pub sources: &'a Sources,
    /// What was fetched for it.
    pub inputs: &'a Inputs,
    /// The time that everything in the wheel gets, in seconds since 1970.
    pub source_date_epoch: u64,
    /// The Python of this machine that is used instead of the image's.
    pub python: Option<&'a Interpreter>,
    /// What is made.
    pub product: Product<'a>,
}

/// What is made of the sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product<'a> {
    /// The wheel.
    Wheel,
    /// The sources as Python's package index takes them.
    Sdist,
    /// Crates, tested, and each as a `.crate` file.
    Core(&'a [String]),
}

impl Product<'_> {
    /// What the files end with.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Product::Wheel => ".whl",
            Product::Sdist => ".tar.gz",
            Product::Core(_) => ".crate",
        }
    }

    /// In words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Product::Wheel => "wheel",
            Product::Sdist => "sdist",
            Product::Core(_) => "core",
        }
    }

    /// The command that makes it, in the directory of the project.
    pub(super) fn command(self, profile: Option<&str>, output: &str, bill: &str) -> Vec<String> {
        let words: Vec<&str> = match self {
            Product::Wheel => {
                // A profile that the project names is what `--release` would take the place of.
                let profile = if profile.is_some() { &[][..] } else { &["--release"][..] };
                let flags = ["--locked", "--offline", "--out", output, "--interpreter", "python3"];
                ["maturin", "build"]
                    .into_iter()
                    .chain(profile.iter().copied())
                    .chain(flags)
                    .chain(["--sbom-include", bill])
                    .collect()
            }
            Product::Sdist => vec!["maturin", "sdist", "--out", output],
            Product::Core(packages) => {
                // A lock file in a package is made with the help of a registry, which is not here.
                const SCRIPT: &str = "out=$1; shift\n\
                    cargo test --release --locked --offline \"$@\" || exit\n\
                    cargo package --locked --offline --no-verify --exclude-lockfile \"$@\" || exit\n\
                    cp \"$CARGO_TARGET_DIR\"/package/*.crate \"$out\"";
                let chosen = packages.iter().flat_map(|name| ["--package", name]);
                ["sh", "-c", SCRIPT, "core", output].into_iter().chain(chosen).collect()
            }
        };
        words.into_iter().map(str::to_owned).collect()
    }
}

/// How a wheel is tried.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'a> {
    /// Wheels that are installed beside it.
    pub others: &'a [PathBuf],
    /// Modules that are imported.
    pub modules: &'a [String],
    /// A program that is run after that.
    pub smoke: Option<&'a Path>,
    /// The Python of this machine that is used instead of the image's.
    pub python: Option<&'a Interpreter>,
}

/// The directories of one build.
#[derive(Debug)]
pub struct Stage {
    scratch: Scratch,
}

impl Stage {
    /// Directories for one build, below `parent`.
    ///
    /// # Errors
    /// They cannot be made.
    pub fn new(parent: &Path) -> Result<Stage> {
        let scratch = Scratch::new(parent, "build").map_err(Error::write(parent))?;
        let stage = Stage { scratch };
        // Another user than this one works in them.
        host::set_mode(stage.scratch.path(), 0o755).map_err(Error::write(stage.scratch.path()))?;
        for name in ["sources", "tools", "inputs", "out"] {
            let path = stage.path(name);
            host::create_directory(&path).map_err(Error::write(&path))?;
            let mode = if name == "out" { 0o777 } else { 0o755 };
            host::set_mode(&path, mode).map_err(Error::write(&path))?;
        }
        Ok(stage)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// Where the result of the build is.
    #[must_use]
    pub fn output(&self) -> PathBuf {
        self.path("out")
    }

    fn write(&self, name: &str, text: &str, executable: bool) -> Result<()> {
        let path = self.path(name);
        host::write_atomically(&path, text.as_bytes()).map_err(Error::write(&path))?;
        host::set_mode(&path, if executable { 0o755 } else { 0o644 }).map_err(Error::write(&path))
    }

    /// The command that makes what is wanted of a project. `inside` says how a command writes a place that
    /// was asked for.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn build(
        &self,
        host: &Host,
        plan: &Plan<'_>,
        conditions: &Conditions,
        inside: &dyn Fn(&str) -> String,
    ) -> Result<Run> {
        let Plan { project, sources, inputs, source_date_epoch, python, product } = *plan;
        sources.copy(host, &project.root, &self.path("sources"))?;
        self.leave_out_the_other_bill(host, &project.directory)?;
        self.leave_out_other_sources(host, sources)?;
        let mut paths = conditions.paths(inside);
        if paths.sources != conditions.sources {
            // No container: the compiler sees through the links to where things really are.
            paths.also_at(&self.path("sources"), &inputs.crates.directory);
        }
        self.write("tools/rustc-wrapper", &paths.rustc_wrapper(), true)?;
        self.write("inputs/cargo.toml", &inputs.crates.config(&paths.crates), false)?;
        let bill = format!("{}.cyclonedx.json", project.package);
        self.write(&format!("inputs/{bill}"), &sbom(project, &inputs.graph), false)?;
        let maturin = self.path("tools/maturin");
        host::copy_file(&inputs.maturin, &maturin).map_err(Error::write(&maturin))?;
        host::set_mode(&maturin, 0o755).map_err(Error::write(&maturin))?;
        let directory = join(&paths.sources, &project.directory);
        let script = "mkdir -p \"$HOME\" \"$CARGO_HOME\" && cp \"$1\" \"$CARGO_HOME/config.toml\" \
                      && cd \"$2\" && shift 2 && exec \"$@\"";
        let mut command: Vec<String> = ["sh", "-c", script, "build"].map(str::to_owned).to_vec();
        command.push(format!("{}/cargo.toml", paths.inputs));
        command.push(directory);
        let bill = format!("{}/{bill}", paths.inputs);
        command.extend(product.command(project.profile.as_deref(), &paths.output, &bill));
        let mut run = Run::new(command)
            .input(self.path("sources"), &conditions.sources)
            .input(&inputs.crates.directory, &conditions.crates)
            .input(self.path("tools"), TOOLS)
            .input(self.path("inputs"), INPUTS)
            .output(self.output(), OUTPUT);
        if inputs.shows_toolchain {
            run.mounts.push(inputs.toolchain.mount());
        }
        run.tmpfs.push(Tmpfs { target: conditions.target.clone(), megabytes: TARGET_MEGABYTES });
        run.environment = conditions.environment(&paths, source_date_epoch);
        if let Some(python) = python {
            run = self.show_python(host, run, python, ("tools", TOOLS), inside)?;
        }
        run.umask = conditions.umask;
        run.host_name = conditions.host_name.clone();
        run.user = conditions.user;
        run.limits = Limits { time: Some(BUILD_LIMIT), ..run.limits };
        Ok(run)
    }

    /// Makes maturin leave its own bill of materials out of the wheel: that one names the directory
    /// of the sources. Ours takes its place.
    fn leave_out_the_other_bill(&self, host: &Host, directory: &Path) -> Result<()> {
        let path = self.path("sources").join(directory).join("pyproject.toml");
        let text = host.read_text(&path, MANIFEST_LIMIT).map_err(Error::read(&path))?;
        let wrong = |reason: &str| Error::Project {
            path: directory.join("pyproject.toml"),
            reason: reason.to_owned(),
            cure: "correct it".to_owned(),
        };
        let mut document: toml::Table =
            toml::from_str(&text).map_err(|error| wrong(error.message()))?;
        let mut table = &mut document;
        for name in ["tool", "maturin", "sbom"] {
            let entry = table.entry(name).or_insert_with(|| toml::Table::new().into());
            table = entry.as_table_mut().ok_or_else(|| wrong(&format!("{name} is no table")))?;
        }
        table.insert("rust".to_owned(), false.into());
        let text = toml::to_string(&document).map_err(|error| wrong(&error.to_string()))?;
        host::write_atomically(&path, text.as_bytes()).map_err(Error::write(&path))
    }

    /// Makes cargo take every crate from where it was vendored: what a project's own configuration
    /// says of mirrors holds for fetching.
    fn leave_out_other_sources(&self, host: &Host, sources: &Sources) -> Result<()> {
        let is_config = |path: &Path| {
            ["config.toml", "config"]
                .iter()
                .any(|name| path.ends_with(Path::new(".cargo").join(name)))
        };
        for file in sources.files.iter().filter(|file| is_config(&file.path)) {
            let path = self.path("sources").join(&file.path);
            let text = host.read_text(&path, MANIFEST_LIMIT).map_err(Error::read(&path))?;
            // What is no TOML is for cargo to refuse.
            let Ok(mut table) = toml::from_str::<toml::Table>(&text) else { continue };
            if table.remove("source").is_some() {
                let text = toml::to_string(&table).unwrap_or_default();
                host::write_atomically(&path, text.as_bytes()).map_err(Error::write(&path))?;
            }
        }
        Ok(())
    }

    /// The command that installs a wheel where there is no Rust, and uses it in a directory that has
    /// none of the sources.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn test(
        &self,
        host: &Host,
        wheel: &Path,
        trial: &Trial<'_>,
        inside: &dyn Fn(&str) -> String,
    ) -> Result<Run> {
        let Trial { others, modules, smoke, python } = *trial;
        let copy = |from: &Path, name: &str| -> Result<()> {
            let to = self.path("inputs").join(name);
            to.parent().map_or(Ok(()), host::create_directory).map_err(Error::write(&to))?;
            host::copy_file(from, &to).map_err(Error::write(&to))?;
            host::set_mode(&to, 0o644).map_err(Error::write(&to))
        };
        let name =
            |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for path in others.iter().map(PathBuf::as_path).chain([wheel]) {
            copy(path, &format!("wheels/{}", name(path)))?;
        }
        if let Some(smoke) = smoke {
            copy(smoke, "smoke.py")?;
        }
        let (inputs, temporary) = (inside(INPUTS), inside("/tmp"));
        let installed = format!("{temporary}/venv/bin/python");
        let mut script = format!(
            "set -eu; mkdir -p {temporary}/elsewhere; cd {temporary}/elsewhere\n\
             python3 -m venv {temporary}/venv\n\
             {installed} -m pip install --quiet --no-index --no-deps --disable-pip-version-check \
             --no-cache-dir {inputs}/wheels/*.whl\n"
        );
        for module in modules {
            script.push_str(&format!("{installed} -I -c 'import {module}'\n"));
        }
        if smoke.is_some() {
            script.push_str(&format!("{installed} -I {inputs}/smoke.py\n"));
        }
        let mut run = Run::new(["sh", "-c", &script])
            .input(self.path("inputs"), INPUTS)
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", format!("{temporary}/home"))
            .env("TMPDIR", &temporary)
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .env("PYTHONDONTWRITEBYTECODE", "1");
        run.limits = Limits { time: Some(TEST_LIMIT), ..run.limits };
        if let Some(python) = python {
            run = self.show_python(host, run, python, ("inputs", INPUTS), inside)?;
        }
        Ok(run)
    }

    /// Shows a Python of this machine to a command, before all others. Its shared library, if it has
    /// one, is put where the command finds it: the program looks where it was installed.
    fn show_python(
        &self,
        host: &Host,
        run: Run,
        python: &Interpreter,
        (name, target): (&str, &str),
        inside: &dyn Fn(&str) -> String,
    ) -> Result<Run> {
        let mut run = run.input(&python.prefix, PYTHON);
        let directory = format!("{}/bin", inside(PYTHON));
        let path = run.environment.entry("PATH".to_owned()).or_default();
        *path = format!("{directory}:{path}");
        let library = format!("libpython{}.so.1.0", python.version);
        let from = python.prefix.join("lib").join(&library);
        if host.is_file(&from) {
            let to = self.path(name).join("lib").join(&library);
            to.parent().map_or(Ok(()), host::create_directory).map_err(Error::write(&to))?;
            host::copy_file(&from, &to).map_err(Error::write(&to))?;
            host::set_mode(&to, 0o755).map_err(Error::write(&to))?;
            run = run.env("LD_LIBRARY_PATH", format!("{}/lib", inside(target)));
        }
        Ok(run)
    }
}

fn join(root: &str, relative: &Path) -> String {
    let parts = relative.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
    std::iter::once(root.to_owned()).chain(parts).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::super::sources::SourceFile;
    use super::*;

    #[test]
    fn maturin_is_told_to_leave_its_bill_out_and_nothing_else_changes() {
        let directory = tempfile::tempdir().unwrap();
        let stage = Stage::new(directory.path()).unwrap();
        let host = Host::current().unwrap();
        let path = stage.path("sources").join("python/pyproject.toml");
        for text in ["", "[tool.maturin]\nstrip = true\n", "[tool.maturin.sbom]\nrust = true\n"] {
            host::write_atomically(&path, text.as_bytes()).unwrap();
            stage.leave_out_the_other_bill(&host, Path::new("python")).unwrap();
            let table: toml::Table =
                toml::from_str(&fs_err::read_to_string(&path).unwrap()).unwrap();
            let maturin = table["tool"]["maturin"].as_table().unwrap();
            assert_eq!(maturin["sbom"]["rust"].as_bool(), Some(false));
            assert_eq!(maturin.contains_key("strip"), text.contains("strip"));
        }
        for text in ["tool = 1", "[tool.maturin]\nsbom = true", "="] {
            host::write_atomically(&path, text.as_bytes()).unwrap();
            assert!(stage.leave_out_the_other_bill(&host, Path::new("python")).is_err());
        }
    }

    #[test]
    fn mirrors_of_the_project_are_left_out_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let stage = Stage::new(directory.path()).unwrap();
        let host = Host::current().unwrap();
        let name = PathBuf::from("part/.cargo/config.toml");
        let path = stage.path("sources").join(&name);
        let text = "[build]\nincremental = false\n[source.crates-io]\nreplace-with = \"mirror\"\n";
        host::write_atomically(&path, text.as_bytes()).unwrap();
        let sources = Sources {
            files: vec![SourceFile { path: name, executable: false, link: false }],
            revision: None,
            committed: None,
            modified: Vec::new(),
            untracked: Vec::new(),
        };
        stage.leave_out_other_sources(&host, &sources).unwrap();
        let left = fs_err::read_to_string(&path).unwrap();
        assert!(left.contains("incremental") && !left.contains("mirror"), "{left}");
    }

    #[test]
    fn places_in_the_build_are_joined_as_there() {
        assert_eq!(join("/build", Path::new("")), "/build");
        assert_eq!(join("/build", Path::new("crates/python")), "/build/crates/python");
    }
}
