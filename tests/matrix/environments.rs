//! Environments that the matrix makes: kept, looked through, and made again when they are broken.

use std::path::PathBuf;

use crate::support::Project;

const ONE: &str = "[matrix]\npythons = ['3.11']\nnumpys = ['1.26.4']\n";

/// The environments of a project that keeps its own.
fn environments(project: &Project) -> Vec<PathBuf> {
    let entries = fs_err::read_dir(project.path("own/environments")).unwrap();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_none_or(|end| end != "lock"))
        .collect();
    found.sort();
    found
}

#[test]
fn a_broken_environment_is_made_again_and_a_whole_one_is_kept() {
    let test = "a_broken_environment_is_made_again_and_a_whole_one_is_kept";
    let Some(project) = Project::new(test, ONE) else { return };
    let run = || {
        let ended = project.run(&["matrix", "--directory", "own"]);
        assert_eq!(ended.code, Some(0), "{}\n{}", ended.stderr, ended.stdout);
    };
    run();
    let found = environments(&project);
    assert_eq!(found.len(), 1, "{found:?}");
    let numpy = found[0].join("lib/python3.11/site-packages/numpy");
    let mark = found[0].join("mark");
    fs_err::write(&mark, "").unwrap();
    run();
    assert!(fs_err::metadata(&mark).is_ok(), "a whole environment was made again");

    // A file is cut short, as by a full disk.
    let file = numpy.join("__init__.py");
    let whole = fs_err::read(&file).unwrap();
    fs_err::remove_file(&file).unwrap();
    fs_err::write(&file, &whole[..whole.len() / 2]).unwrap();
    run();
    assert!(fs_err::metadata(&mark).is_err(), "a broken environment was kept");
    assert_eq!(fs_err::read(&file).unwrap(), whole);

    // A file has other contents of the same length, which only importing it shows.
    fs_err::remove_file(&file).unwrap();
    fs_err::write(&file, vec![b'('; whole.len()]).unwrap();
    run();
    assert_eq!(fs_err::read(&file).unwrap(), whole);

    // It was being made when the process was killed.
    fs_err::remove_file(found[0].join("made-from.json")).unwrap();
    fs_err::write(&mark, "").unwrap();
    run();
    assert!(fs_err::metadata(&mark).is_err(), "half an environment was kept");
}

#[test]
fn pip_makes_environments_where_uv_is_not_wanted() {
    let test = "pip_makes_environments_where_uv_is_not_wanted";
    let configuration = "[matrix]\npythons = ['3.11', '3.8']\nnumpys = ['1.26.4', '1.17.5']\n";
    let Some(project) = Project::new(test, configuration) else { return };
    let (ended, result) = project.matrix(&["--directory", "own", "--installer", "pip"]);
    assert_eq!(ended.code, Some(0), "{}\n{:.2000}", ended.stderr, ended.stdout);
    let state =
        |name: &str| crate::support::cell(&result, name)["state"].as_str().unwrap().to_owned();
    assert_eq!(state("py3.11-numpy1.26.4"), "ran");
    assert_eq!(state("py3.8-numpy1.17.5"), "ran");
    assert_eq!(state("py3.11-numpy1.17.5"), "not-available");
    assert_eq!(state("py3.8-numpy1.26.4"), "not-available");
    let pip = environments(&project)[0].join("bin/pip");
    assert!(fs_err::metadata(&pip).is_ok(), "{} is not there", pip.display());
}

#[test]
fn nothing_is_left_of_a_run_but_its_result() {
    let test = "nothing_is_left_of_a_run_but_its_result";
    let Some(project) = Project::new(test, ONE) else { return };
    assert_eq!(project.run(&["matrix"]).code, Some(0));
    let mut names: Vec<String> = fs_err::read_dir(project.path("target/matrix"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["environments", "report.html", "result.json"]);
}
