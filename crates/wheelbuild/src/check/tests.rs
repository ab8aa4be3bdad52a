//! A wheel in which nothing is wrong, and for every problem a wheel that has it.

use artifacts::wheel::Wheel;
use report::Severity;

use super::*;
use crate::samples::elf::{Elf, Symbol};
use crate::samples::wheel::{File, file, zip};
use crate::samples::{MODULE, NAME, files, module, named, record, wheel, with};

fn names(wheel: &Wheel, policy: &Policy) -> Vec<&'static str> {
    check(wheel, policy).iter().map(|problem| problem.name).collect()
}

/// The names of what is wrong with a wheel of these files under the usual name.
fn of(files: &[File]) -> Vec<&'static str> {
    names(&wheel(NAME, files), &Policy::default())
}

/// The same of a wheel with another module.
fn of_module(module: &Elf) -> Vec<&'static str> {
    of(&with(file(MODULE, module.build())))
}

/// The only problem of such a wheel.
#[track_caller]
fn only(files: &[File], name: &str) -> Problem {
    let problems = check(&wheel(NAME, files), &Policy::default());
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert_eq!(problems[0].name, name);
    problems[0].clone()
}

#[test]
fn nothing_is_wrong_with_a_good_wheel() {
    assert_eq!(check(&wheel(NAME, &files()), &Policy::default()), []);
}

#[test]
fn every_problem_says_why_and_what_to_do() {
    let bad = Elf {
        needed: vec!["libpython3.11.so.1.0".to_owned(), "libssl.so.3".to_owned()],
        machine: 183,
        rpath: Some("/opt/lib".to_owned()),
        symbols: vec![
            ("PyFrame_New".to_owned(), Symbol::Undefined),
            ("_PyDict_Pop".to_owned(), Symbol::Undefined),
            ("PyType_GetName".to_owned(), Symbol::Undefined),
            ("PyInit_other".to_owned(), Symbol::Global),
        ],
        ..module()
    };
    let problems = check(&wheel(NAME, &with(file(MODULE, bad.build()))), &Policy::default());
    let mut names: Vec<&str> = problems.iter().map(|problem| problem.name).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "abi3-private-symbol",
            "abi3-symbol-too-new",
            "abi3-unstable-symbol",
            "init-function-missing",
            "libpython-linked",
            "library-not-allowed",
            "module-for-other-machine",
            "search-path-of-build-machine",
        ]
    );
    for problem in &problems {
        assert!(!problem.evidence.is_empty() && !problem.cause.is_empty(), "{problem:?}");
        assert!(!problem.cure.is_empty() && !problem.place.is_empty(), "{problem:?}");
    }
    assert!(problems.is_sorted_by_key(|problem| std::cmp::Reverse(problem.severity)));
    let too_new = problems.iter().find(|problem| problem.name == "abi3-symbol-too-new").unwrap();
    assert_eq!(too_new.evidence, ["PyType_GetName, since 3.11"]);
}

#[test]
fn glibc_is_held_against_the_tag_and_the_limit() {
    let needs = |versions: Vec<(&'static str, bool)>| Elf {
        version_needs: vec![("libc.so.6", versions)],
        ..module()
    };
    assert_eq!(of_module(&needs(vec![("GLIBC_2.18", false)])), ["glibc-too-new"]);
    assert!(of_module(&needs(vec![("GLIBC_2.18", true)])).is_empty(), "the loader only warns");
    assert_eq!(of_module(&needs(vec![("GLIBC_PRIVATE", false)])), ["glibc-too-new"]);
    let cxx = Elf {
        version_needs: vec![("libstdc++.so.6", vec![("GLIBCXX_3.4.20", false)])],
        ..module()
    };
    assert_eq!(of_module(&cxx), ["symbol-version-too-new"]);

    let limited = |limit: &str| {
        let policy = Policy { max_glibc: Some(limit.parse().unwrap()), ..Policy::default() };
        names(&wheel(NAME, &files()), &policy)
    };
    assert!(limited("2.17").is_empty());
    assert_eq!(limited("2.12"), ["glibc-over-limit"]);
}

