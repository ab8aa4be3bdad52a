//! Cells made to fail on purpose: each failure is found, named, and ends the run with 5.

use host::Invocation;

use crate::skips;
use crate::support::{Ended, Project, cell, pair, problems, run};

/// Environments `good` and `bad`, both with numpy 2.2.6, of which the second runs this at start.
fn two(test: &str, bad: &str, more: &str) -> Option<Project> {
    let project = Project::new(test, "")?;
    project.environment("good", "3.11", "2.2.6");
    let prefix = project.environment("bad", "3.11", "2.2.6");
    project.at_start(&prefix, bad);
    project.configure(&format!(
        "[matrix]\nnumpys = []\n{more}\n\
         environments = [{{ name = 'good', path = 'good' }}, {{ name = 'bad', path = 'bad' }}]\n"
    ));
    Some(project)
}

/// A reader that turns big-endian numbers into the machine's own, as careless code does.
const PATCHED: &str = "
import numpy
load = numpy.load
def patched(*arguments, **options):
    array = load(*arguments, **options)
    if isinstance(array, numpy.ndarray) and array.dtype.str == '>f8':
        return array.astype('<f8')
    return array
numpy.load = patched
";

#[test]
fn a_reader_that_changes_what_it_reads() {
    let Some(project) = two("a_reader_that_changes_what_it_reads", PATCHED, "") else { return };
    let (ended, result) = project.matrix(&["--report", "r.html", "--report", "r.xml"]);
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    for writer in ["good", "bad", "core"] {
        let wrong = ("npy", "float64, big-endian", "dtype is '<f8', not '>f8'");
        let found = problems(pair(&result, writer, "bad"));
        let found: Vec<(&str, &str, &str)> =
            found.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str())).collect();
        assert_eq!(found, [wrong], "{writer}");
        assert!(problems(pair(&result, writer, "good")).is_empty());
    }
    for report in ["r.html", "r.xml"] {
        let text = fs_err::read_to_string(project.path(report)).unwrap();
        assert!(text.contains("float64, big-endian"), "{report}");
    }
    let shown = project.run(&["matrix", "show"]);
    assert_eq!(shown.code, Some(5));
    assert!(shown.stdout.contains("dtype is '<f8', not '>f8'"), "{}", shown.stdout);
    assert!(shown.stdout.lines().all(|line| line.chars().count() <= 100));
}

#[test]
fn what_failed_is_run_again_and_the_rest_is_kept() {
    let test = "what_failed_is_run_again_and_the_rest_is_kept";
    let Some(project) = two(test, PATCHED, "") else { return };
    assert_eq!(project.run(&["matrix"]).code, Some(5));
    project.at_start(&project.path("bad"), "");
    let (ended, result) = project.matrix(&["--rerun-failed"]);
    assert_eq!(ended.code, Some(0), "{}\n{:.2000}", ended.stderr, ended.stdout);
    assert_eq!(result["pairs"].as_array().unwrap().len(), 9);
    let again = project.run(&["matrix", "--rerun-failed"]);
    assert_eq!(again.code, Some(3));
    assert!(again.stderr.contains("nothing failed in the last run"), "{}", again.stderr);
}

/// A pickle that loads although the table says that it must not: the table is wrong.
#[test]
fn a_prediction_that_is_wrong() {
    let test = "a_prediction_that_is_wrong";
    let Some(project) = Project::new(test, "") else { return };
    let prefix = project.environment("old", "3.11", "1.24.4");
    let patch = "import sys, numpy.core, numpy.core.multiarray, numpy.core.numeric\n\
                 for name, module in list(sys.modules.items()):\n    \
                 if name.startswith('numpy.core'):\n        \
                 sys.modules[name.replace('numpy.core', 'numpy._core')] = module\n";
    project.at_start(&prefix, patch);
    project.configure(
        "[matrix]\npythons = ['3.11']\nnumpys = ['2.2.6']\n\
         environments = [{ name = 'old', path = 'old' }]\n",
    );
    let (ended, result) = project.matrix(&[]);
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    let wrong = &pair(&result, "py3.11-numpy2.2.6", "old")["pickles"]["wrong"];
    let of = |wrong: &serde_json::Value| {
        let observed = &result["observations"][wrong["observed"].as_u64().unwrap() as usize];
        wrong["object"] == "array"
            && wrong["predicted"]["outcome"] == "fails"
            && observed["outcome"] == "loads"
    };
    assert!(wrong.as_array().unwrap().iter().any(of), "{wrong:#}");
    assert!(problems(pair(&result, "py3.11-numpy2.2.6", "old")).is_empty());
}

#[test]
fn a_cell_that_is_killed_while_it_reads() {
    let bad = "import os, signal, numpy\n\
               numpy.load = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)\n";
    let Some(project) = two("a_cell_that_is_killed_while_it_reads", bad, "") else { return };
    let (ended, result) = project.matrix(&[]);
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    let bad = cell(&result, "bad");
    assert_eq!(bad["state"], "reading-failed");
    assert_eq!(bad["reason"], "it was killed by signal 9");
    // What it wrote before is read by the others.
    assert!(problems(pair(&result, "bad", "good")).is_empty());
    assert_eq!(result["pairs"].as_array().unwrap().len(), 6);
}

