//! Making a virtual environment anew: with which Python, by which tool, and with its packages.

use host::HostPath;
use pep440_rs::Version;
use pyenvs::{EnvironmentKind, Implementation, Package, ProblemKind};
use report::{Fix, Safety};

use super::{argv, first_outside, fits_project, interpreter, pip_install, uv};
use crate::{EnvironmentFacts, Facts, Role};

/// Longest list of packages that a cure installs again by itself; a longer one is left to the
/// project's own requirements.
const MOST_PACKAGES: usize = 200;

/// Packages that come with an environment and are nobody's choice.
const SEEDS: &[&str] = &["pip", "setuptools", "wheel"];
/// The interpreter on this machine that is best to make `environment` anew from: it runs, fits
/// the project's `requires-python`, and is as near as possible to what the environment had.
pub(crate) fn base_interpreter<'a>(
    facts: &'a Facts,
    environment: &EnvironmentFacts,
) -> Option<&'a EnvironmentFacts> {
    let wanted = environment.python.version.get();
    // Debian's Python makes environments only with `python3-venv`; uv needs nothing of it.
    let has_uv = uv(facts, environment).is_some();
    let freethreaded = environment.python.abi.get().is_some_and(|abi| abi.free_threaded);
    let candidates = facts.environments.iter().filter(|candidate| {
        let python = &candidate.python;
        let Some(version) = python.version.get() else { return false };
        python.is_usable()
            && python.problems.is_empty()
            && !python.kind.is_virtual()
            && python.prefix != environment.python.prefix
            && python.implementation.get() == Some(&Implementation::CPython)
            && (python.ensurepip || has_uv)
            && version.release().first() == Some(&3)
            && !version.any_prerelease()
            && fits_project(facts, version)
            && python.architectures.get().is_none_or(|list| list.contains(&facts.machine.arch))
    });
    candidates.max_by_key(|candidate| {
        let python = &candidate.python;
        let version = python.version.get();
        let minor = |version: Option<&Version>| {
            version.map(|version| version.release().iter().take(2).copied().collect::<Vec<_>>())
        };
        let is_freethreaded = python.abi.get().is_some_and(|abi| abi.free_threaded);
        (
            is_freethreaded == freethreaded,
            wanted.is_some() && minor(version) == minor(wanted),
            environment.python.base_prefix.as_ref() == Some(&python.prefix),
            // A conda environment's Python goes with its environment; a Python of its own stays.
            !python.kind.is_conda(),
            python.ensurepip,
            // The system's Python changes with the system.
            python.kind != EnvironmentKind::System,
            version.cloned(),
        )
    })
}

/// The command that makes an environment at `prefix` from `base`, replacing what is there, by the
/// tool that made `like`.
fn create(facts: &Facts, base: &str, like: &EnvironmentFacts, prefix: &HostPath) -> Vec<String> {
    let prefix = facts.native(prefix);
    let configuration = like.python.pyvenv_cfg.as_ref();
    let mut flags = Vec::new();
    if configuration.is_some_and(|c| c.include_system_site_packages) {
        flags.push("--system-site-packages");
    }
    if let (EnvironmentKind::UvVenv, Some(uv)) = (like.python.kind, uv(facts, like)) {
        // Before 0.8 uv replaced an environment unasked and did not know the flag.
        let knows_clear = uv
            .version
            .get()
            .and_then(|version| semver::Version::parse(version).ok())
            .is_none_or(|version| version >= semver::Version::new(0, 8, 0));
        if knows_clear {
            flags.push("--clear");
        }
        if configuration.is_some_and(|c| c.relocatable) {
            flags.push("--relocatable");
        }
        if like.python.packages_named("pip").next().is_some() {
            flags.push("--seed");
        }
        let fixed = ["uv", "venv"];
        return argv(fixed.iter().chain(&flags).chain(&["--python", base, prefix.as_str()]));
    }
    flags.insert(0, "--clear");
    if like.python.kind == EnvironmentKind::Virtualenv
        && let Some(program) = virtualenv(facts, like)
    {
        let program = program.iter().map(String::as_str);
        return argv(program.chain(flags).chain(["--python", base, prefix.as_str()]));
    }
    argv([base, "-m", "venv"].iter().chain(&flags).chain(&[prefix.as_str()]))
}

