//! Running the real program on the sandbox, and what a test says about its report.

use std::time::Duration;

use report::{Finding, Fix, Outcome, Platform, Report, Safety, Severity, Step};

use super::{Sandbox, expect_success, finish, skip, tools};

/// No machine that a test makes is worth more of the doctor's time.
const DOCTOR_LIMIT: Duration = Duration::from_secs(120);

/// One run of the doctor in a sandbox.
pub(crate) struct Diagnosis<'a> {
    sandbox: &'a Sandbox,
    arguments: Vec<String>,
    /// Everything it said.
    pub(crate) report: Report,
    /// How it ended.
    pub(crate) code: Option<i32>,
}

impl Sandbox {
    /// Runs the doctor on the project.
    #[track_caller]
    pub(crate) fn doctor(&self) -> Diagnosis<'_> {
        self.doctor_with(&[])
    }

    /// Runs the doctor on the project, with more flags.
    #[track_caller]
    pub(crate) fn doctor_with(&self, flags: &[&str]) -> Diagnosis<'_> {
        let arguments: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        self.diagnosis_by(&self.doctor_command(&arguments), arguments)
    }

    #[track_caller]
    fn diagnosis_by(&self, command: &host::Invocation, arguments: Vec<String>) -> Diagnosis<'_> {
        let command = command.clone().args(["--format", "json"]);
        let output = finish(&command);
        let stderr = output.stderr_text();
        let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("no report ({error}); it ended with {:?} and said:\n{stderr}", output.code)
        });
        let diagnosis = Diagnosis { sandbox: self, arguments, report, code: output.code };
        diagnosis.nothing_crashed(&stderr);
        diagnosis
    }

    /// Runs the doctor and expects it to end in good time with a report or a refusal, whatever it
    /// finds. `what` names the damage.
    #[track_caller]
    pub(crate) fn survives(&self, what: &str) -> Report {
        self.end_of(&self.doctor_command(&[]), what)
    }

    /// The same for a user who may read only what everybody may. Only root can do that.
    #[track_caller]
    pub(crate) fn doctor_as_nobody(&self) -> Report {
        self.end_of(&self.doctor_command_as(65_534), "run as another user")
    }

    /// Runs the doctor on the project as another user. Only root can do that.
    #[track_caller]
    pub(crate) fn doctor_as(&self, user: u32, flags: &[&str]) -> Diagnosis<'_> {
        let arguments: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        self.diagnosis_by(&self.doctor_command_as(user).args(&arguments), arguments)
    }

    /// `doctor --fix --yes` by a user who may read and not write here. Only root can do that.
    #[track_caller]
    pub(crate) fn fix_as_nobody(&self, flags: &[&str]) -> host::Output {
        let command = self.doctor_command_as(65_534).args(["--fix", "--yes", "--format", "json"]);
        finish(&command.args(flags))
    }

    fn doctor_command_as(&self, user: u32) -> host::Invocation {
        if self.host.user_id != Some(0) {
            skip("only root can become another user");
        }
        // The build directory may be out of that user's reach.
        let program = self.path("bin/truewheel");
        if !self.exists(&program) {
            let built = fs_err::read(env!("CARGO_BIN_EXE_truewheel")).unwrap();
            self.write_program(&program, built);
            self.set_mode(self.root.path(), 0o755);
            self.set_mode(&self.path("cache"), 0o777);
            self.set_mode(&self.path("tmp"), 0o777);
        }
        self.command("/usr/bin/setpriv")
            .directory("/")
            .args([format!("--reuid={user}"), format!("--regid={user}")])
            .arg("--clear-groups")
            .arg(program)
            .args(["doctor", "--project"])
            .arg(self.project())
            .timeout(DOCTOR_LIMIT)
    }

    #[track_caller]
    fn end_of(&self, command: &host::Invocation, what: &str) -> Report {
        let what: String = what.chars().take(100).collect();
        let command = command.clone().args(["--format", "json"]);
        let output = match command.output() {
            Ok(output) => output,
            Err(error) => panic!("{what}: {error}"),
        };
        let stderr = output.stderr_text();
        assert!(!stderr.contains("panicked at"), "{what}: it panicked\n{stderr}");
        assert!(
            matches!(output.code, Some(0 | 1)),
            "{what}: it ended with {:?}\n{stderr}",
            output.code
        );
        let report: Report = match serde_json::from_slice(&output.stdout) {
            Ok(report) => report,
            Err(error) => panic!("{what}: no report ({error})\n{stderr}"),
        };
        for check in &report.checks {
            let reason = check.reason.as_deref().unwrap_or("");
            assert!(check.outcome != Outcome::Crashed, "{what}: {} crashed: {reason}", check.code);
        }
        report
    }

    /// `doctor --fix --yes` with more flags; returns what it says. What it runs cannot change the
    /// interpreters of the machine.
    #[track_caller]
    pub(crate) fn fix(&self, flags: &[&str], more: &[String]) -> serde_json::Value {
        let command = self
            .shielded(env!("CARGO_BIN_EXE_truewheel"))
            .args(["doctor", "--fix", "--yes", "--format", "json", "--project"])
            .arg(self.project())
            .args(flags)
            .args(more);
        let command = tools::network_variables()
            .into_iter()
            .fold(command, |command, (name, value)| command.env(name, value));
        let output = finish(&command);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("no document ({error}); it said:\n{}", output.stderr_text())
        })
    }

    /// Runs the doctor as it is, for tests of what it refuses.
    #[track_caller]
    pub(crate) fn doctor_output(&self, flags: &[&str]) -> host::Output {
        finish(&self.doctor_command(&[]).args(flags))
    }

    fn doctor_command(&self, arguments: &[String]) -> host::Invocation {
        self.command(env!("CARGO_BIN_EXE_truewheel"))
            .arg("doctor")
            .arg("--project")
            .arg(self.project())
            .args(arguments)
            .timeout(DOCTOR_LIMIT)
    }
}

