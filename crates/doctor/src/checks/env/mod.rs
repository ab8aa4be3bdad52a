//! ENV: virtual environments.

pub(super) mod env001;
pub(super) mod env002;
pub(super) mod env003;
pub(super) mod env004;
pub(super) mod env005;
pub(super) mod env006;
pub(super) mod env007;
pub(super) mod env008;
pub(super) mod env009;

use pyenvs::EnvironmentKind;
use report::{Fix, Safety};

use crate::{EnvironmentFacts, Facts, cures};

/// The cure for an environment that cannot be used as it is: a virtual one is made anew, a conda
/// environment gets its Python back, an installation is installed again.
fn mend(facts: &Facts, environment: &EnvironmentFacts) -> Fix {
    let python = &environment.python;
    let version = python.version.get();
    match python.kind {
        kind if kind.is_virtual() => cures::recreate(facts, environment),
        kind if kind.is_conda() => {
            let python = version.map_or_else(|| "python".to_owned(), |v| format!("python={v}"));
            Fix::new(Safety::Confirm, "install Python into the conda environment again").run(
                cures::conda_install(facts, environment, &["--force-reinstall", python.as_str()]),
            )
        }
        EnvironmentKind::Pyenv => {
            let name = python.prefix.file_name().unwrap_or_default().to_string_lossy();
            Fix::new(Safety::Confirm, "build this Python again with pyenv")
                .run(["pyenv", "install", "--force", &*name])
                .run(["pyenv", "rehash"])
        }
        EnvironmentKind::Uv => {
            let version = version.map_or_else(|| "3".to_owned(), ToString::to_string);
            Fix::new(Safety::Confirm, "install this Python again with uv").run([
                "uv",
                "python",
                "install",
                "--reinstall",
                version.as_str(),
            ])
        }
        _ => Fix::new(Safety::Manual, "install this Python again").by_hand(format!(
            "install the Python in {} again, the way it was installed before",
            facts.native(&python.prefix)
        )),
    }
}
