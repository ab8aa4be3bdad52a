//! What the ratios should be, and whether they are.

use std::collections::BTreeMap;

use crate::Cost;

/// What was measured.
#[derive(Default)]
pub(crate) struct Measured {
    /// By kind of data and operation: what it cost everyone.
    pub(crate) costs: BTreeMap<(&'static str, &'static str), BTreeMap<String, Cost>>,
    /// By kind of data: the size of this crate's deflated file, as a part of numpy's.
    pub(crate) sizes: BTreeMap<&'static str, f64>,
    /// Seconds that mapping a file took.
    pub(crate) mapped: f64,
}

impl Measured {
    /// How many times faster this crate does `ours` than the fastest numpy does `theirs`.
    fn ratio(&self, kind: &'static str, ours: &'static str, theirs: &'static str) -> Option<f64> {
        let own = self.costs.get(&(kind, ours))?.get("npz")?.wall;
        let numpys = self.costs.get(&(kind, theirs))?.iter();
        numpys
            .filter(|(name, _)| name.starts_with("numpy"))
            .map(|(_, cost)| cost.wall / own)
            .min_by(f64::total_cmp)
    }
}

/// Kinds of data, what this crate does, what numpy does, and how many times faster it should be.
const FASTER: [(&str, &str, &str, f64); 10] = [
    ("noise", "read stored", "read stored", 2.0),
    ("smooth", "read stored", "read stored", 2.0),
    ("noise", "read stored", "read npy", 1.0),
    ("smooth", "read stored", "read npy", 1.0),
    ("noise", "write stored", "write stored", 2.0),
    ("smooth", "write stored", "write stored", 2.0),
    ("noise", "read deflated", "read deflated", 1.0),
    ("smooth", "read deflated", "read deflated", 3.0),
    ("noise", "write deflated", "write deflated", 2.5),
    ("smooth", "write deflated", "write deflated", 4.0),
];

/// The largest size of a deflated file, as a part of that of numpy's.
const SIZE: f64 = 1.03;

/// The longest time of mapping a file, in seconds.
const MAPPED: f64 = 1e-3;

/// Prints every goal of which something was measured, with a mark.
pub(crate) fn print(measured: &Measured) {
    println!("\nGoals, beside the fastest numpy by the clock:");
    let line =
        |met: bool, what: String| println!("  {} {what}", if met { "met   " } else { "MISSED" });
    for (kind, ours, theirs, goal) in FASTER {
        let Some(ratio) = measured.ratio(kind, ours, theirs) else { continue };
        let of_numpy =
            if ours == theirs { String::new() } else { format!(" than numpy's {theirs}") };
        line(
            ratio >= goal,
            format!("{ours}, {kind}: {ratio:.2} times faster{of_numpy}, goal {goal:.1}"),
        );
    }
    for (kind, size) in &measured.sizes {
        let text =
            format!("deflated size, {kind}: {:+.2} %, goal at most +3 %", (size - 1.0) * 100.0);
        line(*size <= SIZE, text);
    }
    let milliseconds = measured.mapped * 1e3;
    line(measured.mapped < MAPPED, format!("mapped open: {milliseconds:.3} ms, goal under 1 ms"));
}
