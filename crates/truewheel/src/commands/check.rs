//! `check`: whether wheels are what they say they are.

use std::path::Path;

use host::Host;
use report::render::json::escape_hidden;
use report::render::visible;
use report::{ExitStatus, Severity};
use serde::Serialize;
use wheelbuild::Wheel;
use wheelbuild::check::{Policy, Problem, Secret, SecretKind, check};
use wheelbuild::digest::sha256;

use super::wheels::{BOLD, DIM, GREEN, RED, YELLOW, read};
use crate::cli::{CheckFlags, WheelFormat};
use crate::commands::Context;
use crate::failure::Failure;
use crate::output::{self, size};

/// Version of the JSON layout; raised with every change that a reader could notice.
const SCHEMA: &str = "truewheel-check/1";

/// What was found in one file.
#[derive(Serialize)]
struct Checked {
    path: String,
    size: u64,
    sha256: String,
    problems: Vec<Problem>,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    version: &'static str,
    wheels: &'a [Checked],
    errors: usize,
    warnings: usize,
}

pub(crate) fn run(context: &Context<'_>, flags: &CheckFlags) -> Result<ExitStatus, Failure> {
    let mut secrets: Vec<Secret> = flags
        .secret
        .iter()
        .map(|text| Secret {
            what: "text".to_owned(),
            text: text.clone(),
            kind: if text.contains(['/', '\\']) { SecretKind::Path } else { SecretKind::Word },
        })
        .collect();
    if !flags.foreign {
        secrets.extend(secrets_of(context.host, &context.project()?));
    }
    let policy = Policy {
        max_glibc: flags.max_glibc.clone(),
        size_limit: u64::from(flags.max_size) * 1024 * 1024,
        libraries: flags.allow_library.clone(),
        secrets,
    };
    let mut checked = Vec::new();
    for named in &flags.wheels {
        let (name, bytes) = read(context, named)?;
        let (length, digest) = (bytes.len() as u64, sha256(&bytes));
        let problems = match Wheel::open(&name, bytes) {
            Ok(wheel) => check(&wheel, &policy),
            Err(error) => vec![Problem {
                name: "archive-refused",
                severity: Severity::Error,
                place: name,
                evidence: vec![error.to_string()],
                cause: "the file is damaged, no wheel, or made to deceive installers".to_owned(),
                cure: "download or build it again; if it stays so, do not install it".to_owned(),
            }],
        };
        let path = named.display().to_string();
        checked.push(Checked { path, size: length, sha256: digest, problems });
    }
    let count = |severity| {
        let all = checked.iter().flat_map(|one| &one.problems);
        all.filter(|problem| problem.severity == severity).count()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let fails = errors > 0 || (flags.strict && warnings > 0);
    let text = match flags.format {
        WheelFormat::Human => human(&checked, errors, warnings, fails),
        WheelFormat::Json => escape_hidden(&output::json(&Document {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            wheels: &checked,
            errors,
            warnings,
        })?),
    };
    context.printer.data(&text)?;
    Ok(if fails { ExitStatus::NotReproducible } else { ExitStatus::Healthy })
}

/// What tells of this machine and the one who works on it.
pub(super) fn secrets_of(host: &Host, project: &Path) -> Vec<Secret> {
    let mut secrets = Vec::new();
    let mut add = |what: &str, text: String, kind| {
        secrets.push(Secret { what: what.to_owned(), text, kind });
    };
    // Everybody's home in a container tells of nobody.
    let is_telling = |path: &Path| path.parent().is_some() && !path.starts_with("/root");
    let home = host.home.as_deref().filter(|home| is_telling(home));
    if let Some(home) = home {
        add("home directory", home.display().to_string(), SecretKind::Path);
    }
    // Below the home directory one finding is enough.
    let is_told = |path: &Path| home.is_some_and(|home| path.starts_with(home));
    if project.parent().is_some() && !is_told(project) {
        add("project's directory", project.display().to_string(), SecretKind::Path);
    }
    let cargo = host.variables.path("CARGO_HOME");
    if let Some(cargo) = cargo.filter(|path| is_telling(path) && !is_told(path)) {
        add("directory CARGO_HOME", cargo.display().to_string(), SecretKind::Path);
    }
    let user = ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| host.variables.text(name));
    if let Some(user) = user.filter(|user| user != "root") {
        add("name of the user", user, SecretKind::User);
    }
    let named = host.variables.text("HOSTNAME").or_else(|| host.variables.text("COMPUTERNAME"));
    let name = named.or_else(|| host.read_text(Path::new("/etc/hostname"), 4096).ok());
    // Names such as `debian` or `build` are words of many texts.
    if let Some(name) = name.map(|name| name.trim().to_owned())
        && name.len() >= 6
        && name.contains(|c: char| c.is_ascii_digit() || c == '-' || c == '.')
    {
        add("name of the machine", name, SecretKind::Word);
    }
    secrets
}

fn human(checked: &[Checked], errors: usize, warnings: usize, fails: bool) -> String {
    let mut text = String::new();
    for one in checked {
        text.push_str(&format!(
            "{BOLD}{}{BOLD:#}  {DIM}{}, sha256 {}{DIM:#}\n",
            visible(&one.path),
            size(one.size),
            one.sha256
        ));
        for problem in &one.problems {
            text.push_str(&paragraph(problem));
        }
        text.push('\n');
    }
    let plural =
        |number: usize, one: &str| format!("{number} {one}{}", if number == 1 { "" } else { "s" });
    let found = if errors + warnings == 0 {
        "nothing wrong".to_owned()
    } else {
        format!("{}, {}", plural(errors, "error"), plural(warnings, "warning"))
    };
    let (mark, style) = if fails { ("✗", RED) } else { ("✓", GREEN) };
    text.push_str(&format!(
        "{style}{mark}{style:#} {} · {found}\n",
        plural(checked.len(), "wheel")
    ));
    text
}

pub(super) fn paragraph(problem: &Problem) -> String {
    let (mark, style) = match problem.severity {
        Severity::Error => ("✗ error", RED),
        Severity::Warning => ("! warning", YELLOW),
        Severity::Info => ("i info", DIM),
    };
    let mut text =
        format!("  {style}{mark} {}{style:#}: {}\n", problem.name, visible(&problem.place));
    for evidence in &problem.evidence {
        text.push_str(&format!("      {}\n", visible(evidence)));
    }
    text.push_str(&format!("      cause: {}\n", visible(&problem.cause)));
    text.push_str(&format!("      fix: {}\n", visible(&problem.cure)));
    text
}
