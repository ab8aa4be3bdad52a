//! Plans made from facts, of this system and of others.

use host::{HostPath, Os};
use report::{Platform, SubjectKind};

use super::*;
use crate::diagnose;
use crate::testing::{healthy, venv};

fn finding(code: &str, subject: &str, fixes: Vec<Fix>) -> Finding {
    let subject = Subject::new(SubjectKind::Machine, subject);
    let mut finding = Finding::new(Severity::Error, subject, "broken");
    code.clone_into(&mut finding.code);
    finding.fixes = fixes;
    finding
}

fn plan_of(facts: &Facts, findings: Vec<Finding>) -> Vec<Entry> {
    let mut report = diagnose(facts, &Selection { only: vec!["ENV".to_owned()], skip: Vec::new() });
    report.findings = findings;
    plan(&report, facts, &Selection::default(), &|program| program != "dnf")
}

fn only(facts: &Facts, fix: Fix) -> Cure {
    plan_of(facts, vec![finding("ENV001", "x", vec![fix])]).remove(0).cure
}

#[test]
fn what_follows_from_another_finding_waits_for_the_next_look() {
    let facts = healthy();
    let cause = finding("ENV001", "x", vec![Fix::new(Safety::Safe, "a").run(["a"])]);
    let symptom = finding("ENV002", "x", vec![Fix::new(Safety::Safe, "b").run(["b"])])
        .because_of("ENV001", cause.subject.clone());
    let entries = plan_of(&facts, vec![cause.clone(), symptom.clone()]);
    assert_eq!(entries.len(), 1);
    assert_eq!(
        (entries[0].code.as_str(), entries[0].followers.as_slice()),
        ("ENV001", &["ENV002".to_owned()][..])
    );
    // Without its cause in the selection it stands for itself.
    let mut report = diagnose(&facts, &Selection::default());
    report.findings = vec![cause, symptom];
    let selection = Selection { only: vec!["ENV002".to_owned()], skip: Vec::new() };
    let entries = plan(&report, &facts, &selection, &|_| true);
    assert_eq!(entries[0].code, "ENV002");
}

#[test]
fn the_first_cure_that_can_be_carried_out_here_is_taken() {
    let facts = healthy();
    let fixes = || {
        vec![
            Fix::new(Safety::Confirm, "windows").on(Platform::Windows).run(["winget"]),
            Fix::new(Safety::Manual, "by hand").by_hand("think"),
            Fix::new(Safety::Confirm, "fedora").run(["dnf", "install"]),
            Fix::new(Safety::Confirm, "debian").run(["apt-get", "install"]),
        ]
    };
    let entry = plan_of(&facts, vec![finding("ENV001", "x", fixes())]).remove(0);
    assert_eq!(entry.cure.title, "debian");
    let mut windows = healthy();
    windows.machine.os = Os::Windows;
    let entry = plan_of(&windows, vec![finding("ENV001", "x", fixes())]).remove(0);
    assert_eq!(entry.cure.title, "windows");
    let cure = only(&facts, Fix::new(Safety::Confirm, "fedora").run(["dnf", "install"]));
    assert_eq!(cure.safety, Safety::Manual);
    assert_eq!(cure.left, ["dnf install"]);
    assert_eq!(cure.reason.as_deref(), Some("dnf is not on PATH"));
}

#[test]
fn variables_go_to_the_commands_after_them() {
    let fix = Fix::new(Safety::Safe, "build").set("VIRTUAL_ENV", "/v").unset("X").run(["maturin"]);
    let cure = only(&healthy(), fix);
    let variables = vec![("VIRTUAL_ENV".to_owned(), Some("/v".to_owned())), ("X".to_owned(), None)];
    assert_eq!(cure.actions, [Action::Run { argv: vec!["maturin".to_owned()], variables }]);
    assert_eq!(cure.safety, Safety::Safe);
}

