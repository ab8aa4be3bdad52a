//! Images that are made here, and copies of them that are right or wrong.

use std::path::Path;

use tempfile::TempDir;
use wheelbuild::engine::Engine;
use wheelbuild::image::{self, State, Store, root_for};

use crate::support::{base, machine, ready, recipe};

#[test]
fn the_same_recipe_gives_the_same_bytes() {
    let Some(first) = base("the_same_recipe_gives_the_same_bytes") else { return };
    let cache = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut host = machine();
    host.variables.set("TRUEWHEEL_CACHE_DIR", cache.path());
    let mut lines = 0;
    let second = image::bootstrap(&host, &recipe(), |_| lines += 1).unwrap();
    assert_eq!(&second, first);
    assert!(lines > 0);
    assert!(second.packages.iter().any(|package| package.name == "dash"));
}

#[test]
fn every_engine_holds_the_very_files() {
    let test = "every_engine_holds_the_very_files";
    let Some(image) = base(test) else { return };
    let host = machine();
    let engines = [Engine::Podman, Engine::Docker, Engine::Namespaces];
    let ready: Vec<_> = engines.into_iter().filter_map(|engine| ready(engine, test)).collect();
    for ready in &ready {
        root_for(&host, ready, image).unwrap();
    }
    let copies = image::check(&host, image, &ready).unwrap();
    assert!(copies.iter().all(|copy| copy.state == State::Same), "{copies:#?}");
    // The store, what is unpacked, and the two that have a store of their own.
    let stores = ready.iter().filter(|ready| ready.engine.has_store()).count();
    assert_eq!(copies.len(), 2 + stores);
}

#[test]
fn a_copy_that_was_changed_is_found_and_made_anew() {
    let test = "a_copy_that_was_changed_is_found_and_made_anew";
    let (Some(image), Some(ready)) = (base(test), ready(Engine::Namespaces, test)) else { return };
    let cache = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let common = Store::of(&machine()).unwrap();
    let mut host = machine();
    host.variables.set("TRUEWHEEL_CACHE_DIR", cache.path());
    let store = Store::of(&host).unwrap();
    fs_err::create_dir(store.directory()).unwrap();
    for name in [format!("{}.tar", image.sum), format!("{}.json", image.sum)] {
        fs_err::copy(common.directory().join(&name), store.directory().join(&name)).unwrap();
    }
    let states = || -> Vec<State> {
        let copies = image::check(&host, image, &[]).unwrap();
        copies.into_iter().map(|copy| copy.state).collect()
    };
    assert_eq!(states(), [State::Same, State::Absent]);
    root_for(&host, &ready, image).unwrap();
    assert_eq!(states(), [State::Same, State::Same]);
    let motd = store.unpacked(&image.sum).join("etc/debian_version");
    fs_err::write(&motd, "another one\n").unwrap();
    let [State::Same, State::Differs { found }] = &*states() else { panic!("not found") };
    assert!(found.iter().any(|line| line.contains("etc/debian_version")), "{found:?}");
    assert_eq!(states(), [State::Same, State::Absent]);
    root_for(&host, &ready, image).unwrap();
    assert_eq!(states(), [State::Same, State::Same]);
    change_a_byte(&store.archive(&image.sum));
    assert!(matches!(&*states(), [State::Differs { .. }]));
}

fn change_a_byte(archive: &Path) {
    use std::io::{Seek as _, SeekFrom, Write as _};

    let mut file = fs_err::OpenOptions::new().write(true).open(archive).unwrap();
    file.seek(SeekFrom::Start(1 << 20)).unwrap();
    file.write_all(b"X").unwrap();
}
