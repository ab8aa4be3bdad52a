//! `completions`: the scripts do their work in the shells themselves.

use crate::machine::Machine;
use crate::skips;

fn script(machine: &Machine, shell: &str) -> String {
    let output = machine.output(&["completions", shell]);
    assert_eq!((output.code, output.stderr_text().as_str()), (Some(0), ""));
    output.stdout_text()
}

/// What a shell's program says to a text; `None` where the shell is not here.
#[cfg(unix)]
fn asked(test: &str, shell: &str, arguments: &[&str]) -> Option<String> {
    let machine = Machine::new();
    let Some(program) = host::Host::current().unwrap().program(shell) else {
        skips::record(test, &format!("no {shell} here"));
        return None;
    };
    machine.write("project/script", script(&machine, shell));
    for tool in ["cat", "mkdir", "uname", "sed", "tr", "grep", "sort"] {
        machine.real_program(tool);
    }
    // The command must exist for some shells to complete it.
    machine.program("truewheel", "#!/bin/sh\n");
    let output = machine.isolated(&program).args(arguments).output().unwrap();
    assert!(output.success(), "{}", output.stderr_text());
    Some(output.stdout_text())
}

#[track_caller]
fn has(told: &str, wanted: &[&str]) {
    for word in wanted {
        assert!(told.split_whitespace().any(|one| one.trim_end_matches('=') == *word), "{told}");
    }
}

#[test]
#[cfg(unix)]
fn bash_completes_commands_and_flags() {
    let ask = "source ./script\n\
        ask() { COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); COMPREPLY=()\n\
        _truewheel truewheel \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD - 1]}\"\n\
        echo \"$1: ${COMPREPLY[@]}\"; }\n\
        ask truewheel doc\nask truewheel doctor --for\nask truewheel doctor --format j\n\
        ask truewheel doctor di";
    let arguments = ["--norc", "--noprofile", "-c", ask];
    let test = "completions::bash_completes_commands_and_flags";
    let Some(told) = asked(test, "bash", &arguments) else { return };
    has(&told, &["doctor", "--format", "json", "junit", "diff"]);
}

#[test]
#[cfg(unix)]
fn fish_completes_commands_and_flags() {
    let ask = "source ./script; complete -C 'truewheel doc'; complete -C 'truewheel doctor --for'; \
        complete -C 'truewheel doctor --format j'";
    let test = "completions::fish_completes_commands_and_flags";
    let Some(told) = asked(test, "fish", &["--no-config", "-c", ask]) else { return };
    has(&told, &["doctor", "--format", "json", "junit"]);
}

#[test]
#[cfg(unix)]
fn zsh_takes_the_script() {
    // Completing in zsh takes a terminal; the function must be there, whole, and registered.
    let ask = "autoload -U compinit; compinit -u -d ./dump; source ./script; \
        whence -w _truewheel; print -r -- $_comps[truewheel]; \
        functions _truewheel | grep -o -- '--format' | sort -u";
    let test = "completions::zsh_takes_the_script";
    let Some(told) = asked(test, "zsh", &["-f", "-c", ask]) else { return };
    has(&told, &["function", "_truewheel", "--format"]);
}

#[test]
fn every_shell_has_a_script_and_others_are_refused() {
    let machine = Machine::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        assert!(script(&machine, shell).contains("doctor"), "{shell}");
    }
    let output = machine.output(&["completions", "cmd"]);
    assert_eq!(output.code, Some(3));
    assert!(output.stderr_text().contains("possible values: bash, elvish, fish"));
}
