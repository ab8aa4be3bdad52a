//! The data of the HTML page: what its script shows of a pair, small enough to lie in the page.

use std::collections::HashMap;

use report::render::visible;
use serde_json::{Value, json};

use super::absent;
use super::table::{Pair, Table, Verdict};
use super::words::shortened;
use crate::{Format, FormatResult, Observation, PickleResult, ProblemKind};

/// The group of cases that a pair names and the corpus does not.
const UNKNOWN_GROUP: &str = "not in the corpus";

/// Distinct values, each once, as JSON.
#[derive(Default)]
struct Pool {
    places: HashMap<String, usize>,
    values: Vec<String>,
}

impl Pool {
    fn place(&mut self, value: &Value) -> usize {
        let text = value.to_string();
        if let Some(place) = self.places.get(&text) {
            return *place;
        }
        let place = self.values.len();
        self.values.push(text.clone());
        self.places.insert(text, place);
        place
    }

    fn json(&self) -> String {
        format!("[{}]", self.values.join(","))
    }
}

/// The data as JSON that can stand in a `script` element: no `<`, `>` or `&` is left in it.
///
/// Outcomes repeat: of a thousand pairs most have the same few. So each pair is the place of its
/// outcome, an outcome is the places of its formats' results and of its pickles, and these name
/// messages and cases by their places.
pub(crate) fn data(table: &Table<'_>) -> String {
    let mut data = Data::new(table);
    let mut rows = Vec::new();
    for writer in &table.writers {
        let row: Vec<String> =
            table.readers.iter().map(|reader| data.pair((*writer, *reader)).to_string()).collect();
        rows.push(format!("[{}]", row.join(",")));
    }
    let result = table.result;
    let cells: Vec<Value> = table
        .cells
        .iter()
        .map(|cell| {
            let why = cell.state.reason().map(|reason| {
                shown(&shortened(&format!("{}: {reason}", absent::state(&cell.state))))
            });
            let python = cell.python.as_deref().map(shown);
            let numpy = cell.numpy.as_deref().map(shown);
            let left_out: Vec<usize> = cell
                .left_out
                .iter()
                .filter_map(|left| data.case_places.get(&(left.case.clone(), None)).copied())
                .collect();
            json!([shown(&cell.name), python, numpy, why, left_out])
        })
        .collect();
    let observations: Vec<Value> = result.observations.iter().map(observation).collect();
    let formats: Vec<&str> = result.formats.iter().map(|format| format.name()).collect();
    let fields = [
        ("cells", json!(cells).to_string()),
        ("writers", json!(table.writers).to_string()),
        ("readers", json!(table.readers).to_string()),
        ("formats", json!(formats).to_string()),
        ("protocols", json!(result.protocols).to_string()),
        ("observations", json!(observations).to_string()),
        ("cases", json!(data.cases).to_string()),
        ("objects", json!(data.objects).to_string()),
        ("texts", data.texts.json()),
        ("results", data.results.json()),
        ("pickles", data.pickles.json()),
        ("outcomes", data.outcomes.json()),
        ("pairs", format!("[{}]", rows.join(","))),
    ];
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    // These occur within strings only, where an escape means the same.
    format!("{{{}}}", fields.join(","))
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}

fn shown(text: &str) -> String {
    visible(text).into_owned()
}

fn observation(observation: &Observation) -> Value {
    let (kind, text) = match observation {
        Observation::NotWritten { reason } => ("not-written", reason.as_str()),
        Observation::Loads => ("loads", ""),
        Observation::Warns { message } => ("warns", message.as_str()),
        Observation::Fails { message } => ("fails", message.as_str()),
        Observation::Differs { message } => ("differs", message.as_str()),
    };
    json!([kind, shown(&shortened(text))])
}

struct Data<'a> {
    table: &'a Table<'a>,
    cases: Vec<Value>,
    objects: Vec<Value>,
    case_places: HashMap<(String, Option<Format>), usize>,
    object_places: HashMap<String, usize>,
    texts: Pool,
    results: Pool,
    pickles: Pool,
    outcomes: Pool,
}

