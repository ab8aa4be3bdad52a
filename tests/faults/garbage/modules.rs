//! Extension modules whose bytes lie.

use super::damage::noise;
use crate::harness::sandbox;

/// Modules with one header field after the other turned to nonsense.
#[test]
fn headers_that_lie() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.12");
        sandbox.maturin_project("0.27.1");
        let venv = sandbox.uv_venv(&python, ".venv");
        sandbox.activate(&venv);
        let real = fs_err::read(&python.executable).unwrap();
        // The program itself is an ELF file with sections, symbols and versions.
        let real = &real[..real.len().min(1 << 20)];
        let module = |name: String| {
            venv.site_packages().join(format!("pkg/{name}.cpython-312-x86_64-linux-gnu.so"))
        };
        for (number, position) in (4..64).enumerate() {
            let mut bytes = real.to_vec();
            bytes[position] = 0xff;
            sandbox.replace(&module(format!("header{number}")), bytes);
        }
        for (number, chunk) in noise(64 * 40).chunks(64).enumerate() {
            let mut bytes = real.to_vec();
            for (step, byte) in chunk.iter().enumerate() {
                let position = (step * 7919 + number * 104_729) % bytes.len();
                bytes[position] = *byte;
            }
            sandbox.replace(&module(format!("scattered{number}")), bytes);
        }
        for length in [0, 1, 4, 16, 63, 64, 65, 100, 1000, 4096, 65_536] {
            sandbox.replace(&module(format!("cut{length}")), &real[..length.min(real.len())]);
        }
        sandbox.survives("modules whose headers lie");
    });
}

#[test]
fn every_magic_number_with_nothing_behind_it() {
    sandbox(|sandbox| {
        let python = sandbox.python("3.12");
        let venv = sandbox.uv_venv(&python, ".venv");
        sandbox.activate(&venv);
        let magics: &[&[u8]] = &[
            b"\x7fELF",
            b"\x7fELF\x01\x01\x01",
            b"\x7fELF\x02\x02\x01",
            b"MZ",
            b"MZ\0\0PE\0\0",
            b"\xcf\xfa\xed\xfe",
            b"\xfe\xed\xfa\xce",
            b"\xca\xfe\xba\xbe\xff\xff\xff\xff",
            b"\xca\xfe\xba\xbf\0\0\0\x01",
            b"!<arch>\n",
            b"PK\x03\x04",
            b"\x80\x04\x95",
            b"\x93NUMPY\x01\0\xff\xff",
        ];
        for (number, magic) in magics.iter().enumerate() {
            for filler in [0_u8, 0x41, 0xff] {
                let name = format!("pkg/m{number}_{filler}.abi3.so");
                let bytes = [magic, vec![filler; 4096].as_slice()].concat();
                sandbox.replace(&venv.site_packages().join(name), bytes);
            }
        }
        sandbox.survives("magic numbers with nothing behind them");
    });
}
