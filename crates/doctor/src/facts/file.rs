//! Facts as a file.

use std::fmt;

use serde::Deserialize;

use super::{FACTS_SCHEMA, Facts};

/// Why a facts file could not be used.
#[derive(Debug)]
pub enum FactsError {
    /// Not JSON, or not the layout.
    Malformed(serde_json::Error),
    /// Written by a tool with another layout.
    OtherSchema {
        /// The schema it names.
        found: String,
    },
}

impl fmt::Display for FactsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "not a facts file: {error}"),
            Self::OtherSchema { found } => write!(
                f,
                "the file has schema `{found}`, and this version of the tool reads `{FACTS_SCHEMA}`"
            ),
        }
    }
}

impl std::error::Error for FactsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Malformed(error) => Some(error),
            Self::OtherSchema { .. } => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(expecting = "an object with a `schema`")]
struct SchemaOnly {
    schema: String,
}

impl Facts {
    /// The facts as JSON, indented, with a final newline.
    ///
    /// # Errors
    /// Never for facts that [`crate::gather`] made; serde's signature asks for it.
    pub fn to_json(&self) -> Result<String, FactsError> {
        let mut text = serde_json::to_string_pretty(self).map_err(FactsError::Malformed)?;
        text.push('\n');
        Ok(text)
    }

    /// Reads what [`Facts::to_json`] wrote, on any system.
    ///
    /// # Errors
    /// Not JSON, not facts, or facts of another schema; the message says which.
    pub fn from_json(text: &str) -> Result<Self, FactsError> {
        let schema: SchemaOnly = serde_json::from_str(text).map_err(FactsError::Malformed)?;
        if schema.schema != FACTS_SCHEMA {
            return Err(FactsError::OtherSchema { found: schema.schema });
        }
        serde_json::from_str(text).map_err(FactsError::Malformed)
    }
}