#[test]
fn the_strictest_of_several_tags_counts() {
    let two = "example-1.0-cp310-abi3-manylinux_2_5_x86_64.manylinux_2_28_x86_64.whl";
    let found = names(&wheel(two, &files()), &Policy::default());
    assert_eq!(found, ["glibc-too-new", "wheel-tags-mismatch"]);
}

#[test]
fn libraries_are_brought_or_promised_or_allowed() {
    let needs =
        |library: &str| file(MODULE, Elf { needed: vec![library.to_owned()], ..module() }.build());
    let problem = only(&with(needs("libssl.so.3")), "library-not-allowed");
    assert_eq!(problem.evidence, ["libssl.so.3"]);
    let policy = Policy { libraries: vec!["libssl.so.3".to_owned()], ..Policy::default() };
    assert!(names(&wheel(NAME, &with(needs("libssl.so.3"))), &policy).is_empty());
    let mut brought = with(needs("libssl-1f2e.so.3"));
    brought.push(file("example.libs/libssl-1f2e.so.3", Elf::empty().build()));
    assert!(of(&brought).is_empty());
    assert!(of(&with(needs("ld-linux-x86-64.so.2"))).is_empty(), "the loader itself");
}

#[test]
fn musl_and_glibc_are_not_exchanged() {
    let musl = Elf {
        needed: vec!["libc.musl-x86_64.so.1".to_owned()],
        version_needs: Vec::new(),
        ..module()
    };
    assert_eq!(of_module(&musl), ["musl-in-manylinux-wheel"]);
    let name = "example-1.0-cp310-abi3-musllinux_1_2_x86_64.whl";
    let tag = "Wheel-Version: 1.0\nTag: cp310-abi3-musllinux_1_2_x86_64\n";
    let whole = |module: &Elf| {
        let mut files = with(file(MODULE, module.build()));
        files[3] = file(&files[3].name, tag);
        names(&wheel(name, &files), &Policy::default())
    };
    assert!(whole(&musl).is_empty());
    assert_eq!(whole(&module()), ["library-not-allowed", "glibc-in-musllinux-wheel"]);
    // The runtime of gcc names versions so everywhere, and is brought along under another name.
    let version_needs = vec![("libgcc_s-2d945d6c.so.1", vec![("GLIBC_2.0", false)])];
    assert!(whole(&Elf { version_needs, ..musl }).is_empty());
}

#[test]
fn suffixes_contradict_tags() {
    let moved = |name: &str| {
        let mut files = files();
        files[1].name = name.to_owned();
        files
    };
    only(&moved("example/_core.cpython-310-x86_64-linux-gnu.so"), "suffix-contradicts-tag");
    assert!(of(&moved("example/_core.so")).is_empty());
    let other = |name: &str, abi: &str, file_name: &str| {
        let mut files = moved(file_name);
        files[3] =
            file(&files[3].name, format!("Wheel-Version: 1.0\nTag: {abi}-manylinux_2_17_x86_64\n"));
        names(&wheel(name, &files), &Policy::default())
    };
    let cp313 = "example-1.0-cp313-cp313-manylinux_2_17_x86_64.whl";
    for (suffix, expected) in [
        ("cpython-313-x86_64-linux-gnu.so", &[][..]),
        ("abi3.so", &[]),
        ("cpython-312-x86_64-linux-gnu.so", &["suffix-contradicts-tag"]),
        ("cpython-313-aarch64-linux-gnu.so", &["suffix-contradicts-tag"]),
    ] {
        let found = other(cp313, "cp313-cp313", &format!("example/_core.{suffix}"));
        assert_eq!(found, expected, "{suffix}");
    }
    let threaded = "example-1.0-cp313-cp313t-manylinux_2_17_x86_64.whl";
    let found = other(threaded, "cp313-cp313t", MODULE);
    assert_eq!(found, ["suffix-contradicts-tag"]);
}

