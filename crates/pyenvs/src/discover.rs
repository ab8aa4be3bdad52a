//! The discovery: ask every source, tell finds apart, read what each is.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};

use host::{Host, HostPath};

use crate::candidate::{self, Candidate, Place};
use crate::context::Context;
use crate::locate::{self, Key, Layout, Located};
use crate::sources;
use crate::{
    Environment, FoundBy, Picks, Problem, ProblemKind, conda_meta, installation, packages, picks,
    scripts, virtual_environment,
};

/// What to look for, besides what the machine itself tells.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    /// The project's directory.
    pub project: &'a Path,
    /// Prefixes or interpreters declared in `truewheel.toml`, relative to the project.
    pub configured: &'a [PathBuf],
    /// `--python`: a prefix, an interpreter, or the name of one on `PATH`.
    pub argument: Option<&'a Path>,
    /// How much to read.
    pub depth: Depth,
}

/// How much of each environment to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Everything but packages, leftovers, `.pth` files and scripts.
    Outline,
    /// Everything.
    Full,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Discovery {
    /// Every environment once, in order of prefix.
    pub environments: Vec<Environment>,
    /// Which of them each tool would use in the project.
    pub picks: Picks,
    /// What could not be read on the way, for a person.
    pub unreadable: Vec<String>,
}

/// Finds every Python on the machine. No process is started.
#[must_use]
pub fn discover(host: &Host, search: &Search<'_>) -> Discovery {
    let context = Context::new(host, search.project);
    let candidates = host::in_parallel(sources::SOURCES, |source| {
        let mut found = Vec::new();
        (source.find)(&context, search, &mut found);
        found
    });
    let candidates: Vec<Candidate> = candidates.into_iter().flatten().collect();
    let mut finds = Finds::default();
    finds.add(&context, &candidates);
    finds.add_bases(&context);
    let mut environments = finds.read(&context);
    if search.depth == Depth::Full {
        host::in_parallel(&mut environments, |environment| complete_with(&context, environment));
    }
    sort(&mut environments);
    let picks = picks::all(&context, &environments);
    Discovery { environments, picks, unreadable: context.into_unreadable() }
}

/// Reads one environment in full: a prefix, or an interpreter.
#[must_use]
pub fn read_environment(host: &Host, prefix_or_executable: &Path) -> Option<Environment> {
    let path = host.absolute(prefix_or_executable);
    let directory = path.parent().unwrap_or(&path).to_path_buf();
    let context = Context::new(host, &directory);
    let place = candidate::place_of(host, path);
    let candidate = Candidate { named: false, ..Candidate::named(place, FoundBy::Argument) };
    let mut finds = Finds::default();
    finds.add(&context, &[candidate]);
    finds.add_bases(&context);
    let mut environments = finds.read(&context);
    let mut environment = if environments.is_empty() {
        return None;
    } else {
        environments.swap_remove(0)
    };
    complete_with(&context, &mut environment);
    Some(environment)
}

/// Adds packages, leftovers, `.pth` files and scripts to an environment read in outline. Returns
/// what could not be read on the way.
pub fn complete(host: &Host, environment: &mut Environment) -> Vec<String> {
    let context = Context::new(host, &host.working_directory);
    complete_with(&context, environment);
    context.into_unreadable()
}

fn complete_with(context: &Context<'_>, environment: &mut Environment) {
    let (contents, mut failures) = packages::read(context, &environment.site_packages);
    environment.packages = contents.packages;
    environment.leftovers = contents.leftovers;
    environment.pth_paths = contents.pth_paths;
    if let Some(user_site) = &environment.user_site {
        let (contents, more) = packages::read(context, std::slice::from_ref(user_site));
        environment.user_packages = contents.packages;
        failures.extend(more);
    }
    for (path, detail) in failures {
        environment.problems.push(Problem { kind: ProblemKind::Unreadable, path, detail });
    }
    if environment.kind.is_conda() {
        environment.conda_packages = conda_meta::records(context, &environment.prefix);
    }
    if environment.kind.is_virtual() || environment.kind.is_conda() {
        environment.scripts = scripts::read(context, &environment.prefix);
    }
    if environment.kind.is_virtual() {
        virtual_environment::note_foreign_scripts(context, environment);
    }
}

/// By prefix; of several in one prefix the one called `python` or `python3` first, then the
/// newest.
fn sort(environments: &mut [Environment]) {
    let versioned = |environment: &Environment| {
        let name = environment.executable.as_ref().and_then(|path| path.file_name()?.to_str());
        !matches!(name, Some("python" | "python3"))
    };
    environments.sort_by(|a, b| {
        let version = |environment: &Environment| environment.version.get().cloned();
        a.prefix
            .cmp(&b.prefix)
            .then_with(|| versioned(a).cmp(&versioned(b)))
            .then_with(|| version(b).cmp(&version(a)))
    });
}

