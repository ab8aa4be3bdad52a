//! `envs`: every Python on the machine, and which one each tool would use in the project.

use std::path::Path;

use anstyle::Style;
use host::{Host, HostPath, Os, Seen};
use pyenvs::{Depth, Environment, Package, Pick, Picks, Problem, ProblemKind, Search};
use report::ExitStatus;
use report::render::visible;
use serde::Serialize;

use crate::cli::{EnvsFlags, EnvsFormat};
use crate::commands::Context;
use crate::config::Config;
use crate::failure::Failure;
use crate::{output, table};

/// Version of the JSON layout; raised with every change that a reader could notice.
const ENVS_SCHEMA: &str = "truewheel-envs/1";

pub(crate) fn run(context: &Context<'_>, flags: &EnvsFlags) -> Result<ExitStatus, Failure> {
    let project = context.project()?;
    let config = Config::load(context.host, &project)?;
    let search = Search {
        project: &project,
        configured: &config.python,
        argument: None,
        depth: Depth::Full,
    };
    let found = pyenvs::discover(context.host, &search);
    let text = match flags.format {
        EnvsFormat::Human => {
            let mut text = environments(&found.environments, context.host, flags.packages);
            text.push('\n');
            text.push_str(&picks(&found.picks, context.host, &project));
            for what in &found.unreadable {
                text.push_str(&format!("! could not be read: {}\n", visible(what)));
            }
            text
        }
        EnvsFormat::Json => output::json(&Document {
            schema: ENVS_SCHEMA,
            project: HostPath::from(project),
            environments: found.environments.iter().map(|e| Listed::new(e, flags)).collect(),
            picks: &found.picks,
            agreement: agreement(&found.picks).is_ok(),
            unreadable: &found.unreadable,
        })?,
    };
    context.printer.data(&text)?;
    Ok(ExitStatus::Healthy)
}

fn environments(environments: &[Environment], host: &Host, packages: bool) -> String {
    if environments.is_empty() {
        return "no Python found\n".to_owned();
    }
    let heading = ["KIND", "PYTHON", "NUMPY", "PREFIX"];
    let row = |environment: &Environment| {
        let mut prefix = short(&environment.prefix, host);
        if !environment.problems.is_empty() {
            let problems: Vec<&str> = environment.problems.iter().map(problem).collect();
            prefix.push_str(&format!("  ! broken: {}", problems.join("; ")));
        }
        [name(&environment.kind), version(environment), numpy(environment), prefix]
    };
    let text = table::render(heading, environments.iter().map(row), Style::new().bold());
    if !packages {
        return text;
    }
    // The packages of an environment stand below its line, so that the columns stay aligned.
    let mut with_packages = String::new();
    let mut lines = text.lines();
    with_packages.extend(lines.next().map(|heading| format!("{heading}\n")));
    for (line, environment) in lines.zip(environments) {
        with_packages.push_str(&format!("{line}\n"));
        for package in installed(environment) {
            let PackageLine { name, version, by } = package;
            let by = by.map(|by| format!(" ({by})")).unwrap_or_default();
            let line = format!("{name} {version}{by}");
            with_packages.push_str(&format!("  {}\n", visible(&line)));
        }
    }
    with_packages
}

fn picks(picks: &Picks, host: &Host, project: &Path) -> String {
    let project = short(&HostPath::from(project), host);
    let rows = picks.each().map(|(tool, pick)| match pick {
        Pick::Python { executable, prefix, because } => {
            let place = prefix.as_ref().unwrap_or(executable);
            [tool.to_owned(), short(place, host), visible(because).into_owned()]
        }
        Pick::Refuses { message } => {
            [tool.to_owned(), "✗ refuses".to_owned(), visible(message).into_owned()]
        }
        Pick::Nothing { because } => {
            [tool.to_owned(), "none".to_owned(), visible(because).into_owned()]
        }
    });
    let heading = format!("IN {project}");
    let mut text = table::render([heading.as_str(), "USES", "BECAUSE"], rows, Style::new().bold());
    match agreement(picks) {
        Ok(None) => text.push_str("\ni no tool finds a Python here\n"),
        Ok(Some(place)) => {
            text.push_str(&format!("\n✓ every tool that finds one uses {}\n", short(place, host)));
        }
        Err(groups) => {
            let groups: Vec<String> = groups
                .iter()
                .map(|(place, tools)| {
                    let verb = if tools.len() == 1 { "uses" } else { "use" };
                    format!("{} {verb} {}", tools.join(", "), short(place, host))
                })
                .collect();
            text.push_str(&format!("\n! the tools disagree: {}\n", groups.join("; ")));
        }
    }
    text
}

