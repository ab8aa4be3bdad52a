//! What the commands about wheels share: reading a file, and colours.

use std::path::Path;

use anstyle::{AnsiColor, Style};

use crate::commands::Context;
use crate::failure::Failure;

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const RED: Style = AnsiColor::Red.on_default();
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(super) const GREEN: Style = AnsiColor::Green.on_default();
pub(super) const DIM: Style = Style::new().dimmed();

/// The longest wheel that is read into memory.
const LONGEST: u64 = 4 << 30;

/// The file name and the bytes of a wheel named on the command line.
pub(super) fn read(context: &Context<'_>, named: &Path) -> Result<(String, Vec<u8>), Failure> {
    let path = context.host.absolute(named);
    let bytes = context.host.read(&path, LONGEST).map_err(|error| {
        Failure::input(format!("{} cannot be read: {}", named.display(), error.reason()))
            .hint("name the file of a wheel, which ends in .whl")
    })?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok((name, bytes))
}
