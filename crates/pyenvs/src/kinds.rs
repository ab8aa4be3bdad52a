//! Who made an environment.

use std::path::Path;

use host::Os;

use crate::context::Context;
use crate::locate::{Layout, Located};
use crate::paths;
use crate::{EnvironmentKind, PyvenvCfg};

/// The maker of a virtual environment, as its `pyvenv.cfg` tells.
pub(crate) fn of_virtual(cfg: Option<&PyvenvCfg>) -> EnvironmentKind {
    match cfg {
        Some(cfg) if cfg.uv.is_some() => EnvironmentKind::UvVenv,
        Some(cfg) if cfg.virtualenv.is_some() => EnvironmentKind::Virtualenv,
        _ => EnvironmentKind::Venv,
    }
}

/// The maker of any other environment: files first, then the place, then what the source said.
pub(crate) fn of_installation(context: &Context<'_>, located: &Located) -> EnvironmentKind {
    let prefix = located.prefix.as_path();
    match &located.layout {
        Layout::Conda if is_conda_base(context, prefix) => return EnvironmentKind::CondaBase,
        Layout::Conda => return EnvironmentKind::Conda,
        Layout::Broken(crate::ProblemKind::NoPyvenvCfg, _) => return EnvironmentKind::Venv,
        Layout::Broken(crate::ProblemKind::EmptyInterpreter, _) => {
            return EnvironmentKind::WindowsStore;
        }
        Layout::Broken(..) => return located.kind.unwrap_or(EnvironmentKind::Other),
        Layout::Installation | Layout::Virtual(_) => {}
    }
    if context.pyenv_root.as_ref().is_some_and(|root| prefix.starts_with(root.join("versions"))) {
        return EnvironmentKind::Pyenv;
    }
    if context.uv_roots.iter().any(|root| prefix.starts_with(root)) {
        return EnvironmentKind::Uv;
    }
    if prefix.to_str().is_some_and(|text| text.replace('\\', "/").contains("/uv/python/")) {
        // From another of uv's directories than the one it uses now.
        return EnvironmentKind::Uv;
    }
    of_place(context.os(), prefix).or(located.kind).unwrap_or(EnvironmentKind::Other)
}

/// The base environment has conda's own commands, or the directories of the others.
fn is_conda_base(context: &Context<'_>, prefix: &Path) -> bool {
    let has = |name: &str| context.host.is_dir(&prefix.join(name));
    has("condabin") || has("pkgs") && has("envs")
}

fn of_place(os: Os, prefix: &Path) -> Option<EnvironmentKind> {
    let text = prefix.to_str()?;
    match os {
        Os::Linux => {
            let is_brew = text.contains("/linuxbrew/");
            match text {
                "/usr" | "/" => Some(EnvironmentKind::System),
                _ if is_brew => Some(EnvironmentKind::Homebrew),
                _ => None,
            }
        }
        Os::Macos => {
            let brew = ["/opt/homebrew/", "/usr/local/opt/", "/usr/local/Cellar/"];
            if brew.iter().any(|start| text.starts_with(start)) {
                Some(EnvironmentKind::Homebrew)
            } else if text.starts_with("/Library/Frameworks/Python") {
                Some(EnvironmentKind::PythonOrg)
            } else if text.contains("/CommandLineTools/") || text.contains("/Xcode.app/") {
                Some(EnvironmentKind::System)
            } else {
                None
            }
        }
        Os::Windows => {
            let text = paths::from_text(os, text).to_str()?.to_ascii_lowercase();
            let is_store = text.contains("/windowsapps");
            is_store.then_some(EnvironmentKind::WindowsStore)
        }
    }
}
