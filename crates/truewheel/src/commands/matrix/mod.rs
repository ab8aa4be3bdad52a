//! `matrix`: which Python and numpy, and the Rust core, read what every other one wrote.

mod wheel;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anstyle::Style;
use matrix::{
    CellSelection, CellState, Error, InstallerChoice, MatrixResult, NamePredicate, Options, Plan,
    Progress, RESULT_SCHEMA, Shard, Specification,
};
use report::ExitStatus;
use serde::Serialize;

use crate::cli::{
    CellFlags, InstallerFlag, MatrixCommand, MatrixFlags, MatrixFormat, MatrixOutput, MergeFlags,
    PlanFlags, PlanFormat, ShowFlags,
};
use crate::commands::Context;
use crate::config::Config;
use crate::failure::Failure;
use crate::output::Printer;
use crate::pattern::is_match;
use crate::progress::{Phases, watched};
use crate::table;

/// Where environments are kept, below the project.
const DIRECTORY: &str = "target/matrix";
/// Where maturin puts wheels, below the project.
const WHEELS: &str = "target/wheels";
/// The result of the last run, below that.
const LAST_RESULT: &str = "result.json";
/// The page that shows it.
const LAST_PAGE: &str = "report.html";
/// A thousand cells make a million pairs, of a few hundred bytes each.
const RESULT_LIMIT: u64 = 1 << 30;

pub(crate) fn run(context: &Context<'_>, flags: &MatrixFlags) -> Result<ExitStatus, Failure> {
    match &flags.command {
        None => run_cells(context, flags),
        Some(MatrixCommand::Plan(flags)) => plan(context, flags),
        Some(MatrixCommand::Merge(flags)) => merge(context, flags),
        Some(MatrixCommand::Show(flags)) => show(context, flags),
    }
}

/// This program as the core's cell, which the matrix starts; nobody else calls it.
pub(crate) fn core_cell(printer: &Printer, request: &Path) -> ExitCode {
    let done = host::Host::current()
        .map_err(|error| error.to_string())
        .and_then(|host| matrix::run_core_cell(&host, request).map_err(|error| error.to_string()));
    match done {
        Ok(()) => ExitStatus::Healthy.into(),
        Err(message) => {
            printer.talk(&format!("{message}\n"));
            ExitStatus::ToolFailed.into()
        }
    }
}

fn run_cells(context: &Context<'_>, flags: &MatrixFlags) -> Result<ExitStatus, Failure> {
    let setting = Setting::new(context, &flags.cells)?;
    check_reports(&flags.output)?;
    let last = setting.directory.join(LAST_RESULT);
    let previous = match flags.rerun_failed {
        true => Some(read_result(context, &last)?),
        false => None,
    };
    let phases = Phases::new();
    let tell = |progress| tell(context.printer, &phases, progress);
    let mut options = setting.options(context, &flags.cells, &tell);
    options.shard = flags.shard.map(|flag| Shard { index: flag.index, count: flag.count });
    options.previous = previous.as_ref();
    if let Some(jobs) = flags.jobs {
        options.jobs = jobs.get();
    }
    let result = watched(context.printer, || phases.line(), || matrix::run(&options))
        .map_err(|error| failure(&error))?;
    write_file(&last, &matrix::render::json::render(&result))?;
    let page = setting.directory.join(LAST_PAGE);
    write_file(&page, &matrix::render::html::render(&result))?;
    let status = deliver(context, &flags.output, &result)?;
    context.printer.talk(&format!("the page is at {}\n", page.display()));
    Ok(status)
}

/// What a run and a plan need.
struct Setting {
    project: PathBuf,
    directory: PathBuf,
    specification: Specification,
    /// The wheels that may be tested, the newest first.
    wheels: Vec<PathBuf>,
}

impl Setting {
    fn new(context: &Context<'_>, flags: &CellFlags) -> Result<Self, Failure> {
        let project = context.project()?;
        let mut specification = Config::load(context.host, &project)?.matrix;
        if let Some(wheel) = &flags.wheel {
            specification.wheel = Some(context.host.absolute(wheel));
            specification.wheel_lane = true;
        }
        let wheels = match (&specification.wheel, specification.wheel_lane) {
            (_, false) => Vec::new(),
            (Some(place), true) => wheel::wheels(context.host, &project, place)?,
            (None, true) => wheel::wheels(context.host, &project, &project.join(WHEELS))?,
        };
        let directory = directory(context, &project, flags.directory.as_deref());
        Ok(Self { project, directory, specification, wheels })
    }

