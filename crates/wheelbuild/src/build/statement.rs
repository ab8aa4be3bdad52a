//! What was built of what, as an in-toto statement that anybody can sign.

use serde::{Deserialize, Serialize};

/// The type of what is stated.
const PREDICATE: &str = "https://slsa.dev/provenance/v1";
const STATEMENT: &str = "https://in-toto.io/Statement/v1";

/// How a build is done, so that a reader knows what the parameters mean.
pub(super) const BUILD_TYPE: &str = "urn:truewheel:wheel-build:1";

/// A file, by its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// What it is called, or where it came from.
    #[serde(alias = "uri")]
    pub name: String,
    /// The sha256 or another digest, each under its name.
    pub digest: std::collections::BTreeMap<String, String>,
}

impl Subject {
    /// Something with a digest.
    #[must_use]
    pub fn new(name: impl Into<String>, algorithm: &str, digest: impl Into<String>) -> Subject {
        let digest = [(algorithm.to_owned(), digest.into())].into();
        Subject { name: name.into(), digest }
    }
}

/// An unsigned in-toto statement with SLSA provenance (<https://slsa.dev/spec/v1.0/provenance>,
/// <https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md>). Times are not in it, so
/// that the same build has the same statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    /// What was built.
    pub subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    /// How.
    pub predicate: Predicate,
}

/// How something was built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Predicate {
    /// What was asked for, and of what it was made.
    pub build_definition: BuildDefinition,
    /// Who made it.
    pub run_details: RunDetails,
}

/// What was asked for, and of what it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildDefinition {
    build_type: String,
    /// What was asked for.
    pub external_parameters: Parameters,
    /// Of what it was made.
    pub resolved_dependencies: Vec<ResourceDescriptor>,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Parameters {
    /// The distribution.
    pub distribution: String,
    /// The directory of `pyproject.toml` in the repository.
    pub directory: String,
    /// What was made: `wheel`, `sdist` or `core`.
    pub product: String,
    /// The crates of the core.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<String>,
    /// The time that everything in the wheel has, in seconds since 1970.
    pub source_date_epoch: u64,
    /// Whether the sources are exactly those of a commit.
    pub versioned: bool,
    /// The version of the Python that was used instead of the image's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python: Option<String>,
}

/// An input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceDescriptor {
    /// What it is.
    pub uri: String,
    /// Its digests, each under its name.
    pub digest: std::collections::BTreeMap<String, String>,
}

/// Who made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunDetails {
    /// The program.
    pub builder: Builder,
}

/// A program that builds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Builder {
    /// Its name.
    pub id: String,
    /// The versions of its parts.
    pub version: std::collections::BTreeMap<String, String>,
}

impl ResourceDescriptor {
    /// An input with a digest.
    #[must_use]
    pub fn new(uri: impl Into<String>, algorithm: &str, digest: impl Into<String>) -> Self {
        let digest = [(algorithm.to_owned(), digest.into())].into();
        ResourceDescriptor { uri: uri.into(), digest }
    }
}

impl Statement {
    /// That these were built so, of these.
    #[must_use]
    pub fn new(
        subject: Vec<Subject>,
        external_parameters: Parameters,
        resolved_dependencies: Vec<ResourceDescriptor>,
    ) -> Statement {
        let version = [("truewheel".to_owned(), env!("CARGO_PKG_VERSION").to_owned())].into();
        Statement {
            kind: STATEMENT.to_owned(),
            subject,
            predicate_type: PREDICATE.to_owned(),
            predicate: Predicate {
                build_definition: BuildDefinition {
                    build_type: BUILD_TYPE.to_owned(),
                    external_parameters,
                    resolved_dependencies,
                },
                run_details: RunDetails {
                    builder: Builder { id: "urn:truewheel".to_owned(), version },
                },
            },
        }
    }

    /// The statement as a file.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The statement in a file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Statement, String> {
        let statement: Statement = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if statement.kind != STATEMENT || statement.predicate_type != PREDICATE {
            return Err(format!("it is a {} of {}", statement.kind, statement.predicate_type));
        }
        let kind = &statement.predicate.build_definition.build_type;
        if kind != BUILD_TYPE {
            return Err(format!("the build type {kind:?} is not known here"));
        }
        Ok(statement)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_reads_back_and_another_is_refused() {
        let parameters = Parameters {
            distribution: "example".to_owned(),
            directory: "python".to_owned(),
            source_date_epoch: 1_700_000_000,
            versioned: true,
            product: "wheel".to_owned(),
            packages: Vec::new(),
            python: None,
        };
        let subject = Subject::new("example-1.0-py3-none-any.whl", "sha256", "aa");
        let input = ResourceDescriptor::new("pkg:pypi/maturin@1.16.0", "sha256", "bb");
        let statement = Statement::new(vec![subject], parameters, vec![input]);
        let text = statement.text();
        assert_eq!(Statement::parse(&text), Ok(statement));
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["_type"], STATEMENT);
        assert_eq!(value["predicate"]["buildDefinition"]["buildType"], BUILD_TYPE);
        assert!(Statement::parse(&text.replace(BUILD_TYPE, "urn:other")).is_err());
        assert!(Statement::parse("{}").is_err());
    }
}
