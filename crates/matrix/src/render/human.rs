//! For a person at a terminal.

use anstyle::{AnsiColor, Style};
use report::render::{visible, width, wrap};

use super::causes::{self, Cause};
use super::table::{Table, Verdict};
use super::words::{self, counted, listed, shortened};
use super::{Options, absent, control, names, remarks};
use crate::{Lane, MatrixResult};

/// Below this width lines are longer than the terminal rather than one word each.
const LEAST_WIDTH: usize = 40;

/// The most columns that the name of a cell takes in the table.
const MOST_LABEL: usize = 28;

/// Causes that are told in full; the other reports have them all.
const MOST_CAUSES: usize = 12;

/// Messages of one cause that are told.
const MOST_SYMPTOMS: usize = 6;

/// Kinds of failing pickles that are told.
const MOST_EFFECTS: usize = 12;

/// Names of cases, or of pickled objects, in one line.
const MOST_SUBJECTS: usize = 8;

/// The result as text: the table, what failed, who could not take part, the pickle control, and
/// one line that sums it up.
#[must_use]
pub fn render(result: &MatrixResult, options: &Options) -> String {
    let table = Table::new(result);
    let mut page = Page { width: options.width.max(LEAST_WIDTH), options, text: String::new() };
    page.table(&table);
    page.causes(&table);
    page.failed_cells(result);
    page.unavailable(result);
    page.remarks(result);
    page.control(&table);
    page.summary(result);
    page.text
}

struct Page<'a> {
    width: usize,
    options: &'a Options,
    text: String,
}

