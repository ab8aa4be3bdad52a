//! What a build was made of, in the words of its statement; and back from there.

use super::lock::BuildLock;
use super::project::Project;
use super::run::Built;
use super::sources::Sources;
use super::stage::{Plan, Product};
use super::statement::{Parameters, ResourceDescriptor, Statement, Subject};
use crate::digest::sha256;

/// What the name of a record ends with.
pub const RECORD: &str = ".intoto.json";

/// The record of a build: what came of it, and of what it was made.
#[must_use]
pub fn record(plan: &Plan<'_>, lock: &BuildLock, sources_sum: &str, built: &[Built]) -> Statement {
    let Plan { project, sources, inputs, source_date_epoch, python, product } = *plan;
    let subjects =
        built.iter().map(|file| Subject::new(&*file.name, "sha256", sha256(&file.bytes)));
    let parameters = Parameters {
        distribution: project.name.clone(),
        directory: slashes(&project.directory),
        product: product.name().to_owned(),
        packages: match product {
            Product::Core(packages) => packages.to_vec(),
            Product::Wheel | Product::Sdist => Vec::new(),
        },
        source_date_epoch,
        versioned: sources.version().is_some(),
        python: python.map(|python| python.version.clone()),
    };
    let mut inputs_used =
        vec![ResourceDescriptor::new("urn:truewheel:sources", "sha256", sources_sum)];
    if let Some(commit) = sources.version() {
        inputs_used.push(ResourceDescriptor::new("git+urn:truewheel:sources", "gitCommit", commit));
    }
    inputs_used.push(ResourceDescriptor::new("Cargo.lock", "sha256", &lock.crates.cargo_lock));
    let rust = &lock.rust;
    let uri = format!("pkg:generic/rustc@{}?host={}", rust.release, rust.host);
    inputs_used.push(ResourceDescriptor::new(uri, "gitCommit", &rust.commit));
    if let Some(image) = &lock.image {
        let sum = image.diff_id.trim_start_matches("sha256:");
        inputs_used.push(ResourceDescriptor::new("urn:truewheel:image", "sha256", sum));
    }
    inputs_used.extend(lock.python.iter().map(|file| {
        let uri = format!("pkg:pypi/{}@{}?file_name={}", file.name, file.version, file.file);
        ResourceDescriptor::new(uri, "sha256", &file.sha256)
    }));
    inputs_used.extend(inputs.graph.checksums().into_iter().map(|((name, version), checksum)| {
        ResourceDescriptor::new(format!("pkg:cargo/{name}@{version}"), "sha256", checksum)
    }));
    Statement::new(subjects.collect(), parameters, inputs_used)
}

/// What differs between a record and what is at hand, a sentence each: a wheel can only be built again
/// of the same inputs.
#[must_use]
pub fn differences(recorded: &Statement, at_hand: &Statement) -> Vec<String> {
    let definition = |statement: &Statement| statement.predicate.build_definition.clone();
    let (recorded, at_hand) = (definition(recorded), definition(at_hand));
    let mut found = Vec::new();
    if recorded.external_parameters != at_hand.external_parameters {
        found.push("it was asked for otherwise: other parameters".to_owned());
    }
    let digest = |list: &[ResourceDescriptor], uri: &str| {
        let input = list.iter().find(|input| input.uri == uri)?;
        Some(input.digest.values().cloned().collect::<Vec<_>>().join(" "))
    };
    let (old, new) = (&recorded.resolved_dependencies, &at_hand.resolved_dependencies);
    for uri in old.iter().chain(new).map(|input| &input.uri) {
        let (then, now) = (digest(old, uri), digest(new, uri));
        let text = match (then, now) {
            (Some(then), Some(now)) if then == now => continue,
            (Some(then), Some(now)) => format!("{uri} was {then}, and is {now} here"),
            (Some(_), None) => format!("{uri} was used, and is not here"),
            (None, Some(_)) => format!("{uri} is used here, and was not"),
            (None, None) => continue,
        };
        if !found.contains(&text) {
            found.push(text);
        }
    }
    found
}

/// The sha256 of everything that is built: paths, modes and contents.
///
/// # Errors
/// A file cannot be read.
pub fn sum_of_sources(
    host: &host::Host,
    project: &Project,
    sources: &Sources,
) -> super::Result<String> {
    let mut text = String::new();
    for file in &sources.files {
        let path = project.root.join(&file.path);
        let (kind, bytes) = if file.link {
            let target = host.read_link(&path).map_err(super::Error::write(&path))?;
            ("link", target.to_string_lossy().into_owned().into_bytes())
        } else {
            let bytes = host.read(&path, FILE_LIMIT).map_err(super::Error::read(&path))?;
            (if file.executable { "program" } else { "file" }, bytes)
        };
        let name = slashes(&file.path);
        text.push_str(&format!("{kind} {} {name:?}\n", sha256(&bytes)));
    }
    Ok(sha256(text.as_bytes()))
}

const FILE_LIMIT: u64 = 1 << 30;

fn slashes(path: &std::path::Path) -> String {
    let parts = path.components().map(|part| part.as_os_str().to_string_lossy());
    parts.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(inputs: &[(&str, &str)]) -> Statement {
        let parameters = Parameters {
            distribution: "example".to_owned(),
            directory: String::new(),
            product: "wheel".to_owned(),
            packages: Vec::new(),
            source_date_epoch: 1,
            versioned: true,
            python: None,
        };
        let inputs = inputs.iter().map(|(uri, sum)| ResourceDescriptor::new(*uri, "sha256", *sum));
        Statement::new(Vec::new(), parameters, inputs.collect())
    }

    #[test]
    fn what_is_not_the_same_is_named() {
        let recorded = statement(&[("Cargo.lock", "aa"), ("gone", "bb")]);
        assert_eq!(differences(&recorded, &recorded), Vec::<String>::new());
        let here = statement(&[("Cargo.lock", "cc"), ("new", "dd")]);
        assert_eq!(
            differences(&recorded, &here),
            [
                "Cargo.lock was aa, and is cc here",
                "gone was used, and is not here",
                "new is used here, and was not",
            ]
        );
    }
}
