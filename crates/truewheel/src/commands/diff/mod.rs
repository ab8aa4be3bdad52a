//! `doctor diff`: what differs between two machines, or before and after, and what of it matters.

mod human;
mod json;

use doctor::{Facts, Selection, Sides};
use report::{ExitStatus, Report};

use super::doctor::{diagnose, gather, read_facts, selection};
use crate::cli::{DiffFlags, DiffFormat};
use crate::commands::Context;
use crate::config::Config;
use crate::failure::Failure;
use crate::suppress;

/// One side, with what it is called.
struct Side {
    name: String,
    facts: Facts,
    report: Report,
}

impl Side {
    fn seen(&self) -> Sides<'_> {
        Sides { facts: &self.facts, report: &self.report }
    }
}

pub(super) fn run(context: &Context<'_>, flags: &DiffFlags) -> Result<ExitStatus, Failure> {
    let project = context.project()?;
    let config = Config::load(context.host, &project)?;
    let selection = selection((&flags.only, &flags.skip), &config, context.name)?;
    let side = |name: String, facts: Facts| judged(context, name, facts, &selection, &config);
    let before = side(flags.before.display().to_string(), read_facts(context, &flags.before)?);
    let after = match &flags.after {
        Some(file) => side(file.display().to_string(), read_facts(context, file)?),
        None => {
            let facts = gather(context, None, false, project, &config);
            side("this machine now".to_owned(), facts)
        }
    };
    let comparison = doctor::compare(before.seen(), after.seen())
        .map_err(|error| Failure::tool(error, "cannot compare the facts"))?;
    let text = match flags.format {
        DiffFormat::Human => human::render(
            &comparison,
            (&before, &after),
            context.printer.width(context.host),
            flags.verbose,
        ),
        DiffFormat::Json => json::render(&comparison, &before, &after)?,
    };
    context.printer.data(&text)?;
    Ok(if comparison.matters() { ExitStatus::Problems } else { ExitStatus::Healthy })
}

fn judged(
    context: &Context<'_>,
    name: String,
    facts: Facts,
    selection: &Selection,
    config: &Config,
) -> Side {
    let mut report = diagnose(context, &facts, selection);
    suppress::apply(&mut report, config, &suppress::today());
    Side { name, facts, report }
}
