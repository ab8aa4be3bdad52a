//! Environments that a tool will throw away, or cannot install into.

use report::Severity;

use crate::harness::sandbox;

#[test]
fn uv_is_pinned_to_another_python() {
    sandbox(|sandbox| {
        sandbox.offer_uv();
        let other = sandbox.python("3.12");
        let python = sandbox.python("3.11");
        sandbox.set("UV_PYTHON_DOWNLOADS", "never");
        sandbox.write(
            "pyproject.toml",
            "[project]\nname = \"demo\"\nversion = \"0.1.0\"\nrequires-python = \">=3.9\"\n\
             [tool.uv]\npackage = false\n",
        );
        let venv = sandbox.uv_venv(&python, ".venv");
        let kept = venv.site_packages().join("by_hand.py");
        sandbox.replace(&kept, "");
        sandbox.write(".python-version", format!("{}\n", python.minor));
        sandbox.doctor().silent();
        sandbox.write(".python-version", format!("{}\n", other.minor));
        sandbox
            .doctor()
            .only(&["ENV008"])
            .severity("ENV008", Severity::Warning)
            .apply_fix("ENV008")
            .silent();
        sandbox.run("uv", ["sync", "--offline", "--quiet"]);
        assert!(sandbox.exists(&kept), "uv threw the environment away");
        // Without the cure uv does what the doctor says.
        sandbox.write(".python-version", format!("{}\n", other.minor));
        sandbox.doctor().only(&["ENV008"]);
        sandbox.run("uv", ["sync", "--offline", "--quiet"]);
        assert!(!sandbox.exists(&kept), "uv kept the environment");
        sandbox.doctor().silent();
    });
}

#[test]
fn maturin_finds_neither_pip_nor_uv() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.11");
        sandbox.offer_maturin();
        sandbox.write(
            "Cargo.toml",
            "[package]\nname = \"demo\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
        );
        sandbox.write("src/main.rs", "fn main() {}\n");
        sandbox.write(
            "pyproject.toml",
            "[build-system]\nrequires = [\"maturin>=1.9,<2.0\"]\nbuild-backend = \"maturin\"\n\
             [project]\nname = \"demo\"\nversion = \"0.1.0\"\n[tool.maturin]\nbindings = \"bin\"\n",
        );
        sandbox.run("cargo", ["generate-lockfile", "--offline", "--quiet"]);
        let venv = sandbox.venv_with(&python, ".venv", &["--without-pip"]);
        sandbox.activate(&venv);
        let output = sandbox.shielded("maturin").args(["develop", "--offline"]).output().unwrap();
        assert!(!output.success(), "{}", output.stderr_text());
        assert!(output.stderr_text().contains("Failed to find pip"), "{}", output.stderr_text());
        sandbox
            .doctor()
            .only(&["ENV009"])
            .severity("ENV009", Severity::Warning)
            .apply_fix("ENV009")
            .silent();
        sandbox.run("maturin", ["develop", "--offline", "--quiet"]);
    });
}
