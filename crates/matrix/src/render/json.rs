//! For programs: the result as it is, with the run in numbers. `docs/matrix.schema.json` describes
//! the layout.

use report::render::json::escape_hidden;
use serde::Serialize;

use crate::{MatrixResult, Summary};

/// The result as JSON, `schema` and `summary` first. Every cell, case and pair has a line of its
/// own, so that thousands of them can be read, searched and compared by line.
#[must_use]
pub fn render(result: &MatrixResult) -> String {
    let summary = result.summary();
    let summary = InNumbers { success: summary.is_success(), summary };
    let fields = [
        ("schema", one_line(&result.schema)),
        ("tool", one_line(&result.tool)),
        ("machine", one_line(&result.machine)),
        ("started", one_line(&result.started)),
        ("seconds", one_line(&result.seconds)),
        ("shard", one_line(&result.shard)),
        ("summary", one_line(&summary)),
        ("wheels", one_line(&result.wheels)),
        ("formats", one_line(&result.formats)),
        ("protocols", one_line(&result.protocols)),
        ("cases", lines(&result.cases)),
        ("objects", lines(&result.objects)),
        ("observations", lines(&result.observations)),
        ("cells", lines(&result.cells)),
        ("pairs", lines(&result.pairs)),
    ];
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| format!("  \"{name}\": {value}")).collect();
    escape_hidden(&format!("{{\n{}\n}}\n", fields.join(",\n")))
}

/// The figures, and whether they are success.
#[derive(Serialize)]
struct InNumbers {
    success: bool,
    #[serde(flatten)]
    summary: Summary,
}

fn one_line(value: &impl Serialize) -> String {
    // Plain data with text for keys: serialising it cannot fail.
    serde_json::to_string(value).unwrap_or_default()
}

fn lines(values: &[impl Serialize]) -> String {
    if values.is_empty() {
        return "[]".to_owned();
    }
    let lines: Vec<String> =
        values.iter().map(|value| format!("    {}", one_line(value))).collect();
    format!("[\n{}\n  ]", lines.join(",\n"))
}
