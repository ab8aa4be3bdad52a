//! `doctor`: what is wrong on this machine, why, and what to type.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anstyle::Style;
use doctor::{CHECKS, Check, Facts, GatherOptions, LockedImage, Selection};
use host::HostPath;
use report::render::{Options, github, human, json, junit, markdown};
use report::{ExitStatus, Report, Step};
use serde::Serialize;
use wheelbuild::image::{LOCK_FILE, LockFile, Store, architecture};

use crate::cli::{DoctorCommand, DoctorFlags, DoctorFormat};
use crate::commands::{Context, dashboards, diff, watch};
use crate::config::Config;
use crate::failure::Failure;
use crate::{suppress, table};

/// Facts of a thousand environments take a few dozen megabytes.
const FACTS_LIMIT: u64 = 256 << 20;
/// What cures call this program.
pub(super) const OWN_NAME: &str = "truewheel";

pub(crate) fn run(context: &Context<'_>, flags: &DoctorFlags) -> Result<ExitStatus, Failure> {
    if let Some(DoctorCommand::Diff(flags)) = &flags.command {
        return diff::run(context, flags);
    }
    if flags.fix.is_asked() {
        return super::fix::run(context, flags);
    }
    let project = context.project()?;
    let config = Config::load(context.host, &project)?;
    let selection = selection((&flags.only, &flags.skip), &config, context.name)?;
    if flags.list {
        return list(context, flags, &selection);
    }
    let options =
        Options { width: context.printer.width(context.host), color: true, verbose: flags.verbose };
    if flags.watching.watch {
        let python = flags.python.as_deref().map(|python| context.python(python)).transpose()?;
        return watch::run(context, flags.format, &options, &|| {
            // The configuration may be what changed; one that is wrong for a while is as before.
            let config = Config::load(context.host, &project).unwrap_or_else(|_| config.clone());
            let asked = (flags.all, flags.import);
            let facts = gather_as(context, python.clone(), asked, project.clone(), &config);
            let mut report = diagnose(context, &facts, &selection);
            suppress::apply(&mut report, &config, &suppress::today());
            (facts, report)
        });
    }
    let mut facts = match &flags.facts {
        Some(file) => read_facts(context, file)?,
        None => {
            let python =
                flags.python.as_deref().map(|python| context.python(python)).transpose()?;
            gather_as(context, python, (flags.all, flags.import), project, &config)
        }
    };
    if flags.redact {
        doctor::redact(&mut facts)
            .map_err(|error| Failure::tool(error, "cannot redact the facts"))?;
    }
    if let Some(file) = &flags.save {
        save(context, &facts, file)?;
    }
    let mut report = diagnose(context, &facts, &selection);
    suppress::apply(&mut report, &config, &suppress::today());
    let strict = flags.strict || config.strict;
    let status = report.exit_status(strict);
    let text = match flags.format {
        DoctorFormat::Human => {
            shorten_home(&mut report, &facts);
            human::render(&report, &options)
        }
        DoctorFormat::Json => json::render(&report, &options),
        DoctorFormat::Github => github::render(&report, &options),
        DoctorFormat::Markdown => markdown::render(&report, &options),
        DoctorFormat::Sarif => dashboards::sarif(&report),
        DoctorFormat::Junit => junit::render(&report, strict, &host::utc(SystemTime::now())),
    };
    context.printer.data(&text)?;
    Ok(status)
}

/// What the flags and the configuration choose. A code that `--only` names is run even if the
/// configuration skips it.
pub(super) fn selection(
    (only, skip): (&[String], &[String]),
    config: &Config,
    name: &'static str,
) -> Result<Selection, Failure> {
    let wrong = |unknown: doctor::UnknownCode| {
        let list = format!("`{name} doctor --list` lists the checks");
        let hint = match &unknown.nearest {
            Some(nearest) => format!("did you mean `{nearest}`? {list}"),
            None => list,
        };
        Failure::input(unknown).hint(hint)
    };
    let asked = Selection::parse(only, skip).map_err(wrong)?;
    let configured = Selection::parse(&[], &config.skip).map_err(wrong)?;
    let mut skip = asked.skip;
    skip.extend(configured.skip.into_iter().filter(|code| !asked.only.contains(code)));
    Ok(Selection { only: asked.only, skip })
}

