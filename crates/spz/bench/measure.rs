//! What reading a file takes: `measure WHAT FILE`. On Linux.
//!
//! Prints seconds of the processor, seconds, the most memory in bytes, and the bytes of the result.
//!
//! - `read` decodes all arrays.
//! - `inflate` inflates the gzip stream into memory and sums it up, with the same library.
//! - `pass` does the same in pieces and keeps nothing: the least that anybody can do.
//! - `touch` writes into as much new memory as the arrays are: the least that it takes to have them.
#![allow(clippy::print_stdout, reason = "a program for the benchmark")]

use std::error::Error;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::time::Instant;

use npz::Buffer;
use spz::{Field, Options};
use zlib_rs::{Inflate, InflateError, InflateFlush, Status};

const PIECE: usize = 128 << 10;
/// What the kernel counts in, on every machine that Linux runs on today.
const TICKS: f64 = 100.0;

/// Inflates into `room`, from the front again whenever it is full.
fn inflate(path: &str, room: &mut [u8]) -> Result<usize, Box<dyn Error>> {
    let mut file = File::open(path)?;
    // The generator writes a header without optional parts.
    file.read_exact(&mut [0; 10])?;
    let mut inflate = Inflate::new(false, 15);
    let mut sum = crc32fast::Hasher::new();
    let length = room.len();
    let mut packed = vec![0; 2 * PIECE];
    let (mut start, mut end, mut filled) = (0, 0, 0);
    loop {
        if start == end {
            (start, end) = (0, file.read(&mut packed)?);
        }
        let (before_in, before_out) = (inflate.total_in(), inflate.total_out());
        let status = inflate
            .decompress(
                &packed[start..end],
                &mut room[filled..(filled + PIECE).min(length)],
                InflateFlush::NoFlush,
            )
            .map_err(InflateError::as_str)?;
        start += (inflate.total_in() - before_in) as usize;
        let produced = (inflate.total_out() - before_out) as usize;
        sum.update(&room[filled..filled + produced]);
        filled = if filled + produced == length { 0 } else { filled + produced };
        if status == Status::StreamEnd {
            std::hint::black_box(sum.finalize());
            return Ok(inflate.total_out() as usize);
        }
    }
}

/// The bytes in a gzip stream, as its last four say.
fn stored(path: &str) -> Result<usize, Box<dyn Error>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::End(-4))?;
    let mut length = [0; 4];
    file.read_exact(&mut length)?;
    Ok(u32::from_le_bytes(length) as usize)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, path] = arguments.as_slice() else {
        return Err("usage: measure read|inflate|pass|touch FILE".into());
    };
    let start = Instant::now();
    let mut cloud = None;
    let bytes = match what.as_str() {
        "inflate" => inflate(path, &mut Buffer::zeroed(stored(path)?)?)?,
        "pass" => inflate(path, &mut vec![0; PIECE])?,
        "touch" => {
            let info = spz::info_file(path)?;
            let numbers: usize = Field::ALL.iter().map(|&field| info.numbers(field)).sum();
            let mut memory = Buffer::zeroed(info.num_points * numbers * size_of::<f32>())?;
            memory.fill(1);
            std::hint::black_box(memory.len())
        }
        "read" => {
            let read = cloud.insert(spz::read_file(path, &Options::default())?);
            let arrays = Field::ALL.into_iter().filter_map(|field| read.array(field));
            arrays.map(size_of_val).sum()
        }
        other => return Err(format!("{other} is none of read, inflate, pass and touch").into()),
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