#[test]
fn a_cell_that_never_ends() {
    let bad = "import time, numpy\nnumpy.savez = lambda *a, **k: time.sleep(3600)\n";
    let Some(project) = two("a_cell_that_never_ends", bad, "time-limit = 20") else { return };
    let (ended, result) = project.matrix(&[]);
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    let bad = cell(&result, "bad");
    assert_eq!(bad["state"], "writing-failed");
    let reason = bad["reason"].as_str().unwrap();
    assert!(reason.starts_with("it ran longer than 20 s and was killed"), "{reason}");
    assert_eq!(result["pairs"].as_array().unwrap().len(), 4);
}

/// The program is killed in the middle of its work: its cells end with it.
#[test]
fn a_run_that_is_killed_leaves_no_process_behind() {
    let test = "a_run_that_is_killed_leaves_no_process_behind";
    let bad = "import os, time, numpy\n\
               def wait(*arguments, **options):\n    \
               open('pid.part', 'w').write(str(os.getpid()))\n    \
               os.rename('pid.part', os.environ['HOME'] + '/pid')\n    \
               time.sleep(3600)\n\
               numpy.save = wait\n";
    let Some(project) = two(test, bad, "") else { return };
    project.kills_a_run_and_its_cell();
    // What the killed run left on the disk goes with the next one.
    project.at_start(&project.path("bad"), "");
    assert_eq!(project.run(&["matrix"]).code, Some(0));
    let entries = fs_err::read_dir(project.path("target/matrix")).unwrap();
    let left = entries.filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with("run-")
    });
    assert_eq!(left.count(), 0);
}

#[test]
fn a_cell_that_answers_nonsense() {
    let bad = "import numpy\n\
               def load(path, **k):\n    \
               raise ValueError('<script>alert(1)</script>\\x1b[31m & \\u202e')\n\
               numpy.load = load\n";
    let Some(project) = two("a_cell_that_answers_nonsense", bad, "") else { return };
    let ended = project.run(&["matrix", "--report", "r.html", "--report", "r.md"]);
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    assert!(!ended.stdout.contains('\u{1b}') && !ended.stdout.contains('\u{202e}'));
    let page = fs_err::read_to_string(project.path("r.html")).unwrap();
    assert!(!page.contains("<script>alert"));
}

#[test]
fn a_missing_interpreter() {
    let configuration = "[matrix]\npythons = ['3.11', '3.4']\nnumpys = ['2.2.6']\n";
    let Some(project) = Project::new("a_missing_interpreter", configuration) else { return };
    let (ended, result) = project.matrix(&[]);
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    let missing = cell(&result, "py3.4-numpy2.2.6");
    assert_eq!(missing["state"], "missing-interpreter");
    let reason = missing["reason"].as_str().unwrap();
    assert!(reason.contains("uv python install 3.4"), "{reason}");
    assert_eq!(result["pairs"].as_array().unwrap().len(), 4);
}

#[test]
fn a_numpy_that_does_not_exist() {
    let configuration = "[matrix]\npythons = ['3.11']\nnumpys = ['2.2.6', '9.9']\n";
    let Some(project) = Project::new("a_numpy_that_does_not_exist", configuration) else { return };
    let ended = project.run(&["matrix"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(3), ""));
    assert!(
        ended.stderr.contains("no Python of the matrix can have numpy 9.9"),
        "{}",
        ended.stderr
    );
}

#[test]
fn an_index_that_is_out_of_reach_is_named_without_its_password() {
    let test = "an_index_that_is_out_of_reach_is_named_without_its_password";
    let configuration = "[matrix]\npythons = ['3.11']\nnumpys = ['2.2.6']\n";
    let Some(project) = Project::new(test, configuration) else { return };
    let ended = run(&project
        .command(&["matrix"])
        .env("UV_DEFAULT_INDEX", "http://ann:secret@127.0.0.1:9/simple")
        .env("UV_FIND_LINKS", "")
        .env("UV_CACHE_DIR", project.path("empty-cache"))
        .env("UV_HTTP_RETRIES", "0"));
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("127.0.0.1:9"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("secret"), "{}", ended.stderr);
}

/// The directory of the corpora is on a file system that has no room for all of them.
#[test]
fn a_full_disk() {
    let test = "a_full_disk";
    let Some(project) = two(test, "", "") else { return };
    let on_small_mount = |megabytes: u32| -> Option<Ended> {
        let script = format!(
            "mount -t tmpfs -o size={megabytes}m tmpfs small && \
             \"$0\" matrix --directory small --format json; code=$?; \
             find small -name 'run-*' >&2; exit $code"
        );
        fs_err::create_dir_all(project.path("small")).unwrap();
        let command = Invocation::new("unshare")
            .args(["--mount", "--propagation", "private", "sh", "-c", script.as_str()])
            .arg(env!("CARGO_BIN_EXE_truewheel"))
            .directory(project.path(""));
        let ended = run(&command);
        (!ended.stderr.contains("must be superuser") && !ended.stderr.contains("not permitted"))
            .then_some(ended)
    };
    // Room for the corpus, and for less or more of what one cell writes.
    for megabytes in [4, 5, 6] {
        let Some(ended) = on_small_mount(megabytes) else {
            return skips::record(test, "file systems can only be mounted by root");
        };
        assert_eq!(ended.code, Some(5), "{}", ended.stderr);
        let result: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        let good = cell(&result, "good");
        assert_eq!(good["state"], "writing-failed");
        assert!(good["reason"].as_str().unwrap().contains("No space left on device"), "{good}");
        assert!(!ended.stderr.contains("run-"), "something was left: {}", ended.stderr);
    }
    // Not even room for the corpus.
    let ended = on_small_mount(1).unwrap();
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("No space left on device"), "{}", ended.stderr);
    assert!(ended.stderr.contains("choose another place: `--directory`"), "{}", ended.stderr);
}
