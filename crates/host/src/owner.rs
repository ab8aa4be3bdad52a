//! Who made something that outlives processes, and whether that process is gone.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::Host;

/// One process, told apart from every later one with its number: by the boot of the machine, the
/// space of process numbers, and the time of its start. Written `boot-space-process-start`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The first eight digits of the kernel's boot id.
    boot: String,
    /// Number of the space of process numbers.
    space: u64,
    process: u32,
    /// Ticks of the clock from boot to its start.
    start: u64,
}

impl Owner {
    /// This process; `None` where the system does not say such things (no `/proc`).
    #[must_use]
    pub fn current(host: &Host) -> Option<Self> {
        let process = std::process::id();
        Some(Self { boot: boot(host)?, space: space(host)?, process, start: start(host, process)? })
    }

    /// Whether that process is known to have ended. One of another boot or another space of
    /// process numbers cannot be judged, and counts as alive.
    #[must_use]
    pub fn is_gone(&self, host: &Host) -> bool {
        let is_near =
            boot(host).as_deref() == Some(self.boot.as_str()) && space(host) == Some(self.space);
        is_near && start(host, self.process) != Some(self.start)
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}-{}", self.boot, self.space, self.process, self.start)
    }
}

/// A text that names no owner.
#[derive(Debug)]
pub struct NoOwner;

impl FromStr for Owner {
    type Err = NoOwner;

    fn from_str(text: &str) -> Result<Self, NoOwner> {
        let parts: Vec<&str> = text.split('-').collect();
        let [boot, space, process, start] = parts.as_slice() else { return Err(NoOwner) };
        Ok(Self {
            boot: (*boot).to_owned(),
            space: space.parse().map_err(|_| NoOwner)?,
            process: process.parse().map_err(|_| NoOwner)?,
            start: start.parse().map_err(|_| NoOwner)?,
        })
    }
}

fn boot(host: &Host) -> Option<String> {
    let text = host.read_text(Path::new("/proc/sys/kernel/random/boot_id"), 64).ok()?;
    text.get(..8).map(str::to_owned)
}

/// `pid:[4026531836]`
fn space(host: &Host) -> Option<u64> {
    let link = host.read_link(Path::new("/proc/self/ns/pid")).ok()?;
    link.to_str()?.strip_prefix("pid:[")?.strip_suffix(']')?.parse().ok()
}

/// The 22nd field of `/proc/PID/stat`; the second may hold spaces and ends with the last `)`.
fn start(host: &Host, process: u32) -> Option<u64> {
    let path = format!("/proc/{process}/stat");
    let text = host.read_text(Path::new(&path), 4096).ok()?;
    let (_, rest) = text.rsplit_once(") ")?;
    // A zombie has ended, though nobody has asked for its status yet.
    let mut fields = rest.split(' ');
    let state = fields.next()?;
    fields.nth(18)?.parse().ok().filter(|_| state != "Z" && state != "X")
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_its_name_can_be_read_back() {
        let host = Host::current().unwrap();
        let own = Owner::current(&host).unwrap();
        assert_eq!(own.to_string().parse::<Owner>().unwrap(), own);
        assert!(!own.is_gone(&host));
        assert!("a-b".parse::<Owner>().is_err());
    }

    #[test]
    fn an_earlier_process_of_that_number_is_gone_and_one_elsewhere_is_not_judged() {
        let host = Host::current().unwrap();
        let own = Owner::current(&host).unwrap();
        assert!(Owner { start: own.start - 1, ..own.clone() }.is_gone(&host));
        assert!(Owner { process: u32::MAX, ..own.clone() }.is_gone(&host));
        assert!(!Owner { boot: "0".to_owned(), start: 0, ..own.clone() }.is_gone(&host));
        assert!(!Owner { space: 1, start: 0, ..own }.is_gone(&host));
    }
}
