//! What faults write into logs: the files in `signatures/`, parsed once.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde::Deserialize;

use super::automaton::Automaton;

/// The files, family by family. `signatures/README.md` describes them.
const FILES: &[(&str, &str)] = &[
    ("errors", include_str!("../../signatures/errors.toml")),
    ("env", include_str!("../../signatures/env.toml")),
    ("pkg", include_str!("../../signatures/pkg.toml")),
    ("npy", include_str!("../../signatures/npy.toml")),
    ("lib", include_str!("../../signatures/lib.toml")),
    ("bld", include_str!("../../signatures/bld.toml")),
    ("ext", include_str!("../../signatures/ext.toml")),
    ("fs", include_str!("../../signatures/fs.toml")),
    ("dat", include_str!("../../signatures/dat.toml")),
    ("ctr", include_str!("../../signatures/ctr.toml")),
];

/// Stands in a pattern for anything on the same line.
const GAP: char = '…';

/// How many lines apart the parts of a rule may be, unless it says otherwise.
const NEAR: u64 = 10;

/// A system by whose numbers errors are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Numbers {
    Unix,
    Windows,
}

/// One file, as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    error: Vec<WrittenError>,
    #[serde(default)]
    groups: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    rule: Vec<WrittenRule>,
    #[serde(default)]
    code: BTreeMap<String, About>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenError {
    name: String,
    #[serde(default)]
    unix: Vec<i64>,
    #[serde(default)]
    windows: Vec<i64>,
    texts: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    codes: BTreeMap<String, u8>,
    #[serde(default)]
    when: Vec<String>,
    #[serde(default)]
    error: Vec<String>,
    #[serde(default)]
    also: Vec<Vec<String>>,
    #[serde(default)]
    not: Vec<String>,
    #[serde(default)]
    somewhere: Vec<Vec<String>>,
    #[serde(default)]
    nowhere: Vec<String>,
    near: Option<u64>,
    os: Option<Numbers>,
    long_word: Option<usize>,
    #[serde(default)]
    module_twice: bool,
    next: Option<String>,
}

/// What a check of this code can tell after the fact.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct About {
    /// Why a check that finds nothing does not rule the fault out.
    pub(super) passing: Option<String>,
}

/// An error of the operating system, in every spelling.
#[derive(Debug)]
pub(super) struct SystemError {
    pub(super) name: String,
    pub(super) unix: Vec<i64>,
    pub(super) windows: Vec<i64>,
    /// Its texts, as patterns.
    pub(super) texts: Vec<usize>,
}

/// What one kind of text means.
#[derive(Debug)]
pub(super) struct Rule {
    /// The codes that it speaks for, with how surely, in hundredths.
    pub(super) codes: Vec<(String, u8)>,
    /// One of these patterns is on a line; where there are none, one of the errors is.
    pub(super) when: Vec<usize>,
    /// One of these errors is near.
    pub(super) errors: Vec<usize>,
    /// Of each group, one is near.
    pub(super) also: Vec<Vec<usize>>,
    /// None of these is near.
    pub(super) not: Vec<usize>,
    /// Of each group, one is anywhere in the log.
    pub(super) somewhere: Vec<Vec<usize>>,
    /// None of these is anywhere in the log.
    pub(super) nowhere: Vec<usize>,
    /// How many lines away is near.
    pub(super) near: u64,
    /// The log is of this kind of system.
    pub(super) os: Option<Numbers>,
    /// The line, or one that is near, holds a word of at least so many characters.
    pub(super) long_word: Option<usize>,
    /// The line names a module whose last part is its first: `pkg.pkg`, `pkg._pkg`.
    pub(super) module_twice: bool,
    /// What to try where no check confirms any of the codes.
    pub(super) next: Option<String>,
}

/// A text with gaps.
#[derive(Debug)]
pub(super) struct Pattern {
    /// Its parts between the gaps, as texts of the automaton.
    pub(super) pieces: Vec<usize>,
}

