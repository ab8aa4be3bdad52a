//! What hostile files may cost: no time and no memory. Alone in its binary, since memory is counted
//! by process.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "all of this is test code")]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use spz::Options;
use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Status};

/// More than the goal of a tenth of a second, as machines of tests are busy and nothing is optimised.
const LONGEST: Duration = Duration::from_secs(2);
const MOST_MEMORY: u64 = 16 << 20;

fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

fn gzip(pieces: &[&[u8]]) -> Vec<u8> {
    let config = DeflateConfig { level: 1, window_bits: 31, ..DeflateConfig::default() };
    let mut deflate = Deflate::new_with_config(config);
    let (mut packed, mut room) = (Vec::new(), vec![0; 1 << 16]);
    for (number, piece) in pieces.iter().enumerate() {
        let is_last = number + 1 == pieces.len();
        let flush = if is_last { DeflateFlush::Finish } else { DeflateFlush::NoFlush };
        let mut input = *piece;
        loop {
            let (before_in, before_out) = (deflate.total_in(), deflate.total_out());
            let status = deflate.compress(input, &mut room, flush).unwrap();
            input = &input[(deflate.total_in() - before_in) as usize..];
            let produced = (deflate.total_out() - before_out) as usize;
            packed.extend_from_slice(&room[..produced]);
            let is_done = if is_last { status == Status::StreamEnd } else { input.is_empty() };
            if is_done {
                break;
            }
        }
    }
    packed
}

fn header(points: u32) -> Vec<u8> {
    let words = [&b"NGSP"[..], &3_u32.to_le_bytes(), &points.to_le_bytes(), &[0, 12, 0, 0]];
    words.concat()
}

#[test]
fn hostile_files_cost_nothing() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/hostile");
    let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "spz"))
        .map(|path| (path.display().to_string(), fs::read(path).unwrap()))
        .collect();
    let zeros = vec![0; 1 << 20];
    // Nine points, and a third of a gigabyte behind them.
    let nine = [header(9), vec![1; 9 * 20]].concat();
    let mut bomb: Vec<&[u8]> = vec![&nine];
    bomb.extend(std::iter::repeat_n(zeros.as_slice(), 300));
    files.push(("bomb".to_owned(), gzip(&bomb)));
    // A megabyte that could hold as many points as it says, but does not.
    let noise: Vec<u8> =
        (0..1_u64 << 20).map(|at| (at.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8).collect();
    let claims = header(40_000_000);
    files.push(("claims".to_owned(), gzip(&[&claims, &noise])));

    let before = peak();
    for (name, bytes) in &files {
        let start = Instant::now();
        let is_read = spz::read_bytes(bytes, &Options::default()).is_ok();
        let took = start.elapsed();
        assert!(took < LONGEST, "{name}: {took:?}");
        let grown = peak() - before;
        assert!(grown < MOST_MEMORY, "{name}: {grown} bytes more");
        assert!(!is_read || !["bomb", "claims"].contains(&name.as_str()), "{name} was read");
    }
}
