//! Python environments: which the project uses, and between which data goes.

use std::path::Path;

use host::{Host, HostPath};
use pyenvs::{Depth, Environment, EnvironmentKind, FoundBy, Pick, Picks, Search};

use super::cache::Cache;
use super::{GatherOptions, libraries, modules, numpy, path};
use crate::{EnvironmentFacts, ExchangePair, Role};

/// What was found.
pub(super) struct Environments {
    pub(super) list: Vec<EnvironmentFacts>,
    pub(super) picks: Picks,
    pub(super) exchange: Vec<ExchangePair>,
    pub(super) unreadable: Vec<String>,
}

pub(super) fn gather(host: &Host, options: &GatherOptions, cache: &Cache) -> Environments {
    let mut configured = options.environments.clone();
    for (writer, reader) in &options.exchange {
        configured.push(writer.clone());
        configured.push(reader.clone());
    }
    let search = Search {
        project: &options.project,
        configured: &configured,
        argument: options.python.as_deref(),
        depth: Depth::Outline,
    };
    let discovery = pyenvs::discover(host, &search);
    let picks = discovery.picks;
    let mut roles: Vec<Vec<Role>> = discovery
        .environments
        .iter()
        .map(|environment| roles_of(host, environment, &options.project, &picks))
        .collect();
    let bases: Vec<HostPath> = discovery
        .environments
        .iter()
        .zip(&roles)
        .filter(|(environment, roles)| environment.kind.is_virtual() && is_used(roles))
        .filter_map(|(environment, _)| environment.base_prefix.clone())
        .collect();
    for (environment, roles) in discovery.environments.iter().zip(&mut roles) {
        if bases.contains(&environment.prefix) {
            roles.push(Role::Base);
        }
    }
    let exchange = exchange_pairs(host, options, &discovery.environments, &roles);
    let with_roles = discovery.environments.into_iter().zip(roles);
    let completed: Vec<(EnvironmentFacts, Vec<String>)> =
        host::in_parallel(with_roles, |(environment, roles)| {
            let judged = options.judge_all || is_used(&roles);
            let exchanges = exchange
                .iter()
                .any(|pair| pair.left == environment.prefix || pair.right == environment.prefix);
            complete(host, environment, roles, judged, exchanges, cache)
        });
    let mut unreadable = discovery.unreadable;
    let list = completed
        .into_iter()
        .map(|(environment, more)| {
            unreadable.extend(more);
            environment
        })
        .collect();
    Environments { list, picks, exchange, unreadable }
}

/// Whether these roles make the project depend on the environment. That the system has a Python,
/// or that an environment was made from another one, does not.
fn is_used(roles: &[Role]) -> bool {
    roles.iter().any(|role| !matches!(role, Role::Base | Role::System))
}

fn roles_of(host: &Host, environment: &Environment, project: &Path, picks: &Picks) -> Vec<Role> {
    let mut roles: Vec<Role> = environment
        .found_by
        .iter()
        .filter_map(|found| match found {
            FoundBy::Argument => Some(Role::Argument),
            FoundBy::Configuration => Some(Role::Declared),
            FoundBy::Project if environment.prefix.starts_with(host.absolute(project)) => {
                Some(Role::Project)
            }
            FoundBy::VirtualEnv => Some(Role::Active),
            FoundBy::CondaPrefix => Some(Role::ActiveConda),
            _ => None,
        })
        .collect();
    let picked = |pick: &Pick| pick.prefix() == Some(&environment.prefix);
    for (pick, role) in [
        (&picks.path, Role::OnPath),
        (&picks.pip, Role::Pip),
        (&picks.maturin, Role::Maturin),
        (&picks.pyo3, Role::Pyo3),
        (&picks.uv, Role::Uv),
    ] {
        if picked(pick) {
            roles.push(role);
        }
    }
    if environment.kind == EnvironmentKind::System {
        roles.push(Role::System);
    }
    roles.sort();
    roles.dedup();
    roles
}

/// The declared pairs, and of the environments that are in use here (the project's, the active
/// ones, the system's) every pair once.
fn exchange_pairs(
    host: &Host,
    options: &GatherOptions,
    environments: &[Environment],
    roles: &[Vec<Role>],
) -> Vec<ExchangePair> {
    let prefix_of = |named: &Path| -> Option<HostPath> {
        let named = host.absolute(named);
        environments
            .iter()
            .find(|environment| {
                environment.prefix.as_path() == named
                    || environment.executable.as_ref().is_some_and(|e| e.as_path() == named)
                    || named.parent().and_then(Path::parent) == Some(environment.prefix.as_path())
            })
            .map(|environment| environment.prefix.clone())
    };
    let mut pairs: Vec<ExchangePair> = options
        .exchange
        .iter()
        .map(|(writer, reader)| ExchangePair {
            left: prefix_of(writer).unwrap_or_else(|| path(host.absolute(writer))),
            right: prefix_of(reader).unwrap_or_else(|| path(host.absolute(reader))),
            declared: true,
        })
        .collect();
    let in_use: Vec<&HostPath> = environments
        .iter()
        .zip(roles)
        .filter(|(_, roles)| {
            roles.iter().any(|role| {
                matches!(role, Role::Project | Role::Active | Role::ActiveConda | Role::System)
            })
        })
        .map(|(environment, _)| &environment.prefix)
        .collect();
    for (index, left) in in_use.iter().enumerate() {
        for right in &in_use[index + 1..] {
            let is_known = pairs.iter().any(|pair| {
                (&pair.left, &pair.right) == (left, right)
                    || (&pair.left, &pair.right) == (right, left)
            });
            if !is_known {
                pairs.push(ExchangePair {
                    left: (*left).clone(),
                    right: (*right).clone(),
                    declared: false,
                });
            }
        }
    }
    pairs
}

/// The facts of one environment, and what could not be read on the way.
fn complete(
    host: &Host,
    mut environment: Environment,
    roles: Vec<Role>,
    judged: bool,
    exchanges: bool,
    cache: &Cache,
) -> (EnvironmentFacts, Vec<String>) {
    let mut unreadable = if judged { pyenvs::complete(host, &mut environment) } else { Vec::new() };
    let numpy = (judged || exchanges).then(|| numpy::gather(host, &environment)).flatten();
    let modules = if judged { modules::gather(host, &environment, cache) } else { Vec::new() };
    let (openmp, runtime_libraries) = if judged {
        (
            libraries::openmp(host, &environment),
            libraries::runtimes(host, &environment, &modules, cache),
        )
    } else {
        (Vec::new(), Vec::new())
    };
    unreadable.extend(numpy.iter().filter_map(|numpy| numpy.version.reason().map(str::to_owned)));
    unreadable.extend(modules.iter().filter_map(|module| {
        Some(format!("cannot read {}: {}", module.path, module.native.reason()?))
    }));
    let facts = EnvironmentFacts {
        python: environment,
        roles,
        judged,
        numpy,
        modules,
        openmp,
        runtime_libraries,
    };
    (facts, unreadable)
}
