//! BLD006: tests or programs that start Python cannot load its shared library.

use host::{HostPath, Os};
use report::{Finding, Fix, Platform, Safety, Severity};

use super::builds;
use super::features;
use super::{build_variable, uses_pyo3};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{CrateManifest, DependencyKind, EnvironmentFacts, Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "BLD006",
    name: "libpython-not-found",
    summary: "Tests or programs that start Python cannot load its shared library",
    page: include_str!("../../../pages/BLD006.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[
            tests::tests_of_a_library,
            tests::a_program,
            tests::uv_python_on_macos,
            tests::library_path_in_cargo_configuration,
        ],
        silent: &[
            tests::nothing_starts_python,
            tests::on_the_library_path,
            tests::loader_has_one_of_that_name,
            tests::linked_statically,
            tests::extension_module_is_another_fault,
            tests::not_linked_at_all,
            tests::rpath_in_rustflags,
            tests::rpath_by_build_script,
            tests::homebrew_python_on_macos,
        ],
    },
};

/// With it PyO3 links to no Python, which is BLD007.
const NOT_LINKED: &str = "PYO3_BUILD_EXTENSION_MODULE";

fn run(facts: &Facts, findings: &mut Findings) {
    if !uses_pyo3(facts) {
        findings.skip("no crate here uses PyO3");
        return;
    }
    if facts.machine.os == Os::Windows {
        findings.skip("on Windows the Python that is on PATH provides its DLL");
        return;
    }
    if build_variable(facts, NOT_LINKED).is_some() {
        findings.skip(format!("{NOT_LINKED} is set, so PyO3 does not link to Python at all"));
        return;
    }
    let embedding: Vec<&CrateManifest> =
        facts.project.crates.iter().filter(|manifest| starts_python(manifest)).collect();
    if embedding.is_empty() {
        return;
    }
    let Some(environment) = builds::python_of_cargo(facts) else {
        findings.skip("a plain cargo build finds no Python here");
        return;
    };
    let Some(library) = missing_library(facts, environment) else { return };
    let name = file_name(&library);
    let mut finding = Finding::new(
        Severity::Warning,
        environment.subject(facts),
        format!("tests and programs that start Python will not find {name}"),
    );
    for manifest in &embedding {
        for source in manifest.python_tests.iter().chain(&manifest.python_programs).take(3) {
            finding = finding.seen_at(facts.native(source), "starts Python");
        }
    }
    let directory = parent(&library);
    let directory = facts.native(&directory);
    finding = finding
        .seen_at(
            facts.native(&library),
            "the library, in a directory that the loader does not search",
        )
        .cause(
            "This Python keeps its library in a directory of its own, and PyO3 writes no such path \
             into the programs that it links",
        );
    let with = |name: &str| match facts.variable(name) {
        Some(value) => format!("{directory}:{value}"),
        None => directory.clone(),
    };
    let in_build_script = "add `pyo3-build-config` to [build-dependencies] and call \
                           `pyo3_build_config::add_libpython_rpath_link_args();` in build.rs";
    findings.push(
        finding
            .fix(
                Fix::new(Safety::Safe, "let the loader search there, in this shell")
                    .on(Platform::Linux)
                    .set("LD_LIBRARY_PATH", with("LD_LIBRARY_PATH")),
            )
            .fix(
                Fix::new(Safety::Safe, "let the loader search there, in this shell")
                    .on(Platform::Macos)
                    .set("DYLD_FALLBACK_LIBRARY_PATH", with("DYLD_FALLBACK_LIBRARY_PATH")),
            )
            .fix(
                Fix::new(Safety::Manual, "write the path into the programs, for good")
                    .edit(facts.native(&embedding[0].path), in_build_script),
            ),
    );
}

/// Whether tests or programs of a crate start Python by linking to it, without any help.
fn starts_python(manifest: &CrateManifest) -> bool {
    let starts = !manifest.python_tests.is_empty() || !manifest.python_programs.is_empty();
    let found = features::of_package(manifest, "pyo3", &[], true, true);
    // Its build script can add the path; whether it does cannot be told.
    let helped = manifest.dependencies.iter().any(|dependency| {
        dependency.package == "pyo3-build-config" && dependency.kind == DependencyKind::Build
    });
    starts && found.active && !found.features.contains("extension-module") && !helped
}

/// The interpreter's own library, if the loader would not find one of its name.
fn missing_library(facts: &Facts, environment: &EnvironmentFacts) -> Option<HostPath> {
    // `libpython3.so` is only a forwarder to it.
    let library = environment
        .python
        .libpython
        .iter()
        .filter(|path| is_own_library(&file_name(path)))
        .max_by_key(|path| file_name(path).len())?;
    if facts.machine.os == Os::Macos {
        // Other makers write the library's whole path into it; uv and conda write `@rpath`.
        let kind = environment.python.kind;
        let base = environment.python.base_prefix.as_ref();
        let base_kind = base.and_then(|prefix| facts.environment(prefix)).map(|e| e.python.kind);
        let relative = [Some(kind), base_kind]
            .into_iter()
            .flatten()
            .any(|kind| kind.is_conda() || kind == pyenvs::EnvironmentKind::Uv);
        if !relative {
            return None;
        }
    }
    let name = file_name(library);
    let by_loader = facts.toolchain.linker.loader_pythons.iter().any(|p| file_name(p) == name);
    let directory = parent(library);
    let searched = ["LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"]
        .iter()
        .filter_map(|variable| facts.variable(variable))
        .flat_map(|value| value.split(':'))
        .any(|entry| HostPath::from(entry.trim_end_matches('/')) == directory);
    let text = directory.text();
    let by_flags = rust_flags(facts).any(|flags| flags.contains(&text) || flags.contains("rpath"));
    (!by_loader && !searched && !by_flags).then(|| library.clone())
}

