//! PKG009: a package is installed without the list of its files.

use pyenvs::{Package, PackageSource};
use report::{Finding, Fix, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{EnvironmentFacts, Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "PKG009",
    name: "package-without-record",
    summary: "A package has no RECORD, so pip and uv can neither upgrade nor remove it",
    page: include_str!("../../../pages/PKG009.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::lost],
        silent: &[tests::whole, tests::of_the_distribution, tests::twice, tests::condas],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    for environment in facts.judged().filter(|e| e.python.kind.is_virtual()) {
        let python = &environment.python;
        for package in python.packages.iter().filter(|package| is_without(package)) {
            // Of a package with two records the other check tells, and of numpy NPY008.
            let is_single = python.packages_named(&package.name).count() == 1;
            let is_condas = python.conda_packages.iter().any(|record| record.name == package.name);
            if is_single && !is_condas && package.name != "numpy" {
                findings.push(found(facts, environment, package));
            }
        }
    }
}

/// Distributions leave the list out on purpose (PEP 627) and name themselves as the installer.
fn is_without(package: &Package) -> bool {
    package.source == PackageSource::DistInfo
        && package.record.is_absent()
        && package.version.is_seen()
        && matches!(package.installer.as_deref(), None | Some("pip" | "uv"))
}

fn found(facts: &Facts, environment: &EnvironmentFacts, package: &Package) -> Finding {
    let version = package.version.get().map(ToString::to_string).unwrap_or_default();
    let requirement = format!("{}=={version}", package.name);
    let interpreter = crate::cures::interpreter(facts, environment);
    let title = "put the same version over it, which brings the list back";
    let fix = Fix::new(Safety::Safe, title);
    let fix =
        if crate::cures::uses_uv_pip(facts, environment) {
            // uv refuses to touch it, so the record has to go first.
            Fix::new(Safety::Confirm, title)
                .remove(crate::cures::paths(facts, &[&package.path]))
                .run(["uv", "pip", "install", "--python", &interpreter, "--no-deps", &requirement])
        } else {
            fix.run([
                &interpreter,
                "-m",
                "pip",
                "install",
                "--ignore-installed",
                "--no-deps",
                &requirement,
            ])
        };
    Finding::new(
        Severity::Warning,
        environment.subject(facts),
        format!("{} {version} can be neither upgraded nor removed: it has no RECORD", package.name),
    )
    .seen_at(facts.native(&package.path), "no file RECORD")
    .cause(
        "The list of the package's files was lost: an installation was interrupted, files were \
         copied from elsewhere, or something cleaned up too much",
    )
    .fix(fix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{healthy, package, venv};
    use host::Seen;

    pub(super) fn whole() -> Facts {
        let mut facts = healthy();
        let python = &mut venv(&mut facts).python;
        let site = python.site_packages[0].clone();
        python.packages.push(package("orjson", "3.9.0", &site));
        facts
    }

    pub(super) fn lost() -> Facts {
        let mut facts = whole();
        venv(&mut facts).python.packages.last_mut().unwrap().record = Seen::Absent;
        facts
    }

    pub(super) fn of_the_distribution() -> Facts {
        let mut facts = lost();
        let package = venv(&mut facts).python.packages.last_mut().unwrap();
        package.installer = Some("debian".to_owned());
        facts
    }

    pub(super) fn twice() -> Facts {
        let mut facts = lost();
        let python = &mut venv(&mut facts).python;
        let site = python.site_packages[0].clone();
        python.packages.push(package("orjson", "3.10.0", &site));
        facts
    }

    pub(super) fn condas() -> Facts {
        let mut facts = lost();
        venv(&mut facts).python.kind = pyenvs::EnvironmentKind::Conda;
        facts
    }
}
