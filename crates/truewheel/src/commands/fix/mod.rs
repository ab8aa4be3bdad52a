//! `doctor --fix`: shows what would be done, does it, and looks again whether it helped; and
//! `doctor --undo`, which brings back what was changed.

mod apply;
mod aside;
mod document;
mod history;
mod outcome;
mod record;
mod show;
mod undo;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use doctor::{Entry, Facts, Selection};
use report::{ExitStatus, Report, Safety, Severity};

use self::apply::Work;
use self::outcome::{Change, Outcome, Outcomes, Told};
use self::record::Store;
use crate::cli::{DoctorFlags, DoctorFormat};
use crate::commands::{Context, doctor as diagnosis};
use crate::config::Config;
use crate::failure::Failure;
use crate::suppress;

pub(super) fn run(context: &Context<'_>, flags: &DoctorFlags) -> Result<ExitStatus, Failure> {
    if !matches!(flags.format, DoctorFormat::Human | DoctorFormat::Json) {
        return Err(Failure::input("what is fixed is for people or programs")
            .hint("use `--format human` or `--format json` with it"));
    }
    if !flags.fix.fix {
        return history::run(context, flags);
    }
    let project = context.project()?;
    let config = Config::load(context.host, &project)?;
    let selection = diagnosis::selection((&flags.only, &flags.skip), &config, context.name)?;
    let python = flags.python.as_deref().map(|python| context.python(python)).transpose()?;
    let session = Session { context, flags, project, config, selection, python };
    session.run()
}

/// One run of `doctor --fix`.
struct Session<'a> {
    context: &'a Context<'a>,
    flags: &'a DoctorFlags,
    project: PathBuf,
    config: Config,
    /// What is to be fixed.
    selection: Selection,
    python: Option<PathBuf>,
}

