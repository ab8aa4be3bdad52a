//! Patterns of layer names.

/// Whether a name fits a pattern: `*` stands for any characters, also none, and `?` for one.
pub(crate) fn is_match(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where to go on when what follows the last star does not fit: one character later.
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p, n));
                p += 1;
            }
            Some(&wanted) if wanted == '?' || wanted == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match &mut retry {
                Some((star, from)) => {
                    *from += 1;
                    (p, n) = (*star + 1, *from);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_stand_for_others() {
        for (pattern, name, fits) in [
            ("*", "", true),
            ("*", "any.thing", true),
            ("layers.?.*", "layers.3.weight", true),
            ("layers.?.*", "layers.13.weight", false),
            ("*.bias", "a.bias.weight", false),
            ("*.bias", "a.bias.bias", true),
            ("a*b*c", "a-b-b-d-c", true),
            ("a*b*c", "a-c-b", false),
            ("exact", "exact", true),
            ("exact", "exactly", false),
            ("é?", "éa", true),
        ] {
            assert_eq!(is_match(pattern, name), fits, "{pattern} {name}");
        }
    }
}
