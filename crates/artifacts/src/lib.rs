//! What a file says about itself. This crate reads bytes that it is given; it never executes,
//! imports or unpickles anything (invariant I4), and touches no file itself.
//!
//! [`inspect_data`] reads a data file (npy, npz or pickle), from its headers and instructions alone.
//!
//! [`wheel::Wheel`] reads a wheel, its archive and its own texts.
//!
//! [`inspect`] reads a whole native module (ELF, Mach-O or PE; extension module, shared library or
//! executable); [`python_imports`] and [`sections`] tell more of it. [`architectures`], [`elf_interpreter`] and [`declared_size`] need only the first
//! few kilobytes of a file. All of them are bounded by the bytes given, take time in proportion to
//! them at most, and never panic.

mod collect;
mod data;
mod elf;
mod elf_dynamic;
mod exports_trie;
mod inspect;
mod libpython;
mod macho;
mod macho_image;
mod model;
mod names;
mod numpy;
mod pe;
mod pickle;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod samples;
mod scan;
mod symbols;
pub mod wheel;

pub use data::{
    ArrayFacts, ArrayObstacle, Compression, Conversion, ConvertError, DataFacts, DataFault,
    DataFaultKind, DataFormat, DataOptions, LeftOut, MemberPickle, conversion, inflated,
    inspect_data,
};
pub use inspect::{architectures, declared_size, elf_interpreter, inspect};
pub use model::{ModuleError, NativeModule, NumpyUse, ObjectFormat, RustCrate, VersionNeed};
pub use names::{WantedName, names_in};
pub use npz::Source;
pub use pickle::{
    NameKind, PickleDamage, PickleFacts, PickleName, Refusal, RepairOptions, Repaired, Rewrite,
    Untold, classify, repair, starts_as_pickle,
};
pub use symbols::{Section, python_imports, sections};
