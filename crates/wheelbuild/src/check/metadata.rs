//! `METADATA`, `WHEEL`, entry points, and whether they agree with the file name.

use std::collections::BTreeSet;
use std::str::FromStr as _;

use artifacts::wheel::{Headers, Wheel, WheelError, WheelName, normalized};
use pep440_rs::{Version, VersionSpecifiers};

use super::Problem;
use super::facts::Facts;

/// Versions of the metadata format that there are (core metadata specification).
const METADATA_VERSIONS: [&str; 9] =
    ["1.0", "1.1", "1.2", "2.0", "2.1", "2.2", "2.3", "2.4", "2.5"];

const RENAMED: &str = "the file was renamed, or a part of the wheel was changed after it was built";
const REBUILD: &str = "build the wheel again instead of renaming or editing it";

pub(super) fn check(wheel: &Wheel, facts: &Facts, problems: &mut Vec<Problem>) {
    if let Err(error) = &wheel.name {
        problems.push(
            Problem::error("file-name-invalid", &wheel.file_name)
                .seen(error.to_string())
                .because("installers learn name, version and tags from the file name alone")
                .cure("give the file the name back that its build tool gave it"),
        );
    }
    let name = wheel.name.as_ref().ok();
    match wheel.dist_info() {
        Ok(directory) => directory_agrees(directory, name, problems),
        Err(error) => {
            problems.push(
                Problem::error("dist-info-invalid", &wheel.file_name)
                    .seen(error.to_string())
                    .because("a wheel has exactly one directory NAME-VERSION.dist-info")
                    .cure(REBUILD),
            );
            return;
        }
    }
    match wheel.metadata() {
        Ok(metadata) => metadata_agrees(&metadata, name, problems),
        Err(error) => unreadable("metadata-unreadable", "METADATA", &error, problems),
    }
    match wheel.wheel_file() {
        Ok(headers) => wheel_file_agrees(&headers, name, facts, problems),
        Err(error) => unreadable("wheel-file-unreadable", "WHEEL", &error, problems),
    }
    match wheel.entry_points() {
        Ok(points) => {
            let odd: Vec<String> = points
                .iter()
                .filter(|point| !is_object_reference(&point.target))
                .map(|point| format!("{} = {}", point.name, point.target))
                .collect();
            if !odd.is_empty() {
                problems.push(
                    Problem::error("entry-point-invalid", "entry_points.txt")
                        .seen_all(odd)
                        .because("an entry point is written `package.module:function`")
                        .cure("correct `[project.scripts]` or `[project.entry-points]` in pyproject.toml"),
                );
            }
        }
        Err(error) => unreadable("entry-point-invalid", "entry_points.txt", &error, problems),
    }
}

fn unreadable(name: &'static str, file: &str, error: &WheelError, problems: &mut Vec<Problem>) {
    problems.push(
        Problem::error(name, file)
            .seen(error.to_string())
            .because("installers refuse a wheel whose own texts they cannot read")
            .cure(REBUILD),
    );
}

fn is_object_reference(target: &str) -> bool {
    let target = target.split('[').next().unwrap_or(target).trim();
    let is_dotted = |text: &str| {
        text.split('.').all(|part| {
            let part = part.trim();
            !part.is_empty()
                && !part.starts_with(|c: char| c.is_ascii_digit())
                && part.chars().all(|c| c.is_alphanumeric() || c == '_')
        })
    };
    match target.split_once(':') {
        Some((module, object)) => is_dotted(module) && is_dotted(object),
        None => is_dotted(target),
    }
}