    fn options<'a>(
        &'a self,
        context: &'a Context<'_>,
        flags: &'a CellFlags,
        progress: &'a (dyn Fn(Progress) + Sync),
    ) -> Options<'a> {
        Options {
            host: context.host,
            project: &self.project,
            directory: self.directory.clone(),
            specification: &self.specification,
            wheels: &self.wheels,
            selection: CellSelection {
                only: names(&flags.only),
                writers: names(&flags.writers),
                readers: names(&flags.readers),
            },
            shard: None,
            previous: None,
            installer: match flags.installer {
                InstallerFlag::Auto => InstallerChoice::Auto,
                InstallerFlag::Uv => InstallerChoice::Uv,
                InstallerFlag::Pip => InstallerChoice::Pip,
            },
            offline: flags.offline,
            jobs: host::processors(),
            tool: concat!("truewheel ", env!("CARGO_PKG_VERSION")).to_owned(),
            progress,
        }
    }
}

fn directory(context: &Context<'_>, project: &Path, chosen: Option<&Path>) -> PathBuf {
    chosen.map_or_else(|| project.join(DIRECTORY), |chosen| context.host.absolute(chosen))
}

/// Whether a name fits one of the patterns; without patterns nobody is asked.
fn names(patterns: &[String]) -> Option<NamePredicate<'_>> {
    let fits = |name: &str| patterns.iter().any(|pattern| is_match(pattern.trim(), name));
    (!patterns.is_empty()).then(|| Box::new(fits) as NamePredicate<'_>)
}

fn tell(printer: &Printer, phases: &Phases, progress: Progress) {
    match progress {
        Progress::Phase { name, total } => phases.phase(printer, name, total),
        Progress::Begin { what } => phases.begin(what),
        Progress::Done => phases.done(),
    }
}

fn failure(error: &Error) -> Failure {
    let failure = match error.is_input() {
        true => Failure::input(error),
        false => Failure::tool(anyhow::Error::msg(error.to_string()), "the matrix cannot be run"),
    };
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn plan(context: &Context<'_>, flags: &PlanFlags) -> Result<ExitStatus, Failure> {
    let setting = Setting::new(context, &flags.cells)?;
    let phases = Phases::new();
    let tell = |progress| tell(context.printer, &phases, progress);
    let options = setting.options(context, &flags.cells, &tell);
    let plan = watched(context.printer, || phases.line(), || matrix::plan(&options))
        .map_err(|error| failure(&error))?;
    let text = match flags.format {
        PlanFormat::Human => plan_text(&plan),
        PlanFormat::Json => {
            let cells: Vec<&matrix::CellResult> = plan.cells.iter().map(|c| &c.result).collect();
            crate::output::json(&PlanJson { schema: "truewheel-matrix-plan/2", cells })?
        }
        PlanFormat::Github => github(&plan, flags.shards.get())?,
    };
    context.printer.data(&text)?;
    Ok(ExitStatus::Healthy)
}

#[derive(Serialize)]
struct PlanJson<'a> {
    schema: &'static str,
    cells: Vec<&'a matrix::CellResult>,
}

fn plan_text(plan: &Plan) -> String {
    let rows = plan.cells.iter().map(|cell| {
        let cell = &cell.result;
        let dash = || "-".to_owned();
        let state = match &cell.state {
            CellState::NotAvailable { reason } => format!("n/a: {reason}"),
            state => state.reason().map_or_else(|| "will run".to_owned(), str::to_owned),
        };
        [
            report::render::visible(&cell.name).into_owned(),
            cell.python.clone().unwrap_or_else(dash),
            cell.numpy.clone().unwrap_or_else(dash),
            report::render::visible(&state).into_owned(),
        ]
    });
    let mut text = table::render(["CELL", "PYTHON", "NUMPY", ""], rows, Style::new().bold());
    let (cells, pairs) = (plan.runnable().count(), plan.pairs());
    text.push_str(&format!("\n{cells} cells, {pairs} pairs\n"));
    text
}

/// One line of JSON for `strategy.matrix` of a job in GitHub Actions.
fn github(plan: &Plan, shards: u32) -> Result<String, Failure> {
    #[derive(Serialize)]
    struct Entry {
        shard: String,
        /// For `actions/setup-python`, whose input has a version in each line.
        #[serde(rename = "python-versions")]
        pythons: String,
    }
    let mut pythons: Vec<&str> = Vec::new();
    for cell in plan.cells.iter().filter_map(|cell| cell.result.python.as_deref()) {
        let minor = cell.match_indices('.').nth(1).map_or(cell, |(end, _)| &cell[..end]);
        if !pythons.contains(&minor) {
            pythons.push(minor);
        }
    }
    let entry = |index| Entry { shard: format!("{index}/{shards}"), pythons: pythons.join("\n") };
    let include: Vec<Entry> = (1..=shards).map(entry).collect();
    let text = serde_json::to_string(&serde_json::json!({ "include": include }))
        .map_err(|error| Failure::tool(error, "cannot write JSON"))?;
    Ok(text + "\n")
}

