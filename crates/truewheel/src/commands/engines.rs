//! `engines`: what could run a build here, and what makes it work.

use host::HostPath;
use report::ExitStatus;
use report::render::visible;
use serde::Serialize;
use wheelbuild::engine::{Engine, Error, Trial, probe};

use crate::cli::{BuildFormat, EnginesFlags};
use crate::commands::Context;
use crate::failure::Failure;
use crate::output;
use crate::progress::{Phases, watched};

/// Version of the JSON layout; raised with every change that a reader could notice.
const SCHEMA: &str = "truewheel-engines/1";

pub(crate) fn run(context: &Context<'_>, flags: &EnginesFlags) -> Result<ExitStatus, Failure> {
    let asked = flags.engine.map(Engine::from);
    let trials = try_engines(context, asked)?;
    let chosen = trials.iter().find(|trial| trial.ready.is_some()).map(|trial| trial.engine);
    let text = match flags.format {
        BuildFormat::Human => human(&trials, chosen),
        BuildFormat::Json => output::json(&Document {
            schema: SCHEMA,
            chosen,
            engines: trials.iter().map(Tried::new).collect(),
        })?,
    };
    context.printer.data(&text)?;
    let is_enough = chosen.is_some_and(|engine| engine.is_hermetic() || asked == Some(engine));
    Ok(if is_enough { ExitStatus::Healthy } else { ExitStatus::Problems })
}

/// Tries one engine, or all of them, and shows which one is tried.
pub(super) fn try_engines(
    context: &Context<'_>,
    asked: Option<Engine>,
) -> Result<Vec<Trial>, Failure> {
    let engines = asked.map_or_else(|| Engine::ALL.to_vec(), |engine| vec![engine]);
    let phases = Phases::new();
    let tell = |engine: Engine| phases.begin(format!("trying {engine}"));
    watched(context.printer, || phases.line(), || probe(context.host, &engines, tell))
        .map_err(|error| failure(&error))
}

/// An engine that could not be tried or used, as the program says it.
pub(super) fn failure(error: &Error) -> Failure {
    let failed = match error {
        Error::Impossible { .. } | Error::NoEngine { .. } => Failure::input(error),
        _ => Failure::tool(anyhow::Error::msg(error.to_string()), "cannot use containers"),
    };
    match error.hint() {
        Some(hint) => failed.hint(hint),
        None => failed,
    }
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    /// The one that a build uses when none is asked for.
    chosen: Option<Engine>,
    engines: Vec<Tried<'a>>,
}

#[derive(Serialize)]
struct Tried<'a> {
    engine: Engine,
    program: Option<HostPath>,
    version: Option<&'a str>,
    works: bool,
    hermetic: bool,
    /// What it is asked besides, to work here.
    remedies: Vec<&'static str>,
    /// What this way does not do.
    limits: Vec<String>,
    attempts: &'a [wheelbuild::engine::Attempt],
    cause: Option<wheelbuild::engine::Cause>,
    code: Option<&'static str>,
    cure: &'a [String],
}

impl<'a> Tried<'a> {
    fn new(trial: &'a Trial) -> Self {
        let remedies = trial.ready.iter().flat_map(|ready| ready.rung.remedies());
        Self {
            engine: trial.engine,
            program: trial.program.clone().map(HostPath::from),
            version: trial.version.as_deref(),
            works: trial.ready.is_some(),
            hermetic: trial.engine.is_hermetic(),
            remedies: remedies.map(|remedy| remedy.description()).collect(),
            limits: trial.ready.as_ref().map(wheelbuild::engine::Ready::limits).unwrap_or_default(),
            attempts: &trial.attempts,
            cause: trial.cause,
            code: trial.cause.map(wheelbuild::engine::Cause::code),
            cure: &trial.cure,
        }
    }
}