/// All of it, ready to be used.
pub(super) struct Table {
    pub(super) automaton: Automaton,
    pub(super) patterns: Vec<Pattern>,
    /// The patterns that a text of the automaton is a part of.
    pub(super) of_piece: Vec<Vec<usize>>,
    pub(super) errors: Vec<SystemError>,
    pub(super) rules: Vec<Rule>,
    pub(super) codes: BTreeMap<String, About>,
    /// Texts after which the number of an error stands, and whose numbers those are.
    pub(super) leads: Vec<(usize, Option<Numbers>)>,
    /// Patterns that tell of Windows, and of other systems.
    pub(super) marks: [Vec<usize>; 2],
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    Table::parse(FILES).expect("the files are compiled in, and the tests parse them")
});

/// The table.
pub(super) fn table() -> &'static Table {
    &TABLE
}

/// Gives every text a number, once.
#[derive(Default)]
struct Numbered {
    texts: Vec<String>,
    numbers: HashMap<String, usize>,
}

impl Numbered {
    fn number(&mut self, text: &str) -> usize {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        self.texts.push(text.to_owned());
        self.numbers.insert(text.to_owned(), self.texts.len() - 1);
        self.texts.len() - 1
    }
}

/// Turns what is written into numbers.
struct Builder {
    groups: BTreeMap<String, Vec<String>>,
    pieces: Numbered,
    patterns: Numbered,
}

impl Builder {
    /// The numbers of patterns, and of those that a group such as `@build-script` stands for.
    fn patterns(&mut self, written: &[String]) -> Result<Vec<usize>, String> {
        let mut numbers = Vec::new();
        for text in written {
            match text.strip_prefix('@') {
                Some(group) => {
                    let texts = self.groups.get(group).cloned();
                    let texts = texts.ok_or_else(|| format!("there is no group {group}"))?;
                    for text in texts {
                        numbers.push(self.pattern(&text)?);
                    }
                }
                None => numbers.push(self.pattern(text)?),
            }
        }
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }

    fn pattern(&mut self, text: &str) -> Result<usize, String> {
        if text.to_lowercase() != text || text.contains('`') {
            return Err(format!("`{text}` has a capital letter or a backtick"));
        }
        if text.split(GAP).any(|piece| piece.trim().chars().count() < 2 && !piece.contains(':')) {
            return Err(format!("`{text}` has too short a part"));
        }
        Ok(self.patterns.number(text))
    }

    fn list(&mut self, written: &[Vec<String>]) -> Result<Vec<Vec<usize>>, String> {
        written.iter().map(|group| self.patterns(group)).collect()
    }

    fn rule(&mut self, rule: &WrittenRule, errors: &[SystemError]) -> Result<Rule, String> {
        let named = rule.error.iter().map(|name| {
            let place = errors.iter().position(|error| error.name == *name);
            place.ok_or_else(|| format!("there is no error {name}"))
        });
        let errors = named.collect::<Result<Vec<usize>, String>>()?;
        if rule.codes.is_empty() || (rule.when.is_empty() && errors.is_empty()) {
            return Err(format!("a rule says nothing: {rule:?}"));
        }
        Ok(Rule {
            codes: rule.codes.iter().map(|(code, score)| (code.clone(), *score)).collect(),
            when: self.patterns(&rule.when)?,
            errors,
            also: self.list(&rule.also)?,
            not: self.patterns(&rule.not)?,
            somewhere: self.list(&rule.somewhere)?,
            nowhere: self.patterns(&rule.nowhere)?,
            near: rule.near.unwrap_or(NEAR),
            os: rule.os,
            long_word: rule.long_word,
            module_twice: rule.module_twice,
            next: rule.next.clone(),
        })
    }
}

