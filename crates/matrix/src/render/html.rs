//! For everybody: one page that explains itself, asks nothing of any network, and opens every pair
//! into its arrays and pickles.

use std::collections::HashMap;

use report::render::{count, visible};
use sha2::{Digest as _, Sha256};

use super::table::{Pair, Table, Verdict};
use super::words::{self, counted, duration, grouped, shortened};
use super::{absent, causes, control, generations, names, page, remarks};
use crate::{CellKind, CellState, Format, MatrixResult, Summary};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Pairs, messages and subjects of one cause that stand in the page itself.
const MOST_BLOCKS: usize = 40;
const MOST_SYMPTOMS: usize = 60;

/// The result as one HTML page.
///
/// The table, the verdict and what failed are plain HTML; the script adds the filters, and opens a
/// pair into its results. The page's policy lets a browser run this script and use this style and
/// nothing else, so that no text from a cell can become code.
#[must_use]
pub fn render(result: &MatrixResult) -> String {
    let table = Table::new(result);
    let summary = result.summary();
    // A browser sees line breaks of one kind only, and so must the digests.
    let (style, script) = (STYLE.replace('\r', ""), SCRIPT.replace('\r', ""));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; \
         base-uri 'none'; form-action 'none'",
        digest(&style),
        digest(&script)
    );
    let verdict = words::verdict(&summary);
    let mark = if summary.is_success() { "✓" } else { "✗" };
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{mark} Python and numpy matrix: {}</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n<style>{style}</style>\n</head>\n<body>\n",
        escape(&verdict)
    );
    html.push_str("<a class=\"skip\" href=\"#matrix\">Skip to the table</a>\n");
    html.push_str(&header(result, &summary));
    html.push_str("<main>\n");
    for section in [
        matrix(&table, &summary),
        failures(&table),
        failed_cells(result),
        pickles(&table, &summary),
        unavailable(result),
        notes(result),
    ] {
        html.push_str(&section);
    }
    html.push_str("</main>\n");
    html.push_str(&format!("<footer>Made by {}.</footer>\n", escape(&result.tool)));
    html.push_str(
        "<aside id=\"detail\" role=\"dialog\" aria-labelledby=\"detail-title\" hidden></aside>\n",
    );
    html.push_str(&format!(
        "<script type=\"application/json\" id=\"data\">{}</script>\n<script>{script}</script>\n",
        page::data(&table)
    ));
    html.push_str("</body>\n</html>\n");
    html
}

fn header(result: &MatrixResult, summary: &Summary) -> String {
    let (class, mark, answer) = match (summary.is_success(), summary.failed) {
        (true, _) => ("good", "✓", "Yes"),
        (false, 0) => ("bad", "✗", "Not shown"),
        (false, _) => ("bad", "✗", "No"),
    };
    let figures = [
        (grouped(summary.cells), "cells took part"),
        (grouped(summary.passed), "pairs passed"),
        (grouped(summary.failed), "pairs failed"),
        (grouped(summary.failed_cells), "cells could not take part"),
        (grouped(summary.not_run), "pairs not run"),
        (grouped(summary.arrays), "arrays compared"),
        (grouped(summary.pickles), "pickles read"),
        (grouped(summary.predicted_failures), "of them failed, as predicted"),
    ];
    let figures = figures
        .iter()
        .map(|(number, what)| format!("<div><dt>{what}</dt><dd>{number}</dd></div>\n"))
        .collect::<String>();
    format!(
        "<header>\n<h1>Does every Python and numpy read what every other one wrote?</h1>\n\
         <p class=\"verdict {class}\"><span aria-hidden=\"true\">{mark}</span> \
         <strong>{answer}</strong>: {}</p>\n{}<dl class=\"figures\">\n{figures}</dl>\n</header>\n",
        escape(&words::verdict(summary)),
        introduction(result, summary)
    )
}