fn same_version(one: &str, other: &str) -> bool {
    // In names of files a local version has `_` where it has `-` or `.` elsewhere.
    let version = |text: &str| Version::from_str(&text.replace('_', "-")).ok();
    match (version(one), version(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

fn directory_agrees(directory: &str, name: Option<&WheelName>, problems: &mut Vec<Problem>) {
    let Some(name) = name else { return };
    let stem = directory.strip_suffix(".dist-info").unwrap_or(directory);
    let agrees = stem.rsplit_once('-').is_some_and(|(own, version)| {
        normalized(own) == normalized(&name.distribution) && same_version(version, &name.version)
    });
    if !agrees {
        problems.push(
            Problem::error("dist-info-name-mismatch", directory)
                .seen(format!("the file name says {} {}", name.distribution, name.version))
                .because(RENAMED)
                .cure(REBUILD),
        );
    }
}

fn metadata_agrees(metadata: &Headers, name: Option<&WheelName>, problems: &mut Vec<Problem>) {
    let field_problem =
        |problem, evidence: String| Problem::error(problem, "METADATA").seen(evidence);
    for field in ["Metadata-Version", "Name", "Version"] {
        if metadata.get(field).is_none_or(str::is_empty) {
            problems.push(
                field_problem("metadata-field-missing", format!("there is no {field}"))
                    .because("the core metadata specification requires it")
                    .cure("set name and version in `[project]` of pyproject.toml"),
            );
        }
    }
    if let Some(version) = metadata.get("Metadata-Version")
        && !METADATA_VERSIONS.contains(&version)
    {
        problems.push(
            field_problem("metadata-version-unknown", format!("Metadata-Version: {version}"))
                .because("installers that do not know the format's version refuse the wheel")
                .cure(format!("use one of {}", METADATA_VERSIONS.join(", "))),
        );
    }
    if let Some(name) = name {
        let own = metadata.get("Name").unwrap_or_default();
        if !own.is_empty() && normalized(own) != normalized(&name.distribution) {
            let evidence = format!("Name: {own}, where the file name says {}", name.distribution);
            problems.push(
                field_problem("metadata-name-mismatch", evidence).because(RENAMED).cure(REBUILD),
            );
        }
        let own = metadata.get("Version").unwrap_or_default();
        if !own.is_empty() && !same_version(own, &name.version) {
            let evidence = format!("Version: {own}, where the file name says {}", name.version);
            problems.push(
                field_problem("metadata-version-mismatch", evidence).because(RENAMED).cure(REBUILD),
            );
        }
    }
    if let Some(text) = metadata.get("Requires-Python") {
        match VersionSpecifiers::from_str(text) {
            Ok(specifiers) => python_agrees(text, &specifiers, name, problems),
            Err(error) => problems.push(
                field_problem("requires-python-invalid", format!("Requires-Python: {text}"))
                    .seen(error.to_string().lines().next().unwrap_or_default())
                    .because("it is not a version specifier as PEP 440 has them")
                    .cure("correct `requires-python` in pyproject.toml, for example `>=3.10`"),
            ),
        }
    }
}

/// Whether a Python that the tags promise is one that the metadata lets in.
fn python_agrees(
    text: &str,
    specifiers: &VersionSpecifiers,
    name: Option<&WheelName>,
    problems: &mut Vec<Problem>,
) {
    /// Patch releases of a minor version that are tried, more than there ever were of one.
    const PATCHES: u64 = 40;
    let Some(name) = name else { return };
    let is_abi3 = name.abi.iter().any(|abi| abi.starts_with("abi3"));
    for tag in &name.python {
        let Some((major, minor)) = super::suffix::python_of_tag(tag) else { continue };
        let last = if is_abi3 { minor + 20 } else { minor };
        let fits = (minor..=last).any(|minor| {
            (0..PATCHES).any(|patch| {
                specifiers.contains(&Version::new([u64::from(major), u64::from(minor), patch]))
            })
        });
        if !fits {
            problems.push(
                Problem::error("requires-python-excludes-tag", "METADATA")
                    .seen(format!("Requires-Python: {text}, and the tag {tag}"))
                    .because("no Python that the tag is for may install it")
                    .cure("build for a Python that `requires-python` allows, or allow this one"),
            );
        }
    }
}

fn wheel_file_agrees(
    headers: &Headers,
    name: Option<&WheelName>,
    facts: &Facts,
    problems: &mut Vec<Problem>,
) {
    let version = headers.get("Wheel-Version").unwrap_or_default();
    if version.split('.').next() != Some("1") {
        problems.push(
            Problem::error("wheel-version-unknown", "WHEEL")
                .seen(format!("Wheel-Version: {version}"))
                .because("installers refuse every major version of the format but 1")
                .cure("build with a tool that writes Wheel-Version 1.0"),
        );
    }
    if let Some(name) = name {
        let told: BTreeSet<String> = headers.all("Tag").map(str::to_owned).collect();
        let named: BTreeSet<String> = name.tags().into_iter().collect();
        if told != named {
            let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| -> String {
                a.difference(b).cloned().collect::<Vec<_>>().join(", ")
            };
            let mut problem = Problem::warning("wheel-tags-mismatch", "WHEEL");
            for (what, tags) in
                [("only here", only(&told, &named)), ("only in the file name", only(&named, &told))]
            {
                if !tags.is_empty() {
                    problem = problem.seen(format!("{what}: {tags}"));
                }
            }
            problems.push(
                problem
                    .because("the file was renamed or repaired without writing the tags anew")
                    .cure("give the tags with `python -m wheel tags`, which changes both"),
            );
        }
        if name.platform.iter().all(|platform| platform == "any") && !facts.modules.is_empty() {
            let names = facts.modules.iter().map(|module| module.name.clone());
            problems.push(
                Problem::error("native-file-in-any-wheel", &name.distribution)
                    .seen_all(names)
                    .because("the tag promises every platform, and these files run on one")
                    .cure("build with a tool that knows of the native code, such as maturin"),
            );
        }
    }
    let is_pure =
        headers.get("Root-Is-Purelib").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let extension = facts.modules.iter().find(|m| m.is_extension() && !m.name.contains(".data/"));
    if let Some(module) = extension.filter(|_| is_pure) {
        problems.push(
            Problem::warning("extension-in-purelib", "WHEEL")
                .seen(format!("Root-Is-Purelib: true, and there is {}", module.name))
                .because(
                    "systems that keep native modules apart (lib64) install it in the wrong place",
                )
                .cure("build with a tool that knows of the native code, such as maturin"),
        );
    }
}
