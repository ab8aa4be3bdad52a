//! Files in and out, runs that are cut short, and files that are not what they should be.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float32Type, Int64Type};
use safetensors::tensor::{Dtype, TensorView};

use super::run::run;
use super::*;
use crate::{Override, Quantizer, Scheme, Search, dequantize};

type Owned = (String, Dtype, Vec<usize>, Vec<u8>);

/// Numbers that look like weights.
fn weights(count: usize, seed: u32) -> Vec<f32> {
    let number = |index: usize| ((index as u32 ^ seed).wrapping_mul(2_654_435_761) >> 8) as f32;
    (0..count).map(|index| number(index) / 1e9 - 0.008).collect()
}

fn bytes(x: &[f32]) -> Vec<u8> {
    x.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// Tensors of every kind, as a model has them.
fn model() -> Vec<Owned> {
    let half = |x: &[f32]| x.iter().flat_map(|x| half::f16::from_f32(*x).to_le_bytes()).collect();
    let brain = |x: &[f32]| x.iter().flat_map(|x| half::bf16::from_f32(*x).to_le_bytes()).collect();
    vec![
        ("mlp.up".to_owned(), Dtype::F32, vec![64, 96], bytes(&weights(64 * 96, 1))),
        ("mlp.down".to_owned(), Dtype::F16, vec![32, 128], half(&weights(32 * 128, 2))),
        ("conv".to_owned(), Dtype::BF16, vec![8, 3, 32], brain(&weights(8 * 96, 3))),
        ("norm".to_owned(), Dtype::F32, vec![96], bytes(&weights(96, 4))),
        ("ids".to_owned(), Dtype::I64, vec![7, 1], (0..56).collect()),
        ("empty".to_owned(), Dtype::F32, vec![0, 4], Vec::new()),
        ("scale".to_owned(), Dtype::F32, vec![], bytes(&[0.5])),
    ]
}

/// Writes a file with the reference implementation.
fn write(path: &Path, tensors: &[Owned]) {
    let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
        (name.clone(), TensorView::new(*dtype, shape.clone(), bytes).unwrap())
    });
    safetensors::serialize_to_file(views, None, path).unwrap();
}

fn go_on(_: &Progress<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn small_chunks(chunk_bytes: usize) -> FileOptions {
    let options = Options {
        scheme: Scheme::Int4Asym,
        group_size: 32,
        search: Search::MinMax,
        ..Options::default()
    };
    FileOptions { options, chunk_bytes, ..FileOptions::default() }
}

/// Layer by layer: scheme, and the numbers that come back or the bytes that were kept.
fn restored(path: &Path) -> BTreeMap<String, (String, Vec<u8>)> {
    let mut layers: BTreeMap<String, (String, Vec<u8>)> = BTreeMap::new();
    for batch in read_quantized(path).unwrap() {
        let batch = batch.unwrap();
        for row in 0..batch.num_rows() {
            let text = |column: &str| batch[column].as_string::<i32>().value(row).to_owned();
            let (name, scheme) = (text("layer_name"), text("scheme"));
            let numbers = match dequantize(&batch.slice(row, 1)) {
                Ok(back) => {
                    let numbers = back["weights"].as_list::<i64>().value(0);
                    bytes(numbers.as_primitive::<Float32Type>().values())
                }
                Err(_) => batch["quantized_data"].as_binary::<i64>().value(row).to_vec(),
            };
            let layer = layers.entry(name).or_insert_with(|| (scheme.clone(), Vec::new()));
            assert_eq!(layer.0, scheme);
            layer.1.extend(numbers);
        }
    }
    layers
}

/// What quantizing in memory gives for the same options.
fn expected(source: &Path, options: &FileOptions) -> BTreeMap<String, (String, Vec<u8>)> {
    let rules = crate::options::Rules { keep_vectors: options.keep_vectors, keep_ragged: false };
    let mut quantizer = Quantizer::new(&options.options).unwrap().with_rules(rules);
    let mut layers = BTreeMap::new();
    for read in Source::open(source, usize::MAX).unwrap().batches(0).unwrap() {
        let output = quantizer.quantize(&read.unwrap().0).unwrap();
        let text = |column: &str| output[column].as_string::<i32>().value(0).to_owned();
        let numbers = match dequantize(&output) {
            Ok(back) => {
                let numbers = back["weights"].as_list::<i64>().value(0);
                bytes(numbers.as_primitive::<Float32Type>().values())
            }
            Err(_) => output["quantized_data"].as_binary::<i64>().value(0).to_vec(),
        };
        layers.insert(text("layer_name"), (text("scheme"), numbers));
    }
    layers
}

fn formats() -> Vec<&'static str> {
    let mut formats = vec!["arrow", "safetensors"];
    if cfg!(feature = "parquet") {
        formats.push("parquet");
    }
    formats
}

