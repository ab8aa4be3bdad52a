//! First lines of scripts, which name the interpreter: how long they may be, and the cure where an
//! environment's path does not go into one.

use host::{HostPath, Os, Version};
use report::Fix;

use crate::{EnvironmentFacts, Facts, cures};

/// Longest first line, its end not counted, that starts a program here.
pub(super) fn longest(facts: &Facts) -> Option<usize> {
    match facts.machine.os {
        Os::Windows => None,
        Os::Macos => Some(511),
        // The kernel's buffer had 128 bytes before 5.1, and has 256 since.
        Os::Linux => {
            let release = facts.machine.kernel.get();
            let is_old = release
                .and_then(|release| {
                    let numbers = release.split(|c: char| !c.is_ascii_digit());
                    let numbers: Vec<u32> =
                        numbers.take(2).filter_map(|number| number.parse().ok()).collect();
                    (numbers.len() == 2).then(|| Version::new(numbers))
                })
                .is_some_and(|version| version < Version::new([5, 1]));
            Some(if is_old { 127 } else { 255 })
        }
    }
}

/// Makes a virtual environment anew near the home directory, if that place fits.
pub(super) fn make_anew_near_home(
    facts: &Facts,
    environment: &EnvironmentFacts,
    fits: impl Fn(&HostPath) -> bool,
) -> Option<Fix> {
    let prefix = &environment.python.prefix;
    let name = facts
        .project
        .pyproject
        .get()
        .and_then(|pyproject| pyproject.name.clone())
        .or_else(|| facts.project.root.file_name()?.to_str().map(str::to_owned))
        .unwrap_or_else(|| "project".to_owned())
        .replace(' ', "-");
    let fresh = facts.machine.home.as_ref().map(|home| home.join(".virtualenvs").join(name));
    let can_be_made =
        cures::is_environment(environment) && cures::what_it_holds(facts, prefix).is_none();
    let is_free = |fresh: &HostPath| facts.environment(fresh).is_none();
    let fresh = fresh.filter(|fresh| can_be_made && fits(fresh) && is_free(fresh))?;
    let mut fix = cures::recreate_at(facts, environment, &fresh);
    fix.title = format!("make the environment anew in {}", facts.short(&fresh));
    // The old one goes last: what fails before that leaves everything as it was. A link in its
    // place would bring the long path back into every script that is installed through it.
    fix = fix.remove(cures::paths(facts, &[prefix]));
    if facts.project.pyproject.get().is_some_and(|pyproject| pyproject.uses_uv) {
        fix = fix.set("UV_PROJECT_ENVIRONMENT", facts.native(&fresh));
    }
    let activate = facts.native(&fresh.join("bin/activate"));
    Some(fix.by_hand(format!("activate it: `. {}`", host::quote(facts.machine.os, &activate))))
}
