//! `fetch`: everything that a build takes, in the store and locked.

use report::ExitStatus;
use serde_json::json;
use wheelbuild::build::{LOCK_FILE, Store, Update, write_bundle};

use super::cache;
use super::reporter::Reporter;
use super::room::{Network, Room, Site, failure};
use crate::cli::FetchFlags;
use crate::commands::Context;
use crate::failure::Failure;
use crate::output::size;

pub(crate) fn run(context: &Context<'_>, flags: &FetchFlags) -> Result<ExitStatus, Failure> {
    let site = Site::of(context, context.project()?)?;
    let reporter = Reporter::new(context.printer, flags.format, false, "fetch")?;
    let cache = cache(context)?;
    let store = Store::new(cache.join("inputs"), false);
    let room = Room::enter(context, &reporter, &site, &flags.room, Network::Allowed)?;
    let update = match (flags.update, flags.locked) {
        (true, _) => Update::Everything,
        (false, true) => Update::Nothing,
        (false, false) => Update::Missing,
    };
    let prepared = room.prepare(context, &reporter, &site, &store, update)?;
    let mut text = format!(
        "✓ {} crates, {} files of the package index and Rust {} are here\n",
        prepared.inputs.graph.0.len(),
        prepared.lock.python.len(),
        prepared.lock.rust.release
    );
    let lock = site.project.lock_directory().join(LOCK_FILE);
    text.push_str(&format!("    locked by {}\n", lock.display()));
    if let Some(named) = &flags.bundle {
        let file = context.host.absolute(named);
        reporter.begin("write the bundle", 0);
        reporter
            .watch(|| write_bundle(context.host, &cache, &store, &prepared.lock, &file))
            .map_err(|error| failure(&error))?;
        reporter.end();
        let length = context.host.metadata(&file).map(|it| it.len).unwrap_or_default();
        reporter.event("bundle", &json!({ "path": file, "size": length }))?;
        text.push_str(&format!("✓ {} ({})\n", file.display(), size(length)));
        text.push_str(&format!(
            "    there: `{} build --bundle FILE`, in a checkout with this build.lock.toml\n",
            context.name
        ));
    }
    reporter.event("done", &json!({ "status": 0 }))?;
    reporter.result(&text)?;
    Ok(ExitStatus::Healthy)
}