/// The one place that every tool with a Python uses, or the places with the tools that use them.
type Agreement<'a> = Result<Option<&'a HostPath>, Vec<(&'a HostPath, Vec<&'static str>)>>;

fn agreement(picks: &Picks) -> Agreement<'_> {
    let mut groups: Vec<(&HostPath, Vec<&'static str>)> = Vec::new();
    for (tool, pick) in picks.each() {
        let Pick::Python { executable, prefix, .. } = pick else { continue };
        let place = prefix.as_ref().unwrap_or(executable);
        match groups.iter_mut().find(|(known, _)| *known == place) {
            Some((_, tools)) => tools.push(tool),
            None => groups.push((place, vec![tool])),
        }
    }
    if groups.len() > 1 { Err(groups) } else { Ok(groups.first().map(|(place, _)| *place)) }
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    project: HostPath,
    environments: Vec<Listed<'a>>,
    picks: &'a Picks,
    /// Whether every tool that finds a Python finds the same.
    agreement: bool,
    unreadable: &'a [String],
}

#[derive(Serialize)]
struct Listed<'a> {
    kind: pyenvs::EnvironmentKind,
    prefix: &'a HostPath,
    base_prefix: Option<&'a HostPath>,
    executable: Option<&'a HostPath>,
    version: Option<String>,
    implementation: Option<&'a pyenvs::Implementation>,
    extension_suffix: Option<&'a str>,
    architectures: Option<&'a Vec<host::Arch>>,
    libc: Option<&'a pyenvs::Libc>,
    numpy: Vec<String>,
    found_by: &'a [pyenvs::FoundBy],
    problems: &'a [Problem],
    /// What could not be told of it, and why; such a field is null.
    unknown: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    packages: Option<Vec<PackageLine>>,
}

impl<'a> Listed<'a> {
    fn new(environment: &'a Environment, flags: &EnvsFlags) -> Self {
        Self {
            kind: environment.kind,
            prefix: &environment.prefix,
            base_prefix: environment.base_prefix.as_ref(),
            executable: environment.executable.as_ref(),
            version: environment.version.get().map(ToString::to_string),
            implementation: environment.implementation.get(),
            extension_suffix: environment.abi.get().map(|abi| abi.extension_suffix.as_str()),
            architectures: environment.architectures.get(),
            libc: environment.libc.get(),
            numpy: numpy_versions(environment),
            found_by: &environment.found_by,
            problems: &environment.problems,
            unknown: unknown(environment),
            packages: flags.packages.then(|| installed(environment)),
        }
    }
}

fn unknown(environment: &Environment) -> Vec<String> {
    let reasons = [
        ("version", environment.version.reason()),
        ("implementation", environment.implementation.reason()),
        ("extension_suffix", environment.abi.reason()),
        ("architectures", environment.architectures.reason()),
        ("libc", environment.libc.reason()),
    ];
    reasons.iter().filter_map(|(field, reason)| Some(format!("{field}: {}", (*reason)?))).collect()
}

/// One installed package, by one of its records.
#[derive(PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct PackageLine {
    name: String,
    version: String,
    /// Who installed it, as its record says.
    by: Option<String>,
}

fn installed(environment: &Environment) -> Vec<PackageLine> {
    let own = environment.packages.iter().map(|package| PackageLine {
        name: package.name.clone(),
        version: package_version(package),
        by: package.installer.clone(),
    });
    let conda = environment.conda_packages.iter().map(|record| PackageLine {
        name: record.name.clone(),
        version: record.version.clone(),
        by: Some("conda-meta".to_owned()),
    });
    let mut lines: Vec<PackageLine> = own.chain(conda).collect();
    lines.sort();
    lines.dedup();
    lines
}

fn package_version(package: &Package) -> String {
    match &package.version {
        Seen::Seen(version) => version.to_string(),
        Seen::Absent | Seen::Broken(_) => "of unknown version".to_owned(),
    }
}

/// The versions of numpy that the records name, each once.
fn numpy_versions(environment: &Environment) -> Vec<String> {
    let by_record = environment.packages_named("numpy").map(package_version);
    let conda = environment.conda_packages.iter().filter(|record| record.name == "numpy");
    let mut versions: Vec<String> =
        by_record.chain(conda.map(|record| record.version.clone())).collect();
    versions.sort();
    versions.dedup();
    versions
}

