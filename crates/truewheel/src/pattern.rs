//! Patterns with wildcards, as the configuration and the flags have them.

/// Whether `text` fits a pattern in which `*` stands for any text and `?` for one character.
pub(crate) fn is_match(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // The last star, and the text it has been given so far; on a mismatch it takes one more.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((star_p, star_t)) = star else { return false };
                star = Some((star_p, star_t + 1));
                p = star_p + 1;
                t = star_t + 1;
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        assert!(is_match("/home/*/x?", "/home/a/b/xy"));
        assert!(is_match("*", ""));
        assert!(is_match("a*b*c", "a1b2b3c"));
        assert!(!is_match("a?", "a"));
        assert!(!is_match("a", "ab"));
        assert!(!is_match("", "a"));
    }
}
