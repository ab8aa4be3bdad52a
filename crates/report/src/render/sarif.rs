//! For dashboards of code scanning: SARIF 2.1.0, from whatever has rules and results.
//!
//! The writer knows nothing of a doctor or a scan: who uses it says what the rules are ([`Rule`]),
//! what was found ([`Hit`]) and where ([`Place`]). Paths below the root of the log become relative
//! addresses, which is what dashboards need to show a file; others become `file:` addresses.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::json::escape_hidden;
use crate::{Finding, Severity};

/// The schema that the document names.
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The name that stands for the root of the log.
const ROOT: &str = "SRCROOT";

/// What results are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Stable code, for example `DAT003`.
    pub id: String,
    /// Kebab-case name.
    pub name: String,
    /// One sentence.
    pub summary: String,
    /// The page about it, in Markdown; may be empty.
    pub help: String,
}

/// Where something was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file or directory, as its system writes it.
    pub path: String,
    /// The line in it, from 1.
    pub line: Option<u64>,
}

/// One result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The code of its rule.
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// What a reader sees, of one or more lines.
    pub message: String,
    /// Where, the most telling place first; a result without one is shown at the root.
    pub places: Vec<Place>,
    /// Whether it is suppressed, and the reason given for that.
    pub suppressed: Option<String>,
}

impl Hit {
    /// A finding as a result: its message with cause and cures, at the places of its evidence and
    /// its subject.
    #[must_use]
    pub fn of(finding: &Finding, os: &str) -> Self {
        let mut lines = vec![finding.message.clone()];
        if !finding.cause.is_empty() {
            lines.push(format!("Cause: {}", finding.cause));
        }
        for evidence in finding.evidence.iter().filter(|evidence| evidence.path.is_none()) {
            lines.push(format!("Seen: {}", evidence.value));
        }
        for fix in finding.fixes.iter().filter(|fix| fix.applies_to(os)) {
            lines.push(format!("Fix: {}", fix.title));
            lines.extend(fix.shell_lines(os));
        }
        let seen = finding.evidence.iter().filter_map(|evidence| evidence.path.as_deref());
        let mut places: Vec<Place> = Vec::new();
        for path in seen.chain(finding.subject.path.as_deref()) {
            let place = Place::of(path);
            if !places.contains(&place) {
                places.push(place);
            }
        }
        Self {
            rule: finding.code.clone(),
            severity: finding.severity,
            message: lines.join("\n"),
            places,
            suppressed: None,
        }
    }
}

impl Place {
    /// A path that may end with the number of a line, `read.py:14`.
    #[must_use]
    pub fn of(path: &str) -> Self {
        let number = path.rsplit_once(':').and_then(|(before, line)| {
            let line: u64 = line.parse().ok().filter(|line| *line > 0)?;
            Some((before, line))
        });
        match number {
            Some((before, line)) => Self { path: before.to_owned(), line: Some(line) },
            None => Self { path: path.to_owned(), line: None },
        }
    }
}

/// Everything that one run has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// The directory that addresses are relative to, as its system writes it.
    pub root: String,
    /// The rules; those that no result needs are welcome too.
    pub rules: Vec<Rule>,
    /// The results, in the order in which they are to be shown.
    pub hits: Vec<Hit>,
    /// What could not be told: the run says so itself, and no result stands for it.
    pub untold: Vec<(String, Option<Place>)>,
}

/// The log as SARIF, with a line feed at its end.
#[must_use]
pub fn render(log: &Log) -> String {
    let mut rules: Vec<&Rule> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for rule in &log.rules {
        places.entry(&rule.id).or_insert_with(|| {
            rules.push(rule);
            rules.len() - 1
        });
    }
    let results: Vec<Value> = log.hits.iter().map(|hit| result(hit, log, &places)).collect();
    let notifications: Vec<Value> = log
        .untold
        .iter()
        .map(|(message, place)| {
            let places: Vec<Value> = place.iter().map(|place| location(place, &log.root)).collect();
            json!({ "level": "warning", "message": { "text": message }, "locations": places })
        })
        .collect();
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "truewheel",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.into_iter().map(described).collect::<Vec<_>>(),
            }},
            "originalUriBaseIds": { ROOT: { "uri": directory_address(&log.root) } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": true,
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
        }],
    });
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    escape_hidden(&text)
}