/// How to start virtualenv: by its name where it is on `PATH`, else with an interpreter, other than
/// that of `environment`, which has it installed.
fn virtualenv(facts: &Facts, environment: &EnvironmentFacts) -> Option<Vec<String>> {
    if first_outside(&facts.toolchain.virtualenv, environment).is_some() {
        return Some(argv(["virtualenv"]));
    }
    let home = facts
        .environments
        .iter()
        .filter(|candidate| candidate.python.prefix != environment.python.prefix)
        .filter(|candidate| candidate.python.is_usable())
        .find(|candidate| candidate.python.packages_named("virtualenv").next().is_some())?;
    Some(argv([home.interpreter(facts)?.as_str(), "-m", "virtualenv"]))
}

/// Makes a virtual environment anew, in place, with a Python that exists and fits the project,
/// and brings its packages back.
pub(crate) fn recreate(facts: &Facts, environment: &EnvironmentFacts) -> Fix {
    let prefix = &environment.python.prefix;
    // `python -m venv .` makes the project's own directory an environment: clearing it would
    // delete the project.
    let what = what_it_holds(facts, prefix)
        .or_else(|| (!is_environment(environment)).then_some("other files"));
    if let Some(what) = what {
        let fresh = facts.project.root.join(".venv");
        let title = format!("use an environment in {}", facts.short(&fresh));
        let mut fix = Fix::new(Safety::Manual, title);
        // One that is there already belongs to somebody.
        if facts.environment(&fresh).is_none() {
            fix.steps = recreate_at(facts, environment, &fresh).steps;
        }
        return fix.by_hand(format!(
            "{} holds {what} too, so take away only what belongs to the environment: \
             `pyvenv.cfg` and the directories of programs and packages",
            facts.native(prefix)
        ));
    }
    recreate_at(facts, environment, prefix)
}

/// Whether the directory is a virtual environment, or was one: only such a one may be cleared.
/// `VIRTUAL_ENV` can name any directory.
pub(crate) fn is_environment(environment: &EnvironmentFacts) -> bool {
    let python = &environment.python;
    python.pyvenv_cfg.is_some()
        || python.has_problem(ProblemKind::NoPyvenvCfg)
        || python.has_problem(ProblemKind::UnreadablePyvenvCfg)
}

/// What else lies in a directory that a cure would clear or delete.
pub(crate) fn what_it_holds(facts: &Facts, prefix: &HostPath) -> Option<&'static str> {
    let holds = |path: Option<&HostPath>| path.is_some_and(|path| path.starts_with(prefix));
    if holds(Some(&facts.project.root)) {
        Some("the project")
    } else if holds(facts.machine.home.as_ref()) {
        Some("the home directory")
    } else {
        None
    }
}

/// As [`recreate`], at another place.
pub(crate) fn recreate_at(facts: &Facts, environment: &EnvironmentFacts, prefix: &HostPath) -> Fix {
    let required = facts.project.pyproject.get().and_then(|p| p.requires_python.as_deref());
    let Some(base) = base_interpreter(facts, environment) else {
        let wanted = required.map_or_else(|| "3".to_owned(), str::to_owned);
        let title = format!("install a Python that fits `{wanted}`, then recreate the environment");
        let fix = Fix::new(Safety::Manual, title);
        if uv(facts, environment).is_none() {
            return fix.by_hand(format!(
                "no Python on this machine fits `{wanted}`: install one (python.org, pyenv, or your \
                 system's packages), then run the doctor again"
            ));
        }
        // uv takes a range and fetches a Python for it.
        let like = as_uv(environment);
        let fix = cleared(fix, facts, &like, prefix).run(create(facts, &wanted, &like, prefix));
        return bring_back(fix, facts, environment, prefix, false);
    };
    let version = base.python.version.get().map(ToString::to_string).unwrap_or_default();
    let title =
        format!("recreate the environment with Python {version}, then install its packages again");
    let interpreter = interpreter(facts, base);
    let by_uv = as_uv(environment);
    let like = if base.python.ensurepip { environment } else { &by_uv };
    let fix = cleared(Fix::new(Safety::Confirm, title), facts, like, prefix).run(create(
        facts,
        &interpreter,
        like,
        prefix,
    ));
    bring_back(fix, facts, environment, prefix, same_minor(base, environment))
}

