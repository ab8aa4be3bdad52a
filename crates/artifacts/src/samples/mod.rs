//! Small modules made by hand, for tests: every part of them is known, and none needs a compiler.

mod bytes;
pub(crate) mod data;
pub(crate) mod elf;
pub(crate) mod macho;
pub(crate) mod pe;
pub(crate) mod wheel;

pub(crate) use bytes::{Order, Texts, pad};

/// The bytes with the only occurrence of `from` replaced.
#[track_caller]
pub(crate) fn replaced(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let places: Vec<usize> = memchr::memmem::find_iter(&bytes, from).collect();
    assert_eq!(places.len(), 1, "occurrences of {from:?}");
    bytes[places[0]..places[0] + to.len()].copy_from_slice(to);
    bytes
}

/// One of every kind of module, with its name for messages.
pub(crate) fn all() -> Vec<(String, Vec<u8>)> {
    let mut samples = Vec::new();
    for bits64 in [false, true] {
        for order in [Order::Little, Order::Big] {
            for lookup in [elf::Lookup::GnuHash, elf::Lookup::Hash, elf::Lookup::Sections] {
                let sample = elf::Elf { bits64, order, lookup, ..elf::Elf::extension() };
                samples.push((format!("ELF {bits64} {order:?} {lookup:?}"), sample.build()));
            }
            for trie in [false, true] {
                let sample = macho::Image { bits64, order, trie, ..macho::Image::extension() };
                samples.push((format!("Mach-O {bits64} {order:?} {trie}"), sample.build()));
            }
        }
        samples.push((format!("PE {bits64}"), pe::Pe { bits64, ..pe::Pe::extension() }.build()));
        let images = [0x0100_0007, 0x0100_000c]
            .map(|cpu| macho::Image { cpu, ..macho::Image::extension() }.build());
        samples.push((format!("universal {bits64}"), macho::universal(bits64, &images)));
    }
    samples
}