fn numpy(environment: &Environment) -> String {
    let versions = numpy_versions(environment);
    if versions.is_empty() { "-".to_owned() } else { visible(&versions.join(" and ")).into_owned() }
}

fn version(environment: &Environment) -> String {
    match &environment.version {
        Seen::Seen(version) => version.to_string(),
        Seen::Absent | Seen::Broken(_) => "unknown".to_owned(),
    }
}

/// A path for reading: `~` for the home directory, nothing hidden.
pub(super) fn short(path: &HostPath, host: &Host) -> String {
    let in_home =
        host.home.as_ref().filter(|home| host.os != Os::Windows && *home != Path::new("/"));
    let rest = in_home.and_then(|home| path.strip_prefix(home).ok());
    let text = match rest {
        Some(rest) if rest.as_os_str().is_empty() => "~".to_owned(),
        Some(rest) => format!("~/{}", HostPath::from(rest).text()),
        None => path.native(host.os),
    };
    visible(&text).into_owned()
}

/// The name that a value has in JSON.
fn name(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

fn problem(problem: &Problem) -> &'static str {
    match problem.kind {
        ProblemKind::BrokenInterpreterLink => "its interpreter is a link that leads nowhere",
        ProblemKind::NoInterpreter => "it has no interpreter",
        ProblemKind::NoPyvenvCfg => "its pyvenv.cfg is missing",
        ProblemKind::UnreadablePyvenvCfg => "its pyvenv.cfg cannot be read",
        ProblemKind::MissingHome => "the Python it was made from is gone",
        ProblemKind::Moved => "it was moved after it was made",
        ProblemKind::MissingPrefix => "it does not exist",
        ProblemKind::EmptyInterpreter => "its interpreter is an empty file",
        ProblemKind::Unreadable => "part of it cannot be read",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use host::{Arch, Machine};

    use super::*;

    fn host() -> Host {
        Host::recorded(Machine {
            os: Os::Linux,
            arch: Arch::X86_64,
            working_directory: PathBuf::from("/home/ann/proj"),
            home: Some(PathBuf::from("/home/ann")),
            variables: BTreeMap::new(),
            files: BTreeMap::new(),
            binaries: BTreeMap::new(),
            directories: Vec::new(),
            links: BTreeMap::new(),
            registry: BTreeMap::new(),
        })
    }

    fn python(prefix: &str, because: &str) -> Pick {
        let prefix = HostPath::from(prefix);
        let executable = prefix.join("bin/python");
        Pick::Python { executable, prefix: Some(prefix), because: because.to_owned() }
    }

    fn shown(found: &Picks) -> String {
        picks(found, &host(), Path::new("/home/ann/proj"))
    }

    #[test]
    fn a_disagreement_is_named() {
        let venv = || python("/home/ann/proj/.venv", "VIRTUAL_ENV is set");
        let found = Picks {
            path: python("/usr", "the first `python` on PATH"),
            pip: venv(),
            maturin: Pick::Refuses { message: "Both are\nset".to_owned() },
            pyo3: Pick::Nothing { because: "no `python` on PATH".to_owned() },
            uv: venv(),
        };
        let text = anstream::adapter::strip_str(&shown(&found)).to_string();
        insta::assert_snapshot!(text, @r"
        IN ~/proj           USES          BECAUSE
        PATH                /usr          the first `python` on PATH
        pip                 ~/proj/.venv  VIRTUAL_ENV is set
        maturin develop     ✗ refuses     Both are\nset
        cargo build (PyO3)  none          no `python` on PATH
        uv                  ~/proj/.venv  VIRTUAL_ENV is set

        ! the tools disagree: PATH uses /usr; pip, uv use ~/proj/.venv
        ");
    }

    #[test]
    fn agreement_is_named_too() {
        let nothing = || Pick::Nothing { because: "none".to_owned() };
        let mut found = Picks {
            path: nothing(),
            pip: nothing(),
            maturin: nothing(),
            pyo3: nothing(),
            uv: nothing(),
        };
        assert!(shown(&found).ends_with("\ni no tool finds a Python here\n"));
        found.pip = python("/usr", "x");
        found.uv = python("/usr", "y");
        assert!(shown(&found).ends_with("\n✓ every tool that finds one uses /usr\n"));
    }

    #[test]
    fn the_home_directory_is_short() {
        let short = |path: &str| short(&HostPath::from(path), &host());
        assert_eq!(short("/home/ann"), "~");
        assert_eq!(short("/home/ann/x"), "~/x");
        assert_eq!(short("/home/anna/\u{1b}x"), "/home/anna/\\u{1b}x");
    }
}