impl Page<'_> {
    fn table(&mut self, table: &Table<'_>) {
        let titles = [
            (Lane::Arrays, "Who reads whose arrays"),
            (Lane::Wheel, "Who reads with the wheel what others wrote with it"),
        ];
        let mut shown = false;
        for (lane, title) in titles {
            let (writers, readers) = table.of_lane(lane);
            if !writers.is_empty() && !readers.is_empty() {
                self.heading(&format!("{title}: writers down, readers across, by their numbers"));
                self.lane(table, &writers, &readers);
                shown = true;
            }
        }
        if shown {
            self.legend(table);
        }
    }

    fn lane(&mut self, table: &Table<'_>, writers: &[usize], readers: &[usize]) {
        let digits = table.cells.len().to_string().len();
        let labels: Vec<String> = table.cells.iter().map(|cell| label(&cell.name)).collect();
        let longest = writers.iter().map(|writer| width(&labels[*writer])).max();
        let first = digits + 1 + longest.unwrap_or(0);
        // Two columns for each reader: its sign and a space before it.
        let room = (self.width.saturating_sub(first) / 2).max(1);
        for readers in readers.chunks(room) {
            for digit in 0..digits {
                let mut line = format!("{:first$}", "");
                for reader in readers {
                    let number = format!("{:>digits$}", reader + 1);
                    line.push(' ');
                    line.push_str(&number[digit..=digit]);
                }
                self.line(&self.paint(dim(), line.trim_end()));
            }
            for writer in writers {
                let label = &labels[*writer];
                let padding = " ".repeat(first - digits - 1 - width(label));
                let mut line = format!("{:>digits$} {label}{padding}", writer + 1);
                for reader in readers {
                    let verdict = table.verdict((*writer, *reader));
                    line.push(' ');
                    line.push_str(&self.paint(style_of(verdict), verdict.sign()));
                }
                self.line(line.trim_end());
            }
            self.text.push('\n');
        }
        let unnamed: Vec<String> = readers
            .iter()
            .filter(|reader| !writers.contains(*reader))
            .map(|reader| format!("{} {}", reader + 1, labels[*reader]))
            .collect();
        if !unnamed.is_empty() {
            self.paragraph(0, "only read:", dim(), &unnamed.join(", "));
        }
    }

    fn legend(&mut self, table: &Table<'_>) {
        let verdicts: Vec<Verdict> = table.all_pairs().map(|pair| table.verdict(pair)).collect();
        let signs = [Verdict::Passed, Verdict::Failed, Verdict::NotRun, Verdict::NoCell];
        let shown: Vec<String> = signs
            .into_iter()
            .filter(|verdict| verdicts.contains(verdict))
            .map(|verdict| {
                format!("{} {}", self.paint(style_of(verdict), verdict.sign()), verdict.meaning())
            })
            .collect();
        self.line(&shown.join("   "));
        self.text.push('\n');
    }

    fn causes(&mut self, table: &Table<'_>) {
        let causes = causes::causes(table);
        if causes.is_empty() {
            return;
        }
        self.heading("What failed");
        for cause in causes.iter().take(MOST_CAUSES) {
            self.cause(table, cause);
        }
        if causes.len() > MOST_CAUSES {
            let more = format!("{} more causes, in the other formats", causes.len() - MOST_CAUSES);
            self.paragraph(2, "…", dim(), &more);
        }
        self.text.push('\n');
    }

    fn cause(&mut self, table: &Table<'_>, cause: &Cause) {
        let between = names::between(table, &names::blocks(&cause.pairs));
        let mut between = between
            .into_iter()
            .map(|(writers, readers)| format!("written by {writers}, read by {readers}"));
        let head = counted(cause.pairs.len(), "pair", "pairs");
        let first = between.next().unwrap_or_default();
        self.paragraph(2, &format!("✗ {head}:"), bad(), &first);
        for block in between.by_ref().take(MOST_SYMPTOMS) {
            self.paragraph(4, "and", dim(), &block);
        }
        let left = between.count();
        if left > 0 {
            self.paragraph(4, "…", dim(), &format!("and {left} more combinations"));
        }
        for symptom in cause.symptoms.iter().take(MOST_SYMPTOMS) {
            let subjects = subjects(&symptom.subjects);
            let text = format!("{subjects}: {}", visible(&symptom.message));
            self.paragraph(4, &format!("{}:", symptom.kind), dim(), &text);
        }
        if cause.symptoms.len() > MOST_SYMPTOMS {
            let rest = &cause.symptoms[MOST_SYMPTOMS..];
            let cases: usize = rest.iter().map(|symptom| symptom.subjects.len()).sum();
            let text = format!("{cases} more, with {} other messages", rest.len());
            self.paragraph(4, "…", dim(), &text);
        }
    }

    fn failed_cells(&mut self, result: &MatrixResult) {
        let failed = absent::failed(result);
        if failed.is_empty() {
            return;
        }
        self.heading("Cells that could not take part");
        for failed in failed {
            let tag = format!("✗ {}:", visible(&failed.cell.name));
            self.paragraph(2, &tag, bad(), failed.what);
            self.paragraph(4, "seen:", dim(), &visible(&shortened(failed.reason)));
            self.paragraph(4, "next:", Style::new().bold(), failed.next);
        }
        self.text.push('\n');
    }

    fn unavailable(&mut self, result: &MatrixResult) {
        let unavailable = absent::unavailable(result);
        if unavailable.is_empty() {
            return;
        }
        self.heading("Not available");
        for entry in unavailable {
            let text = format!("{}: {}", entry.cells, shortened(&entry.reason));
            self.paragraph(2, "n/a", dim(), &text);
        }
        self.text.push('\n');
    }

    fn remarks(&mut self, result: &MatrixResult) {
        let remarks = remarks::remarks(result);
        if remarks.is_empty() {
            return;
        }
        self.heading("To know of some cells");
        for remark in remarks {
            self.paragraph(2, &format!("{}:", remark.cells), dim(), &shortened(&remark.text));
        }
        self.text.push('\n');
    }

    fn control(&mut self, table: &Table<'_>) {
        let summary = table.result.summary();
        if summary.pickles == 0 {
            return;
        }
        self.heading("Pickles, the control: what these arrays would meet without npy and npz");
        let effects = control::effects(table);
        if effects.is_empty() {
            self.paragraph(2, "✓", good(), "every pickle loads everywhere");
        }
        for effect in effects.iter().take(MOST_EFFECTS) {
            let (tag, style) = if effect.predicted { ("·", dim()) } else { ("✗", bad()) };
            let verb = effect.verb();
            let mut between = effect.between(table).into_iter();
            let (from, to) = between.next().unwrap_or_default();
            let message = visible(effect.message()).into_owned();
            let text = format!("pickles of {from} {verb} {to}: {}", shortened(&message));
            self.paragraph(2, tag, style, &text);
            for (from, to) in between {
                self.paragraph(4, "and", dim(), &format!("of {from} in {to}"));
            }
            let kinds = listed(&effect.kinds(table), 2);
            self.paragraph(4, &format!("{}:", effect.foresight()), dim(), &kinds);
        }
        if effects.len() > MOST_EFFECTS {
            let more = format!("{} rarer ones, in the other formats", effects.len() - MOST_EFFECTS);
            self.paragraph(2, "…", dim(), &more);
        }
        self.text.push('\n');
    }

    fn summary(&mut self, result: &MatrixResult) {
        let summary = result.summary();
        let (mark, style) = if summary.is_success() { ("✓", good()) } else { ("✗", bad()) };
        let verdict = format!("{mark} {}", words::verdict(&summary));
        let mut column = width(&verdict);
        let mut text = self.paint(style, &verdict);
        for part in words::circumstances(result, &summary) {
            let fits = column + width(&part) + 3 <= self.width;
            text.push_str(if fits { " · " } else { "\n  " });
            column = if fits { column + 3 } else { 2 } + width(&part);
            text.push_str(&part);
        }
        self.line(&text);
    }

    fn heading(&mut self, title: &str) {
        self.line(&self.paint(Style::new().bold(), title));
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn paragraph(&mut self, indent: usize, tag: &str, style: Style, text: &str) {
        let room = self.width - indent;
        let first_room = room.saturating_sub(width(tag) + 1);
        for (index, line) in wrap(text, first_room, room - 2).iter().enumerate() {
            if index == 0 {
                let tag = self.paint(style, tag);
                self.line(format!("{:indent$}{tag} {line}", "").trim_end());
            } else {
                self.line(&format!("{:1$}{line}", "", indent + 2));
            }
        }
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.options.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

fn subjects(subjects: &[String]) -> String {
    let shown: Vec<String> = subjects.iter().map(|subject| visible(subject).into_owned()).collect();
    listed(&shown, MOST_SUBJECTS)
}

/// The name of a cell, cut where it would take the room of the table.
fn label(name: &str) -> String {
    let name = visible(name);
    if width(&name) <= MOST_LABEL {
        return name.into_owned();
    }
    let mut label = String::new();
    for c in name.chars() {
        let mut longer = label.clone();
        longer.push(c);
        if width(&longer) >= MOST_LABEL {
            break;
        }
        label = longer;
    }
    label.push('…');
    label
}

fn style_of(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Passed => AnsiColor::Green.on_default(),
        Verdict::Failed => bad(),
        Verdict::NotRun => AnsiColor::Yellow.on_default().bold(),
        Verdict::NoCell | Verdict::NotAsked => dim(),
    }
}

fn good() -> Style {
    AnsiColor::Green.on_default().bold()
}

fn bad() -> Style {
    AnsiColor::Red.on_default().bold()
}

fn dim() -> Style {
    Style::new().dimmed()
}
