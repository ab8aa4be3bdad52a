//! For the summary of a workflow, or to paste into an issue.

use std::collections::BTreeMap;

use report::render::markdown::{code, prose};
use report::render::visible;

use super::causes::{self, Cause};
use super::table::{Table, Verdict};
use super::words::{self, counted, grouped, listed, shortened};
use super::{absent, control, names, remarks};
use crate::{Lane, MatrixResult};

/// The most bytes of a page; GitHub refuses a comment above 65,536.
const MOST_BYTES: usize = 58_000;

/// Up to how many cells the table of every single one is shown.
const MOST_CELLS: usize = 48;

/// Causes, messages and subjects that are told; the other reports have them all.
const MOST_CAUSES: usize = 20;
const MOST_SYMPTOMS: usize = 10;
const MOST_SUBJECTS: usize = 12;

/// The result as Markdown for GitHub. Whatever comes from a cell is escaped or in code.
#[must_use]
pub fn render(result: &MatrixResult) -> String {
    let table = Table::new(result);
    let summary = result.summary();
    let mark = if summary.is_success() { "✅" } else { "❌" };
    let mut circumstances = words::circumstances(result, &summary);
    circumstances.push(format!(
        "{} on {} {}, {}",
        prose(&result.tool),
        prose(&result.machine.os),
        prose(&result.machine.arch),
        prose(&result.started)
    ));
    let mut page = Page { text: String::new(), left_out: Vec::new() };
    let head = format!("{mark} **{}**", words::verdict(&summary));
    page.add("", &[format!("{head} · {}", circumstances.join(" · "))]);
    page.add("the table by numpy", &by_numpy(&table));
    page.add("what failed", &failures(&table));
    page.add("the cells that could not take part", &failed_cells(result));
    page.add("the table of every cell", &by_cell(&table));
    page.add("what is to know of some cells", &notes(result));
    page.add("the pickle control", &pickles(&table));
    page.add("the cells that are not available", &unavailable(result));
    if !page.left_out.is_empty() {
        let left_out = page.left_out.join(", ");
        page.text.push_str(&format!("\nLeft out for their size: {left_out}.\n"));
    }
    page.text
}

struct Page {
    text: String,
    left_out: Vec<&'static str>,
}

impl Page {
    /// Adds a section as a whole, or notes that there was no room for it.
    fn add(&mut self, what: &'static str, blocks: &[String]) {
        if blocks.is_empty() {
            return;
        }
        let section = blocks.join("\n\n");
        if self.text.len() + section.len() > MOST_BYTES {
            self.left_out.push(what);
            return;
        }
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(&section);
        self.text.push('\n');
    }
}

fn details(summary: &str, open: bool, body: &str) -> Vec<String> {
    let open = if open { " open" } else { "" };
    vec![
        format!("<details{open}><summary>{summary}</summary>"),
        body.to_owned(),
        "</details>".to_owned(),
    ]
}

/// The classes of a table by numpy: the version, or the cell's name where it has none.
fn class(table: &Table<'_>, cell: usize) -> String {
    let cell = table.cells[cell];
    cell.numpy.clone().unwrap_or_else(|| cell.name.clone())
}

fn classes(table: &Table<'_>, cells: &[usize]) -> Vec<String> {
    let mut classes: Vec<String> = cells.iter().map(|cell| class(table, *cell)).collect();
    classes.sort_by(|a, b| names::by_version(a, b));
    classes.dedup();
    classes
}

fn by_numpy(table: &Table<'_>) -> Vec<String> {
    let titles = [
        (Lane::Arrays, "Pairs by numpy, over all of their Pythons"),
        (Lane::Wheel, "The same of cells with the wheel"),
    ];
    let mut blocks = Vec::new();
    for (lane, title) in titles {
        let lines = lane_by_numpy(table, lane);
        if !lines.is_empty() {
            blocks.push(format!(
                "{title}: ✅ passed, ❌ failed, ❔ not run, – a cell could not take part."
            ));
            blocks.push(lines.join("\n"));
        }
    }
    blocks
}

