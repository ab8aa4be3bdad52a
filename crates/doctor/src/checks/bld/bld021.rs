//! BLD021: flags for rustc in one place make cargo forget those in another.

use report::{Finding, Fix, Safety, Severity};

use super::{has_rust, shell, toolchain};
#[cfg(test)]
use crate::check::Cases;
use crate::check::Check;
use crate::{CargoConfig, Facts, Findings};

/// See the page.
pub(crate) static CHECK: Check = Check {
    code: "BLD021",
    name: "rustflags-overruled",
    summary: "RUSTFLAGS makes cargo forget flags of its configuration that the build needs",
    page: include_str!("../../../pages/BLD021.md"),
    run,
    #[cfg(test)]
    cases: Cases {
        fires: &[tests::by_variable, tests::by_an_empty_variable, tests::by_the_target],
        silent: &[
            tests::repeated,
            tests::only_for_speed,
            tests::only_a_faster_linker,
            tests::of_another_target,
            tests::no_variable,
        ],
    },
};

/// The variables that cargo takes instead of every configured flag, the one that counts first.
const VARIABLES: [&str; 2] = ["CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS"];

fn run(facts: &Facts, findings: &mut Findings) {
    if !has_rust(facts) {
        findings.skip("there is no Cargo.toml here");
        return;
    }
    let Some(rustc) = facts.toolchain.rustc.get() else {
        findings.skip("there is no rustc, so which flags are for it is not known");
        return;
    };
    let triple = rustc.host_triple.as_str();
    let configs = &facts.project.cargo_configs;
    let of_target: Vec<(&CargoConfig, &str)> = flags(configs, |key| key == triple);
    let of_build = flags(configs, |key| key == "build");
    // An empty variable counts as well: it stands for "no flags".
    let variable = VARIABLES
        .iter()
        .find_map(|name| Some((*name, facts.machine.variables.get(*name)?.as_str())));
    if let Some((name, value)) = variable {
        let given = words(value);
        let configured = if of_target.is_empty() { &of_build } else { &of_target };
        for (config, text) in configured {
            let lost = lost(text, &given);
            if lost.is_empty() {
                continue;
            }
            findings.push(
                overruled(facts, config, text, &lost, &format!("{name} is set"))
                    .seen(format!("{name}=\"{}\"", value.replace('\u{1f}', " ")))
                    .cause(
                        "cargo takes flags from one place only: the variable replaces those of \
                         its configuration and is not added to them",
                    )
                    .fix(Fix::new(Safety::Safe, "let the configured flags count").unset(name))
                    .fix(by_hand(facts, config, &lost, name)),
            );
        }
        return;
    }
    let Some((target, given)) = of_target.first() else { return };
    for (config, text) in &of_build {
        let lost = lost(text, &words(given));
        if !lost.is_empty() {
            let by = format!("`[target.{triple}]` has flags of its own");
            findings.push(
                overruled(facts, config, text, &lost, &by)
                    .seen_at(facts.native(&target.path), format!("rustflags = \"{given}\""))
                    .cause(
                        "cargo takes flags from one place only: those of the target replace \
                         `build.rustflags` and are not added to them",
                    )
                    .fix(by_hand(facts, target, &lost, &format!("[target.{triple}]"))),
            );
        }
    }
}

fn flags(configs: &[CargoConfig], of: impl Fn(&str) -> bool) -> Vec<(&CargoConfig, &str)> {
    configs
        .iter()
        .flat_map(|config| config.rustflags.iter().map(move |(key, text)| (config, key, text)))
        .filter(|(_, key, _)| of(key))
        .map(|(config, _, text)| (config, text.as_str()))
        .collect()
}

fn overruled(
    facts: &Facts,
    config: &CargoConfig,
    text: &str,
    lost: &[String],
    by: &str,
) -> Finding {
    let subject = if by.ends_with("is set") { shell() } else { toolchain(facts) };
    Finding::new(
        Severity::Warning,
        subject,
        format!("cargo builds without `{}`: {by}", lost.join(" ")),
    )
    .seen_at(facts.native(&config.path), format!("rustflags = \"{text}\""))
}