/// uv refuses to replace a directory without `pyvenv.cfg`, so such a one is deleted first.
fn cleared(fix: Fix, facts: &Facts, environment: &EnvironmentFacts, prefix: &HostPath) -> Fix {
    let python = &environment.python;
    if python.kind == EnvironmentKind::UvVenv
        && python.pyvenv_cfg.is_none()
        && python.prefix == *prefix
    {
        return fix.remove([facts.native(prefix)]);
    }
    // What is replaced in place goes with `--clear`.
    if python.prefix == *prefix { fix.set_aside(facts.native(prefix)) } else { fix }
}

fn as_uv(environment: &EnvironmentFacts) -> EnvironmentFacts {
    let mut environment = environment.clone();
    environment.python.kind = EnvironmentKind::UvVenv;
    environment
}

fn same_minor(a: &EnvironmentFacts, b: &EnvironmentFacts) -> bool {
    let minor = |environment: &EnvironmentFacts| {
        environment.python.version.get().map(|v| v.release().iter().take(2).copied().collect())
    };
    let first: Option<Vec<u64>> = minor(a);
    first.is_some() && first == minor(b)
}

/// Adds the step that installs the packages again: the project's own way if it has one, else the
/// packages that the old environment's records name.
fn bring_back(
    fix: Fix,
    facts: &Facts,
    environment: &EnvironmentFacts,
    prefix: &HostPath,
    same_version: bool,
) -> Fix {
    let mut fresh = environment.clone();
    fresh.python.prefix = prefix.clone();
    fresh.python.executable = None;
    let is_uv_project = facts.project.pyproject.get().is_some_and(|p| p.uses_uv)
        && environment.has_role(Role::Project)
        && *prefix == facts.project.root.join(".venv")
        && uv(facts, environment).is_some();
    if is_uv_project {
        let root = facts.native(&facts.project.root);
        return fix.run(["uv", "sync", "--project", root.as_str()]);
    }
    let mut wanted: Vec<&Package> = environment
        .python
        .packages
        .iter()
        .filter(|package| !SEEDS.contains(&package.name.as_str()))
        .collect();
    wanted.dedup_by_key(|package| &package.name);
    if wanted.is_empty() && !environment.python.site_packages.is_empty() {
        return fix;
    }
    if wanted.is_empty() || wanted.len() > MOST_PACKAGES {
        return fix.by_hand(
            "install the project's requirements again, as its instructions or lock file say",
        );
    }
    let (gone, wanted): (Vec<&Package>, Vec<&Package>) =
        wanted.into_iter().partition(|package| package.source_is_gone);
    let arguments: Vec<String> = wanted
        .into_iter()
        .flat_map(|package| super::requirement(facts, package, same_version))
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut fix = match arguments.is_empty() {
        true => fix,
        false => fix.run(pip_install(facts, &fresh, &arguments)),
    };
    for package in gone {
        let source = package.editable.as_ref().or(package.built_from.as_ref());
        let source = source.map(|path| facts.native(path)).or_else(|| package.direct_url.clone());
        fix = fix.by_hand(format!(
            "install {} again from elsewhere: {}, which it came from, is gone",
            package.name,
            source.unwrap_or_default()
        ));
    }
    fix
}
#[cfg(test)]
mod tests {
    use host::Seen;
    use report::Step;

    use super::*;
    use crate::Tool;
    use crate::testing::{PROJECT, bare_environment, healthy, package, venv};

    fn commands(fix: &Fix) -> Vec<String> {
        fix.steps
            .iter()
            .filter(|step| !step.is_silent())
            .map(|step| match step {
                Step::Run { argv } => argv.join(" "),
                Step::Remove { paths } => format!("rm -rf -- {}", paths.join(" ")),
                other => format!("{other:?}"),
            })
            .collect()
    }

    fn tool(path: &str, version: &str) -> Tool {
        Tool {
            path: HostPath::from(path),
            real_path: HostPath::from(path),
            version: Seen::Seen(version.to_owned()),
            environment: None,
        }
    }

