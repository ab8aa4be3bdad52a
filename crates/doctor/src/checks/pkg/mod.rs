//! PKG: installed packages, and where Python looks for them.

pub(super) mod pkg001;
pub(super) mod pkg002;
pub(super) mod pkg003;
pub(super) mod pkg004;
pub(super) mod pkg005;
pub(super) mod pkg006;
pub(super) mod pkg007;
pub(super) mod pkg008;
pub(super) mod pkg009;
pub(super) mod pkg010;
pub(super) mod pkg011;
pub(super) mod pkg012;
pub(super) mod pkg013;

use crate::Facts;

/// Whether a package is the project's own, or numpy: those by which everything here stands.
fn is_important(facts: &Facts, name: &str) -> bool {
    name == "numpy" || is_own(facts, name)
}

/// Whether a package is the project's own.
fn is_own(facts: &Facts, name: &str) -> bool {
    facts.project.pyproject.get().and_then(|p| p.name.as_deref()) == Some(name)
}
