//! `image`: the images that wheels are built in.

use std::path::PathBuf;

use anstyle::Style;
use report::ExitStatus;
use report::render::visible;
use serde::Serialize;
use wheelbuild::engine::{Engine, Ready};
use wheelbuild::image::{
    self, Copy, Error, Image, LOCK_FILE, LockFile, Recipes, State, Store, differences, digest_of,
};

use crate::cli::{
    BootstrapFlags, BuildFormat, ImageCheckFlags, ImageCommand, ImageFlags, ImageListFlags,
    ImageLockFlags,
};
use crate::commands::{Context, engines};
use crate::failure::Failure;
use crate::progress::{Phases, watched};
use crate::{output, table};

/// Versions of the JSON layouts; raised with every change that a reader could notice.
const IMAGE_SCHEMA: &str = "truewheel-image/1";
const CHECK_SCHEMA: &str = "truewheel-image-check/1";
const LIST_SCHEMA: &str = "truewheel-images/1";

pub(crate) fn run(context: &Context<'_>, flags: &ImageFlags) -> Result<ExitStatus, Failure> {
    match &flags.command {
        ImageCommand::Bootstrap(flags) => bootstrap(context, flags),
        ImageCommand::Check(flags) => check(context, flags),
        ImageCommand::Lock(flags) => lock(context, flags),
        ImageCommand::List(flags) => list(context, flags),
    }
}

pub(super) fn failure(error: &Error) -> Failure {
    let failed = if error.is_input() {
        Failure::input(error)
    } else {
        Failure::tool(anyhow::Error::msg(error.to_string()), "cannot use images")
    };
    match error.hint() {
        Some(hint) => failed.hint(hint),
        None => failed,
    }
}

/// What a project wants and what it has locked.
pub(super) struct Project {
    directory: PathBuf,
    pub(super) recipes: Recipes,
    lock: LockFile,
    architecture: String,
}

impl Project {
    fn load(context: &Context<'_>) -> Result<Self, Failure> {
        Self::of(context, context.project()?)
    }

    pub(super) fn of(context: &Context<'_>, directory: PathBuf) -> Result<Self, Failure> {
        let failure = |error| failure(&error);
        Ok(Self {
            recipes: Recipes::load(context.host, &directory).map_err(failure)?,
            lock: LockFile::load(context.host, &directory).map_err(failure)?,
            architecture: image::architecture(context.host),
            directory,
        })
    }

    /// The locked image, or else the newest of the recipe.
    pub(super) fn image(
        &self,
        context: &Context<'_>,
        store: &Store,
    ) -> Result<Option<Image>, Failure> {
        match self.lock.image(&self.architecture) {
            Some(image) => Ok(Some(image)),
            None => self.newest(context, store),
        }
    }

    /// The locked image, whether it is here or not.
    pub(super) fn locked(&self) -> Option<Image> {
        self.lock.image(&self.architecture)
    }

    pub(super) fn newest(
        &self,
        context: &Context<'_>,
        store: &Store,
    ) -> Result<Option<Image>, Failure> {
        store
            .newest(context.host, &self.recipes.base, &self.architecture)
            .map_err(|error| failure(&error))
    }
}

#[derive(Serialize)]
struct Made<'a> {
    schema: &'static str,
    diff_id: String,
    archive: PathBuf,
    /// Whether it was made now, or was in the store already.
    made: bool,
    /// Whether it is the locked one; null when none is locked.
    is_locked: Option<bool>,
    /// What differs from the locked one.
    differences: &'a [String],
    image: &'a Image,
}

