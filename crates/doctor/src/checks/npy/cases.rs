//! Facts for the tests of this family.

use artifacts::{NumpyUse, RustCrate};

use crate::EnvironmentFacts;
use crate::testing::{native_module, numpy, package};

/// How C code that was compiled with numpy 1's headers looks.
pub(in crate::checks) fn for_numpy_1() -> NumpyUse {
    NumpyUse {
        mentions_core: true,
        mentions_c_api: true,
        imports_c_api: true,
        ..NumpyUse::default()
    }
}

/// Adds a module of a package.
pub(in crate::checks) fn add_module(
    environment: &mut EnvironmentFacts,
    package: &str,
    import_name: &str,
    uses: NumpyUse,
) {
    let name = import_name.rsplit('.').next().unwrap_or(import_name);
    let mut native = native_module(name);
    native.numpy = uses;
    crate::testing::add_module(environment, package, import_name, native);
}

/// Adds a Rust module that carries this version of the `numpy` crate.
pub(super) fn add_rust_module(environment: &mut EnvironmentFacts, package: &str, version: &str) {
    let mut native = native_module(package);
    native.numpy = NumpyUse { mentions_core: true, mentions_c_api: true, ..NumpyUse::default() };
    native.rust_crates = vec![RustCrate { name: "numpy".to_owned(), version: version.to_owned() }];
    crate::testing::add_module(environment, package, package, native);
}

/// Puts another numpy into an environment.
pub(super) fn set_numpy(environment: &mut EnvironmentFacts, version: &str) {
    let site = environment.python.site_packages[0].clone();
    environment.python.packages.retain(|package| package.name != "numpy");
    environment.python.packages.push(package("numpy", version, &site));
    environment.numpy = Some(numpy(version, &site));
}
