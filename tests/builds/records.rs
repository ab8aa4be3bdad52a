//! Wheels built again from their records.

use wheelbuild::engine::Engine;

use crate::support::{Project, works};

#[test]
fn a_wheel_is_built_again_from_its_record_and_others_are_refused() {
    let test = "records::a_wheel_is_built_again_from_its_record_and_others_are_refused";
    if !works(Engine::Namespaces, test) {
        return;
    }
    let project = Project::of("stamped", "project");
    project.lock();
    let built = project.run(&["build", "--engine", "namespaces"]).succeeded();
    let (wheel, _) = built.artifact(".whl");
    let wheel = wheel.display().to_string();
    // What is there now does not matter: the commit of the record does.
    project.write("build.rs", "fn main() { println!(\"cargo:rustc-env=STAMPED=other\"); }\n");
    project.commit();
    let again = project.run(&["reproduce", &wheel, "--engine", "namespaces"]).succeeded();
    assert_eq!(again.one("reproduction")["verdict"], "identical");
    assert_eq!(again.one("record")["differences"], serde_json::json!([]));

    // A wheel of other sources, with a record that claims the first commit for it.
    let other = project.run(&["build", "--engine", "namespaces", "--out", "other"]).succeeded();
    let (other_wheel, other_sum) = other.artifact(".whl");
    let (record, _) = built.artifact(".intoto.json");
    let sum = built.artifact(".whl").1;
    let forged = fs_err::read_to_string(&record).unwrap().replace(&sum, &other_sum);
    let forged_path = project.path.join("forged.json");
    fs_err::write(&forged_path, forged).unwrap();
    let (other_wheel, forged) =
        (other_wheel.display().to_string(), forged_path.display().to_string());
    let flags = ["reproduce", &other_wheel, "--record", &forged, "--engine", "namespaces"];
    let found = project.run(&flags).ended_with(4);
    assert_eq!(found.one("reproduction")["verdict"], "different");

    let refused = |flags: &[&str], word: &str| {
        let told = project.run(&[&["reproduce"][..], flags].concat()).ended_with(3);
        told.says(word).says("hint: ");
    };
    let record = record.display().to_string();
    refused(&[&other_wheel, "--record", &record], "is not of this wheel");
    refused(&[&wheel, "--record", "Cargo.toml"], "is no record of a build");
    refused(&[&wheel, "--record", "absent.json"], "absent.json");
    refused(&["absent.whl"], "absent.whl");

    // Built of files that no commit has.
    project.write("build.rs", "fn main() { println!(\"cargo:rustc-env=STAMPED=third\"); }\n");
    let unversioned = project.run(&["build", "--engine", "namespaces"]).succeeded();
    assert_eq!(unversioned.one("sources")["versioned"], false);
    let (wheel, _) = unversioned.artifact(".whl");
    refused(&[&wheel.display().to_string()], "names no commit");
}
