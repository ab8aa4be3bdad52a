//! Why wheels differ, and what makes them the same: one table, so that a cause has one wording.

use super::{Difference, Layer, Weight};

/// A cause of differences.
pub(super) struct Cause {
    pub(super) name: &'static str,
    pub(super) layer: Layer,
    pub(super) weight: Weight,
    pub(super) cause: &'static str,
    pub(super) cure: &'static str,
}

impl Cause {
    /// A difference of this cause.
    pub(super) fn at(&self, place: impl Into<String>, what: impl Into<String>) -> Difference {
        Difference {
            name: self.name,
            layer: self.layer,
            weight: self.weight,
            place: place.into(),
            what: what.into(),
            only_a: Vec::new(),
            only_b: Vec::new(),
            details: Vec::new(),
            cause: self.cause,
            cure: self.cure,
        }
    }
}

macro_rules! causes {
    ($($(#[$doc:meta])* $identifier:ident = $name:literal, $layer:ident, $weight:ident,
        $cause:literal, $cure:literal;)*) => {
        $($(#[$doc])* pub(super) static $identifier: Cause = Cause {
            name: $name,
            layer: Layer::$layer,
            weight: Weight::$weight,
            cause: $cause,
            cure: $cure,
        };)*

        #[cfg(test)]
        pub(super) static ALL: &[&Cause] = &[$(&$identifier),*];
    };
}

causes! {
    OTHER_RELEASE = "other-release", Name, Real,
        "the wheels are of another project or version",
        "compare wheels of the same release";
    OTHER_TAGS = "other-tags", Name, Real,
        "they were built by another front end (`pip wheel` instead of `maturin build`), for another Python, or on another system",
        "use one front end, and name the target and the compatibility (`maturin build --compatibility manylinux_2_28`)";
    OTHER_FILES = "other-files", Entries, Real,
        "one build took files along that the other did not have: untracked files, generated files, an SBOM",
        "build from the files that git knows, in a clean checkout, with the same features and SBOM settings";
    ENTRY_ORDER = "entry-order", Entries, Storage,
        "the files were added in the order in which the file system lists them",
        "let maturin or a tool that sorts write the archive";
    ENTRY_TIMES = "entry-times", Metadata, Storage,
        "the archive has the times of the files, or of the build",
        "set SOURCE_DATE_EPOCH to the time of the last commit";
    ENTRY_MODES = "entry-modes", Metadata, Storage,
        "the files were written with another umask",
        "build and repair with `umask 022`";
    EXECUTABLE_BIT = "executable-bit", Metadata, Real,
        "one checkout lost the executable bit, or one file system has none",
        "check out on a file system with modes, and compare `git ls-files --stage`";
    COMPRESSION = "compression", Metadata, Storage,
        "another version of the build tool, or another level, compresses the same data otherwise",
        "pin the build tool (maturin) and the compression level exactly";
    ZIP_WRITER = "zip-writer", Metadata, Storage,
        "another program, or the same on another system, wrote the archive",
        "pin the build tool, and repack both with the same one";
    RECORD_ORDER = "record-order", Bytes, Harmless,
        "RECORD was written in the order in which the files were added",
        "let maturin or a tool that sorts write the archive";
    RECORD_ROWS = "record-rows", Bytes, Real,
        "RECORD says other things of the same files: another algorithm, or a wrong hash",
        "let one tool write the wheel, and check both with `check`";
    BUILD_TOOL = "build-tool-version", Bytes, Real,
        "another version of the build tool wrote WHEEL",
        "pin the build tool (maturin) exactly";
    LINE_ENDINGS = "line-endings", Bytes, Real,
        "one checkout has Windows line endings",
        "set `* text=auto eol=lf` in .gitattributes";
    LINE_ORDER = "line-order", Bytes, Real,
        "the lines were written in the order of a hash table or of the file system",
        "sort before writing, in the step of the build that makes the file";
    TEXT = "other-text", Bytes, Real,
        "the sources differ, or a step of the build wrote something else",
        "build both from the same commit without local changes, and look at what generates the file";
    BINARY = "other-data", Bytes, Real,
        "the file is another one, or a step of the build does not make the same bytes twice",
        "build both from the same commit, and make the step that writes the file repeatable";
    SBOM_TIMESTAMP = "sbom-timestamp", Bytes, Harmless,
        "the SBOM has the time when it was written",
        "set SOURCE_DATE_EPOCH, or `[tool.maturin.sbom] rust = false`";
    SBOM_SERIAL = "sbom-serial-number", Bytes, Harmless,
        "the SBOM has a random serial number",
        "set SOURCE_DATE_EPOCH, or `[tool.maturin.sbom] rust = false`";
    SBOM_PATH = "sbom-path", Bytes, Real,
        "the SBOM names packages by the absolute path of the project (`path+file://`)",
        "build at a fixed path, or write a normalised SBOM and add it with `--sbom-include`";
    SBOM_CONTENT = "sbom-content", Bytes, Real,
        "the dependencies, or the tool that listed them, are others",
        "build with `--locked` from the same Cargo.lock, and pin the tools";
    STAMPED_TIME = "stamped-time", Strings, Real,
        "a build script or a macro writes the time of the build into what it makes",
        "take the time from SOURCE_DATE_EPOCH in the build script, or leave it out";
    REGISTRY_PATH = "registry-path", Strings, Real,
        "messages of panics name the sources of dependencies, below CARGO_HOME and a directory that is named after the registry or its mirror",
        "`--remap-path-prefix=CARGO_HOME/registry/src/DIRECTORY=/cargo/src` in RUSTFLAGS, and the same for vendored sources";
    VENDORED_PATH = "vendored-path", Strings, Real,
        "messages of panics name the sources of dependencies where they were vendored",
        "`cargo vendor --versioned-dirs` and `--remap-path-prefix=VENDOR=/cargo/src` in RUSTFLAGS";
    GENERATED_PATH = "generated-path", Strings, Real,
        "generated code is included from OUT_DIR, whose path and hash are in the messages of panics",
        "build at a fixed path with a fixed target directory, or remap the target directory";
    C_FILE_PATH = "c-file-path", Strings, Real,
        "C code names its files (`__FILE__`, `assert`) as the compiler was called; rustc's remapping does not reach it",
        "`CFLAGS=-ffile-prefix-map=DIRECTORY=/build` (and CXXFLAGS)";
    SOURCE_PATH = "source-path", Strings, Real,
        "the absolute path of the project, or `env!(\"CARGO_MANIFEST_DIR\")`, is in the module",
        "build at a fixed path; `--remap-path-prefix=PROJECT=/build` where only messages have it";
    BUILD_PATH = "build-path", Strings, Real,
        "a path of the machine that it was built on is in the module",
        "build at a fixed path, or find what writes the path and make it relative";
    TOOLCHAIN_COMMENT = "toolchain-comment", Sections, Harmless,
        "another version of rustc, the linker or the C compiler is named in .comment",
        "pin the image and the toolchain";
    TOOLCHAIN = "toolchain-version", Sections, Real,
        "another version of rustc, the linker or the C compiler made the module: .comment names them",
        "pin the image and the toolchain (rust-toolchain.toml)";
    BUILD_ID = "build-id", Sections, Harmless,
        "the linker made the build id from something that is not in the module any more, or at random",
        "link with `-Wl,--build-id=sha1`, or `-Wl,--build-id=none`";
    DEBUG_INFO = "debug-info", Sections, Real,
        "debug information and symbols have paths and hashes of the build",
        "`strip = true` in the release profile, or remap the paths";
    HEADER = "other-headers", Sections, Real,
        "the linker writes the time, or a random identity, into the header",
        "link with `/Brepro` on Windows; build with the same linker and no incremental linking elsewhere";
    CODE = "other-code", Sections, Real,
        "the compiler was given something else: other sources, features, flags, profile, `CARGO_INCREMENTAL`, LTO, or another compiler",
        "build with `--locked`, `CARGO_INCREMENTAL=0`, an empty target directory, one toolchain and one profile";
    STRINGS = "other-strings", Strings, Real,
        "the module has other texts: a version, a name, or something that the build writes into it",
        "look for what writes them, and make it depend on the sources alone";
}
