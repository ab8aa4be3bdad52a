//! Steps of a cure as lines to paste into a shell.

use super::text::{is_hidden, visible};
use crate::{Fix, Platform, Step};

/// The shell that a user of a system has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    /// POSIX `sh`, and bash and zsh.
    Posix,
    /// PowerShell.
    PowerShell,
}

impl Shell {
    /// The shell on `os` (`linux`, `macos`, `windows`).
    #[must_use]
    pub fn of(os: &str) -> Self {
        if os == "windows" { Self::PowerShell } else { Self::Posix }
    }

    /// Name of its language, as fenced code blocks take it.
    #[must_use]
    pub fn language(self) -> &'static str {
        match self {
            Self::Posix => "sh",
            Self::PowerShell => "powershell",
        }
    }

    /// The line that does a step; `None` for what a person must do.
    #[must_use]
    pub fn line(self, step: &Step) -> Option<String> {
        match step {
            Step::Run { argv } => self.command(argv),
            Step::SetVariable { name, value } if is_identifier(name) => Some(match self {
                Self::Posix => format!("export {name}={}", self.quote(value)),
                Self::PowerShell => format!("$env:{name} = {}", powershell_string(value)),
            }),
            Step::UnsetVariable { name } if is_identifier(name) => Some(match self {
                Self::Posix => format!("unset {name}"),
                Self::PowerShell => format!("Remove-Item Env:{name}"),
            }),
            Step::Remove { paths } => self.removal(paths),
            // Several lines are no line to paste.
            Step::Write { file, text } if !text.trim_end().contains('\n') => {
                let (text, file) = (self.quote(text.trim_end()), self.quote(file));
                Some(match self {
                    Self::Posix => format!("printf '%s\\n' {text} > {file}"),
                    Self::PowerShell => {
                        format!("Set-Content -LiteralPath {file} -Value {text}")
                    }
                })
            }
            Step::SetVariable { .. }
            | Step::UnsetVariable { .. }
            | Step::SetAside { .. }
            | Step::Write { .. }
            | Step::Configure { .. }
            | Step::Edit { .. }
            | Step::Do { .. } => None,
        }
    }

    /// One argument, quoted where it needs to be. Characters that a terminal would not show are
    /// spelled out, so that what is seen is what runs.
    #[must_use]
    pub fn quote(self, argument: &str) -> String {
        match self {
            Self::Posix => {
                if is_plain(argument, "-_./:=+,@%") {
                    argument.to_owned()
                } else {
                    posix_string(argument)
                }
            }
            Self::PowerShell => {
                // PowerShell takes `-a.b` apart at the point and reads `a,b` as a list.
                let parameter = argument.starts_with('-') && argument.contains(['.', ':']);
                if is_plain(argument, r"-_./\:=+") && !parameter {
                    argument.to_owned()
                } else {
                    powershell_string(argument)
                }
            }
        }
    }

    fn removal(self, paths: &[String]) -> Option<String> {
        let quoted: Vec<String> = paths.iter().map(|path| self.quote(path)).collect();
        if quoted.is_empty() {
            return None;
        }
        Some(match self {
            Self::Posix => format!("rm -rf -- {}", quoted.join(" ")),
            Self::PowerShell => {
                format!("Remove-Item -Recurse -Force -LiteralPath {}", quoted.join(","))
            }
        })
    }

    fn command(self, argv: &[String]) -> Option<String> {
        let (program, arguments) = argv.split_first()?;
        let quoted = self.quote(program);
        let mut line = match self {
            // Unquoted, `a=b` in the first place would set a variable.
            Self::Posix if program.contains('=') => posix_string(program),
            Self::PowerShell if quoted != *program => format!("& {quoted}"),
            Self::Posix | Self::PowerShell => quoted,
        };
        for argument in arguments {
            line.push(' ');
            line.push_str(&self.quote(argument));
        }
        Some(line)
    }
}

