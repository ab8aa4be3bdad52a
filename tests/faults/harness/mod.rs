//! A machine of its own for every test: its own home, project, cache and environment variables,
//! with real interpreters, real installers and real mounts in it.
//!
//! A test is one call of [`sandbox`]:
//!
//! ```ignore
//! #[test]
//! fn a_venv_whose_base_is_gone() {
//!     sandbox(|sandbox| {
//!         let python = sandbox.python("3.11");
//!         let venv = sandbox.venv(&python, ".venv");
//!         sandbox.replace_with_link(&venv.executable, "/nowhere/python3.11");
//!         sandbox.doctor().only(&["ENV001"]).apply_fix("ENV001").gone("ENV001");
//!     });
//! }
//! ```
//!
//! Files of an environment may be links: to the interpreter of the machine, or into a cache that
//! all tests share. So nothing is ever changed in place. [`Sandbox::replace`] and its kind remove
//! what is there, make a new file, and refuse a path that leads out of the sandbox; nothing else
//! in these tests writes files.

mod conda;
mod diagnosis;
mod environments;
mod mounts;
mod projects;
mod pythons;
mod record;
mod shield;
mod skip;
mod tools;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use host::{Host, Invocation, Output};

pub(crate) use diagnosis::Diagnosis;
pub(crate) use environments::Environment;
pub(crate) use pythons::Python;
pub(crate) use skip::skip;

/// How long one command of a test may take: pip may have to download.
const COMMAND_LIMIT: Duration = Duration::from_secs(300);

/// One test's own machine. Everything in it is removed at the end, mounts first.
pub(crate) struct Sandbox {
    root: tempfile::TempDir,
    project: RefCell<PathBuf>,
    variables: RefCell<BTreeMap<String, OsString>>,
    path: RefCell<Vec<PathBuf>>,
    mounts: RefCell<Vec<PathBuf>>,
    host: Host,
    /// The test, as the runner names it.
    test: String,
    record: record::Record,
}

/// Runs a test in a sandbox. A test that cannot run here ends through [`skip`].
#[track_caller]
pub(crate) fn sandbox<F: FnOnce(&Sandbox)>(test: F) {
    let name = std::any::type_name::<F>();
    skip::catch(name, || test(&Sandbox::new(skip::test_name(name))));
}

impl Sandbox {
    fn new(test: String) -> Self {
        let host = Host::current().unwrap();
        let base = host.variables.path("TRUEWHEEL_TEST_TMPDIR");
        let mut builder = tempfile::Builder::new();
        let builder = builder.prefix("tw-");
        let root = match base {
            Some(base) => builder.tempdir_in(base).unwrap(),
            None => builder.tempdir().unwrap(),
        };
        let sandbox = Self {
            project: RefCell::new(root.path().join("project")),
            root,
            variables: RefCell::default(),
            path: RefCell::default(),
            mounts: RefCell::default(),
            host,
            test,
            record: record::Record::default(),
        };
        for name in ["home", "project", "cache", "tmp", "bin"] {
            fs_err::create_dir(sandbox.path(name)).unwrap();
        }
        *sandbox.path.borrow_mut() =
            [tools::rust_programs(), PathBuf::from("/usr/bin"), PathBuf::from("/bin")].into();
        for (name, directory) in [
            ("HOME", "home"),
            ("TMPDIR", "tmp"),
            ("TRUEWHEEL_CACHE_DIR", "cache/truewheel"),
            ("XDG_CACHE_HOME", "cache"),
        ] {
            sandbox.set(name, sandbox.path(directory));
        }
        sandbox.set("LANG", "C.UTF-8");
        sandbox
    }

