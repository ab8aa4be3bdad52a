//! What is done when this process ends, however it ends.

use std::io::Write as _;
use std::process::{Child, ChildStdin, Stdio};

use super::{Invocation, ProcessError, own_group};

/// Waits for a word; at the end of its input it kills the process group that it was told, and runs
/// the command that it was given. It is started before there is anything to clean up, and ignores
/// the signals that a terminal sends.
const SCRIPT: &str = r#"trap '' HUP INT QUIT TERM
group=
while read -r word; do
    case $word in
        done) exit 0 ;;
        *) group=$word ;;
    esac
done
[ -z "$group" ] || kill -KILL "-$group"
[ "$#" -eq 0 ] || exec "$@"
"#;

/// Cleans up after this process: a shell in a process group of its own that holds one end of a
/// pipe. Ctrl-C, a panic and `kill -9` all close the other end.
///
/// Only where there is a POSIX shell.
#[derive(Debug)]
pub struct Guard {
    child: Child,
    leash: Option<ChildStdin>,
}

impl Guard {
    /// Starts to watch. `cleanup` is run when this process ends, or the guard is dropped, before
    /// [`Guard::release`]; its time limit does not apply.
    ///
    /// # Errors
    /// There is no `/bin/sh`.
    pub fn new(cleanup: Option<&Invocation>) -> Result<Self, ProcessError> {
        let mut shell = Invocation::new("/bin/sh").args(["-c", SCRIPT, "sh"]);
        if let Some(cleanup) = cleanup {
            shell.changes.clone_from(&cleanup.changes);
            shell.clear = cleanup.clear;
            shell = shell.arg(&cleanup.program).args(&cleanup.arguments);
        }
        let mut command = shell.command();
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        own_group(&mut command);
        let mut child = command
            .spawn()
            .map_err(|source| ProcessError::Start { program: shell.program.clone(), source })?;
        let leash = child.stdin.take();
        Ok(Self { child, leash })
    }

    /// The process group to kill first.
    pub fn watch_group(&mut self, group: u32) {
        self.tell(&format!("{group}\n"));
    }

    /// There is nothing left to clean up.
    pub fn release(mut self) {
        self.tell("done\n");
    }

    fn tell(&mut self, word: &str) {
        if let Some(leash) = &mut self.leash {
            // A guard that is gone cannot be told.
            let _ = leash.write_all(word.as_bytes());
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.leash.take());
        let _ = self.child.wait();
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn what_was_not_released_is_cleaned_up() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("cleaned");
        let touch = Invocation::new("touch").arg(&file);
        Guard::new(Some(&touch)).unwrap().release();
        assert!(fs_err::metadata(&file).is_err());
        drop(Guard::new(Some(&touch)).unwrap());
        assert!(fs_err::metadata(&file).is_ok());
    }

    #[test]
    fn a_process_group_is_killed() {
        let guard = RefCell::new(Some(Guard::new(None).unwrap()));
        let output = Invocation::new("sh")
            .args(["-c", "echo begun; sleep 60 & wait"])
            .stream(
                |group| guard.borrow_mut().as_mut().unwrap().watch_group(group),
                |_, _| drop(guard.take()),
            )
            .unwrap();
        assert_eq!(output.signal, Some(9));
    }
}