/// What this is, for somebody who was not there.
fn introduction(result: &MatrixResult, summary: &Summary) -> String {
    let formats: Vec<&str> = Format::ALL
        .iter()
        .filter(|format| result.formats.contains(format))
        .map(|format| format.name())
        .collect();
    let arrays = result.cases.iter().filter(|case| case.only_in.is_none()).count();
    let mut text = "<p class=\"intro\">A <em>cell</em> is one Python with one numpy, the Rust \
         core, or a Pyodide; one writer and one reader are a <em>pair</em>. "
        .to_owned();
    if !formats.is_empty() {
        text.push_str(&format!(
            "Each cell wrote the same {} to files ({}), and read the files that every cell wrote. \
             A pair passes when type, byte order, memory order, shape and every byte of every \
             array agree. ",
            counted(arrays, "array", "arrays"),
            escape(&formats.join(", "))
        ));
    }
    if result.cells.iter().any(|cell| cell.kind == CellKind::Pyodide) {
        text.push_str(
            "<em>Pyodide</em> has no numpy here: it writes nothing, reads into memoryviews, and \
             leaves out the arrays of types that these do not have. ",
        );
    }
    if result.formats.contains(&Format::WheelRead) {
        let wheels: Vec<&str> = result.wheels.iter().map(|wheel| wheel.file.as_str()).collect();
        text.push_str(&format!(
            "<em>Cells with the wheel</em> have {} installed: a program of the project wrote \
             arrays with it in each of them, and read what it wrote in every other; a pair passes \
             when the writer wrote the bits that most wrote, and the reader made of them the bits \
             that most made. ",
            escape(&wheels.join(", "))
        ));
    }
    if summary.pickles > 0 {
        text.push_str(
            "<em>Pickles</em> are the control: between some versions of numpy they do not load, \
             a table of rules says between which, and a pair fails when that prediction is wrong \
             in either direction. So the run shows that it would see a failure. ",
        );
    }
    let started = result.started.trim_end_matches('Z').replacen('T', " ", 1);
    text.push_str(&format!(
        "It ran on {} {}, began at {} UTC and took {}",
        escape(&result.machine.os),
        escape(&result.machine.arch),
        escape(&started),
        duration(result.seconds)
    ));
    if let Some(shard) = result.shard {
        text.push_str(&format!("; this is part {shard} of the pairs"));
    }
    text.push_str(".</p>\n");
    text
}

