//! The ratios that the project set out for, from the results of one run.

use crate::record::{Record, Results};

/// A ratio, and what it should be.
struct Goal {
    what: String,
    ratio: Option<f64>,
    goal: f64,
}

/// Libraries for quantizing tensors in general, of which the fastest is beaten by a factor.
const GENERAL: [&str; 4] = ["torch ", "onnxruntime ", "bitsandbytes ", "torchao "];

fn is_general(record: &Record) -> bool {
    GENERAL.iter().any(|name| record.tool.starts_with(name))
}

/// Prints each ratio with its goal; nothing is judged, since a busy machine is no failure.
pub(crate) fn print(results: &Results) {
    println!("\n{:<78}{:>8}{:>7}", "ratios of this run", "ratio", "goal");
    for goal in goals(results) {
        let ratio = goal.ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}"));
        println!("{:<78}{ratio:>8}{:>7}", goal.what, goal.goal);
    }
}

fn goals(results: &Results) -> Vec<Goal> {
    let mut goals = Vec::new();
    for threads in [1, 2] {
        let ours = |scheme: &'static str| {
            results.fastest(|record| {
                record.tool.starts_with("arrow-quant")
                    && record.scheme == scheme
                    && record.threads == threads
            })
        };
        let mut goal = |what: &str, ours: Option<&Record>, peer: Option<&Record>, goal: f64| {
            let peer_name =
                peer.map_or_else(String::new, |peer| format!(" ({} {})", peer.tool, peer.scheme));
            let ratio = ours.zip(peer).map(|(ours, peer)| peer.seconds / ours.seconds);
            goals.push(Goal { what: format!("{what}{peer_name}, {threads} threads"), ratio, goal });
        };
        let general = |bits: u8, name: &'static str| {
            results.fastest(|record| {
                record.threads == threads
                    && record.bits == bits
                    && record.scheme.starts_with(name)
                    && is_general(record)
            })
        };
        goal("int8 row / fastest general library", ours("int8 row"), general(8, ""), 10.0);
        let onnxruntime = results.fastest(|record| {
            record.threads == threads && record.bits == 4 && record.tool.starts_with("onnxruntime")
        });
        goal("int4 g128 symmetric / onnxruntime", ours("int4 g128 symmetric"), onnxruntime, 6.0);
        let candle = results.fastest(|record| record.threads == threads && record.scheme == "Q4_K");
        let searched = ours("int4 g128 symmetric, least error");
        goal("int4 g128, least error / candle", searched, candle, 3.0);
        let copied = ours("int8 row").map(|ours| ours.copy_seconds / ours.seconds);
        let what = format!("int8 row / copying into memory in use, {threads} threads");
        goals.push(Goal { what, ratio: copied, goal: 0.5 });
    }
    if let [(_, published), (_, ours)] = results.quantize_arrow[..] {
        let what = "quantize_arrow / that of the published package".to_owned();
        goals.push(Goal { what, ratio: Some(published / ours), goal: 50.0 });
    }
    goals
}
