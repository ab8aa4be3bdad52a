//! What others say of the same wheels: auditwheel of glibc, abi3audit of the stable ABI.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Workshop, problems, truewheel};

/// The minor version of the newest glibc that auditwheel sees needed.
fn newest_glibc(told: &Value) -> u32 {
    let versions = told["versioned_symbols"]["libc.so.6"].as_array().unwrap();
    let minors = versions.iter().filter_map(|version| {
        version.as_str()?.strip_prefix("GLIBC_2.")?.split('.').next()?.parse().ok()
    });
    minors.max().unwrap()
}

#[test]
fn a_real_wheel_is_what_it_says_it_is() {
    let Some(workshop) = Workshop::new("oracles::a_real_wheel_is_what_it_says_it_is") else {
        return;
    };
    let wheel = workshop.build("project", None);
    let (code, value) = truewheel(&["check", "--foreign"], &[&wheel]);
    assert_eq!((code, &value["errors"], &value["warnings"]), (0, &0.into(), &0.into()), "{value}");
}

#[test]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn auditwheel_sees_the_same_glibc() {
    let Some(workshop) = Workshop::new("oracles::auditwheel_sees_the_same_glibc") else { return };
    let wheel = workshop.build("project", None);
    let told = workshop.tool("auditwheel").args(["show", "--json"]).arg(&wheel).output().unwrap();
    assert!(told.success(), "{}", told.stderr_text());
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    let newest = newest_glibc(&told);

    let limit = |minor: u32| {
        truewheel(&["check", "--foreign", "--max-glibc", &format!("2.{minor}")], &[&wheel])
    };
    assert_eq!(limit(newest).0, 0);
    let (code, value) = limit(newest - 1);
    assert_eq!(code, 4);
    let evidence = &problems(&value, "glibc-over-limit")[0]["evidence"][0];
    assert!(evidence.as_str().unwrap().contains(&format!("GLIBC_2.{newest}")), "{evidence}");

    // The tag that auditwheel would give is the oldest that is true.
    let name = wheel.file_name().unwrap().to_str().unwrap();
    let tag = name.trim_end_matches(".whl").rsplit('-').next().unwrap();
    let overall = told["overall_tag"].as_str().unwrap();
    assert!(tag.split('.').any(|own| own == overall), "{tag} and {overall}");
    let machine = tag.rsplit_once("_x86_64").map_or("aarch64", |_| "x86_64");
    let older = workshop.renamed(&wheel, tag, &format!("manylinux_2_{}_{machine}", newest - 1));
    let (code, value) = truewheel(&["check", "--foreign"], &[&older]);
    assert_eq!((code, problems(&value, "glibc-too-new").len()), (4, 1), "{value}");
}

#[test]
fn abi3audit_sees_the_same_symbols() {
    let Some(workshop) = Workshop::new("oracles::abi3audit_sees_the_same_symbols") else { return };
    let wheel = workshop.build("project", None);
    let audit = |wheel: &std::path::Path| {
        let output = workshop.tool("abi3audit").args(["--strict", "--report"]).arg(wheel).output();
        let output = output.unwrap();
        (output.success(), serde_json::from_slice::<Value>(&output.stdout).unwrap())
    };
    assert!(audit(&wheel).0);
    let (code, value) = truewheel(&["check", "--foreign"], &[&wheel]);
    assert_eq!(code, 0, "{value}");

    // Under a tag that promises an older Python, both name the same symbols.
    let older = workshop.renamed(&wheel, "cp310-abi3", "cp38-abi3");
    let (fine, report) = audit(&older);
    assert!(!fine);
    let spec = report["specs"].as_object().unwrap().values().next().unwrap();
    let theirs = spec["wheel"][0]["result"]["future_abi3_objects"].as_object().unwrap();
    let theirs: BTreeSet<String> = theirs
        .iter()
        .map(|(symbol, since)| format!("{symbol}, since {}", since.as_str().unwrap()))
        .collect();
    let (code, value) = truewheel(&["check", "--foreign"], &[&older]);
    assert_eq!(code, 4);
    let ours: BTreeSet<String> = problems(&value, "abi3-symbol-too-new")[0]["evidence"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line.as_str().unwrap().to_owned())
        .collect();
    assert!(!theirs.is_empty());
    assert_eq!(ours, theirs);
}
