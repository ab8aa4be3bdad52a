//! EXT009: the stub of the compiled module describes other names than the module has.

use std::collections::BTreeSet;

use host::Seen;
use report::{Finding, Fix, Safety, Severity, Subject, SubjectKind};

use super::built::imported;
use super::conditions;
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{DeclaredKind, DeclaredName, DeclaredNames, Facts, Findings, Stub, StubName};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "EXT009",
    name: "stub-drift",
    summary: "The stub file describes other names than the compiled module has",
    page: include_str!("../../../pages/EXT009.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::described_and_missing, tests::a_missing_class, tests::not_described],
        silent: &[
            tests::they_agree,
            tests::names_of_python_alone,
            tests::not_built_yet,
            tests::a_partial_stub,
            tests::no_stub,
            tests::no_module,
        ],
    },
};

/// Names that are shown as evidence; of more, their number.
const SHOWN: usize = 5;

fn run(facts: &Facts, findings: &mut Findings) {
    let (Some(declared), Some(stub)) = (&facts.project.declared, facts.project.stub.get()) else {
        match &facts.project.stub {
            Seen::Broken(reason) => findings.skip(reason.clone()),
            _ => findings.skip("the project has no stub of a compiled module"),
        }
        return;
    };
    let lacks = facts.judged().find_map(|one| {
        let built = imported(facts, one)?;
        match built.names_in(&one.python.prefix) {
            Some(real) => Some((built, lacking_of(stub, declared, real), true)),
            None => Some((built, built.lacks.get()?.clone(), false)),
        }
    });
    let Some((built, lacks, is_imported)) = lacks else {
        findings.skip("no environment that is judged has the project's module");
        return;
    };
    let missing = missing(declared, stub, &lacks);
    let module = facts.native(&built.path);
    let regenerate = || {
        Fix::new(Safety::Manual, "let the stub say what the module has")
            .edit(facts.native(&stub.path), "correct it, or generate it from the module again")
            .by_hand("compare the two in a test: `python -m mypy.stubtest MODULE`")
    };
    if let Some(first) = missing.first() {
        let mut finding = Finding::new(
            Severity::Warning,
            subject(facts, stub),
            format!(
                "{} describes `{}`{}, which the module does not have",
                facts.short(&stub.path),
                first.dotted(),
                others(missing.len())
            ),
        );
        for name in missing.iter().take(SHOWN) {
            let place = format!("{}:{}", facts.native(&stub.path), name.line);
            finding = finding.seen_at(place, format!("describes `{}`", name.dotted()));
        }
        if missing.len() > SHOWN {
            finding = finding.seen(format!("and {} more", missing.len() - SHOWN));
        }
        finding = finding
            .seen_at(
                &module,
                if is_imported {
                    "was imported: `dir()` has no such name"
                } else {
                    "holds no such name, and no source declares it"
                },
            )
            .cause("The stub was written by hand, or for another version of the module");
        findings.push(finding.fix(regenerate()));
    }
    let untold = undescribed(facts, declared, stub, &lacks);
    if let Some(first) = untold.first() {
        let mut finding = Finding::new(
            Severity::Info,
            subject(facts, stub),
            format!(
                "{} does not describe `{}`{}, which the module has",
                facts.short(&stub.path),
                first.dotted(),
                others(untold.len())
            ),
        );
        for name in untold.iter().take(SHOWN) {
            let place = format!("{}:{}", facts.native(&name.file), name.line);
            finding = finding.seen_at(place, format!("declares `{}`", name.dotted()));
        }
        finding = finding.cause("The stub was not kept up when the sources changed");
        findings.push(finding.fix(regenerate()));
    }
}

fn subject(facts: &Facts, stub: &Stub) -> Subject {
    let path = facts.native(&stub.path);
    Subject::at(SubjectKind::File, facts.short(&stub.path), path)
}

fn others(count: usize) -> String {
    match count {
        1 => String::new(),
        2 => " and another name".to_owned(),
        more => format!(" and {} other names", more - 1),
    }
}

/// The names that nothing in an imported module has.
fn lacking_of(stub: &Stub, declared: &DeclaredNames, real: &BTreeSet<String>) -> Vec<String> {
    let here: BTreeSet<&str> =
        real.iter().map(|name| name.rsplit('.').next().unwrap_or(name)).collect();
    let names = stub.names.iter().map(|name| &name.name);
    let names = names.chain(declared.names.iter().map(|name| &name.name));
    names.filter(|name| !here.contains(name.as_str())).cloned().collect()
}