impl Session<'_> {
    fn run(&self) -> Result<ExitStatus, Failure> {
        let printer = self.context.printer;
        let is_json = self.flags.format == DoctorFormat::Json;
        let (mut facts, mut report) = self.look();
        let first = self.plan(&report, &facts);
        let mut outcomes = Outcomes::new(&facts, &first);
        if !is_json {
            printer.data(&show::plan(self.context, &first, &facts))?;
        }
        if self.flags.fix.dry_run || first.is_empty() {
            return self.end(&report, &outcomes);
        }
        let store = Store::of(self.context.host)?;
        let _lock = store.lock()?;
        let interrupted =
            store.records().into_iter().filter(|record| record.is_interrupted(self.context.host));
        for record in interrupted {
            printer.talk(&show::interrupted(self.context.name, &record));
        }
        let work = Work {
            context: self.context,
            store: &store,
            project: &self.project,
            limit: Duration::from_secs(self.flags.fix.time_limit),
            verbose: self.flags.verbose,
        };
        let known = report.clone();
        let mut step = 0;
        while let Some(entry) = outcomes.next(self.plan(&report, &facts), &known) {
            step += 1;
            let outcome = match self.judge(&entry, &outcomes) {
                Some(outcome) => outcome,
                None => {
                    printer.talk(&show::begun(step, &entry));
                    let carried = apply::carry_out(&work, &facts, &entry)?;
                    let before = report;
                    (facts, report) = self.look();
                    let change = Change::between(&before, &report, &entry);
                    outcome::of(carried, &change)
                }
            };
            let ends = outcome.told == Told::Stopped && outcome.is_the_users();
            if !is_json {
                printer.talk(&show::outcome(self.context, &entry, &outcome));
            }
            outcomes.add(entry, outcome);
            if ends {
                break;
            }
        }
        outcomes.finish(&report);
        self.end(&report, &outcomes)
    }

    /// The facts of now and what the checks make of them: all checks, so that what a cure breaks
    /// elsewhere is seen too.
    fn look(&self) -> (Facts, Report) {
        // A cure may have written into the configuration.
        let config = Config::load(self.context.host, &self.project);
        let config = config.unwrap_or_else(|_| self.config.clone());
        let facts = diagnosis::gather(
            self.context,
            self.python.clone(),
            self.flags.all,
            self.project.clone(),
            &config,
        );
        let configured = Selection::parse(&[], &config.skip).unwrap_or_default();
        let skip = configured.skip.into_iter().filter(|code| !self.selection.only.contains(code));
        let all = Selection { only: Vec::new(), skip: skip.collect() };
        let mut report = diagnosis::diagnose(self.context, &facts, &all);
        suppress::apply(&mut report, &config, &suppress::today());
        (facts, report)
    }

    fn plan(&self, report: &Report, facts: &Facts) -> Vec<Entry> {
        let host = self.context.host;
        let has_program = |name: &str| name == diagnosis::OWN_NAME || host.program(name).is_some();
        doctor::plan(report, facts, &self.selection, &has_program)
    }

    /// What is said of an entry that is not carried out; `None` for one that is.
    fn judge(&self, entry: &Entry, outcomes: &Outcomes) -> Option<Outcome> {
        if let Some(cause) = outcomes.stopped_by(entry) {
            return Some(Outcome::new(
                Told::Stopped,
                format!("it comes after {cause}, which was not fixed"),
            ));
        }
        match entry.cure.safety {
            Safety::Manual => {
                let reason = entry.cure.reason.clone().unwrap_or_default();
                return Some(Outcome::new(Told::ByHand, reason));
            }
            Safety::Confirm if !self.flags.fix.yes => {}
            Safety::Safe | Safety::Confirm => return None,
        }
        let is_asked = std::io::stdin().is_terminal() && self.context.printer.is_watched();
        if !is_asked || self.flags.format == DoctorFormat::Json {
            // Not a whole command: it would lack the project and the flags of this one.
            let reason = format!(
                "it removes or replaces something, and nobody can be asked: with `--yes` the same \
                 command does it, and with `--yes --only {}` that alone",
                entry.code
            );
            return Some(Outcome::new(Told::NeedsYes, reason));
        }
        match self.ask(entry) {
            Answer::Yes => None,
            Answer::No => Some(Outcome::new(Told::Declined, String::new())),
            Answer::Quit => Some(Outcome::new(Told::Stopped, outcome::BY_THE_USER.to_owned())),
        }
    }

    fn ask(&self, entry: &Entry) -> Answer {
        self.context.printer.talk(&show::question(entry));
        loop {
            self.context.printer.talk("  do it? [y]es, [n]o, [q]uit: ");
            let mut line = String::new();
            match std::io::stdin().read_line(&mut line) {
                Ok(0) | Err(_) => return Answer::Quit,
                Ok(_) => {}
            }
            match line.trim().to_lowercase().as_str() {
                "y" | "yes" => return Answer::Yes,
                "n" | "no" | "" => return Answer::No,
                "q" | "quit" => return Answer::Quit,
                _ => {}
            }
        }
    }

    fn end(&self, report: &Report, outcomes: &Outcomes) -> Result<ExitStatus, Failure> {
        let strict = self.flags.strict || self.config.strict;
        let mut remaining = report.clone();
        remaining.findings.retain(|finding| self.selection.includes_code(&finding.code));
        remaining.summarize();
        let failed = outcomes.has_failed();
        let status = match remaining.exit_status(strict) {
            ExitStatus::Healthy if failed => ExitStatus::Problems,
            status => status,
        };
        let text = match self.flags.format {
            DoctorFormat::Json => {
                document::render(&remaining, outcomes, self.flags.fix.dry_run, &self.project)?
            }
            _ => show::end(self.context, &remaining, outcomes, self.flags.fix.dry_run),
        };
        self.context.printer.data(&text)?;
        Ok(status)
    }
}

enum Answer {
    Yes,
    No,
    Quit,
}

/// Whether a finding makes the doctor end with 1.
fn is_error(severity: Severity) -> bool {
    severity == Severity::Error
}