#[test]
fn a_variable_with_a_place_in_the_project_is_written_there() {
    let facts = healthy();
    let cure = only(&facts, Fix::new(Safety::Safe, "x").set("CARGO_TARGET_DIR", "/fast/t"));
    assert_eq!(cure.safety, Safety::Confirm);
    assert_eq!(
        cure.actions,
        [Action::Configure {
            file: "/home/dev/project/.cargo/config.toml".to_owned(),
            table: vec!["build".to_owned()],
            key: "target-dir".to_owned(),
            value: "\"/fast/t\"".to_owned(),
        }]
    );
    let value = |facts: &Facts, python: &str| {
        let cure = only(facts, Fix::new(Safety::Safe, "x").set("PYO3_PYTHON", python));
        match cure.actions.as_slice() {
            [Action::Configure { value, .. }] => value.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        value(&facts, "/home/dev/project/.venv/bin/python"),
        "{ value = \".venv/bin/python\", relative = true }"
    );
    assert_eq!(
        value(&facts, "/usr/bin/python3"),
        "{ value = \"/usr/bin/python3\", relative = false }"
    );
    let mut windows = healthy();
    windows.machine.os = Os::Windows;
    windows.project.root = HostPath::from("C:/w/my project");
    assert_eq!(
        value(&windows, r"C:\w\my project\.venv\Scripts\python.exe"),
        "{ value = \".venv/Scripts/python.exe\", relative = true }"
    );
    assert_eq!(
        value(&windows, r"C:\Python\python.exe"),
        r"{ value = 'C:\Python\python.exe', relative = false }"
    );
}

#[test]
fn a_variable_that_only_the_shell_has_is_left_to_a_person() {
    let mut facts = healthy();
    for fix in [
        Fix::new(Safety::Safe, "x").set("TMPDIR", "/t"),
        Fix::new(Safety::Safe, "x").unset("PYTHONHOME"),
        Fix::new(Safety::Safe, "x").run(["mkdir", "/t"]).set("TMPDIR", "/t"),
    ] {
        let cure = only(&facts, fix);
        assert_eq!(cure.safety, Safety::Manual);
        assert!(cure.actions.is_empty() && !cure.left.is_empty(), "{cure:?}");
        assert!(cure.reason.unwrap().contains("your shell"));
    }
    // The shell's own variable would win over what is written.
    facts.machine.variables.insert("PYO3_PYTHON".to_owned(), "/gone".to_owned());
    let cure = only(&facts, Fix::new(Safety::Safe, "x").set("PYO3_PYTHON", "/p"));
    assert_eq!(
        (cure.safety, cure.left),
        (Safety::Manual, vec!["export PYO3_PYTHON=/p".to_owned()])
    );
}

#[test]
fn what_a_person_must_do_first_is_not_overtaken() {
    let first = Fix::new(Safety::Confirm, "x").by_hand("stop it").remove(["/a"]);
    assert_eq!(only(&healthy(), first).safety, Safety::Manual);
    let last = Fix::new(Safety::Confirm, "x").remove(["/a"]).by_hand("log in again");
    let cure = only(&healthy(), last);
    assert_eq!(cure.actions, [Action::MoveAside { path: "/a".to_owned(), is_replaced: false }]);
    assert_eq!(cure.left, ["log in again"]);
}

#[test]
fn commands_are_typed_as_the_system_has_them() {
    let mut facts = healthy();
    facts.machine.os = Os::Windows;
    let python = &mut venv(&mut facts).python;
    python.leftovers = vec![HostPath::from("C:/p/.venv/Lib/site-packages/~umpy")];
    let report = diagnose(&facts, &Selection { only: vec!["PKG002".to_owned()], skip: Vec::new() });
    let entry = plan(&report, &facts, &Selection::default(), &|_| true).remove(0);
    assert_eq!(entry.code, "PKG002");
    assert_eq!(
        entry.cure.actions[0].typed("windows"),
        r"Remove-Item -Recurse -Force -LiteralPath 'C:\p\.venv\Lib\site-packages\~umpy'"
    );
}

#[test]
fn packages_come_back_in_their_versions() {
    let mut facts = healthy();
    let site = HostPath::from("/home/dev/project/.venv/lib/python3.11/site-packages");
    let python = "/home/dev/project/.venv/bin/python".to_owned();
    let argv = [python.clone(), "-m".to_owned(), "pip".to_owned()];
    let environment = environment_of_command(&facts, &argv).unwrap();
    let before = installed(&facts, environment, &[]);
    assert_eq!(before["numpy"], ["numpy==2.2.6"]);
    assert!(restore_packages(&facts, environment, &before).is_empty());
    assert!(installed(&facts, environment, &[&site]).is_empty());
    let packages = &mut venv(&mut facts).python.packages;
    packages.retain(|package| package.name != "numpy");
    packages.push(crate::testing::package("six", "1.16.0", &site));
    let environment = environment_of_command(&facts, &argv).unwrap().clone();
    let commands = restore_packages(&facts, &environment, &before);
    let commands: Vec<String> = commands.iter().map(|argv| argv.join(" ")).collect();
    assert_eq!(
        commands,
        [
            format!("{python} -m pip uninstall --yes six"),
            format!("{python} -m pip install --no-deps numpy==2.2.6"),
        ]
    );
    assert!(environment_of_command(&facts, &["cargo".to_owned()]).is_none());
}

/// Whatever a check offers is either carried out or said, on every system.
#[test]
fn every_cure_of_every_check_is_done_or_said() {
    for check in crate::CHECKS {
        for case in check.cases.fires {
            let facts = case();
            let selection = Selection { only: vec![check.code.to_owned()], skip: Vec::new() };
            let report = diagnose(&facts, &selection);
            let entries = plan(&report, &facts, &Selection::default(), &|_| true);
            for entry in &entries {
                let cure = &entry.cure;
                let is_manual = cure.safety == Safety::Manual;
                assert_eq!(cure.actions.is_empty(), is_manual, "{entry:#?}");
                assert!(!is_manual || !cure.left.is_empty(), "{entry:#?}");
                for action in &cure.actions {
                    assert!(!action.typed(&report.os).is_empty(), "{entry:#?}");
                    let Action::Configure { table, key, value, .. } = action else { continue };
                    let text = set_in_toml("# ours\n[env]\n", table, key, value).unwrap();
                    assert!(text.contains(value), "{entry:#?}");
                }
            }
        }
    }
}
