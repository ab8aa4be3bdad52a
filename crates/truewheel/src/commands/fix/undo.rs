//! Bringing back what a cure changed, as far as that can be.

use std::path::Path;

use doctor::GatherOptions;
use host::HostPath;

use super::apply::{self, Work};
use super::aside;
use super::record::{BESIDE, Packages, Record, State, What};
use crate::failure::Failure;

/// What was brought back, and what could not be.
#[derive(Debug, Default)]
pub(super) struct Brought {
    pub(super) back: Vec<String>,
    pub(super) cannot: Vec<String>,
}

/// Brings back what the record names, last things first, and says in the record how that went.
pub(super) fn bring_back(work: &Work<'_>, record: &mut Record) -> Result<Brought, Failure> {
    let mut brought = Brought::default();
    for index in (0..record.steps.len()).rev() {
        let step = record.steps[index].clone();
        match &step.what {
            What::Moved { from, to } => {
                move_back(work, record.id, index, from, to, step.finished, &mut brought);
            }
            What::File { path, before, after } => {
                let file = work.store.file(record.id);
                write_back(work, path, before.as_deref(), after, &file, &mut brought);
            }
            What::Command { argv, packages } => {
                let returns_whole = |packages: &Packages| {
                    record.steps.iter().any(|other| match &other.what {
                        What::Moved { from, .. } => Path::new(&packages.prefix).starts_with(from),
                        _ => false,
                    })
                };
                match packages {
                    // The whole environment comes back with what was moved aside.
                    Some(packages) if returns_whole(packages) => {}
                    Some(packages) => reinstall(work, packages, &mut brought),
                    None if makes_what_was_moved(record, argv) => {}
                    None => brought.cannot.push(format!(
                        "what `{}` changed stays as it is",
                        report::render::visible(&argv.join(" "))
                    )),
                }
            }
        }
    }
    record.state = if brought.cannot.is_empty() { State::Undone } else { State::PartlyUndone };
    record.owner = None;
    work.store.save(record)?;
    Ok(brought)
}

/// Whether the command made anew what had been moved aside: an environment at its place.
fn makes_what_was_moved(record: &Record, argv: &[String]) -> bool {
    record.steps.iter().any(|step| match &step.what {
        What::Moved { from, .. } => argv.iter().map(Path::new).any(|argument| {
            argument.is_absolute() && (argument.starts_with(from) || from.starts_with(argument))
        }),
        _ => false,
    })
}

fn move_back(
    work: &Work<'_>,
    id: u64,
    index: usize,
    from: &Path,
    to: &Path,
    finished: bool,
    brought: &mut Brought,
) {
    let host = work.context.host;
    let is_there = |path: &Path| host.symlink_metadata(path).is_ok();
    if !is_there(to) {
        // It may have been stopped before it moved anything.
        if finished || !is_there(from) {
            brought.cannot.push(format!(
                "{} was moved to {}, and is not there any more",
                from.display(),
                to.display()
            ));
        }
        return;
    }
    if is_there(from) {
        // Whatever stands there now is newer, and may be somebody's work.
        let name = from.file_name().unwrap_or_default();
        let mut places =
            vec![work.store.directory(id).join("replaced").join(index.to_string()).join(name)];
        if let Some(parent) = to.parent() {
            places.push(parent.join("replaced").join(name));
        }
        let moved = places.iter().find(|place| aside::rename(host, from, place).is_ok());
        let Some(place) = moved else {
            brought.cannot.push(format!(
                "{} is in the way of what was there before, which is kept at {}",
                from.display(),
                to.display()
            ));
            return;
        };
        brought.back.push(format!(
            "what was made at {} is kept at {}",
            from.display(),
            place.display()
        ));
    }
    match aside::rename(host, to, from) {
        Ok(()) => {
            aside::tidy(host, to);
            brought.back.push(format!("{} is back", from.display()));
        }
        Err(error) => brought.cannot.push(format!(
            "{} cannot be moved back from {}: {error}",
            from.display(),
            to.display()
        )),
    }
}

fn write_back(
    work: &Work<'_>,
    path: &Path,
    before: Option<&str>,
    after: &str,
    record: &Path,
    brought: &mut Brought,
) {
    let host = work.context.host;
    let now = host.read_text(path, apply::TEXT_LIMIT).ok();
    if now.as_deref() == before {
        return;
    }
    if now.as_deref() != Some(after) {
        brought.cannot.push(format!(
            "{} was changed since; its old text is in {}",
            path.display(),
            record.display()
        ));
        return;
    }
    let written = match before {
        Some(before) => apply::replace(work, path, before.as_bytes()),
        None => host::remove_tree(path),
    };
    match (written, before) {
        (Ok(()), Some(_)) => brought.back.push(format!("{} is as it was", path.display())),
        (Ok(()), None) => {
            // `.cargo` may have been made for it.
            if let Some(parent) = path.parent().filter(|parent| parent.ends_with(".cargo")) {
                host::remove_empty_directory(parent);
            }
            brought.back.push(format!("{} is gone again", path.display()));
        }
        (Err(error), _) => {
            brought.cannot.push(format!("{} cannot be written: {error}", path.display()));
        }
    }
}

/// Installs what was there, and takes away what was not.
fn reinstall(work: &Work<'_>, packages: &Packages, brought: &mut Brought) {
    if packages.conda {
        brought.cannot.push(format!(
            "conda keeps the history of {}: `conda list --revisions` and `conda install --revision \
             N`, each with `-p` and that path",
            packages.prefix
        ));
        return;
    }
    let options = GatherOptions {
        project: work.project.to_path_buf(),
        python: Some(packages.prefix.clone().into()),
        environments: Vec::new(),
        exchange: Vec::new(),
        judge_all: false,
        import: false,
        cache: work.context.host.cache_directory(),
    };
    let facts = doctor::gather(work.context.host, &options);
    let prefix = HostPath::from(packages.prefix.replace('\\', "/").as_str());
    let Some(environment) = facts.environment(&prefix) else {
        brought.cannot.push(format!("the environment {} is gone", packages.prefix));
        return;
    };
    let commands = doctor::restore_packages(&facts, environment, &packages.installed);
    for argv in &commands {
        if let Err((reason, output)) = work.run(argv, &[]) {
            let last = output.last().map(|line| format!(": {line}")).unwrap_or_default();
            brought.cannot.push(format!(
                "`{}` failed, {reason}{last}",
                report::render::visible(&argv.join(" "))
            ));
            return;
        }
    }
    if !commands.is_empty() {
        brought.back.push(format!("the packages of {} are as they were", packages.prefix));
    }
}

/// Removes a record with what was kept for it.
pub(super) fn forget(work: &Work<'_>, record: Option<&Record>, id: u64) -> std::io::Result<()> {
    for step in record.iter().flat_map(|record| &record.steps) {
        let What::Moved { to, .. } = &step.what else { continue };
        // Whatever a record says: only what lies in a directory of ours is removed.
        let place = to
            .ancestors()
            .nth(2)
            .filter(|place| place.parent().is_some_and(|p| p.ends_with(BESIDE)));
        if let Some(place) = place {
            host::remove_tree(place)?;
            aside::tidy(work.context.host, place);
        }
    }
    host::remove_tree(&work.store.directory(id))
}
