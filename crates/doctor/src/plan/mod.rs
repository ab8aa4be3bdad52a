//! What a program would do about findings: which cure it takes, what that changes, and in which
//! order. Nothing is done here, and nothing is looked at but facts.

mod packages;
mod persist;
mod toml_text;

use report::{Finding, Fix, Report, Safety, Severity, Shell, Step, Subject};

pub use packages::{Installed, environment_of_command, installed, restore_packages};
pub(crate) use persist::pin_interpreter;
pub use toml_text::{TomlProblem, set_in_toml, toml_string};

use crate::{Facts, Selection};

/// One thing that a program does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Runs a command in the project's directory.
    Run {
        /// Program and arguments.
        argv: Vec<String>,
        /// Variables for this command: new values, and those that are taken away.
        variables: Vec<(String, Option<String>)>,
    },
    /// Moves what is there aside.
    MoveAside {
        /// Absolute path.
        path: String,
        /// Whether the next command makes it anew.
        is_replaced: bool,
    },
    /// Writes a file as a whole.
    Write {
        /// The file.
        file: String,
        /// All of its text.
        text: String,
    },
    /// Sets a key in a TOML file.
    Configure {
        /// The file.
        file: String,
        /// The table.
        table: Vec<String>,
        /// The key.
        key: String,
        /// The value, as TOML.
        value: String,
    },
}

/// A cure, as a program carries it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cure {
    /// What it does.
    pub title: String,
    /// How much care it needs here: what changes a file of the project is never just safe.
    pub safety: Safety,
    /// What a program does, in order; nothing for what is left to a person.
    pub actions: Vec<Action>,
    /// What is left to a person: lines to type, or words.
    pub left: Vec<String>,
    /// Why no program can do it, where that is not plain.
    pub reason: Option<String>,
}

/// What is done about one finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Code of the finding.
    pub code: String,
    /// Name of its check.
    pub name: String,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about.
    pub subject: Subject,
    /// What is wrong.
    pub message: String,
    /// Codes of the findings that follow from it, and are looked at again afterwards.
    pub followers: Vec<String>,
    /// The cure.
    pub cure: Cure,
}

/// What would be done about the findings of a report that `selection` names: root causes, in the
/// order of the report. `has_program` says whether a name is a program on `PATH`: of several cures
/// the first that can be carried out is taken.
#[must_use]
pub fn plan(
    report: &Report,
    facts: &Facts,
    selection: &Selection,
    has_program: &dyn Fn(&str) -> bool,
) -> Vec<Entry> {
    let chosen: Vec<Finding> = report
        .findings
        .iter()
        .filter(|finding| selection.includes_code(&finding.code))
        .cloned()
        .collect();
    let causes = report::causes(&chosen);
    let root_of = |mut index: usize| {
        while let Some(cause) = causes[index] {
            index = cause;
        }
        index
    };
    let roots: Vec<usize> = (0..chosen.len()).map(root_of).collect();
    let mut entries = Vec::new();
    for (index, finding) in chosen.iter().enumerate().filter(|(index, _)| roots[*index] == *index) {
        let Some(cure) = cure(finding, facts, has_program) else { continue };
        let followers = (0..chosen.len()).filter(|other| *other != index && roots[*other] == index);
        let mut followers: Vec<String> = followers.map(|f| chosen[f].code.clone()).collect();
        followers.dedup();
        entries.push(Entry {
            code: finding.code.clone(),
            name: finding.name.clone(),
            severity: finding.severity,
            subject: finding.subject.clone(),
            message: finding.message.clone(),
            followers,
            cure,
        });
    }
    entries
}

/// The first cure that a program can carry out, else the first.
fn cure(finding: &Finding, facts: &Facts, has_program: &dyn Fn(&str) -> bool) -> Option<Cure> {
    let os = facts.machine.os.name();
    let mut cures = finding
        .fixes
        .iter()
        .filter(|fix| fix.applies_to(os))
        .map(|fix| resolve(fix, facts, has_program));
    let first = cures.next()?;
    if first.safety != Safety::Manual {
        return Some(first);
    }
    Some(cures.find(|cure| cure.safety != Safety::Manual).unwrap_or(first))
}

