//! Two builds of one project: what makes them differ is named.

use crate::support::{Workshop, problems, truewheel};

#[test]
fn the_directory_of_the_project_is_in_the_sbom() {
    let Some(workshop) = Workshop::new("pairs::the_directory_of_the_project_is_in_the_sbom") else {
        return;
    };
    let (a, b) = (workshop.build("project", None), workshop.build("other/place", None));
    let (code, value) = truewheel(&["compare"], &[&a, &b]);
    let differences = value["differences"].as_array().unwrap();
    assert_eq!((code, differences.len()), (4, 1), "{value}");
    assert_eq!(differences[0]["name"], "sbom-path");

    // The same leak is seen in one wheel alone.
    let project = workshop.path("project").display().to_string();
    let (code, value) = truewheel(&["check", "--foreign", "--secret", &project], &[&a]);
    assert_eq!(code, 4);
    let place = problems(&value, "leaked-text")[0]["place"].as_str().unwrap();
    assert!(place.contains("/sboms/"), "{value}");
}

#[test]
fn a_second_build_in_the_same_place_is_identical() {
    let Some(workshop) = Workshop::new("pairs::a_second_build_in_the_same_place_is_identical")
    else {
        return;
    };
    let first = workshop.build("project", None);
    let kept = workshop.path("kept.whl");
    fs_err::rename(first, &kept).unwrap();
    let second = workshop.build("project", None);
    let (code, value) = truewheel(&["compare"], &[&kept, &second]);
    assert_eq!((code, &value["verdict"]), (0, &"identical".into()), "{value}");
}

/// The negative control: a comparison that does not see this sees nothing.
#[test]
fn a_build_script_that_writes_the_time_is_named() {
    let Some(workshop) = Workshop::new("pairs::a_build_script_that_writes_the_time_is_named")
    else {
        return;
    };
    let first = workshop.build("project", Some("1764309089"));
    let kept = workshop.path("kept.whl");
    fs_err::rename(first, &kept).unwrap();
    let second = workshop.build("project", Some("1764309112"));
    let (code, value) = truewheel(&["compare"], &[&kept, &second]);
    let differences = value["differences"].as_array().unwrap();
    assert_eq!((code, differences.len()), (4, 1), "{value}");
    assert_eq!(differences[0]["name"], "stamped-time");
    assert_eq!(differences[0]["only_a"][0], "1764309089");
    let place = differences[0]["place"].as_str().unwrap();
    assert!(place.starts_with("stamped/stamped."), "{place}");
}