/// Names that are no secret and no matter of Python's own.
fn is_public(name: &str) -> bool {
    !name.starts_with('_')
}

/// What the stub describes, no source declares and the module lacks.
fn missing<'a>(declared: &DeclaredNames, stub: &'a Stub, lacks: &[String]) -> Vec<&'a StubName> {
    let known: BTreeSet<&str> = declared
        .names
        .iter()
        .map(|name| name.name.as_str())
        .chain(declared.added.iter().map(String::as_str))
        .collect();
    let is_missing = |name: &str| lacks.iter().any(|lack| lack == name) && !known.contains(name);
    stub.names
        .iter()
        .filter(|name| is_public(&name.name) && is_missing(&name.name))
        .filter(|name| {
            // Of a class that is missing, the class is told; one that starts with an underscore may
            // be there for the types alone.
            name.class.as_ref().is_none_or(|class| is_public(class) && !is_missing(class))
        })
        .collect()
}

/// What every build exports and the stub does not describe.
fn undescribed<'a>(
    facts: &Facts,
    declared: &'a DeclaredNames,
    stub: &Stub,
    lacks: &[String],
) -> Vec<&'a DeclaredName> {
    if stub.is_partial {
        return Vec::new();
    }
    let described: BTreeSet<&str> = stub.names.iter().map(|name| name.name.as_str()).collect();
    let is_untold = |name: &str| is_public(name) && !described.contains(name);
    declared
        .names
        .iter()
        .filter(|name| name.kind != DeclaredKind::Module && name.is_exported)
        .filter(|name| conditions::hold(facts, &name.conditions) == Some(true))
        .filter(|name| is_untold(&name.name) && !lacks.contains(&name.name))
        .filter(|name| name.class.as_ref().is_none_or(|class| described.contains(class.as_str())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::built::testing::{declared, lacking};
    use super::*;
    use crate::testing::venv;

    fn described(names: &[(&str, &str)], lacks: &[&str]) -> Facts {
        let mut facts = lacking(lacks);
        let names = [("", "Table"), ("Table", "to_arrow"), ("", "quantize")].iter().chain(names);
        facts.project.stub = Seen::Seen(Stub {
            path: facts.project.root.join("python/example/_native.pyi"),
            names: names
                .map(|(class, name)| StubName {
                    name: (*name).to_owned(),
                    class: (!class.is_empty()).then(|| (*class).to_owned()),
                    kind: DeclaredKind::Function,
                    line: 3,
                })
                .collect(),
            is_partial: false,
        });
        facts
    }

    pub(super) fn described_and_missing() -> Facts {
        described(&[("Table", "to_pandas")], &["to_pandas"])
    }

    pub(super) fn a_missing_class() -> Facts {
        described(&[("", "Column"), ("Column", "take")], &["Column", "take"])
    }

    pub(super) fn not_described() -> Facts {
        let mut facts = described(&[], &[]);
        let names = &mut facts.project.declared.as_mut().unwrap().names;
        names.push(declared(DeclaredKind::Function, None, "dequantize"));
        facts
    }

    pub(super) fn they_agree() -> Facts {
        described(&[], &[])
    }

    pub(super) fn names_of_python_alone() -> Facts {
        let names = [("Table", "__len__"), ("", "_Hidden"), ("_Hidden", "x"), ("", "_private")];
        described(&names, &["__len__", "_Hidden", "x", "_private"])
    }

    /// The sources have it, and the module is behind: EXT007 says so.
    pub(super) fn not_built_yet() -> Facts {
        let mut facts = described(&[("Table", "fresh")], &["fresh"]);
        let names = &mut facts.project.declared.as_mut().unwrap().names;
        names.push(declared(DeclaredKind::Method, Some("Table"), "fresh"));
        facts
    }

    pub(super) fn a_partial_stub() -> Facts {
        let mut facts = not_described();
        if let Seen::Seen(stub) = &mut facts.project.stub {
            stub.is_partial = true;
        }
        facts
    }

    pub(super) fn no_stub() -> Facts {
        lacking(&["to_pandas"])
    }

    pub(super) fn no_module() -> Facts {
        let mut facts = described_and_missing();
        venv(&mut facts).modules.clear();
        facts
    }

    #[test]
    fn of_a_missing_class_the_class_is_told() {
        let mut findings = Findings::default();
        run(&a_missing_class(), &mut findings);
        assert!(findings.list[0].message.contains("describes `Column`, which"));
        assert_eq!(findings.list.len(), 1);
    }
}
