//! Modules, wheels and sources for a person.

use doctor::data::{Module, Python, ScannedFile, Special};
use host::Host;
use report::render::visible;

use super::human::{DIM, GREEN, RED};
use crate::commands::envs::short;

pub(super) fn lines(file: &ScannedFile, pythons: &[Python], host: &Host, most: usize) -> String {
    match &file.special {
        None | Some(Special::Source(_)) => String::new(),
        Some(Special::Module(module)) => {
            let mut text = format!("  {}\n", visible(&described(module)));
            text.push_str(&here(&module.here, "import", pythons, host));
            text
        }
        Some(Special::Wheel { tags, modules, here: fits }) => {
            let mut text = format!("  {DIM}{}{DIM:#}\n", visible(&tags.join(", ")));
            for module in modules.iter().take(most) {
                let name = module.name.as_deref().unwrap_or_default();
                text.push_str(&format!("  {}: {}\n", visible(name), visible(&described(module))));
            }
            if modules.len() > most {
                text.push_str(&format!("  {DIM}and {} more{DIM:#}\n", modules.len() - most));
            }
            text.push_str(&here(fits, "install", pythons, host));
            text
        }
    }
}

fn described(module: &Module) -> String {
    let mut parts =
        vec![format!("{} for {}", module.object_format, module.architectures.join(", "))];
    parts.push(match module.init_functions.as_slice() {
        [] => "no module that Python can import".to_owned(),
        names => format!("module {}", names.join(", ")),
    });
    if let Some(numpy) = &module.numpy {
        parts.push(format!("compiled for {numpy}"));
    }
    parts.join("; ")
}

/// Who can, who cannot, and why not, those with the same reason together.
fn here(reasons: &[Option<String>], verb: &str, pythons: &[Python], host: &Host) -> String {
    let mut groups: Vec<(Option<&str>, Vec<String>)> = Vec::new();
    for (python, reason) in pythons.iter().zip(reasons) {
        let version = python.version.as_ref().map(|v| format!(" ({v})")).unwrap_or_default();
        let name = format!("{}{version}", short(&python.prefix, host));
        let reason = reason.as_deref();
        match groups.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, names)) => names.push(name),
            None => groups.push((reason, vec![name])),
        }
    }
    groups.sort_by_key(|(reason, _)| reason.is_some());
    let mut text = String::new();
    for (reason, names) in groups {
        let names = visible(&names.join(", ")).into_owned();
        text.push_str(&match reason {
            None => format!("  {GREEN}✓{GREEN:#} can {verb} it here: {names}\n"),
            Some(reason) => format!(
                "  {RED}✗{RED:#} cannot {verb} it: {}\n    {DIM}{names}{DIM:#}\n",
                visible(reason)
            ),
        });
    }
    text
}
