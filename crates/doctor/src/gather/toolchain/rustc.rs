//! The compiler that cargo would start, and what it says of itself.

use std::path::{Path, PathBuf};
use std::time::Duration;

use host::{Host, Invocation, Os, Seen};

use super::super::cache::Cache;
use super::super::path;
use super::rustup;
use crate::Rustc;

/// `rustc -vV` answers in a tenth of a second from a cold disk.
const PATIENCE: Duration = Duration::from_secs(10);

/// It prints a dozen lines.
const OUTPUT_LIMIT: u64 = 64 << 10;

pub(super) fn gather(host: &Host, project: &Path, cache: &Cache) -> Seen<Rustc> {
    let program = match locate(host, project) {
        Seen::Seen(program) => program,
        Seen::Absent => return Seen::Absent,
        Seen::Broken(reason) => return Seen::Broken(reason),
    };
    let metadata = match host.metadata(&program) {
        Ok(metadata) => metadata,
        Err(error) => return Seen::Broken(format!("{}: {error}", program.display())),
    };
    cache
        .rustc(&metadata, || ask(host, &program))
        // Hard links of one file share an entry; the place is this one's.
        .map(|rustc| Rustc { path: path(&program), ..rustc })
}

/// The real program: `RUSTC`, else the first on `PATH`; where that is rustup's stand-in, the one
/// of the toolchain that rustup would take.
fn locate(host: &Host, project: &Path) -> Seen<PathBuf> {
    let named = host.variables.path("RUSTC");
    let program = match &named {
        Some(named) if named.components().nth(1).is_some() => Some(host.absolute(named)),
        Some(named) => host.program(&named.to_string_lossy()),
        None => host.program("rustc"),
    };
    let Some(program) = program else {
        return match named {
            Some(named) => {
                Seen::Broken(format!("RUSTC asks for `{}`, which is not on PATH", named.display()))
            }
            None => Seen::Absent,
        };
    };
    if !rustup::is_proxy(host, &program) {
        return Seen::Seen(program);
    }
    let directory = host.absolute(project);
    let Some(choice) = rustup::choose(host, &directory) else {
        return Seen::Broken(
            "rustup is here without a toolchain: no default is set, and the project asks for none"
                .to_owned(),
        );
    };
    let Some(toolchain) = rustup::directory_of(host, &choice) else {
        return Seen::Broken(format!(
            "the toolchain `{}`, asked for by {}, is not installed",
            choice.name, choice.by
        ));
    };
    let name = if host.os == Os::Windows { "rustc.exe" } else { "rustc" };
    let real = toolchain.join("bin").join(name);
    if host.is_executable(&real) {
        Seen::Seen(real)
    } else {
        Seen::Broken(format!("the toolchain `{}` has no rustc: {}", choice.name, real.display()))
    }
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
        let cache = Cache::open(&host, None);
        let rustc = gather(&host, &host.working_directory, &cache);
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
        let cache = Cache::open(&host, None);
        let reason = gather(&host, root.path(), &cache);
        assert!(reason.reason().unwrap().contains("no such thing"));
        host.variables.set("RUSTC", "no-such-rustc");
        assert!(gather(&host, root.path(), &cache).reason().unwrap().contains("no-such-rustc"));
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(\\PC|\n|release|host|: )*") {
            let _ = parse(Path::new("/r"), &text);
        }
    }
}