#[test]
fn every_format_gives_back_what_quantizing_in_memory_gives() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("model.safetensors");
    write(&source, &model());
    for chunk_bytes in [1, 1000, 10_000, 1 << 20] {
        let options = small_chunks(chunk_bytes);
        let expected = expected(&source, &options);
        assert_eq!(expected["ids"].0, "none");
        assert_eq!(
            (expected["norm"].0.as_str(), expected["conv"].0.as_str()),
            ("none", "int4_asym")
        );
        for format in formats() {
            let destination = directory.path().join(format!("quantized.{format}"));
            let report = quantize_file(&source, &destination, &options, go_on).unwrap();
            assert_eq!(restored(&destination), expected, "{format} {chunk_bytes}");
            assert_eq!(report.output_bytes, fs::metadata(&destination).unwrap().len());
            assert_eq!(report.layers.len(), 7);
            let input: usize = model().iter().map(|tensor| tensor.3.len()).sum();
            assert_eq!(report.input_bytes, input as u64);
            assert!(!directory.path().join(format!("quantized.{format}.partial")).exists());
        }
    }
}

#[test]
fn files_of_arrow_and_numpy_are_read_too() {
    let directory = tempfile::tempdir().unwrap();
    let options = FileOptions { keep_vectors: false, ..small_chunks(1000) };
    let x = weights(40 * 64, 9);
    let safetensors = directory.path().join("model.safetensors");
    write(&safetensors, &[("layer".to_owned(), Dtype::F32, vec![40, 64], bytes(&x))]);
    let expected = expected(&safetensors, &options);
    let npz = directory.path().join("model.npz");
    let array = npz::ArrayView::from_slice(&x, &[40, 64]).unwrap();
    npz::write_npz(&npz, [("layer", array)], npz::Compression::Stored).unwrap();
    let ipc = directory.path().join("model.arrow");
    let batches = Source::open(&safetensors, 3000).unwrap();
    let mut writer = None;
    for read in batches.batches(0).unwrap() {
        let batch = read.unwrap().0;
        let writer = writer.get_or_insert_with(|| {
            let file = fs::File::create(&ipc).unwrap();
            arrow_ipc::writer::FileWriter::try_new(file, &batch.schema()).unwrap()
        });
        writer.write(&batch).unwrap();
    }
    writer.unwrap().finish().unwrap();
    for source in [npz, ipc] {
        let destination = directory.path().join("quantized.safetensors");
        let report = quantize_file(&source, &destination, &options, go_on).unwrap();
        assert_eq!(restored(&destination), expected, "{}", source.display());
        assert!(report.chunks > 1, "{}", source.display());
    }
}

