//! Writes a large SPZ file, the same bytes every time: `generate FILE [POINTS [DEGREE]]`.
//!
//! Version 3 in gzip, as most files are. The numbers are noise, but each byte is about as frequent as
//! in files of real scenes, so that the size is too: 24 bytes a point for degree 3.

use std::error::Error;
use std::io::Write;

use npz::NewFile;
use zlib_rs::{Deflate, DeflateConfig, DeflateError, DeflateFlush, Status};

/// The points of the file that the project began with.
const POINTS: u32 = 7_934_875;

const PIECE: usize = 1 << 20;

/// Numbers that look random, by the method splitmix64.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    /// A number about 0, seldom farther away than `width`.
    fn about(&mut self, width: i64) -> i64 {
        let bits = self.next();
        let parts = [bits & 0xFFFF, bits >> 16 & 0xFFFF, bits >> 32 & 0xFFFF, bits >> 48];
        let sum: i64 = parts.iter().map(|&part| part as i64 - 0x8000).sum();
        sum * width / 0x1_0000
    }

    /// 0 so many times of 256, else small, and seldom larger.
    fn sparse(&mut self, zeros: u64) -> i64 {
        let bits = self.next();
        if bits & 0xFF < zeros {
            return 0;
        }
        let size = 1 + i64::from((bits >> 16).trailing_ones());
        if bits & 0x100 == 0 { size } else { -size }
    }
}

struct Stream {
    file: NewFile,
    deflate: Deflate,
    sum: crc32fast::Hasher,
    pending: Vec<u8>,
    room: Vec<u8>,
}

impl Stream {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
        self.pending.extend_from_slice(bytes);
        if self.pending.len() >= PIECE { self.pass_on(DeflateFlush::NoFlush) } else { Ok(()) }
    }

    fn pass_on(&mut self, flush: DeflateFlush) -> Result<(), Box<dyn Error>> {
        self.sum.update(&self.pending);
        let mut input = self.pending.as_slice();
        loop {
            let (before_in, before_out) = (self.deflate.total_in(), self.deflate.total_out());
            let status = self
                .deflate
                .compress(input, &mut self.room, flush)
                .map_err(DeflateError::as_str)?;
            input = &input[(self.deflate.total_in() - before_in) as usize..];
            let produced = (self.deflate.total_out() - before_out) as usize;
            self.file.write_all(&self.room[..produced])?;
            let is_done = match flush {
                DeflateFlush::Finish => status == Status::StreamEnd,
                _ => input.is_empty() && produced < self.room.len(),
            };
            if is_done {
                self.pending.clear();
                return Ok(());
            }
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: generate FILE [POINTS [DEGREE]]")?;
    let points: u32 = arguments.next().map_or(Ok(POINTS), |text| text.parse())?;
    let degree: u8 = arguments.next().map_or(Ok(3), |text| text.parse())?;
    let coefficients = usize::from(degree) * (usize::from(degree) + 2);

    let mut file = NewFile::create(&path)?;
    file.write_all(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255])?;
    let mut stream = Stream {
        file,
        deflate: Deflate::new_with_config(DeflateConfig {
            level: 6,
            window_bits: -15,
            ..DeflateConfig::default()
        }),
        sum: crc32fast::Hasher::new(),
        pending: Vec::new(),
        room: vec![0; PIECE],
    };
    let mut length = 16_u64;
    stream.put(b"NGSP")?;
    stream.put(&3_u32.to_le_bytes())?;
    stream.put(&points.to_le_bytes())?;
    stream.put(&[degree, 12, 0, 0])?;

    let mut noise = Noise(7);
    let mut section = |bytes: usize, make: &mut dyn FnMut(&mut Noise, &mut Vec<u8>)| {
        let mut point = Vec::with_capacity(bytes);
        for _ in 0..points {
            point.clear();
            make(&mut noise, &mut point);
            length += point.len() as u64;
            stream.put(&point)?;
        }
        Ok::<(), Box<dyn Error>>(())
    };
    // A scene of a few dozen metres: 4096 steps are one.
    section(9, &mut |noise, point| {
        for width in [24_000, 8_000, 24_000] {
            let position = noise.about(width) as i32;
            point.extend_from_slice(&position.to_le_bytes()[..3]);
        }
    })?;
    // Most splats are nearly opaque or nearly invisible.
    section(1, &mut |noise, point| {
        let alpha = noise.about(40).unsigned_abs() as u8;
        point.push(if noise.next() & 3 == 0 { 255 - alpha } else { alpha });
    })?;
    section(3, &mut |noise, point| {
        let grey = 128 + noise.about(50);
        (0..3).for_each(|_| point.push((grey + noise.about(12)).clamp(0, 255) as u8));
    })?;
    section(3, &mut |noise, point| {
        (0..3).for_each(|_| point.push((80 + noise.about(20)).clamp(0, 255) as u8));
    })?;
    section(4, &mut |noise, point| {
        point.extend_from_slice(&(noise.next() as u32).to_le_bytes());
    })?;
    // As the reference rounds them: 5 bits for the first degree, 4 for the others.
    section(3 * coefficients, &mut |noise, point| {
        for at in 0..3 * coefficients {
            let (step, zeros) = if at < 9 { (8, 168) } else { (16, 234) };
            point.push((128 + step * noise.sparse(zeros)).clamp(0, 255) as u8);
        }
    })?;
    stream.pass_on(DeflateFlush::Finish)?;
    let sum = stream.sum.finalize();
    let mut file = stream.file;
    file.write_all(&sum.to_le_bytes())?;
    file.write_all(&(length as u32).to_le_bytes())?;
    file.commit()?;
    Ok(())
}