impl Fix {
    /// Whether the cure is for `os`.
    #[must_use]
    pub fn applies_to(&self, os: &str) -> bool {
        match self.platform {
            Platform::Any => true,
            Platform::Linux => os == "linux",
            Platform::Macos => os == "macos",
            Platform::Windows => os == "windows",
        }
    }

    /// The lines to paste on `os`, or on the system that the cure is for.
    #[must_use]
    pub fn shell_lines(&self, os: &str) -> Vec<String> {
        let shell = match self.platform {
            Platform::Any => Shell::of(os),
            Platform::Linux | Platform::Macos => Shell::Posix,
            Platform::Windows => Shell::PowerShell,
        };
        self.steps.iter().filter_map(|step| shell.line(step)).collect()
    }
}

impl Step {
    /// Whether whoever types the cure has nothing to do for this step.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        matches!(self, Self::SetAside { .. })
    }

    /// The step in words, for those that no shell can do.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Run { argv } => format!("run {}", visible(&argv.join(" "))),
            Self::Remove { paths } => format!("remove {}", visible(&paths.join(", "))),
            Self::SetAside { path } => format!("move {} aside", visible(path)),
            Self::Write { file, text } => {
                format!("write into {}:\n{}", visible(file), text.trim_end())
            }
            Self::Configure { file, table, key, value } => {
                let place = match table.as_slice() {
                    [] => String::new(),
                    parts => format!(" under `[{}]`", visible(&parts.join("."))),
                };
                let (file, key, value) = (visible(file), visible(key), visible(value));
                format!("edit {file}: write `{key} = {value}`{place}")
            }
            Self::SetVariable { name, value } => {
                format!("set the environment variable {} to {}", visible(name), visible(value))
            }
            Self::UnsetVariable { name } => {
                format!("remove the environment variable {}", visible(name))
            }
            Self::Edit { file, change } if change.contains('\n') => {
                format!("edit {}:\n{change}", visible(file))
            }
            Self::Edit { file, change } => format!("edit {}: {change}", visible(file)),
            Self::Do { what } => what.clone(),
        }
    }
}

fn is_plain(argument: &str, marks: &str) -> bool {
    !argument.is_empty() && argument.chars().all(|c| c.is_ascii_alphanumeric() || marks.contains(c))
}

fn is_identifier(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit()) && is_plain(name, "_")
}

