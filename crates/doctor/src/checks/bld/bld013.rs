//! BLD013: the module that Python looks for and the `#[pymodule]` of the crate have two names.

use report::{Finding, Fix, Safety, Severity};

use super::{project, uses_maturin};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{CrateManifest, Facts, Findings, PyModule};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "BLD013",
    name: "module-name-differs",
    summary: "The module that Python looks for is not the name of the crate's #[pymodule]",
    page: include_str!("../../../pages/BLD013.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::library_name_differs, tests::module_name_differs],
        silent: &[
            tests::names_agree,
            tests::module_name_agrees,
            tests::one_of_several_agrees,
            tests::no_pymodule_found,
            tests::another_kind_of_binding,
        ],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    if !uses_maturin(facts) {
        findings.skip("maturin does not build this project");
        return;
    }
    let configured = facts.project.pyproject.get().and_then(|p| p.maturin.clone());
    let configured = configured.unwrap_or_default();
    if configured.bindings.as_deref().is_some_and(|bindings| bindings != "pyo3") {
        findings.skip("the project's bindings are not PyO3's");
        return;
    }
    let Some(manifest) = facts.project.maturin_crate() else {
        findings.skip("the crate that maturin builds was not found");
        return;
    };
    if !manifest.dependencies.iter().any(|dependency| dependency.package == "pyo3") {
        findings.skip("the crate does not use PyO3");
        return;
    }
    let Some(module) = manifest.pymodules.first() else {
        findings.skip("no #[pymodule] was found in the crate's sources");
        return;
    };
    let (wanted, place) = match &configured.module_name {
        Some(name) => {
            (name.rsplit('.').next().unwrap_or_default(), Place::ModuleName(name.as_str()))
        }
        None => (manifest.lib_name.as_str(), Place::Library),
    };
    if manifest.pymodules.iter().any(|module| module.name == wanted) {
        return;
    }
    findings.push(finding(facts, manifest, module, wanted, &place));
}

enum Place<'a> {
    /// `module-name` of `[tool.maturin]`, whole.
    ModuleName(&'a str),
    /// The library's name.
    Library,
}

fn finding(
    facts: &Facts,
    manifest: &CrateManifest,
    module: &PyModule,
    wanted: &str,
    place: &Place<'_>,
) -> Finding {
    let source = facts.native(&module.file);
    let path = facts.native(&manifest.path);
    let pyproject = facts.project.pyproject.get().map(|p| facts.native(&p.path));
    let mut finding = Finding::new(
        Severity::Error,
        project(facts),
        format!(
            "importing `{wanted}` fails: the #[pymodule] of {} is called `{}`",
            manifest.name, module.name
        ),
    );
    for module in manifest.pymodules.iter().take(5) {
        finding = finding.seen_at(
            format!("{}:{}", facts.native(&module.file), module.line),
            format!("#[pymodule] `{}`, so the library exports PyInit_{}", module.name, module.name),
        );
    }
    let name = &module.name;
    let rename = match place {
        Place::ModuleName(whole) => {
            let file = pyproject.unwrap_or_default();
            finding = finding.seen_at(&file, format!("module-name = \"{whole}\""));
            let parent = whole.strip_suffix(wanted).unwrap_or_default();
            Fix::new(Safety::Manual, "or give the module-name the name of the #[pymodule]")
                .edit(file, format!("module-name = \"{parent}{name}\" in [tool.maturin]"))
        }
        Place::Library => {
            finding = finding.seen_at(&path, format!("the library is called `{wanted}`"));
            Fix::new(Safety::Manual, "or give the library the name of the #[pymodule]")
                .edit(path, format!("name = \"{name}\" in [lib]"))
        }
    };
    finding
        .cause(
            "Python calls the function PyInit_<name of the file>, and PyO3 exports PyInit_<name of \
             the #[pymodule]>: the two must be one name",
        )
        .fix(Fix::new(Safety::Manual, format!("call the #[pymodule] `{wanted}`")).edit(
            format!("{source}:{}", module.line),
            format!("write `#[pyo3(name = \"{wanted}\")]` below `#[pymodule]`"),
        ))
        .fix(rename)
}

#[cfg(test)]
mod tests {
    use host::{HostPath, Seen};

    use super::*;
    use crate::checks::bld::testing::{extension_project, with_maturin};
    use crate::testing::PROJECT;

    fn facts(library: &str, module_name: Option<&str>, modules: &[&str]) -> Facts {
        let mut facts = extension_project("0.26.0", &[]);
        with_maturin(&mut facts);
        let manifest = &mut facts.project.crates[0];
        manifest.lib_name = library.to_owned();
        manifest.pymodules = modules
            .iter()
            .map(|name| PyModule {
                name: (*name).to_owned(),
                file: HostPath::from(PROJECT).join("src/lib.rs"),
                line: 3,
            })
            .collect();
        if let Seen::Seen(pyproject) = &mut facts.project.pyproject
            && let Some(maturin) = &mut pyproject.maturin
        {
            maturin.module_name = module_name.map(str::to_owned);
        }
        facts
    }

    pub(super) fn library_name_differs() -> Facts {
        facts("_core", None, &["core"])
    }

    pub(super) fn module_name_differs() -> Facts {
        facts("example", Some("example._native"), &["example"])
    }

    pub(super) fn names_agree() -> Facts {
        facts("example", None, &["example"])
    }

    pub(super) fn module_name_agrees() -> Facts {
        facts("core", Some("example._native"), &["_native"])
    }

    pub(super) fn one_of_several_agrees() -> Facts {
        facts("example", None, &["inner", "example"])
    }

    pub(super) fn no_pymodule_found() -> Facts {
        facts("example", None, &[])
    }

    pub(super) fn another_kind_of_binding() -> Facts {
        let mut facts = library_name_differs();
        if let Seen::Seen(pyproject) = &mut facts.project.pyproject
            && let Some(maturin) = &mut pyproject.maturin
        {
            maturin.bindings = Some("cffi".to_owned());
        }
        facts
    }

    #[test]
    fn the_new_module_name_stays_in_its_package() {
        let mut findings = Findings::default();
        run(&module_name_differs(), &mut findings);
        let step = format!("{:?}", findings.list[0].fixes[1].steps[0]);
        assert!(step.contains("example.example"), "{step}");
    }
}
