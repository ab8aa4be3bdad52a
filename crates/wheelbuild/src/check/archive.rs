//! The archive itself: what it hides, what it unpacks as, and how long it is.

use artifacts::wheel::Wheel;

use super::{Policy, Problem};

/// The bits of a mode that say what kind of file it is.
const KIND: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const DIRECTORY: u32 = 0o040_000;

pub(super) fn check(wheel: &Wheel, policy: &Policy, problems: &mut Vec<Problem>) {
    let length = wheel.bytes().len() as u64;
    if length > policy.size_limit {
        problems.push(
            Problem::error("wheel-too-large", &wheel.file_name)
                .seen(format!("{length} bytes, where {} are allowed", policy.size_limit))
                .because("debug information, data files or several native modules make it long")
                .cure(
                    "strip the modules (`strip = true` in the release profile), or leave files out",
                ),
        );
    }
    if !wheel.stray.is_empty() {
        let total: usize = wheel.stray.iter().map(ExactSizeIterator::len).sum();
        let first = wheel.stray[0].start;
        problems.push(
            Problem::warning("stray-bytes", &wheel.file_name)
                .seen(format!("{total} bytes belong to no entry; the first are at byte {first}"))
                .because(
                    "the archive was changed in place, or carries something that is not listed",
                )
                .cure(
                    "write the archive anew: `python -m wheel unpack`, then `python -m wheel pack`",
                ),
        );
    }
    for entry in &wheel.entries {
        let Some(mode) = entry.mode() else { continue };
        let kind = mode & KIND;
        let expected = if entry.is_directory() { DIRECTORY } else { REGULAR };
        if kind != 0 && kind != expected {
            problems.push(
                Problem::error("entry-not-a-file", &entry.name)
                    .seen(format!("its mode is {mode:o}"))
                    .because("symbolic links and devices in an archive are unpacked as text, or lead out of it")
                    .cure("put the file itself in the wheel"),
            );
        } else if mode & 0o7000 != 0 || mode & 0o002 != 0 {
            problems.push(
                Problem::warning("unsafe-mode", &entry.name)
                    .seen(format!("its mode is {mode:o}"))
                    .because("it runs with another user's rights, or everybody may change it")
                    .cure("build with `umask 022` and without set-user-ID bits"),
            );
        }
    }
}