/// The diagnosis, with cures that call this program as the user does.
pub(super) fn diagnose(context: &Context<'_>, facts: &Facts, selection: &Selection) -> Report {
    let mut report = doctor::diagnose(facts, selection);
    let fixes = report.findings.iter_mut().flat_map(|finding| &mut finding.fixes);
    for step in fixes.flat_map(|fix| &mut fix.steps) {
        if let Step::Run { argv } = step
            && argv.first().is_some_and(|program| program == OWN_NAME)
        {
            argv.splice(..1, context.name.split(' ').map(str::to_owned));
        }
    }
    report
}

/// The facts of this machine, as the project sees it.
pub(super) fn gather(
    context: &Context<'_>,
    python: Option<PathBuf>,
    judge_all: bool,
    project: PathBuf,
    config: &Config,
) -> Facts {
    gather_as(context, python, (judge_all, false), project, config)
}

/// The same; with `import` the project's module is imported, too.
pub(super) fn gather_as(
    context: &Context<'_>,
    python: Option<PathBuf>,
    (judge_all, import): (bool, bool),
    project: PathBuf,
    config: &Config,
) -> Facts {
    let locked = locked_image(context, &project);
    let options = GatherOptions {
        project,
        python,
        environments: config.python.clone(),
        exchange: config.exchange.clone(),
        judge_all,
        cache: context.host.cache_directory(),
        import,
    };
    let mut facts = doctor::gather(context.host, &options);
    facts.project.tools.clone_from(&config.tools);
    // What only the builder knows: engines that ran a container here, and the image it wants.
    let proven = wheelbuild::engine::proven(context.host);
    facts.engines.proven = proven.iter().map(ToString::to_string).collect();
    facts.engines.image = locked;
    facts
}

/// The image that builds of the project are locked to. A lock file that is damaged is told by
/// `image check`.
fn locked_image(context: &Context<'_>, project: &Path) -> Option<LockedImage> {
    let lock = LockFile::load(context.host, project).ok()?;
    let image = lock.image(&architecture(context.host))?;
    let store = Store::of(context.host).ok()?;
    Some(LockedImage {
        file: HostPath::from(project.join(LOCK_FILE)),
        diff_id: image.diff_id(),
        is_here: context.host.is_file(&store.archive(&image.sum)),
    })
}

/// The facts in a file.
pub(super) fn read_facts(context: &Context<'_>, file: &Path) -> Result<Facts, Failure> {
    let name = context.name;
    let text =
        context.host.read_text(&context.host.absolute(file), FACTS_LIMIT).map_err(|error| {
            Failure::input(format!("cannot read {}", file.display()))
                .details(vec![error.reason()])
                .hint(format!("`{name} doctor --save FILE` writes a facts file"))
        })?;
    Facts::from_json(&text).map_err(|error| {
        let hint = match error {
            doctor::FactsError::Malformed(_) => {
                format!("`{name} doctor --save FILE` writes a facts file")
            }
            doctor::FactsError::OtherSchema { .. } => {
                "save the facts again with the version of the tool that reads them".to_owned()
            }
        };
        Failure::input(format!("cannot use {}", file.display()))
            .details(vec![error.to_string()])
            .hint(hint)
    })
}

fn save(context: &Context<'_>, facts: &Facts, file: &Path) -> Result<(), Failure> {
    let text =
        facts.to_json().map_err(|error| Failure::tool(error, "cannot write down the facts"))?;
    host::write_atomically(&context.host.absolute(file), text.as_bytes()).map_err(|error| {
        Failure::input(format!("cannot write {}", file.display()))
            .details(vec![error.to_string()])
            .hint("`--save` takes a file in a directory that you may write to")
    })?;
    context.printer.talk(&format!("facts written to {}\n", file.display()));
    Ok(())
}

