//! BLD031: a tool that the project pins is here in another version, or it is here in several and
//! pinned nowhere.

use std::str::FromStr as _;

use pep440_rs::Version;
use report::{Finding, Fix, Safety, Severity};

use super::{project, uses_maturin};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::plan::toml_string;
use crate::{Facts, Findings, Tool, cures};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "BLD031",
    name: "tools-of-several-versions",
    summary: "maturin or uv is not of the version that is pinned, or of several and not pinned",
    page: include_str!("../../../pages/BLD031.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::two_versions, tests::other_than_pinned, tests::not_in_an_environment],
        silent: &[
            tests::one_version,
            tests::as_pinned,
            tests::pinned_though_there_is_another,
            tests::no_version_known,
        ],
    },
};

/// Name of the configuration file, which holds the pins.
const CONFIG_FILE: &str = "truewheel.toml";

fn run(facts: &Facts, findings: &mut Findings) {
    let uses_uv = facts.project.pyproject.get().is_some_and(|pyproject| pyproject.uses_uv);
    let tools = [
        ("maturin", &facts.toolchain.maturin, uses_maturin(facts)),
        ("uv", &facts.toolchain.uv, uses_uv),
    ];
    let mut judged = false;
    for (name, found, is_used) in tools {
        let pin = facts.project.tools.get(name);
        let known: Vec<(&Tool, Version)> =
            found.iter().filter_map(|t| Some((t, version(t)?))).collect();
        // The first on PATH is what a shell starts; of what is passed over nobody knows.
        let Some((first, used)) = known.first().filter(|(tool, _)| found.first() == Some(tool))
        else {
            continue;
        };
        if pin.is_none() && !is_used {
            continue;
        }
        judged = true;
        match pin {
            Some(pin) if Version::from_str(pin).ok().as_ref() != Some(used) => {
                findings.push(not_as_pinned(facts, name, first, used, pin));
            }
            Some(_) => {}
            None if known.iter().any(|(_, version)| version != used) => {
                findings.push(several(facts, name, &known));
            }
            None => {}
        }
    }
    if !judged {
        findings.skip("the version of no tool that this project uses is known");
    }
}

fn version(tool: &Tool) -> Option<Version> {
    Version::from_str(tool.version.get()?).ok()
}

fn not_as_pinned(facts: &Facts, name: &str, tool: &Tool, used: &Version, pin: &str) -> Finding {
    let file = facts.project.root.join(CONFIG_FILE);
    let environment = tool.environment.as_ref().and_then(|prefix| facts.environment(prefix));
    let environment = environment.filter(|e| e.python.externally_managed.is_none());
    let title = format!("install {name} {pin}");
    let install = match environment {
        Some(environment) => {
            let requirement = format!("{name}=={pin}");
            let argv = cures::install(facts, environment, name, &requirement);
            Fix::new(Safety::Confirm, title).run(argv)
        }
        None => Fix::new(Safety::Manual, title).by_hand(format!(
            "install {name} {pin} in the way in which {} was installed",
            facts.native(&tool.path)
        )),
    };
    Finding::new(
        Severity::Warning,
        project(facts),
        format!("{name} {used} comes first here, and the project is pinned to {pin}"),
    )
    .seen_at(facts.native(&tool.path), format!("{name} {used}"))
    .seen_at(facts.native(&file), format!("`{name} = \"{pin}\"` in [tools]"))
    .cause("The tool was updated or installed here without the project, or the pin was moved on elsewhere")
    .fix(install)
    .fix(pin_to(facts, name, used, format!("or pin the {name} that is here")))
}

fn several(facts: &Facts, name: &str, known: &[(&Tool, Version)]) -> Finding {
    let (_, used) = &known[0];
    let mut finding = Finding::new(
        Severity::Info,
        project(facts),
        format!("{name} is here in several versions, so what builds depends on the shell"),
    );
    for (tool, version) in known {
        finding = finding.seen_at(facts.native(&tool.path), format!("{name} {version}"));
    }
    finding
        .cause("Each environment can bring its own, and the first on PATH is what a shell starts")
        .fix(pin_to(facts, name, used, format!("pin {name} for the project")))
}

/// Writes the version into the project's own file, by which other machines are held too.
fn pin_to(facts: &Facts, name: &str, version: &Version, title: String) -> Fix {
    let file = facts.native(&facts.project.root.join(CONFIG_FILE));
    let version = toml_string(&version.to_string());
    Fix::new(Safety::Confirm, title).configure(file, &["tools"], name, version)
}

#[cfg(test)]
mod tests {
    use host::{HostPath, Seen};

    use super::*;
    use crate::checks::bld::testing::extension_project;

    fn tool(place: &str, version: &str, environment: Option<&str>) -> Tool {
        Tool {
            path: HostPath::from(format!("{place}/bin/maturin").as_str()),
            real_path: HostPath::from(format!("{place}/bin/maturin").as_str()),
            version: match version {
                "" => Seen::Absent,
                version => Seen::Seen(version.to_owned()),
            },
            environment: environment.map(HostPath::from),
        }
    }

    const VENV: &str = "/home/dev/project/.venv";

    fn with(tools: Vec<Tool>, pin: Option<&str>) -> Facts {
        let mut facts = extension_project("0.26.0", &[]);
        if let Seen::Seen(pyproject) = &mut facts.project.pyproject {
            pyproject.build_backend = Some("maturin".to_owned());
        }
        facts.toolchain.maturin = tools;
        if let Some(pin) = pin {
            facts.project.tools.insert("maturin".to_owned(), pin.to_owned());
        }
        facts
    }

    fn two() -> Vec<Tool> {
        vec![tool(VENV, "1.9.4", Some(VENV)), tool("/home/dev/.local", "1.8.7", None)]
    }

    pub(super) fn two_versions() -> Facts {
        with(two(), None)
    }

    pub(super) fn other_than_pinned() -> Facts {
        with(two(), Some("1.8.7"))
    }

    pub(super) fn not_in_an_environment() -> Facts {
        let mut tools = two();
        tools.reverse();
        with(tools, Some("1.9.4"))
    }

    pub(super) fn one_version() -> Facts {
        with(vec![tool(VENV, "1.9.4", Some(VENV)), tool("/x", "1.9.4", None)], None)
    }

    pub(super) fn as_pinned() -> Facts {
        with(vec![tool(VENV, "1.9", Some(VENV))], Some("1.9.0"))
    }

    pub(super) fn pinned_though_there_is_another() -> Facts {
        with(two(), Some("1.9.4"))
    }

    pub(super) fn no_version_known() -> Facts {
        with(vec![tool("/x", "", None), tool(VENV, "1.9.4", Some(VENV))], None)
    }

    #[test]
    fn the_pinned_version_is_installed_where_the_tool_is() {
        let first = |facts: &Facts| {
            let mut findings = Findings::default();
            run(facts, &mut findings);
            findings.list[0].fixes[0].clone()
        };
        let report::Step::Run { argv } = &first(&other_than_pinned()).steps[0] else { panic!() };
        assert_eq!(argv[1..], ["-m", "pip", "install", "maturin==1.8.7"]);
        assert_eq!(first(&not_in_an_environment()).safety, Safety::Manual);
        let report::Step::Configure { table, key, value, .. } = &first(&two_versions()).steps[0]
        else {
            panic!()
        };
        assert_eq!(
            (table[0].as_str(), key.as_str(), value.as_str()),
            ("tools", "maturin", "\"1.9.4\"")
        );
    }
}