#[test]
fn platforms_are_those_of_the_files() {
    let of_tag = |tag: &str| {
        let mut files = files();
        let text = format!("Wheel-Version: 1.0\nTag: cp310-abi3-{tag}\n");
        files[3] = file(&files[3].name, text);
        names(&wheel(&format!("example-1.0-cp310-abi3-{tag}.whl"), &files), &Policy::default())
    };
    assert_eq!(of_tag("win_amd64"), ["module-for-other-system"]);
    assert_eq!(of_tag("macosx_11_0_arm64"), ["module-for-other-system"]);
    assert_eq!(of_tag("manylinux_2_17_aarch64"), ["module-for-other-machine"]);
    assert_eq!(of_tag("linux_x86_64"), ["tag-not-portable"]);
    assert_eq!(of_tag("any"), ["native-file-in-any-wheel"]);
    assert_eq!(of_tag("android_21_x86_64"), ["platform-not-judged"]);
    let mut pure = files();
    pure.remove(1);
    let found = check(&wheel(NAME, &pure), &Policy::default());
    assert_eq!((found[0].name, found[0].severity), ("no-native-file", Severity::Info));
    assert_eq!(of(&with(file(MODULE, "no module"))), ["module-unreadable", "no-native-file"]);
}

#[test]
fn record_is_held_against_every_file() {
    let of_record = |change: fn(&str) -> String| {
        let files = files();
        let mut record = record(&files);
        record.data = change(std::str::from_utf8(&record.data).unwrap()).into_bytes();
        let wheel = Wheel::open(NAME, zip(&[files, vec![record]].concat())).unwrap();
        names(&wheel, &Policy::default())
    };
    assert!(of_record(str::to_owned).is_empty());
    for (change, expected) in [
        (
            (|text| text.lines().skip(1).map(|line| format!("{line}\n")).collect())
                as fn(&str) -> String,
            "record-missing-file",
        ),
        (|text| format!("{text}gone.py,,\n"), "record-extra-file"),
        (|text| text.replacen("sha256=", "sha256=x", 1), "record-wrong"),
        (|text| text.replacen(",30\n", ",31\n", 1), "record-wrong"),
        (|text| text.replacen("sha256=", "md5=", 1), "record-hash-weak"),
        (|text| format!("{text}{}\n", text.lines().next().unwrap()), "record-duplicate-row"),
        (|text| format!("{text}one,two\n"), "record-unreadable"),
    ] {
        assert_eq!(of_record(change), [expected]);
    }
    let without = Wheel::open(NAME, zip(&files())).unwrap();
    assert_eq!(names(&without, &Policy::default()), ["record-unreadable"]);
}

