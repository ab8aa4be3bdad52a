//! Real mounts: without programs, read-only, full, without links, without case.

use report::Severity;

use super::{apply_as_root, builds, cargo_project, fails};
use crate::harness::sandbox;

#[test]
fn a_target_directory_on_a_noexec_mount() {
    sandbox(|sandbox| {
        cargo_project(sandbox);
        sandbox.doctor().silent();
        sandbox.mount_tmpfs("project/target", "noexec,size=1g");
        fails(sandbox, "Permission denied (os error 13)");
        sandbox
            .doctor()
            .only(&["FS003"])
            .severity("FS003", Severity::Error)
            .cause_contains("FS003", "noexec")
            .evidence_contains("FS003", "tmpfs mounted rw")
            .apply_fix("FS003")
            .silent();
        builds(sandbox);
    });
}

#[test]
fn a_target_directory_that_is_moved_for_good() {
    sandbox(|sandbox| {
        cargo_project(sandbox);
        let config = "# Ours.\n[build] # How.\njobs = 1\n";
        let file = sandbox.write(".cargo/config.toml", config);
        sandbox.mount_tmpfs("project/target", "noexec,size=1g");
        fails(sandbox, "Permission denied (os error 13)");
        sandbox.doctor().only(&["FS003"]).fixed("FS003");
        let text = fs_err::read_to_string(&file).unwrap();
        assert!(text.starts_with("# Ours.\n[build] # How.\ntarget-dir = \""), "{text}");
        sandbox.doctor().silent();
        builds(sandbox);
        assert_eq!(sandbox.doctor_output(&["--undo", "last"]).code, Some(0));
        assert_eq!(fs_err::read_to_string(&file).unwrap(), config);
        fails(sandbox, "Permission denied (os error 13)");
    });
}

#[test]
fn temporary_files_on_a_noexec_mount() {
    sandbox(|sandbox| {
        cargo_project(sandbox);
        let text = "//! ```\n//! assert_eq!(demo::one(), 1);\n//! ```\n\n/// 1.\npub fn one() -> u32 {\n    1\n}\n";
        sandbox.write("src/lib.rs", text);
        sandbox.mount_tmpfs("tmp", "noexec,size=1g");
        let tests = || sandbox.shielded("cargo").args(["test", "--offline", "--doc"]).output();
        let output = tests().unwrap();
        assert!(!output.success());
        assert!(output.stdout_text().contains("noexec"), "{}", output.stdout_text());
        sandbox
            .doctor()
            .only(&["FS003"])
            .severity("FS003", Severity::Warning)
            .evidence_contains("FS003", "chosen by TMPDIR")
            .apply_fix("FS003")
            .silent();
        assert!(tests().unwrap().success());
    });
}

#[test]
fn an_environment_on_a_noexec_mount() {
    sandbox(|sandbox| {
        sandbox.src_layout_project();
        let python = sandbox.python("3.11");
        let mount = sandbox.mount_tmpfs("project/.venv", "noexec,size=1g");
        let venv = sandbox.venv(&python, ".venv");
        assert!(sandbox.command(venv.program("pip")).arg("--version").output().is_err());
        let diagnosis = sandbox.doctor();
        diagnosis
            .only(&["FS003"])
            .message_contains("FS003", "compiled modules do not load")
            .evidence_contains("FS003", &mount.display().to_string());
        apply_as_root(sandbox, &diagnosis, "FS003");
        sandbox.doctor().silent();
        sandbox.run(venv.program("pip"), ["--version"]);
    });
}

#[test]
fn a_target_directory_on_a_read_only_mount() {
    sandbox(|sandbox| {
        cargo_project(sandbox);
        let mount = sandbox.mount_tmpfs("project/target", "size=1g");
        sandbox.doctor().silent();
        sandbox.remount(&mount, "ro");
        fails(sandbox, "Read-only file system (os error 30)");
        sandbox
            .doctor()
            .only(&["FS016"])
            .severity("FS016", Severity::Error)
            .apply_fix("FS016")
            .silent();
        builds(sandbox);
    });
}

#[test]
fn a_whole_project_on_a_read_only_mount() {
    sandbox(|sandbox| {
        let mount = sandbox.mount_tmpfs("project", "size=1g");
        cargo_project(sandbox);
        sandbox.remount(&mount, "ro");
        fails(sandbox, "Read-only file system (os error 30)");
        let diagnosis = sandbox.doctor();
        diagnosis.only(&["FS016"]).evidence_contains("FS016", "not made yet");
        // Sources may be read-only.
        diagnosis.apply_fix("FS016").silent();
        builds(sandbox);
    });
}