#[test]
fn shards_are_one_model() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let model = model();
    write(&at("a.safetensors"), &model[..3]);
    write(&at("b.safetensors"), &model[3..]);
    write(&at("whole.safetensors.tmp"), &model);
    let map: BTreeMap<&str, &str> = model
        .iter()
        .enumerate()
        .map(|(place, tensor)| {
            (tensor.0.as_str(), if place < 3 { "a.safetensors" } else { "b.safetensors" })
        })
        .collect();
    let index = at("model.safetensors.index.json");
    let write_index = |map: &BTreeMap<&str, &str>| {
        fs::write(&index, serde_json::json!({ "metadata": {}, "weight_map": map }).to_string())
            .unwrap();
    };
    let options = small_chunks(2000);
    let alone = tempfile::tempdir().unwrap();
    let whole = alone.path().join("whole.safetensors");
    write(&whole, &model);
    let expected = expected(&whole, &options);
    let result = alone.path().join("quantized.arrow");
    quantize_file(directory.path(), &result, &options, go_on).unwrap();
    assert_eq!(restored(&result), expected);
    write_index(&map);
    for source in [directory.path(), &index] {
        quantize_file(source, &result, &options, go_on).unwrap();
        assert_eq!(restored(&result), expected);
    }
    let parts = manifest(&index, 2000).unwrap();
    let bytes: i64 = parts["row_count"].as_primitive::<Int64Type>().values().iter().sum();
    assert_eq!(bytes, model.iter().map(|it| it.2.first().map_or(1, |n| *n as i64)).sum::<i64>());
    for (tensor, file, wrong) in [
        ("norm", "../b.safetensors", "no name of a file"),
        ("norm", "a.safetensors", "should be in"),
        ("other", "a.safetensors", "should be in"),
        ("norm", "missing.safetensors", "missing"),
    ] {
        let mut map = map.clone();
        map.insert(tensor, file);
        write_index(&map);
        let error = Source::open(&index, 2000).unwrap_err().to_string();
        assert!(error.contains(wrong), "{error}");
    }
    let mut fewer = map.clone();
    fewer.remove("conv");
    write_index(&fewer);
    assert!(Source::open(&index, 2000).unwrap_err().to_string().contains("not in the index"));
    fs::remove_file(&index).unwrap();
    write(&at("c.safetensors"), &model[..1]);
    let error = Source::open(directory.path(), 2000).unwrap_err().to_string();
    assert!(error.contains("is in") && error.contains("too"), "{error}");
}

/// What the test below starts: a process that ends in the middle of its work, as if it was killed.
#[test]
fn child_that_dies() {
    let Some(directory) = env::var_os("ARROW_QUANT_CHILD").map(PathBuf::from) else { return };
    let after: u64 = env::var("ARROW_QUANT_CHILD_AFTER").unwrap().parse().unwrap();
    let format = env::var("ARROW_QUANT_CHILD_FORMAT").unwrap();
    let mut told = 0;
    let _ = run(
        &directory.join("model.safetensors"),
        &directory.join(format!("quantized.{format}")),
        &small_chunks(1000),
        3000,
        |_| {
            told += 1;
            if told == after {
                std::process::abort();
            }
            ControlFlow::Continue(())
        },
    );
}

#[test]
fn a_run_that_died_is_gone_on_with_and_its_result_has_the_same_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("model.safetensors");
    write(&source, &model());
    for format in formats() {
        let destination = directory.path().join(format!("quantized.{format}"));
        let whole = run(&source, &destination, &small_chunks(1000), 3000, go_on).unwrap();
        let expected = fs::read(&destination).unwrap();
        fs::remove_file(&destination).unwrap();
        for after in [1, 9, 20, whole.chunks] {
            let died = Command::new(env::current_exe().unwrap())
                .args(["files::tests::child_that_dies", "--exact"])
                .env("ARROW_QUANT_CHILD", directory.path())
                .env("ARROW_QUANT_CHILD_AFTER", after.to_string())
                .env("ARROW_QUANT_CHILD_FORMAT", format)
                .output()
                .unwrap();
            assert!(!died.status.success() && !destination.exists(), "{after}");
            let report = run(&source, &destination, &small_chunks(1000), 3000, go_on).unwrap();
            assert_eq!(report.resumed_chunks > 0, after > 4, "{after}: {report:?}");
            assert_eq!((report.chunks, &report.layers), (whole.chunks, &whole.layers));
            assert!(report.started_over.is_none());
            assert!(fs::read(&destination).unwrap() == expected, "{format} after {after}");
            fs::remove_file(&destination).unwrap();
        }
    }
}

