//! Files whose contents are well formed and mean harm.

use crate::harness::sandbox;

#[test]
fn homes_that_point_in_a_circle() {
    sandbox(|sandbox| {
        sandbox.maturin_project("0.27.1");
        for (one, other) in [("a", "b"), ("b", "a"), ("c", "c")] {
            let home = sandbox.project().join(other).join("bin");
            sandbox.write(format!("{one}/pyvenv.cfg"), format!("home = {}\n", home.display()));
            let python = sandbox.project().join(one).join("bin/python");
            sandbox.replace_with_link(&python, home.join("python"));
        }
        for active in ["a", "b", "c"] {
            sandbox.set("VIRTUAL_ENV", sandbox.project().join(active));
            sandbox.survives("environments that are made from each other");
        }
    });
}

#[test]
fn a_home_that_is_not_a_place() {
    sandbox(|sandbox| {
        sandbox.maturin_project("0.27.1");
        let long = "x/".repeat(100_000);
        for home in
            ["", ".", "..", "/", "/dev/zero", "/proc/self/root", "~", "\u{1b}[31mred", &long]
        {
            let text = format!("home = {home}\nversion = {home}\nversion_info = 9999999999.1\n");
            sandbox.write(".venv/pyvenv.cfg", text);
            sandbox.survives("a home that is not a place");
        }
    });
}

#[test]
fn records_that_lead_out_of_the_environment() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.12");
        let venv = sandbox.uv_venv(&python, ".venv");
        sandbox.fake_package(&venv, "demo", "1.0");
        sandbox.activate(&venv);
        let record = venv.site_packages().join("demo-1.0.dist-info/RECORD");
        let hostile = [
            "../".repeat(50) + "etc/passwd.so,,",
            "/etc/shadow.so,,".to_owned(),
            "/dev/zero.so,,".to_owned(),
            "\"un\"\"closed.so,,".to_owned(),
            ",".repeat(100_000),
            "a/".repeat(50_000) + "x.so,,",
            "nul\0inside.so,,".to_owned(),
        ];
        sandbox.replace(&record, hostile.join("\n"));
        sandbox.survives("a RECORD that leads everywhere");
    });
}

#[test]
fn versions_that_are_none() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.12");
        let venv = sandbox.uv_venv(&python, ".venv");
        sandbox.activate(&venv);
        let digits = "9".repeat(10_000);
        for version in
            ["", "x", "1!!2", &digits, "1.0+\u{202e}", "../../..", "99999999999999999999.1"]
        {
            let name = version.replace('/', "_").chars().take(100).collect::<String>();
            let info = venv.site_packages().join(format!("numpy-{name}.dist-info"));
            let metadata = format!("Metadata-Version: 2.1\nName: numpy\nVersion: {version}\n");
            sandbox.replace(&info.join("METADATA"), metadata);
        }
        sandbox.survives("versions that are none");
    });
}

#[test]
fn a_lock_with_a_hundred_thousand_packages() {
    sandbox(|sandbox| {
        sandbox.maturin_project("0.27.1");
        let package = |n: usize| {
            format!(
                "[[package]]\nname = \"pyo3\"\nversion = \"0.{n}.0\"\ndependencies = [\"pyo3\"]\n\n"
            )
        };
        let packages: String = (0..100_000).map(package).collect();
        sandbox.write("Cargo.lock", format!("version = 4\n\n{packages}"));
        sandbox.survives("a Cargo.lock with a hundred thousand versions of one crate");
    });
}

#[test]
fn manifests_that_contain_themselves() {
    sandbox(|sandbox| {
        sandbox.maturin_project("0.27.1");
        sandbox.write(
            "Cargo.toml",
            "[package]\nname = \"demo\"\nversion = \"0.1.0\"\nworkspace = \".\"\n\
             [workspace]\nmembers = [\".\", \"../*\", \"**\", \"./.\"]\n\
             [dependencies]\ndemo = { path = \".\" }\npyo3 = { path = \"../project\" }\n",
        );
        sandbox.survives("a workspace that is its own member");
        let deep = format!("a{} = 1\n", ".a".repeat(50_000));
        sandbox.write("pyproject.toml", deep);
        sandbox.survives("a key with fifty thousand dots");
    });
}