#[test]
fn a_target_directory_on_a_full_mount() {
    sandbox(|sandbox| {
        cargo_project(sandbox);
        sandbox.mount_tmpfs("project/target", "size=2m");
        // The linker dies in more than one way.
        fails(sandbox, "could not compile `demo`");
        sandbox
            .doctor()
            .only(&["FS009"])
            .severity("FS009", Severity::Error)
            .cause_contains("FS009", "full, or made too small")
            .apply_fix("FS009")
            .silent();
        builds(sandbox);
    });
}

#[test]
fn a_mount_without_inodes() {
    sandbox(|sandbox| {
        cargo_project(sandbox);
        sandbox.mount_tmpfs("project/target", "nr_inodes=20");
        fails(sandbox, "No space left on device (os error 28)");
        sandbox
            .doctor()
            .only(&["FS009"])
            .severity("FS009", Severity::Error)
            .cause_contains("FS009", "out of inodes")
            .apply_fix("FS009")
            .silent();
        builds(sandbox);
    });
}

#[test]
fn a_mounted_file_system_that_keeps_no_permission_to_run() {
    sandbox(|sandbox| {
        cargo_project(sandbox);
        sandbox.mount_without_programs("project/target");
        fails(sandbox, "(never executed)");
        let diagnosis = sandbox.doctor();
        diagnosis
            .only(&["FS002"])
            .severity("FS002", Severity::Error)
            .evidence_contains("FS002", "could not be started")
            // Its build scripts look as if an archive had lost their permissions.
            .folded("FS015", "FS002");
        diagnosis.apply_fix("FS002").silent();
        builds(sandbox);
    });
}

#[test]
fn a_mounted_file_system_without_hard_links() {
    sandbox(|sandbox| {
        cargo_project(sandbox);
        sandbox.mount_exfat("project/target");
        builds(sandbox);
        sandbox.write("src/lib.rs", "//! Two.\n\n/// 2.\npub fn two() -> u32 {\n    2\n}\n");
        let warned = super::cargo_build(sandbox).stderr_text();
        assert!(warned.contains("hard linking files"), "{warned}");
        let diagnosis = sandbox.doctor();
        diagnosis.silent().severity("FS005", Severity::Info);
        diagnosis.apply_fix("FS005").gone("FS005").silent();
    });
}

#[test]
fn uv_and_its_cache_on_two_mounts() {
    sandbox(|sandbox| {
        sandbox.src_layout_project();
        let python = sandbox.python("3.11");
        sandbox.uv_venv(&python, ".venv");
        sandbox.doctor().silent().gone("FS005");
        let cache = sandbox.mount_tmpfs("cache/uv", "size=1g");
        sandbox
            .doctor()
            .silent()
            .severity("FS005", Severity::Info)
            .evidence_contains("FS005", &cache.display().to_string())
            .apply_fix("FS005")
            .gone("FS005");
    });
}

#[test]
fn a_mount_inside_the_cache_of_uv() {
    sandbox(|sandbox| {
        sandbox.src_layout_project();
        let python = sandbox.python("3.11");
        let venv = sandbox.uv_venv(&python, ".venv");
        sandbox.offer_uv();
        let place = sandbox.path("cache/uv");
        let install = || {
            let command = sandbox
                .with_network(&sandbox.shielded("uv"))
                .env("UV_CACHE_DIR", &place)
                .args(["pip", "install", "--reinstall", "--python"])
                .arg(&venv.executable)
                .arg("six==1.16.0");
            command.output().unwrap()
        };
        // The index may be out of reach; then the rest shows nothing.
        sandbox.uv_pip_install(&venv, &["six==1.16.0"]);
        sandbox.mount_tmpfs("cache/uv/archive-v0", "size=1g");
        let output = install();
        let said = output.stderr_text();
        assert!(said.contains("Invalid cross-device link (os error 18)"), "{said}");
        let diagnosis = sandbox.doctor();
        diagnosis
            .only(&["FS008"])
            .severity("FS008", Severity::Error)
            .evidence_contains("FS008", "archive-v0");
        apply_as_root(sandbox, &diagnosis, "FS008");
        sandbox.doctor().silent();
        let output = install();
        assert!(output.success(), "{}", output.stderr_text());
    });
}

#[test]
fn names_on_a_mount_that_ignores_case() {
    sandbox(|sandbox| {
        sandbox.mount_exfat("project");
        sandbox.maturin_project("0.26.0");
        let misspelt = sandbox.project().join("python/Demo");
        fs_err::rename(sandbox.project().join("python/demo"), &misspelt).unwrap();
        // The other spelling finds it here.
        assert!(sandbox.exists(&sandbox.project().join("python/demo/__init__.py")));
        let diagnosis = sandbox.doctor();
        diagnosis
            .only(&["FS010"])
            .severity("FS010", Severity::Warning)
            .message_contains("FS010", "is not found on Linux");
        diagnosis.apply_fix("FS010").gone("FS010");
    });
}