fn merge(context: &Context<'_>, flags: &MergeFlags) -> Result<ExitStatus, Failure> {
    check_reports(&flags.output)?;
    let mut results = Vec::new();
    for file in &flags.results {
        results.push((
            file.display().to_string(),
            read_result(context, &context.host.absolute(file))?,
        ));
    }
    let merged = matrix::merge(results).map_err(|error| {
        failure(&error).hint("`--shard I/N --report FILE.json` writes the result of one shard")
    })?;
    deliver(context, &flags.output, &merged)
}

fn show(context: &Context<'_>, flags: &ShowFlags) -> Result<ExitStatus, Failure> {
    check_reports(&flags.output)?;
    let file = match &flags.result {
        Some(file) => context.host.absolute(file),
        None => {
            directory(context, &context.project()?, flags.directory.as_deref()).join(LAST_RESULT)
        }
    };
    deliver(context, &flags.output, &read_result(context, &file)?)
}

fn read_result(context: &Context<'_>, path: &Path) -> Result<MatrixResult, Failure> {
    let cannot = |reason: String| {
        Failure::input(format!("{} is not the result of a matrix", path.display()))
            .details(vec![reason])
            .hint(format!("`{} matrix` writes one", context.name))
    };
    let text = context.host.read_text(path, RESULT_LIMIT).map_err(|error| {
        if error.is_not_found() {
            return Failure::input(format!("there is no result at {}", path.display()))
                .hint(format!("`{} matrix` writes one", context.name));
        }
        cannot(error.reason())
    })?;
    let result: MatrixResult =
        serde_json::from_str(&text).map_err(|error| cannot(error.to_string()))?;
    if result.schema != RESULT_SCHEMA {
        let message = format!("it is of schema {}, not {RESULT_SCHEMA}", result.schema);
        return Err(cannot(message));
    }
    Ok(result)
}

/// Refuses reports of unknown formats before anything is run.
fn check_reports(output: &MatrixOutput) -> Result<(), Failure> {
    for file in &output.report {
        if format_of(file).is_none() {
            return Err(Failure::input(format!("nobody knows the format of {}", file.display()))
                .hint("`--report` takes files that end in .json, .xml, .md, .html or .txt"));
        }
    }
    Ok(())
}

fn format_of(file: &Path) -> Option<MatrixFormat> {
    Some(match file.extension()?.to_str()? {
        "json" => MatrixFormat::Json,
        "xml" => MatrixFormat::Junit,
        "md" => MatrixFormat::Markdown,
        "html" => MatrixFormat::Html,
        "txt" => MatrixFormat::Human,
        _ => return None,
    })
}

fn render(
    result: &MatrixResult,
    format: MatrixFormat,
    options: &matrix::render::Options,
) -> String {
    use matrix::render::{html, human, json, junit, markdown};
    match format {
        MatrixFormat::Human => human::render(result, options),
        MatrixFormat::Json => json::render(result),
        MatrixFormat::Junit => junit::render(result),
        MatrixFormat::Markdown => markdown::render(result),
        MatrixFormat::Html => html::render(result),
    }
}

/// Prints a result, writes the reports, and says how it ended.
fn deliver(
    context: &Context<'_>,
    output: &MatrixOutput,
    result: &MatrixResult,
) -> Result<ExitStatus, Failure> {
    let plain = matrix::render::Options::default();
    for file in &output.report {
        let format = format_of(file).unwrap_or(output.format);
        write_file(&context.host.absolute(file), &render(result, format, &plain))?;
    }
    let width = context.printer.width(context.host);
    let options = matrix::render::Options { width, color: true };
    context.printer.data(&render(result, output.format, &options))?;
    let passed = result.summary().is_success();
    Ok(if passed { ExitStatus::Healthy } else { ExitStatus::MatrixFailed })
}

fn write_file(path: &Path, text: &str) -> Result<(), Failure> {
    host::write_atomically(path, text.as_bytes()).map_err(|error| {
        Failure::tool(error, format!("cannot write {}", path.display()))
            .hint("make room there, or choose another place")
    })
}
