//! Findings about the modules of one package: one finding a package, its files as evidence, and the
//! cures that they share.

use std::collections::BTreeMap;

use numpy_rules::has_wheels;
use report::{Finding, Fix, Safety};

use super::verdict::{fit_condas_numpy, importable, numpy_version};
use crate::{EnvironmentFacts, Facts, ModuleFacts, cures};

/// Files that are shown as evidence; of more, their number.
const SHOWN: usize = 3;

/// Modules by the package that they belong to, or by their outermost name where no package's
/// record lists them.
pub(super) fn by_package<'a, V>(
    modules: impl IntoIterator<Item = (&'a ModuleFacts, V)>,
) -> BTreeMap<String, Vec<(&'a ModuleFacts, V)>> {
    let mut groups: BTreeMap<String, Vec<(&ModuleFacts, V)>> = BTreeMap::new();
    for (module, verdict) in modules {
        let name = module.package.clone().unwrap_or_else(|| outermost(module).to_owned());
        groups.entry(name).or_default().push((module, verdict));
    }
    groups
}

fn outermost(module: &ModuleFacts) -> &str {
    module.import_name.split('.').next().unwrap_or(&module.import_name)
}

/// Adds the files to a finding, the first few by name.
pub(super) fn show<'a>(
    mut finding: Finding,
    facts: &Facts,
    files: impl IntoIterator<Item = (&'a ModuleFacts, String)>,
) -> Finding {
    let mut more = 0;
    for (index, (module, value)) in files.into_iter().enumerate() {
        if index < SHOWN {
            finding = finding.seen_at(facts.native(&module.path), value);
        } else {
            more += 1;
        }
    }
    match more {
        0 => finding,
        1 => finding.seen("and 1 more module of the package"),
        _ => finding.seen(format!("and {more} more modules of the package")),
    }
}

/// Folds a finding under NPY008, where the modules fit the numpy that conda installed and that
/// something else has replaced.
pub(super) fn under_conda<'a>(
    finding: Finding,
    facts: &Facts,
    environment: &EnvironmentFacts,
    modules: impl IntoIterator<Item = &'a ModuleFacts>,
) -> Finding {
    if fit_condas_numpy(environment, modules) {
        finding.because_of("NPY008", environment.subject(facts))
    } else {
        finding
    }
}

/// `bottleneck 1.3.8`, or the name alone.
pub(super) fn with_version(environment: &EnvironmentFacts, package: &str) -> String {
    let version = environment.python.packages_named(package).find_map(|p| p.version.get());
    match version {
        Some(version) => format!("{package} {version}"),
        None => package.to_owned(),
    }
}

/// With both cures of modules that are made for numpy 1: a build that knows numpy 2, or else numpy 1.
pub(super) fn cured(
    finding: Finding,
    facts: &Facts,
    environment: &EnvironmentFacts,
    package: &str,
    module: Option<&ModuleFacts>,
) -> Finding {
    let renewed = module.map(|module| renew(facts, environment, package, module));
    let fixes = renewed.into_iter().chain(step_back(facts, environment));
    fixes.fold(finding, Finding::fix)
}

/// A newer release of the package, or a new build where it comes from a directory or nobody's
/// record lists it.
pub(super) fn renew(
    facts: &Facts,
    environment: &EnvironmentFacts,
    package: &str,
    module: &ModuleFacts,
) -> Fix {
    let Some(name) = &module.package else {
        return Fix::new(Safety::Manual, format!("build {package} again")).by_hand(format!(
            "build {} again with this environment's numpy, or delete it if nothing imports it; \
                 no installed package lists it",
            facts.native(&module.path)
        ));
    };
    let record = environment.python.packages_named(name).next();
    if let Some(source) = record.and_then(|record| record.editable.as_ref()) {
        let source = facts.native(source);
        return Fix::new(Safety::Confirm, format!("build {name} again with this numpy")).run(
            cures::pip_install(
                facts,
                environment,
                &["--no-deps", "--force-reinstall", "--editable", &source],
            ),
        );
    }
    let title = format!("upgrade {name} to a release for this numpy");
    Fix::new(Safety::Confirm, title).run(upgrade(facts, environment, name))
}

/// The command that upgrades a package with whoever manages it.
pub(super) fn upgrade(facts: &Facts, environment: &EnvironmentFacts, name: &str) -> Vec<String> {
    if environment.python.conda_packages.iter().any(|record| record.name == name) {
        let prefix = facts.native(&environment.python.prefix);
        ["conda", "update", "--yes", "-p", &prefix, name].map(str::to_owned).to_vec()
    } else {
        cures::pip_install(facts, environment, &["--upgrade", name])
    }
}

/// numpy 1 for the whole environment, where its Python has one and no module there needs numpy 2.
pub(super) fn step_back(facts: &Facts, environment: &EnvironmentFacts) -> Option<Fix> {
    let python = environment.python.version.get()?;
    let last = "1.26.4".parse().ok()?;
    let needs_2 = importable(environment)
        .filter_map(|module| module.native.get())
        .any(|module| module.numpy.oldest_numpy.is_some_and(|oldest| oldest >= (2, 0)));
    if needs_2 || has_wheels(&last, python) == Some(false) {
        return None;
    }
    numpy_version(environment)?;
    let title = "or keep numpy 1 in this environment";
    let command = cures::install(facts, environment, "numpy", "numpy<2");
    Some(Fix::new(Safety::Confirm, title).run(command))
}