/// `--list`: the checks that would run.
fn list(
    context: &Context<'_>,
    flags: &DoctorFlags,
    selection: &Selection,
) -> Result<ExitStatus, Failure> {
    let checks = CHECKS.iter().filter(|check| selection.includes(check));
    let text = match flags.format {
        DoctorFormat::Human => {
            let rows = checks.map(|check| [check.code, check.name, check.summary]);
            table::render(["CODE", "NAME", "LOOKS FOR"], rows, Style::new().bold())
        }
        DoctorFormat::Json => {
            let listed: Vec<Listed> = checks.map(|check| Listed::new(check)).collect();
            crate::output::json(&listed)?
        }
        DoctorFormat::Github
        | DoctorFormat::Markdown
        | DoctorFormat::Sarif
        | DoctorFormat::Junit => {
            return Err(Failure::input("`--list` is for people or programs")
                .hint("use `--format human` or `--format json` with it"));
        }
    };
    context.printer.data(&text)?;
    Ok(ExitStatus::Healthy)
}

#[derive(Serialize)]
struct Listed {
    code: &'static str,
    name: &'static str,
    family: &'static str,
    summary: &'static str,
}

impl Listed {
    fn new(check: &Check) -> Self {
        Self { code: check.code, name: check.name, family: check.family(), summary: check.summary }
    }
}

/// Writes `~` for the home directory in everything that is for reading; commands keep it whole.
pub(super) fn shorten_home(report: &mut Report, facts: &Facts) {
    let Some(home) = facts.machine.home.as_ref().map(HostPath::text) else { return };
    let home = home.trim_end_matches('/');
    if report.os == "windows" || home.is_empty() {
        return;
    }
    let suppressed = report.suppressed.iter_mut().map(|entry| &mut entry.finding);
    for finding in report.findings.iter_mut().chain(suppressed) {
        let subject = &mut finding.subject;
        let because = finding.because_of.as_mut().map(|because| &mut because.subject);
        for subject in std::iter::once(subject).chain(because) {
            shorten(&mut subject.label, home);
            subject.path.iter_mut().for_each(|path| shorten(path, home));
        }
        shorten(&mut finding.message, home);
        shorten(&mut finding.cause, home);
        for evidence in &mut finding.evidence {
            evidence.path.iter_mut().for_each(|path| shorten(path, home));
            shorten(&mut evidence.value, home);
        }
    }
    report.unreadable.iter_mut().for_each(|what| shorten(what, home));
}

/// Replaces `home` by `~` where it stands as a path of its own.
pub(super) fn shorten(text: &mut String, home: &str) {
    if !text.contains(home) {
        return;
    }
    let in_path = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '~');
    let mut short = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find(home) {
        let (before, found) = rest.split_at(at);
        let after = &found[home.len()..];
        short.push_str(before);
        let starts = short.chars().next_back().is_none_or(|c| !in_path(c));
        let ends = after.chars().next().is_none_or(|c| c == '/' || !in_path(c));
        short.push_str(if starts && ends { "~" } else { home });
        rest = after;
    }
    short.push_str(rest);
    *text = short;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_home_directory_is_shortened_only_where_it_is_one() {
        let cases = [
            ("/home/ann/x: link to /home/ann", "~/x: link to ~"),
            ("/home/anna/x", "/home/anna/x"),
            ("/mnt/home/ann/x", "/mnt/home/ann/x"),
            ("(/home/ann)", "(~)"),
        ];
        for (whole, wanted) in cases {
            let mut text = whole.to_owned();
            shorten(&mut text, "/home/ann");
            assert_eq!(text, wanted);
        }
    }
}
