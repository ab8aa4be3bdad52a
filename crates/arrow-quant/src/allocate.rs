//! Bits for each layer, so that a whole model takes a given number of them for each weight.

use std::collections::HashMap;

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;

use crate::error::{Error, Result};
use crate::options::{Options, Override, Rules, Scheme};
use crate::pattern::escaped;
use crate::quality::LayerQuality;
use crate::quantize::Quantizer;

/// What a layer takes and loses with one scheme.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Choice {
    scheme: Scheme,
    bits: u64,
    error: f64,
}

/// A layer, and what can be chosen for it, in the order of [`candidates`]. That need not be the order
/// of what they take: in short rows the zero points of the fewest bits outweigh them.
#[derive(Debug, Clone, PartialEq)]
struct Layer {
    name: String,
    choices: Vec<Choice>,
}

/// Chooses a scheme for each layer, so that all layers together take at most `target` bits for each
/// weight, scales and zero points included, and lose as little as a greedy choice finds.
///
/// Each layer is quantized with 2, 4 and 8 bits (with blocks of GGUF: 4 and 8), with the other settings
/// of `options`, and only what it loses is kept. Then, from what takes least on, the step that takes
/// away the most squared error for each bit that it costs is taken as long as one fits. The result never
/// takes more than the target, and never loses more than the one scheme for all layers that fits.
/// Layers that an override gives a scheme, and layers that are no weights, keep what they have and are
/// counted with it.
///
/// What comes back is `options.overrides` and one more for each layer that was chosen for: put it into
/// the options, and quantize the same batches with them.
///
/// # Errors
/// A target that cannot be met (the error says the least that can), and everything that
/// stops [`Quantizer::quantize`].
pub fn allocate<I>(batches: I, options: &Options, target: f64) -> Result<Vec<Override>>
where
    I: IntoIterator<Item = std::result::Result<RecordBatch, ArrowError>>,
{
    allocate_with(batches, options, Rules::default(), target)
}

/// The same with rules for which layers are kept.
pub(crate) fn allocate_with<I>(
    batches: I,
    options: &Options,
    rules: Rules,
    target: f64,
) -> Result<Vec<Override>>
where
    I: IntoIterator<Item = std::result::Result<RecordBatch, ArrowError>>,
{
    let candidates = candidates(options);
    let mut quantizers = Vec::with_capacity(candidates.len());
    for &scheme in &candidates {
        let without_fallback =
            |other: &Override| Override { fallback_sqnr_db: None, ..other.clone() };
        quantizers.push(
            Quantizer::new(&Options {
                scheme,
                fallback_sqnr_db: None,
                overrides: options.overrides.iter().map(without_fallback).collect(),
                ..options.clone()
            })?
            .with_rules(rules),
        );
    }
    let mut schemes: HashMap<String, Vec<Scheme>> = HashMap::new();
    for batch in batches {
        let batch = batch?;
        for quantizer in &mut quantizers {
            quantizer.quantize(&batch)?;
        }
        note_schemes(&batch, &quantizers, &mut schemes)?;
    }
    let measured: Vec<&[LayerQuality]> = quantizers.iter().map(Quantizer::layers).collect();
    let layers = layers(&measured, &schemes);
    let elements: u64 = measured.first().map_or(0, |all| all.iter().map(|it| it.elements).sum());
    let chosen = choose(&layers, target * elements as f64).map_err(|least| {
        let reason = format!(
            "{target} bits for each weight cannot be met: the layers take at least {:.3}",
            least as f64 / elements.max(1) as f64
        );
        Error::Option { name: "target_bits_per_weight", reason }
    })?;
    let mut overrides = options.overrides.clone();
    for (layer, choice) in layers.iter().zip(chosen) {
        if layer.choices.len() > 1 {
            overrides.push(Override {
                pattern: escaped(&layer.name),
                scheme: Some(layer.choices[choice].scheme),
                fallback_sqnr_db: Some(None),
                ..Override::default()
            });
        }
    }
    Ok(overrides)
}

/// The schemes to choose from, fewest bits first.
fn candidates(options: &Options) -> Vec<Scheme> {
    match options.scheme {
        Scheme::GgufQ8_0 | Scheme::GgufQ4_0 => vec![Scheme::GgufQ4_0, Scheme::GgufQ8_0],
        four @ (Scheme::Int4Asym | Scheme::Nf4) => vec![Scheme::Int2Asym, four, Scheme::Int8Sym],
        _ => vec![Scheme::Int2Asym, Scheme::Int4Sym, Scheme::Int8Sym],
    }
}

/// Which scheme each layer gets from each candidate: the same one if an override or its type decides.
fn note_schemes(
    batch: &RecordBatch,
    quantizers: &[Quantizer],
    schemes: &mut HashMap<String, Vec<Scheme>>,
) -> Result<()> {
    for tensor in crate::tensor::Tensor::all(batch)? {
        if !schemes.contains_key(tensor.layer) {
            let own = quantizers.iter().map(|quantizer| quantizer.settings(&tensor).scheme);
            schemes.insert(tensor.layer.to_owned(), own.collect());
        }
    }
    Ok(())
}

