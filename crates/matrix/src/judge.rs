//! From what readers say to verdicts: arrays against the corpus, pickles against the table of rules.

use std::collections::{BTreeMap, HashMap};

use numpy_rules::{Kind, Reading, Side};
use pep440_rs::Version;

use crate::corpus::Case;
use crate::exchange::{FormatAnswer, PairAnswer, ReadAnswer, SelfDescription, Writer};
use crate::{
    CellKind, CellResult, Expectation, Format, FormatResult, Observation, PairResult, PickleResult,
    Problem, ProblemKind, WrongPrediction,
};

/// Judges pairs, and gathers what their pickles came to.
pub(crate) struct Judge<'a> {
    cases: &'a [Case],
    formats: &'a [Format],
    protocols: &'a [u8],
    observations: Vec<Observation>,
    places: HashMap<Observation, usize>,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(cases: &'a [Case], formats: &'a [Format], protocols: &'a [u8]) -> Self {
        let (observations, places) = (Vec::new(), HashMap::new());
        Self { cases, formats, protocols, observations, places }
    }

    pub(crate) fn into_observations(self) -> Vec<Observation> {
        self.observations
    }

    /// Judges one writer and one reader. `sides` are what both say of themselves.
    pub(crate) fn pair(
        &mut self,
        writer: &Writer,
        reader: &CellResult,
        sides: Option<(&SelfDescription, &SelfDescription)>,
        answer: &ReadAnswer,
    ) -> PairResult {
        let silent = PairAnswer { formats: BTreeMap::new(), pickles: BTreeMap::new() };
        let answer = answer.pairs.get(&writer.name).unwrap_or(&silent);
        let formats = self.formats.iter().map(|format| {
            let said = answer.formats.get(format);
            self.format(*format, writer, reader.kind, said)
        });
        PairResult {
            formats: formats.collect(),
            writer: writer.name.clone(),
            reader: reader.name.clone(),
            pickles: sides.and_then(|(from, to)| self.pickles(from, to, answer)),
        }
    }

    /// What a reader said of one format. A case that it did not compare is a problem unless the
    /// writer or the reader may be unable to hold it: see [`Case::may_be_left_out_by`].
    fn format(
        &self,
        format: Format,
        writer: &Writer,
        reader: CellKind,
        said: Option<&FormatAnswer>,
    ) -> FormatResult {
        let mut problems = Vec::new();
        let mut compared = 0;
        for (number, case) in self.cases.iter().enumerate() {
            let mut add = |kind, message: &str| {
                let (case, message) = (case.name.to_owned(), message.to_owned());
                problems.push(Problem { case, kind, message });
            };
            if said.is_some_and(|said| said.compared.contains(&number)) {
                compared += 1;
            } else if !case.may_be_left_out_by(reader) {
                let refusal = said.iter().flat_map(|said| &said.refused);
                let refusal = refusal.into_iter().find(|(of, _)| *of == number);
                let who = match (writer.unsupported.get(&number), refusal) {
                    (Some(reason), _) => format!("the writer left it out: {reason}"),
                    (None, Some((_, reason))) => format!("the reader refused it: {reason}"),
                    (None, None) => "the reader said nothing of it".to_owned(),
                };
                add(ProblemKind::Missing, &who);
            }
            for (of, kind, message) in said.iter().flat_map(|said| &said.problems) {
                if *of == number {
                    let differs = kind == "differs";
                    add(if differs { ProblemKind::Differs } else { ProblemKind::Error }, message);
                }
            }
        }
        FormatResult { format, compared, problems }
    }

    fn pickles(
        &mut self,
        from: &SelfDescription,
        to: &SelfDescription,
        answer: &PairAnswer,
    ) -> Option<PickleResult> {
        if self.protocols.is_empty() {
            return None;
        }
        let (from, to) = (Versions::of(from)?, Versions::of(to)?);
        let (from, to) = (from.side(), to.side());
        let mut result = PickleResult { observed: BTreeMap::new(), wrong: Vec::new() };
        for kind in numpy_rules::kinds() {
            let mut observed = Vec::new();
            for &protocol in self.protocols {
                let said = answer.pickles.get(&kind.id).and_then(|of| of.get(&protocol)).cloned();
                let silence = || Observation::Differs { message: "nothing was said of it".into() };
                let seen = said.unwrap_or_else(silence);
                let place = self.place(&seen);
                observed.push(place);
                let predicted = prediction(kind, protocol, from, to);
                if !agrees(&predicted, &seen) {
                    let (object, observed) = (kind.id.clone(), place);
                    result.wrong.push(WrongPrediction { object, protocol, predicted, observed });
                }
            }
            result.observed.insert(kind.id.clone(), observed);
        }
        Some(result)
    }

    /// The place of an observation in the list, which holds each once.
    fn place(&mut self, observation: &Observation) -> usize {
        if let Some(place) = self.places.get(observation) {
            return *place;
        }
        self.observations.push(observation.clone());
        let place = self.observations.len() - 1;
        self.places.insert(observation.clone(), place);
        place
    }
}

