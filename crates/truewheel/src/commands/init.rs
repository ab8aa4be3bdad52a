//! `init`: a commented `truewheel.toml`.

use report::ExitStatus;

use crate::cli::InitFlags;
use crate::commands::Context;
use crate::config::CONFIG_FILE;
use crate::failure::Failure;

/// What `init` writes. Every key is there, commented out, so that the file changes nothing.
pub(crate) const SAMPLE: &str = include_str!("sample.toml");

pub(crate) fn run(context: &Context<'_>, flags: &InitFlags) -> Result<ExitStatus, Failure> {
    let directory = match context.project {
        Some(_) => context.project()?,
        None => context.host.working_directory.clone(),
    };
    let path = directory.join(CONFIG_FILE);
    if context.host.symlink_metadata(&path).is_ok() && !flags.force {
        return Err(Failure::input(format!("{} already exists", path.display()))
            .hint(format!("`{} init --force` replaces it", context.name)));
    }
    host::write_atomically(&path, SAMPLE.as_bytes())
        .map_err(|error| Failure::tool(error, format!("cannot write {}", path.display())))?;
    context.printer.talk(&format!("wrote {}\n", path.display()));
    Ok(ExitStatus::Healthy)
}