fn by_hand(facts: &Facts, config: &CargoConfig, lost: &[String], place: &str) -> Fix {
    Fix::new(Safety::Manual, "or give all flags in one place").by_hand(format!(
        "add `{}` of {} to {place}",
        lost.join(" "),
        facts.short(&config.path)
    ))
}

/// `-C` and its value as one, however they are written.
fn words(text: &str) -> Vec<String> {
    let parts: Vec<&str> = text.split([' ', '\u{1f}']).filter(|part| !part.is_empty()).collect();
    let mut words = Vec::new();
    let mut at = 0;
    while at < parts.len() {
        let takes_value = matches!(parts[at], "-C" | "-L" | "-l" | "--cfg" | "--check-cfg" | "-Z");
        let value = parts.get(at + 1).filter(|_| takes_value);
        words.push(match value {
            Some(value) if parts[at].starts_with("--") => format!("{} {value}", parts[at]),
            Some(value) => format!("{}{value}", parts[at]),
            None => parts[at].to_owned(),
        });
        at += 1 + usize::from(value.is_some());
    }
    words
}

/// Of the configured flags those without which a build fails or comes out different in what it
/// does, and not merely in how fast, that are not given.
fn lost(configured: &str, given: &[String]) -> Vec<String> {
    let matters = |word: &String| {
        ["-Clink", "-Ctarget-feature", "-Crelocation", "-Cpanic", "-L", "-l", "--cfg "]
            .iter()
            .any(|start| word.starts_with(start))
    };
    words(configured)
        .into_iter()
        // Another linker of the same kind makes the same, only faster.
        .filter(|word| matters(word) && !word.contains("fuse-ld") && !given.contains(word))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::bld::testing::extension_project;
    use host::HostPath;

    const TRIPLE: &str = "x86_64-unknown-linux-gnu";

    fn configured(key: &str, flags: &str) -> Facts {
        let mut facts = extension_project("0.26.0", &[]);
        facts.project.cargo_configs = vec![CargoConfig {
            path: HostPath::from("/home/dev/project/.cargo/config.toml"),
            rustflags: [(key.to_owned(), flags.to_owned())].into(),
            ..CargoConfig::default()
        }];
        facts
    }

    fn set(mut facts: Facts, value: &str) -> Facts {
        facts.machine.variables.insert("RUSTFLAGS".to_owned(), value.to_owned());
        facts
    }

    pub(super) fn by_variable() -> Facts {
        set(configured(TRIPLE, "-C link-arg=-undefined -C link-arg=dynamic_lookup"), "-Dwarnings")
    }

    pub(super) fn by_an_empty_variable() -> Facts {
        set(configured("build", "--cfg tokio_unstable"), "")
    }

    pub(super) fn by_the_target() -> Facts {
        let mut facts = configured("build", "--cfg tokio_unstable");
        let flags = &mut facts.project.cargo_configs[0].rustflags;
        flags.insert(TRIPLE.to_owned(), "-Clink-arg=-fuse-ld=mold".to_owned());
        facts
    }

    pub(super) fn repeated() -> Facts {
        set(configured("build", "--cfg tokio_unstable"), "-Dwarnings --cfg tokio_unstable")
    }

    pub(super) fn only_for_speed() -> Facts {
        set(configured("build", "-C target-cpu=native"), "-Dwarnings")
    }

    pub(super) fn only_a_faster_linker() -> Facts {
        set(configured(TRIPLE, "-C link-arg=-fuse-ld=mold"), "-Dwarnings")
    }

    pub(super) fn of_another_target() -> Facts {
        set(configured("aarch64-apple-darwin", "-Clink-arg=-undefined"), "-Dwarnings")
    }

    pub(super) fn no_variable() -> Facts {
        configured("build", "--cfg tokio_unstable")
    }

    #[test]
    fn a_flag_and_its_value_are_one_word() {
        assert_eq!(words("-C a=b  -Ca=b --cfg x -g"), ["-Ca=b", "-Ca=b", "--cfg x", "-g"]);
        assert_eq!(words("-C\u{1f}a=b\u{1f}-C"), ["-Ca=b", "-C"]);
    }
}
