//! PKG006: two OpenMP runtimes that refuse to share a process.

use host::HostPath;
use report::{Finding, Fix, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{EnvironmentFacts, Facts, Findings, cures};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "PKG006",
    name: "two-openmp-runtimes",
    summary: "Packages bring OpenMP runtimes of Intel's and LLVM's kind that abort side by side",
    page: include_str!("../../../pages/PKG006.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::two_of_intel, tests::intel_and_llvm, tests::two_on_windows],
        silent: &[
            tests::none,
            tests::only_copies_of_libgomp,
            tests::one_of_intel_and_libgomp,
            tests::two_of_llvm,
            tests::stubs_and_offloading,
        ],
    },
};

/// Whose runtime it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `libiomp5`.
    Intel,
    /// `libomp`.
    Llvm,
}

/// The kind of a runtime by its file's name. GNU's `libgomp` registers nothing and may be there
/// many times; stubs and offloading libraries are no runtimes.
fn kind_of(path: &HostPath) -> Option<Kind> {
    let name = path.file_name()?.to_str()?.to_ascii_lowercase();
    let starts = |prefix: &str| {
        name.strip_prefix(prefix).is_some_and(|rest| {
            rest.starts_with(['.', '-']) || rest.starts_with(|c: char| c.is_ascii_digit())
        })
    };
    if starts("libiomp5") || starts("libiomp5md") {
        Some(Kind::Intel)
    } else if starts("libomp") {
        Some(Kind::Llvm)
    } else {
        None
    }
}

fn run(facts: &Facts, findings: &mut Findings) {
    for environment in facts.judged() {
        let runtimes: Vec<(&HostPath, Kind)> = environment
            .openmp
            .iter()
            .filter_map(|path| kind_of(path).map(|kind| (path, kind)))
            .collect();
        let intel = runtimes.iter().filter(|(_, kind)| *kind == Kind::Intel).count();
        // Intel's grew out of LLVM's and checks for it. Copies of LLVM's alone are common on
        // macOS (PyTorch and scikit-learn) and mostly get along.
        if intel > 0 && runtimes.len() > 1 {
            findings.push(judge(facts, environment, &runtimes));
        }
    }
}

fn judge(facts: &Facts, environment: &EnvironmentFacts, runtimes: &[(&HostPath, Kind)]) -> Finding {
    let mut owners: Vec<String> =
        runtimes.iter().map(|(path, _)| owner(environment, path)).collect();
    owners.sort();
    owners.dedup();
    let owners = owners.join(", ");
    let mut finding = Finding::new(
        Severity::Warning,
        environment.subject(facts),
        format!(
            "{} OpenMP runtimes that abort when one process loads both (brought by {owners})",
            runtimes.len()
        ),
    );
    for (path, kind) in runtimes {
        let kind = match kind {
            Kind::Intel => "Intel's runtime",
            Kind::Llvm => "LLVM's runtime",
        };
        finding = finding.seen_at(facts.native(path), kind);
    }
    if let Some(value) = facts.variable("KMP_DUPLICATE_LIB_OK") {
        finding = finding.seen(format!(
            "KMP_DUPLICATE_LIB_OK={value}: the abort is switched off, its reason is not"
        ));
    }
    let finding = finding.cause(
        "Packages from different sources (conda and PyPI, or two makers of wheels) each brought a \
         runtime of their own",
    );
    let one_source =
        Fix::new(Safety::Manual, "take these packages from one source").by_hand(format!(
            "install {owners} all from PyPI or all from one conda channel, so that they share one \
             runtime; or remove the one that is not needed"
        ));
    let has_mkl = environment.python.conda_packages.iter().any(|record| record.name == "mkl");
    if environment.python.kind.is_conda() && has_mkl {
        let nomkl = Fix::new(Safety::Confirm, "let conda's numpy do without MKL and its runtime")
            .run(cures::conda_install(facts, environment, &["nomkl"]));
        return finding.fix(nomkl).fix(one_source);
    }
    finding.fix(one_source)
}

/// The package that brought a library, by the directory it lies in.
fn owner(environment: &EnvironmentFacts, library: &HostPath) -> String {
    let python = &environment.python;
    let site = python.site_packages.iter().find_map(|site| library.strip_prefix(site).ok());
    if let Some(first) = site.and_then(|inside| inside.iter().next()?.to_str()) {
        return first.trim_end_matches(".libs").to_owned();
    }
    let is_known = |name: &&&str| {
        python.conda_packages.iter().any(|record| record.name == **name)
            || python.packages_named(name).next().is_some()
    };
    ["intel-openmp", "llvm-openmp"]
        .iter()
        .find(is_known)
        .map_or_else(|| "the environment itself".to_owned(), |name| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{healthy, venv};

    fn with(files: &[&str]) -> Facts {
        let mut facts = healthy();
        let environment = venv(&mut facts);
        let prefix = environment.python.prefix.clone();
        environment.openmp = files.iter().map(|file| prefix.join(file)).collect();
        facts
    }

    const SITE: &str = "lib/python3.11/site-packages";

    pub(super) fn two_of_intel() -> Facts {
        with(&["lib/libiomp5.so", &format!("{SITE}/torch/lib/libiomp5.so")])
    }

    pub(super) fn intel_and_llvm() -> Facts {
        with(&["lib/libiomp5.so", &format!("{SITE}/sklearn.libs/libomp-8f1a3b2c.so.5")])
    }

    pub(super) fn two_on_windows() -> Facts {
        with(&["Library/bin/libiomp5md.dll", "Lib/site-packages/torch/lib/libiomp5md.dll"])
    }

    pub(super) fn none() -> Facts {
        healthy()
    }

    pub(super) fn only_copies_of_libgomp() -> Facts {
        with(&[
            &format!("{SITE}/torch/lib/libgomp-a34b3233.so.1"),
            &format!("{SITE}/scikit_learn.libs/libgomp-a34b3233.so.1.0.0"),
        ])
    }

    pub(super) fn one_of_intel_and_libgomp() -> Facts {
        with(&["lib/libiomp5.so", "lib/libgomp.so.1"])
    }

    pub(super) fn two_of_llvm() -> Facts {
        with(&[
            &format!("{SITE}/torch/lib/libomp.dylib"),
            &format!("{SITE}/sklearn/.dylibs/libomp.dylib"),
        ])
    }

    pub(super) fn stubs_and_offloading() -> Facts {
        with(&["lib/libiomp5.so", "lib/libiompstubs5.so", "lib/libomptarget.so"])
    }

    #[test]
    fn the_owners_are_named() {
        let mut findings = Findings::default();
        run(&two_of_intel(), &mut findings);
        assert!(findings.list[0].message.contains("the environment itself, torch"));
    }
}
