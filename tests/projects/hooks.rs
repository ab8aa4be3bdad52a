//! The hooks for pre-commit, run by pre-commit itself in a repository of git.

use std::path::{Path, PathBuf};

use host::{Invocation, Output};

use crate::sources::{Workshop, succeed};

const HOOKS: &str = include_str!("../../.pre-commit-hooks.yaml");

/// A data file in which nothing is wrong.
fn array() -> Vec<u8> {
    let header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }";
    [b"\x93NUMPY\x01\0", &[header.len() as u8, 0][..], header, &[0; 4]].concat()
}

struct Repository<'a> {
    workshop: &'a Workshop,
    hook: PathBuf,
}

impl Repository<'_> {
    fn git(&self, directory: &Path, arguments: &[&str]) {
        succeed(self.clean("git").args(arguments).directory(directory));
    }

    fn clean(&self, program: impl AsRef<Path>) -> Invocation {
        let own = Path::new(env!("CARGO_BIN_EXE_truewheel")).parent().unwrap().to_owned();
        let python = self.workshop.python().parent().unwrap().to_owned();
        let places = [own, python, "/usr/bin".into(), "/bin".into()];
        let mut call = Invocation::new(program.as_ref())
            .clear_env()
            .env("HOME", self.workshop.path("home"))
            .env("PATH", std::env::join_paths(places).unwrap())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("TRUEWHEEL_CACHE_DIR", self.workshop.path("cache"));
        for who in ["AUTHOR", "COMMITTER"] {
            call =
                call.env(format!("GIT_{who}_NAME"), "a").env(format!("GIT_{who}_EMAIL"), "a@b.c");
        }
        call
    }

    fn commit(&self, directory: &Path) {
        self.git(directory, &["add", "--all"]);
        self.git(directory, &["commit", "--quiet", "--no-verify", "--message", "x"]);
    }

    fn run(&self, project: &Path) -> Output {
        self.git(project, &["add", "--all"]);
        let call = self.clean(&self.hook).arg("run").directory(project);
        call.timeout(crate::sources::LIMIT).output().unwrap()
    }
}

#[test]
fn pre_commit_runs_the_doctor_and_scans_what_changed() {
    let test = "hooks::pre_commit_runs_the_doctor_and_scans_what_changed";
    let Some(workshop) = Workshop::new(test) else { return };
    let hook = workshop.installed("pre-commit==4.0.1", "pre-commit");
    let repository = Repository { workshop: &workshop, hook };
    let (hooks, project) = (workshop.path("hooks"), workshop.path("project"));
    for directory in [&hooks, &project] {
        fs_err::create_dir(directory).unwrap();
        repository.git(directory, &["init", "--quiet"]);
    }
    fs_err::write(hooks.join(".pre-commit-hooks.yaml"), HOOKS).unwrap();
    repository.commit(&hooks);
    repository.git(&hooks, &["tag", "v1"]);
    let configuration = format!(
        "repos:\n- repo: {}\n  rev: v1\n  hooks:\n  - id: truewheel-doctor\n    args: [--only, ENV]\n\
         \x20 - id: truewheel-scan\n",
        hooks.display()
    );
    fs_err::write(project.join(".pre-commit-config.yaml"), configuration).unwrap();
    fs_err::write(project.join("good.npy"), array()).unwrap();
    let output = repository.run(&project);
    assert!(output.success(), "{}{}", output.stdout_text(), output.stderr_text());
    assert_eq!(output.stdout_text().matches("Passed").count(), 2, "{}", output.stdout_text());
    repository.commit(&project);

    // A file that runs something stops the commit; those that did not change are not looked at.
    fs_err::write(project.join("bad.pkl"), b"cos\nsystem\n(S'true'\ntR.").unwrap();
    let output = repository.run(&project);
    assert_eq!(output.code, Some(1), "{}", output.stderr_text());
    let told = output.stdout_text();
    assert!(told.contains("bad.pkl") && told.contains("DAT003"), "{told}");
    assert!(!told.contains("good.npy"), "{told}");
    fs_err::remove_file(project.join("bad.pkl")).unwrap();

    // So does an environment that is broken.
    let venv = project.join(".venv");
    fs_err::create_dir_all(venv.join("bin")).unwrap();
    fs_err::write(venv.join("pyvenv.cfg"), "home = /nowhere/bin\nversion = 3.12.1\n").unwrap();
    fs_err::os::unix::fs::symlink("/nowhere/bin/python3.12", venv.join("bin/python")).unwrap();
    fs_err::write(project.join(".gitignore"), ".venv/\n").unwrap();
    let output = repository.run(&project);
    assert_eq!(output.code, Some(1), "{}", output.stdout_text());
    assert!(output.stdout_text().contains("ENV001"), "{}", output.stdout_text());
}
