//! The file name of a wheel: `NAME-VERSION(-BUILD)-PYTHON-ABI-PLATFORM.whl`.

use super::error::WheelError;

/// The longest file name that file systems take.
const LENGTH_LIMIT: usize = 255;

/// The parts of the file name of a wheel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WheelName {
    /// Name of the distribution, as written.
    pub distribution: String,
    /// Version, as written.
    pub version: String,
    /// Build tag.
    pub build: Option<String>,
    /// Python tags: `cp310`, `py3`.
    pub python: Vec<String>,
    /// ABI tags: `abi3`, `cp313`, `none`.
    pub abi: Vec<String>,
    /// Platform tags: `manylinux_2_17_x86_64`, `any`.
    pub platform: Vec<String>,
}

impl WheelName {
    /// Takes a file name, without directories, apart.
    ///
    /// # Errors
    /// [`WheelError::BadFileName`].
    pub fn parse(name: &str) -> Result<Self, WheelError> {
        let refused = |reason| Err(WheelError::BadFileName { name: name.to_owned(), reason });
        if name.len() > LENGTH_LIMIT {
            return refused("it is longer than file systems take");
        }
        let Some(stem) = name.strip_suffix(".whl") else {
            return refused("it does not end in .whl");
        };
        let parts: Vec<&str> = stem.split('-').collect();
        let (distribution, version, build, tags) = match parts.as_slice() {
            [distribution, version, python, abi, platform] => {
                (*distribution, *version, None, [*python, *abi, *platform])
            }
            [distribution, version, build, python, abi, platform] => {
                (*distribution, *version, Some(*build), [*python, *abi, *platform])
            }
            _ => return refused("it has not five or six parts with dashes between them"),
        };
        if distribution.is_empty() || version.is_empty() {
            return refused("the distribution or its version is empty");
        }
        if build.is_some_and(|build| !build.starts_with(|c: char| c.is_ascii_digit())) {
            return refused("a build tag starts with a digit");
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_.+!".contains(c);
        if !stem.chars().all(|c| allowed(c) || c == '-') {
            return refused("it holds characters that no part can have");
        }
        let [python, abi, platform] =
            tags.map(|tag| -> Vec<String> { tag.split('.').map(str::to_owned).collect() });
        if [&python, &abi, &platform].iter().any(|tags| tags.iter().any(String::is_empty)) {
            return refused("a tag is empty");
        }
        Ok(Self {
            distribution: distribution.to_owned(),
            version: version.to_owned(),
            build: build.map(str::to_owned),
            python,
            abi,
            platform,
        })
    }

    /// Every combination of a Python, an ABI and a platform tag, as `WHEEL` lists them.
    #[must_use]
    pub fn tags(&self) -> Vec<String> {
        let mut tags = Vec::new();
        for python in &self.python {
            for abi in &self.abi {
                for platform in &self.platform {
                    tags.push(format!("{python}-{abi}-{platform}"));
                }
            }
        }
        tags
    }
}

/// A name of a distribution as it is compared: `Arrow.Quant_v2` and `arrow-quant-v2` are one.
#[must_use]
pub fn normalized(name: &str) -> String {
    let mut text = String::new();
    for part in name.split(['-', '_', '.']).filter(|part| !part.is_empty()) {
        if !text.is_empty() {
            text.push('-');
        }
        text.push_str(&part.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_told_apart() {
        let name = WheelName::parse("a_b-1.0-2x-cp310.cp311-abi3-manylinux_2_17_x86_64.any.whl");
        let name = name.unwrap();
        assert_eq!((name.distribution.as_str(), name.version.as_str()), ("a_b", "1.0"));
        assert_eq!(name.build.as_deref(), Some("2x"));
        assert_eq!(
            name.tags(),
            [
                "cp310-abi3-manylinux_2_17_x86_64",
                "cp310-abi3-any",
                "cp311-abi3-manylinux_2_17_x86_64",
                "cp311-abi3-any"
            ]
        );
    }

    #[test]
    fn other_names_are_refused() {
        for name in [
            "",
            "a.whl",
            "a-1.0.zip",
            "a-1.0-py3-none.whl",
            "a-1.0-b1-py3-none-any.whl",
            "-1.0-py3-none-any.whl",
            "a--py3-none-any.whl",
            "a-1.0-py3..py2-none-any.whl",
            "a b-1.0-py3-none-any.whl",
            "a-1.0-py3-none-any-1-2.whl",
        ] {
            assert!(WheelName::parse(name).is_err(), "{name}");
        }
        assert!(WheelName::parse(&format!("{}-1-py3-none-any.whl", "a".repeat(250))).is_err());
    }

    #[test]
    fn names_are_compared_without_case_and_separators() {
        assert_eq!(normalized("Arrow.Quant__v2"), "arrow-quant-v2");
        assert_eq!(normalized("-a-"), "a");
    }
}
