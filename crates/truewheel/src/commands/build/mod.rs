//! `build`, `fetch` and `reproduce`: wheels made in clean rooms.

mod again;
mod fetch;
mod made;
mod reporter;
mod room;

use std::path::{Path, PathBuf};

use doctor::log::LogReader;
use report::ExitStatus;
use report::render::visible;
use serde_json::json;
use wheelbuild::build::{
    BuildLock, Error, Plan, Prepared, Product, Store, Update, Workshop, check_writable, read_bundle,
};
use wheelbuild::engine::Sandbox;

pub(crate) use self::again::run as reproduce;
pub(crate) use self::fetch::run as fetch;
use self::made::Maker;
use self::reporter::Reporter;
use self::room::{Network, Room, Site, failure};
use crate::cli::{BuildFlags, InputFlags, What};
use crate::commands::{Context, explain};
use crate::failure::Failure;

/// The directory of what comes of a build, unless another one is named.
const OUT: &str = "dist";
/// Longer logs are not explained.
const LOG_LIMIT: u64 = 256 << 20;

pub(crate) fn run(context: &Context<'_>, flags: &BuildFlags) -> Result<ExitStatus, Failure> {
    let directory = context.project()?;
    let site = Site::of(context, directory.clone())?;
    let out = match (&flags.out, &site.config.build.out) {
        (Some(named), _) => context.host.absolute(named),
        (None, Some(configured)) => configured.clone(),
        (None, None) => directory.join(OUT),
    };
    check_writable(&out).map_err(|error| {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        Failure::input(format!("nothing can be put into {}", out.display()))
            .details(source.into_iter().collect())
            .hint("name another directory with --out")
    })?;
    let reporter = Reporter::new(context.printer, flags.format, flags.verbose, "build")?;
    site.describe(&reporter)?;
    let store = supply(context, &reporter, &site, &flags.inputs)?;
    let network = flags.inputs.network();
    let reads_only = flags.locked || network == Network::Forbidden;
    let update = if reads_only { Update::Nothing } else { Update::Missing };
    let room = Room::enter(context, &reporter, &site, &flags.room, network)?;
    let prepared = room.prepare(context, &reporter, &site, &store, update)?;
    let core = match flags.what {
        What::Core | What::All => site.core(&prepared)?,
        What::Wheel | What::Sdist => Vec::new(),
    };
    let products = match flags.what {
        What::Wheel => vec![Product::Wheel],
        What::Core => vec![Product::Core(&core)],
        What::Sdist => vec![Product::Sdist],
        What::All => vec![Product::Core(&core), Product::Sdist, Product::Wheel],
    };
    let maker = Maker {
        context,
        reporter: &reporter,
        site: &site,
        room: &room,
        prepared: &prepared,
        sources_sum: wheelbuild::build::sum_of_sources(context.host, &site.project, &site.sources)
            .map_err(|error| failure(&error))?,
    };
    let mut made = Vec::new();
    for product in products {
        made.push(maker.make(product, flags)?);
    }
    let mut text = String::new();
    let mut is_good = true;
    for one in &made {
        one.deliver(&maker, &out, &mut text)?;
        is_good &= one.is_good();
    }
    let status = if is_good { ExitStatus::Healthy } else { ExitStatus::NotReproducible };
    reporter.event("done", &json!({ "status": status.code() }))?;
    reporter.result(&text)?;
    Ok(status)
}

impl InputFlags {
    fn network(&self) -> Network {
        if self.offline || self.bundle.is_some() { Network::Forbidden } else { Network::Allowed }
    }
}

/// The store of inputs, with what a bundle brings.
fn supply(
    context: &Context<'_>,
    reporter: &Reporter<'_>,
    site: &Site,
    flags: &InputFlags,
) -> Result<Store, Failure> {
    let cache = cache(context)?;
    let store = Store::new(cache.join("inputs"), flags.network() == Network::Forbidden);
    if let Some(named) = &flags.bundle {
        let lock = BuildLock::read(context.host, &site.project.lock_directory())
            .map_err(|error| failure(&error))?
            .ok_or_else(|| {
                Failure::input("there is no build.lock.toml beside Cargo.lock")
                    .hint("a bundle is checked against it: commit the one that `fetch` wrote")
            })?;
        reporter.begin("unpack the bundle", 0);
        let file = context.host.absolute(named);
        reporter
            .watch(|| read_bundle(context.host, &cache, &store, &lock, &file))
            .map_err(|error| failure(&error))?;
        reporter.end();
    }
    Ok(store)
}

fn cache(context: &Context<'_>) -> Result<PathBuf, Failure> {
    context.host.cache_directory().ok_or_else(|| {
        Failure::input("there is no directory for caches").hint("set HOME or TRUEWHEEL_CACHE_DIR")
    })
}

/// A workshop in a sandbox, which tells the reporter.
fn workshop<'a>(
    context: &Context<'a>,
    site: &Site,
    sandbox: &'a Sandbox,
    tell: &'a dyn Fn(wheelbuild::build::Event<'_>),
) -> Result<Workshop<'a>, Failure> {
    let cache = cache(context)?;
    Ok(Workshop {
        host: context.host,
        sandbox,
        scratch: cache.join("builds"),
        log: cache.join("logs").join(format!("{}-{}.log", site.project.name, std::process::id())),
        tell,
    })
}

fn plan<'a>(
    site: &'a Site,
    room: &'a Room,
    prepared: &'a Prepared,
    product: Product<'a>,
) -> Plan<'a> {
    Plan {
        project: &site.project,
        sources: &site.sources,
        inputs: &prepared.inputs,
        source_date_epoch: site.source_date_epoch,
        python: room.python.as_ref(),
        product,
    }
}

/// A phase that failed is the project's doing, or that of its surroundings; anything else is ours.
fn failed(context: &Context<'_>, reporter: &Reporter<'_>, error: &Error) -> Failure {
    let Error::Phase { phase, reason, log, cure } = error else { return failure(error) };
    let known = explained(context, log);
    let fields = json!({
        "phase": phase,
        "reason": reason,
        "log": log,
        "hint": cure,
        "explained": known,
    });
    // The failure itself is what counts, also where nobody reads the events.
    let _ = reporter.event("failed", &fields);
    let mut lines: Vec<String> = reason.lines().map(|line| visible(line).into_owned()).collect();
    lines.push(format!("the whole log: {}", log.display()));
    lines.extend(known.iter().flat_map(|text| text.lines()).map(str::to_owned));
    let mut failed = Failure::input(error).details(lines);
    failed.status = ExitStatus::Problems;
    match cure {
        Some(cure) => failed.hint(cure),
        None => failed,
    }
}

/// What the doctor says of a log; nothing if it knows nothing, or cannot be asked.
fn explained(context: &Context<'_>, log: &Path) -> Option<String> {
    let mut reader = LogReader::new();
    reader.push(&context.host.read(log, LOG_LIMIT).ok()?);
    let explanation = explain::explanation(context, reader, None).ok()?;
    explain::short(&explanation, context.name)
}
