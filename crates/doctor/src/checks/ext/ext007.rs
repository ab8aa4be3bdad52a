//! EXT007: the sources declare a class, method or function, and the module that Python imports has
//! no such name.

use artifacts::WantedName;
use host::Seen;
use report::{Finding, Fix, Safety, Severity};

use super::built::{age, beside, build_again, imported};
use super::conditions;
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{
    BuiltModule, DeclaredKind, DeclaredName, DeclaredNames, EnvironmentFacts, Facts, Findings,
    cures,
};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "EXT007",
    name: "declared-method-missing",
    summary: "The module that Python imports lacks what the Rust sources declare",
    page: include_str!("../../../pages/EXT007.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[
            tests::a_method,
            tests::a_class,
            tests::under_a_condition_that_holds,
            tests::shadowed,
            tests::in_the_bytes_and_not_in_the_class,
        ],
        silent: &[
            tests::all_there,
            tests::not_exported,
            tests::under_a_condition,
            tests::another_pythons_module,
            tests::unreadable_module,
            tests::names_of_another_kind,
            tests::not_installed,
            tests::imported_and_all_there,
        ],
    },
};

/// Names that are shown as evidence; of more, their number.
const SHOWN: usize = 5;

/// Names of which some must be there, lest the module holds names in a way that is not known.
const TELLING: usize = 4;

fn run(facts: &Facts, findings: &mut Findings) {
    let Some(declared) = &facts.project.declared else {
        findings.skip("the project is no maturin project with PyO3");
        return;
    };
    let mut is_judged = false;
    for environment in facts.judged() {
        let Some(built) = imported(facts, environment) else { continue };
        is_judged = true;
        let real = built.names_in(&environment.python.prefix);
        let lacks = match &built.lacks {
            Seen::Seen(lacks) => lacks,
            // Who imported it need not read it.
            _ if real.is_some() => &Vec::new(),
            Seen::Broken(reason) => {
                findings.skip(format!("{} could not be read: {reason}", facts.short(&built.path)));
                continue;
            }
            Seen::Absent => continue,
        };
        let expected: Vec<&DeclaredName> = expected(facts, declared);
        let is_lacking = |name: &&DeclaredName| match real {
            Some(real) => !real.contains(&name.dotted()),
            None => lacks.contains(&name.name),
        };
        let lacking: Vec<&DeclaredName> = expected.iter().copied().filter(is_lacking).collect();
        if lacking.is_empty() {
            continue;
        }
        if real.is_none() && lacking.len() == expected.len() && expected.len() >= TELLING {
            findings.skip(format!(
                "{} holds none of the declared names, perhaps in a form that is not known",
                facts.short(&built.path)
            ));
            continue;
        }
        findings.push(finding(facts, environment, built, &lacking));
    }
    if !is_judged {
        findings.skip("no environment that is judged has the project's module");
    }
    if let Some((file, reason)) = declared.unreadable.first() {
        findings.skip(format!("{}: {reason}", facts.short(file)));
    }
}

/// What must be in every build: it is exported, and compiled on no condition that is not known.
fn expected<'a>(facts: &Facts, declared: &'a DeclaredNames) -> Vec<&'a DeclaredName> {
    declared
        .names
        .iter()
        .filter(|name| name.is_exported && conditions::hold(facts, &name.conditions) == Some(true))
        .collect()
}

/// The declared names that must be in every build of the project's module and are not in these bytes,
/// each as the sources have it; `None` if nothing is declared, or none of the names is there, so that
/// the module may hold them in a way that is not known.
pub(crate) fn lacking_in(facts: &Facts, module: &[u8]) -> Option<Vec<String>> {
    let expected = expected(facts, facts.project.declared.as_ref()?);
    let wanted: Vec<WantedName<'_>> = expected
        .iter()
        .map(|name| WantedName { name: &name.name, is_c_string: name.kind.is_c_string() })
        .collect();
    let found = artifacts::names_in(module, &wanted);
    if !found.contains(&true) {
        return None;
    }
    let lacking = expected.iter().zip(found).filter(|(_, is_here)| !is_here);
    Some(lacking.map(|(name, _)| format!("the {} `{}`", name.kind.word(), name.dotted())).collect())
}