fn posix_string(text: &str) -> String {
    if !text.chars().any(is_hidden) {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    let mut quoted = String::from("$'");
    let mut buffer = [0; 4];
    for c in text.chars() {
        match c {
            '\'' | '\\' => quoted.extend(['\\', c]),
            c if is_hidden(c) => {
                for byte in c.encode_utf8(&mut buffer).bytes() {
                    quoted.push_str(&format!("\\{byte:03o}"));
                }
            }
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

fn powershell_string(text: &str) -> String {
    if !text.chars().any(is_hidden) {
        let mut quoted = String::from("'");
        for c in text.chars() {
            // PowerShell takes typographic quotes for quotes.
            if matches!(c, '\'' | '\u{2018}'..='\u{201b}') {
                quoted.push(c);
            }
            quoted.push(c);
        }
        quoted.push('\'');
        return quoted;
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '`' | '$' | '"' | '\u{201c}'..='\u{201e}' => quoted.extend(['`', c]),
            c if is_hidden(c) => {
                quoted.push_str(&format!("$([char]::ConvertFromUtf32({:#x}))", u32::from(c)));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Safety;

    fn lines(os: &str, fix: &Fix) -> Vec<String> {
        fix.shell_lines(os)
    }

    #[test]
    fn each_step_becomes_a_line_of_the_systems_shell() {
        let fix = Fix::new(Safety::Safe, "mend it")
            .run([r"C:\Program Files\Python\python.exe", "-m", "pip", "install", "numpy>=2"])
            .set("UV_LINK_MODE", "copy")
            .unset("PYTHONHOME")
            .edit("pyproject.toml", "remove it")
            .by_hand("ask");
        assert_eq!(
            lines("windows", &fix),
            [
                r"& 'C:\Program Files\Python\python.exe' -m pip install 'numpy>=2'",
                "$env:UV_LINK_MODE = 'copy'",
                "Remove-Item Env:PYTHONHOME",
            ]
        );
        assert_eq!(
            lines("linux", &fix)[1..],
            ["export UV_LINK_MODE=copy", "unset PYTHONHOME"].map(str::to_owned)
        );
    }

    #[test]
    fn what_a_program_does_has_a_line_to_type_too() {
        let fix = Fix::new(Safety::Confirm, "x")
            .remove(["/a b/~umpy", "-c"])
            .set_aside("/v")
            .write("/p/.python-version", "3.11.9\n")
            .configure("/p/.cargo/config.toml", &["build"], "target-dir", "\"/t\"");
        assert_eq!(
            lines("linux", &fix),
            ["rm -rf -- '/a b/~umpy' -c", "printf '%s\\n' 3.11.9 > /p/.python-version"]
        );
        assert_eq!(
            lines("windows", &fix)[0],
            "Remove-Item -Recurse -Force -LiteralPath '/a b/~umpy',-c"
        );
        assert_eq!(
            fix.steps[3].words(),
            "edit /p/.cargo/config.toml: write `target-dir = \"/t\"` under `[build]`"
        );
    }

    #[test]
    fn a_cure_for_one_system_is_written_in_its_shell() {
        let fix = Fix::new(Safety::Safe, "x").on(Platform::Windows).set("A", "b");
        assert_eq!(lines("linux", &fix), ["$env:A = 'b'"]);
        assert!(!fix.applies_to("linux"));
    }

    #[test]
    fn posix_quotes_what_the_shell_would_read() {
        let quote = |text| Shell::Posix.quote(text);
        assert_eq!(quote("/a/b-c:=+,@%"), "/a/b-c:=+,@%");
        assert_eq!(quote("it's $HOME `x` \"y\" *"), r#"'it'\''s $HOME `x` "y" *'"#);
        assert_eq!(quote("~/x"), "'~/x'");
        assert_eq!(quote(""), "''");
        assert_eq!(quote("a\nb\x1b'\\"), r"$'a\012b\033\'\\'");
        assert_eq!(quote("\u{202e}"), r"$'\342\200\256'");
        assert_eq!(Shell::Posix.command(&["a=b".to_owned()]), Some("'a=b'".to_owned()));
    }

    #[test]
    fn powershell_quotes_what_the_shell_would_read() {
        let quote = |text| Shell::PowerShell.quote(text);
        assert_eq!(quote(r"C:\t\x-y_z"), r"C:\t\x-y_z");
        assert_eq!(quote("it's ’ $x"), "'it''s ’’ $x'");
        assert_eq!(quote("a,b"), "'a,b'");
        assert_eq!(quote("-a.b"), "'-a.b'");
        assert_eq!(quote("@x"), "'@x'");
        assert_eq!(quote("a\x07`$\""), "\"a$([char]::ConvertFromUtf32(0x7))```$`\"\"");
    }

    #[test]
    fn a_variable_that_the_shell_cannot_name_is_left_to_a_person() {
        let step = Step::SetVariable { name: "A; rm -rf /".to_owned(), value: String::new() };
        assert_eq!(Shell::Posix.line(&step), None);
        assert_eq!(Shell::PowerShell.line(&step), None);
    }

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        for text in ["it's", "a b", "$x `y` \\ \"z\" !", "~", "", "é漢", "a\\nb"] {
            let line = format!("printf %s {}", Shell::Posix.quote(text));
            assert_eq!(posix_words(&line), ["printf", "%s", text], "{line}");
        }
    }

    /// The words of a line by the rules of POSIX for plain and single-quoted text and `\`.
    fn posix_words(line: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut quoted = false;
        let mut chars = line.chars();
        while let Some(c) = chars.next() {
            let word = words.last_mut().unwrap();
            match c {
                '\'' => quoted = !quoted,
                '\\' if !quoted => word.extend(chars.next()),
                ' ' if !quoted => words.push(String::new()),
                _ => word.push(c),
            }
        }
        words
    }
}
