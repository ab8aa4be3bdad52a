//! Deflate streams of other writers, inflated by several threads.
//!
//! A deflate stream is made to be read from its start: where its blocks begin is written nowhere, and
//! they repeat what up to 32 KiB of data before them hold. It can be decoded in several places at
//! once all the same, as pugz and rapidgzip showed. The header of a block with a code of its own is
//! so particular that it is found by trying every bit. What such a block repeats from before its
//! start is not known yet, so it is decoded to 16-bit numbers: a byte, or 256 plus a place in the
//! 32 KiB before. Once those are known, the numbers become bytes.
//!
//! A header found by chance does no harm: what comes before it has to end at that very bit. And
//! whatever goes wrong, the stream is read in order then, and what is wrong with it is told there.

mod decode;
mod find;
mod parallel;
mod tables;

pub(crate) use parallel::inflate;