fn lane_by_numpy(table: &Table<'_>, lane: Lane) -> Vec<String> {
    let (writers, readers) = table.of_lane(lane);
    let (rows, columns) = (classes(table, &writers), classes(table, &readers));
    if rows.is_empty() || columns.is_empty() {
        return Vec::new();
    }
    let mut counts: BTreeMap<(String, String), BTreeMap<&'static str, usize>> = BTreeMap::new();
    for (writer, reader) in writers.iter().flat_map(|w| readers.iter().map(move |r| (*w, *r))) {
        let key = (class(table, writer), class(table, reader));
        let verdict = table.verdict((writer, reader));
        *counts.entry(key).or_default().entry(verdict.sign()).or_default() += 1;
    }
    let mut lines = vec![
        format!("| wrote ↓ read → |{}", cells_of(columns.iter().map(|name| prose(name)))),
        format!("|---|{}", cells_of(columns.iter().map(|_| ":-:".to_owned()))),
    ];
    for row in &rows {
        let cells = columns.iter().map(|column| {
            let Some(counts) = counts.get(&(row.clone(), column.clone())) else {
                return String::new();
            };
            let all: usize = counts.values().sum();
            let of = |verdict: Verdict| counts.get(verdict.sign()).copied().unwrap_or(0);
            let failed = of(Verdict::Failed);
            match () {
                () if failed > 0 => format!("❌ {failed} of {all}"),
                () if of(Verdict::NotRun) > 0 => format!("❔ {} of {all}", of(Verdict::NotRun)),
                () if of(Verdict::Passed) > 0 => format!("✅ {}", of(Verdict::Passed)),
                () if of(Verdict::NoCell) > 0 => "–".to_owned(),
                () => String::new(),
            }
        });
        lines.push(format!("| **{}** |{}", prose(row), cells_of(cells)));
    }
    lines
}

fn by_cell(table: &Table<'_>) -> Vec<String> {
    if table.writers.is_empty() || table.readers.is_empty() || table.cells.len() > MOST_CELLS {
        return Vec::new();
    }
    let number = |cell: &usize| (cell + 1).to_string();
    let mut lines = vec![
        format!("| | wrote ↓ read → |{}", cells_of(table.readers.iter().map(number))),
        format!("|--:|---|{}", cells_of(table.readers.iter().map(|_| ":-:".to_owned()))),
    ];
    for writer in &table.writers {
        let signs = table.readers.iter().map(|reader| {
            let verdict = table.verdict((*writer, *reader));
            verdict.sign().trim().to_owned()
        });
        let name = prose(&table.cells[*writer].name);
        lines.push(format!("| {} | {name} |{}", writer + 1, cells_of(signs)));
    }
    let only = table.readers.iter().filter(|reader| !table.writers.contains(*reader));
    let only: Vec<String> =
        only.map(|cell| format!("{} {}", cell + 1, prose(&table.cells[*cell].name))).collect();
    if !only.is_empty() {
        lines.push(format!("\nOnly read: {}.", only.join(", ")));
    }
    details(
        "Every cell: ✓ passed, ✗ failed, ? not run, - could not take part",
        false,
        &lines.join("\n"),
    )
}

fn cells_of(cells: impl Iterator<Item = String>) -> String {
    cells.map(|cell| format!(" {cell} |")).collect()
}

fn failures(table: &Table<'_>) -> Vec<String> {
    let causes = causes::causes(table);
    if causes.is_empty() {
        return Vec::new();
    }
    let mut blocks = vec!["### What failed".to_owned()];
    for cause in causes.iter().take(MOST_CAUSES) {
        blocks.extend(failure(table, cause));
    }
    if causes.len() > MOST_CAUSES {
        blocks.push(format!("… and {} more causes.", causes.len() - MOST_CAUSES));
    }
    blocks
}