    /// A path in the sandbox.
    pub(crate) fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.path().join(relative)
    }

    /// The project that the doctor looks at.
    pub(crate) fn project(&self) -> PathBuf {
        self.project.borrow().clone()
    }

    /// Makes another directory of the sandbox the project.
    pub(crate) fn set_project(&self, relative: impl AsRef<Path>) {
        let project = self.path(relative);
        fs_err::create_dir_all(&project).unwrap();
        *self.project.borrow_mut() = project;
    }

    /// The home directory.
    pub(crate) fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// Whether there is anything at a path.
    pub(crate) fn exists(&self, path: &Path) -> bool {
        self.host.exists(path)
    }

    /// Sets an environment variable.
    pub(crate) fn set(&self, name: &str, value: impl AsRef<OsStr>) {
        self.variables.borrow_mut().insert(name.to_owned(), value.as_ref().to_owned());
    }

    /// The value of an environment variable.
    pub(crate) fn get(&self, name: &str) -> Option<OsString> {
        self.variables.borrow().get(name).cloned()
    }

    /// Sets an environment variable that may be `PATH`.
    fn set_variable(&self, name: &str, value: &str) {
        if name == "PATH" {
            *self.path.borrow_mut() = value.split(':').map(PathBuf::from).collect();
        } else {
            self.set(name, value);
        }
    }

    /// Removes an environment variable.
    pub(crate) fn unset(&self, name: &str) {
        self.variables.borrow_mut().remove(name);
    }

    /// Puts a directory at the front of `PATH`.
    pub(crate) fn prepend_path(&self, directory: &Path) {
        self.path.borrow_mut().insert(0, directory.to_path_buf());
    }

    /// Replaces `PATH` as a whole.
    pub(crate) fn set_path(&self, directories: &[&Path]) {
        *self.path.borrow_mut() = directories.iter().map(|path| path.to_path_buf()).collect();
    }

    /// Writes a file of the project, with its parent directories.
    pub(crate) fn write(&self, relative: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.project().join(relative);
        self.replace(&path, contents);
        path
    }

    /// Puts a new file in the place of whatever is there.
    pub(crate) fn replace(&self, path: &Path, contents: impl AsRef<[u8]>) {
        self.make_room(path);
        let mut file = new_file(path);
        file.write_all(contents.as_ref()).unwrap();
    }

    /// Puts a new file of this length in the place of whatever is there. It is all zeros and takes
    /// no room on the disk.
    pub(crate) fn replace_with_zeros(&self, path: &Path, length: u64) {
        self.make_room(path);
        new_file(path).set_len(length).unwrap();
    }

    /// Puts a symbolic link in the place of whatever is there.
    pub(crate) fn replace_with_link(&self, path: &Path, target: impl AsRef<Path>) {
        self.make_room(path);
        fs_err::os::unix::fs::symlink(target, path).unwrap();
    }

    /// Puts an empty directory in the place of whatever is there.
    pub(crate) fn replace_with_directory(&self, path: &Path) {
        self.make_room(path);
        fs_err::create_dir(path).unwrap();
    }

    /// Puts a pipe in the place of whatever is there; who opens it waits for ever.
    pub(crate) fn replace_with_pipe(&self, path: &Path) {
        self.make_room(path);
        self.run("mkfifo", [path]);
    }

    /// Removes whatever is there, and makes the directory it is in.
    pub(crate) fn make_room(&self, path: &Path) {
        shield::assert_inside(&self.host, self.root.path(), path);
        match fs_err::symlink_metadata(path) {
            Ok(metadata) if metadata.is_dir() => fs_err::remove_dir_all(path).unwrap(),
            Ok(_) => fs_err::remove_file(path).unwrap(),
            Err(_) => fs_err::create_dir_all(path.parent().unwrap()).unwrap(),
        }
    }

    /// Sets the permissions of a file or directory that is no link.
    pub(crate) fn set_mode(&self, path: &Path, mode: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        if path != self.root.path() {
            shield::assert_inside(&self.host, self.root.path(), path);
        }
        assert!(!fs_err::symlink_metadata(path).unwrap().is_symlink(), "{}", path.display());
        fs_err::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Gives a path of the sandbox, and everything in it, to another user. Only root can do that.
    pub(crate) fn give_to(&self, user: u32, relative: impl AsRef<Path>) {
        if self.host.user_id != Some(0) {
            skip("only root can give files away");
        }
        let owner = format!("{user}:{user}");
        let arguments = ["-h", "-R", owner.as_str()];
        let command = Invocation::new("chown").args(arguments).arg(self.path(relative));
        expect_success(&command, &finish(&command));
    }

    /// Changes a file of the project's `target` in place, and so under every name that cargo gave
    /// it. Nothing there is shared with other tests or with the machine.
    pub(crate) fn overwrite_build_output(&self, path: &Path, contents: impl AsRef<[u8]>) {
        let target = self.project().join("target");
        shield::assert_inside(&self.host, &target, path);
        assert!(!fs_err::symlink_metadata(path).unwrap().is_symlink(), "{}", path.display());
        fs_err::write(path, contents).unwrap();
    }

    /// Sets the time of the last change of a file that is no link.
    pub(crate) fn set_modified(&self, path: &Path, time: SystemTime) {
        shield::assert_inside(&self.host, self.root.path(), path);
        assert!(!fs_err::symlink_metadata(path).unwrap().is_symlink(), "{}", path.display());
        let file = fs_err::OpenOptions::new().write(true).open(path).unwrap();
        file.file().set_modified(time).unwrap();
    }

    /// Writes an executable file.
    pub(crate) fn write_program(&self, path: &Path, contents: impl AsRef<[u8]>) {
        self.replace(path, contents);
        self.set_mode(path, 0o755);
    }

    /// Runs a command in the project, with the sandbox's variables, and expects it to succeed.
    #[track_caller]
    pub(crate) fn run<A: AsRef<OsStr>>(
        &self,
        program: impl AsRef<OsStr>,
        arguments: impl IntoIterator<Item = A>,
    ) -> String {
        let command = self.shielded(program).args(arguments);
        let output = finish(&command);
        expect_success(&command, &output);
        output.stdout_text()
    }

    /// Runs a command that needs an index of packages; where there is no network the test is
    /// skipped.
    #[track_caller]
    pub(crate) fn run_installer(&self, command: &Invocation) {
        let command = self.with_network(command);
        let output = finish(&command);
        if !output.success() && tools::is_network_failure(&output.stderr_text()) {
            skip("the package index cannot be reached");
        }
        expect_success(&command, &output);
    }

    /// The command with the user's own settings for reaching an index of packages.
    pub(crate) fn with_network(&self, command: &Invocation) -> Invocation {
        tools::network_variables()
            .into_iter()
            .fold(command.clone(), |command, (name, value)| command.env(name, value))
    }

    /// A command in the project with the sandbox's variables and no others, that cannot change the
    /// interpreters of the machine.
    pub(crate) fn shielded(&self, program: impl AsRef<OsStr>) -> Invocation {
        let program = self.find(program.as_ref());
        match shield::prefix().split_first() {
            Some((first, rest)) => self.bare(first).args(rest).arg(program),
            None => self.bare(program),
        }
    }

    /// The same without that protection, for the doctor and for mounts.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Invocation {
        self.bare(self.find(program.as_ref()))
    }

    fn bare(&self, program: impl AsRef<OsStr>) -> Invocation {
        let path: Vec<OsString> =
            self.path.borrow().iter().map(|place| place.as_os_str().to_owned()).collect();
        let command = Invocation::new(program)
            .clear_env()
            .directory(self.project())
            .timeout(COMMAND_LIMIT)
            .env("PATH", path.join(OsStr::new(":")));
        let variables = self.variables.borrow();
        variables.iter().fold(command, |command, (name, value)| command.env(name, value))
    }

    /// The program that a name means: the sandbox's `PATH` decides, not that of the test.
    fn find(&self, program: &OsStr) -> PathBuf {
        let program = Path::new(program);
        if program.components().count() > 1 {
            return program.to_path_buf();
        }
        let places = self.path.borrow();
        let mut found = places.iter().map(|place| place.join(program));
        found.find(|path| self.host.is_executable(path)).unwrap_or_else(|| program.to_path_buf())
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.unmount_all();
    }
}

/// A file that was not there before: a link is never followed.
fn new_file(path: &Path) -> fs_err::File {
    fs_err::OpenOptions::new().write(true).create_new(true).open(path).unwrap()
}

#[track_caller]
fn finish(command: &Invocation) -> Output {
    match command.output() {
        Ok(output) => output,
        Err(error) => panic!("{}: {error}", command.display()),
    }
}

#[track_caller]
fn expect_success(command: &Invocation, output: &Output) {
    assert!(
        output.success(),
        "{} ended with {:?}\n{}{}",
        command.display(),
        output.code,
        output.stdout_text(),
        output.stderr_text()
    );
}