fn layers(measured: &[&[LayerQuality]], schemes: &HashMap<String, Vec<Scheme>>) -> Vec<Layer> {
    let Some(first) = measured.first() else { return Vec::new() };
    let mut layers = Vec::with_capacity(first.len());
    for (place, quality) in first.iter().enumerate() {
        let own = schemes.get(&quality.layer_name).map(Vec::as_slice).unwrap_or_default();
        let mut choices: Vec<Choice> = Vec::new();
        for (candidate, &scheme) in measured.iter().zip(own) {
            let LayerQuality { bits, sums, .. } = candidate[place];
            if choices.last().is_none_or(|last| last.scheme != scheme) {
                choices.push(Choice { scheme, bits, error: sums.error });
            }
        }
        layers.push(Layer { name: quality.layer_name.clone(), choices });
    }
    layers
}

/// The place of the choice for each layer, or the least bits that are possible.
fn choose(layers: &[Layer], most: f64) -> std::result::Result<Vec<usize>, u64> {
    let bits = |chosen: &[usize]| -> u64 {
        layers.iter().zip(chosen).map(|(layer, &place)| layer.choices[place].bits).sum()
    };
    let error = |chosen: &[usize]| -> f64 {
        layers.iter().zip(chosen).map(|(layer, &place)| layer.choices[place].error).sum()
    };
    let fits = |bits: u64| bits as f64 <= most;
    let cheapest = |layer: &Layer| -> usize {
        let order = |a: &Choice, b: &Choice| a.bits.cmp(&b.bits).then(a.error.total_cmp(&b.error));
        let places = 0..layer.choices.len();
        places.min_by(|&a, &b| order(&layer.choices[a], &layer.choices[b])).unwrap_or(0)
    };
    let mut chosen: Vec<usize> = layers.iter().map(cheapest).collect();
    let mut total = bits(&chosen);
    if !fits(total) {
        return Err(total);
    }
    loop {
        let mut best: Option<(f64, usize, usize)> = None;
        for (place, layer) in layers.iter().enumerate() {
            let now = layer.choices[chosen[place]];
            for (next, choice) in layer.choices.iter().enumerate() {
                let cost = choice.bits.saturating_sub(now.bits);
                let gain = now.error - choice.error;
                if gain <= 0.0 || !fits(total + cost) {
                    continue;
                }
                let worth = gain / cost.max(1) as f64;
                if best.is_none_or(|(most, ..)| worth > most) {
                    best = Some((worth, place, next));
                }
            }
        }
        let Some((_, place, next)) = best else { break };
        chosen[place] = next;
        total = bits(&chosen);
    }
    // One scheme for all may fit a target that steps from below do not reach.
    let count = layers.iter().map(|layer| layer.choices.len()).max().unwrap_or(0);
    for level in 0..count {
        let uniform: Vec<usize> =
            layers.iter().map(|layer| level.min(layer.choices.len().saturating_sub(1))).collect();
        if fits(bits(&uniform)) && error(&uniform) < error(&chosen) {
            chosen = uniform;
        }
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Layers whose scales and zero points take as many bits as their codes, or more, or none.
    fn any_layers() -> impl Strategy<Value = Vec<Layer>> {
        let besides = prop::array::uniform3(0u64..8);
        let layer = (1u64..1000, besides, prop::collection::vec(0.0f64..1.0, 3)).prop_map(
            |(size, besides, errors)| {
                let schemes = [Scheme::Int2Asym, Scheme::Int4Sym, Scheme::Int8Sym];
                let bits = [2, 4, 8].into_iter().zip(besides);
                let choices = schemes.into_iter().zip(bits).zip(errors);
                let choices = choices.map(|((scheme, (bits, besides)), error)| Choice {
                    scheme,
                    bits: size * (bits + besides),
                    error: error * size as f64,
                });
                Layer { name: String::new(), choices: choices.collect() }
            },
        );
        prop::collection::vec(layer, 1..8)
    }

    proptest! {
        #[test]
        fn the_choice_fits_and_no_single_scheme_that_fits_is_better(
            layers in any_layers(),
            share in 0.0f64..1.5,
        ) {
            let least = |layer: &Layer| layer.choices.iter().map(|it| it.bits).min().unwrap();
            let all_least: u64 = layers.iter().map(least).sum();
            let most = (share + 0.5) * all_least as f64;
            let total = |chosen: &[usize], of: fn(&Choice) -> f64| -> f64 {
                layers.iter().zip(chosen).map(|(layer, &place)| of(&layer.choices[place])).sum()
            };
            match choose(&layers, most) {
                Err(least) => prop_assert!(least == all_least && least as f64 > most),
                Ok(chosen) => {
                    prop_assert!(all_least as f64 <= most);
                    prop_assert!(total(&chosen, |it| it.bits as f64) <= most);
                    for level in 0..3 {
                        let uniform = vec![level; layers.len()];
                        if total(&uniform, |it| it.bits as f64) <= most {
                            let error = |chosen: &[usize]| total(chosen, |it| it.error);
                            prop_assert!(error(&chosen) <= error(&uniform));
                        }
                    }
                }
            }
        }
    }
}
