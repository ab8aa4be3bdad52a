//! BLD020: cargo is told to start rustc through a program that is not there.

use report::{Finding, Fix, Safety, Severity};

use super::{has_rust, shell, toolchain};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{Facts, Findings, NamedPath};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "BLD020",
    name: "rustc-wrapper-not-found",
    summary: "cargo starts rustc through a wrapper, such as sccache, that is not there",
    page: include_str!("../../../pages/BLD020.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::by_variable, tests::by_file, tests::with_a_tilde],
        silent: &[tests::there, tests::none, tests::nothing_to_build],
    },
};

fn run(facts: &Facts, findings: &mut Findings) {
    if !has_rust(facts) {
        findings.skip("there is no Cargo.toml here");
        return;
    }
    for wrapper in facts.settings.wrappers.iter().filter(|wrapper| !wrapper.exists) {
        let subject = if wrapper.file.is_some() { toolchain(facts) } else { shell() };
        let mut finding = Finding::new(
            Severity::Error,
            subject,
            format!("cargo starts rustc through `{}`, which is not there", wrapper.written),
        );
        finding = match &wrapper.file {
            Some(file) => finding.seen_at(
                facts.native(file),
                format!("{} = \"{}\"", wrapper.setting, wrapper.written),
            ),
            None => finding.seen(format!("{}={}", wrapper.setting, wrapper.written)),
        };
        let where_looked = if wrapper.written.contains(['/', '\\']) {
            format!("{} is not there", facts.native(&wrapper.path))
        } else {
            format!("no directory of PATH holds `{}`", wrapper.written)
        };
        findings.push(finding.seen(where_looked).cause(cause(wrapper)).fix(cure(facts, wrapper)));
    }
}

fn cause(wrapper: &NamedPath) -> &'static str {
    if wrapper.written.starts_with('~') {
        "cargo reads the path as it is written: only shells know what `~` means"
    } else {
        "The wrapper was removed, or was installed for another user, another machine or an image \
         that is no longer used, and the setting stayed"
    }
}

fn cure(facts: &Facts, wrapper: &NamedPath) -> Fix {
    match &wrapper.file {
        Some(file) => Fix::new(Safety::Manual, "let cargo start rustc itself").edit(
            facts.native(file),
            format!(
                "remove `{} = \"{}\"`, or name a wrapper that is there",
                wrapper.setting.trim_start_matches("build."),
                wrapper.written
            ),
        ),
        None => Fix::new(Safety::Safe, "let cargo start rustc itself").unset(&wrapper.setting),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::bld::testing::extension_project;
    use host::HostPath;

    fn with(wrapper: NamedPath) -> Facts {
        let mut facts = extension_project("0.26.0", &[]);
        facts.settings.wrappers = vec![wrapper];
        facts
    }

    fn sccache() -> NamedPath {
        NamedPath {
            setting: "RUSTC_WRAPPER".to_owned(),
            written: "sccache".to_owned(),
            path: HostPath::from("sccache"),
            ..NamedPath::default()
        }
    }

    pub(super) fn by_variable() -> Facts {
        with(sccache())
    }

    pub(super) fn by_file() -> Facts {
        with(NamedPath {
            setting: "build.rustc-wrapper".to_owned(),
            file: Some(HostPath::from("/home/dev/.cargo/config.toml")),
            written: "/opt/sccache".to_owned(),
            path: HostPath::from("/opt/sccache"),
            exists: false,
        })
    }

    pub(super) fn with_a_tilde() -> Facts {
        let mut facts = by_file();
        facts.settings.wrappers[0].written = "~/.cargo/bin/sccache".to_owned();
        facts.settings.wrappers[0].path = HostPath::from("/home/dev/~/.cargo/bin/sccache");
        facts
    }

    pub(super) fn there() -> Facts {
        with(NamedPath { exists: true, ..sccache() })
    }

    pub(super) fn none() -> Facts {
        extension_project("0.26.0", &[])
    }

    pub(super) fn nothing_to_build() -> Facts {
        let mut facts = by_variable();
        facts.project.workspace_root = None;
        facts
    }
}