#[test]
fn other_options_or_another_source_start_over() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("model.safetensors");
    let destination = directory.path().join("quantized.arrow");
    let cancel = |done: u64| {
        move |told: &Progress<'_>| {
            if told.done_bytes >= done { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }
    };
    write(&source, &model());
    let options = small_chunks(1000);
    let other = FileOptions { keep_vectors: false, ..small_chunks(1000) };
    for (changed, wanted) in [(&options, None), (&other, Some("options"))] {
        let error = run(&source, &destination, &options, 3000, cancel(20_000)).unwrap_err();
        assert!(matches!(error, Error::Cancelled) && !destination.exists());
        let report = run(&source, &destination, changed, 3000, go_on).unwrap();
        assert_eq!(report.resumed_chunks > 0, wanted.is_none());
        assert_eq!(report.started_over.is_some(), wanted.is_some());
        assert!(report.started_over.unwrap_or_default().contains(wanted.unwrap_or_default()));
        fs::remove_file(&destination).unwrap();
    }
    run(&source, &destination, &options, 3000, cancel(20_000)).unwrap_err();
    let mut changed = model();
    changed[0].3[0] ^= 1;
    changed.pop();
    write(&source, &changed);
    let report = run(&source, &destination, &options, 3000, go_on).unwrap();
    assert!(report.started_over.unwrap().contains("source"));
    let not = FileOptions { resume: false, ..options.clone() };
    run(&source, &destination, &options, 3000, cancel(20_000)).unwrap_err();
    assert_eq!(run(&source, &destination, &not, 3000, go_on).unwrap().resumed_chunks, 0);
}

#[test]
fn a_run_that_fails_leaves_the_destination_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let mut broken = model();
    broken[0].3[4000..4004].copy_from_slice(&f32::NAN.to_le_bytes());
    write(&at("broken.safetensors"), &broken);
    write(&at("empty.safetensors"), &[]);
    write(&at("model.safetensors"), &model());
    fs::write(at("out.arrow"), "older").unwrap();
    let other = manifest(at("model.safetensors"), 1000).unwrap();
    let file = fs::File::create(at("other.arrow")).unwrap();
    let mut writer = arrow_ipc::writer::FileWriter::try_new(file, &other.schema()).unwrap();
    writer.write(&other).unwrap();
    writer.finish().unwrap();
    let attempt = |source: &str, destination: &str, options: &FileOptions| {
        let error = quantize_file(at(source), at(destination), options, go_on).unwrap_err();
        assert!(!at(&format!("{destination}.partial")).exists(), "{error}");
        error.to_string()
    };
    let options = small_chunks(1000);
    let error = attempt("broken.safetensors", "out.arrow", &options);
    assert!(error.contains("mlp.up") && error.contains("NaN"), "{error}");
    let error = attempt("empty.safetensors", "out.arrow", &options);
    assert!(error.contains("no layer"), "{error}");
    assert_eq!(fs::read(at("out.arrow")).unwrap(), b"older");
    let error = attempt("model.safetensors", "model.safetensors", &options);
    assert!(error.contains("source"), "{error}");
    assert!(attempt("model.safetensors", "out.txt", &options).contains("format"));
    assert!(attempt("model.safetensors", "out.npz", &options).contains("not written"));
    assert!(attempt("model.safetensors", "out.gguf", &options).contains("gguf_q8_0"));
    assert!(attempt("out.arrow", "out.safetensors", &options).contains("out.arrow"));
    assert!(attempt("nothing.safetensors", "out.arrow", &options).contains("nothing"));
    let error = quantize_file(at("model.safetensors"), at("typo/out.arrow"), &options, go_on);
    assert!(error.unwrap_err().to_string().contains("make it") && !at("typo").exists());
    let error = attempt("other.arrow", "out.arrow", &options);
    assert!(error.contains("other.arrow") && error.contains("layer_name"), "{error}");
    // A directory of somebody else's is not cleared.
    fs::create_dir(at("other.arrow.partial")).unwrap();
    fs::write(at("other.arrow.partial/thesis.txt"), "x").unwrap();
    let error =
        quantize_file(at("model.safetensors"), at("other.arrow"), &options, go_on).unwrap_err();
    assert!(
        error.to_string().contains("move it away") && at("other.arrow.partial/thesis.txt").exists()
    );
}

