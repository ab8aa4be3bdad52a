//! For every cause a pair of wheels that differ by it.

use std::collections::BTreeSet;

use super::*;
use crate::samples::wheel::{File, file, zip};
use crate::samples::{MODULE, NAME, files, named, record, wheel, with};

#[track_caller]
fn of(a: &Wheel, b: &Wheel) -> Comparison {
    compare(a, b).unwrap()
}

/// Compares wheels of these files, with the verdict and the names of the differences.
#[track_caller]
fn names(a: &[File], b: &[File]) -> (Verdict, Vec<&'static str>) {
    let comparison = of(&wheel(NAME, a), &wheel(NAME, b));
    let names = comparison.differences.iter().map(|difference| difference.name).collect();
    for difference in &comparison.differences {
        assert!(!difference.what.is_empty() && !difference.place.is_empty(), "{difference:?}");
    }
    (comparison.verdict, names)
}

/// The only difference of two wheels with these files added.
#[track_caller]
fn only(a: File, b: File) -> Difference {
    let comparison = of(&wheel(NAME, &with(a)), &wheel(NAME, &with(b)));
    assert_eq!(comparison.differences.len(), 1, "{:#?}", comparison.differences);
    comparison.differences[0].clone()
}

/// A 64-bit ELF file of these sections, one after the other, and their names after them.
fn elf(sections: &[(&str, &[u8])]) -> Vec<u8> {
    let mut names = vec![0];
    let mut table = vec![[0; 64].to_vec()];
    let mut body = Vec::new();
    let all: Vec<(&str, Vec<u8>)> =
        sections.iter().map(|(name, data)| (*name, data.to_vec())).collect();
    for (name, data) in &all {
        table.push(section(names.len(), 1, 64 + body.len(), data.len()));
        names.extend(name.as_bytes());
        names.push(0);
        body.extend(data);
    }
    let at = names.len();
    names.extend(b".shstrtab\0");
    table.push(section(at, 3, 64 + body.len(), names.len()));
    body.extend(names);
    let mut header = b"\x7fELF\x02\x01\x01".to_vec();
    header.resize(16, 0);
    header.extend([3_u16, 62].map(u16::to_le_bytes).concat());
    header.extend(1_u32.to_le_bytes());
    header.extend([0, 0, 64 + body.len() as u64].map(u64::to_le_bytes).concat());
    header.extend(0_u32.to_le_bytes());
    let count = table.len() as u16;
    header.extend([64_u16, 0, 0, 64, count, count - 1].map(u16::to_le_bytes).concat());
    [header, body, table.concat()].concat()
}

fn section(name: usize, kind: u32, offset: usize, size: usize) -> Vec<u8> {
    let mut header = (name as u32).to_le_bytes().to_vec();
    header.extend(kind.to_le_bytes());
    header.extend([0, 0, offset as u64, size as u64].map(u64::to_le_bytes).concat());
    header.extend([0; 8]);
    header.extend([1_u64, 0].map(u64::to_le_bytes).concat());
    header
}

const TEXT: &[u8] = b"\x55\x48\x89\xe5\x90\x90\xc3";
const COMMENT: &[u8] = b"rustc version 1.95.0\0";
const ID: &[u8] = b"build id of twenty..";

/// A module with code, constants, a comment and a build id.
fn module(text: &[u8], rodata: &[u8], comment: &[u8], id: &[u8]) -> File {
    let sections =
        [(".note.gnu.build-id", id), (".text", text), (".rodata", rodata), (".comment", comment)];
    file(MODULE, elf(&sections))
}

/// The only difference of two modules with other constants, which the build id follows.
#[track_caller]
fn constants(a: &str, b: &str) -> Difference {
    let with = |text: &str, id| module(TEXT, text.as_bytes(), COMMENT, id);
    only(with(a, b"build id of a......."), with(b, b"build id of b......."))
}

