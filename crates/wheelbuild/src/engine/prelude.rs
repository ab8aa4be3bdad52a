//! The shell between the engine and the command: it makes every engine run it alike.

use super::Run;

/// Sets what no engine sets alike (umask, directory, exact environment), says on both streams that
/// the engine has done its part, and stays, so that the command is not process 1 and signals mean to
/// it what they mean elsewhere.
const SCRIPT: &str = r#"umask "$2" && cd "$3" || exit 125
printf '%s\n' "$1"
printf '%s\n' "$1" >&2
shift 3
env -i "$@"
exit "$?"
"#;

/// What follows `/bin/sh`: the script and its arguments. `marker` is the line that both streams
/// begin with once the engine has done its part.
pub(super) fn arguments(run: &Run, marker: &str, inside: impl Fn(&str) -> String) -> Vec<String> {
    let fixed = ["-c", SCRIPT, "sh", marker].map(str::to_owned);
    let variables = run.environment.iter().map(|(name, value)| format!("{name}={value}"));
    fixed
        .into_iter()
        .chain([format!("{:04o}", run.umask & 0o777), inside(&run.directory)])
        .chain(variables)
        .chain(run.argv.iter().cloned())
        .collect()
}
