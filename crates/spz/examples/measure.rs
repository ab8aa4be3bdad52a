//! What reading a file takes: `measure read FILE`, `measure inflate FILE`. On Linux.
//!
//! Prints seconds of the processor, seconds, the most memory in bytes, and the bytes of the result.
//! `inflate` does what every reader must: it reads the gzip stream and sums it up, with the same
//! library and in the same pieces, and keeps nothing.
#![allow(clippy::print_stdout, reason = "a program for the benchmark")]

use std::error::Error;
use std::fs::{self, File};
use std::io::Read as _;
use std::time::Instant;

use spz::{Field, Options};
use zlib_rs::{Inflate, InflateFlush, Status};

const PIECE: usize = 128 << 10;
/// What the kernel counts in, on every machine that Linux runs on today.
const TICKS: f64 = 100.0;

fn inflate(path: &str) -> Result<usize, Box<dyn Error>> {
    let mut file = File::open(path)?;
    // The generator writes a header without optional parts.
    file.read_exact(&mut [0; 10])?;
    let mut inflate = Inflate::new(false, 15);
    let mut sum = crc32fast::Hasher::new();
    let (mut packed, mut data) = (vec![0; 2 * PIECE], vec![0; PIECE]);
    let (mut start, mut end) = (0, 0);
    loop {
        if start == end {
            (start, end) = (0, file.read(&mut packed)?);
        }
        let (before_in, before_out) = (inflate.total_in(), inflate.total_out());
        let status = inflate
            .decompress(&packed[start..end], &mut data, InflateFlush::NoFlush)
            .map_err(|error| error.as_str())?;
        start += (inflate.total_in() - before_in) as usize;
        sum.update(&data[..(inflate.total_out() - before_out) as usize]);
        if status == Status::StreamEnd {
            std::hint::black_box(sum.finalize());
            return Ok(inflate.total_out() as usize);
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, path] = arguments.as_slice() else {
        return Err("usage: measure read|inflate FILE".into());
    };
    let start = Instant::now();
    let mut cloud = None;
    let bytes = match what.as_str() {
        "inflate" => inflate(path)?,
        "read" => {
            let read = cloud.insert(spz::read_file(path, &Options::default())?);
            let arrays = Field::ALL.into_iter().filter_map(|field| read.array(field));
            arrays.map(size_of_val).sum()
        }
        other => return Err(format!("{other} is neither read nor inflate").into()),
    };
    let elapsed = start.elapsed().as_secs_f64();
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split(' ').collect();
    let ticks: u64 = fields[12].parse::<u64>()? + fields[13].parse::<u64>()?;
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse()?;
    println!("{:.3} {elapsed:.3} {} {bytes}", ticks as f64 / TICKS, peak * 1024);
    drop(cloud);
    Ok(())
}
