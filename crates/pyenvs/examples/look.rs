//! Throwaway.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods
)]
use std::time::Instant;
fn main() {
    let host = host::Host::current().unwrap();
    let args: Vec<String> = std::env::args().collect();
    let project = host.working_directory.clone();
    for depth in [pyenvs::Depth::Outline, pyenvs::Depth::Full] {
        for i in 0..8 {
            let t = Instant::now();
            let d = pyenvs::discover(
                &host,
                &pyenvs::Search { project: &project, configured: &[], argument: None, depth },
            );
            eprintln!(
                "{depth:?} {i}: {:?} {} envs {} pkgs",
                t.elapsed(),
                d.environments.len(),
                d.environments.iter().map(|e| e.packages.len()).sum::<usize>()
            );
        }
    }
    if args.len() > 1 {
        let d = pyenvs::discover(
            &host,
            &pyenvs::Search {
                project: &project,
                configured: &[],
                argument: None,
                depth: pyenvs::Depth::Full,
            },
        );
        for e in &d.environments {
            println!(
                "{} {:?} v={:?} exe={:?} real={:?} base={:?} by={:?}\n   abi={:?}\n   arch={:?} libc={:?} std={:?} site={:?} hdr={:?} lib={:?} ext={:?} act={:?} n={} s={} left={:?} pth={:?}\n  problems={:?}",
                e.prefix,
                e.kind,
                e.version,
                e.executable,
                e.real_executable,
                e.base_prefix,
                e.found_by,
                e.abi.get().map(|a| &a.extension_suffixes),
                e.architectures,
                e.libc,
                e.stdlib,
                e.site_packages,
                e.python_header,
                e.libpython,
                e.externally_managed,
                e.activate_path,
                e.packages.len(),
                e.scripts.len(),
                e.leftovers,
                e.pth_paths,
                e.problems
            );
        }
        println!("{:#?} {:?}", d.picks, d.unreadable);
    }
}
