//! Patterns of layer names.

/// Whether a name fits a pattern: `*` stands for any characters, also none, `?` for one, and `\` takes
/// their meaning from what follows it.
pub(crate) fn is_match(pattern: &str, name: &str) -> bool {
    let pattern = parsed(pattern);
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    // Where to go on when what follows the last star does not fit: one character later.
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(Part::Any) => {
                retry = Some((p, n));
                p += 1;
            }
            Some(&part) if part == Part::One || part == Part::Exactly(name[n]) => {
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
    pattern[p..].iter().all(|rest| *rest == Part::Any)
}

/// The pattern that a name fits and no other does.
pub(crate) fn escaped(name: &str) -> String {
    let mut pattern = String::with_capacity(name.len());
    for character in name.chars() {
        if matches!(character, '*' | '?' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Any,
    One,
    Exactly(char),
}

fn parsed(pattern: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        parts.push(match character {
            '*' => Part::Any,
            '?' => Part::One,
            // At the end it stands for itself.
            '\\' => Part::Exactly(characters.next().unwrap_or('\\')),
            other => Part::Exactly(other),
        });
    }
    parts
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
            (r"a\*", "a*", true),
            (r"a\*", "ab", false),
            (r"a\", r"a\", true),
        ] {
            assert_eq!(is_match(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn an_escaped_name_fits_itself_alone() {
        for name in ["plain", "a*b?c", r"back\slash", ""] {
            assert!(is_match(&escaped(name), name));
            assert!(!is_match(&escaped(name), &format!("{name}x")));
        }
        assert!(!is_match(&escaped("a*"), "ab"));
    }
}
