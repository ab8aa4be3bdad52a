//! What comes of a build, from the first command to files in the user's directory.

use std::path::Path;

use report::Severity;
use report::render::visible;
use serde_json::json;
use wheelbuild::Wheel;
use wheelbuild::build::{
    Built, Conditions, Difference, Event, Prepared, Product, RECORD, Reproduction, Trial, deliver,
    record,
};
use wheelbuild::check::{Policy, Problem, check};
use wheelbuild::compare::Verdict;

use super::super::wheels::{BOLD, DIM, GREEN, RED};
use super::super::{check as checks, compare, doctor as doctor_command};
use super::reporter::Reporter;
use super::room::{Room, Site, failure};
use super::{failed, plan, workshop};
use crate::cli::BuildFlags;
use crate::commands::Context;
use crate::failure::Failure;
use crate::output::size;

/// Where what is not as it should be is put, in the directory of what is.
const REJECTED: &str = "rejected";

/// Who makes things, of what and where.
pub(super) struct Maker<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) reporter: &'a Reporter<'a>,
    pub(super) site: &'a Site,
    pub(super) room: &'a Room,
    pub(super) prepared: &'a Prepared,
    pub(super) sources_sum: String,
}

/// What was made, and what was found of it.
pub(super) struct Made<'a> {
    product: Product<'a>,
    files: Vec<Built>,
    problems: Vec<Problem>,
    is_tested: bool,
    reproduction: Option<Reproduction>,
}

impl Maker<'_> {
    /// Builds a product once.
    pub(super) fn build<'p>(&'p self, product: Product<'p>) -> Result<Vec<Built>, Failure> {
        let crates = self.prepared.inputs.graph.0.len();
        let tell = |event: Event<'_>| self.reporter.tell(&event, crates);
        let workshop = workshop(self.context, self.site, &self.room.sandbox, &tell)?;
        let plan = plan(self.site, self.room, self.prepared, product);
        let phase = format!("build the {}", product.name());
        let built = self.reporter.watch(|| workshop.build(&plan, &Conditions::default(), &phase));
        built.map_err(|error| failed(self.context, self.reporter, &error))
    }

    /// Builds it, and finds out all that was asked for.
    pub(super) fn make<'p>(
        &'p self,
        product: Product<'p>,
        flags: &BuildFlags,
    ) -> Result<Made<'p>, Failure> {
        let files = self.build(product)?;
        let mut made =
            Made { product, files, problems: Vec::new(), is_tested: false, reproduction: None };
        if product == Product::Wheel {
            made.problems = self.check(&made.files[0], flags)?;
            if !flags.no_test {
                self.test(&made.files[0])?;
                made.is_tested = true;
            }
        }
        if flags.reproduce {
            made.reproduction = Some(self.reproduce(product, &made.files)?);
        }
        Ok(made)
    }

    fn check(&self, built: &Built, flags: &BuildFlags) -> Result<Vec<Problem>, Failure> {
        let settings = &self.site.config.build;
        let policy = Policy {
            max_glibc: flags.max_glibc.clone().or_else(|| settings.max_glibc.clone()),
            libraries: settings.libraries.clone(),
            secrets: checks::secrets_of(self.context.host, &self.site.project.root),
            ..Policy::default()
        };
        self.reporter.begin("check", 0);
        let wheel = Wheel::open(&built.name, built.bytes.clone()).map_err(|error| {
            let error = anyhow::Error::msg(error.to_string());
            Failure::tool(error, format!("{} was built and cannot be read", built.name))
        })?;
        let mut problems = check(&wheel, &policy);
        problems.extend(self.declared_names(&wheel));
        self.reporter.end();
        for problem in &problems {
            self.reporter.event("problem", problem)?;
            self.reporter.say(checks::paragraph(problem).trim_end());
        }
        Ok(problems)
    }

    /// Whether the module has every class, method and function that the sources declare for Python.
    fn declared_names(&self, wheel: &Wheel) -> Option<Problem> {
        let project = &self.site.project;
        let directory = project.root.join(&project.directory);
        let config = &self.site.config;
        let facts = doctor_command::gather(self.context, None, false, directory, config);
        let is_module = |name: &str| [".so", ".pyd"].iter().any(|ending| name.ends_with(ending));
        let mut modules = wheel.entries.iter().filter(|entry| is_module(&entry.name));
        // Of several, nobody knows which one has which name.
        let (Some(entry), None) = (modules.next(), modules.next()) else { return None };
        let bytes = wheel.read(entry).ok()?;
        let lacking = doctor::declared_names_lacking_in(&facts, &bytes)?;
        (!lacking.is_empty()).then(|| Problem {
            name: "declared-name-missing",
            severity: Severity::Error,
            place: entry.name.clone(),
            evidence: lacking,
            cause: "the sources declare it for Python and the module has no such name: it is not \
                    added to the module, or compiled only under a condition"
                .to_owned(),
            cure: "add it to the module, as EXT007 explains".to_owned(),
        })
    }

    fn test(&self, wheel: &Built) -> Result<(), Failure> {
        let settings = &self.site.config.build;
        let mut modules = vec![self.site.project.module.clone()];
        modules.extend(settings.imports.iter().cloned());
        let tell = |event: Event<'_>| self.reporter.tell(&event, 0);
        let workshop = workshop(self.context, self.site, &self.room.sandbox, &tell)?;
        let trial = Trial {
            others: &self.prepared.test_files,
            modules: &modules,
            smoke: settings.smoke.as_deref(),
            python: self.room.python.as_ref(),
        };
        let tested = self.reporter.watch(|| workshop.test(wheel, &trial));
        tested.map_err(|error| failed(self.context, self.reporter, &error))
    }

    fn reproduce(&self, product: Product<'_>, first: &[Built]) -> Result<Reproduction, Failure> {
        let crates = self.prepared.inputs.graph.0.len();
        let tell = |event: Event<'_>| self.reporter.tell(&event, crates);
        let own = workshop(self.context, self.site, &self.room.sandbox, &tell)?;
        let other = self.room.other_engine(self.context.host);
        match &other {
            Some(other) => {
                let text = format!("i the second build is done by {}", other.ready().engine);
                self.reporter.say(&text);
            }
            None => self.reporter.say("i no second engine works here: the same one builds again"),
        }
        let other = other.as_ref().map(|sandbox| workshop(self.context, self.site, sandbox, &tell));
        let other = other.transpose()?;
        let plan = plan(self.site, self.room, self.prepared, product);
        let found = self.reporter.watch(|| own.reproduce(&plan, first, other.as_ref()));
        let found = found.map_err(|error| failed(self.context, self.reporter, &error))?;
        tell_reproduction(self.reporter, product.name(), &found)?;
        Ok(found)
    }
}

