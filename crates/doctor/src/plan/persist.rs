//! Variables that have a place in the project: what cargo's configuration can say instead of the
//! shell.

use host::HostPath;
use report::Fix;

use super::Action;
use super::toml_text::toml_string;
use crate::Facts;

/// The change of the project's cargo configuration that does what setting the variable would do;
/// `None` where cargo has no place for it, or the shell's own variable would win.
pub(super) fn persist(facts: &Facts, name: &str, value: &str) -> Option<Action> {
    if facts.variable(name).is_some() {
        return None;
    }
    let file = configuration(facts)?;
    let configure = |table: &[&str], key: &str, value: String| Action::Configure {
        file: facts.native(&file),
        table: table.iter().map(|&part| part.to_owned()).collect(),
        key: key.to_owned(),
        value,
    };
    let rustc = facts.toolchain.rustc.get();
    let linker = rustc.map(|rustc| {
        let triple = rustc.host_triple.to_ascii_uppercase().replace('-', "_");
        format!("CARGO_TARGET_{triple}_LINKER")
    });
    match name {
        "CARGO_TARGET_DIR" => Some(configure(&["build"], "target-dir", toml_string(value))),
        "CARGO_BUILD_TARGET" => Some(configure(&["build"], "target", toml_string(value))),
        "CARGO_INCREMENTAL" if value == "0" => {
            Some(configure(&["build"], "incremental", "false".to_owned()))
        }
        _ if linker.as_deref() == Some(name) => {
            let triple = &rustc?.host_triple;
            Some(configure(&["target", triple], "linker", toml_string(value)))
        }
        // cargo hands these to build scripts, which is where PyO3 reads them.
        _ if name.starts_with("PYO3_") => {
            Some(configure(&["env"], name, environment_value(facts, value)))
        }
        _ => None,
    }
}

/// A value of `[env]`: a path in the project counts from the project, so that the file is right for
/// everybody who has it.
fn environment_value(facts: &Facts, value: &str) -> String {
    let root = facts.native(&facts.project.root);
    let inside = value.strip_prefix(&root).and_then(|rest| rest.strip_prefix(['/', '\\']));
    match inside {
        Some(inside) => {
            let inside = toml_string(&inside.replace('\\', "/"));
            format!("{{ value = {inside}, relative = true }}")
        }
        None => format!("{{ value = {}, relative = false }}", toml_string(value)),
    }
}

/// The project's own configuration of cargo, which may be missing; `None` where there is one that
/// cannot be read.
fn configuration(facts: &Facts) -> Option<HostPath> {
    let directory = facts.project.root.join(".cargo");
    let file = directory.join("config.toml");
    // Where both exist cargo takes the one without an ending.
    let old = directory.join("config");
    let is_broken = |path: &HostPath| facts.project.broken_manifests.iter().any(|(p, _)| p == path);
    if is_broken(&old) || is_broken(&file) {
        return None;
    }
    let has_old = facts.project.cargo_configs.iter().any(|config| config.path == old);
    Some(if has_old { old } else { file })
}

/// Adds to a cure that cargo's builds take one interpreter, written into the project; without a
/// file to write it to, what a person does.
pub(crate) fn pin_interpreter(facts: &Facts, fix: Fix, interpreter: &str) -> Fix {
    const NAME: &str = "PYO3_PYTHON";
    match configuration(facts) {
        Some(file) => fix.configure(
            facts.native(&file),
            &["env"],
            NAME,
            environment_value(facts, interpreter),
        ),
        None => fix.set(NAME, interpreter),
    }
}
