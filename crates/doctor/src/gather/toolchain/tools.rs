//! Python programs on `PATH`: `maturin`, `uv`, `pip`, `virtualenv`.

use std::path::{Path, PathBuf};

use host::{Host, Os, Seen};

use super::super::path;
use crate::{EnvironmentFacts, Tool, ToolchainFacts};

/// The first line of a script is shorter than this.
const FIRST_LINE: usize = 512;

/// Every program of this name on `PATH`.
pub(super) fn gather(host: &Host, name: &str) -> Vec<Tool> {
    host.programs(name)
        .into_iter()
        .map(|program| Tool {
            real_path: path(host.canonicalize(&program).unwrap_or_else(|_| program.clone())),
            path: path(program),
            version: Seen::Absent,
            environment: None,
        })
        .collect()
}

/// Says to which environment each tool belongs, and its version by that environment's records.
pub(super) fn attribute(
    host: &Host,
    toolchain: &mut ToolchainFacts,
    environments: &[EnvironmentFacts],
) {
    let ToolchainFacts { maturin, uv, pip, pyenv, .. } = toolchain;
    let shims = pyenv.as_ref().map(|pyenv| pyenv.root.join("shims"));
    for (name, tools) in [("maturin", maturin), ("uv", uv), ("pip", pip)] {
        for tool in tools {
            // What a shim starts is up to pyenv.
            if tool.path.parent().is_some_and(|parent| shims.as_deref() == Some(parent)) {
                continue;
            }
            let Some(environment) = owner(host, tool, environments) else { continue };
            tool.environment = Some(environment.python.prefix.clone());
            if let Some(package) = environment.python.packages_named(name).next() {
                tool.version = package.version.clone().map(|version| version.to_string());
            }
        }
    }
}

/// The environment in whose directory of programs a tool lies; else the one of the interpreter
/// that its first line names.
fn owner<'a>(
    host: &Host,
    tool: &Tool,
    environments: &'a [EnvironmentFacts],
) -> Option<&'a EnvironmentFacts> {
    let scripts = tool.path.parent()?;
    let inside = environments.iter().find(|environment| {
        let python = &environment.python;
        let names: &[&str] = if host.os == Os::Windows { &["Scripts", "bin"] } else { &["bin"] };
        names.iter().any(|name| *python.prefix.join(name) == *scripts)
            // The system's programs lie beside those of everything else.
            && python.kind != pyenvs::EnvironmentKind::System
    });
    inside.or_else(|| {
        let interpreter = interpreter(host, &tool.real_path)?;
        environments.iter().find(|environment| {
            let python = &environment.python;
            python.executable.as_ref().is_some_and(|executable| **executable == *interpreter)
                || interpreter.parent().is_some_and(|bin| *python.prefix.join("bin") == *bin)
        })
    })
}

fn interpreter(host: &Host, script: &Path) -> Option<PathBuf> {
    let bytes = host.read_start(script, FIRST_LINE).ok()?;
    let line = bytes.split(|byte| *byte == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?.strip_prefix("#!")?.trim();
    let program = line.split_whitespace().next()?;
    program.starts_with('/').then(|| PathBuf::from(program))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use host::HostPath;
    use pyenvs::EnvironmentKind;

    use super::*;
    use crate::testing::{bare_environment, package};

    #[test]
    fn tools_belong_to_the_environment_they_lie_in_or_name() {
        use std::os::unix::fs::PermissionsExt as _;
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let file = root.path().join(name);
            fs_err::create_dir_all(file.parent().unwrap()).unwrap();
            fs_err::write(&file, text).unwrap();
            fs_err::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        };
        let prefix = root.path().join("venv").display().to_string();
        write("venv/bin/pip", "#!/elsewhere/python\n");
        write("local/pip", &format!("#!{prefix}/bin/python -I\n"));
        write("other/pip", "#!/bin/sh\n");
        let mut environment = bare_environment(&prefix, "3.11.7", EnvironmentKind::Venv);
        environment.python.packages =
            vec![package("pip", "25.0", &HostPath::from(prefix.as_str()))];
        let mut host = Host::current().unwrap();
        let directories = ["venv/bin", "local", "other"];
        let entries = directories.map(|d| root.path().join(d).display().to_string());
        host.variables.set("PATH", entries.join(":"));
        let mut toolchain = ToolchainFacts { pip: gather(&host, "pip"), ..Default::default() };
        attribute(&host, &mut toolchain, &[environment]);
        let versions: Vec<_> = toolchain.pip.iter().map(|t| t.version.get().cloned()).collect();
        assert_eq!(versions, [Some("25.0".to_owned()), Some("25.0".to_owned()), None]);
    }
}