#[test]
fn equal_wheels_are_identical() {
    assert_eq!(names(&files(), &files()), (Verdict::Identical, vec![]));
}

#[test]
fn another_order_is_the_same_content() {
    let mut reversed = files();
    reversed.reverse();
    assert_eq!(names(&files(), &reversed), (Verdict::SameContent, vec!["entry-order"]));
}

#[test]
fn other_times_modes_and_compressors_are_the_same_content() {
    let all = |change: fn(&mut File)| {
        let mut files = files();
        files.iter_mut().for_each(change);
        files
    };
    for (change, name) in [
        ((|file| file.date += 1) as fn(&mut File), "entry-times"),
        (|file| file.mode &= !0o077, "entry-modes"),
        (|file| file.level = 0, "compression"),
        (|file| file.method = 0, "compression"),
        (|file| file.extra = vec![1, 2, 0, 0], "zip-writer"),
    ] {
        assert_eq!(names(&files(), &all(change)), (Verdict::SameContent, vec![name]));
    }
    let comparison = of(&wheel(NAME, &files()), &wheel(NAME, &all(|file| file.mode &= !0o077)));
    let evidence = &comparison.differences[0].details;
    assert_eq!(evidence[0], "example/__init__.py: 100644 and 100600");
    assert_eq!(comparison.differences[0].cure, "build and repair with `umask 022`");
}

#[test]
fn the_executable_bit_counts() {
    let executable = File { mode: 0o100_755, ..named("__init__.py") };
    let found = names(&files(), &with(executable));
    assert_eq!(found, (Verdict::Different, vec!["executable-bit"]));
}

#[test]
fn a_comment_of_the_archive_is_the_same_content() {
    let all = [files(), vec![record(&files())]].concat();
    let bytes = zip(&all);
    let mut commented = bytes.clone();
    let end = commented.len() - 2;
    commented[end] = 2;
    commented.extend(b"hi");
    let open = |bytes| Wheel::open(NAME, bytes).unwrap();
    let comparison = of(&open(bytes), &open(commented));
    assert_eq!(comparison.verdict, Verdict::SameContent);
    assert_eq!(comparison.differences[0].name, "zip-writer");
}

#[test]
fn other_names_are_told_first() {
    let other = "example-2.0-cp310-abi3-manylinux_2_17_x86_64.whl";
    let comparison = of(&wheel(NAME, &files()), &wheel(other, &[]));
    assert_eq!(comparison.differences.len(), 1);
    assert_eq!(comparison.differences[0].name, "other-release");
    let tagged = "example-1.0-cp310-abi3-linux_x86_64.whl";
    let comparison = of(&wheel(NAME, &files()), &wheel(tagged, &files()));
    assert_eq!(comparison.verdict, Verdict::Different);
    assert_eq!(comparison.differences[0].name, "other-tags");
    // A copy under a name that is no wheel's is compared by what is in it.
    let comparison = of(&wheel(NAME, &files()), &wheel("before.whl", &files()));
    assert_eq!(comparison.verdict, Verdict::Identical);
}

#[test]
fn other_files_are_named() {
    let found = of(&wheel(NAME, &files()), &wheel(NAME, &with(file("example/new.py", ""))));
    assert_eq!(found.verdict, Verdict::Different);
    assert_eq!(found.differences[0].name, "other-files");
    assert_eq!(found.differences[0].only_b, ["example/new.py"]);
    assert_eq!(found.differences.len(), 1, "RECORD is an echo: {:?}", found.differences);
}