/// One environment, with every way in which it was found.
struct Find {
    located: Located,
    found_by: Vec<FoundBy>,
    /// Where its base is in the list.
    base: Option<usize>,
}

/// The environments found so far, each once.
#[derive(Default)]
struct Finds {
    all: Vec<Find>,
    by_key: HashMap<Key, usize>,
}

impl Finds {
    fn add(&mut self, context: &Context<'_>, candidates: &[Candidate]) -> Vec<Option<usize>> {
        let located: Vec<Option<Located>> =
            host::in_parallel(candidates, |candidate| locate::locate(context, candidate));
        candidates
            .iter()
            .zip(located)
            .map(|(candidate, located)| Some(self.insert(located?, candidate.found_by)))
            .collect()
    }

    fn insert(&mut self, located: Located, found_by: FoundBy) -> usize {
        match self.by_key.entry(located.key.clone()) {
            Entry::Occupied(known) => {
                let find = &mut self.all[*known.get()];
                find.found_by.push(found_by);
                find.located.kind = find.located.kind.or(located.kind);
                // `python3` says more of a shared prefix than `python3.11`.
                let length =
                    |located: &Located| located.executable.as_ref().map(|e| e.as_os_str().len());
                if located.prefix == find.located.prefix && length(&located) < length(&find.located)
                {
                    find.located.executable = located.executable;
                }
                *known.get()
            }
            Entry::Vacant(free) => {
                let index = self.all.len();
                free.insert(index);
                self.all.push(Find { located, found_by: vec![found_by], base: None });
                index
            }
        }
    }

    /// Looks up the bases of the virtual environments; many share one, so each is located once.
    fn add_bases(&mut self, context: &Context<'_>) {
        let all = self.all.iter().enumerate();
        let virtual_ones = all.filter(|(_, find)| is_virtual(&find.located));
        let wanted = host::in_parallel(virtual_ones, |(index, find)| {
            Some((index, virtual_environment::base_executable(context, &find.located)?))
        });
        let wanted: Vec<(usize, PathBuf)> = wanted.into_iter().flatten().collect();
        let mut executables: Vec<&PathBuf> = wanted.iter().map(|(_, path)| path).collect();
        executables.sort();
        executables.dedup();
        let candidates: Vec<Candidate> = executables
            .iter()
            .map(|path| Candidate::seen(Place::Executable((*path).clone()), FoundBy::Base))
            .collect();
        let indexes = self.add(context, &candidates);
        let by_path: HashMap<&PathBuf, Option<usize>> =
            executables.into_iter().zip(indexes).collect();
        for (index, path) in &wanted {
            let base = by_path.get(path).copied().flatten().filter(|base| base != index);
            self.all[*index].base = base;
        }
    }

    /// Reads every environment: installations first, for the virtual ones take facts from them.
    fn read(self, context: &Context<'_>) -> Vec<Environment> {
        let mut read: Vec<Option<Environment>> = host::in_parallel(&self.all, |find| {
            let is_installation = !is_virtual(&find.located);
            is_installation.then(|| installation::read(context, &find.located))
        });
        let all = self.all.iter().enumerate();
        let virtual_ones = all.filter(|(_, find)| is_virtual(&find.located));
        let virtual_ones: Vec<(usize, Environment)> =
            host::in_parallel(virtual_ones, |(index, find)| {
                let base = find.base.and_then(|base| read.get(base)?.as_ref());
                (index, virtual_environment::read(context, &find.located, base))
            });
        for (index, environment) in virtual_ones {
            read[index] = Some(environment);
        }
        read.into_iter()
            .zip(self.all)
            .filter_map(|(environment, find)| {
                let mut environment = environment?;
                environment.found_by = find.found_by;
                environment.found_by.sort();
                environment.found_by.dedup();
                Some(environment)
            })
            .collect()
    }
}

fn is_virtual(located: &Located) -> bool {
    matches!(located.layout, Layout::Virtual(_) | Layout::Broken(ProblemKind::NoPyvenvCfg, _))
}

/// The known environment that an interpreter belongs to.
pub(crate) fn environment_of<'a>(
    context: &Context<'_>,
    environments: &'a [Environment],
    executable: &Path,
) -> Option<&'a Environment> {
    let by_name = environments
        .iter()
        .find(|environment| environment.executable.as_ref().is_some_and(|e| **e == *executable));
    if by_name.is_some() {
        return by_name;
    }
    let candidate = Candidate::named(Place::Executable(executable.to_path_buf()), FoundBy::Path);
    let located = locate::locate(context, &candidate)?;
    let in_prefix = |environment: &&Environment| {
        crate::paths::same(context.host, &environment.prefix, &located.prefix)
    };
    let real = located.real_executable.map(HostPath::new);
    environments
        .iter()
        .filter(in_prefix)
        .find(|environment| environment.real_executable == real)
        .or_else(|| environments.iter().find(in_prefix))
}
