//! The software bill of materials that goes into the wheel: CycloneDX, and the same bytes each time.
//!
//! Neither a serial number nor a time is in it, both of which the format allows to be left out, and
//! crates of the project are named by what they are and not by where they lay.

use serde_json::{Value, json};

use super::crates::{Crate, CrateGraph};
use super::project::Project;

/// The bill of materials of a wheel (CycloneDX 1.5, <https://cyclonedx.org/docs/1.5/json/>; where it
/// is kept in a wheel says PEP 770).
#[must_use]
pub fn sbom(project: &Project, graph: &CrateGraph) -> String {
    let CrateGraph(crates) = graph;
    let wheel =
        format!("pkg:pypi/{}@{}", project.name.to_lowercase().replace('_', "-"), project.version);
    let components: Vec<Value> = crates.iter().map(component).collect();
    let uses =
        |it: &Crate| -> Vec<String> { it.uses.iter().map(|place| purl(&crates[*place])).collect() };
    let own = crates.iter().find(|it| it.name == project.package).map(purl);
    let mut dependencies =
        vec![json!({ "ref": wheel, "dependsOn": own.into_iter().collect::<Vec<_>>() })];
    dependencies.extend(crates.iter().map(|it| json!({ "ref": purl(it), "dependsOn": uses(it) })));
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "library",
                "bom-ref": wheel,
                "name": project.name,
                "version": project.version,
                "purl": wheel,
            },
        },
        "components": components,
        "dependencies": dependencies,
    });
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

/// The package URL of a crate, which is its name in the document too.
fn purl(it: &Crate) -> String {
    format!("pkg:cargo/{}@{}", it.name, it.version)
}

fn component(it: &Crate) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": purl(it),
        "name": it.name,
        "version": it.version,
        "purl": purl(it),
    });
    if let (Some(checksum), Some(object)) = (&it.checksum, component.as_object_mut()) {
        object.insert("hashes".to_owned(), json!([{ "alg": "SHA-256", "content": checksum }]));
    }
    component
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::crates::tests::example;

    #[test]
    fn the_bill_names_every_crate_and_no_place_or_time() {
        let project = Project {
            root: "/home/ada/work".into(),
            directory: "".into(),
            workspace: "".into(),
            name: "My_Wheel".to_owned(),
            package: "app".to_owned(),
            version: "0.1.0".to_owned(),
            maturin: "maturin".to_owned(),
            requires_python: None,
            members: Vec::new(),
            module: "my_wheel".to_owned(),
            profile: None,
        };
        let text = sbom(&project, &example());
        assert_eq!(text, sbom(&project, &example()));
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["components"].as_array().unwrap().len(), 4);
        assert_eq!(document["dependencies"][0]["ref"], "pkg:pypi/my-wheel@0.1.0");
        assert_eq!(document["dependencies"][1]["dependsOn"][0], "pkg:cargo/serde@1.0.0");
        for absent in ["timestamp", "serialNumber", "/home", "file:"] {
            assert!(!text.contains(absent), "{absent}");
        }
    }
}
