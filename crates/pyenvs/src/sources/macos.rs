//! Where macOS keeps Pythons: Homebrew, the python.org framework, the command line tools.

use std::path::Path;

use host::{FileKind, Os};

use crate::candidate::{Candidate, Place};
use crate::context::Context;
use crate::discover::Search;
use crate::{EnvironmentKind, FoundBy};

use super::interpreters_in;

/// Frameworks with one directory per version, and their makers.
const FRAMEWORKS: [(&str, EnvironmentKind); 5] = [
    ("/Library/Frameworks/Python.framework/Versions", EnvironmentKind::PythonOrg),
    // The free-threaded build has a framework of its own.
    ("/Library/Frameworks/PythonT.framework/Versions", EnvironmentKind::PythonOrg),
    (
        "/Library/Developer/CommandLineTools/Library/Frameworks/Python3.framework/Versions",
        EnvironmentKind::System,
    ),
    (
        "/Applications/Xcode.app/Contents/Developer/Library/Frameworks/Python3.framework/Versions",
        EnvironmentKind::System,
    ),
    ("/System/Library/Frameworks/Python.framework/Versions", EnvironmentKind::System),
];

/// Homebrew on Apple silicon, and on Intel, where other installers put links too.
const HOMEBREW: [&str; 2] = ["/opt/homebrew", "/usr/local"];

pub(super) fn find(context: &Context<'_>, _: &Search<'_>, found: &mut Vec<Candidate>) {
    if context.os() != Os::Macos {
        return;
    }
    for brew in HOMEBREW {
        // Old formulas are not linked into `bin`; `opt` has a link for each that is installed.
        let formulas = Path::new(brew).join("opt");
        for entry in context.list(&formulas) {
            let Some(name) = entry.name_text() else { continue };
            let Some(version) = name.strip_prefix("python@") else { continue };
            let executable = formulas.join(name).join(format!("bin/python{version}"));
            found.push(
                Candidate::seen(Place::Executable(executable), FoundBy::System)
                    .of_kind(EnvironmentKind::Homebrew),
            );
        }
    }
    for (versions, kind) in FRAMEWORKS {
        let versions = Path::new(versions);
        for entry in context.list(versions) {
            // `Current` is a link to one of the others.
            if entry.kind == FileKind::Directory {
                let place = Place::Prefix(versions.join(entry.name));
                found.push(Candidate::seen(place, FoundBy::System).of_kind(kind));
            }
        }
    }
    for directory in ["/opt/homebrew/bin", "/usr/local/bin", "/usr/bin"] {
        interpreters_in(context, Path::new(directory), FoundBy::System, None, found);
    }
}