#[test]
fn texts_are_compared_by_lines() {
    let python = |text: &str| file("example/x.py", text);
    for (a, b, name) in [
        ("a\nb\n", "a\r\nb\r\n", "line-endings"),
        ("a\nb\n", "b\na\n", "line-order"),
        ("a\nb\n", "a\nc\n", "other-text"),
        ("T = '2026-01-01 10:00:00'\n", "T = '2026-01-01 10:00:07'\n", "stamped-time"),
    ] {
        assert_eq!(only(python(a), python(b)).name, name);
    }
    let difference = only(python("a\nb\n"), python("a\nc\n"));
    assert_eq!(
        (difference.only_a, difference.only_b),
        (vec!["b".to_owned()], vec!["c".to_owned()])
    );
    let generator = named("WHEEL");
    let text = String::from_utf8(generator.data.clone()).unwrap();
    let newer = File { data: text.replace("1.16.0", "1.17.0").into_bytes(), ..generator.clone() };
    assert_eq!(only(generator, newer).name, "build-tool-version");
    assert_eq!(only(file("x.bin", b"\0a"), file("x.bin", b"\0b")).name, "other-data");
}

#[test]
fn an_sbom_is_compared_by_fields() {
    let sbom = named("example.cyclonedx.json");
    let text = String::from_utf8(sbom.data.clone()).unwrap();
    let changed = |from: &str, to: &str| {
        assert!(text.contains(from));
        with(File { data: text.replace(from, to).into_bytes(), ..sbom.clone() })
    };
    let later = changed("2026-01-01", "2026-01-02");
    assert_eq!(names(&files(), &later), (Verdict::SameExcept, vec!["sbom-timestamp"]));
    let other = changed("urn:uuid:1", "urn:uuid:2");
    assert_eq!(names(&files(), &other), (Verdict::SameExcept, vec!["sbom-serial-number"]));
    let at = |path: &str| changed("[]", &format!("[{{\"bom-ref\": \"path+file://{path}#a@1\"}}]"));
    assert_eq!(names(&at("/p"), &at("/q")), (Verdict::Different, vec!["sbom-path"]));
    let more = changed("[]", "[{\"name\": \"serde\"}]");
    assert_eq!(names(&files(), &more), (Verdict::Different, vec!["sbom-content"]));
}

#[test]
fn record_counts_only_when_nothing_else_explains_it() {
    let with_record = |change: fn(String) -> String| {
        let mut row = record(&files());
        row.data = change(String::from_utf8(row.data).unwrap()).into_bytes();
        Wheel::open(NAME, zip(&[files(), vec![row]].concat())).unwrap()
    };
    let reversed = with_record(|text| text.lines().rev().map(|line| format!("{line}\n")).collect());
    let comparison = of(&with_record(|text| text), &reversed);
    assert_eq!(comparison.verdict, Verdict::SameExcept);
    assert_eq!(comparison.differences[0].name, "record-order");
    let wrong = with_record(|text| text.replacen(",30\n", ",31\n", 1));
    let comparison = of(&with_record(|text| text), &wrong);
    assert_eq!(comparison.verdict, Verdict::Different);
    assert_eq!(comparison.differences[0].name, "record-rows");
}

#[test]
fn strings_of_modules_tell_the_cause() {
    let registry =
        |home: &str| format!("oops{home}/registry/src/index-1f/pyo3-0.29.3/src/gil.rs\0");
    for (a, b, name) in [
        (registry("/home/a/.cargo"), registry("/home/bee/.cargo"), "registry-path"),
        (
            "/build/vendor/pyo3-0.29.3/src/gil.rs\0".to_owned(),
            "/other/vendor/pyo3-0.29.3/src/gil.rs\0".to_owned(),
            "vendored-path",
        ),
        (
            "x target/release/build/p-11/out/gen.rs\0".to_owned(),
            "x target/release/build/p-22/out/gen.rs\0".to_owned(),
            "generated-path",
        ),
        ("/tmp/a/core/c.c\0".to_owned(), "/tmp/b/core/c.c\0".to_owned(), "c-file-path"),
        ("/tmp/a/src/lib.rs\0".to_owned(), "/tmp/b/src/lib.rs\0".to_owned(), "source-path"),
        ("/usr/lib/aa\0".to_owned(), "/usr/lib/bb\0".to_owned(), "build-path"),
        ("built at 1764309089\0".to_owned(), "built at 1764309095\0".to_owned(), "stamped-time"),
        ("hello world\0".to_owned(), "hello there\0".to_owned(), "other-strings"),
        ("\u{1}\0".to_owned(), "\u{2}\0".to_owned(), "other-code"),
    ] {
        let difference = constants(&a, &b);
        assert_eq!(difference.name, name, "{difference:#?}");
        assert!(difference.details.iter().any(|line| line.starts_with(".rodata: ")));
    }
    let difference = constants(&registry("/home/a/.cargo"), &registry("/home/bee/.cargo"));
    assert_eq!(difference.only_a, ["/home/a/.cargo/registry/src/index-1f/pyo3-0.29.3/src/gil.rs"]);
    assert!(difference.cure.contains("--remap-path-prefix"));
    let time = |time: u32| module(&[TEXT, &time.to_le_bytes(), TEXT].concat(), b"", COMMENT, ID);
    assert_eq!(only(time(1_764_309_089), time(1_764_309_099)).name, "stamped-time");
}

