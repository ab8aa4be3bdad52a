//! PKG008: pip is told to take nothing from an index, or no wheels.

use report::{Finding, Severity};

use super::pkg007;
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{Facts, Findings, PipSetting, subjects};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "PKG008",
    name: "pip-cut-off-from-wheels",
    summary: "pip's configuration forbids the index, or wheels of numpy or of everything",
    page: include_str!("../../../pages/PKG008.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::no_index, tests::no_wheels, tests::no_wheel_of_numpy],
        silent: &[
            tests::links_instead,
            tests::switched_off,
            tests::taken_back,
            tests::no_wheel_of_another,
        ],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    let Some(environment) =
        facts.judged().find(|environment| environment.python.executable.is_some())
    else {
        findings.skip("there is no Python for which pip could install");
        return;
    };
    let prefix = &environment.python.prefix;
    let of = |key: &str| facts.settings.pip(key, prefix).filter(|s| !s.value.is_empty());
    if let Some(setting) = of("no-index").filter(|setting| setting.is_on())
        && of("find-links").is_none()
    {
        findings.push(
            found(
                facts,
                setting,
                Severity::Error,
                "pip finds no package: the index is forbidden, and no other place is named",
            )
            .cause(
                "The setting belongs to installations from a directory of wheels \
                 (`find-links`), and that one is not set here",
            )
            .fix(pkg007::cure(facts, setting)),
        );
    }
    if let Some(setting) = of("no-binary")
        && let Some(what) = from_source(&setting.value)
    {
        findings.push(
            // Who wants numpy with libraries of their own compiles it on purpose.
            found(
                facts,
                setting,
                if what == "numpy" { Severity::Info } else { Severity::Warning },
                &format!("pip compiles {what} from source"),
            )
            .cause(
                "Wheels are forbidden, so that every installation needs compilers for C, C++ \
                     or Fortran, and Rust; the setting was made for one package and stayed",
            )
            .fix(pkg007::cure(facts, setting)),
        );
    }
}

fn found(facts: &Facts, setting: &PipSetting, severity: Severity, what: &str) -> Finding {
    let finding = Finding::new(severity, subjects::shell(), what);
    match &setting.file {
        Some(file) => {
            finding.seen_at(facts.native(file), format!("{} = {}", setting.key, setting.value))
        }
        None => finding.seen(format!("{}={}", setting.variable(), setting.value)),
    }
}

/// What is compiled of that by which everything here stands. As pip reads the list, `:none:` takes
/// back what stands before it.
fn from_source(value: &str) -> Option<&'static str> {
    let mut everything = false;
    let mut numpy = false;
    for name in value.split([',', ' ']).map(str::trim).filter(|name| !name.is_empty()) {
        match name.to_ascii_lowercase().as_str() {
            ":all:" => everything = true,
            ":none:" => (everything, numpy) = (false, false),
            "numpy" => numpy = true,
            _ => {}
        }
    }
    if everything {
        return Some("everything");
    }
    numpy.then_some("numpy")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::healthy;

    fn with(settings: &[(&str, &str)]) -> Facts {
        let mut facts = healthy();
        facts.settings.pip = settings
            .iter()
            .map(|(key, value)| PipSetting {
                key: (*key).to_owned(),
                value: (*value).to_owned(),
                ..PipSetting::default()
            })
            .collect();
        facts
    }

    pub(super) fn no_index() -> Facts {
        with(&[("no-index", "true")])
    }

    pub(super) fn no_wheels() -> Facts {
        with(&[("no-binary", ":all:")])
    }

    pub(super) fn no_wheel_of_numpy() -> Facts {
        let mut facts = with(&[("no-binary", "lxml numpy")]);
        facts.settings.pip[0].file = Some(host::HostPath::from("/etc/pip.conf"));
        facts
    }

    pub(super) fn links_instead() -> Facts {
        with(&[("no-index", "true"), ("find-links", "set")])
    }

    pub(super) fn switched_off() -> Facts {
        with(&[("no-index", "true"), ("no-index", "false")])
    }

    pub(super) fn taken_back() -> Facts {
        with(&[("no-binary", ":all:,:none:")])
    }

    pub(super) fn no_wheel_of_another() -> Facts {
        with(&[("no-binary", "lxml")])
    }
}