fn described(rule: &Rule) -> Value {
    let mut described = json!({
        "id": rule.id,
        "name": pascal_case(&rule.name),
        "shortDescription": { "text": rule.summary },
    });
    if !rule.help.is_empty() {
        described["help"] = json!({ "text": rule.help, "markdown": rule.help });
    }
    described
}

fn result(hit: &Hit, log: &Log, rules: &HashMap<&str, usize>) -> Value {
    let level = match hit.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    };
    let root = Place { path: log.root.clone(), line: None };
    let (first, others) = hit.places.split_first().unwrap_or((&root, &[]));
    let mut value = json!({
        "ruleId": hit.rule,
        "level": level,
        "message": { "text": hit.message },
        "locations": [location(first, &log.root)],
        "partialFingerprints": { "truewheel/1": fingerprint(hit, &log.root) },
    });
    if let Some(index) = rules.get(hit.rule.as_str()) {
        value["ruleIndex"] = json!(index);
    }
    if !others.is_empty() {
        let related = others.iter().map(|place| location(place, &log.root));
        value["relatedLocations"] = related.collect();
    }
    if let Some(reason) = &hit.suppressed {
        value["suppressions"] = json!([{ "kind": "external", "justification": reason }]);
    }
    value
}

fn location(place: &Place, root: &str) -> Value {
    let mut physical = Map::new();
    physical.insert("artifactLocation".to_owned(), json!(address(&place.path, root)));
    if let Some(line) = place.line {
        physical.insert("region".to_owned(), json!({ "startLine": line }));
    }
    json!({ "physicalLocation": physical })
}

/// What makes a result the same in the next run: its rule, its file, and the first line of what it
/// says without the numbers, which change with every edit. FNV-1a, which will not change.
fn fingerprint(hit: &Hit, root: &str) -> String {
    let place = hit.places.first().map(|place| address(&place.path, root).uri).unwrap_or_default();
    let first = hit.message.lines().next().unwrap_or_default();
    let words = first.chars().filter(|c| !c.is_ascii_digit());
    let key = hit.rule.chars().chain(place.chars()).chain(words);
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for c in key {
        hash = (hash ^ u64::from(u32::from(c))).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{hash:016x}")
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Address {
    uri: String,
    #[serde(rename = "uriBaseId", skip_serializing_if = "Option::is_none")]
    base: Option<&'static str>,
}

fn address(path: &str, root: &str) -> Address {
    let (path, root) = (slashed(path), slashed(root));
    let root = root.trim_end_matches('/');
    if let Some(rest) = path.strip_prefix(root)
        && (rest.is_empty() || rest.starts_with('/'))
    {
        let inside = rest.trim_start_matches('/');
        let uri = if inside.is_empty() { "./".to_owned() } else { relative(inside) };
        return Address { uri, base: Some(ROOT) };
    }
    if is_absolute(&path) {
        return Address { uri: absolute(&path), base: None };
    }
    Address { uri: relative(&path), base: Some(ROOT) }
}

/// A relative address may not look like one with a scheme: `a:b` would.
fn relative(path: &str) -> String {
    let encoded = percent(path);
    let first = encoded.split('/').next().unwrap_or_default();
    if first.contains(':') { format!("./{encoded}") } else { encoded }
}

fn directory_address(root: &str) -> String {
    let mut uri = absolute(&slashed(root));
    if !uri.ends_with('/') {
        uri.push('/');
    }
    uri
}

/// With forward slashes, where it is a path of Windows; elsewhere a backslash is a character.
fn slashed(path: &str) -> String {
    let is_windows = path.starts_with("\\\\") || has_drive(path);
    if is_windows { path.replace('\\', "/") } else { path.to_owned() }
}

fn has_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [drive, b':', ..] if drive.is_ascii_alphabetic())
}

fn is_absolute(path: &str) -> bool {
    path.starts_with('/') || has_drive(path)
}

fn absolute(path: &str) -> String {
    // The form of Windows that is taken as it stands adds nothing to an address.
    let path = path.strip_prefix("//?/").unwrap_or(path);
    if let Some(server) = path.strip_prefix("//") {
        return format!("file://{}", percent(server));
    }
    let encoded = percent(path);
    // The colon of a drive stays, and a slash stands before it.
    if has_drive(path) { format!("file:///{encoded}") } else { format!("file://{encoded}") }
}