/// Every place in which flags for rustc may stand.
fn rust_flags(facts: &Facts) -> impl Iterator<Item = &str> {
    let variables = facts
        .machine
        .variables
        .iter()
        .filter(|(name, _)| name.ends_with("RUSTFLAGS"))
        .map(|(_, value)| value.as_str());
    let configured =
        facts.project.cargo_configs.iter().flat_map(|c| c.rustflags.values()).map(String::as_str);
    variables.chain(configured)
}

fn is_own_library(name: &str) -> bool {
    name.strip_prefix("libpython3.")
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()) && !rest.ends_with(".a"))
}

fn file_name(path: &HostPath) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn parent(path: &HostPath) -> HostPath {
    path.parent().map(HostPath::from).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use pyenvs::EnvironmentKind;

    use super::*;
    use crate::CargoConfig;
    use crate::checks::bld::testing::{extension_project, pyo3_dependency};
    use crate::testing::{PROJECT, bare_environment, venv};

    const LIBRARY: &str = "/usr/local/lib/libpython3.11.so.1.0";

    pub(super) fn tests_of_a_library() -> Facts {
        let mut facts = extension_project("0.26.0", &[]);
        let source = HostPath::from(PROJECT).join("src/lib.rs");
        facts.project.crates[0].python_tests = vec![source];
        venv(&mut facts).python.libpython = vec![
            HostPath::from("/usr/local/lib/libpython3.so"),
            HostPath::from("/usr/local/lib/libpython3.11.so"),
            HostPath::from(LIBRARY),
        ];
        facts
    }

    pub(super) fn a_program() -> Facts {
        let mut facts = tests_of_a_library();
        let manifest = &mut facts.project.crates[0];
        manifest.python_programs = std::mem::take(&mut manifest.python_tests);
        facts
    }

    pub(super) fn uv_python_on_macos() -> Facts {
        let mut facts = tests_of_a_library();
        facts.machine.os = Os::Macos;
        let base = "/Users/dev/.local/share/uv/python/cpython-3.11.7-macos-aarch64-none";
        facts.environments.push(bare_environment(base, "3.11.7", EnvironmentKind::Uv));
        let environment = venv(&mut facts);
        environment.python.base_prefix = Some(HostPath::from(base));
        environment.python.libpython =
            vec![HostPath::from(format!("{base}/lib/libpython3.11.dylib").as_str())];
        facts
    }

    pub(super) fn nothing_starts_python() -> Facts {
        let mut facts = tests_of_a_library();
        facts.project.crates[0].python_tests.clear();
        facts
    }

    pub(super) fn on_the_library_path() -> Facts {
        let mut facts = tests_of_a_library();
        let path = "/opt/lib:/usr/local/lib/".to_owned();
        facts.machine.variables.insert("LD_LIBRARY_PATH".to_owned(), path);
        facts
    }

    pub(super) fn loader_has_one_of_that_name() -> Facts {
        let mut facts = tests_of_a_library();
        let found = "/usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0";
        facts.toolchain.linker.loader_pythons = vec![HostPath::from(found)];
        facts
    }

    pub(super) fn linked_statically() -> Facts {
        let mut facts = tests_of_a_library();
        venv(&mut facts).python.libpython.clear();
        facts
    }

    pub(super) fn extension_module_is_another_fault() -> Facts {
        let mut facts = tests_of_a_library();
        facts.project.crates[0].dependencies =
            vec![pyo3_dependency("0.26.0", &["extension-module"])];
        facts
    }

    /// cargo sets `LD_LIBRARY_PATH` itself, and forgets what its `[env]` says.
    pub(super) fn library_path_in_cargo_configuration() -> Facts {
        let mut facts = tests_of_a_library();
        facts.project.cargo_configs.push(CargoConfig {
            env: [("LD_LIBRARY_PATH".to_owned(), "/usr/local/lib".to_owned())].into(),
            ..CargoConfig::default()
        });
        facts
    }

    pub(super) fn not_linked_at_all() -> Facts {
        let mut facts = tests_of_a_library();
        facts.machine.variables.insert(NOT_LINKED.to_owned(), "1".to_owned());
        facts
    }

    pub(super) fn rpath_in_rustflags() -> Facts {
        let mut facts = tests_of_a_library();
        let flags = "-C link-args=-Wl,-rpath,/usr/local/lib".to_owned();
        facts.project.cargo_configs.push(CargoConfig {
            rustflags: [("build".to_owned(), flags)].into(),
            ..CargoConfig::default()
        });
        facts
    }

    pub(super) fn rpath_by_build_script() -> Facts {
        let mut facts = tests_of_a_library();
        let mut helper = pyo3_dependency("0.26.0", &[]);
        helper.name = "pyo3-build-config".to_owned();
        helper.package = helper.name.clone();
        helper.kind = DependencyKind::Build;
        facts.project.crates[0].dependencies.push(helper);
        facts
    }

    pub(super) fn homebrew_python_on_macos() -> Facts {
        let mut facts = tests_of_a_library();
        facts.machine.os = Os::Macos;
        facts
    }

    #[test]
    fn the_path_that_is_set_keeps_what_was_there() {
        let mut facts = tests_of_a_library();
        facts.machine.variables.insert("LD_LIBRARY_PATH".to_owned(), "/opt/lib".to_owned());
        let mut findings = Findings::default();
        run(&facts, &mut findings);
        let step = &findings.list[0].fixes[0].steps[0];
        assert!(format!("{step:?}").contains("\"/usr/local/lib:/opt/lib\""));
    }
}
