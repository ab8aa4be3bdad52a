//! PKG007: pip is told to install somewhere else than into the environment it belongs to.

use report::{Finding, Fix, Safety, Severity};

#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{EnvironmentFacts, Facts, Findings, PipSetting};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "PKG007",
    name: "pip-told-to-install-elsewhere",
    summary: "pip's configuration sends packages to the user's directory or another target",
    page: include_str!("../../../pages/PKG007.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::user_by_variable, tests::user_by_file, tests::target],
        silent: &[
            tests::switched_off,
            tests::overruled_by_the_environment,
            tests::environment_sees_the_users,
            tests::no_environment,
        ],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    let virtual_ones = facts.judged().filter(|environment| {
        environment.python.kind.is_virtual() && environment.python.executable.is_some()
    });
    for environment in virtual_ones {
        let prefix = &environment.python.prefix;
        let user = facts.settings.pip("user", prefix).filter(|setting| setting.is_on());
        if let Some(setting) = user.filter(|_| !sees_user(environment)) {
            findings.push(
                found(facts, environment, setting, "pip refuses to install here")
                    .cause(
                        "The setting is meant for the system's Python, where it keeps packages \
                         apart; a virtual environment does not look into the user's directory, \
                         so pip refuses",
                    )
                    .fix(cure(facts, setting)),
            );
        }
        for key in ["target", "prefix", "root"] {
            let Some(setting) = facts.settings.pip(key, prefix).filter(|s| !s.value.is_empty())
            else {
                continue;
            };
            let what = format!("pip installs into {} and not here", setting.value);
            findings.push(
                found(facts, environment, setting, &what)
                    .cause(
                        "The setting was made for one installation and stayed: what pip installs \
                         now is not found by the Python it installs for",
                    )
                    .fix(cure(facts, setting)),
            );
        }
    }
}

fn found(
    facts: &Facts,
    environment: &EnvironmentFacts,
    setting: &PipSetting,
    what: &str,
) -> Finding {
    let finding = Finding::new(
        Severity::Error,
        environment.subject(facts),
        format!("{what}: {} is set", setting.name()),
    );
    match &setting.file {
        Some(file) => {
            finding.seen_at(facts.native(file), format!("{} = {}", setting.key, setting.value))
        }
        None => finding.seen(format!("{}={}", setting.variable(), setting.value)),
    }
}

fn sees_user(environment: &EnvironmentFacts) -> bool {
    let configuration = environment.python.pyvenv_cfg.as_ref();
    configuration.is_none_or(|configuration| configuration.include_system_site_packages)
}

pub(super) fn cure(facts: &Facts, setting: &PipSetting) -> Fix {
    match &setting.file {
        Some(file) => Fix::new(Safety::Manual, "take the setting out of pip's configuration")
            .edit(facts.native(file), format!("remove `{} = {}`", setting.key, setting.value)),
        None => {
            Fix::new(Safety::Safe, "take the variable out of this shell").unset(setting.variable())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{healthy, venv};
    use host::HostPath;

    fn with(settings: &[(Option<&str>, &str, &str)]) -> Facts {
        let mut facts = healthy();
        facts.settings.pip = settings
            .iter()
            .map(|(file, key, value)| PipSetting {
                file: file.map(HostPath::from),
                key: (*key).to_owned(),
                value: (*value).to_owned(),
                environment: None,
            })
            .collect();
        facts
    }

    pub(super) fn user_by_variable() -> Facts {
        with(&[(None, "user", "1")])
    }

    pub(super) fn user_by_file() -> Facts {
        with(&[(Some("/etc/pip.conf"), "user", "yes")])
    }

    pub(super) fn target() -> Facts {
        with(&[(Some("/home/dev/.config/pip/pip.conf"), "target", "/srv/lambda")])
    }

    pub(super) fn switched_off() -> Facts {
        with(&[(Some("/etc/pip.conf"), "user", "yes"), (None, "user", "0")])
    }

    pub(super) fn overruled_by_the_environment() -> Facts {
        let mut facts = with(&[
            (Some("/etc/pip.conf"), "user", "yes"),
            (Some("/home/dev/project/.venv/pip.conf"), "user", "no"),
        ]);
        let prefix = venv(&mut facts).python.prefix.clone();
        facts.settings.pip[1].environment = Some(prefix);
        facts
    }

    pub(super) fn environment_sees_the_users() -> Facts {
        let mut facts = user_by_variable();
        let cfg = venv(&mut facts).python.pyvenv_cfg.as_mut().unwrap();
        cfg.include_system_site_packages = true;
        facts
    }

    pub(super) fn no_environment() -> Facts {
        let mut facts = user_by_variable();
        facts.environments.retain(|environment| !environment.python.kind.is_virtual());
        facts
    }
}