/// What may not stand in the path of an address, as RFC 3986 encodes it.
fn percent(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for byte in path.bytes() {
        let is_plain = byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=:@".contains(&byte);
        if is_plain {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// `broken-interpreter-link` as SARIF writes names: `BrokenInterpreterLink`.
fn pascal_case(name: &str) -> String {
    let mut text = String::new();
    for part in name.split('-') {
        let mut characters = part.chars();
        text.extend(characters.next().map(|c| c.to_ascii_uppercase()));
        text.push_str(characters.as_str());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Subject, SubjectKind};

    fn log(root: &str, hits: Vec<Hit>) -> Value {
        let rule = Rule {
            id: "DAT003".to_owned(),
            name: "hostile-pickle".to_owned(),
            summary: "A pickle runs code".to_owned(),
            help: "# DAT003".to_owned(),
        };
        let untold = vec![("it is compressed".to_owned(), Some(Place::of("/w/a b.pkl")))];
        let log = Log { root: root.to_owned(), rules: vec![rule.clone(), rule], hits, untold };
        serde_json::from_str(&render(&log)).unwrap()
    }

    #[test]
    fn addresses_are_relative_to_the_root_and_encoded() {
        for (path, root, uri, is_inside) in [
            ("/w/a b/ü.pkl", "/w", "a%20b/%C3%BC.pkl", true),
            ("/w", "/w/", "./", true),
            ("/work/x", "/w", "file:///work/x", false),
            ("/w/a:b", "/w", "./a:b", true),
            ("/w/50%#?.npy", "/w", "50%25%23%3F.npy", true),
            ("/w/back\\slash", "/w", "back%5Cslash", true),
            (r"C:\data\x.pkl", r"C:\data", "x.pkl", true),
            (r"D:\a b\x.pkl", r"C:\data", "file:///D:/a%20b/x.pkl", false),
            (r"\\server\share\x", r"C:\data", "file://server/share/x", false),
            ("data/x.pkl", "/w", "data/x.pkl", true),
        ] {
            let found = address(path, root);
            assert_eq!((found.uri.as_str(), found.base.is_some()), (uri, is_inside), "{path}");
        }
        assert_eq!(directory_address(r"C:\data"), "file:///C:/data/");
        assert_eq!(directory_address("/"), "file:///");
    }

    #[test]
    fn a_finding_is_a_result_with_its_rule_its_places_and_its_words() {
        let subject = Subject::at(SubjectKind::File, "read.py", "/w/read.py");
        let mut finding = Finding::new(Severity::Warning, subject, "line 14 unpickles")
            .seen_at("/w/read.py:14", "pickle.loads(x)")
            .seen("twice")
            .cause("habit");
        finding.code = "DAT003".to_owned();
        let hit = Hit::of(&finding, "linux");
        let value =
            log("/w", vec![hit.clone(), Hit { suppressed: Some("ours".to_owned()), ..hit }]);
        let run = &value["runs"][0];
        assert_eq!(run["tool"]["driver"]["rules"].as_array().unwrap().len(), 1);
        assert_eq!(run["tool"]["driver"]["rules"][0]["name"], "HostilePickle");
        let result = &run["results"][0];
        assert_eq!((&result["ruleIndex"], &result["level"]), (&json!(0), &json!("warning")));
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "read.py");
        assert_eq!(place["region"]["startLine"], 14);
        assert_eq!(result["message"]["text"], "line 14 unpickles\nCause: habit\nSeen: twice");
        assert_eq!(run["results"][1]["suppressions"][0]["justification"], "ours");
        let notification = &run["invocations"][0]["toolExecutionNotifications"][0];
        let seen = &notification["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        assert_eq!(seen, "a%20b.pkl");
    }

    #[test]
    fn a_result_stays_the_same_when_lines_move() {
        let hit = |path: &str, message: &str| Hit {
            rule: "DAT007".to_owned(),
            severity: Severity::Info,
            message: message.to_owned(),
            places: vec![Place::of(path)],
            suppressed: None,
        };
        let one = fingerprint(&hit("/w/a.py:3", "a.py:3 unpickles"), "/w");
        assert_eq!(one, fingerprint(&hit("/x/a.py:9", "a.py:9 unpickles"), "/x"));
        assert_ne!(one, fingerprint(&hit("/w/b.py:3", "a.py:3 unpickles"), "/w"));
    }
}
