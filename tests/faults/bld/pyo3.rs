//! What cargo keeps of PyO3's build script, when the Python that it asked changes.

use report::Severity;

use crate::harness::sandbox;

#[test]
fn an_environment_that_was_made_anew_with_another_python() {
    sandbox(|sandbox| {
        let host = host::Host::current().unwrap();
        let home = host.variables.path("CARGO_HOME");
        let home = home.or_else(|| Some(host.home.as_ref()?.join(".cargo"))).unwrap();
        sandbox.maturin_project("0.22.6");
        sandbox.make_room(&sandbox.project().join("Cargo.lock"));
        sandbox.set("CARGO_HOME", &home);
        sandbox.offer_maturin();
        let old = sandbox.python("3.11");
        let venv = sandbox.venv(&old, ".venv");
        sandbox.activate(&venv);
        let check = || sandbox.run_installer(&sandbox.command("cargo").args(["check", "--quiet"]));
        check();
        sandbox.doctor().silent().gone("BLD011").gone("BLD012");

        // An editor that was started from another environment.
        let other = sandbox.venv(&old, "other");
        sandbox.set("VIRTUAL_ENV", sandbox.project().join("other"));
        sandbox
            .doctor()
            .severity("BLD011", Severity::Info)
            .message_contains("BLD011", "takes other/bin/python")
            .evidence_contains("BLD011", "the last build took Python 3.11")
            .apply_fix("BLD011")
            .gone("BLD011");
        assert!(sandbox.exists(&other.executable));
        check();
        sandbox.set("VIRTUAL_ENV", sandbox.project().join(".venv"));
        // Whatever a terminal has active, PyO3 is not compiled anew.
        let again = sandbox.command("cargo").args(["check", "-v", "--offline"]).output().unwrap();
        assert!(again.stderr_text().contains("Fresh pyo3-ffi"), "{}", again.stderr_text());
        assert_eq!(sandbox.doctor_output(&["--undo", "last"]).code, Some(0));
        assert!(!sandbox.exists(&sandbox.project().join(".cargo")));
        check();

        fs_err::remove_dir_all(sandbox.project().join(".venv")).unwrap();
        let new = sandbox.python_off_path("3.12");
        sandbox.venv(&new, ".venv");
        // Every variable is the same, so cargo sees no reason to ask again.
        check();
        sandbox
            .doctor()
            .only(&["BLD012"])
            .message_contains("BLD012", "PyO3 was built for Python 3.11")
            .apply_fix("BLD012")
            .silent()
            .gone("BLD012");
        check();
        sandbox.doctor().silent().gone("BLD011").gone("BLD012");
    });
}