/// The cure as actions, or as what is left to a person.
fn resolve(fix: &Fix, facts: &Facts, has_program: &dyn Fn(&str) -> bool) -> Cure {
    let os = facts.machine.os.name();
    let by_hand = |reason: Option<String>| Cure {
        title: fix.title.clone(),
        safety: Safety::Manual,
        actions: Vec::new(),
        left: fix.steps.iter().filter(|s| !s.is_silent()).map(|step| in_words(step, os)).collect(),
        reason,
    };
    if fix.safety == Safety::Manual {
        return by_hand(None);
    }
    let mut safety = fix.safety;
    let mut actions = Vec::new();
    let mut left = Vec::new();
    let mut variables: Vec<(String, Option<String>)> = Vec::new();
    for (index, step) in fix.steps.iter().enumerate() {
        let runs_later = || fix.steps[index..].iter().any(|s| matches!(s, Step::Run { .. }));
        let action = match step {
            Step::Run { argv } => {
                let Some(program) = argv.first() else { continue };
                let is_name = !program.contains(['/', '\\']);
                if is_name && !has_program(program) {
                    return by_hand(Some(format!("{program} is not on PATH")));
                }
                Action::Run { argv: argv.clone(), variables: variables.clone() }
            }
            Step::SetVariable { name, value } => {
                if runs_later() {
                    variables.push((name.clone(), Some(value.clone())));
                    continue;
                }
                let Some(action) = persist::persist(facts, name, value) else {
                    return by_hand(Some(OF_THE_SHELL.to_owned()));
                };
                safety = Safety::Confirm;
                action
            }
            Step::UnsetVariable { name } => {
                if !runs_later() {
                    return by_hand(Some(OF_THE_SHELL.to_owned()));
                }
                variables.push((name.clone(), None));
                continue;
            }
            Step::Remove { paths } => {
                if !left.is_empty() {
                    return by_hand(None);
                }
                let aside =
                    |path: &String| Action::MoveAside { path: path.clone(), is_replaced: false };
                actions.extend(paths.iter().map(aside));
                continue;
            }
            Step::SetAside { path } => Action::MoveAside { path: path.clone(), is_replaced: true },
            Step::Write { file, text } => Action::Write { file: file.clone(), text: text.clone() },
            Step::Configure { file, table, key, value } => Action::Configure {
                file: file.clone(),
                table: table.clone(),
                key: key.clone(),
                value: value.clone(),
            },
            Step::Edit { .. } | Step::Do { .. } => {
                left.push(in_words(step, os));
                continue;
            }
        };
        // What comes after something that a person does cannot come before it.
        if !left.is_empty() {
            return by_hand(None);
        }
        actions.push(action);
    }
    if actions.is_empty() {
        return by_hand(None);
    }
    Cure { title: fix.title.clone(), safety, actions, left, reason: None }
}

const OF_THE_SHELL: &str = "it is a variable of your shell, which no program can change";

/// A step as a line to type, else in words.
fn in_words(step: &Step, os: &str) -> String {
    Shell::of(os).line(step).unwrap_or_else(|| step.words())
}

impl Action {
    /// What is typed to do the same on `os`; else in words.
    #[must_use]
    pub fn typed(&self, os: &str) -> String {
        in_words(&self.step(), os)
    }

    /// What it changes, in words.
    #[must_use]
    pub fn changes(&self) -> String {
        match self {
            Self::Run { .. } => "what this command changes".to_owned(),
            Self::MoveAside { path, is_replaced: true } => {
                format!("{path} is moved aside, and made anew")
            }
            Self::MoveAside { path, is_replaced: false } => format!("{path} is moved aside"),
            Self::Write { file, .. } => format!("{file} is written anew; its old text is kept"),
            Self::Configure { file, key, .. } => {
                format!("{file}: `{key}` is set; the old text is kept")
            }
        }
    }

    fn step(&self) -> Step {
        match self {
            Self::Run { argv, .. } => Step::Run { argv: argv.clone() },
            Self::MoveAside { path, .. } => Step::Remove { paths: vec![path.clone()] },
            Self::Write { file, text } => Step::Write { file: file.clone(), text: text.clone() },
            Self::Configure { file, table, key, value } => Step::Configure {
                file: file.clone(),
                table: table.clone(),
                key: key.clone(),
                value: value.clone(),
            },
        }
    }
}

#[cfg(test)]
mod tests;