/// What a second build showed, for programs.
pub(super) fn tell_reproduction(
    reporter: &Reporter<'_>,
    product: &str,
    found: &Reproduction,
) -> Result<(), Failure> {
    let fields = json!({
        "product": product,
        "verdict": found.verdict,
        "axes": found.axes.iter().map(|axis| axis.name()).collect::<Vec<_>>(),
        "comparisons": found.comparisons,
        "differing": found.differing,
    });
    reporter.event("reproduction", &fields)
}

/// What a second build showed, for a person.
pub(super) fn human(found: &Reproduction) -> String {
    let mut text = String::new();
    for comparison in found.comparisons.iter().filter(|it| it.verdict != Verdict::Identical) {
        text.push_str(&compare::human(comparison, false));
    }
    for Difference { name, first, second } in &found.differing {
        let sum = |sum: &Option<String>| sum.clone().unwrap_or_else(|| "not made".to_owned());
        text.push_str(&format!(
            "  {RED}✗ {}{RED:#}\n      first: {}\n      second: {}\n",
            visible(name),
            sum(first),
            sum(second)
        ));
    }
    match found.axes.as_slice() {
        [] => {}
        [axis] => text.push_str(&format!(
            "  what makes the difference: {}\n      {}\n",
            axis.name(),
            axis.cure()
        )),
        several => {
            let names: Vec<&str> = several.iter().map(|axis| axis.name()).collect();
            text.push_str(&format!(
                "  what makes the difference, together and not each alone: {}\n",
                names.join(", ")
            ));
        }
    }
    text
}

impl Made<'_> {
    /// Whether it is what it should be.
    pub(super) fn is_good(&self) -> bool {
        let is_wrong = |problem: &Problem| problem.severity == Severity::Error;
        let is_same = self.reproduction.as_ref().is_none_or(|it| it.verdict == Verdict::Identical);
        is_same && !self.problems.iter().any(is_wrong)
    }

    /// Puts it into a directory with its record, and adds what is said of it.
    pub(super) fn deliver(
        &self,
        maker: &Maker<'_>,
        out: &Path,
        text: &mut String,
    ) -> Result<(), Failure> {
        let plan = plan(maker.site, maker.room, maker.prepared, self.product);
        let statement = record(&plan, &maker.prepared.lock, &maker.sources_sum, &self.files);
        let name = match self.product {
            Product::Core(_) => format!("{}-core{RECORD}", maker.site.project.package),
            Product::Wheel | Product::Sdist => format!("{}{RECORD}", self.files[0].name),
        };
        let mut files: Vec<(String, Vec<u8>)> =
            self.files.iter().map(|file| (file.name.clone(), file.bytes.clone())).collect();
        files.push((name, statement.text().into_bytes()));
        let directory = if self.is_good() { out.to_path_buf() } else { out.join(REJECTED) };
        let delivered = deliver(maker.context.host, &directory, &files);
        let delivered = delivered.map_err(|error| failure(&error))?;
        for artifact in &delivered {
            let fields = json!({
                "path": artifact.path,
                "name": artifact.name,
                "size": artifact.size,
                "sha256": artifact.sha256,
                "good": self.is_good(),
            });
            maker.reporter.event("artifact", &fields)?;
        }
        if let Some(found) = &self.reproduction {
            text.push_str(&human(found));
        }
        for artifact in &delivered[..self.files.len()] {
            text.push_str(&format!(
                "{BOLD}{}{BOLD:#}  {DIM}{}{DIM:#}\n    sha256 {}\n",
                artifact.path.display(),
                size(artifact.size),
                artifact.sha256
            ));
        }
        text.push_str(&self.verdict());
        Ok(())
    }

    fn verdict(&self) -> String {
        let (mark, style) = if self.is_good() { ("✓", GREEN) } else { ("✗", RED) };
        let mut words = Vec::new();
        let wrong = self.problems.iter().filter(|it| it.severity == Severity::Error).count();
        if self.product == Product::Wheel {
            words.push(match wrong {
                0 => "checked".to_owned(),
                _ => format!("fails its check ({wrong})"),
            });
            words.push(
                if self.is_tested { "installed and imported" } else { "not tested" }.to_owned(),
            );
        }
        if let Product::Core(_) = self.product {
            words.push("tested".to_owned());
        }
        words.push(match &self.reproduction {
            None => "not built a second time".to_owned(),
            Some(found) => format!("built again: {}", found.verdict.words()),
        });
        if !self.is_good() {
            words.push(format!("put into {REJECTED}"));
        }
        format!("{style}{mark}{style:#} {} · {}\n", self.product.name(), words.join(" · "))
    }
}
