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
    let (mut special, mut writable) = (Vec::new(), Vec::new());
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
        } else if mode & 0o7000 != 0 {
            special.push(format!("{}: {mode:o}", entry.name));
        } else if mode & 0o002 != 0 {
            writable.push(format!("{}: {mode:o}", entry.name));
        }
    }
    if !special.is_empty() {
        problems.push(
            Problem::warning("special-mode", "entries")
                .seen_all(special)
                .because("a file with a set-user-ID bit runs with another user's rights")
                .cure("take the bits away before the wheel is built (`chmod u-s,g-s,-t`)"),
        );
    }
    // pip keeps of a mode only whether the file is executable; other installers may keep more.
    if !writable.is_empty() {
        problems.push(
            Problem::info("world-writable-mode", "entries")
                .seen_all(writable)
                .because("where an installer keeps the modes, everybody may change the files")
                .cure("build with `umask 022`"),
        );
    }
}
