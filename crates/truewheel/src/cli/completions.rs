//! The flags of `completions`.

use clap::Args;
use clap_complete::Shell;

/// Print a script that completes commands and flags in a shell
///
/// bash: `truewheel completions bash > ~/.local/share/bash-completion/completions/truewheel`
///
/// zsh: `truewheel completions zsh > DIR/_truewheel`, where DIR is in `fpath` before `compinit`
///
/// fish: `truewheel completions fish > ~/.config/fish/completions/truewheel.fish`
///
/// PowerShell: `truewheel completions powershell | Out-String | Invoke-Expression` in `$PROFILE`
///
/// elvish: `eval (truewheel completions elvish | slurp)` in `rc.elv`
#[derive(Debug, Args)]
pub(crate) struct CompletionsFlags {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: Shell,
}