fn finding(
    facts: &Facts,
    environment: &EnvironmentFacts,
    built: &BuiltModule,
    lacking: &[&DeclaredName],
) -> Finding {
    // What belongs to a class that is missing goes without saying.
    let is_class_missing = |name: &DeclaredName| {
        name.class.as_ref().is_some_and(|class| {
            lacking.iter().any(|one| one.kind == DeclaredKind::Class && one.name == *class)
        })
    };
    let shown: Vec<&DeclaredName> =
        lacking.iter().copied().filter(|name| !is_class_missing(name)).collect();
    let label = environment.python.label(|path| facts.short(path));
    let first = shown[0];
    let more = match shown.len() - 1 {
        0 => String::new(),
        1 => " and another name".to_owned(),
        more => format!(" and {more} other names"),
    };
    let mut finding = Finding::new(
        Severity::Warning,
        environment.subject(facts),
        format!(
            "the module that {label} imports lacks the {} `{}`{more}, which the sources declare",
            first.kind.word(),
            first.dotted()
        ),
    )
    .seen_at(facts.native(&built.path), format!("imported; {}", age(facts, built.modified_ns)));
    for imported in built.imported.iter().filter(|one| one.environment == environment.python.prefix)
    {
        let said = match &imported.names {
            Seen::Seen(_) => "imported it: `dir()` has no such name".to_owned(),
            Seen::Broken(reason) => {
                format!("could not import it, so its bytes were read: {reason}")
            }
            Seen::Absent => continue,
        };
        finding = finding.seen_at(facts.native(&imported.interpreter), said);
    }
    for name in shown.iter().take(SHOWN) {
        finding = finding.seen_at(
            format!("{}:{}", facts.native(&name.file), name.line),
            format!("declares the {} `{}`", name.kind.word(), name.dotted()),
        );
    }
    if shown.len() > SHOWN {
        finding = finding.seen(format!("and {} more", shown.len() - SHOWN));
    }
    let other = beside(facts, &built.path).find(|other| {
        let lacks = other.lacks.get();
        lacks.is_some_and(|lacks| lacking.iter().all(|name| !lacks.contains(&name.name)))
    });
    if let Some(other) = other {
        return finding
            .seen_at(facts.native(&other.path), "has them, and is not imported")
            .cause("Another file of the same module stands before the one that was built")
            .fix(
                Fix::new(Safety::Confirm, "delete the file that is in the way")
                    .remove(cures::paths(facts, &[&built.path])),
            );
    }
    finding = finding.cause(
        "The module was built from other sources: the last build failed, went elsewhere, or never \
         was",
    );
    match build_again(facts, environment) {
        Some(fix) => finding.fix(fix),
        None => finding.fix(
            Fix::new(Safety::Manual, "build it again")
                .by_hand("build and install the project again, in this environment"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::built::testing::{built, declared, lacking, with_names};
    use super::*;
    use crate::testing::venv;
    use crate::{MaturinConfig, SourceTime};

    fn declare(facts: &mut Facts, name: DeclaredName) {
        facts.project.declared.as_mut().unwrap().names.push(name);
    }

    pub(super) fn in_the_bytes_and_not_in_the_class() -> Facts {
        with_names(built(), &["Table", "quantize", "Other", "Other.to_arrow"])
    }

    /// Whatever the bytes look like.
    pub(super) fn imported_and_all_there() -> Facts {
        with_names(lacking(&["to_arrow"]), &["Table", "Table.to_arrow", "quantize"])
    }

    pub(super) fn a_method() -> Facts {
        lacking(&["to_arrow"])
    }

    pub(super) fn a_class() -> Facts {
        lacking(&["Table", "to_arrow"])
    }

    fn with_condition(condition: &str) -> Facts {
        let mut facts = lacking(&["on_gpu"]);
        let mut name = declared(DeclaredKind::Function, None, "on_gpu");
        name.conditions = vec![condition.to_owned()];
        declare(&mut facts, name);
        facts
    }

    pub(super) fn under_a_condition_that_holds() -> Facts {
        let mut facts = with_condition("feature = \"gpu\"");
        if let Seen::Seen(pyproject) = &mut facts.project.pyproject {
            pyproject.maturin =
                Some(MaturinConfig { features: vec!["gpu".to_owned()], ..Default::default() });
        }
        facts
    }

    /// A file for this very Python stands before the fresh one.
    pub(super) fn shadowed() -> Facts {
        let mut facts = built();
        let mut old = facts.project.built[0].clone();
        old.path =
            facts.project.root.join("python/example/_native.cpython-311-x86_64-linux-gnu.so");
        old.lacks = Seen::Seen(vec!["to_arrow".to_owned()]);
        let environment = venv(&mut facts);
        let mut module = environment.modules[0].clone();
        module.path = old.path.clone();
        module.suffix = ".cpython-311-x86_64-linux-gnu.so".to_owned();
        environment.modules.push(module);
        facts.project.built.push(old);
        facts
    }

    pub(super) fn all_there() -> Facts {
        built()
    }

    pub(super) fn not_exported() -> Facts {
        let mut facts = lacking(&["forgotten"]);
        let mut name = declared(DeclaredKind::Function, None, "forgotten");
        name.is_exported = false;
        declare(&mut facts, name);
        facts
    }

    pub(super) fn under_a_condition() -> Facts {
        with_condition("feature = \"gpu\"")
    }

    pub(super) fn another_pythons_module() -> Facts {
        let mut facts = a_method();
        venv(&mut facts).modules[0].suffix = ".cpython-312-x86_64-linux-gnu.so".to_owned();
        facts
    }

    pub(super) fn unreadable_module() -> Facts {
        let mut facts = a_method();
        facts.project.built[0].lacks = Seen::Broken("it is locked".to_owned());
        facts
    }

    pub(super) fn names_of_another_kind() -> Facts {
        let mut facts = lacking(&["Table", "to_arrow", "quantize", "other"]);
        declare(&mut facts, declared(DeclaredKind::Function, None, "other"));
        facts
    }

    pub(super) fn not_installed() -> Facts {
        let mut facts = a_method();
        venv(&mut facts).modules.clear();
        facts
    }

    fn found(facts: &Facts) -> Finding {
        let mut findings = Findings::default();
        run(facts, &mut findings);
        findings.list.remove(0)
    }

    #[test]
    fn what_is_missing_is_named_once() {
        assert!(found(&a_method()).message.contains("lacks the method `Table.to_arrow`, which"));
        assert!(found(&a_class()).message.contains("lacks the class `Table`, which"));
    }

    #[test]
    fn the_file_in_the_way_is_what_goes() {
        let finding = found(&shadowed());
        let report::Step::Remove { paths } = &finding.fixes[0].steps[0] else {
            panic!("{finding:?}")
        };
        assert!(paths[0].contains("cpython-311"), "{paths:?}");
    }

    #[test]
    fn the_environment_that_is_not_active_is_named_to_maturin() {
        let mut facts = a_method();
        facts.toolchain.maturin = vec![crate::Tool {
            path: "/usr/bin/maturin".into(),
            real_path: "/usr/bin/maturin".into(),
            version: Seen::Absent,
            environment: None,
        }];
        assert_eq!(found(&facts).fixes[0].steps.len(), 1);
        facts.machine.variables.remove("VIRTUAL_ENV");
        assert_eq!(found(&facts).fixes[0].steps.len(), 2);
        // The times are EXT008's.
        facts.project.declared.as_mut().unwrap().newest = Some(SourceTime::default());
        assert_eq!(found(&facts).severity, Severity::Warning);
    }
}
