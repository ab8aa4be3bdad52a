//! What the renderers make of a few reports.

#[cfg(test)]
mod exit;
#[cfg(test)]
mod github;
#[cfg(test)]
mod human;
#[cfg(test)]
mod json;
#[cfg(test)]
mod markdown;
#[cfg(test)]
mod schema;

use report::{
    CheckRecord, Finding, Fix, Outcome, Platform, REPORT_SCHEMA, Report, Safety, Severity, Subject,
    SubjectKind, Summary, Suppressed,
};

fn check(code: &str, name: &str, outcome: Outcome, reason: Option<&str>) -> CheckRecord {
    CheckRecord {
        code: code.to_owned(),
        name: name.to_owned(),
        outcome,
        reason: reason.map(str::to_owned),
        elapsed_ms: 0.25,
    }
}

fn report(findings: Vec<Finding>, checks: Vec<CheckRecord>) -> Report {
    let mut report = Report {
        schema: REPORT_SCHEMA.to_owned(),
        version: "0.1.0".to_owned(),
        os: "linux".to_owned(),
        project: "/home/ann/proj".to_owned(),
        findings,
        suppressed: Vec::new(),
        checks,
        unreadable: Vec::new(),
        summary: Summary { environments: 12, judged: 3, ..Summary::default() },
        gather_ms: 37.0,
    };
    report.summarize();
    report
}

fn named(code: &str, name: &str, mut finding: Finding) -> Finding {
    finding.code = code.to_owned();
    finding.name = name.to_owned();
    finding
}

/// Nothing wrong; one check could not judge.
fn healthy() -> Report {
    report(
        Vec::new(),
        vec![
            check("ENV001", "broken-interpreter-link", Outcome::Ok, None),
            check("NPY004", "pickle-across-numpy-2", Outcome::Ok, None),
            check("CTR002", "daemon-unreachable", Outcome::Skipped, Some("no docker here")),
        ],
    )
}

