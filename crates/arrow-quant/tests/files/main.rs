//! Files through the public API: the memory of a process, a kill, and damage.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::env;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use arrow_quant::files::{FileOptions, Progress, Source, quantize_file, read_quantized};
use arrow_quant::{Options, Scheme, Search, dequantize};
use serde_json::json;

/// Formats that are written and read back.
const FORMATS: &[&str] = if cfg!(feature = "parquet") {
    &["arrow", "safetensors", "parquet"]
} else {
    &["arrow", "safetensors"]
};

fn go_on(_: &Progress<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn options() -> FileOptions {
    let options =
        Options { scheme: Scheme::Int4Asym, search: Search::MinMax, ..Options::default() };
    FileOptions { options, ..FileOptions::default() }
}

/// Writes safetensors with so many matrices of `f32`.
fn write(path: &Path, layers: usize, rows: usize, columns: usize) {
    let bytes = rows * columns * 4;
    let header: serde_json::Map<_, _> = (0..layers)
        .map(|layer| {
            let offsets = [layer * bytes, (layer + 1) * bytes];
            let value = json!({"dtype": "F32", "shape": [rows, columns], "data_offsets": offsets});
            (format!("layers.{layer}"), value)
        })
        .collect();
    let header = serde_json::to_vec(&header).unwrap();
    let mut file = BufWriter::new(File::create(path).unwrap());
    file.write_all(&(header.len() as u64).to_le_bytes()).unwrap();
    file.write_all(&header).unwrap();
    let mut state = 1u32;
    for _ in 0..layers * rows {
        let row: Vec<u8> = (0..columns)
            .flat_map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                ((state >> 8) as f32 / 1e9 - 0.008).to_le_bytes()
            })
            .collect();
        file.write_all(&row).unwrap();
    }
    file.flush().unwrap();
}

/// What the tests below start: a process that does nothing but quantize, and says with how much memory.
#[test]
fn child() {
    let Some(directory) = env::var_os("ARROW_QUANT_FILES_CHILD").map(PathBuf::from) else { return };
    let format = env::var("ARROW_QUANT_FILES_FORMAT").unwrap();
    let destination = directory.join(format!("quantized.{format}"));
    quantize_file(directory.join("model.safetensors"), destination, &options(), go_on).unwrap();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.map(|line| line.trim().trim_end_matches(" kB").to_owned());
    fs::write(directory.join("peak"), peak.unwrap_or_default()).unwrap();
}

fn start(directory: &Path, format: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["child", "--exact"])
        .env("ARROW_QUANT_FILES_CHILD", directory)
        .env("ARROW_QUANT_FILES_FORMAT", format);
    command
}

#[cfg(target_os = "linux")]
#[test]
fn memory_is_that_of_the_result_and_a_few_chunks() {
    let directory = tempfile::tempdir().unwrap();
    write(&directory.path().join("model.safetensors"), 5, 4096, 4096);
    for format in FORMATS {
        assert!(start(directory.path(), format).output().unwrap().status.success());
        let peak: u64 = fs::read_to_string(directory.path().join("peak")).unwrap().parse().unwrap();
        let result = directory.path().join(format!("quantized.{format}"));
        let output = fs::metadata(&result).unwrap().len() >> 10;
        assert!(peak < output + (64 << 10), "{format}: {peak} kB for a result of {output} kB");
        fs::remove_file(result).unwrap();
    }
}

#[test]
fn a_killed_process_leaves_no_destination_and_is_gone_on_with() {
    let directory = tempfile::tempdir().unwrap();
    write(&directory.path().join("model.safetensors"), 10, 2048, 4096);
    let destination = directory.path().join("quantized.arrow");
    assert!(start(directory.path(), "arrow").output().unwrap().status.success());
    let expected = fs::read(&destination).unwrap();
    fs::remove_file(&destination).unwrap();
    let mut child = start(directory.path(), "arrow").stdout(Stdio::null()).spawn().unwrap();
    // Whatever it has done by the time that its first segment is finished.
    let journal = directory.path().join("quantized.arrow.partial/journal.jsonl");
    while child.try_wait().unwrap().is_none() {
        if fs::read_to_string(&journal).is_ok_and(|text| text.lines().count() > 1) {
            break;
        }
    }
    // On Unix this is signal 9.
    let _ = child.kill();
    child.wait().unwrap();
    if destination.exists() {
        // It was faster: what it left is whole.
        assert!(fs::read(&destination).unwrap() == expected);
        return;
    }
    let source = directory.path().join("model.safetensors");
    let report = quantize_file(source, &destination, &options(), go_on).unwrap();
    assert!(report.resumed_chunks > 0 && report.started_over.is_none(), "{report:?}");
    assert!(fs::read(&destination).unwrap() == expected);
}

/// Everything that is read from a file, used.
fn read(path: &Path) -> (bool, bool) {
    let weights = Source::open(path, 100).is_ok_and(|source| {
        source.weights().is_ok_and(|mut batches| batches.all(|batch| batch.is_ok()))
    });
    let codes = read_quantized(path).is_ok_and(|mut batches| {
        batches.all(|batch| batch.is_ok_and(|batch| dequantize(&batch).is_ok()))
    });
    (weights, codes)
}

#[test]
fn damaged_files_end_in_errors_or_in_numbers() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("model.safetensors");
    write(&source, 2, 8, 32);
    let mut files = vec![(source.clone(), (true, false))];
    for format in FORMATS {
        let file = directory.path().join(format!("quantized.{format}"));
        quantize_file(&source, &file, &options(), go_on).unwrap();
        let expected = (true, true);
        files.push((file, expected));
    }
    for (path, expected) in files {
        assert_eq!(read(&path), expected, "{}", path.display());
        let whole = fs::read(&path).unwrap();
        let damaged =
            path.with_file_name(format!("damaged.{}", path.extension().unwrap().display()));
        // A file that is cut off is none.
        for length in (0..whole.len()).step_by(whole.len() / 50 + 1) {
            fs::write(&damaged, &whole[..length]).unwrap();
            assert_eq!(read(&damaged), (false, false), "{} of {}", length, path.display());
        }
        for place in (0..whole.len()).step_by(whole.len() / 300 + 1) {
            for flip in [1, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[place] ^= flip;
                fs::write(&damaged, bytes).unwrap();
                read(&damaged);
            }
        }
    }
}
