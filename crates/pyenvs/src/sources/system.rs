//! Where a Linux system keeps its Pythons.

use std::path::Path;

use host::Os;

use crate::FoundBy;
use crate::candidate::Candidate;
use crate::context::Context;
use crate::discover::Search;

use super::interpreters_in;

/// `/usr/bin` and `/usr/local/bin`, and Homebrew on Linux.
pub(super) fn find(context: &Context<'_>, _: &Search<'_>, found: &mut Vec<Candidate>) {
    if context.os() != Os::Linux {
        return;
    }
    for directory in ["/usr/bin", "/usr/local/bin", "/home/linuxbrew/.linuxbrew/bin"] {
        interpreters_in(context, Path::new(directory), FoundBy::System, None, found);
    }
}