    fn add_uv(facts: &mut Facts, version: &str) {
        facts.toolchain.uv.push(tool("/home/dev/.local/bin/uv", version));
    }

    fn add_pyenv(facts: &mut Facts, version: &str) {
        let prefix = format!("/home/dev/.pyenv/versions/{version}");
        facts.environments.push(bare_environment(&prefix, version, EnvironmentKind::Pyenv));
    }

    #[test]
    fn the_base_has_the_same_minor_version_if_there_is_one() {
        let mut facts = healthy();
        add_pyenv(&mut facts, "3.11.9");
        add_pyenv(&mut facts, "3.13.0");
        let environment = venv(&mut facts).clone();
        let base = base_interpreter(&facts, &environment).unwrap();
        assert_eq!(base.python.version, Seen::Seen("3.11.9".parse::<Version>().unwrap()));
    }

    #[test]
    fn the_base_fits_requires_python_even_if_the_environment_did_not() {
        let mut facts = healthy();
        add_pyenv(&mut facts, "3.11.9");
        add_pyenv(&mut facts, "3.13.0");
        add_pyenv(&mut facts, "3.14.0");
        if let Seen::Seen(pyproject) = &mut facts.project.pyproject {
            pyproject.requires_python = Some(">=3.12,<3.14".to_owned());
        }
        let environment = venv(&mut facts).clone();
        let fix = recreate(&facts, &environment);
        assert_eq!(
            commands(&fix),
            [
                "/home/dev/.pyenv/versions/3.13.0/bin/python -m venv --clear /home/dev/project/.venv",
                "/home/dev/project/.venv/bin/python -m pip install numpy",
            ]
        );
    }

    #[test]
    fn each_package_comes_back_from_where_it_came_or_is_named() {
        let mut facts = healthy();
        add_pyenv(&mut facts, "3.11.9");
        let site = HostPath::from("/home/dev/project/.venv/lib/python3.11/site-packages");
        let python = &mut venv(&mut facts).python;
        let mut editable = package("mine", "0.1", &site);
        editable.editable = Some(HostPath::from("/home/dev/my code"));
        let mut address = package("theirs", "2.0", &site);
        address.direct_url = Some("git+https://host/theirs@abc".to_owned());
        let mut gone = package("lost", "3.0", &site);
        gone.built_from = Some(HostPath::from("/tmp/lost"));
        gone.source_is_gone = true;
        python.packages = vec![editable, gone, package("numpy", "2.2.6", &site), address];
        let environment = venv(&mut facts).clone();
        let fix = recreate(&facts, &environment);
        let Step::Run { argv } = &fix.steps[2] else { panic!("{fix:?}") };
        assert_eq!(
            argv[4..],
            [
                "--editable",
                "/home/dev/my code",
                "numpy==2.2.6",
                "theirs @ git+https://host/theirs@abc"
            ]
        );
        let Step::Do { what } = &fix.steps[3] else { panic!("{fix:?}") };
        assert!(what.starts_with("install lost again from elsewhere: /tmp/lost"), "{what}");
    }

    #[test]
    fn without_a_base_that_fits_the_cure_says_what_to_install() {
        let mut facts = healthy();
        if let Seen::Seen(pyproject) = &mut facts.project.pyproject {
            pyproject.requires_python = Some("==3.9.*".to_owned());
        }
        let environment = venv(&mut facts).clone();
        let fix = recreate(&facts, &environment);
        assert_eq!(fix.safety, Safety::Manual);
        assert!(fix.title.contains("==3.9.*"));
        add_uv(&mut facts, "0.9.0");
        let fix = recreate(&facts, &environment);
        assert_eq!(
            commands(&fix)[0],
            "uv venv --clear --seed --python ==3.9.* /home/dev/project/.venv"
        );
    }

