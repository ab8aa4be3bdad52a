//! Which of given names occur in the bytes of a native module.

use std::collections::HashMap;

use memchr::{memchr_iter, memmem};

/// A name that is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WantedName<'a> {
    /// The name.
    pub name: &'a str,
    /// Whether it ends with a zero, as the names that C reads do; otherwise it may stand anywhere.
    pub is_c_string: bool,
}

/// For each name, whether it occurs. One pass over the bytes for all C strings, and one for each
/// other name. A linker stores a string that ends like a longer one inside of that, so that what
/// stands before a name says nothing.
#[must_use]
pub fn names_in(bytes: &[u8], wanted: &[WantedName<'_>]) -> Vec<bool> {
    let mut found = vec![false; wanted.len()];
    let mut by_end: HashMap<u8, Vec<usize>> = HashMap::new();
    for (index, name) in wanted.iter().enumerate() {
        match name.name.as_bytes().last() {
            Some(last) if name.is_c_string => by_end.entry(*last).or_default().push(index),
            Some(_) => found[index] = memmem::find(bytes, name.name.as_bytes()).is_some(),
            None => {}
        }
    }
    let mut missing = by_end.values().map(Vec::len).sum::<usize>();
    for zero in memchr_iter(0, bytes) {
        if missing == 0 {
            break;
        }
        let text = &bytes[..zero];
        let Some(candidates) = text.last().and_then(|last| by_end.get_mut(last)) else { continue };
        candidates.retain(|index| {
            let is_here = text.ends_with(wanted[*index].name.as_bytes());
            found[*index] |= is_here;
            missing -= usize::from(is_here);
            !is_here
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(bytes: &[u8], names: &[(&str, bool)]) -> Vec<bool> {
        let wanted: Vec<WantedName<'_>> = names
            .iter()
            .map(|(name, is_c_string)| WantedName { name, is_c_string: *is_c_string })
            .collect();
        names_in(bytes, &wanted)
    }

    #[test]
    fn a_c_string_ends_and_another_name_may_go_on() {
        let bytes = b"\0quantize_arrow\0TableSchema\x01requantize\0\0";
        let names = [
            ("quantize_arrow", true),
            ("quantize", true),
            ("quantize_a", true),
            ("Table", false),
            ("Table", true),
            ("Schema", false),
            ("", true),
            ("absent", false),
        ];
        let expected = [true, true, false, true, false, true, false, false];
        assert_eq!(found(bytes, &names), expected);
        assert_eq!(found(b"", &names), [false; 8]);
        assert_eq!(found(b"name", &[("name", true)]), [false]);
    }

    #[test]
    fn names_of_one_ending_are_told_apart() {
        let names = [("ab", true), ("cab", true), ("b", true), ("zb", true)];
        assert_eq!(found(b"cab\0", &names), [true, true, true, false]);
    }

    proptest! {
        #[test]
        fn it_is_what_a_search_for_each_says(
            bytes in proptest::collection::vec(prop_oneof![Just(0_u8), 97_u8..100], 0..200),
            names in proptest::collection::vec("[abc]{1,3}", 0..6),
        ) {
            let wanted: Vec<(&str, bool)> = names.iter().map(|name| (name.as_str(), true)).collect();
            let expected: Vec<bool> = names
                .iter()
                .map(|name| memmem::find(&bytes, format!("{name}\0").as_bytes()).is_some())
                .collect();
            prop_assert_eq!(found(&bytes, &wanted), expected);
        }
    }
}
