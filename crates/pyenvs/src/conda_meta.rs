//! conda's own list of what is installed: one JSON file per package, its name telling what it is.

use std::path::Path;

use host::HostPath;
use pep440_rs::Version;

use crate::CondaRecord;
use crate::context::Context;
use crate::version;

/// Every record of a conda environment, by name. Only the names are read.
pub(crate) fn records(context: &Context<'_>, prefix: &Path) -> Vec<CondaRecord> {
    let directory = prefix.join("conda-meta");
    context
        .list(&directory)
        .iter()
        .filter_map(|entry| {
            let file = entry.name_text()?;
            let (name, version, build) = parse_name(file)?;
            Some(CondaRecord {
                name: name.to_owned(),
                version: version.to_owned(),
                build: build.to_owned(),
                path: HostPath::new(directory.join(file)),
            })
        })
        .collect()
}

/// The version of the package `python`.
pub(crate) fn python_version(context: &Context<'_>, prefix: &Path) -> Option<Version> {
    context.list(&prefix.join("conda-meta")).iter().find_map(|entry| {
        let (name, number, _) = parse_name(entry.name_text()?)?;
        if name == "python" { version::parse(number) } else { None }
    })
}

/// `numpy-base-1.26.4-py311hb5e798b_0.json`: the last two dashes part name, version and build.
fn parse_name(file: &str) -> Option<(&str, &str, &str)> {
    let rest = file.strip_suffix(".json")?;
    let (rest, build) = rest.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    let is_whole = !name.is_empty() && !version.is_empty() && !build.is_empty();
    is_whole.then_some((name, version, build))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_may_hold_dashes_and_versions_none() {
        assert_eq!(
            parse_name("numpy-base-1.26.4-py311hb5e798b_0.json"),
            Some(("numpy-base", "1.26.4", "py311hb5e798b_0"))
        );
        assert_eq!(parse_name("history"), None);
        assert_eq!(parse_name("-1-2.json"), None);
        assert_eq!(parse_name("a-1.json"), None);
    }

    proptest! {
        #[test]
        fn nothing_panics(name in "(-|\\PC)*", end in "(.json)?") {
            let _ = parse_name(&format!("{name}{end}"));
        }
    }
}