fn bootstrap(context: &Context<'_>, flags: &BootstrapFlags) -> Result<ExitStatus, Failure> {
    let project = Project::load(context)?;
    let store = Store::of(context.host).map_err(|error| failure(&error))?;
    let mut recipe = project.recipes.base.clone();
    if let Some(mirror) = &flags.mirror {
        recipe.mirror.clone_from(mirror);
        recipe.snapshot = None;
    }
    if let Some(day) = &flags.snapshot {
        recipe.snapshot = Some(day.clone());
    }
    if let Some(problem) = recipe.problem() {
        return Err(Failure::input(problem).hint("see `image bootstrap --help`"));
    }
    let stored = store
        .newest(context.host, &recipe, &project.architecture)
        .map_err(|error| failure(&error))?
        .filter(|_| !flags.force);
    let is_made = stored.is_none();
    let image = match stored {
        Some(image) => image,
        None => make(context, flags, &recipe)?,
    };
    let locked = project.lock.image(&project.architecture);
    let differing = match &locked {
        Some(locked) if locked.sum != image.sum => {
            let lines = differences(&locked.packages, &image.packages);
            if lines.is_empty() { vec!["the same packages, other files".to_owned()] } else { lines }
        }
        _ => Vec::new(),
    };
    let made = Made {
        schema: IMAGE_SCHEMA,
        diff_id: image.diff_id(),
        archive: store.archive(&image.sum),
        made: is_made,
        is_locked: locked.as_ref().map(|locked| locked.sum == image.sum),
        differences: &differing,
        image: &image,
    };
    let text = match flags.format {
        BuildFormat::Human => made.human(context.name),
        BuildFormat::Json => output::json(&made)?,
    };
    context.printer.data(&text)?;
    Ok(if differing.is_empty() { ExitStatus::Healthy } else { ExitStatus::Problems })
}

fn make(
    context: &Context<'_>,
    flags: &BootstrapFlags,
    recipe: &image::Recipe,
) -> Result<Image, Failure> {
    let phases = Phases::new();
    phases.phase(context.printer, "making the image", 0);
    let tell = |line: &str| {
        if flags.verbose {
            context.printer.talk(&format!("{}\n", visible(line)));
        }
        phases.begin(line.to_owned());
    };
    let work = || image::bootstrap(context.host, recipe, tell);
    watched(context.printer, || phases.line(), work).map_err(|error| failure(&error))
}

impl Made<'_> {
    fn human(&self, name: &str) -> String {
        let verb = if self.made { "made" } else { "in the store already" };
        let (diff_id, packages) = (&self.diff_id, self.image.packages.len());
        let mut text = format!(
            "✓ {verb}: {diff_id}\n    {packages} packages of {}, by {}\n    {}\n",
            self.image.recipe.suite,
            self.image.made_by,
            self.archive.display()
        );
        match self.is_locked {
            Some(true) => text.push_str("✓ it is the locked image\n"),
            None => text.push_str(&format!("i no image is locked: `{name} image lock`\n")),
            Some(false) => {
                text.push_str("✗ it is not the locked image\n");
                for line in self.differences {
                    text.push_str(&format!("    {}\n", visible(line)));
                }
                text.push_str(&format!("    `{name} image lock` locks this one\n"));
            }
        }
        text
    }
}

#[derive(Serialize)]
struct Checked<'a> {
    schema: &'static str,
    diff_id: String,
    is_locked: bool,
    copies: &'a [Copy],
}

fn check(context: &Context<'_>, flags: &ImageCheckFlags) -> Result<ExitStatus, Failure> {
    let project = Project::load(context)?;
    let store = Store::of(context.host).map_err(|error| failure(&error))?;
    let name = context.name;
    let Some(image) = project.image(context, &store)? else {
        return Err(Failure::input("no image is locked, and none of the recipe is in the store")
            .hint(format!("`{name} image bootstrap` makes it, `{name} image lock` locks it")));
    };
    let engines = with_stores(context, flags.engine.map(Engine::from))?;
    let phases = Phases::new();
    phases.phase(context.printer, "comparing the copies", 0);
    let work = || image::check(context.host, &image, &engines);
    let copies =
        watched(context.printer, || phases.line(), work).map_err(|error| failure(&error))?;
    let is_locked = project.lock.image(&project.architecture).is_some();
    let text = match flags.format {
        BuildFormat::Human => human_check(&image, is_locked, &copies, name),
        BuildFormat::Json => output::json(&Checked {
            schema: CHECK_SCHEMA,
            diff_id: image.diff_id(),
            is_locked,
            copies: &copies,
        })?,
    };
    context.printer.data(&text)?;
    let differs = copies.iter().any(|copy| matches!(copy.state, State::Differs { .. }));
    let is_there = copies.iter().any(|copy| copy.state == State::Same);
    Ok(if is_there && !differs { ExitStatus::Healthy } else { ExitStatus::Problems })
}

/// The engines that keep images of their own and work here, or the one that is asked for.
fn with_stores(context: &Context<'_>, asked: Option<Engine>) -> Result<Vec<Ready>, Failure> {
    let mut ready = Vec::new();
    for engine in Engine::ALL.into_iter().filter(|engine| engine.has_store()) {
        if asked.is_some_and(|asked| asked != engine) {
            continue;
        }
        let trials = engines::try_engines(context, Some(engine))?;
        ready.extend(trials.into_iter().filter_map(|trial| trial.ready));
    }
    Ok(ready)
}

