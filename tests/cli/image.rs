//! `image`, without an engine and without a mirror.

use insta::assert_snapshot;

use crate::machine::Machine;

#[test]
fn nothing_is_stored_and_nothing_is_locked() {
    let machine = Machine::new();
    assert_snapshot!(machine.run(&["image", "list"]), @"
    exit: 0
    --- stdout
    no images in the store
    --- stderr
    ");
    assert_snapshot!(machine.run(&["image", "check"]), @"
    exit: 3
    --- stdout
    --- stderr
    error: no image is locked, and none of the recipe is in the store

    hint: `truewheel image bootstrap` makes it, `truewheel image lock` locks it
    ");
    assert_snapshot!(machine.run(&["image", "lock"]), @"
    exit: 3
    --- stdout
    --- stderr
    error: an image of the recipe of bookworm is not in the store

    hint: `truewheel image bootstrap` makes it
    ");
}

#[test]
fn without_a_tool_nothing_is_made() {
    let machine = Machine::new();
    assert_snapshot!(machine.run(&["image", "bootstrap"]), @"
    exit: 2
    --- stdout
    --- stderr
    making the image
    error: cannot use images
      caused by: neither mmdebstrap nor debootstrap is on PATH

    hint: apt-get install mmdebstrap
    ");
}

#[test]
fn a_wrong_recipe_and_a_damaged_lock_are_named() {
    let machine = Machine::new();
    machine.write("project/docker/images.toml", "[base]\nsuit = \"bookworm\"\n");
    let output = machine.output(&["image", "list"]);
    assert_eq!(output.code, Some(3));
    let said = output.stderr_text();
    assert!(said.contains("docker/images.toml") && said.contains("suit"), "{said}");
    fs_err::remove_file(machine.path("project/docker/images.toml")).unwrap();
    machine.write("project/docker/images.lock.toml", "[base.amd64]\ndiff-id = \"sha256:1\"\n");
    let output = machine.output(&["image", "check"]);
    assert_eq!(output.code, Some(3));
    assert!(output.stderr_text().contains("docker/images.lock.toml"));
    let output = machine.output(&["image", "bootstrap", "--mirror", "nowhere"]);
    assert_eq!(output.code, Some(3));
}
