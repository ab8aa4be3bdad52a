//! Where a build runs, and what it is given there.

use std::path::{Path, PathBuf};

use host::Host;
use report::render::visible;
use serde_json::json;
use wheelbuild::build::{
    Error, Interpreter, Prepared, Project, QUESTION, Sources, Store, Target, Update, Wanted,
    source_date_epoch, target_of,
};
use wheelbuild::engine::{self, Engine, Ready, Root, Run, Sandbox};
use wheelbuild::image::{self, Image, TOOLCHAIN_TARGET, Toolchain};

use super::super::wheels::YELLOW;
use super::super::{engines, image as images};
use super::reporter::Reporter;
use crate::cli::{RoomFlags, ToolchainFlag};
use crate::commands::Context;
use crate::config::Config;
use crate::failure::Failure;

/// What a build failed of, as the program says it.
pub(super) fn failure(error: &Error) -> Failure {
    let failed = if error.is_input() || matches!(error, Error::Missing { .. }) {
        Failure::input(error)
    } else {
        let source = std::error::Error::source(error).map(ToString::to_string);
        let message = source.map_or_else(|| error.to_string(), |it| format!("{error}: {it}"));
        Failure::tool(anyhow::Error::msg(message), "the build cannot be done")
    };
    match error.cure() {
        Some(cure) => failed.hint(cure),
        None => failed,
    }
}

/// A project, looked at before anything starts.
pub(super) struct Site {
    pub(super) config: Config,
    pub(super) project: Project,
    pub(super) sources: Sources,
    pub(super) source_date_epoch: u64,
    /// The program cargo.
    cargo: PathBuf,
    /// Where `truewheel.toml` and `docker` are.
    directory: PathBuf,
}

impl Site {
    pub(super) fn of(context: &Context<'_>, directory: PathBuf) -> Result<Site, Failure> {
        let host = context.host;
        let config = Config::load(host, &directory)?;
        let cargo = host.variables.path("CARGO").filter(|path| host.is_file(path));
        let cargo = cargo.or_else(|| host.program("cargo")).ok_or_else(|| {
            Failure::input("cargo is not on PATH")
                .hint("it reads the manifests and fetches the crates: install Rust, see rustup.rs")
        })?;
        // An epoch that cannot be is refused before anything is asked.
        let variable = host.variables.text("SOURCE_DATE_EPOCH");
        // Set to nothing it is a mistake, and maturin stops at it.
        let is_empty = variable.is_none() && host.variables.is_set("SOURCE_DATE_EPOCH");
        let variable = variable.or_else(|| is_empty.then(String::new));
        source_date_epoch(variable.as_deref(), None).map_err(|error| failure(&error))?;
        let wheel = config.build.wheel.as_deref().unwrap_or(&directory);
        let project = Project::open(host, &cargo, wheel).map_err(|error| failure(&error))?;
        let sources = Sources::of(host, &project.root).map_err(|error| failure(&error))?;
        let needed = [
            project.directory.join("pyproject.toml"),
            project.directory.join("Cargo.toml"),
            project.workspace.join("Cargo.lock"),
        ];
        let is_known = |path: &PathBuf| sources.files.iter().any(|file| file.path == *path);
        if let Some(unknown) = needed.iter().find(|path| !is_known(path)) {
            let text = format!("git does not know {}", project.root.join(unknown).display());
            return Err(Failure::input(text)
                .hint("a build takes exactly the files that git knows: `git add` it"));
        }
        let source_date_epoch = source_date_epoch(variable.as_deref(), sources.committed)
            .map_err(|error| failure(&error))?;
        if let Some(smoke) = config.build.smoke.as_deref().filter(|path| !host.is_file(path)) {
            let text = format!("`smoke` under [build] names {}, which is no file", smoke.display());
            return Err(Failure::input(text).hint("name a Python program that uses the wheel"));
        }
        Ok(Site { config, project, sources, source_date_epoch, cargo, directory })
    }