impl<'a> Data<'a> {
    fn new(table: &'a Table<'a>) -> Self {
        let mut data = Self {
            table,
            cases: Vec::new(),
            objects: Vec::new(),
            case_places: HashMap::new(),
            object_places: HashMap::new(),
            texts: Pool::default(),
            results: Pool::default(),
            pickles: Pool::default(),
            outcomes: Pool::default(),
        };
        let formats = &table.result.formats;
        for case in &table.result.cases {
            data.case_places.insert((case.name.clone(), case.only_in), data.cases.len());
            let lengths: Vec<String> = case.shape.iter().map(u64::to_string).collect();
            // As Python writes a tuple: one element has a comma after it.
            let comma = if lengths.len() == 1 { "," } else { "" };
            data.cases.push(json!([
                shown(&case.name),
                shown(&case.group),
                shown(&case.descr),
                format!("({}{comma})", lengths.join(", ")),
                u8::from(case.fortran),
                case.only_in.and_then(|only| formats.iter().position(|format| *format == only)),
            ]));
        }
        for object in &table.result.objects {
            data.object_places.insert(object.name.clone(), data.objects.len());
            data.objects.push(json!([shown(&object.name), shown(&object.summary)]));
        }
        data
    }

    /// The place of a pair's outcome, or what there is instead of one.
    fn pair(&mut self, pair: Pair) -> i64 {
        let Some(run) = self.table.pair(pair) else {
            return match self.table.verdict(pair) {
                Verdict::NotRun => -1,
                Verdict::NoCell => -2,
                _ => -3,
            };
        };
        let formats: Vec<Option<usize>> = self
            .table
            .result
            .formats
            .iter()
            .map(|format| run.formats.iter().find(|found| found.format == *format))
            .map(|found| found.map(|found| self.result(found)))
            .collect();
        let pickles = run.pickles.as_ref().map(|pickles| self.pickle(pickles));
        let place = self.outcomes.place(&json!([u8::from(run.passed()), formats, pickles]));
        i64::try_from(place).unwrap_or(-3)
    }

    fn result(&mut self, result: &FormatResult) -> usize {
        let mut problems = Vec::new();
        for problem in &result.problems {
            let case = self.case(&problem.case, result.format);
            let kind = match problem.kind {
                ProblemKind::Error => 0,
                ProblemKind::Differs => 1,
                ProblemKind::Missing => 2,
            };
            let text = self.text(&problem.message);
            problems.push(json!([case, kind, text]));
        }
        self.results.place(&json!([result.compared, problems]))
    }

    fn pickle(&mut self, pickles: &PickleResult) -> usize {
        for object in pickles.observed.keys() {
            self.object(object);
        }
        let mut rows = vec![Value::Null; self.objects.len()];
        for (object, observed) in &pickles.observed {
            rows[self.object(object)] = json!(observed);
        }
        let mut wrong = Vec::new();
        for entry in &pickles.wrong {
            let predicted = self.text(&entry.predicted.to_string());
            let object = self.object(&entry.object);
            wrong.push(json!([object, entry.protocol, predicted, entry.observed]));
        }
        self.pickles.place(&json!([rows, wrong]))
    }

    fn case(&mut self, name: &str, format: Format) -> usize {
        let only_in = Some(format).filter(|format| Format::OF_WHEELS.contains(format));
        let key = (name.to_owned(), only_in);
        if let Some(place) = self.case_places.get(&key) {
            return *place;
        }
        self.case_places.insert(key, self.cases.len());
        self.cases.push(json!([shown(name), UNKNOWN_GROUP, "", "", 0, null]));
        self.cases.len() - 1
    }

    fn object(&mut self, name: &str) -> usize {
        if let Some(place) = self.object_places.get(name) {
            return *place;
        }
        self.object_places.insert(name.to_owned(), self.objects.len());
        self.objects.push(json!([shown(name), ""]));
        self.objects.len() - 1
    }

    fn text(&mut self, text: &str) -> usize {
        self.texts.place(&json!(shown(&shortened(text))))
    }
}
