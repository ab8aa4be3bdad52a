//! What a container looks like from inside, and whether that is enough for a build.

/// The program that looks; it needs a shell and `env`.
pub(super) const SCRIPT: &str = include_str!("observe.sh");

/// Variables that shells give to what they start: those of the shell that looks.
const SHELLS_OWN: [&str; 4] = ["PWD=", "OLDPWD=", "SHLVL=", "_="];

/// What was seen. A field is empty or `None` where nothing was said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Observation {
    pub(super) networks: Option<Vec<String>>,
    pub(super) user: Option<u32>,
    /// Rights in effect, as a set of bits.
    pub(super) rights: Option<u64>,
    pub(super) no_new_rights: Option<bool>,
    pub(super) writes_output: Option<bool>,
    pub(super) writes_input: Option<bool>,
    pub(super) writes_memory: Option<bool>,
    pub(super) writes_root: Option<bool>,
    pub(super) umask: Option<u32>,
    pub(super) environment: Vec<String>,
    pub(super) standard_error: Vec<String>,
}

impl Observation {
    /// Reads what the program printed.
    pub(super) fn read<'a>(out: impl IntoIterator<Item = &'a str>) -> Self {
        let mut seen = Self::default();
        let mut lines = out.into_iter();
        for line in lines.by_ref() {
            let (key, value) = line.split_once(' ').unwrap_or((line, ""));
            let yes = || Some(value == "yes");
            match key {
                "networks" => {
                    seen.networks = Some(value.split_whitespace().map(str::to_owned).collect());
                }
                "Uid:" => seen.user = value.parse().ok(),
                "CapEff:" => seen.rights = u64::from_str_radix(value, 16).ok(),
                "NoNewPrivs:" => seen.no_new_rights = Some(value == "1"),
                "output" => seen.writes_output = yes(),
                "input" => seen.writes_input = yes(),
                "memory" => seen.writes_memory = yes(),
                "root" => seen.writes_root = yes(),
                // The last of its own lines; the environment follows.
                umask => {
                    seen.umask = u32::from_str_radix(umask, 8).ok();
                    break;
                }
            }
        }
        let own = |line: &str| SHELLS_OWN.iter().any(|name| line.starts_with(name));
        seen.environment = lines.filter(|line| !own(line)).map(str::to_owned).collect();
        seen.environment.sort();
        seen
    }

    /// What is not as a build needs it, in sentences. `is_hermetic` says whether the engine claims
    /// to keep the command away from this machine.
    pub(super) fn faults(&self, is_hermetic: bool, may_be_root: bool) -> Vec<String> {
        let mut faults = Vec::new();
        let mut expect = |holds: bool, fault: &str| {
            if !holds {
                faults.push(fault.to_owned());
            }
        };
        expect(self.writes_output == Some(true), "its output directory cannot be written");
        expect(self.writes_memory == Some(true), "its directory in memory cannot be written");
        expect(self.umask == Some(0o027), "its umask is not the one asked for");
        expect(
            self.environment == ["PROBE=a b", "PROBE_EMPTY="],
            "its environment is not the one asked for",
        );
        expect(self.standard_error == ["error"], "its standard error does not arrive");
        if is_hermetic {
            let quiet = self.networks.as_ref().is_some_and(|all| all.iter().all(|n| n == "lo"));
            expect(quiet, "it has a network, though none was asked for");
            expect(self.writes_root == Some(false), "its root can be written");
            expect(self.writes_input == Some(false), "its input can be written");
            expect(self.rights == Some(0), "it has rights of root");
            expect(self.no_new_rights == Some(true), "it may get new rights");
            let user = self.user.is_some_and(|user| may_be_root || user != 0);
            expect(user, "it runs as root");
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What podman printed.
    const SEEN: &str = "networks lo\nUid: 1000\nCapEff: 0000000000000000\nNoNewPrivs: 1\n\
        output yes\ninput no\nmemory yes\nroot no\n0027\nPROBE=a b\nPWD=/\nPROBE_EMPTY=";

    fn seen(text: &str) -> Observation {
        let standard_error = vec!["error".to_owned()];
        Observation { standard_error, ..Observation::read(text.lines()) }
    }

    #[test]
    fn a_container_as_it_must_be_has_no_fault() {
        assert_eq!(seen(SEEN).faults(true, false), [""; 0]);
    }

    #[test]
    fn every_fault_is_named() {
        for (from, to, fault) in [
            ("networks lo", "networks lo eth0", "it has a network, though none was asked for"),
            ("Uid: 1000", "Uid: 0", "it runs as root"),
            ("CapEff: 0000000000000000", "CapEff: 00000000a80425fb", "it has rights of root"),
            ("NoNewPrivs: 1", "NoNewPrivs: 0", "it may get new rights"),
            ("output yes", "output no", "its output directory cannot be written"),
            ("input no", "input yes", "its input can be written"),
            ("memory yes", "memory no", "its directory in memory cannot be written"),
            ("root no", "root yes", "its root can be written"),
            ("0027", "0022", "its umask is not the one asked for"),
            ("PROBE_EMPTY=", "PROBE_EMPTY=\nHOME=/", "its environment is not the one asked for"),
        ] {
            assert_eq!(seen(&SEEN.replace(from, to)).faults(true, false), [fault], "{to}");
        }
    }

    #[test]
    fn what_was_not_said_is_not_fine() {
        let faults = Observation::default().faults(true, false);
        assert_eq!(faults.len(), 11, "{faults:?}");
    }

    #[test]
    fn this_machine_itself_is_not_asked_to_be_a_container() {
        let text = SEEN.replace("networks lo", "networks lo eth0").replace("root no", "root yes");
        assert_eq!(seen(&text).faults(false, false), [""; 0]);
        assert_eq!(seen(&SEEN.replace("Uid: 1000", "Uid: 0")).faults(true, true), [""; 0]);
    }
}