    /// Says what is built, where that is not exactly a commit.
    pub(super) fn describe(&self, reporter: &Reporter<'_>) -> Result<(), Failure> {
        let Sources { files, revision, modified, untracked, .. } = &self.sources;
        let fields = json!({
            "distribution": self.project.name,
            "version": self.project.version,
            "files": files.len(),
            "commit": revision,
            "versioned": self.sources.version().is_some(),
            "modified": modified,
            "untracked": untracked,
            "source_date_epoch": self.source_date_epoch,
        });
        reporter.event("sources", &fields)?;
        if self.sources.version().is_none() {
            let what = match modified.as_slice() {
                [] => "there is no commit yet".to_owned(),
                files => format!("not committed: {}", some_of(files)),
            };
            reporter.say(&format!(
                "{YELLOW}!{YELLOW:#} unversioned: no commit is what is built, {}",
                visible(&what)
            ));
        }
        if !untracked.is_empty() {
            let files = some_of(untracked);
            let files = visible(&files);
            reporter.say(&format!("i git does not know, so that it is not built: {files}"));
        }
        Ok(())
    }

    /// The crates of the core: those that the configuration names, or else those of the workspace
    /// that the wheel is made of.
    pub(super) fn core(&self, prepared: &Prepared) -> Result<Vec<String>, Failure> {
        let named = &self.config.build.core;
        let members = &self.project.members;
        if let Some(unknown) = named.iter().find(|name| !members.contains(name)) {
            let text = format!("`core` under [build] names {unknown:?}");
            return Err(Failure::input(text)
                .hint(format!("the workspace has the crates {}", members.join(", "))));
        }
        if !named.is_empty() {
            return Ok(named.clone());
        }
        let graph = prepared.inputs.graph.0.iter().map(|it| &it.name);
        let found: Vec<String> = graph
            .filter(|name| members.contains(name) && **name != self.project.package)
            .cloned()
            .collect();
        if found.is_empty() {
            return Err(Failure::input(
                "the wheel is made of one crate: there is no core beside it",
            )
            .hint("name the crates as `core` under [build] in truewheel.toml"));
        }
        Ok(found)
    }
}

/// The first few of a list, and how many more there are.
fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Where commands of a build run.
pub(super) struct Room {
    pub(super) sandbox: Sandbox,
    /// The image, by the sum of its files; none on this machine itself.
    image: Option<String>,
    /// The image, if it is one that was made here.
    base: Option<Image>,
    pub(super) python: Option<Interpreter>,
    pub(super) toolchain: Toolchain,
    pub(super) shows_toolchain: bool,
    pub(super) target: Target,
}

/// Whether a missing image may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Network {
    Allowed,
    Forbidden,
}

impl Room {
    /// A room as the flags ask for it.
    pub(super) fn enter(
        context: &Context<'_>,
        reporter: &Reporter<'_>,
        site: &Site,
        flags: &RoomFlags,
        network: Network,
    ) -> Result<Room, Failure> {
        let host = context.host;
        let asked = flags.engine.map(Engine::from);
        let python = flags.python.as_ref().map(|named| context.python(named)).transpose()?;
        let python = python.map(|path| Interpreter::ask(&path)).transpose();
        let python = python.map_err(|error| failure(&error))?;
        let in_image = flags.toolchain == ToolchainFlag::Image;
        if asked == Some(Engine::Host) && (in_image || flags.image.is_some()) {
            return Err(Failure::input("the engine `host` has no image")
                .hint("leave out --image and --toolchain, or name another engine"));
        }
        reporter.begin("look for an engine", 0);
        let ready = reporter
            .watch(|| engine::choose(host, asked))
            .map_err(|error| engines::failure(&error))?;
        if (flags.image.is_some() || in_image) && !ready.engine.has_store() {
            let text = format!("{} takes no image of a registry's", ready.engine);
            return Err(Failure::input(text).hint("name podman or docker with --engine"));
        }
        Self::describe(reporter, &ready)?;
        let (root, image, base) =
            Self::root(context, reporter, site, &ready, flags.image.as_deref(), network)?;
        let sandbox = Sandbox::new(host, ready, root).map_err(|error| engines::failure(&error))?;
        let toolchain = if in_image {
            toolchain_inside(&sandbox)?
        } else {
            Toolchain::find(host, &site.project.root).map_err(|error| images::failure(&error))?
        };
        let target =
            base.as_ref().and_then(|image| target_of(host, &image.packages, python.as_ref()));
        let target = match (target, &python) {
            (Some(target), _) => target,
            (None, Some(python)) => python.target(host),
            (None, None) => python_inside(&sandbox)?.target(host),
        };
        Ok(Room { sandbox, image, base, python, toolchain, shows_toolchain: !in_image, target })
    }

