//! A fact that was seen, is absent, or could not be read.

use serde::{Deserialize, Serialize};

/// What is known of one fact. "Could not tell" is a state of its own and never "fine".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Seen<T> {
    /// The fact, as read.
    Seen(T),
    /// Looked for and not there.
    #[default]
    Absent,
    /// There, but unreadable or senseless; the reason is for a person.
    Broken(String),
}

impl<T> Seen<T> {
    /// The value, if it was seen.
    pub fn get(&self) -> Option<&T> {
        match self {
            Self::Seen(value) => Some(value),
            Self::Absent | Self::Broken(_) => None,
        }
    }

    /// The reason, if the fact is there but unreadable.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Broken(reason) => Some(reason),
            Self::Seen(_) | Self::Absent => None,
        }
    }

    /// Whether the value was seen.
    pub fn is_seen(&self) -> bool {
        matches!(self, Self::Seen(_))
    }

    /// Whether the fact was looked for and is not there.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// The same state with the value changed.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Seen<U> {
        match self {
            Self::Seen(value) => Seen::Seen(change(value)),
            Self::Absent => Seen::Absent,
            Self::Broken(reason) => Seen::Broken(reason),
        }
    }
}

impl<T> From<Option<T>> for Seen<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Self::Seen)
    }
}

impl<T, E: std::fmt::Display> From<Result<T, E>> for Seen<T> {
    fn from(value: Result<T, E>) -> Self {
        match value {
            Ok(value) => Self::Seen(value),
            Err(error) => Self::Broken(error.to_string()),
        }
    }
}
