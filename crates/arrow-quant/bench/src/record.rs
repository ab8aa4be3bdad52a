//! What was measured.

use serde::{Deserialize, Serialize};

use crate::matrix::{COLUMNS, Matrix};

/// One tool, one scheme, one number of threads.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) tool: String,
    pub(crate) scheme: String,
    /// Bits of a code.
    pub(crate) bits: u8,
    pub(crate) threads: usize,
    /// The least of several runs.
    pub(crate) seconds: f64,
    /// The least that copying the matrix took between them.
    pub(crate) copy_seconds: f64,
    pub(crate) sqnr_db: Option<f64>,
}

/// One size of a matrix.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Size {
    pub(crate) bytes: usize,
    pub(crate) scheme: String,
    pub(crate) threads: usize,
    pub(crate) seconds: f64,
}

/// The matrix, for a reader of the results.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Shape {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) bytes: usize,
}

/// Everything of one run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) processor: String,
    pub(crate) matrix: Shape,
    pub(crate) records: Vec<Record>,
    /// Seconds of `quantize_arrow` of two packages.
    pub(crate) quantize_arrow: Vec<(String, f64)>,
    pub(crate) sizes: Vec<Size>,
}

impl Record {
    /// GB of input each second.
    pub(crate) fn speed(&self, matrix: &Shape) -> f64 {
        matrix.bytes as f64 / self.seconds / 1e9
    }

    pub(crate) fn is_ours(&self) -> bool {
        self.tool.starts_with("arrow")
    }
}

impl Results {
    pub(crate) fn new(matrix: &Matrix) -> Results {
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name"));
        let model =
            model.map_or("unknown processor", |line| line.trim_start_matches(['\t', ' ', ':']));
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Results {
            processor: format!("{model}, {processors} processors"),
            matrix: Shape { rows: matrix.rows, columns: COLUMNS, bytes: matrix.bytes() },
            records: Vec::new(),
            quantize_arrow: Vec::new(),
            sizes: Vec::new(),
        }
    }

    pub(crate) fn headline(&self) -> String {
        let Shape { rows, columns, bytes } = self.matrix;
        format!("{rows} x {columns} f32, {} MB, on {}", bytes / 1_000_000, self.processor)
    }

    /// The fastest of some records.
    pub(crate) fn fastest(&self, is_one: impl Fn(&Record) -> bool) -> Option<&Record> {
        let ones = self.records.iter().filter(|record| is_one(record));
        ones.min_by(|a, b| a.seconds.total_cmp(&b.seconds))
    }
}

/// The heading of the lines that [`print`] prints.
pub(crate) fn print_heading() {
    println!("{:<24}{:<36}{:>8}{:>8}{:>10}{:>7}", "", "", "threads", "GB/s", "x copying", "dB");
}

pub(crate) fn print(record: &Record, matrix: &Shape) {
    println!(
        "{:<24}{:<36}{:>8}{:>8.2}{:>10.3}{:>7}",
        record.tool,
        record.scheme,
        record.threads,
        record.speed(matrix),
        record.copy_seconds / record.seconds,
        record.sqnr_db.map_or("-".to_owned(), |db| format!("{db:.2}")),
    );
}
