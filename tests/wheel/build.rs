//! The wheel is built, once for all tests, and is what it should be.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::environments::{Tools, run};

/// Bytes that a wheel may have; Parquet is most of them.
const LARGEST: u64 = 4_000_000;

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_path_buf()
}

/// Where cargo builds.
pub(crate) fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().to_path_buf()
}

/// The directory in which the wheel is compiled; release builds of its own, kept from run to run.
pub(crate) fn compiled() -> PathBuf {
    target().join("wheel")
}

/// The wheel.
pub(crate) fn wheel(tools: &Tools) -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let wheels = target().join("wheels");
        // An older one would be taken for the one that is built.
        let _ = fs_err::remove_dir_all(&wheels);
        let build = tools
            .maturin()
            .args(["build", "-m", "crates/arrow-quant-python/Cargo.toml", "--interpreter"])
            .arg(tools.interpreter("3.11").unwrap())
            .arg("--target-dir")
            .arg(compiled())
            .arg("--out")
            .arg(&wheels)
            .directory(root());
        run(&build);
        let mut files = fs_err::read_dir(&wheels).unwrap();
        let wheel = files.next().unwrap().unwrap().path();
        assert!(files.next().is_none(), "more than one wheel in {}", wheels.display());
        wheel
    })
}

#[test]
fn one_small_wheel_fits_every_python() {
    let Some(tools) = Tools::find("build::one_small_wheel_fits_every_python") else { return };
    let wheel = wheel(&tools);
    let name = wheel.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("arrow_quant_v2-0.1.0-cp39-abi3-"), "{name}");
    let size = fs_err::metadata(wheel).unwrap().len();
    assert!(size < LARGEST, "{size} bytes");
    let script = "import sys, zipfile; print(*zipfile.ZipFile(sys.argv[1]).namelist(), sep='\\n')";
    let python = tools.interpreter("3.11").unwrap();
    let listed = run(&host::Invocation::new(python).args(["-I", "-c", script]).arg(wheel));
    for file in
        ["__init__.py", "__main__.py", "arrays.py", "_native.abi3.so", "_native.pyi", "py.typed"]
    {
        let path = format!("arrow_quant_v2/{file}");
        assert!(listed.lines().any(|line| line == path), "{path} is not in\n{listed}");
    }
    assert!(!listed.contains("__pycache__"), "{listed}");
}