fn human(trials: &[Trial], chosen: Option<Engine>) -> String {
    let mut text = String::new();
    for trial in trials {
        text.push_str(&heading(trial));
        let failed = trial
            .attempts
            .iter()
            .filter_map(|attempt| Some((attempt.rung.description(), attempt.why_not.as_ref()?)));
        for (rung, why_not) in failed {
            // An engine that is not there was not tried in any way.
            if trial.attempts.len() > 1 || trial.ready.is_some() {
                text.push_str(&format!("    tried {rung}: {}\n", visible(why_not)));
            }
        }
        for limit in trial.ready.iter().flat_map(wheelbuild::engine::Ready::limits) {
            text.push_str(&format!("    limit: {limit}\n"));
        }
        for cure in &trial.cure {
            text.push_str(&format!("    cure: {}\n", visible(cure)));
        }
    }
    text.push('\n');
    match chosen {
        Some(engine) if engine.is_hermetic() => {
            text.push_str(&format!("✓ a build here uses {engine}\n"));
        }
        Some(engine) => text.push_str(&format!(
            "! a build here uses {engine}, which does not keep it from this machine\n"
        )),
        None => text.push_str("✗ nothing runs a build here\n"),
    }
    text
}

fn heading(trial: &Trial) -> String {
    let version = trial.version.as_ref().filter(|_| trial.engine != Engine::Host);
    let version = version.map(|version| format!(" {}", visible(version))).unwrap_or_default();
    let name = format!("{}{version}", trial.engine);
    match &trial.ready {
        Some(ready) if ready.rung.remedies().is_empty() => {
            let mark = if trial.engine.is_hermetic() { '✓' } else { '!' };
            format!("{mark} {name} works\n")
        }
        Some(ready) => format!("✓ {name} works with {}\n", ready.rung.description()),
        None => {
            let code = trial.cause.map(|cause| format!(" {}", cause.code())).unwrap_or_default();
            let reason = trial.reason().unwrap_or_default();
            format!("✗ {name}{code}: {}\n", visible(&reason))
        }
    }
}

#[cfg(test)]
mod tests {
    use wheelbuild::engine::{Attempt, Cause, Ready, Remedy, Rung};

    use super::*;

    fn trial(engine: Engine, attempts: &[(&[Remedy], Option<&str>)]) -> Trial {
        let rung = |remedies: &[Remedy]| Rung::with(remedies.iter().copied());
        let attempts: Vec<Attempt> = attempts
            .iter()
            .map(|(remedies, why_not)| Attempt {
                rung: rung(remedies),
                why_not: why_not.map(str::to_owned),
            })
            .collect();
        let last = attempts.last().unwrap();
        let works = last.why_not.is_none();
        let (program, version) = (format!("/usr/bin/{engine}").into(), "4.3.1".to_owned());
        let ready = Ready { engine, program, version, rung: last.rung.clone() };
        Trial {
            engine,
            program: Some(ready.program.clone()),
            version: works.then(|| ready.version.clone()),
            ready: works.then_some(ready),
            cause: (!works).then_some(Cause::NotReachable),
            cure: vec!["a cure".to_owned()],
            attempts,
        }
    }

    #[test]
    fn what_was_tried_is_shown_with_what_works_and_what_does_not() {
        let ulimits = &[Remedy::Ulimits][..];
        let runc = &[Remedy::Ulimits, Remedy::Runc][..];
        let trials = [
            trial(
                Engine::Podman,
                &[(&[], Some("crun: setrlimit")), (ulimits, Some("hybrid\nmode")), (runc, None)],
            ),
            trial(Engine::Docker, &[(&[], Some("Cannot connect to the Docker daemon"))]),
            trial(Engine::Host, &[(&[], None)]),
        ];
        insta::assert_snapshot!(human(&trials, Some(Engine::Podman)), @r"
        ✓ podman 4.3.1 works with limits no higher than this shell's, the runtime runc
            tried as it comes: crun: setrlimit
            tried limits no higher than this shell's: hybrid\nmode
            cure: a cure
        ✗ docker CTR002: Cannot connect to the Docker daemon
            cure: a cure
        ! host works
            limit: not hermetic: the network and every file of this machine can be reached
            limit: commands run as the calling user, with this machine's tools
            limit: read-only inputs are only asked not to be written
            cure: a cure

        ✓ a build here uses podman
        ");
        assert!(human(&trials, None).ends_with("✗ nothing runs a build here\n"));
        assert!(human(&trials, Some(Engine::Host)).contains("! a build here uses host"));
    }
}
