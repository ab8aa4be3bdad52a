//! Why a wheel could not be read.

/// Why bytes could not be read as a wheel, or a part of one as what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WheelError {
    /// The bytes are no zip archive, or one that is cut or contradicts itself.
    BadZip {
        /// What does not fit.
        reason: String,
    },
    /// A zip feature that wheels do not use, and that installers do not agree about.
    Unsupported {
        /// The entry, if it is about one.
        entry: Option<String>,
        /// The feature.
        feature: String,
    },
    /// A name that leads out of the directory that it is unpacked into, or that readers cut short.
    UnsafeName {
        /// The name; what is not UTF-8 is replaced.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Two entries have the same name, so that installers disagree about which one counts.
    DuplicateName {
        /// The name.
        name: String,
    },
    /// Two entries share bytes, as in archives that are made to unpack without end.
    Overlap {
        /// The one that starts first.
        first: String,
        /// The other.
        second: String,
    },
    /// The directory at the end and the header before the data say different things of an entry.
    HeadersDisagree {
        /// The entry.
        entry: String,
        /// What they disagree about.
        field: &'static str,
        /// What the directory says.
        central: String,
        /// What the header before the data says.
        local: String,
    },
    /// More than a wheel of this length can honestly hold.
    Bomb {
        /// The entry, or nothing when all of them together are too large.
        entry: Option<String>,
        /// Bytes that it unpacks to.
        size: u64,
        /// Bytes that are allowed.
        allowed: u64,
    },
    /// Data that do not unpack to what is said of them.
    BadData {
        /// The entry.
        entry: String,
        /// What does not fit.
        reason: String,
    },
    /// There is no such entry.
    Missing {
        /// Its name, or what it should end in.
        name: String,
    },
    /// A text of the wheel is not written as it should be.
    BadText {
        /// The entry.
        entry: String,
        /// Line, counted from one.
        line: usize,
        /// What does not fit.
        reason: String,
    },
    /// The file name is not that of a wheel.
    BadFileName {
        /// The name.
        name: String,
        /// What does not fit.
        reason: &'static str,
    },
}

impl std::fmt::Display for WheelError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::BadZip { reason } => write!(f, "damaged zip archive: {reason}"),
            Self::Unsupported { entry: Some(entry), feature } => {
                write!(f, "{entry}: {feature} is not part of what wheels use")
            }
            Self::Unsupported { entry: None, feature } => {
                write!(f, "{feature} is not part of what wheels use")
            }
            Self::UnsafeName { name, reason } => {
                write!(f, "dangerous name of an entry, {name:?}: {reason}")
            }
            Self::DuplicateName { name } => write!(f, "two entries are named {name}"),
            Self::Overlap { first, second } => {
                write!(f, "the entries {first} and {second} share bytes")
            }
            Self::HeadersDisagree { entry, field, central, local } => write!(
                f,
                "{entry}: its {field} is {central} in the directory and {local} before its data"
            ),
            Self::Bomb { entry, size, allowed } => {
                let entry = entry.as_deref().unwrap_or("all entries together");
                write!(f, "{entry}: unpacks to {size} bytes, where {allowed} are believable")
            }
            Self::BadData { entry, reason } => write!(f, "{entry}: {reason}"),
            Self::Missing { name } => write!(f, "there is no {name} in it"),
            Self::BadText { entry, line, reason } => write!(f, "{entry}:{line}: {reason}"),
            Self::BadFileName { name, reason } => {
                write!(f, "{name:?} is not the file name of a wheel: {reason}")
            }
        }
    }
}

impl std::error::Error for WheelError {}