#[test]
fn two_runs_do_not_write_the_same_destination() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("model.safetensors");
    let destination = directory.path().join("quantized.arrow");
    write(&source, &model());
    let options = small_chunks(1000);
    let mut second = None;
    quantize_file(&source, &destination, &options, |_| {
        second.get_or_insert_with(|| {
            quantize_file(&source, &destination, &options, go_on).unwrap_err()
        });
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(second.unwrap().to_string().contains("another run"));
}

#[test]
fn gguf_holds_blocks_and_what_was_kept() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("model.safetensors");
    let mut model = model();
    model.push(("ragged".to_owned(), Dtype::F32, vec![4, 33], bytes(&weights(132, 5))));
    write(&source, &model);
    let options = Options {
        scheme: Scheme::GgufQ8_0,
        overrides: vec![Override {
            pattern: "mlp.*".to_owned(),
            scheme: Some(Scheme::GgufQ4_0),
            ..Override::default()
        }],
        ..Options::default()
    };
    let file_options = FileOptions { options, ..small_chunks(1000) };
    let destination = directory.path().join("out.gguf");
    let report = quantize_file(&source, &destination, &file_options, go_on).unwrap();
    let file = fs::read(&destination).unwrap();
    assert_eq!((&file[..4], file[4], file[8]), (&b"GGUF"[..], 3, 8));
    assert_eq!(report.layers.len(), 8);
    assert!(file.len().is_multiple_of(32));
    // The last tensor's bytes are at the end, before the padding.
    let ragged = bytes(&weights(132, 5));
    assert!(file.windows(ragged.len()).any(|window| window == ragged));
    let bad = vec![("b".to_owned(), Dtype::BOOL, vec![2, 2], vec![0, 1, 1, 0])];
    write(&source, &bad);
    let error = quantize_file(&source, &destination, &file_options, go_on).unwrap_err().to_string();
    assert!(error.contains("\"b\"") && error.contains("bool"), "{error}");
}

#[test]
fn a_target_is_met_by_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("model.safetensors");
    write(&source, &model()[..3]);
    let options = FileOptions { target_bits_per_weight: Some(5.0), ..small_chunks(1000) };
    let report =
        quantize_file(&source, directory.path().join("out.arrow"), &options, go_on).unwrap();
    let (bits, elements) = report
        .layers
        .iter()
        .fold((0, 0), |(bits, count), it| (bits + it.bits, count + it.elements));
    let found = bits as f64 / elements as f64;
    assert!(found <= 5.0 && found > 3.0, "{found}");
}

#[test]
fn work_that_was_done_to_the_last_batch_is_gone_on_with_whatever_the_source_is() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    write(&at("model.safetensors"), &model());
    let ipc = at("model.arrow");
    let source = Source::open(at("model.safetensors"), 3000).unwrap();
    let batches: Vec<_> = source.weights().unwrap().map(std::result::Result::unwrap).collect();
    let file = fs::File::create(&ipc).unwrap();
    let mut writer = arrow_ipc::writer::FileWriter::try_new(file, &batches[0].schema()).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
    for source in [ipc, at("model.safetensors")] {
        let destination = at("quantized.safetensors");
        let whole = run(&source, &destination, &small_chunks(3000), 3000, go_on).unwrap();
        let expected = fs::read(&destination).unwrap();
        fs::remove_file(&destination).unwrap();
        let mut told = 0;
        let cancelled = run(&source, &destination, &small_chunks(3000), 3000, |_| {
            told += 1;
            if told == whole.chunks { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert!(matches!(cancelled, Err(Error::Cancelled)));
        let report = run(&source, &destination, &small_chunks(3000), 3000, go_on).unwrap();
        assert_eq!(report.resumed_chunks, whole.chunks, "{}", source.display());
        assert!(fs::read(&destination).unwrap() == expected);
        fs::remove_file(&destination).unwrap();
    }
}

#[test]
fn a_source_that_changes_meanwhile_is_not_taken_for_whole() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("model.safetensors");
    let destination = directory.path().join("quantized.arrow");
    write(&source, &model());
    let error = quantize_file(&source, &destination, &small_chunks(1000), |_| {
        let mut changed = fs::OpenOptions::new().append(true).open(&source).unwrap();
        std::io::Write::write_all(&mut changed, b"x").unwrap();
        ControlFlow::Continue(())
    })
    .unwrap_err();
    assert!(error.to_string().contains("changed meanwhile") && !destination.exists(), "{error}");
}
