//! File patterns as uv's `cache-keys` write them.

/// Whether `path` (relative, with `/`) fits `pattern`: `*` and `?` within one name, `**` for any
/// number of directories, `{a,b}` for either.
pub(super) fn fits(pattern: &str, path: &str) -> bool {
    expand(pattern).iter().any(|pattern| {
        let pattern: Vec<&str> = parts(pattern);
        names_fit(&pattern, &parts(path))
    })
}

fn parts(path: &str) -> Vec<&str> {
    path.split(['/', '\\']).filter(|part| !part.is_empty() && *part != ".").collect()
}

/// Most patterns that braces are expanded to.
const EXPANDED: usize = 64;

/// A pattern without braces for each way to read it.
fn expand(pattern: &str) -> Vec<String> {
    let mut pending = vec![pattern.to_owned()];
    let mut done = Vec::new();
    while let Some(next) = pending.pop() {
        if done.len() + pending.len() > EXPANDED {
            break;
        }
        let Some(open) = next.find('{') else {
            done.push(next);
            continue;
        };
        let Some(close) = next[open..].find('}').map(|at| open + at) else {
            done.push(next);
            continue;
        };
        for choice in next[open + 1..close].split(',') {
            pending.push(format!("{}{choice}{}", &next[..open], &next[close + 1..]));
        }
    }
    done
}

fn names_fit(pattern: &[&str], path: &[&str]) -> bool {
    match pattern.split_first() {
        None => path.is_empty(),
        // Patterns have a handful of parts, so trying every split is quick.
        Some((&"**", rest)) => (0..=path.len()).any(|skip| names_fit(rest, &path[skip..])),
        Some((first, rest)) => path
            .split_first()
            .is_some_and(|(name, others)| name_fits(first, name) && names_fit(rest, others)),
    }
}

/// One name against one pattern with `*` and `?`, in linear time but for the last `*`.
fn name_fits(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    n = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::fits;

    #[test]
    fn stars_stand_for_names_and_directories() {
        assert!(fits("src/**/*.rs", "src/lib.rs"));
        assert!(fits("src/**/*.rs", "src/a/b/c.rs"));
        assert!(fits("**/*.rs", "crates/x/src/lib.rs"));
        assert!(fits("src/*.rs", "src/lib.rs"));
        assert!(!fits("src/*.rs", "src/a/b.rs"));
        assert!(!fits("src/**/*.rs", "rust/lib.rs"));
        assert!(!fits("pyproject.toml", "src/lib.rs"));
        assert!(fits("**/*", "src/lib.rs"));
        assert!(fits("./src/**", "src/lib.rs"));
    }

    #[test]
    fn braces_give_a_choice() {
        assert!(fits("{src,rust}/**/*.{rs,toml}", "rust/lib.rs"));
        assert!(!fits("{src,rust}/**/*.{c,toml}", "rust/lib.rs"));
        assert!(!fits("{src", "src/lib.rs"));
    }

    proptest! {
        #[test]
        fn any_pattern_is_read_without_a_panic(
            pattern in "[a*?/{},.]{0,24}",
            path in "[a/.]{0,24}",
        ) {
            let _ = fits(&pattern, &path);
        }
    }
}