fn human_check(image: &Image, is_locked: bool, copies: &[Copy], name: &str) -> String {
    let what = if is_locked { "locked" } else { "newest, nothing is locked" };
    let mut text = format!("{} ({what})\n", image.diff_id());
    for copy in copies {
        match &copy.state {
            State::Same => text.push_str(&format!("✓ {}: the same\n", copy.place)),
            State::Absent => text.push_str(&format!("i {}: not there\n", copy.place)),
            State::Differs { found } => {
                text.push_str(&format!("✗ {}: something else\n", copy.place));
                for line in found {
                    text.push_str(&format!("    {}\n", visible(line)));
                }
            }
        }
    }
    if copies.iter().all(|copy| copy.state == State::Absent) {
        text.push_str(&format!("\n✗ it is nowhere here: `{name} image bootstrap` makes it\n"));
    }
    text
}

fn lock(context: &Context<'_>, flags: &ImageLockFlags) -> Result<ExitStatus, Failure> {
    let mut project = Project::load(context)?;
    let store = Store::of(context.host).map_err(|error| failure(&error))?;
    project.lock.want(&project.recipes.registry);
    let stored = project.newest(context, &store)?;
    match &stored {
        Some(image) => project.lock.set(image),
        None if flags.registry => {}
        None => {
            let wanted = format!("an image of the recipe of {}", project.recipes.base.suite);
            return Err(failure(&Error::NotStored { wanted }));
        }
    }
    if flags.registry {
        let ready = with_stores(context, None)?;
        let Some(ready) = ready.first() else {
            return Err(Failure::input("neither podman nor docker works here")
                .hint(format!("`{} engines` says why", context.name)));
        };
        for locked in project.lock.registry.values_mut() {
            locked.digest = Some(digest_of(ready, locked).map_err(|error| failure(&error))?);
        }
    }
    project.lock.save(&project.directory).map_err(|error| failure(&error))?;
    if let Some(image) = stored {
        context.printer.talk(&format!("locked {} in {LOCK_FILE}\n", image.diff_id()));
    }
    for (name, locked) in &project.lock.registry {
        let digest = locked.digest.as_deref().unwrap_or("no digest yet: `image lock --registry`");
        context.printer.talk(&format!("{name}: {}:{}, {digest}\n", locked.image, locked.tag));
    }
    Ok(ExitStatus::Healthy)
}

#[derive(Serialize)]
struct Listed {
    schema: &'static str,
    directory: PathBuf,
    images: Vec<ListedImage>,
}

#[derive(Serialize)]
struct ListedImage {
    #[serde(flatten)]
    image: Image,
    bytes: u64,
    is_locked: bool,
}

fn list(context: &Context<'_>, flags: &ImageListFlags) -> Result<ExitStatus, Failure> {
    let project = Project::load(context)?;
    let store = Store::of(context.host).map_err(|error| failure(&error))?;
    let images = store.list(context.host).map_err(|error| failure(&error))?;
    let is_locked = |image: &Image| {
        let locked = project.lock.image(&image.architecture);
        locked.is_some_and(|locked| locked.sum == image.sum)
    };
    let images: Vec<ListedImage> = images
        .into_iter()
        .map(|(image, bytes)| ListedImage { is_locked: is_locked(&image), image, bytes })
        .collect();
    let text = match flags.format {
        BuildFormat::Json => output::json(&Listed {
            schema: LIST_SCHEMA,
            directory: store.directory().to_path_buf(),
            images,
        })?,
        BuildFormat::Human if images.is_empty() => "no images in the store\n".to_owned(),
        BuildFormat::Human => {
            let rows = images.iter().map(|ListedImage { image, bytes, is_locked }| {
                [
                    image.sum.chars().take(16).collect(),
                    format!("{} {}", image.recipe.suite, image.architecture),
                    image.packages.len().to_string(),
                    format!("{} MB", bytes / 1_000_000),
                    if *is_locked { "locked".to_owned() } else { String::new() },
                ]
            });
            table::render(["IMAGE", "SYSTEM", "PACKAGES", "SIZE", ""], rows, Style::new().bold())
        }
    };
    context.printer.data(&text)?;
    Ok(ExitStatus::Healthy)
}
