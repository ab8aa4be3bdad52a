//! `[matrix]`: which cells exchange arrays, and how.

use std::time::Duration;

use matrix::{Format, NamedEnvironment, Specification};

use super::Places;
use super::reader::Reader;

const KEYS: &[&str] = &[
    "pythons",
    "numpys",
    "requirements",
    "wheel",
    "exchange",
    "exchange-core",
    "imports",
    "environments",
    "formats",
    "lanes",
    "pyodides",
    "time-limit",
];

/// What the table says; a key that is left out has its default.
pub(super) fn specification(table: &Reader<'_>, places: &Places<'_>) -> Specification {
    table.only(KEYS);
    let mut specification = Specification::default();
    if table.has("pythons") {
        let pythons = table.texts("pythons");
        specification.pythons = pythons.iter().map(|python| self::python(python, places)).collect();
        for python in &pythons {
            if !is_path(python) && !is_version(python) {
                let message = format!("`{python}` is neither a version such as `3.11` nor a path");
                table.complain("pythons", message);
            }
        }
    }
    if table.has("numpys") {
        specification.numpys = table.texts("numpys");
        for numpy in &specification.numpys {
            if numpy != "newest" && !is_version(numpy) {
                let message =
                    format!("`{numpy}` is neither a version such as `2.2.6` nor `newest`");
                table.complain("numpys", message);
            }
        }
    }
    specification.requirements = table.texts("requirements");
    for requirement in &specification.requirements {
        // An installer would take it as one of its options.
        if requirement.trim().is_empty() || requirement.trim_start().starts_with('-') {
            let message = format!("`{requirement}` is not a requirement such as `ml_dtypes>=0.5`");
            table.complain("requirements", message);
        }
    }
    specification.wheel = table.text("wheel").map(|wheel| places.path(&wheel));
    specification.wheel_lane = specification.wheel.is_some();
    specification.exchange = table.text("exchange").map(|program| places.path(&program));
    if table.has("exchange-core") {
        specification.exchange_core = table.texts("exchange-core");
        if specification.exchange_core.first().is_none_or(|program| program.trim().is_empty()) {
            let message = "there is no program in the list; it is a command, as \
                           `[\"target/release/core\"]`";
            table.complain("exchange-core", message.to_owned());
        }
    }
    if table.has("pyodides") {
        pyodides(table, &mut specification, places);
    }
    specification.imports = table.texts("imports");
    specification.environments =
        table.tables("environments").iter().filter_map(|entry| named(entry, places)).collect();
    if table.has("formats") {
        formats(table, &mut specification);
    }
    if table.has("lanes") {
        lanes(table, &mut specification);
    }
    if let Some(seconds) = table.count("time-limit") {
        specification.time_limit = Duration::from_secs(seconds);
    }
    specification
}

fn named(entry: &Reader<'_>, places: &Places<'_>) -> Option<NamedEnvironment> {
    entry.only(&["name", "path"]);
    let name = entry.required_text("name");
    let path = entry.required_text("path");
    if name.as_ref().is_some_and(|name| name.trim().is_empty()) {
        entry.complain("name", "the name is empty".to_owned());
    }
    Some(NamedEnvironment { name: name?, path: places.path(&path?) })
}

fn formats(table: &Reader<'_>, specification: &mut Specification) {
    let names = table.texts("formats");
    specification.pickles = names.iter().any(|name| name == "pickle");
    specification.formats =
        Format::ALL.into_iter().filter(|format| names.iter().any(|n| n == format.name())).collect();
    let known = || Format::ALL.iter().map(|format| format.name()).chain(["pickle"]);
    for name in names.iter().filter(|name| known().all(|known| known != **name)) {
        let known: Vec<&str> = known().collect();
        let message = format!("there is no format `{name}`; there are `{}`", known.join("`, `"));
        table.complain("formats", message);
    }
    if names.is_empty() {
        table.complain("formats", "there is no format in the list".to_owned());
    }
}

fn lanes(table: &Reader<'_>, specification: &mut Specification) {
    const LANES: [&str; 4] = ["cpython", "core", "wheel", "pyodide"];
    let names = table.texts("lanes");
    let has = |lane: &str| names.iter().any(|name| name == lane);
    specification.cpython = has("cpython");
    specification.core = has("core");
    specification.wheel_lane = has("wheel");
    specification.pyodide = has("pyodide");
    for (key, lane) in [("wheel", "wheel"), ("pyodides", "pyodide")] {
        if table.has(key) && !has(lane) {
            let message = format!("nothing uses it, as `lanes` does not list `{lane}`");
            table.complain(key, message);
        }
    }
    for name in names.iter().filter(|name| !LANES.contains(&name.as_str())) {
        let message = format!("there is no lane `{name}`; there are `{}`", LANES.join("`, `"));
        table.complain("lanes", message);
    }
}

/// The versions of Pyodide, which take part when they are named and `lanes` is left out.
fn pyodides(table: &Reader<'_>, specification: &mut Specification, places: &Places<'_>) {
    let names = table.texts("pyodides");
    for name in &names {
        if name != "newest" && !is_path(name) && !is_version(name) {
            let message = format!(
                "`{name}` is neither a version such as `0.25.1`, nor `newest`, nor the path of a \
                 directory"
            );
            table.complain("pyodides", message);
        }
    }
    if names.is_empty() {
        table.complain("pyodides", "there is no version in the list".to_owned());
    }
    specification.pyodides = names.iter().map(|name| python(name, places)).collect();
    specification.pyodide = true;
}

fn python(written: &str, places: &Places<'_>) -> String {
    if is_path(written) { places.path(written).display().to_string() } else { written.to_owned() }
}

fn is_path(text: &str) -> bool {
    text.contains(['/', '\\']) || text.starts_with('~')
}

fn is_version(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '!'))
}