fn matrix(table: &Table<'_>, summary: &Summary) -> String {
    let mut html = "<section id=\"matrix\" aria-labelledby=\"matrix-title\">\n\
         <h2 id=\"matrix-title\">Who reads whose arrays</h2>\n"
        .to_owned();
    if table.writers.is_empty() || table.readers.is_empty() {
        html.push_str("<p>No cell was asked to take part.</p>\n</section>\n");
        return html;
    }
    html.push_str(&filters(table));
    html.push_str(&legend());
    let causes = numbers_of_causes(table);
    html.push_str(&format!(
        "<div class=\"scroll\" id=\"scroll\">\n<table id=\"grid\">\n<caption class=\"unseen\">\
         Writers down, readers across: {}</caption>\n<thead>\n<tr><th class=\"corner\" \
         scope=\"col\"><span>wrote ↓</span> <span>read →</span></th>",
        escape(&words::verdict(summary))
    ));
    for (place, reader) in table.readers.iter().enumerate() {
        let edge = edge(table, &table.readers, place);
        html.push_str(&format!(
            "<th scope=\"col\"{edge}><span>{}</span></th>",
            escape(&table.cells[*reader].name)
        ));
    }
    html.push_str("</tr>\n</thead>\n<tbody>\n");
    for (row, writer) in table.writers.iter().enumerate() {
        let name = escape(&table.cells[*writer].name);
        let row_edge = edge(table, &table.writers, row);
        html.push_str(&format!("<tr{row_edge}><th scope=\"row\">{name}</th>"));
        for (column, reader) in table.readers.iter().enumerate() {
            let pair = (*writer, *reader);
            let verdict = table.verdict(pair);
            let edge = if edge(table, &table.readers, column).is_empty() { "" } else { " edge" };
            let sign = verdict.sign().trim();
            let inner = match causes.get(&pair) {
                Some(cause) => format!("<a href=\"#cause-{cause}\">{sign}</a>"),
                None => sign.to_owned(),
            };
            html.push_str(&format!("<td class=\"{}{edge}\">{inner}</td>", class(verdict)));
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody>\n</table>\n</div>\n</section>\n");
    html
}

/// For every pair that failed the number of its first cause in the section below.
fn numbers_of_causes(table: &Table<'_>) -> HashMap<Pair, usize> {
    let mut numbers = HashMap::new();
    for (place, cause) in causes::causes(table).iter().enumerate() {
        for pair in &cause.pairs {
            numbers.entry(*pair).or_insert(place + 1);
        }
    }
    numbers
}

/// A line before the first cell of another Python.
fn edge(table: &Table<'_>, some: &[usize], place: usize) -> &'static str {
    let python = |place: usize| &table.cells[some[place]].python;
    if place > 0 && python(place) != python(place - 1) { " class=\"edge\"" } else { "" }
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "pass",
        Verdict::Failed => "fail",
        Verdict::NotRun => "late",
        Verdict::NoCell => "gone",
        Verdict::NotAsked => "none",
    }
}

fn legend() -> String {
    let signs = [Verdict::Passed, Verdict::Failed, Verdict::NotRun, Verdict::NoCell];
    let mut html = "<ul class=\"legend\">\n".to_owned();
    for verdict in signs {
        html.push_str(&format!(
            "<li><span class=\"sign {}\">{}</span> {}</li>\n",
            class(verdict),
            verdict.sign(),
            verdict.meaning()
        ));
    }
    html.push_str(
        "<li class=\"control\"><span class=\"sign part\">◐</span> some pickles fail, as predicted\
         </li>\n<li class=\"keys scripted\">Click a pair, or move with the arrow keys and press \
         <kbd>Enter</kbd>.</li>\n</ul>\n",
    );
    html
}

fn filters(table: &Table<'_>) -> String {
    let mut html = "<form id=\"filters\" class=\"scripted\" autocomplete=\"off\" \
         aria-label=\"Filter the table\">\n"
        .to_owned();
    for (role, title, cells) in
        [("writer", "Written by", &table.writers), ("reader", "Read by", &table.readers)]
    {
        html.push_str(&format!("<fieldset><legend>{title}</legend>\n"));
        for (what, any) in [("python", "any Python"), ("numpy", "any numpy")] {
            let mut versions: Vec<String> = cells
                .iter()
                .filter_map(|cell| {
                    let cell = table.cells[*cell];
                    if what == "python" { cell.python.clone() } else { cell.numpy.clone() }
                })
                .collect();
            versions.sort_by(|a, b| names::by_version(a, b));
            versions.dedup();
            let options = versions
                .iter()
                .map(|version| format!("<option>{}</option>", escape(version)))
                .collect::<String>();
            html.push_str(&format!(
                "<select id=\"{role}-{what}\" aria-label=\"{title}: {what}\">\
                 <option value=\"\">{any}</option>{options}</select>\n"
            ));
        }
        html.push_str("</fieldset>\n");
    }
    html.push_str(
        "<fieldset><legend>Format</legend>\n<select id=\"format\" aria-label=\"Format\">\
         <option value=\"\">all formats and the control</option>",
    );
    for (place, format) in table.result.formats.iter().enumerate() {
        html.push_str(&format!("<option value=\"{place}\">{format}</option>"));
    }
    if !table.result.objects.is_empty() {
        html.push_str("<option value=\"pickles\">pickles, the control</option>");
    }
    html.push_str(
        "</select></fieldset>\n<label><input type=\"checkbox\" id=\"only\"> only what did not \
         pass</label>\n<button type=\"reset\">Show all</button>\n\
         <output id=\"shown\" aria-live=\"polite\"></output>\n</form>\n",
    );
    html
}

fn failures(table: &Table<'_>) -> String {
    let causes = causes::causes(table);
    if causes.is_empty() {
        return String::new();
    }
    let mut html = "<section aria-labelledby=\"failed-title\">\n\
         <h2 id=\"failed-title\">What failed</h2>\n"
        .to_owned();
    for (place, cause) in causes.iter().enumerate() {
        let pairs = counted(cause.pairs.len(), "pair", "pairs");
        html.push_str(&format!(
            "<article class=\"cause\" id=\"cause-{}\">\n<h3><span class=\"sign fail\">✗</span> \
             {pairs}</h3>\n",
            place + 1
        ));
        let blocks = names::blocks(&cause.pairs);
        let between: Vec<String> = names::between(table, &blocks)
            .iter()
            .take(MOST_BLOCKS)
            .map(|(writers, readers)| {
                format!("written by {}, read by {}", strong(writers), strong(readers))
            })
            .collect();
        html.push_str(&list("between", between, blocks.len()));
        let symptoms: Vec<String> = cause
            .symptoms
            .iter()
            .take(MOST_SYMPTOMS)
            .map(|symptom| {
                format!(
                    "<strong>{}</strong>: {} <samp>{}</samp>",
                    symptom.kind,
                    escape(&symptom.subjects.join(", ")),
                    escape(&symptom.message)
                )
            })
            .collect();
        html.push_str(&list("symptoms", symptoms, cause.symptoms.len()));
        html.push_str("</article>\n");
    }
    html.push_str("</section>\n");
    html
}

/// Items that are HTML already, and how many are left out.
fn list(class: &str, items: Vec<String>, all: usize) -> String {
    let mut html = format!("<ul class=\"{class}\">\n");
    let left_out = all - items.len().min(all);
    for item in items {
        html.push_str(&format!("<li>{item}</li>\n"));
    }
    if left_out > 0 {
        html.push_str(&format!("<li>… and {left_out} more</li>\n"));
    }
    html.push_str("</ul>\n");
    html
}

fn failed_cells(result: &MatrixResult) -> String {
    let failed = absent::failed(result);
    if failed.is_empty() {
        return String::new();
    }
    let items: Vec<String> = failed
        .iter()
        .map(|failed| {
            format!(
                "<strong>{}</strong>: {} <samp>{}</samp> <em>Next:</em> {}",
                escape(&failed.cell.name),
                escape(failed.what),
                escape(&shortened(failed.reason)),
                with_code(failed.next)
            )
        })
        .collect();
    format!(
        "<section aria-labelledby=\"cells-title\">\n\
         <h2 id=\"cells-title\">Cells that could not take part</h2>\n{}</section>\n",
        list("symptoms", items, failed.len())
    )
}

fn pickles(table: &Table<'_>, summary: &Summary) -> String {
    if summary.pickles == 0 {
        return String::new();
    }
    let kinds = table.result.objects.iter().map(|object| {
        format!("<li><strong>{}</strong>: {}</li>\n", escape(&object.name), escape(&object.summary))
    });
    let mut html = format!(
        "<section aria-labelledby=\"pickles-title\">\n<h2 id=\"pickles-title\">Pickles, the \
         control</h2>\n<p>What the same cells meet when they exchange pickles instead of npy and \
         npz: {} in {} were read between every two Pythons, and {} of {} did not load. The table \
         shows how many failed between two numpys, over all of their Pythons: writers down, \
         readers across.</p>\n<details><summary>The {}</summary><ul>\n{}</ul></details>\n",
        count(table.result.objects.len(), "kind of object", "kinds of objects"),
        count(table.result.protocols.len(), "protocol", "protocols"),
        grouped(summary.predicted_failures),
        grouped(summary.pickles),
        count(table.result.objects.len(), "kind of object", "kinds of objects"),
        kinds.collect::<String>()
    );
    html.push_str(&by_numpy(table));
    let effects = control::effects(table);
    let items: Vec<String> = effects
        .iter()
        .map(|effect| {
            let between: Vec<String> = effect
                .between(table)
                .into_iter()
                .map(|(from, to)| format!("of {} {} {}", strong(&from), effect.verb(), strong(&to)))
                .collect();
            let (sign, class) = if effect.predicted { ("✓", "pass") } else { ("✗", "fail") };
            format!(
                "Pickles {} <samp>{}</samp> <span class=\"sign {class}\">{sign}</span> {}: {}",
                between.join("; "),
                escape(&shortened(effect.message())),
                effect.foresight(),
                escape(&effect.kinds(table).join("; "))
            )
        })
        .collect();
    if items.is_empty() {
        html.push_str("<p>Every pickle loads everywhere.</p>\n");
    } else {
        html.push_str(&list("symptoms", items, effects.len()));
    }
    html.push_str("</section>\n");
    html
}

fn by_numpy(table: &Table<'_>) -> String {
    let by_numpy = generations::generations(table);
    let mut html = "<div class=\"scroll\">\n<table class=\"generations\">\n\
         <caption class=\"unseen\">Share of pickles that do not load, by numpy</caption>\n<thead>\n\
         <tr><th class=\"corner\" scope=\"col\"><span>wrote ↓</span> <span>read →</span></th>"
        .to_owned();
    for numpy in &by_numpy.numpys {
        html.push_str(&format!("<th scope=\"col\">{}</th>", escape(numpy)));
    }
    html.push_str("</tr>\n</thead>\n<tbody>\n");
    for (numpy, row) in by_numpy.numpys.iter().zip(&by_numpy.tallies) {
        html.push_str(&format!("<tr><th scope=\"row\">{}</th>", escape(numpy)));
        for tally in row {
            html.push_str(&generation(*tally));
        }
        html.push_str("</tr>\n");
    }
    html.push_str(
        "</tbody>\n</table>\n</div>\n<ul class=\"legend\">\n\
         <li><span class=\"sign pass\">✓</span> all load</li>\n\
         <li><span class=\"sign warn\">!</span> all load, some with a warning</li>\n\
         <li><span class=\"sign part\">40 %</span> so many fail, as predicted</li>\n\
         <li><span class=\"sign fail\">✗ 2</span> so many behaved otherwise than predicted</li>\n\
         </ul>\n",
    );
    html
}

fn generation(tally: generations::Tally) -> String {
    let (class, text) = match tally {
        generations::Tally { read: 0, wrong: 0, .. } => ("none", String::new()),
        generations::Tally { wrong: 1.., .. } => ("fail", format!("✗ {}", tally.wrong)),
        generations::Tally { failed: 0, warned: 0, .. } => ("pass", "✓".to_owned()),
        generations::Tally { failed: 0, .. } => ("warn", "!".to_owned()),
        generations::Tally { failed, read, .. } => {
            let class = if failed * 2 >= read { "part most" } else { "part" };
            // Some is never none.
            (class, format!("{} %", (failed * 100 / read).max(1)))
        }
    };
    format!("<td class=\"{class}\">{text}</td>")
}

fn unavailable(result: &MatrixResult) -> String {
    let entries = absent::unavailable(result);
    if entries.is_empty() {
        return String::new();
    }
    let count = result.cells.iter();
    let count = count.filter(|cell| matches!(cell.state, CellState::NotAvailable { .. })).count();
    let items: Vec<String> = entries
        .iter()
        .map(|entry| format!("{}: {}", strong(&entry.cells), escape(&shortened(&entry.reason))))
        .collect();
    format!(
        "<section aria-labelledby=\"absent-title\">\n<h2 id=\"absent-title\">Not available</h2>\n\
         <p>{}, which is no failure.</p>\n{}</section>\n",
        counted(count, "cell does not exist", "cells do not exist"),
        list("absent", items, entries.len())
    )
}

fn notes(result: &MatrixResult) -> String {
    let remarks = remarks::remarks(result);
    if remarks.is_empty() {
        return String::new();
    }
    let items: Vec<String> = remarks
        .iter()
        .map(|remark| format!("{}: {}", strong(&remark.cells), with_code(&shortened(&remark.text))))
        .collect();
    format!(
        "<section aria-labelledby=\"notes-title\">\n<h2 id=\"notes-title\">To know of some \
         cells</h2>\n{}</section>\n",
        list("absent", items, remarks.len())
    )
}

/// A sentence of this program, where what stands between backticks is code.
fn with_code(text: &str) -> String {
    let parts = text.split('`').enumerate().map(|(index, part)| {
        let part = escape(part);
        if index % 2 == 1 { format!("<code>{part}</code>") } else { part }
    });
    parts.collect()
}

fn strong(text: &str) -> String {
    format!("<strong>{}</strong>", escape(text))
}

/// Text for an element or a quoted attribute.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in visible(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A SHA-256 as a policy names it: in base 64.
fn digest(text: &str) -> String {
    base64(&Sha256::digest(text.as_bytes()))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            if digit > chunk.len() {
                text.push('=');
            } else {
                let value = (bits >> (18 - 6 * digit)) & 63;
                text.push(char::from(DIGITS[value as usize]));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_pads_to_four() {
        assert_eq!(
            ["", "f", "fo", "foo", "foob"].map(|text| base64(text.as_bytes())),
            ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="]
        );
    }

    #[test]
    fn nothing_ends_an_element_or_an_attribute() {
        assert_eq!(escape("</td>\"'&\u{202e}"), "&lt;/td&gt;&quot;&#39;&amp;\\u{202e}");
    }
}
