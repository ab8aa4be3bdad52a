//! Which C library a program is linked to, and which version of it is on the machine.

use std::path::Path;

use host::{Host, Seen, Version as Dotted};
use memchr::memmem;

use crate::context::Context;
use crate::{Libc, LibcFamily};

/// `libc.so.6` has about 2 MB, musl less than 1.
const SIZE_LIMIT: u64 = 16 << 20;

/// The C library behind a loader.
pub(crate) fn behind(context: &Context<'_>, loader: &Path) -> Seen<Libc> {
    let name = loader.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let host = context.host;
    if name.starts_with("ld-musl-") {
        let version = context.libc_version(loader, || musl_version(host, loader));
        return Seen::Seen(Libc { family: LibcFamily::Musl, version });
    }
    if name.starts_with("ld-linux") || name.starts_with("ld64.so") || name.starts_with("ld.so") {
        let version = context.libc_version(loader, || glibc_version(host, loader));
        return Seen::Seen(Libc { family: LibcFamily::Glibc, version });
    }
    Seen::Broken(format!("an unknown loader, {}", loader.display()))
}

/// The loader itself tells its release since glibc 2.33; before that `libc.so.6` beside it does.
fn glibc_version(host: &Host, loader: &Path) -> Seen<Dotted> {
    let real = match host.canonicalize(loader) {
        Ok(real) => real,
        Err(error) => return Seen::Broken(format!("{}: {error}", loader.display())),
    };
    for file in [real.clone(), real.with_file_name("libc.so.6")] {
        if let Ok(bytes) = host.read(&file, SIZE_LIMIT)
            && let Some(version) = release_version(&bytes)
        {
            return Seen::Seen(version);
        }
    }
    Seen::Broken(format!("no release is named in {} or libc.so.6 beside it", real.display()))
}

/// The number behind `release version`, as in `stable release version 2.36.`
fn release_version(bytes: &[u8]) -> Option<Dotted> {
    const MARK: &[u8] = b" release version ";
    memmem::find_iter(bytes, MARK).find_map(|at| number_at(bytes.get(at + MARK.len()..)?))
}

/// musl holds its version as a text of its own between two NUL bytes.
fn musl_version(host: &Host, loader: &Path) -> Seen<Dotted> {
    match host.read(loader, SIZE_LIMIT) {
        Ok(bytes) => match memmem::find_iter(&bytes, b"\x001.").find_map(|at| {
            let text = bytes.get(at + 1..)?;
            let end = text.iter().take(16).position(|byte| *byte == 0)?;
            let is_release = text[..end].iter().filter(|byte| **byte == b'.').count() == 2;
            std::str::from_utf8(&text[..end]).ok()?.parse().ok().filter(|_| is_release)
        }) {
            Some(version) => Seen::Seen(version),
            None => Seen::Broken(format!("{} names no version", loader.display())),
        },
        Err(error) => Seen::Broken(error.to_string()),
    }
}

fn number_at(bytes: &[u8]) -> Option<Dotted> {
    let end = bytes.iter().take(16).position(|b| !(b.is_ascii_digit() || *b == b'.'))?;
    std::str::from_utf8(&bytes[..end]).ok()?.trim_end_matches('.').parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_release_is_found_in_the_banner() {
        let banner = b"\0ld.so (Debian GLIBC 2.36-9) stable release version 2.36.\nCopyright";
        assert_eq!(release_version(banner), "2.36".parse().ok());
        assert_eq!(
            release_version(b" release version ?. release version 2.17,"),
            "2.17".parse().ok()
        );
        assert_eq!(release_version(b" release version 2.17"), None);
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..99)) {
            let _ = release_version(&[b" release version ".as_slice(), &bytes].concat());
        }
    }
}
