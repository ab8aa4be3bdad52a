//! What findings are about, where it is not an environment.

use host::HostPath;
use report::{Subject, SubjectKind};

use crate::Facts;

/// The shell and its variables.
pub(crate) fn shell() -> Subject {
    Subject::new(SubjectKind::Machine, "the environment variables of this shell")
}

/// The project's own files.
pub(crate) fn project(facts: &Facts) -> Subject {
    let root = facts.native(&facts.project.root);
    let name = facts
        .project
        .root
        .file_name()
        .map_or_else(|| root.clone(), |name| HostPath::from(std::path::Path::new(name)).text());
    Subject::at(SubjectKind::Project, format!("the project {name}"), root)
}