fn failure(table: &Table<'_>, cause: &Cause) -> Vec<String> {
    let between: Vec<String> = names::between(table, &names::blocks(&cause.pairs))
        .into_iter()
        .map(|(writers, readers)| format!("written by {writers}, read by {readers}"))
        .collect();
    let mut lines: Vec<String> = between
        .iter()
        .skip(1)
        .take(MOST_SYMPTOMS)
        .map(|b| format!("- also {}", prose(b)))
        .collect();
    if between.len() > MOST_SYMPTOMS + 1 {
        lines.push(format!("- … and {} more combinations", between.len() - MOST_SYMPTOMS - 1));
    }
    for symptom in cause.symptoms.iter().take(MOST_SYMPTOMS) {
        let subjects: Vec<String> =
            symptom.subjects.iter().map(|subject| visible(subject).into_owned()).collect();
        let subjects = prose(&listed(&subjects, MOST_SUBJECTS));
        lines.push(format!("- {}: {subjects}: {}", symptom.kind, code(&symptom.message)));
    }
    if cause.symptoms.len() > MOST_SYMPTOMS {
        lines.push(format!("- … and {} more messages", cause.symptoms.len() - MOST_SYMPTOMS));
    }
    let pairs = counted(cause.pairs.len(), "pair", "pairs");
    // Inside an HTML tag, GitHub reads HTML and no Markdown.
    let summary = format!("❌ {pairs}: {}", html(between.first().map_or("", String::as_str)));
    details(&summary, false, &lines.join("\n"))
}

/// Text inside an HTML element.
fn html(text: &str) -> String {
    visible(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn failed_cells(result: &MatrixResult) -> Vec<String> {
    let failed = absent::failed(result);
    if failed.is_empty() {
        return Vec::new();
    }
    let lines = failed.iter().take(MOST_CELLS).map(|failed| {
        let (what, next) = (failed.what, failed.next);
        let reason = code(&shortened(failed.reason));
        format!("- ❌ **{}**: {what}: {reason}. Next: {next}.", prose(&failed.cell.name))
    });
    let mut lines: Vec<String> = lines.collect();
    if failed.len() > MOST_CELLS {
        lines.push(format!("- … and {} more", failed.len() - MOST_CELLS));
    }
    vec!["### Cells that could not take part".to_owned(), lines.join("\n")]
}

fn notes(result: &MatrixResult) -> Vec<String> {
    let remarks = remarks::remarks(result);
    if remarks.is_empty() {
        return Vec::new();
    }
    let line = |remark: &remarks::Remark| {
        format!("- **{}**: {}", prose(&remark.cells), prose(&shortened(&remark.text)))
    };
    let lines: Vec<String> = remarks.iter().map(line).collect();
    details("To know of some cells", false, &lines.join("\n"))
}

fn pickles(table: &Table<'_>) -> Vec<String> {
    let summary = table.result.summary();
    if summary.pickles == 0 {
        return Vec::new();
    }
    let mut lines = Vec::new();
    for effect in control::effects(table).iter().take(MOST_CAUSES) {
        let between: Vec<String> = effect
            .between(table)
            .into_iter()
            .map(|(from, to)| format!("of {from} {} {to}", effect.verb()))
            .collect();
        let mark = if effect.predicted { "" } else { "❌ " };
        lines.push(format!(
            "- {mark}pickles {}: {} ({}: {})",
            prose(&listed(&between, MOST_SYMPTOMS)),
            code(&shortened(effect.message())),
            effect.foresight(),
            prose(&listed(&effect.kinds(table), 3))
        ));
    }
    if lines.is_empty() {
        lines.push("- every pickle loads everywhere".to_owned());
    }
    let title = format!(
        "Pickles, the control: {} of {} do not load, as predicted",
        grouped(summary.predicted_failures),
        grouped(summary.pickles)
    );
    details(&title, false, &lines.join("\n"))
}

fn unavailable(result: &MatrixResult) -> Vec<String> {
    let unavailable = absent::unavailable(result);
    if unavailable.is_empty() {
        return Vec::new();
    }
    let lines: Vec<String> = unavailable
        .iter()
        .map(|entry| format!("- {}: {}", prose(&entry.cells), prose(&shortened(&entry.reason))))
        .collect();
    let count = result.summary().unavailable;
    details(
        &format!("{} not available", counted(count, "cell is", "cells are")),
        false,
        &lines.join("\n"),
    )
}
