//! Runs in every engine: what a command sees, may do, and how it ends.

use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use host::{Host, own_ids};
use tempfile::TempDir;
use wheelbuild::engine::{Engine, Error, Run, Status};

use crate::support::{PATIENCE, command, for_each_engine, hear, processes_with, sandbox, script};

for_each_engine!(
    codes_and_signals_come_back,
    both_streams_come_line_by_line_while_it_runs,
    the_environment_is_exactly_what_was_asked_for,
    it_runs_where_and_how_it_was_asked_to,
    nothing_can_be_read_from_standard_input,
    there_is_no_network_but_the_loopback,
    nothing_but_the_output_can_be_written,
    it_has_no_rights_of_root,
    what_takes_too_long_is_killed_whole,
    two_run_at_once,
    an_engine_that_cannot_start_it_says_why,
);

fn codes_and_signals_come_back(engine: Engine, test: &str) {
    let Some(sandbox) = sandbox(engine, test) else { return };
    let status = |run: &Run| hear(&sandbox, run).outcome.status;
    assert_eq!(status(&script("exit 0")), Status::Exited(0));
    assert_eq!(status(&script("exit 3")), Status::Exited(3));
    // What engines use for their own failures is the command's here.
    assert_eq!(status(&script("exit 125")), Status::Exited(125));
    assert_eq!(status(&command(["/nonexistent/program"])), Status::Exited(127));
    assert_eq!(status(&script("kill -KILL $$")), Status::Killed(9));
    assert_eq!(status(&script("kill -TERM $$")), Status::Killed(15));
}

fn both_streams_come_line_by_line_while_it_runs(engine: Engine, test: &str) {
    let Some(sandbox) = sandbox(engine, test) else { return };
    let directory = TempDir::new().unwrap();
    let go = sandbox.inside("/out/go");
    let text = format!("echo here; echo there >&2; while [ ! -e {go} ]; do sleep 0.05; done");
    let run = script(&text).output(directory.path(), "/out");
    let mut lines = Vec::new();
    // It goes on only once both lines were heard.
    let outcome = sandbox.run(&run, |_, line| {
        lines.push(line.to_owned());
        if lines.len() == 2 {
            fs_err::write(directory.path().join("go"), "").unwrap();
        }
    });
    assert_eq!(outcome.unwrap().status, Status::Exited(0));
    lines.sort();
    assert_eq!(lines, ["here", "there"]);
}

fn the_environment_is_exactly_what_was_asked_for(engine: Engine, test: &str) {
    let Some(sandbox) = sandbox(engine, test) else { return };
    let run = command(["/usr/bin/env"]).env("B", "two words").env("A", "").env("C", "$HOME=x");
    assert_eq!(hear(&sandbox, &run).out, ["A=", "B=two words", "C=$HOME=x"]);
    assert_eq!(hear(&sandbox, &command(["/usr/bin/env"])).out, [""; 0]);
}

fn it_runs_where_and_how_it_was_asked_to(engine: Engine, test: &str) {
    let Some(sandbox) = sandbox(engine, test) else { return };
    let mut run = script("pwd; umask; : >new; stat -c %a new; uname -n; [ -w /dev/null ]");
    run.directory = "/tmp".to_owned();
    run.umask = 0o027;
    run.host_name = "builder-7".to_owned();
    let heard = hear(&sandbox, &run);
    let name = if engine.is_hermetic() { "builder-7" } else { heard.out[3].as_str() };
    assert_eq!(heard.out, [sandbox.inside("/tmp").as_str(), "0027", "640", name]);
    assert!(heard.outcome.status.success(), "{:?}", heard.err);
}

fn nothing_can_be_read_from_standard_input(engine: Engine, test: &str) {
    let Some(sandbox) = sandbox(engine, test) else { return };
    let run = script("cat; echo end");
    assert_eq!(hear(&sandbox, &run).out, ["end"]);
}

fn there_is_no_network_but_the_loopback(engine: Engine, test: &str) {
    let Some(sandbox) = sandbox(engine, test) else { return };
    let interfaces = |run: Run| -> Vec<String> {
        let lines = hear(&sandbox, &run).out;
        let names = lines.iter().filter_map(|line| line.split_once(':')).map(|(name, _)| name);
        names.map(|name| name.trim().to_owned()).collect()
    };
    let own = Host::current().unwrap().read_text(Path::new("/proc/net/dev"), 1 << 20).unwrap();
    let own = own.lines().filter(|line| line.contains(':')).count();
    if engine.is_hermetic() {
        assert_eq!(interfaces(script("cat /proc/net/dev")), ["lo"]);
    }
    let with = Run { network: true, ..script("cat /proc/net/dev") };
    assert_eq!(interfaces(with).len(), own);
}