/// Two errors with what follows from them, a warning, and a suppressed finding.
fn faulty() -> Report {
    let venv = || {
        Subject::at(
            SubjectKind::Environment,
            "~/proj/.venv (Python 3.11.7)",
            "/home/ann/proj/.venv",
        )
    };
    let pair = Subject::at(
        SubjectKind::Pair,
        "~/proj/.venv (numpy 2.1.3) → /usr (numpy 1.24.2)",
        "/home/ann/proj/.venv",
    );
    let broken =
        Finding::new(Severity::Error, venv(), "its interpreter is a link that leads nowhere")
            .seen_at(
                "/home/ann/proj/.venv/bin/python",
                "link to /usr/bin/python3.11, which is missing",
            )
            .cause("The Python it was made from was removed or upgraded")
            .fix(
                Fix::new(Safety::Confirm, "make it again")
                    .run(["python3", "-m", "venv", "--clear", "/home/ann/proj/.venv"])
                    .run([
                        "/home/ann/proj/.venv/bin/python",
                        "-m",
                        "pip",
                        "install",
                        "-e",
                        "/home/ann/proj",
                    ]),
            )
            .fix(
                Fix::new(Safety::Safe, "use the launcher").on(Platform::Windows).run(["py", "-0"]),
            );
    let stale = Finding::new(
        Severity::Warning,
        venv(),
        "VIRTUAL_ENV names an environment that cannot start",
    )
    .because_of("ENV001", venv());
    let build = Finding::new(
        Severity::Error,
        Subject::new(SubjectKind::Project, "proj"),
        "maturin will refuse to build here",
    )
    .because_of("ENV006", venv());
    let pickle = Finding::new(
        Severity::Error,
        pair.clone(),
        "an array pickled by numpy 2.1.3 cannot be loaded by numpy 1.24.2, in any protocol",
    )
    .seen_at("/home/ann/proj/.venv/lib/python3.11/site-packages/numpy-2.1.3.dist-info", "numpy 2.1.3")
    .seen("the reader will see:\nModuleNotFoundError: No module named 'numpy._core'")
    .cause("numpy 2 writes the module name numpy._core into pickles; numpy 1 before 1.26 has no such module")
    .fix(Fix::new(Safety::Safe, "bring the reader to a numpy that knows numpy._core").run([
        "/usr/bin/python3",
        "-m",
        "pip",
        "install",
        "numpy>=1.26.1",
    ]))
    .fix(
        Fix::new(Safety::Manual, "exchange npz files instead")
            .by_hand("write with `numpy.savez` and read with `allow_pickle=False`")
            .edit("/home/ann/proj/exchange.py", "- pickle.dump(array, file)\n+ numpy.savez(file, array)")
            .set("PYTHONWARNINGS", "error::DeprecationWarning")
            .unset("PYTHONHOME"),
    );
    let slow = Finding::new(
        Severity::Warning,
        Subject::at(SubjectKind::Directory, "target", "/mnt/c/target"),
        "build directory on a slow file system",
    );
    let mut report = report(
        vec![
            named("FS006", "foreign-file-system", slow),
            named("ENV001", "broken-interpreter-link", broken),
            named("ENV006", "virtual-env-mismatch", stale),
            named("BLD001", "ambiguous-python", build),
            named("NPY004", "pickle-across-numpy-2", pickle),
        ],
        vec![
            check("ENV001", "broken-interpreter-link", Outcome::Findings, None),
            check("NPY004", "pickle-across-numpy-2", Outcome::Findings, None),
            check("FS009", "disk-full", Outcome::Ok, None),
            check("CTR002", "daemon-unreachable", Outcome::Skipped, Some("no docker here")),
            check("LIB001", "glibc-too-old", Outcome::Crashed, Some("index out of bounds")),
        ],
    );
    let space = Finding::new(Severity::Warning, venv(), "a space in the path of the environment");
    report.suppressed.push(Suppressed {
        finding: named("FS012", "awkward-path", space),
        reason: "moves in spring".to_owned(),
        until: Some("2027-01-31".to_owned()),
    });
    report.unreadable.push("/home/ann/.conda/environments.txt: Permission denied".to_owned());
    report.summarize();
    report
}

/// Text that would take over a terminal, a workflow or a page, everywhere it could come from.
fn hostile() -> Report {
    const EVIL: &str =
        "a\n::error::x\r\x1b[31mred\x1b]0;t\x07 `b` ```c``` <img src=x> | # h *e* \u{202e}evil %0A";
    let subject = Subject::at(SubjectKind::Environment, EVIL, format!("/home/ann/proj/{EVIL}"));
    let finding = Finding::new(Severity::Error, subject.clone(), EVIL)
        .seen_at(format!("/home/ann/proj/{EVIL}"), EVIL)
        .cause(EVIL)
        .fix(
            Fix::new(Safety::Safe, EVIL)
                .run(["rm", EVIL])
                .set("A", EVIL)
                .set(EVIL, "b")
                .remove([EVIL])
                .set_aside(EVIL)
                .write(EVIL, EVIL)
                .configure(EVIL, &[EVIL], EVIL, EVIL)
                .edit(EVIL, EVIL)
                .by_hand(EVIL),
        );
    let follower = Finding::new(Severity::Info, Subject::new(SubjectKind::Machine, EVIL), EVIL)
        .because_of("X001", subject.clone());
    let hidden = Finding::new(Severity::Info, subject, EVIL);
    let mut report = report(
        vec![named("X001", "evil", finding), named("X002", "evil", follower)],
        vec![check("X003", "evil", Outcome::Crashed, Some(EVIL))],
    );
    report.unreadable.push(EVIL.to_owned());
    report.suppressed.push(Suppressed {
        finding: named("X004", "evil", hidden),
        reason: EVIL.to_owned(),
        until: None,
    });
    report.summarize();
    report
}