impl Diagnosis<'_> {
    /// The findings that are errors or warnings and root causes have exactly these codes.
    #[track_caller]
    pub(crate) fn only(&self, codes: &[&str]) -> &Self {
        let mut expected = codes.to_vec();
        expected.sort_unstable();
        let mut found: Vec<&str> = self
            .report
            .findings
            .iter()
            .filter(|finding| finding.severity >= Severity::Warning)
            .filter(|finding| !self.is_folded(finding))
            .map(|finding| finding.code.as_str())
            .collect();
        found.sort_unstable();
        found.dedup();
        assert!(found == expected, "expected {expected:?}, found {found:?}\n{}", self.shown());
        let is_expected = |finding: &&Finding| expected.contains(&finding.code.as_str());
        self.sandbox
            .record_found(&self.report.findings.iter().filter(is_expected).collect::<Vec<_>>());
        self
    }

    /// No error and no warning.
    #[track_caller]
    pub(crate) fn silent(&self) -> &Self {
        self.only(&[]);
        assert!(self.code == Some(0), "it ended with {:?}\n{}", self.code, self.shown());
        self.sandbox.record_gone(None);
        self
    }

    /// The first finding with this code.
    #[track_caller]
    pub(crate) fn finding(&self, code: &str) -> &Finding {
        match self.report.findings.iter().find(|finding| finding.code == code) {
            Some(finding) => {
                self.sandbox.record_found(&[finding]);
                finding
            }
            None => panic!("{code} was not found\n{}", self.shown()),
        }
    }

    /// Every finding with this code is gone, and it ended as it should.
    #[track_caller]
    pub(crate) fn gone(&self, code: &str) -> &Self {
        let found = self.report.findings.iter().any(|finding| finding.code == code);
        assert!(!found, "{code} is still there\n{}", self.shown());
        self.sandbox.record_gone(Some(code));
        self
    }

    /// How bad the finding is.
    #[track_caller]
    pub(crate) fn severity(&self, code: &str, severity: Severity) -> &Self {
        let found = self.finding(code).severity;
        assert!(found == severity, "{code} is of severity {found}\n{}", self.shown());
        self
    }

    /// The finding's root cause says this.
    #[track_caller]
    pub(crate) fn cause_contains(&self, code: &str, text: &str) -> &Self {
        let cause = &self.finding(code).cause;
        assert!(cause.contains(text), "{code} has the cause {cause:?}\n{}", self.shown());
        self
    }

    /// The finding's message says this.
    #[track_caller]
    pub(crate) fn message_contains(&self, code: &str, text: &str) -> &Self {
        let message = &self.finding(code).message;
        assert!(message.contains(text), "{code} says {message:?}\n{}", self.shown());
        self
    }

    /// The finding rests on an observation with this text, in its path or in its value.
    #[track_caller]
    pub(crate) fn evidence_contains(&self, code: &str, text: &str) -> &Self {
        let found = self.finding(code).evidence.iter().any(|evidence| {
            evidence.value.contains(text)
                || evidence.path.as_ref().is_some_and(|path| path.contains(text))
        });
        assert!(found, "{code} shows no {text:?} as evidence\n{}", self.shown());
        self
    }

    /// The finding is folded under another one.
    #[track_caller]
    pub(crate) fn folded(&self, code: &str, under: &str) -> &Self {
        let finding = self.finding(code);
        let folded = self.is_folded(finding)
            && finding.because_of.as_ref().is_some_and(|cause| cause.code == under);
        assert!(folded, "{code} is not folded under {under}\n{}", self.shown());
        self
    }

    /// Carries out the finding's first cure for this system, for real, and looks again: with
    /// `doctor --fix` where a program can do it, else as a person would, in a shell whose variables
    /// are set.
    #[track_caller]
    pub(crate) fn apply_fix(&self, code: &str) -> Self {
        let applies = |fix: &&Fix| matches!(fix.platform, Platform::Any | Platform::Linux);
        let first = self.finding(code).fixes.iter().find(applies);
        let is_for_a_program = first.is_some_and(|fix| {
            let is_run = |step: &Step| matches!(step, Step::Run { .. });
            let is_done = |(index, step): (usize, &Step)| match step {
                // It is for the commands after it.
                Step::SetVariable { .. } | Step::UnsetVariable { .. } => {
                    fix.steps[index..].iter().any(is_run)
                }
                step => matches!(
                    step,
                    Step::Run { .. }
                        | Step::Remove { .. }
                        | Step::SetAside { .. }
                        | Step::Write { .. }
                        | Step::Configure { .. }
                ),
            };
            fix.safety != Safety::Manual && fix.steps.iter().enumerate().all(is_done)
        });
        if is_for_a_program {
            self.fixed(code);
            let flags: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
            return self.sandbox.doctor_with(&flags);
        }
        self.apply_fix_with(code, |step| {
            panic!("the cure of {code} needs a person: {step:?}\n{}", self.shown())
        })
    }

    /// Runs `doctor --fix --yes` for the findings with this code, which says that each is fixed;
    /// returns what it says.
    #[track_caller]
    pub(crate) fn fixed(&self, code: &str) -> serde_json::Value {
        let document = self.sandbox.fix(&["--only", code], &self.arguments);
        let results = document["results"].as_array().expect("there are results");
        let is_fixed = |result: &serde_json::Value| {
            matches!(result["outcome"].as_str(), Some("fixed" | "gone_too"))
        };
        assert!(
            !results.is_empty() && results.iter().all(is_fixed),
            "{code} was not fixed\n{document:#}"
        );
        self.sandbox.record_fixed(code, false);
        document
    }

    /// The same, where `by_hand` does what the cure leaves to a person.
    #[track_caller]
    pub(crate) fn apply_fix_with(&self, code: &str, mut by_hand: impl FnMut(&Step)) -> Self {
        let fixes = &self.finding(code).fixes;
        let applies = |fix: &&Fix| matches!(fix.platform, Platform::Any | Platform::Linux);
        let Some(fix) = fixes.iter().find(applies) else {
            panic!("{code} has no cure for this system\n{}", self.shown())
        };
        for step in &fix.steps {
            match step {
                Step::Run { argv } => self.run_step(argv),
                Step::SetVariable { name, value } => self.sandbox.set_variable(name, value),
                Step::UnsetVariable { name } => self.sandbox.unset(name),
                Step::Remove { paths } => {
                    let arguments =
                        ["-rf", "--"].into_iter().chain(paths.iter().map(String::as_str));
                    self.sandbox.run("rm", arguments);
                }
                Step::SetAside { .. } => {}
                Step::Write { file, text } => self.sandbox.replace(file.as_ref(), text),
                Step::Configure { .. } | Step::Edit { .. } | Step::Do { .. } => by_hand(step),
            }
        }
        let flags: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        let again = self.sandbox.doctor_with(&flags);
        if again.report.findings.iter().all(|finding| finding.code != code) {
            let is_by_hand = |step: &Step| matches!(step, Step::Edit { .. } | Step::Do { .. });
            self.sandbox.record_fixed(code, fix.steps.iter().any(is_by_hand));
        }
        again
    }

    /// Whether the finding that this one follows from is in the report too.
    fn is_folded(&self, finding: &Finding) -> bool {
        finding.because_of.as_ref().is_some_and(|cause| {
            self.report.findings.iter().any(|f| f.code == cause.code && f.subject == cause.subject)
        })
    }

    #[track_caller]
    fn run_step(&self, argv: &[String]) {
        let (program, arguments) = argv.split_first().expect("a step names a program");
        let command = tools::network_variables()
            .into_iter()
            .fold(self.sandbox.shielded(program).args(arguments), |command, (name, value)| {
                command.env(name, value)
            });
        expect_success(&command, &finish(&command));
    }

    #[track_caller]
    fn nothing_crashed(&self, stderr: &str) {
        assert!(!stderr.contains("panicked at"), "it panicked:\n{stderr}");
        for check in &self.report.checks {
            assert!(
                check.outcome != Outcome::Crashed,
                "{} crashed: {:?}",
                check.code,
                check.reason
            );
        }
        assert!(
            matches!(self.code, Some(0 | 1)),
            "it ended with {:?} and said:\n{stderr}",
            self.code
        );
    }

    /// The report as a person sees it, for the message of a failed test.
    fn shown(&self) -> String {
        let command = self.sandbox.doctor_command(&self.arguments).args(["-v", "--color", "never"]);
        match command.output() {
            Ok(output) => output.stdout_text() + &output.stderr_text(),
            Err(error) => error.to_string(),
        }
    }
}
