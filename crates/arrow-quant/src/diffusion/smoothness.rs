//! How much scales and zero points change from one group of timesteps to the next.

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, UInt8Type};

use super::{ByLayer, HIGHEST, bad, no_nulls, numbers};
use crate::columns::{layer_names, required, wrong_type};
use crate::error::{Error, Result};

/// A scale that changes by more than this part of itself is a violation.
const MEDIUM: f64 = 0.3;

/// From here on the violation is a severe one.
const HIGH: f64 = 0.5;

/// How bad a change of the scale is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// By more than 0.3 of the scale before.
    Medium,
    /// By more than 0.5 of it.
    High,
}

impl Severity {
    /// `medium` or `high`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Severity::Medium => "medium",
            Severity::High => "high",
        }
    }
}

/// The boundary of a group of timesteps and the next one of the same layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Boundary {
    /// The first timestep of the later group.
    pub timestep: f64,
    /// `|s1 - s0| / s0`, of the scales before and after.
    pub scale_jump: f64,
    /// `|z1 - z0| / 255`, of the zero points.
    pub zero_point_jump: f64,
}

impl Boundary {
    /// `1 - min((scale_jump + zero_point_jump) / 2, 1)`.
    #[must_use]
    pub fn score(&self) -> f64 {
        1.0 - (self.sum() / 2.0).min(1.0)
    }

    /// How bad the change of the scale is, if it is a violation.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        match self.scale_jump {
            jump if jump > HIGH => Some(Severity::High),
            jump if jump > MEDIUM => Some(Severity::Medium),
            _ => None,
        }
    }

    fn sum(&self) -> f64 {
        self.scale_jump + self.zero_point_jump
    }
}

/// The boundaries of a layer.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerSmoothness {
    /// The layer.
    pub layer_name: String,
    /// One fewer than it has groups, in the order of time.
    pub boundaries: Vec<Boundary>,
}

impl LayerSmoothness {
    /// `1 - sum / (2 (G - 1))`, where `sum` is that of both jumps of all boundaries and `G` the groups
    /// of the layer, but never below 0; 1 for a single group.
    #[must_use]
    pub fn score(&self) -> f64 {
        score(&self.boundaries)
    }
}

/// What [`smoothness()`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct Smoothness {
    /// Layer by layer, in the order of their first appearance.
    pub layers: Vec<LayerSmoothness>,
}

impl Smoothness {
    /// The formula of [`LayerSmoothness::score`] over the boundaries of all layers.
    #[must_use]
    pub fn score(&self) -> f64 {
        score(self.layers.iter().flat_map(|layer| &layer.boundaries))
    }

    /// The boundaries that are violations, with their layers.
    pub fn violations(&self) -> impl Iterator<Item = (&str, &Boundary)> {
        self.layers.iter().flat_map(|layer| {
            let violations =
                layer.boundaries.iter().filter(|boundary| boundary.severity().is_some());
            violations.map(|boundary| (layer.layer_name.as_str(), boundary))
        })
    }
}

fn score<'a>(boundaries: impl IntoIterator<Item = &'a Boundary>) -> f64 {
    let (mut sum, mut count) = (0.0, 0u32);
    for boundary in boundaries {
        sum += boundary.sum();
        count += 1;
    }
    if count == 0 { 1.0 } else { (1.0 - sum / (2.0 * f64::from(count))).clamp(0.0, 1.0) }
}

/// A row of the ranges.
#[derive(Clone, Copy)]
struct Step {
    start: f64,
    scale: f64,
    zero: f64,
    row: usize,
}

/// How smoothly the ranges of [`activation_ranges`](super::activation_ranges) change over time.
///
/// The result depends on the columns `layer_name`, `t_start`, `scale` and `zero_point` alone. It is
/// the definition given at [`Boundary`], [`LayerSmoothness`] and [`Severity`] and nothing more: no
/// literature connects these scores with what a model loses, and the thresholds are conventions.
///
/// # Errors
/// Columns that are missing or of other types, nulls, a `t_start` or `scale` that is not finite, a
/// scale that is not above zero, two groups of a layer that start together, and ranges without rows.
pub fn smoothness(ranges: &RecordBatch) -> Result<Smoothness> {
    let names = layer_names(ranges)?;
    let starts = required(ranges, "t_start")?;
    let starts = starts
        .as_primitive_opt::<Float64Type>()
        .ok_or_else(|| wrong_type("t_start", "float64", starts))?;
    no_nulls(starts, "t_start", &names)?;
    let scales = numbers(ranges, "scale", &names)?;
    let zeros = required(ranges, "zero_point")?;
    let zeros = zeros
        .as_primitive_opt::<UInt8Type>()
        .ok_or_else(|| wrong_type("zero_point", "uint8", zeros))?;
    no_nulls(zeros, "zero_point", &names)?;
    if names.is_empty() {
        return Err(Error::NoRows { table: "activation ranges" });
    }
    let mut layers: ByLayer<Step> = ByLayer::default();
    for (row, layer) in names.iter().enumerate() {
        let (start, scale) = (starts.value(row), scales[row]);
        if !start.is_finite() {
            return Err(bad(layer, row, format!("t_start is {start}")));
        }
        if !(scale.is_finite() && scale > 0.0) {
            return Err(bad(layer, row, format!("scale is {scale}, which is not above zero")));
        }
        let zero = f64::from(zeros.value(row));
        layers.add(layer, Step { start, scale: f64::from(scale), zero, row });
    }
    let layers = layers.all.into_iter().map(|(layer_name, mut steps)| {
        steps.sort_by(|a, b| a.start.total_cmp(&b.start));
        let boundaries = steps.windows(2).map(|pair| {
            let (before, after) = (pair[0], pair[1]);
            if before.start == after.start {
                let reason = format!("row {} starts at {} too", before.row, after.start);
                return Err(bad(&layer_name, after.row, reason));
            }
            Ok(Boundary {
                timestep: after.start,
                scale_jump: (after.scale - before.scale).abs() / before.scale,
                zero_point_jump: (after.zero - before.zero).abs() / HIGHEST,
            })
        });
        let boundaries = boundaries.collect::<Result<Vec<_>>>()?;
        Ok(LayerSmoothness { layer_name, boundaries })
    });
    Ok(Smoothness { layers: layers.collect::<Result<_>>()? })
}
