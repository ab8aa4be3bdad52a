//! What the standard test harness prints.

/// How one test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Passed.
    Passed,
    /// Failed.
    Failed,
    /// Marked as ignored.
    Ignored,
}

/// Reads one line of a run: `test module::name ... ok`.
pub(crate) fn verdict(line: &str) -> Option<(&str, Verdict)> {
    let (name, end) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
    // A test that should panic, and a documentation example that only compiles, say so.
    let name = name.split(" - should panic").next()?;
    let verdict = match end {
        "ok" => Verdict::Passed,
        "FAILED" => Verdict::Failed,
        _ if end.starts_with("ignored") => Verdict::Ignored,
        _ => return None,
    };
    Some((name, verdict))
}

/// Reads one line of `--list --format terse`: `module::name: test`.
pub(crate) fn listed(line: &str) -> Option<&str> {
    line.strip_suffix(": test")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_run_are_understood_and_others_passed_over() {
        assert_eq!(verdict("test a::b ... ok"), Some(("a::b", Verdict::Passed)));
        assert_eq!(verdict("test a - should panic ... FAILED"), Some(("a", Verdict::Failed)));
        assert_eq!(verdict("test a ... ignored, slow"), Some(("a", Verdict::Ignored)));
        assert_eq!(verdict("test result: ok. 3 passed; 0 failed"), None);
        assert_eq!(verdict("running 3 tests"), None);
        assert_eq!(listed("a::b: test"), Some("a::b"));
        assert_eq!(listed("a::b: benchmark"), None);
    }
}
