//! `cargo xtask bench`: how long things take here, as ratios of one run.
//!
//! Nothing is judged: a number on a busy machine is not a failure. The goal stands beside each
//! number, and a reader compares.

mod bridge;
mod build;
mod cold;
mod doctor;
mod matrix;
mod measure;
mod npz;
mod quant;
mod scan;
mod scene;
mod spz;

use std::process::ExitCode;

/// Measure how fast it is, beside other tools in the same run.
#[derive(clap::Args)]
pub(crate) struct Flags {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    #[command(verbatim_doc_comment)]
    Bridge(bridge::Flags),
    Build(build::Flags),
    /// The doctor, discovery, growth and memory.
    Doctor(doctor::Flags),
    /// The matrix, its growth, and a process for each pair.
    Matrix(matrix::Flags),
    #[command(verbatim_doc_comment)]
    Npz(npz::Flags),
    #[command(verbatim_doc_comment)]
    Quant(quant::Flags),
    #[command(verbatim_doc_comment)]
    Scan(scan::Flags),
    #[command(verbatim_doc_comment)]
    Spz(spz::Flags),
}

/// Measures and prints.
///
/// # Errors
/// When a tool that is needed is missing or fails.
pub(crate) fn run(flags: &Flags) -> anyhow::Result<ExitCode> {
    match &flags.what {
        What::Bridge(flags) => bridge::run(flags),
        What::Build(flags) => build::run(flags),
        What::Doctor(flags) => doctor::run(flags),
        What::Matrix(flags) => matrix::run(flags),
        What::Npz(flags) => npz::run(flags),
        What::Quant(flags) => quant::run(flags),
        What::Scan(flags) => scan::run(flags),
        What::Spz(flags) => spz::run(flags),
    }
}
