//! The zstd frame of one part, decoded in order and in bounded memory.

use std::io::{self, Read as _};

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use crate::error::{ErrorKind, Result, Section, corrupt};
use crate::input::Input;

/// A frame may look back this far even if its part is shorter; common levels look back less.
const LEAST_WINDOW: u64 = 8 << 20;
/// And no frame may look back farther, as in zstd itself.
const MOST_WINDOW: u64 = 128 << 20;

/// The packed bytes of one part.
struct Packed<'a, 'b> {
    input: &'a mut Input<'b>,
    left: &'a mut u64,
}

impl io::Read for Packed<'_, '_> {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(*self.left).unwrap_or(usize::MAX).min(output.len());
        let got = self.input.read(&mut output[..most])?;
        *self.left -= got as u64;
        Ok(got)
    }
}

/// A frame that has to hold a number of bytes that is known.
pub(crate) struct Frame {
    decoder: FrameDecoder,
    section: Section,
    left: u64,
}

impl Frame {
    /// Reads the header of the frame.
    pub(crate) fn open(
        input: &mut Input<'_>,
        section: Section,
        packed: u64,
        size: u64,
    ) -> Result<Frame> {
        let mut frame = Frame { decoder: FrameDecoder::new(), section, left: packed };
        frame.decoder.set_max_window_size(size.clamp(LEAST_WINDOW, MOST_WINDOW));
        let source = Packed { input, left: &mut frame.left };
        frame.decoder.init(source).map_err(|error| corrupt(section, error.to_string()))?;
        let stated = frame.decoder.content_size();
        if stated != 0 && stated != size {
            let reason = format!("its zstd frame says {stated} bytes, where {size} belong");
            return Err(corrupt(section, reason));
        }
        Ok(frame)
    }

    /// Fills `output` as far as there are data, and says how far.
    pub(crate) fn read_up_to(&mut self, input: &mut Input<'_>, output: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while filled < output.len() {
            let got = self.decoder.read(&mut output[filled..])?;
            filled += got;
            if got > 0 {
                continue;
            }
            if self.decoder.is_finished() {
                break;
            }
            self.decode_block(input)?;
        }
        Ok(filled)
    }

    fn decode_block(&mut self, input: &mut Input<'_>) -> Result<()> {
        let source = Packed { input, left: &mut self.left };
        match self.decoder.decode_blocks(source, BlockDecodingStrategy::UptoBlocks(1)) {
            Ok(_) => Ok(()),
            Err(error) => Err(corrupt(self.section, error.to_string())),
        }
    }

    /// Whether the frame ends where its data end, with the right checksum if it has one.
    pub(crate) fn finish(mut self, input: &mut Input<'_>, size: u64) -> Result<()> {
        // The last block may be an empty one.
        while !self.decoder.is_finished() && self.decoder.can_collect() == 0 {
            self.decode_block(input)?;
        }
        if self.decoder.can_collect() > 0 {
            let reason = format!("its zstd frame holds more than the {size} bytes that belong");
            return Err(corrupt(self.section, reason));
        }
        if let Some(stated) = self.decoder.get_checksum_from_data()
            && self.decoder.get_calculated_checksum() != Some(stated)
        {
            return Err(corrupt(self.section, "the checksum is not that of the data"));
        }
        if self.left > 0 {
            let reason = format!("{} bytes follow its zstd frame", self.left);
            return Err(ErrorKind::Corrupt { section: self.section, reason }.into());
        }
        Ok(())
    }
}