fn nothing_but_the_output_can_be_written(engine: Engine, test: &str) {
    let Some(sandbox) = sandbox(engine, test) else { return };
    let (input, output) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    fs_err::write(input.path().join("file"), "given").unwrap();
    let read = sandbox.inside("/in/file");
    let made = sandbox.inside("/out/made");
    let text =
        format!("cat {read}; mkdir {made}; echo kept >{made}/file; ln -s /nowhere {made}/link");
    let run = script(&text).input(input.path(), "/in").output(output.path(), "/out");
    let heard = hear(&sandbox, &run);
    assert_eq!(heard.out, ["given"], "{:?}", heard.err);
    // Whoever it ran as, what it left is the caller's.
    let host = Host::current().unwrap();
    for name in ["", "made", "made/file", "made/link"] {
        let path = output.path().join(name);
        let owner = host.symlink_metadata(&path).unwrap().uid;
        assert_eq!(Some(owner), own_ids().map(|ids| ids.user), "{name}");
    }
    assert_eq!(fs_err::read_to_string(output.path().join("made/file")).unwrap(), "kept\n");
    if !engine.is_hermetic() {
        return;
    }
    for place in ["/", "/usr", "/etc", "/in", "/dev", "/proc", "/var"] {
        let text = format!("(: >{place}/new) 2>/dev/null && echo written || echo refused");
        let run = script(&text).input(input.path(), "/in");
        assert_eq!(hear(&sandbox, &run).out, ["refused"], "{place}");
    }
}

fn it_has_no_rights_of_root(engine: Engine, test: &str) {
    let Some(sandbox) = sandbox(engine, test) else { return };
    let text = "id -u; grep -E '^(CapEff|CapPrm|NoNewPrivs):' /proc/self/status";
    let out = hear(&sandbox, &script(text)).out;
    if engine.is_hermetic() {
        let nothing = "0000000000000000";
        let expected = [
            "1000".to_owned(),
            format!("CapPrm:\t{nothing}"),
            format!("CapEff:\t{nothing}"),
            "NoNewPrivs:\t1".to_owned(),
        ];
        assert_eq!(out, expected);
    } else {
        // It is said to be not hermetic, and this is one of the reasons.
        assert_eq!(out[0], own_ids().unwrap().user.to_string());
        assert!(sandbox.ready().limits().iter().any(|limit| limit.contains("calling user")));
    }
}

fn what_takes_too_long_is_killed_whole(engine: Engine, test: &str) {
    let Some(sandbox) = sandbox(engine, test) else { return };
    let word = format!("{}.{}", 600 + engine as u32, std::process::id());
    let mut run = script(&format!("sleep {word} & echo begun; sleep {word}"));
    run.limits.time = Some(Duration::from_secs(6));
    let heard = hear(&sandbox, &run);
    assert_eq!(heard.outcome.status, Status::TimedOut);
    assert_eq!(heard.out, ["begun"]);
    assert_eq!(processes_with(&word), [0; 0]);
    assert!(hear(&sandbox, &script("exit 0")).outcome.status.success());
}

fn two_run_at_once(engine: Engine, test: &str) {
    if sandbox(engine, test).is_none() {
        return;
    }
    let alone = |number: u32, tell: Sender<()>, told: Receiver<()>| {
        let sandbox = sandbox(engine, test).unwrap();
        let directory = TempDir::new().unwrap();
        let (go, own) = (sandbox.inside("/out/go"), sandbox.inside("/tmp/own"));
        let text = format!(
            "[ ! -e {own} ]; echo {number} >{own}; echo here
             while [ ! -e {go} ]; do sleep 0.05; done; cat {own}"
        );
        let mut run = script(&text).output(directory.path(), "/out");
        run.limits.time = Some(PATIENCE * 2);
        let mut out = Vec::new();
        let outcome = sandbox.run(&run, |_, line| {
            if line == "here" {
                // Neither goes on before both run.
                tell.send(()).unwrap();
                told.recv_timeout(PATIENCE).expect("the other one did not run at the same time");
                fs_err::write(directory.path().join("go"), "").unwrap();
            }
            out.push(line.to_owned());
        });
        assert_eq!(out, ["here".to_owned(), number.to_string()]);
        assert_eq!(outcome.unwrap().status, Status::Exited(0));
    };
    let ((to_first, first), (to_second, second)) = (mpsc::channel(), mpsc::channel());
    thread::scope(|scope| {
        scope.spawn(|| alone(1, to_second, first));
        scope.spawn(|| alone(2, to_first, second));
    });
}

fn an_engine_that_cannot_start_it_says_why(engine: Engine, test: &str) {
    let Some(sandbox) = sandbox(engine, test) else { return };
    let mut run = script("echo never");
    run.directory = "/nonexistent".to_owned();
    let mut heard = Vec::new();
    let error = sandbox.run(&run, |_, line| heard.push(line.to_owned())).unwrap_err();
    assert!(matches!(error, Error::NotStarted { .. }), "{error}");
    assert!(error.to_string().contains("nonexistent"), "{error}");
    assert_eq!(heard, [""; 0]);
}
