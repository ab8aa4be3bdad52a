//! The compiler that cargo would start, and what it says of itself.

use std::path::{Path, PathBuf};
use std::time::Duration;

use host::{Host, Invocation, Os, Seen};

use super::super::cache::Cache;
use super::super::path;
use super::rustup;
use crate::{MissingToolchain, Rustc};

/// `rustc -vV` answers in a tenth of a second from a cold disk.
const PATIENCE: Duration = Duration::from_secs(10);

/// It prints a dozen lines.
const OUTPUT_LIMIT: u64 = 64 << 10;

/// The compiler; and the toolchain that rustup lacks, if that is why there is none.
pub(super) fn gather(
    host: &Host,
    project: &Path,
    cache: &Cache,
) -> (Seen<Rustc>, Option<MissingToolchain>) {
    match locate(host, project) {
        Located::At(program) => (read(host, &program, cache), None),
        Located::Nowhere => (Seen::Absent, None),
        Located::Unusable(reason) => (Seen::Broken(reason), None),
        Located::NotInstalled(missing) => {
            let reason = format!(
                "the toolchain `{}`, asked for by {}, is not installed",
                missing.name, missing.asked_by
            );
            (Seen::Broken(reason), Some(missing))
        }
    }
}

fn read(host: &Host, program: &Path, cache: &Cache) -> Seen<Rustc> {
    let metadata = match host.metadata(program) {
        Ok(metadata) => metadata,
        Err(error) => return Seen::Broken(format!("{}: {error}", program.display())),
    };
    // Hard links of one file share an entry; the place is this one's.
    cache
        .rustc(&metadata, || ask(host, program))
        .map(|rustc| Rustc { path: path(program), ..rustc })
}

/// Where the compiler is.
enum Located {
    At(PathBuf),
    Nowhere,
    Unusable(String),
    NotInstalled(MissingToolchain),
}

/// The real program: `RUSTC`, else the first on `PATH`; where that is rustup's stand-in, the one
/// of the toolchain that rustup would take.
fn locate(host: &Host, project: &Path) -> Located {
    let named = host.variables.path("RUSTC");
    let program = match &named {
        Some(named) if named.components().nth(1).is_some() => Some(host.absolute(named)),
        Some(named) => host.program(&named.to_string_lossy()),
        None => host.program("rustc"),
    };
    let Some(program) = program else {
        return match named {
            Some(named) => Located::Unusable(format!(
                "RUSTC asks for `{}`, which is not on PATH",
                named.display()
            )),
            None => Located::Nowhere,
        };
    };
    if !rustup::is_proxy(host, &program) {
        return Located::At(program);
    }
    let directory = host.absolute(project);
    let Some(choice) = rustup::choose(host, &directory) else {
        return Located::Unusable(
            "rustup is here without a toolchain: no default is set, and the project asks for none"
                .to_owned(),
        );
    };
    let Some(toolchain) = rustup::directory_of(host, &choice) else {
        return Located::NotInstalled(MissingToolchain {
            fetched_on_demand: rustup::fetches(host, &choice),
            name: choice.name,
            asked_by: choice.by,
        });
    };
    let name = if host.os == Os::Windows { "rustc.exe" } else { "rustc" };
    let real = toolchain.join("bin").join(name);
    if host.is_executable(&real) {
        return Located::At(real);
    }
    Located::Unusable(format!("the toolchain `{}` has no rustc: {}", choice.name, real.display()))
}

fn ask(host: &Host, program: &Path) -> Seen<Rustc> {
    if !host.is_real() {
        return Seen::Broken(format!(
            "{} cannot be asked on a recorded machine",
            program.display()
        ));
    }
    let output =
        Invocation::new(program).arg("-vV").timeout(PATIENCE).output_limit(OUTPUT_LIMIT).output();
    match output {
        Ok(output) if output.success() => parse(program, &output.stdout_text()),
        Ok(output) => {
            let said = output.stderr_text();
            let first = said.lines().next().unwrap_or("nothing").to_owned();
            Seen::Broken(format!("{} -vV failed and said: {first}", program.display()))
        }
        Err(error) => Seen::Broken(error.to_string()),
    }
}

/// What `rustc -vV` printed: `key: value` lines.
fn parse(program: &Path, text: &str) -> Seen<Rustc> {
    let value = |key: &str| {
        text.lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value.trim().to_owned())
            .filter(|value| !value.is_empty() && value != "unknown")
    };
    match (value("release"), value("host")) {
        (Some(release), Some(host_triple)) => Seen::Seen(Rustc {
            path: path(program),
            release,
            host_triple,
            commit_hash: value("commit-hash"),
            verbose: text.to_owned(),
        }),
        _ => Seen::Broken(format!("{} -vV did not answer like rustc", program.display())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_rustc_prints_is_read() {
        let text = "rustc 1.95.0 (abc 2026-04-14)\nbinary: rustc\ncommit-hash: unknown\n\
                    host: x86_64-unknown-linux-gnu\nrelease: 1.95.0\nLLVM version: 22.1\n";
        let rustc = parse(Path::new("/r"), text);
        let rustc = rustc.get().unwrap();
        assert_eq!(rustc.release, "1.95.0");
        assert_eq!(rustc.host_triple, "x86_64-unknown-linux-gnu");
        assert_eq!(rustc.commit_hash, None);
        assert!(parse(Path::new("/r"), "hello").reason().is_some());
    }

    #[test]
    fn the_compiler_of_this_machine_is_found_behind_rustup() {
        let host = Host::current().unwrap();
        let cache = Cache::open(&host, None, Path::new("/"));
        let (rustc, _) = gather(&host, &host.working_directory, &cache);
        let rustc = rustc.get().unwrap();
        assert!(!rustup::is_proxy(&host, &rustc.path), "{:?}", rustc.path);
    }

    #[test]
    #[cfg(unix)]
    fn a_rustc_that_fails_or_hangs_is_broken() {
        use std::os::unix::fs::PermissionsExt as _;
        let root = tempfile::tempdir().unwrap();
        let program = root.path().join("rustc");
        fs_err::write(&program, "#!/bin/sh\necho no such thing >&2\nexit 1\n").unwrap();
        fs_err::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut host = Host::current().unwrap();
        host.variables.set("RUSTC", &program);
        let cache = Cache::open(&host, None, Path::new("/"));
        let (reason, _) = gather(&host, root.path(), &cache);
        assert!(reason.reason().unwrap().contains("no such thing"));
        host.variables.set("RUSTC", "no-such-rustc");
        let (reason, _) = gather(&host, root.path(), &cache);
        assert!(reason.reason().unwrap().contains("no-such-rustc"));
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(\\PC|\n|release|host|: )*") {
            let _ = parse(Path::new("/r"), &text);
        }
    }
}