#[test]
fn sections_that_are_not_loaded_are_harmless() {
    let with_comment = |comment: &[u8], id: &[u8]| module(TEXT, b"", comment, id);
    let newer: &[u8] = b"rustc version 1.96.0, and longer\0";
    let found = names(
        &with(with_comment(COMMENT, ID)),
        &with(with_comment(newer, b"another id........!!")),
    );
    assert_eq!(found, (Verdict::SameExcept, vec!["toolchain-comment"]));
    let found = names(
        &with(with_comment(COMMENT, ID)),
        &with(with_comment(COMMENT, b"another id........!!")),
    );
    assert_eq!(found, (Verdict::SameExcept, vec!["build-id"]));
    // With other code the tools explain it, and it counts.
    let other = module(&[TEXT, TEXT].concat(), b"", newer, ID);
    assert_eq!(
        names(&with(with_comment(COMMENT, ID)), &with(other)),
        (Verdict::Different, vec!["toolchain-version"])
    );
    let mut headers = with_comment(COMMENT, b"another id........!!");
    headers.data[48] ^= 1;
    assert_eq!(
        names(&with(with_comment(COMMENT, ID)), &with(headers)),
        (Verdict::Different, vec!["other-headers"])
    );
}

#[test]
fn debug_information_is_told_from_code() {
    let debug = |data: &[u8]| file(MODULE, elf(&[(".text", TEXT), (".debug_info", data)]));
    assert_eq!(only(debug(b"\x01\x02"), debug(b"\x01\x03")).name, "debug-info");
    let strings =
        |text: &str| file(MODULE, elf(&[(".text", TEXT), (".debug_str", text.as_bytes())]));
    let found = only(strings("/home/ada/p/src/lib.rs\0"), strings("/home/bob/p/src/lib.rs\0"));
    assert_eq!(found.name, "source-path");
}

#[test]
fn a_damaged_entry_is_an_error_and_not_a_verdict() {
    let damaged = wheel(NAME, &with(File { crc: Some(1), ..file("example/x.py", "x") }));
    let whole = wheel(NAME, &with(file("example/x.py", "y")));
    assert!(compare(&damaged, &whole).is_err());
}

#[test]
fn causes_have_names_of_their_own_and_the_harmless_are_listed() {
    let names: BTreeSet<&str> = causes::ALL.iter().map(|cause| cause.name).collect();
    assert_eq!(names.len(), causes::ALL.len());
    let harmless: BTreeSet<&str> = HARMLESS.iter().map(|(name, _)| *name).collect();
    let weighed = causes::ALL.iter().filter(|cause| cause.weight == Weight::Harmless);
    assert_eq!(weighed.map(|cause| cause.name).collect::<BTreeSet<_>>(), harmless);
    for cause in causes::ALL {
        assert!(!cause.cause.ends_with('.') && !cause.cure.ends_with('.'), "{}", cause.name);
    }
}