    /// A second engine in which the same image runs, if one works. An image that only one engine has
    /// runs in no other.
    pub(super) fn other_engine(&self, host: &Host) -> Option<Sandbox> {
        let image = self.base.as_ref()?;
        let own = self.sandbox.ready().engine;
        let others = Engine::ALL.into_iter().filter(|it| it.is_hermetic() && *it != own);
        others.into_iter().find_map(|engine| {
            let ready = engine::choose(host, Some(engine)).ok()?;
            let root = image::root_for(host, &ready, image).ok()?;
            Sandbox::new(host, ready, root).ok()
        })
    }

    fn describe(reporter: &Reporter<'_>, ready: &Ready) -> Result<(), Failure> {
        let limits = ready.limits();
        let rung = ready.rung.remedies();
        let fields = json!({
            "engine": ready.engine,
            "version": ready.version,
            "hermetic": ready.engine.is_hermetic(),
            "remedies": rung.iter().map(|it| it.description()).collect::<Vec<_>>(),
            "limits": limits,
        });
        reporter.end();
        reporter.event("engine", &fields)?;
        let with = if rung.is_empty() {
            String::new()
        } else {
            format!(" with {}", ready.rung.description())
        };
        let version = match ready.engine {
            Engine::Host => String::new(),
            _ => format!(" {}", visible(&ready.version)),
        };
        reporter.say(&format!("i built by {}{version}{with}", ready.engine));
        for limit in &limits {
            reporter.say(&format!("{YELLOW}!{YELLOW:#} {limit}"));
        }
        Ok(())
    }

    fn root(
        context: &Context<'_>,
        reporter: &Reporter<'_>,
        site: &Site,
        ready: &Ready,
        named: Option<&str>,
        network: Network,
    ) -> Result<(Root, Option<String>, Option<Image>), Failure> {
        let wrong = |error: &image::Error| images::failure(error);
        if let Some(name) = named {
            let identity = image::identity(ready, name).map_err(|error| wrong(&error))?;
            let Some(identity) = identity else {
                let text = format!("{} has no image {name}", ready.engine);
                let cure = format!("`{} pull {name}` gets it, or `build` makes it", ready.engine);
                return Err(Failure::input(text).hint(cure));
            };
            return Ok((Root::Image(name.to_owned()), Some(identity), None));
        }
        if !ready.engine.is_hermetic() {
            return Ok((Root::Machine, None, None));
        }
        let image = image_of(context, reporter, site, network)?;
        reporter.begin("open the image", 0);
        let root = reporter.watch(|| image::root_for(context.host, ready, &image));
        let root = root.map_err(|error| wrong(&error))?;
        reporter.end();
        Ok((root, Some(image.diff_id()), Some(image)))
    }

    /// Everything that the build takes, in the store.
    pub(super) fn prepare(
        &self,
        context: &Context<'_>,
        reporter: &Reporter<'_>,
        site: &Site,
        store: &Store,
        update: Update,
    ) -> Result<Prepared, Failure> {
        let wanted = Wanted {
            host: context.host,
            cargo: &site.cargo,
            project: &site.project,
            toolchain: &self.toolchain,
            shows_toolchain: self.shows_toolchain,
            image: self.image.as_deref(),
            target: &self.target,
            requirements: &site.config.build.requirements,
            store,
        };
        reporter.begin("fetch", 0);
        let prepared =
            reporter.watch(|| wanted.prepare(update)).map_err(|error| failure(&error))?;
        if prepared.is_changed {
            let directory = site.project.lock_directory();
            prepared.lock.write(&directory).map_err(|error| failure(&error))?;
            let path = directory.join(wheelbuild::build::LOCK_FILE);
            reporter.say(&format!("i wrote {}: commit it", path.display()));
        }
        reporter.end();
        reporter.event("inputs", &prepared.lock)?;
        Ok(prepared)
    }
}

