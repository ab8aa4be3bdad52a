//! Any bytes as a file: no panic, no more memory than the file has, and what is read can be used.

use std::cell::RefCell;
use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;

use arrow_quant::files::{FileOptions, Source, manifest, quantize_file, read_quantized};
use arrow_quant::{Options, Quantizer, Scheme, Search, dequantize};

thread_local! {
    /// A directory of this process, in memory where there is such a place.
    static DIRECTORY: RefCell<Option<PathBuf>> = const { RefCell::new(None) };
}

fn directory() -> PathBuf {
    DIRECTORY.with_borrow_mut(|made| {
        let make = || {
            let memory = PathBuf::from("/dev/shm");
            let parent = if memory.is_dir() { memory } else { std::env::temp_dir() };
            let path = parent.join(format!("arrow-quant-fuzz-{}", std::process::id()));
            fs::create_dir_all(&path).expect("a directory for files");
            // The fuzzer's own hook ends the process before a panic can be caught, and those of the
            // libraries that read files are; any other still reaches the fuzzer.
            std::panic::set_hook(Box::new(|_| {}));
            path
        };
        made.get_or_insert_with(make).clone()
    })
}

/// Reads bytes as a file with that ending in every way there is.
pub(crate) fn read(ending: &str, data: &[u8]) {
    let path = directory().join(format!("model.{ending}"));
    fs::write(&path, data).expect("a file");
    let options = Options {
        scheme: Scheme::Int4Asym,
        group_size: 16,
        search: Search::MinMax,
        ..Options::default()
    };
    if let Ok(source) = Source::open(&path, 64) {
        let mut quantizer = Quantizer::new(&options).expect("options that can be");
        if let Ok(batches) = source.weights() {
            for batch in batches.take(64).map_while(Result::ok) {
                if let Ok(quantized) = quantizer.quantize(&batch) {
                    let _ = dequantize(&quantized);
                }
            }
        }
    }
    let _ = manifest(&path, 64);
    if let Ok(quantized) = read_quantized(&path) {
        for batch in quantized.take(64).map_while(Result::ok) {
            let _ = dequantize(&batch);
        }
    }
    let destination = directory().join("quantized.safetensors");
    let file_options = FileOptions { options, chunk_bytes: 64, ..FileOptions::default() };
    let done = quantize_file(&path, &destination, &file_options, |_| ControlFlow::Continue(()));
    if done.is_ok() {
        // What was written is read back.
        for batch in read_quantized(&destination).expect("our own file") {
            let batch = batch.expect("our own batch");
            assert!(batch.num_rows() > 0);
        }
    } else {
        assert!(!destination.exists());
    }
    let _ = fs::remove_file(&destination);
}
