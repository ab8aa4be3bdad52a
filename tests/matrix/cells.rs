//! Cells that take part in ways of their own.

use crate::support::{Project, cell, pair, pickles, problems};

const TWO: &str = "[matrix]\npythons = ['3.11']\nnumpys = ['1.24.4', '2.2.6']\n";

#[test]
fn an_environment_of_the_users_takes_part_as_it_is() {
    let test = "an_environment_of_the_users_takes_part_as_it_is";
    let Some(project) = Project::new(test, "") else { return };
    project.environment("train", "3.10", "1.23.5");
    project.configure(
        "[matrix]\npythons = ['3.11']\nnumpys = ['2.2.6']\n\
         environments = [{ name = 'train <1>', path = 'train' }]\n",
    );
    let (ended, result) = project.matrix(&[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let train = cell(&result, "train <1>");
    assert_eq!(
        (train["kind"].as_str(), train["numpy"].as_str()),
        (Some("environment"), Some("1.23.5"))
    );
    assert!(problems(pair(&result, "core", "train <1>")).is_empty());
    let read = pickles(&result, "py3.11-numpy2.2.6", "train <1>", "array");
    assert_eq!(read, ["fails ModuleNotFoundError: No module named 'numpy._core'"; 4]);
}

#[test]
fn pickles_and_the_core_may_be_left_out() {
    let configuration = format!("{TWO}formats = ['npy']\nlanes = ['cpython']\n");
    let Some(project) = Project::new("pickles_and_the_core_may_be_left_out", &configuration) else {
        return;
    };
    let (ended, result) = project.matrix(&[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(result["pairs"].as_array().unwrap().len(), 4);
    let one = pair(&result, "py3.11-numpy2.2.6", "py3.11-numpy1.24.4");
    assert_eq!(one["formats"].as_array().unwrap().len(), 1);
    assert!(one["pickles"].is_null());
}

#[test]
fn requirements_and_imports_hold_in_every_cell() {
    let test = "requirements_and_imports_hold_in_every_cell";
    let configuration = "[matrix]\npythons = ['3.11']\nnumpys = ['2.2.6']\n\
                         requirements = ['six']\nimports = ['six']\n";
    let Some(project) = Project::new(test, configuration) else { return };
    let (ended, _) = project.matrix(&[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);

    project.configure(&format!("{TWO}imports = ['no_such_module']\n"));
    let (ended, result) = project.matrix(&[]);
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    let broken = cell(&result, "py3.11-numpy2.2.6");
    assert_eq!(broken["state"], "broken-environment");
    let reason = broken["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("no_such_module cannot be imported: ModuleNotFoundError"),
        "{reason}"
    );
    // The core imports nothing, and reads itself.
    assert_eq!(result["pairs"].as_array().unwrap().len(), 1);
}

/// Two processes for each cell, one that writes and one that reads, however many cells there are.
#[test]
fn the_number_of_processes_grows_with_the_cells_and_not_with_the_pairs() {
    let test = "the_number_of_processes_grows_with_the_cells_and_not_with_the_pairs";
    let Some(project) = Project::new(test, "") else { return };
    let prefix = project.environment("env", "3.11", "2.2.6");
    let log = project.path("starts");
    project.at_start(&prefix, &format!("open({:?}, 'a').write('x')\n", log.display().to_string()));
    for cells in [2, 5] {
        let named = |n| format!("{{ name = 'cell {n}', path = 'env' }}");
        let list: Vec<String> = (0..cells).map(named).collect();
        let list = list.join(", ");
        project.configure(&format!("[matrix]\nnumpys = []\nenvironments = [{list}]\n"));
        fs_err::write(&log, "").unwrap();
        let (ended, result) = project.matrix(&[]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert_eq!(result["pairs"].as_array().unwrap().len(), (cells + 1) * (cells + 1));
        assert_eq!(fs_err::read(&log).unwrap().len(), 2 * cells);
    }
}

/// What a user has set for Python does not reach the cells.
#[test]
fn cells_are_isolated() {
    let Some(project) = Project::new("cells_are_isolated", TWO) else { return };
    let module = project.path("elsewhere/numpy");
    fs_err::create_dir_all(&module).unwrap();
    fs_err::write(module.join("__init__.py"), "raise RuntimeError('the wrong numpy')\n").unwrap();
    let command = project
        .command(&["matrix"])
        .env("PYTHONPATH", project.path("elsewhere"))
        .env("PYTHONSTARTUP", "/nowhere")
        .env("PYTHONWARNINGS", "error");
    let ended = crate::support::run(&command);
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stderr, ended.stdout);
}