#[test]
fn texts_agree_with_the_file_name() {
    let metadata = named("METADATA").name;
    let of_metadata = |text: &str| of(&with(file(&metadata, text)));
    let good = "Metadata-Version: 2.1\nName: Example\nVersion: 1.0.0\n";
    assert!(of_metadata(good).is_empty(), "the same name and version, written otherwise");
    for (from, to, expected) in [
        ("Name: Example\n", "Name: other\n", "metadata-name-mismatch"),
        ("Version: 1.0.0\n", "Version: 1.1\n", "metadata-version-mismatch"),
        ("Name: Example\n", "", "metadata-field-missing"),
        ("Metadata-Version: 2.1", "Metadata-Version: 9.1", "metadata-version-unknown"),
        ("Version: 1.0.0\n", "Version: 1.0\nRequires-Python: three\n", "requires-python-invalid"),
        (
            "Version: 1.0.0\n",
            "Version: 1.0\nRequires-Python: <3.10\n",
            "requires-python-excludes-tag",
        ),
        ("Name: Example\n", "Name Example\n", "metadata-unreadable"),
    ] {
        assert_eq!(of_metadata(&good.replace(from, to)), [expected]);
    }
    let wheel_file = named("WHEEL").name;
    let of_wheel = |text: &str| of(&with(file(&wheel_file, text)));
    let tag = "Tag: cp310-abi3-manylinux_2_17_x86_64\n";
    assert_eq!(of_wheel(&format!("Wheel-Version: 2.0\n{tag}")), ["wheel-version-unknown"]);
    assert_eq!(of_wheel("Wheel-Version: 1.0\nTag: py3-none-any\n"), ["wheel-tags-mismatch"]);
    let pure = format!("Wheel-Version: 1.0\nRoot-Is-Purelib: true\n{tag}");
    assert_eq!(of_wheel(&pure), ["extension-in-purelib"]);
    let points = |text: &str| of(&with(file("example-1.0.dist-info/entry_points.txt", text)));
    assert!(points("[console_scripts]\nrun = example:run\nx = a.b:c.d\n").is_empty());
    assert_eq!(points("[console_scripts]\nrun = example/run\n"), ["entry-point-invalid"]);
    let renamed = names(
        &wheel("other-2.0-cp310-abi3-manylinux_2_17_x86_64.whl", &files()),
        &Policy::default(),
    );
    assert_eq!(
        renamed,
        ["dist-info-name-mismatch", "metadata-name-mismatch", "metadata-version-mismatch"]
    );
    assert_eq!(names(&wheel("example.zip", &files()), &Policy::default()), ["file-name-invalid"]);
}

#[test]
fn the_archive_hides_nothing() {
    let moded = |mode| of(&with(File { mode, ..file("example/x", "target") }));
    assert!(moded(0o100_600).is_empty());
    assert_eq!(moded(0o120_777), ["entry-not-a-file"]);
    assert_eq!(moded(0o104_755), ["special-mode"]);
    assert_eq!(moded(0o100_666), ["world-writable-mode"]);
    let policy = Policy { size_limit: 100, ..Policy::default() };
    assert_eq!(names(&wheel(NAME, &files()), &policy), ["wheel-too-large"]);
    let unreadable = File { crc: Some(1), ..file("example/x", "text") };
    assert_eq!(of(&with(unreadable)), ["entry-unreadable"]);
}

#[test]
fn secrets_are_found_where_they_stand_as_a_whole() {
    let secret = |text: &str, kind| Secret { what: "text".to_owned(), text: text.to_owned(), kind };
    let found = |data: &[u8], secret: Secret| {
        let policy = Policy { secrets: vec![secret], ..Policy::default() };
        !names(&wheel(NAME, &with(file("example/data", data))), &policy).is_empty()
    };
    for (data, text, kind, expected) in [
        (&b"x/home/ada/src"[..], "/home/ada/", SecretKind::Path, true),
        (b"x/home/ada2/src", "/home/ada", SecretKind::Path, false),
        (b"panic\0/home/ada", "/home/ada", SecretKind::Path, true),
        (b"C:\\\\Users\\\\ada\\\\x", "C:\\Users\\ada", SecretKind::Path, true),
        (b"/Users/ada/x", "ada", SecretKind::User, true),
        (b"Canada ada", "ada", SecretKind::User, false),
        (b"at build-07.", "build-07", SecretKind::Word, true),
        (b"rebuild-07", "build-07", SecretKind::Word, false),
        (b"anything", "/", SecretKind::Path, false),
    ] {
        assert_eq!(found(data, secret(text, kind)), expected, "{text}");
    }
    let policy =
        Policy { secrets: vec![secret("/home/ada", SecretKind::Path)], ..Policy::default() };
    let module = Elf { data: b"src/lib.rs/home/ada/x.rs\0".to_vec(), ..module() };
    let problems = check(&wheel(NAME, &with(file(MODULE, module.build()))), &policy);
    assert_eq!((problems[0].name, problems[0].place.as_str()), ("leaked-text", MODULE));
    assert!(problems[0].evidence[1].ends_with("src/lib.rs/home/ada/x.rs"), "{problems:?}");
    assert!(problems[0].cure.contains("--remap-path-prefix"));
}
