//! The user's own interpreters, out of reach of what a test runs.
//!
//! Tests build on the interpreters of the machine, and a cure that is carried out may call pip
//! with one of them. So commands of a test run where the places of those interpreters are
//! read-only. The doctor itself runs without: it would see read-only places that are none.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use host::{Host, Invocation};

const UNSHARE: &str = "/usr/bin/unshare";
const BY_ROOT: &[&str] = &["--mount", "--propagation", "private"];
const BY_USER: &[&str] =
    &["--user", "--map-current-user", "--keep-caps", "--mount", "--propagation", "private"];

/// Makes each place read-only for itself and what it starts, then becomes the command.
const SCRIPT: &str = "while [ \"$1\" != -- ]; do \
                          mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\" || exit 125; \
                          shift; \
                      done; shift; exec \"$@\"";

/// The beginning of a command line that keeps the rest of it from changing the user's
/// interpreters; empty where the system has no way to do that.
pub(super) fn prefix() -> &'static [OsString] {
    static PREFIX: OnceLock<Vec<OsString>> = OnceLock::new();
    PREFIX.get_or_init(|| {
        let host = Host::current().unwrap();
        let places = places(&host);
        for flags in [BY_ROOT, BY_USER] {
            let mut prefix = vec![OsString::from(UNSHARE)];
            prefix.extend(flags.iter().map(OsString::from));
            prefix.extend(["/bin/sh", "-c", SCRIPT, "shield"].map(OsString::from));
            prefix.extend(places.iter().map(|place| place.as_os_str().to_owned()));
            prefix.push(OsString::from("--"));
            let works = Invocation::new(UNSHARE)
                .args(&prefix[1..])
                .arg("true")
                .output()
                .is_ok_and(|output| output.success());
            if works {
                return prefix;
            }
        }
        Vec::new()
    })
}

fn places(host: &Host) -> Vec<PathBuf> {
    let home = host.home.clone().unwrap_or_default();
    let mut places = vec![
        host.variables.path("PYENV_ROOT").unwrap_or_else(|| home.join(".pyenv")),
        host.variables
            .path("UV_PYTHON_INSTALL_DIR")
            .unwrap_or_else(|| home.join(".local/share/uv/python")),
        home.join(".rustup"),
        PathBuf::from("/usr"),
        PathBuf::from("/etc"),
    ];
    places.retain(|place| host.is_dir(place));
    places
}

/// Fails unless writing at `path` changes something below `root`, whatever links are on the way.
/// The last part of the path may be a link: it is replaced, never followed.
#[track_caller]
pub(super) fn assert_inside(host: &Host, root: &Path, path: &Path) {
    let root = host.canonicalize(root).unwrap();
    let mut ancestor = path.parent().unwrap();
    // A parent that is not there yet will be made; a link to nothing would lead out as well.
    while host.symlink_metadata(ancestor).is_err() {
        ancestor = ancestor.parent().unwrap();
    }
    let real = host.canonicalize(ancestor);
    assert!(
        real.is_ok_and(|real| real.starts_with(&root)),
        "{} leads out of the sandbox",
        path.display()
    );
}