/// The versions of one side.
struct Versions {
    python: Option<Version>,
    numpy: Version,
}

impl Versions {
    /// Those of a cell that is a Python.
    fn of(side: &SelfDescription) -> Option<Self> {
        let numpy = side.numpy.as_ref()?.parse().ok()?;
        Some(Self { python: side.python.as_ref().and_then(|text| text.parse().ok()), numpy })
    }

    fn side(&self) -> Side<'_> {
        Side { numpy: &self.numpy, python: self.python.as_ref() }
    }
}

/// What the table of rules says.
fn prediction(kind: &Kind, protocol: u8, writer: Side<'_>, reader: Side<'_>) -> Expectation {
    if !kind.exists_in(writer.numpy) || protocol > writer.newest_protocol() {
        return Expectation::NotWritten;
    }
    match numpy_rules::predict(kind, protocol, writer, reader) {
        Reading::Loads => Expectation::Loads,
        Reading::Warns(message) => Expectation::Warns { message: message.into_owned() },
        Reading::Alters(what) => Expectation::Differs { message: what.into_owned() },
        Reading::Fails(message) => Expectation::Fails { message: message.into_owned() },
    }
}

/// Whether what happened is what was predicted. Of messages the beginning counts: what follows
/// names files, addresses, or advice that differs from one version to the next.
fn agrees(predicted: &Expectation, seen: &Observation) -> bool {
    match (predicted, seen) {
        (Expectation::NotWritten, Observation::NotWritten { .. })
        | (Expectation::Loads, Observation::Loads) => true,
        (Expectation::Warns { message }, Observation::Warns { message: seen })
        | (Expectation::Differs { message }, Observation::Differs { message: seen })
        | (Expectation::Fails { message }, Observation::Fails { message: seen }) => {
            seen.starts_with(message)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::cases;

    fn side(python: &str, numpy: &str) -> SelfDescription {
        SelfDescription {
            python: Some(python.to_owned()),
            numpy: Some(numpy.to_owned()),
            ..SelfDescription::default()
        }
    }

    fn writer(unsupported: &[usize]) -> Writer {
        let reason = |number: &usize| (*number, "not here".to_owned());
        Writer {
            name: "w".to_owned(),
            directory: "w".into(),
            unsupported: unsupported.iter().map(reason).collect(),
            pickles: BTreeMap::new(),
            protocols: vec![4],
        }
    }

    fn files(said: &FormatAnswer, unsupported: &[usize]) -> FormatResult {
        files_in(CellKind::Cpython, said, unsupported)
    }

    fn files_in(kind: CellKind, said: &FormatAnswer, unsupported: &[usize]) -> FormatResult {
        let cases = cases();
        let judge = Judge::new(&cases, &[Format::Npy], &[]);
        judge.format(Format::Npy, &writer(unsupported), kind, Some(said))
    }

    #[test]
    fn silence_about_an_array_is_a_problem_unless_it_is_a_long_double() {
        let cases = cases();
        let all: Vec<usize> = (0..cases.len()).collect();
        let long = cases.iter().position(|case| case.name == "long double").unwrap();
        let without = |left_out: usize| {
            let compared = all.iter().copied().filter(|number| *number != left_out).collect();
            files(&FormatAnswer { compared, ..FormatAnswer::default() }, &[left_out])
        };
        assert!(without(long).problems.is_empty());
        assert_eq!(without(long).compared, cases.len() - 1);
        let problem = &without(0).problems[0];
        assert_eq!((problem.kind, problem.case.as_str()), (ProblemKind::Missing, cases[0].name));
        assert_eq!(problem.message, "the writer left it out: not here");
        assert_eq!(files(&FormatAnswer::default(), &[]).problems.len(), cases.len() - 2);
    }

    #[test]
    fn pyodide_may_refuse_what_no_memoryview_holds_and_nothing_else() {
        let cases = cases();
        let reason = || "no such type".to_owned();
        let refused = (0..cases.len()).map(|number| (number, reason())).collect();
        let all = FormatAnswer { refused, ..FormatAnswer::default() };
        let problems = files_in(CellKind::Pyodide, &all, &[]).problems;
        let wrong: Vec<&str> = problems.iter().map(|problem| problem.case.as_str()).collect();
        for expected in ["bool", "uint64, big-endian", "float32", "32 axes", "Fortran"] {
            assert!(wrong.contains(&expected), "{expected} may not be refused: {wrong:?}");
        }
        for allowed in ["float16", "complex64", "long double", "str", "void", "datetime64[ns]"] {
            assert!(cases.iter().any(|case| case.name == allowed));
            assert!(!wrong.contains(&allowed), "{allowed} may be refused");
        }
        assert!(!wrong.iter().any(|name| name.contains("record") || name.contains("fields")));
        assert_eq!(problems[0].message, "the reader refused it: no such type");
        // Every other reader has to read them.
        assert_eq!(files(&all, &[]).problems.len(), cases.len() - 2);
    }

    #[test]
    fn what_readers_complain_of_is_kept_with_its_case() {
        let compared = (0..cases().len()).collect();
        let problems = vec![
            (1, "error".to_owned(), "ValueError: no".to_owned()),
            (2, "differs".to_owned(), "shape is [], not [1]".to_owned()),
        ];
        let result = files(&FormatAnswer { compared, problems, refused: Vec::new() }, &[]);
        let kinds: Vec<ProblemKind> = result.problems.iter().map(|problem| problem.kind).collect();
        assert_eq!(kinds, [ProblemKind::Error, ProblemKind::Differs]);
        assert_eq!(result.problems[0].message, "ValueError: no");
    }

    /// One object and protocol, from 2.2.6 to 1.24.4 or within 2.2.6.
    fn pickle(reader: &str, seen: &Observation) -> Vec<WrongPrediction> {
        let cases = cases();
        let mut judge = Judge::new(&cases, &[], &[4]);
        let of = |id: &str| {
            let same = numpy_rules::kind(id).is_some_and(|kind| kind.id == "array");
            let other = || {
                let kind = numpy_rules::kind(id).unwrap();
                let (from, to) = (side("3.11.7", "2.2.6"), side("3.11.7", reader));
                let (from, to) = (Versions::of(&from).unwrap(), Versions::of(&to).unwrap());
                match prediction(kind, 4, from.side(), to.side()) {
                    Expectation::Loads => Observation::Loads,
                    Expectation::NotWritten => Observation::NotWritten { reason: String::new() },
                    Expectation::Warns { message } => Observation::Warns { message },
                    Expectation::Differs { message } => Observation::Differs { message },
                    Expectation::Fails { message } => Observation::Fails { message },
                }
            };
            BTreeMap::from([(4, if same { seen.clone() } else { other() })])
        };
        let pickles = numpy_rules::kinds().iter().map(|kind| (kind.id.clone(), of(&kind.id)));
        let answer = PairAnswer { formats: BTreeMap::new(), pickles: pickles.collect() };
        let (from, to) = (side("3.11.7", "2.2.6"), side("3.11.7", reader));
        judge.pickles(&from, &to, &answer).unwrap().wrong
    }

    #[test]
    fn a_prediction_may_be_wrong_in_either_direction() {
        let message = || "ModuleNotFoundError: No module named 'numpy._core'".to_owned();
        assert!(pickle("1.24.4", &Observation::Fails { message: message() }).is_empty());
        assert!(pickle("2.2.6", &Observation::Loads).is_empty());
        let loads = pickle("1.24.4", &Observation::Loads);
        assert_eq!((loads.len(), loads[0].object.as_str(), loads[0].protocol), (1, "array", 4));
        assert_eq!(loads[0].predicted, Expectation::Fails { message: message() });
        assert_eq!(pickle("2.2.6", &Observation::Fails { message: message() }).len(), 1);
        let other = Observation::Fails { message: "MemoryError: ".to_owned() };
        assert_eq!(pickle("1.24.4", &other).len(), 1);
        let differs = Observation::Differs { message: "it is another".to_owned() };
        assert_eq!(pickle("2.2.6", &differs).len(), 1);
    }
}
