//! A file of weights to a file of codes.

use std::fs::{self, File};
use std::io::BufWriter;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::mpsc;
use std::thread;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Int32Type, Int64Type, UInt8Type};
use arrow_schema::{ArrowError, SchemaRef};

use super::assemble::assemble;
use super::journal::{Journal, LayerState, Opening, Row, Segment};
use super::source::{Read, Source};
use super::{FileOptions, FileReport, Format, Progress, bad, failed, io};
use crate::allocate::allocate_with;
use crate::error::{Error, Result};
use crate::options::{Options, Rules};
use crate::quantize::Quantizer;

/// Bytes of weights whose results are brought to the disk together: what a kill can lose.
const SEGMENT: u64 = 256 << 20;

/// Quantizes the layers of a file, a directory of shards or their index into another file.
///
/// Weights are read a chunk at a time, so memory is that of a few chunks, however large the model is
/// (an array of an npz file is one chunk, as is a batch of an Arrow file). What is finished is kept in
/// `DESTINATION.partial`; a run that was killed, cancelled or ended by a full disk goes on there if
/// source and options are the same, and its result has the same bytes as if it had not ended. The
/// destination appears whole, by a rename, and is not touched before.
///
/// `progress` is told of each chunk, and ends the work with [`ControlFlow::Break`].
///
/// # Errors
/// Options that cannot be, sources that [`Source::open`] refuses or that hold no layer, everything that
/// stops [`Quantizer::quantize`], layers that the destination's format cannot hold, files that cannot be
/// read or written, and [`Error::Cancelled`].
pub fn quantize_file(
    source: impl AsRef<Path>,
    destination: impl AsRef<Path>,
    file_options: &FileOptions,
    progress: impl FnMut(&Progress<'_>) -> ControlFlow<()>,
) -> Result<FileReport> {
    run(source.as_ref(), destination.as_ref(), file_options, SEGMENT, progress)
}

/// The same with segments of another size.
pub(super) fn run(
    source: &Path,
    destination: &Path,
    file_options: &FileOptions,
    segment: u64,
    mut progress: impl FnMut(&Progress<'_>) -> ControlFlow<()>,
) -> Result<FileReport> {
    let format = output_format(destination, file_options)?;
    let source = Source::open(source, file_options.chunk_bytes)?;
    refuse_own_source(&source, destination)?;
    let rules =
        Rules { keep_vectors: file_options.keep_vectors, keep_ragged: format == Format::Gguf };
    let mut options = file_options.options.clone();
    options.validate()?;
    if let Some(target) = file_options.target_bits_per_weight {
        let batches = source.batches(0)?.map(|read| Ok(read.map_err(ArrowError::from)?.0));
        options.overrides = allocate_with(batches, &options, rules, target)?;
    }
    let settings = format!(
        "{:?} {rules:?} chunks of {}",
        Options { threads: None, ..options.clone() },
        file_options.chunk_bytes
    );
    let opening = Opening::new(source.identity()?, settings);
    let mut journal = Journal::open(destination, &opening, file_options.resume)?;
    let mut quantizer = Quantizer::new(&options)?.with_rules(rules);
    let resumed_chunks = journal.segments.iter().map(|segment| segment.batches).sum();
    for segment in &journal.segments {
        segment.layers.iter().for_each(|layer| quantizer.continue_layer(layer.into()));
    }
    let todo = Todo { source: &source, skip: resumed_chunks, segment };
    let done =
        quantize_rest(&todo, &mut journal, &mut quantizer, &mut progress).and_then(
            |()| match source.identity()? == opening.source {
                true => assemble(&journal, format, destination, &quantizer),
                false => Err(bad(source.path(), "it was changed meanwhile: quantize it again")),
            },
        );
    if let Err(error) = done {
        // Work that can go on later stays.
        let is_of_use = matches!(error, Error::Io { .. } | Error::Cancelled) && file_options.resume;
        if !is_of_use || journal.segments.is_empty() {
            journal.remove()?;
        }
        return Err(error);
    }
    let report = FileReport {
        destination: destination.to_path_buf(),
        format,
        layers: quantizer.layers().to_vec(),
        input_bytes: journal.segments.iter().map(|segment| segment.input_bytes).sum(),
        output_bytes: fs::metadata(journal.result_path()).map_err(io(destination))?.len(),
        chunks: journal.segments.iter().map(|segment| segment.batches).sum(),
        resumed_chunks,
        started_over: journal.started_over.clone(),
    };
    journal.finish(destination)?;
    Ok(report)
}

fn output_format(destination: &Path, options: &FileOptions) -> Result<Format> {
    let format = options.format.or_else(|| Format::from_path(destination)).ok_or_else(|| {
        bad(
            destination,
            "its name says no format that is written here: .parquet, .arrow, .safetensors or .gguf",
        )
    })?;
    match format {
        Format::Npz => Err(bad(destination, "npz is read here, and not written")),
        #[cfg(not(feature = "parquet"))]
        Format::Parquet => {
            Err(bad(destination, "this build writes no Parquet: it lacks the feature `parquet`"))
        }
        Format::Gguf => {
            let chosen = &options.options;
            let schemes = chosen.overrides.iter().filter_map(|other| other.scheme);
            if let Some(other) = schemes.chain([chosen.scheme]).find(|scheme| scheme.is_grouped()) {
                let reason = format!(
                    "GGUF holds no {}: choose the schemes gguf_q8_0, gguf_q4_0 or none",
                    other.name()
                );
                return Err(bad(destination, reason));
            }
            let floors =
                chosen.overrides.iter().filter_map(|other| other.fallback_sqnr_db.flatten());
            if chosen.fallback_sqnr_db.into_iter().chain(floors).next().is_some() {
                let reason = "a layer of a GGUF file has one type, so parts of it cannot fall back: \
                              leave fallback_sqnr_db out, or give a target in bits for each weight";
                return Err(bad(destination, reason));
            }
            Ok(format)
        }
        _ => Ok(format),
    }
}

fn refuse_own_source(source: &Source, destination: &Path) -> Result<()> {
    let Ok(place) = fs::canonicalize(destination) else { return Ok(()) };
    if place.is_dir() {
        return Err(bad(destination, "it is a directory"));
    }
    for file in &source.files {
        if fs::canonicalize(file).is_ok_and(|file| file == place) {
            return Err(bad(destination, "it is the source too: name another destination"));
        }
    }
    Ok(())
}

/// What is not done yet.
struct Todo<'a> {
    source: &'a Source,
    /// Batches that are done.
    skip: usize,
    /// Bytes of weights in a segment.
    segment: u64,
}

/// Quantizes what is not done yet, segment by segment.
fn quantize_rest(
    todo: &Todo<'_>,
    journal: &mut Journal,
    quantizer: &mut Quantizer,
    progress: &mut impl FnMut(&Progress<'_>) -> ControlFlow<()>,
) -> Result<()> {
    let Todo { source, skip, segment } = *todo;
    let mut done: u64 = journal.segments.iter().map(|segment| segment.input_bytes).sum();
    thread::scope(|scope| {
        // One chunk is read while another is quantized, and no more are in memory.
        let (sender, chunks) = mpsc::sync_channel::<Read>(0);
        let batches = source.batches(skip)?;
        scope.spawn(move || {
            for read in batches {
                let is_last = read.is_err();
                if sender.send(read).is_err() || is_last {
                    break;
                }
            }
        });
        let mut writer: Option<SegmentWriter> = None;
        for read in chunks {
            let (batch, bytes) = read?;
            let output = quantizer.quantize(&batch)?;
            let open = match writer.take() {
                Some(open) => open,
                None => SegmentWriter::new(journal, quantizer.schema())?,
            };
            let open = open.add(&output, bytes)?;
            done += bytes;
            let layer = open.rows.last().map_or("", |row| row.layer.as_str());
            let told = progress(&Progress {
                layer,
                done_bytes: done,
                total_bytes: source.bytes.max(done),
            });
            let is_cancelled = told.is_break();
            if open.input_bytes >= segment || is_cancelled {
                journal.add(open.finish(quantizer)?)?;
            } else {
                writer = Some(open);
            }
            if is_cancelled {
                return Err(Error::Cancelled);
            }
        }
        if let Some(open) = writer {
            journal.add(open.finish(quantizer)?)?;
        }
        match journal.segments.iter().any(|segment| !segment.rows.is_empty()) {
            true => Ok(()),
            false => Err(bad(source.path(), "it holds no layer, so there is nothing to write")),
        }
    })
}

/// A segment that is being written.
struct SegmentWriter {
    file: arrow_ipc::writer::FileWriter<BufWriter<File>>,
    path: std::path::PathBuf,
    batches: usize,
    input_bytes: u64,
    rows: Vec<Row>,
}

impl SegmentWriter {
    fn new(journal: &Journal, schema: &SchemaRef) -> Result<SegmentWriter> {
        let path = journal.segment_path(journal.segments.len());
        let file = BufWriter::with_capacity(1 << 20, File::create(&path).map_err(io(&path))?);
        let file = arrow_ipc::writer::FileWriter::try_new(file, schema).map_err(failed(&path))?;
        Ok(SegmentWriter { file, path, batches: 0, input_bytes: 0, rows: Vec::new() })
    }

    fn add(mut self, batch: &RecordBatch, bytes: u64) -> Result<SegmentWriter> {
        self.file.write(batch).map_err(failed(&self.path))?;
        self.batches += 1;
        self.input_bytes += bytes;
        self.rows.extend(rows(batch));
        Ok(self)
    }

    fn finish(mut self, quantizer: &Quantizer) -> Result<Segment> {
        self.file.finish().map_err(failed(&self.path))?;
        let file = self.file.into_inner().map_err(failed(&self.path))?;
        let file = file.into_inner().map_err(|error| io(&self.path)(error.into_error()))?;
        file.sync_all().map_err(io(&self.path))?;
        let mut layers: Vec<LayerState> = Vec::new();
        let mut last = "";
        for row in &self.rows {
            if row.layer != last
                && let Some(quality) = quantizer.layer(&row.layer)
            {
                layers.push(quality.into());
            }
            last = &row.layer;
        }
        Ok(Segment {
            batches: self.batches,
            input_bytes: self.input_bytes,
            file_bytes: file.metadata().map_err(io(&self.path))?.len(),
            layers,
            rows: self.rows,
        })
    }
}

/// What the rows of a quantized batch are.
fn rows(batch: &RecordBatch) -> Vec<Row> {
    let text = |column: &str, row: usize| batch[column].as_string::<i32>().value(row).to_owned();
    let integer = |column: &str, row: usize| batch[column].as_primitive::<Int64Type>().value(row);
    let length = |column: &str, row: usize| batch[column].as_list::<i64>().value_length(row) as u64;
    (0..batch.num_rows())
        .map(|row| Row {
            layer: text("layer_name", row),
            shape: batch["shape"]
                .as_list::<i32>()
                .value(row)
                .as_primitive::<Int64Type>()
                .values()
                .to_vec(),
            row_start: integer("row_start", row),
            row_count: integer("row_count", row),
            dtype: text("dtype", row),
            scheme: text("scheme", row),
            bit_width: batch["bit_width"].as_primitive::<UInt8Type>().value(row),
            group_size: batch["group_size"].as_primitive::<Int32Type>().value(row),
            scale_dtype: text("scale_dtype", row),
            codes: batch["quantized_data"].as_binary::<i64>().value(row).len() as u64,
            scales: length("scales", row),
            zeros: length("zero_points", row),
        })
        .collect()
}