    #[test]
    fn an_environment_is_made_anew_by_the_tool_that_made_it() {
        let mut facts = healthy();
        add_uv(&mut facts, "0.9.0");
        add_pyenv(&mut facts, "3.11.9");
        let site = HostPath::from(format!("{PROJECT}/.venv/lib/python3.11/site-packages").as_str());
        let environment = venv(&mut facts);
        environment.python.kind = EnvironmentKind::UvVenv;
        environment.python.packages = vec![package("numpy", "2.2.6", &site)];
        let environment = environment.clone();
        assert_eq!(
            commands(&recreate(&facts, &environment)),
            [
                "uv venv --clear --python /home/dev/.pyenv/versions/3.11.9/bin/python \
                 /home/dev/project/.venv",
                "uv pip install --python /home/dev/project/.venv/bin/python numpy==2.2.6",
            ]
        );
        facts.toolchain.uv.clear();
        add_uv(&mut facts, "0.7.22");
        assert!(!commands(&recreate(&facts, &environment))[0].contains("--clear"));
    }

    #[test]
    fn the_project_is_never_cleared_with_its_environment() {
        let mut facts = healthy();
        let environment = venv(&mut facts);
        environment.python.prefix = HostPath::from(PROJECT);
        let environment = environment.clone();
        let fix = recreate(&facts, &environment);
        assert_eq!(fix.safety, Safety::Manual);
        assert!(commands(&fix)[0].ends_with("-m venv --clear /home/dev/project/.venv"));
    }

    #[test]
    fn a_directory_that_never_was_an_environment_is_never_cleared() {
        let mut facts = healthy();
        let environment = venv(&mut facts);
        environment.python.prefix = HostPath::from("/home/dev/photos");
        environment.python.pyvenv_cfg = None;
        let environment = environment.clone();
        let fix = recreate(&facts, &environment);
        assert_eq!(fix.safety, Safety::Manual);
        assert!(!commands(&fix).iter().any(|c| c.ends_with("--clear /home/dev/photos")), "{fix:?}");
    }

    #[test]
    fn uv_deletes_a_directory_that_it_would_refuse_to_replace() {
        let mut facts = healthy();
        add_uv(&mut facts, "0.9.0");
        let environment = venv(&mut facts);
        environment.python.kind = EnvironmentKind::UvVenv;
        environment.python.pyvenv_cfg = None;
        environment.python.problems.push(pyenvs::Problem {
            kind: ProblemKind::NoPyvenvCfg,
            path: environment.python.prefix.clone(),
            detail: String::new(),
        });
        let environment = environment.clone();
        assert_eq!(
            commands(&recreate(&facts, &environment))[0],
            "rm -rf -- /home/dev/project/.venv"
        );
    }

    #[test]
    fn a_base_without_ensurepip_is_used_only_by_uv() {
        let mut facts = healthy();
        facts.environments.last_mut().unwrap().python.ensurepip = false;
        let environment = venv(&mut facts).clone();
        assert!(base_interpreter(&facts, &environment).is_none());
        add_uv(&mut facts, "0.9.0");
        assert_eq!(
            commands(&recreate(&facts, &environment))[0],
            "uv venv --clear --seed --python /usr/bin/python /home/dev/project/.venv"
        );
    }

    #[test]
    fn virtualenv_is_run_from_where_it_is_installed() {
        let mut facts = healthy();
        let mut tools = bare_environment("/home/dev/tools", "3.12.1", EnvironmentKind::Venv);
        tools.python.packages =
            vec![package("virtualenv", "21.0", &HostPath::from("/home/dev/tools/lib"))];
        facts.environments.push(tools);
        let environment = venv(&mut facts);
        environment.python.kind = EnvironmentKind::Virtualenv;
        let environment = environment.clone();
        assert_eq!(
            commands(&recreate(&facts, &environment))[0],
            "/home/dev/tools/bin/python -m virtualenv --clear --python /usr/bin/python \
             /home/dev/project/.venv"
        );
    }

    #[test]
    fn a_tool_that_goes_with_the_environment_is_not_used_to_make_it() {
        let mut facts = healthy();
        let environment = venv(&mut facts);
        environment.python.kind = EnvironmentKind::Virtualenv;
        let environment = environment.clone();
        facts.toolchain.virtualenv = vec![tool("/home/dev/project/.venv/bin/virtualenv", "21.0")];
        assert!(commands(&recreate(&facts, &environment))[0].contains("-m venv"));
        facts.toolchain.virtualenv.push(tool("/usr/bin/virtualenv", "20.17"));
        assert!(commands(&recreate(&facts, &environment))[0].starts_with("virtualenv --clear"));
    }
}
