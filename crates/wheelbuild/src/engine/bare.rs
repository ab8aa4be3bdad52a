//! No engine: a clean directory of this machine, and a clean environment. Not hermetic.

use std::path::Path;

use host::{Invocation, create_directory, make_link};

use super::{Error, Ready, Run};

/// The place in the clean directory of what a container would show at `target`.
pub(super) fn inside(room: &Path, target: &str) -> String {
    if target == "/" {
        return room.display().to_string();
    }
    room.join(target.trim_start_matches('/')).display().to_string()
}

/// Makes what the run names: links to what it would mount, and directories for what it would have
/// in memory.
pub(super) fn furnish(room: &Path, run: &Run) -> Result<(), Error> {
    for tmpfs in &run.tmpfs {
        let place = room.join(tmpfs.target.trim_start_matches('/'));
        create_directory(&place).map_err(Error::file(&place))?;
    }
    for mount in &run.mounts {
        let place = room.join(mount.target.trim_start_matches('/'));
        let parent = place.parent().unwrap_or(room);
        create_directory(parent).map_err(Error::file(parent))?;
        make_link(&mount.source, &place).map_err(Error::file(&place))?;
    }
    Ok(())
}

/// The command that runs `shell` (the arguments of `/bin/sh`) there.
pub(super) fn command(ready: &Ready, room: &Path, shell: &[String]) -> Invocation {
    let path = "/usr/local/bin:/usr/bin:/bin";
    Invocation::new(&ready.program).clear_env().env("PATH", path).directory(room).args(shell)
}

/// Removes what the run was given; links only, not what they lead to.
pub(super) fn clear(room: &Path) {
    // The next one makes its own, and the whole directory goes with the sandbox.
    let _ = host::remove_tree(room);
}
