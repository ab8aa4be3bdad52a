//! Quantized weights against the weights that they stand for.

use arrow_array::RecordBatch;

use crate::dequantize::Coded;
use crate::error::{Error, Result};
use crate::kernel::Sums;
use crate::options::Scheme;
use crate::quality::{LayerQuality, Layers};
use crate::quantize::total;
use crate::tensor::Tensor;
use crate::work::{Workers, pieces};

/// How much a row of a record batch lost, and what it takes.
#[derive(Debug, Clone, PartialEq)]
pub struct RowQuality {
    /// The layer.
    pub layer_name: String,
    /// Where the row starts along the first axis of the layer.
    pub row_start: i64,
    /// Its weights.
    pub elements: u64,
    /// Bits of its codes, scales and zero points.
    pub bits: u64,
    /// What it lost.
    pub sums: Sums,
}

/// What [`evaluate()`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Row by row.
    pub rows: Vec<RowQuality>,
    /// Layer by layer, in the order of their first appearance.
    pub layers: Vec<LayerQuality>,
}

/// Compares quantized batches with those that they were made of, which must come in the same order.
///
/// The result has the same bits as what quantizing measured, except for numbers beyond 1e±12 in size.
///
/// # Errors
/// Batches that are not of the same weights, and everything that stops
/// [`quantize`](crate::Quantizer::quantize) and [`dequantize`](crate::dequantize()).
pub fn evaluate<'a, 'b>(
    originals: impl IntoIterator<Item = &'a RecordBatch>,
    quantized: impl IntoIterator<Item = &'b RecordBatch>,
) -> Result<Evaluation> {
    let workers = Workers::new(None)?;
    let mut layers = Layers::default();
    let mut rows = Vec::new();
    let (mut originals, mut quantized) = (originals.into_iter(), quantized.into_iter());
    loop {
        let (original, coded) = match (originals.next(), quantized.next()) {
            (Some(original), Some(coded)) => (Tensor::all(original)?, Coded::all(coded)?),
            (None, None) => return Ok(Evaluation { rows, layers: layers.all().to_vec() }),
            _ => {
                let reason = "one stream has more batches than the other".to_owned();
                return Err(Error::Mismatch { reason });
            }
        };
        if original.len() != coded.len() {
            let reason = format!("{} rows and {} rows", original.len(), coded.len());
            return Err(Error::Mismatch { reason });
        }
        for (tensor, coded) in original.iter().zip(&coded) {
            let sums = compare(&workers, tensor, coded)?;
            let (elements, bits) = (coded.len() as u64, coded.bits());
            layers.add(tensor.layer, elements, bits, &sums);
            rows.push(RowQuality {
                layer_name: tensor.layer.to_owned(),
                row_start: tensor.row_start,
                elements,
                bits,
                sums: total(&sums),
            });
        }
    }
}

fn compare(workers: &Workers, tensor: &Tensor<'_>, coded: &Coded<'_>) -> Result<Vec<Sums>> {
    let row = tensor.row;
    if (tensor.layer, &tensor.shape, tensor.row_start, tensor.rows, tensor.columns)
        != (coded.layer, &coded.shape, coded.row_start, coded.layout.rows, coded.layout.columns)
    {
        let reason = format!(
            "row {row} is {:?} {:?} from {} on, and {:?} {:?} from {} on",
            tensor.layer, tensor.shape, tensor.row_start, coded.layer, coded.shape, coded.row_start
        );
        return Err(Error::Mismatch { reason });
    }
    if coded.scheme == Scheme::None {
        if tensor.dtype == coded.dtype && tensor.weights.are(coded.codes) {
            return Ok(Vec::new());
        }
        let reason = format!("row {row}: {:?} was kept, and is not the same", tensor.layer);
        return Err(Error::Mismatch { reason });
    }
    let mut memory = crate::slab::Slab::new(0, coded.len(), 0)?;
    let (_, returned, _) = memory.parts();
    coded.restore(workers, returned);
    let returned = &*returned;
    let results = workers.run(pieces(&coded.layout), |piece| {
        let range = piece.start..piece.start + piece.length();
        let x = tensor.weights.as_f32(range.clone());
        if let Some(index) = x.iter().position(|x| !x.is_finite()) {
            return Err((piece.start + index, x[index]));
        }
        let spans = x.chunks(piece.span).zip(returned[range].chunks(piece.span));
        let group = coded.layout.group;
        Ok(spans.map(|(x, returned)| workers.level.judge(group, x, returned)).collect::<Vec<_>>())
    });
    let mut all = Vec::new();
    for result in results {
        let layer = || tensor.layer.to_owned();
        all.extend(result.map_err(|(index, value)| Error::NonFinite {
            layer: layer(),
            row,
            index,
            value,
        })?);
    }
    Ok(all)
}
