//! `compare`: where two wheels differ, and why.

use std::path::Path;

use report::ExitStatus;
use report::render::json::escape_hidden;
use report::render::visible;
use serde::Serialize;
use wheelbuild::Wheel;
use wheelbuild::compare::{Comparison, Difference, HARMLESS, Verdict, Weight, compare};

use super::wheels::{BOLD, DIM, GREEN, RED, YELLOW, read};
use crate::cli::{Accepted, CompareFlags, WheelFormat};
use crate::commands::Context;
use crate::failure::Failure;
use crate::output::{self, size};

/// Version of the JSON layout; raised with every change that a reader could notice.
const SCHEMA: &str = "truewheel-compare/1";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    version: &'static str,
    accepted: bool,
    harmless: Vec<Harmless>,
    #[serde(flatten)]
    comparison: &'a Comparison,
}

/// A field that may differ.
#[derive(Serialize)]
struct Harmless {
    name: &'static str,
    why: &'static str,
}

pub(crate) fn run(context: &Context<'_>, flags: &CompareFlags) -> Result<ExitStatus, Failure> {
    let a = open(context, &flags.a)?;
    let b = open(context, &flags.b)?;
    let comparison = compare(&a, &b).map_err(|error| {
        Failure::input(format!("the wheels cannot be compared: {error}"))
            .hint("`check` says what else is wrong with a wheel")
    })?;
    let weakest = match flags.accept {
        Accepted::Identical => Verdict::Identical,
        Accepted::SameContent => Verdict::SameContent,
        Accepted::SameExcept => Verdict::SameExcept,
    };
    let accepted = comparison.verdict <= weakest;
    let text = match flags.format {
        WheelFormat::Human => human(&comparison, accepted),
        WheelFormat::Json => escape_hidden(&output::json(&Document {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            accepted,
            harmless: HARMLESS.iter().map(|&(name, why)| Harmless { name, why }).collect(),
            comparison: &comparison,
        })?),
    };
    context.printer.data(&text)?;
    Ok(if accepted { ExitStatus::Healthy } else { ExitStatus::NotReproducible })
}

fn open(context: &Context<'_>, named: &Path) -> Result<Wheel, Failure> {
    let (name, bytes) = read(context, named)?;
    Wheel::open(&name, bytes).map_err(|error| {
        Failure::input(format!("{} cannot be read as a wheel: {error}", named.display()))
            .hint("download or build it again; a wheel that stays so should not be installed")
    })
}

pub(super) fn human(comparison: &Comparison, accepted: bool) -> String {
    let mut text = String::new();
    for (letter, side) in [("A", &comparison.a), ("B", &comparison.b)] {
        text.push_str(&format!(
            "{BOLD}{letter}  {}{BOLD:#}  {DIM}{}, sha256 {}{DIM:#}\n",
            visible(&side.file_name),
            size(side.size),
            side.sha256
        ));
    }
    text.push('\n');
    for difference in &comparison.differences {
        text.push_str(&paragraph(difference));
        text.push('\n');
    }
    let (mark, style) = if accepted { ("✓", GREEN) } else { ("✗", RED) };
    let count = comparison.differences.len();
    let rest = match comparison.verdict {
        Verdict::Identical => String::new(),
        Verdict::SameContent => ": the same files with the same data, stored otherwise".to_owned(),
        Verdict::SameExcept => {
            let names = comparison.differences.iter().filter(|one| one.weight == Weight::Harmless);
            let mut names: Vec<&str> = names.map(|one| one.name).collect();
            names.dedup();
            format!(" {}", names.join(", "))
        }
        Verdict::Different if count == 1 => ": 1 difference".to_owned(),
        Verdict::Different => format!(": {count} differences"),
    };
    text.push_str(&format!("{style}{mark} {}{style:#}{rest}\n", comparison.verdict.words()));
    text
}

fn paragraph(difference: &Difference) -> String {
    let (mark, style) = match difference.weight {
        Weight::Real => ("✗", RED),
        Weight::Harmless => ("!", YELLOW),
        Weight::Storage => ("i", DIM),
    };
    let mut text = format!(
        "  {style}{mark} {}{style:#} {DIM}({}){DIM:#}: {}: {}\n",
        difference.name,
        difference.layer.words(),
        visible(&difference.place),
        visible(&difference.what)
    );
    for (side, lines) in [("only A", &difference.only_a), ("only B", &difference.only_b)] {
        for line in lines {
            text.push_str(&format!("      {side}: {}\n", visible(line)));
        }
    }
    for line in &difference.details {
        text.push_str(&format!("      {DIM}{}{DIM:#}\n", visible(line)));
    }
    text.push_str(&format!("      cause: {}\n", difference.cause));
    text.push_str(&format!("      fix: {}\n", difference.cure));
    text
}