impl Table {
    fn parse(files: &[(&str, &str)]) -> Result<Self, String> {
        let mut all = File::default();
        for (name, text) in files {
            let file: File = toml::from_str(text).map_err(|error| format!("{name}: {error}"))?;
            all.error.extend(file.error);
            all.groups.extend(file.groups);
            all.rule.extend(file.rule);
            all.code.extend(file.code);
        }
        let mut builder = Builder {
            groups: all.groups,
            pieces: Numbered::default(),
            patterns: Numbered::default(),
        };
        let mut errors = Vec::new();
        for error in all.error {
            let texts = builder.patterns(&error.texts)?;
            errors.push(SystemError {
                name: error.name,
                unix: error.unix,
                windows: error.windows,
                texts,
            });
        }
        let rules = all.rule.iter().map(|rule| builder.rule(rule, &errors));
        let rules = rules.collect::<Result<Vec<Rule>, String>>()?;
        let mut group = |name: &str| builder.patterns(&[format!("@{name}")]);
        let marks = [group("marks-of-windows")?, group("marks-of-unix")?];
        // Lines that are kept for the paths in them; no rule asks for them.
        group("places")?;
        let mut patterns = Vec::new();
        for text in &builder.patterns.texts {
            let pieces = text.split(GAP).map(|piece| builder.pieces.number(piece)).collect();
            patterns.push(Pattern { pieces });
        }
        let leads = [
            ("os error ", None),
            ("[errno ", None),
            ("errno ", None),
            ("error=", None),
            ("os { code: ", None),
            ("[winerror ", Some(Numbers::Windows)),
        ];
        let leads = leads.map(|(text, system)| (builder.pieces.number(text), system)).to_vec();
        let mut of_piece = vec![Vec::new(); builder.pieces.texts.len()];
        for (number, pattern) in patterns.iter().enumerate() {
            for piece in &pattern.pieces {
                of_piece[*piece].push(number);
            }
        }
        let texts: Vec<&str> = builder.pieces.texts.iter().map(String::as_str).collect();
        let automaton = Automaton::new(&texts);
        Ok(Self { automaton, patterns, of_piece, errors, rules, codes: all.code, leads, marks })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Codes that no text tells of: they show in what does not happen.
    const SILENT: &[&str] = &[];

    #[test]
    fn the_files_are_consistent() {
        let table = Table::parse(FILES).unwrap_or_else(|error| panic!("{error}"));
        for rule in &table.rules {
            for (code, score) in &rule.codes {
                assert!(crate::page(code).is_some(), "{code} has no page");
                assert!((1..100).contains(score), "{code} has the score {score}");
            }
        }
        for code in table.codes.keys() {
            assert!(crate::page(code).is_some(), "{code} has no page");
        }
        let names: BTreeSet<&str> = table.errors.iter().map(|error| error.name.as_str()).collect();
        assert_eq!(names.len(), table.errors.len(), "an error is there twice");
        assert!(table.patterns.iter().all(|pattern| !pattern.pieces.is_empty()));
    }

    #[test]
    fn every_code_has_a_rule() {
        let table = table();
        let told: BTreeSet<&str> = table
            .rules
            .iter()
            .flat_map(|rule| &rule.codes)
            .map(|(code, _)| code.as_str())
            .collect();
        for page in crate::pages() {
            let silent = SILENT.contains(&page.code);
            assert_eq!(told.contains(page.code), !silent, "{}", page.code);
        }
    }

    #[test]
    fn mistakes_are_told() {
        let parsed = |text: &str| {
            let base = FILES[0];
            Table::parse(&[base, ("x", text)]).err().unwrap_or_default()
        };
        assert!(parsed("[[rule]]\ncodes = { FS001 = 90 }").contains("says nothing"));
        assert!(parsed("[[rule]]\ncodes = { FS001 = 90 }\nwhen = ['Big']").contains("capital"));
        assert!(parsed("[[rule]]\ncodes = { FS001 = 90 }\nwhen = ['@none']").contains("no group"));
        assert!(parsed("[[rule]]\ncodes = { FS001 = 90 }\nerror = ['E']").contains("no error"));
        assert!(parsed("[[rule]]\ncodes = { FS001 = 90 }\nwhen = ['a…bc']").contains("too short"));
    }
}
