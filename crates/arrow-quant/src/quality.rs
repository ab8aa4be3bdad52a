//! How much was lost: from sums of squares to decibels.

use std::collections::HashMap;

use crate::kernel::Sums;

impl Sums {
    /// The signal-to-quantization-noise ratio in dB: `10 log10(Σx² / Σ(x - x̂)²)`; infinite if nothing
    /// was lost.
    #[must_use]
    pub fn sqnr_db(&self) -> f32 {
        if self.error == 0.0 {
            return f32::INFINITY;
        }
        (10.0 * (self.signal / self.error).log10()) as f32
    }

    /// The cosine similarity: `Σx x̂ / √(Σx² Σx̂²)`, where `Σx x̂ = (Σx² + Σx̂² - Σ(x - x̂)²) / 2`. It is 1
    /// if nothing was lost, and 0 if everything came back as zero.
    #[must_use]
    pub fn cosine(&self) -> f32 {
        if self.error == 0.0 {
            return 1.0;
        }
        // Roots first, since a product of the sums may be too small or too large.
        let lengths = self.signal.sqrt() * self.returned.sqrt();
        if lengths == 0.0 {
            return 0.0;
        }
        (0.5 * (self.signal + self.returned - self.error) / lengths) as f32
    }

    /// The largest difference of a number and what came back.
    #[must_use]
    pub fn max_abs_err(&self) -> f32 {
        self.worst as f32
    }
}

/// How much a layer lost, and what it takes.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerQuality {
    /// The layer.
    pub layer_name: String,
    /// Its weights.
    pub elements: u64,
    /// Bits of its codes, scales and zero points: what the buffers hold, each scale counted as
    /// `scale_dtype` says.
    pub bits: u64,
    /// What it lost.
    pub sums: Sums,
}

impl LayerQuality {
    /// Bits for each weight, with scales and zero points; `None` without weights.
    #[must_use]
    pub fn bits_per_weight(&self) -> Option<f64> {
        (self.elements > 0).then(|| self.bits as f64 / self.elements as f64)
    }
}

/// Layers in the order in which they were first seen.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    qualities: Vec<LayerQuality>,
    places: HashMap<String, usize>,
}

impl Layers {
    /// Adds a part of a layer, sum by sum, so that the total does not depend on how it was divided.
    pub(crate) fn add(&mut self, name: &str, elements: u64, bits: u64, sums: &[Sums]) {
        let place = *self.places.entry(name.to_owned()).or_insert(self.qualities.len());
        if place == self.qualities.len() {
            let layer_name = name.to_owned();
            let sums = Sums::default();
            self.qualities.push(LayerQuality { layer_name, elements: 0, bits: 0, sums });
        }
        let layer = &mut self.qualities[place];
        layer.elements += elements;
        layer.bits += bits;
        for part in sums {
            layer.sums.add(*part);
        }
    }

    /// Puts what is known of a layer in the place of what is here.
    pub(crate) fn set(&mut self, quality: LayerQuality) {
        match self.places.get(&quality.layer_name) {
            Some(&place) => self.qualities[place] = quality,
            None => {
                self.places.insert(quality.layer_name.clone(), self.qualities.len());
                self.qualities.push(quality);
            }
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&LayerQuality> {
        self.places.get(name).map(|&place| &self.qualities[place])
    }

    pub(crate) fn all(&self) -> &[LayerQuality] {
        &self.qualities
    }
}