#[test]
fn types_that_nobody_expects() {
    sandbox(|sandbox| {
        sandbox.maturin_project("0.27.1");
        for text in [
            "project = 3\n",
            "[project]\nname = []\nversion = {}\nrequires-python = 3.8\ndependencies = \"x\"\n",
            "[build-system]\nrequires = 1\nbuild-backend = [\"maturin\"]\n",
            "[tool]\nmaturin = 1\nuv = []\n",
            "[tool.maturin]\nmodule-name = 1\npython-source = []\nmanifest-path = {}\n",
            "[tool.uv]\ncache-keys = \"x\"\nworkspace = 3\n",
            "[project]\nname = \"demo\"\nversion = \"1\"\nrequires-python = \">=3.8,<=x\"\n",
        ] {
            sandbox.write("pyproject.toml", text);
            sandbox.survives(text);
        }
        for text in [
            "package = 1\n",
            "[package]\nname = 1\n",
            "[lib]\nname = []\ncrate-type = \"cdylib\"\n[dependencies]\npyo3 = 1\nnumpy = []\n",
            "[dependencies]\npyo3 = { version = \"not a version\", features = \"x\" }\n",
            "[features]\ndefault = [\"default\", \"a\"]\na = [\"b\"]\nb = [\"a\"]\n",
        ] {
            sandbox.write("Cargo.toml", text);
            sandbox.survives(text);
        }
    });
}

#[test]
fn conda_records_that_nobody_expects() {
    sandbox(|sandbox| {
        let prefix = sandbox.home().join("miniforge3");
        sandbox.fake_conda(&prefix, "3.12.1");
        sandbox.set("CONDA_PREFIX", &prefix);
        for (number, text) in [
            "[]",
            "null",
            "{\"name\": [], \"version\": {}, \"build\": 3}",
            "{\"name\": \"numpy\", \"version\": \"x\", \"files\": 3, \"paths_data\": []}",
            "{\"name\": \"numpy\", \"name\": \"numpy\", \"version\": \"1e999\"}",
            "{\"name\": \"\\ud800\"}",
        ]
        .iter()
        .enumerate()
        {
            sandbox.replace(&prefix.join(format!("conda-meta/numpy-{number}-0.json")), text);
        }
        let environments = format!("{}\n", "/nowhere/".repeat(1000)).repeat(1000);
        sandbox.replace(&sandbox.home().join(".conda/environments.txt"), environments);
        sandbox.survives("conda records that are none");
    });
}

#[test]
fn variables_that_nobody_expects() {
    sandbox(|sandbox| {
        sandbox.maturin_project("0.27.1");
        let long = "x".repeat(100_000);
        for name in [
            "VIRTUAL_ENV",
            "CONDA_PREFIX",
            "PYO3_PYTHON",
            "PYTHONPATH",
            "PYTHONHOME",
            "CARGO_TARGET_DIR",
            "CARGO_HOME",
            "TMPDIR",
            "WORKON_HOME",
            "PYENV_ROOT",
            "UV_PYTHON",
            "RUSTFLAGS",
            "HOME",
        ] {
            for value in ["", " ", "relative", "/dev/null", "/dev/zero", "a\nb", &long] {
                let before = sandbox.get(name);
                sandbox.set(name, value);
                let short: String = value.chars().take(10).collect();
                sandbox.survives(&format!("{name}={short:?}"));
                match before {
                    Some(before) => sandbox.set(name, before),
                    None => sandbox.unset(name),
                }
            }
        }
    });
}

#[test]
fn a_bad_configuration_is_refused_and_named() {
    sandbox(|sandbox| {
        sandbox.maturin_project("0.27.1");
        let nested = "[".repeat(100_000);
        for text in ["[", "no-such-key = 1\n", "\0", &nested, "suppress = 3\n"] {
            sandbox.write("truewheel.toml", text);
            let output = sandbox.doctor_output(&["--format", "json"]);
            let stderr = output.stderr_text();
            assert_eq!(output.code, Some(3), "{text:.20}: {stderr}");
            assert!(stderr.contains("truewheel.toml"), "{stderr}");
            assert!(!stderr.contains("panicked"), "{stderr}");
            assert_eq!(output.stdout_text(), "");
        }
    });
}
