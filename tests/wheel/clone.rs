//! A copy of the sources, as a clone has them: it is built into an environment with `maturin
//! develop`, and the doctor judges the module that came of it.

use std::path::Path;
use std::time::{Duration, SystemTime};

use host::{FileKind, Host, Invocation};
use serde_json::Value;

use crate::build::{compiled, root, wheel};
use crate::environments::{Tools, python_of, run};

/// Everything but what was built.
fn copy(host: &Host, from: &Path, to: &Path) {
    fs_err::create_dir_all(to).unwrap();
    for entry in host.list(from, 10_000).unwrap() {
        let name = entry.name_text().unwrap();
        let (source, copied) = (from.join(name), to.join(name));
        let is_built = name.starts_with("_native.") && !name.ends_with(".pyi");
        match entry.kind {
            FileKind::Directory if !matches!(name, ".git" | "target" | "__pycache__" | ".venv") => {
                copy(host, &source, &copied);
            }
            FileKind::File if name != ".git" && !is_built => {
                fs_err::copy(&source, &copied).unwrap();
            }
            _ => {}
        }
    }
}

/// Codes of what the checks of extension modules found in a project.
fn found(project: &Path, has_module: bool) -> Vec<String> {
    let doctor = Invocation::new(env!("CARGO_BIN_EXE_truewheel"))
        .args(["doctor", "--only", "EXT", "--format", "json", "--project"])
        .arg(project)
        .without_env("VIRTUAL_ENV")
        .env("TRUEWHEEL_CACHE_DIR", project.join(".venv/truewheel-cache"));
    let output = doctor.output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("no report ({error}): {}", output.stderr_text()));
    let judged = report["checks"].as_array().unwrap();
    // Some are for other systems, and some have nothing to judge where there is no module.
    let is_for_another = |check: &&Value| {
        let is_one =
            |reason: &str| reason.starts_with("not ") || (!has_module && reason.contains("module"));
        check["reason"].as_str().is_some_and(is_one)
    };
    let skipped: Vec<&Value> = judged
        .iter()
        .filter(|check| !matches!(outcome(check), "ok" | "findings"))
        .filter(|check| !is_for_another(check))
        .collect();
    assert!(skipped.is_empty() && judged.len() >= 7, "{judged:#?}");
    let findings = report["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

fn outcome(check: &Value) -> &str {
    check["outcome"].as_str().unwrap()
}

#[test]
fn maturin_develop_from_a_clone_and_what_the_doctor_says() {
    let test = "clone::maturin_develop_from_a_clone_and_what_the_doctor_says";
    let Some(tools) = Tools::find(test) else { return };
    // Two maturins at once take each other's library away: both put it aside at one place of the
    // directory in which they compile.
    wheel(&tools);
    let directory = tempfile::tempdir().unwrap();
    let clone = directory.path().join("truewheel");
    copy(&Host::current().unwrap(), &root(), &clone);
    let project = clone.join("crates/arrow-quant-python");
    let prefix = project.join(".venv");
    let base = tools.interpreter("3.11").unwrap();
    run(&tools.uv().args(["venv", "--quiet", "--python"]).arg(base).arg(&prefix));

    let develop = tools
        .maturin()
        .args(["develop", "--uv", "-m", "crates/arrow-quant-python/Cargo.toml", "--target-dir"])
        .arg(compiled())
        .env("VIRTUAL_ENV", &prefix)
        .directory(&clone);
    run(&develop);
    let script = "import arrow_quant_v2 as aq; print(aq.quantize({'a': [0.5] * 64}).num_rows)";
    let asked = Invocation::new(python_of(&prefix)).args(["-I", "-B", "-c", script]);
    assert_eq!(run(&asked).trim(), "1");
    assert_eq!(found(&project, true), Vec::<String>::new(), "a fresh module");

    // A build of another kind left a module that Python prefers.
    let module = project.join("python/arrow_quant_v2/_native.abi3.so");
    let stale = module.with_file_name("_native.cpython-311-x86_64-linux-gnu.so");
    fs_err::copy(&module, &stale).unwrap();
    let yesterday = SystemTime::now() - Duration::from_secs(90_000);
    fs_err::File::options().write(true).open(&stale).unwrap().set_modified(yesterday).unwrap();
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        // What is imported is that one, which is older than the sources.
        assert_eq!(found(&project, true), ["EXT001", "EXT008"]);
    }
    fs_err::remove_file(&stale).unwrap();

    // `git clean` took the module away.
    let aside = prefix.join("module");
    fs_err::rename(&module, &aside).unwrap();
    assert_eq!(found(&project, false), ["EXT004"]);
    fs_err::rename(&aside, &module).unwrap();

    // uv is not told of the sources of the core.
    let pyproject = project.join("pyproject.toml");
    let whole = fs_err::read_to_string(&pyproject).unwrap();
    let key = "    { file = \"../arrow-quant/src/**/*.rs\" },\n";
    assert_eq!(whole.matches(key).count(), 1);
    fs_err::write(&pyproject, whole.replace(key, "")).unwrap();
    assert_eq!(found(&project, true), ["EXT002"]);
    fs_err::write(&pyproject, whole).unwrap();
    assert_eq!(found(&project, true), Vec::<String>::new(), "everything is as it was");
}
