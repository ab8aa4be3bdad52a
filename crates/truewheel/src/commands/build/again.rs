//! `reproduce`: a wheel that somebody else built is built again from its record.

use std::path::PathBuf;

use host::Scratch;
use report::ExitStatus;
use report::render::visible;
use serde_json::json;
use wheelbuild::build::{
    Built, Product, RECORD, Statement, Update, checkout, compared, differences, record,
    sum_of_sources,
};
use wheelbuild::compare::Verdict;
use wheelbuild::digest::sha256;

use super::super::wheels::{self, GREEN, RED, YELLOW};
use super::made::{Maker, human, tell_reproduction};
use super::reporter::Reporter;
use super::room::{Room, Site, failure};
use super::{cache, plan, supply};
use crate::cli::{Accepted, ReproduceFlags};
use crate::commands::Context;
use crate::failure::Failure;

const RECORD_LIMIT: u64 = 64 << 20;

pub(crate) fn run(context: &Context<'_>, flags: &ReproduceFlags) -> Result<ExitStatus, Failure> {
    let (name, bytes) = wheels::read(context, &flags.wheel)?;
    let wheel = Built { name, bytes };
    let recorded = recorded(context, flags, &wheel)?;
    let commit = commit_of(&recorded)?;
    let reporter = Reporter::new(context.printer, flags.format, flags.verbose, "reproduce")?;
    let place = cache(context)?.join("checkouts");
    let scratch = Scratch::new(&place, "checkout")
        .map_err(|error| Failure::tool(error, format!("cannot write {}", place.display())))?;
    let directory = context.project()?;
    let target = scratch.path().join("sources");
    let directory =
        checkout(context.host, &directory, &commit, &target).map_err(|error| failure(&error))?;
    let mut site = Site::of(context, directory)?;
    site.source_date_epoch =
        recorded.predicate.build_definition.external_parameters.source_date_epoch;
    let store = supply(context, &reporter, &site, &flags.inputs)?;
    let network = flags.inputs.network();
    let room = Room::enter(context, &reporter, &site, &flags.room, network)?;
    // What the commit does not lock may have been anything.
    let prepared = room.prepare(context, &reporter, &site, &store, Update::Nothing)?;
    let sources_sum = sum_of_sources(context.host, &site.project, &site.sources)
        .map_err(|error| failure(&error))?;
    let plan = plan(&site, &room, &prepared, Product::Wheel);
    let at_hand = record(&plan, &prepared.lock, &sources_sum, &[]);
    let others = differences(&recorded, &at_hand);
    for difference in &others {
        reporter.say(&format!("{YELLOW}!{YELLOW:#} {}", visible(difference)));
    }
    reporter.event("record", &json!({ "commit": commit, "differences": others }))?;
    let maker = Maker {
        context,
        reporter: &reporter,
        site: &site,
        room: &room,
        prepared: &prepared,
        sources_sum,
    };
    let built = maker.build(Product::Wheel)?;
    let found = compared(std::slice::from_ref(&wheel), &built).map_err(|error| failure(&error))?;
    tell_reproduction(&reporter, "wheel", &found)?;
    let weakest = match flags.accept {
        Accepted::Identical => Verdict::Identical,
        Accepted::SameContent => Verdict::SameContent,
        Accepted::SameExcept => Verdict::SameExcept,
    };
    let is_good = found.verdict <= weakest;
    let (mark, style) = if is_good { ("✓", GREEN) } else { ("✗", RED) };
    let mut text = human(&found);
    text.push_str(&format!(
        "{style}{mark}{style:#} {} · built again from {}: {}\n    sha256 {}\n",
        visible(&wheel.name),
        commit.get(..12).unwrap_or(&commit),
        found.verdict.words(),
        sha256(&wheel.bytes)
    ));
    let status = if is_good { ExitStatus::Healthy } else { ExitStatus::NotReproducible };
    reporter.event("done", &json!({ "status": status.code() }))?;
    reporter.result(&text)?;
    Ok(status)
}

/// The record of the wheel.
fn recorded(
    context: &Context<'_>,
    flags: &ReproduceFlags,
    wheel: &Built,
) -> Result<Statement, Failure> {
    let named = flags.record.clone().unwrap_or_else(|| {
        let mut name = flags.wheel.clone().into_os_string();
        name.push(RECORD);
        PathBuf::from(name)
    });
    let path = context.host.absolute(&named);
    let text = context.host.read_text(&path, RECORD_LIMIT).map_err(|error| {
        Failure::input(format!("{} cannot be read: {}", named.display(), error.reason())).hint(
            "the record lies beside the wheel where it was built; --record names another file",
        )
    })?;
    let statement = Statement::parse(&text).map_err(|reason| {
        Failure::input(format!("{} is no record of a build: {reason}", named.display()))
            .hint("`build` writes it beside the wheel")
    })?;
    let sum = sha256(&wheel.bytes);
    let mut subjects = statement.subject.iter();
    if subjects.any(|subject| subject.digest.get("sha256") == Some(&sum)) {
        return Ok(statement);
    }
    Err(Failure::input(format!("{} is not of this wheel, whose sha256 is {sum}", named.display()))
        .hint("the wheel was changed after it was built, or the record is that of another one"))
}

/// The commit that the wheel was built of.
fn commit_of(statement: &Statement) -> Result<String, Failure> {
    let definition = &statement.predicate.build_definition;
    let mut sources =
        definition.resolved_dependencies.iter().filter(|it| it.uri.contains("truewheel:sources"));
    sources.find_map(|it| it.digest.get("gitCommit").cloned()).ok_or_else(|| {
        Failure::input("the record names no commit: the wheel was built of uncommitted files")
            .hint("only a wheel that was built of a commit can be built again")
    })
}