/// The image that is locked, or else the newest of the recipe; it is made if it is not here.
fn image_of(
    context: &Context<'_>,
    reporter: &Reporter<'_>,
    site: &Site,
    network: Network,
) -> Result<Image, Failure> {
    let wrong = |error: image::Error| images::failure(&error);
    let project = images::Project::of(context, site.directory.clone())?;
    let store = image::Store::of(context.host).map_err(wrong)?;
    let locked = project.locked();
    let is_here = |image: &Image| context.host.is_file(&store.archive(&image.sum));
    if let Some(locked) = locked.as_ref().filter(|locked| is_here(locked)) {
        return Ok(locked.clone());
    }
    let found = match (project.newest(context, &store)?, network) {
        (Some(image), _) => image,
        (None, Network::Forbidden) => {
            let text = match &locked {
                Some(locked) => format!("the locked image {} is not here", locked.diff_id()),
                None => "no image is locked, and none of the recipe is here".to_owned(),
            };
            return Err(Failure::input(text)
                .hint(format!("`{} image bootstrap` makes it, with the network", context.name)));
        }
        (None, Network::Allowed) => {
            reporter.begin("make the image", 0);
            let recipe = locked.as_ref().map_or(&project.recipes.base, |locked| &locked.recipe);
            let heard = |line: &str| reporter.heard(line);
            let made = reporter.watch(|| image::bootstrap(context.host, recipe, heard));
            let made = made.map_err(wrong)?;
            reporter.end();
            made
        }
    };
    match locked {
        Some(locked) if locked.sum != found.sum => {
            let text = format!(
                "the locked image {} is not here, and that of today is another: {}",
                locked.diff_id(),
                found.diff_id()
            );
            let mut changed = image::differences(&locked.packages, &found.packages);
            if changed.is_empty() {
                changed.push("the same packages, other files".to_owned());
            }
            Err(Failure::input(text).details(changed).hint(format!(
                "`{0} image lock` and then `{0} fetch --update` take this one; `{0} image \
                 bootstrap --snapshot DAY` makes one of an earlier day",
                context.name
            )))
        }
        _ => Ok(found),
    }
}

/// What a short command in the room prints.
fn ask(sandbox: &Sandbox, argv: &[&str]) -> Result<String, Failure> {
    let run = Run::new(argv.iter().copied()).env("PATH", "/usr/local/bin:/usr/bin:/bin");
    let (mut out, mut said) = (String::new(), String::new());
    let outcome = sandbox
        .run(&run, |stream, line| {
            let text = if stream == host::Stream::Out { &mut out } else { &mut said };
            text.push_str(line);
            text.push('\n');
        })
        .map_err(|error| engines::failure(&error))?;
    if outcome.status.success() {
        return Ok(out);
    }
    Err(Failure::input(format!("the image cannot run {}: {}", argv[0], visible(said.trim())))
        .hint("docker/wheel.Dockerfile shows what an image needs"))
}

fn toolchain_inside(sandbox: &Sandbox) -> Result<Toolchain, Failure> {
    let rustc = format!("{TOOLCHAIN_TARGET}/bin/rustc");
    let version = ask(sandbox, &[&rustc, "--version", "--verbose"])?;
    Toolchain::read(&version, Path::new(TOOLCHAIN_TARGET).to_path_buf()).ok_or_else(|| {
        Failure::input("the Rust of the image names no commit")
            .hint("only released compilers can be locked")
    })
}

fn python_inside(sandbox: &Sandbox) -> Result<Interpreter, Failure> {
    let answer = ask(sandbox, &["python3", "-I", "-B", "-c", QUESTION])?;
    Interpreter::read(&answer).ok_or_else(|| {
        Failure::input("the Python of the image does not say what it is")
            .hint("name one of this machine with --python")
    })
}
