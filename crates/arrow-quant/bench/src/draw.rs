//! The results as a picture: a bar for each tool and scheme, on a logarithmic axis.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::record::{Record, Results};

/// Sizes in pixels.
const LABELS: f64 = 400.0;
const WIDTH: f64 = 560.0;
const MARGIN: f64 = 70.0;
const ROW: f64 = 24.0;
const BAR: f64 = 8.0;
const TOP: f64 = 64.0;
const HEADING: f64 = 52.0;

/// Colours for one and for two threads.
const OURS: [&str; 2] = ["#c2410c", "#fb923c"];
const OTHERS: [&str; 2] = ["#475569", "#94a3b8"];

/// The ends of the axis, in GB/s.
const LEAST: f64 = 0.05;
const MOST: f64 = 50.0;

/// One row of the picture: what it is, and its records for one and two threads.
type Row<'a> = (String, [Option<&'a Record>; 2]);

/// The picture, as SVG.
pub(crate) fn picture(results: &Results) -> String {
    let panels = [(8, "8 bits"), (4, "4 bits"), (2, "2 bits")];
    let panels: Vec<_> =
        panels.into_iter().map(|(bits, name)| (name, rows(results, bits))).collect();
    let height: f64 = panels.iter().map(|(_, rows)| HEADING + rows.len() as f64 * ROW).sum::<f64>();
    let (width, height) = (LABELS + WIDTH + MARGIN, TOP + height + 30.0);
    let mut svg = String::new();
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <title>GB of f32 quantized each second</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    text(&mut svg, 16.0, 26.0, "start", "bold", "GB of f32 quantized each second");
    text(&mut svg, 16.0, 46.0, "start", "normal", &escaped(&results.headline()));
    legend(&mut svg, LABELS + WIDTH - 250.0, 16.0);
    let mut y = TOP;
    for (name, rows) in &panels {
        panel(&mut svg, results, name, rows, y);
        y += HEADING + rows.len() as f64 * ROW;
    }
    svg.push_str("</svg>\n");
    svg
}

/// The rows for codes of so many bits, fastest first.
fn rows(results: &Results, bits: u8) -> Vec<Row<'_>> {
    let mut rows: BTreeMap<String, [Option<&Record>; 2]> = BTreeMap::new();
    for record in results.records.iter().filter(|record| record.bits == bits) {
        let lost = record.sqnr_db.map_or(String::new(), |db| format!(", {db:.1} dB"));
        let name = format!("{} · {}{lost}", record.tool, record.scheme);
        if let Some(place) = rows.entry(name).or_default().get_mut(record.threads - 1) {
            *place = Some(record);
        }
    }
    let mut rows: Vec<Row<'_>> = rows.into_iter().collect();
    let fastest = |row: &Row<'_>| {
        row.1.iter().flatten().map(|record| record.seconds).fold(f64::INFINITY, f64::min)
    };
    rows.sort_by(|a, b| fastest(a).total_cmp(&fastest(b)));
    rows
}

fn panel(svg: &mut String, results: &Results, name: &str, rows: &[Row<'_>], top: f64) {
    let bottom = top + HEADING + rows.len() as f64 * ROW - 12.0;
    text(svg, 16.0, top + 32.0, "start", "bold", name);
    for mark in [0.1, 0.3, 1.0, 3.0, 10.0, 30.0] {
        let x = place(mark);
        line(svg, x, top + 38.0, bottom, "#e2e8f0", "");
        text(svg, x, top + 32.0, "middle", "normal", &mark.to_string());
    }
    let copies: Vec<f64> = rows
        .iter()
        .filter_map(|row| Some(row.1[0]?.copy_seconds))
        .map(|seconds| results.matrix.bytes as f64 / seconds / 1e9)
        .collect();
    if let Some(copy) = median(copies) {
        line(svg, place(copy), top + 38.0, bottom, "#0f766e", "4 3");
        text(svg, place(copy), top + 18.0, "middle", "normal", "copying");
    }
    for (index, (name, records)) in rows.iter().enumerate() {
        let y = top + HEADING + index as f64 * ROW - 6.0;
        text(svg, LABELS - 10.0, y + 11.0, "end", "normal", &escaped(name));
        for (threads, record) in records.iter().enumerate() {
            let Some(record) = record else { continue };
            let speed = record.speed(&results.matrix);
            let colour = if record.is_ours() { OURS } else { OTHERS }[threads];
            let (y, length) = (y + threads as f64 * BAR, place(speed) - LABELS);
            let _ = writeln!(
                svg,
                "<rect x=\"{LABELS}\" y=\"{y:.1}\" width=\"{length:.1}\" height=\"{BAR}\" \
                 fill=\"{colour}\"/>"
            );
        }
        if let Some(best) = records.iter().flatten().min_by(|a, b| a.seconds.total_cmp(&b.seconds))
        {
            let speed = best.speed(&results.matrix);
            text(svg, place(speed) + 5.0, y + 12.0, "start", "normal", &format!("{speed:.2}"));
        }
    }
}

fn legend(svg: &mut String, x: f64, y: f64) {
    let entries = [
        (OURS[0], "this project, 1 thread"),
        (OURS[1], "2 threads"),
        (OTHERS[0], "others, 1 thread"),
        (OTHERS[1], "2 threads"),
    ];
    for (index, (colour, name)) in entries.into_iter().enumerate() {
        let x = x + (index % 2) as f64 * 170.0;
        let y = y + (index / 2) as f64 * 18.0;
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"12\" height=\"10\" fill=\"{colour}\"/>"
        );
        text(svg, x + 18.0, y + 10.0, "start", "normal", name);
    }
}

/// Where a speed is on the axis.
fn place(speed: f64) -> f64 {
    let share = (speed.clamp(LEAST, MOST) / LEAST).ln() / (MOST / LEAST).ln();
    LABELS + share * WIDTH
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

fn line(svg: &mut String, x: f64, top: f64, bottom: f64, colour: &str, dashes: &str) {
    let _ = writeln!(
        svg,
        "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top:.1}\" y2=\"{bottom:.1}\" stroke=\"{colour}\" \
         stroke-dasharray=\"{dashes}\"/>"
    );
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, weight: &str, words: &str) {
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-weight=\"{weight}\" \
         fill=\"#0f172a\">{words}</text>"
    );
}

fn escaped(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;")
}
