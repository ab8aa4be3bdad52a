//! The trie of exported names of a Mach-O file.
//!
//! A node is the length of its own data (not zero if a name ends here), that data, the number of
//! edges, and for each edge a piece of name and the offset of the node it leads to, counted from
//! the start of the trie.

use crate::collect::NAME_LIMIT;

/// The exported names that begin with `prefix`, without it, at most `limit` of them. `None` if the
/// trie is damaged.
///
/// The nodes of a sound trie share no bytes. One that makes us read more bytes than it has is
/// damaged, whatever loops and overlaps it is made of.
pub(crate) fn names_with_prefix(trie: &[u8], prefix: &[u8], limit: usize) -> Option<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    let mut budget = trie.len();
    let mut name = Vec::new();
    // The nodes on the way to the present one.
    let mut path = vec![enter(trie, 0, 0, &mut budget)?];
    while let Some(node) = path.last_mut() {
        name.truncate(node.name_length);
        if std::mem::take(&mut node.ends_name) {
            found.extend(name.strip_prefix(prefix).map(<[u8]>::to_vec));
            if found.len() == limit {
                break;
            }
        }
        if node.edges == 0 {
            path.pop();
            continue;
        }
        node.edges -= 1;
        let before = node.bytes.len();
        name.extend_from_slice(text(&mut node.bytes)?);
        let child = usize::try_from(number(&mut node.bytes)?).ok()?;
        budget = budget.checked_sub(before - node.bytes.len())?;

        let common = name.len().min(prefix.len());
        if name[..common] == prefix[..common] {
            if name.len() > NAME_LIMIT || path.len() > NAME_LIMIT {
                return None;
            }
            path.push(enter(trie, child, name.len(), &mut budget)?);
        }
    }
    Some(found)
}

/// A node whose edges are being followed.
struct Node<'a> {
    /// What is left of its edges.
    bytes: &'a [u8],
    edges: u8,
    name_length: usize,
    ends_name: bool,
}

fn enter<'a>(
    trie: &'a [u8],
    offset: usize,
    name_length: usize,
    budget: &mut usize,
) -> Option<Node<'a>> {
    let mut bytes = trie.get(offset..)?;
    let before = bytes.len();
    let own_data = usize::try_from(number(&mut bytes)?).ok()?;
    bytes = bytes.get(own_data..)?;
    let edges = byte(&mut bytes)?;
    *budget = budget.checked_sub(before - bytes.len())?;
    Some(Node { bytes, edges, name_length, ends_name: own_data > 0 })
}

fn byte(bytes: &mut &[u8]) -> Option<u8> {
    let (first, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(*first)
}

fn text<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (text, rest) = bytes.split_at(memchr::memchr(0, bytes)?);
    *bytes = &rest[1..];
    Some(text)
}

/// A number in groups of seven bits, the least significant first (ULEB128).
fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let group = byte(bytes)?;
        let bits = u64::from(group & 0x7f);
        if shift == 63 && bits > 1 {
            return None;
        }
        value |= bits << shift;
        if group & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A trie of names, in which each node has one byte for a letter; nothing is shared.
    pub(crate) fn trie_of(names: &[&str]) -> Vec<u8> {
        // Offsets take three bytes always, so that sizes are known before they are.
        fn write(names: &[&[u8]], at: usize) -> Vec<u8> {
            let mut heads: Vec<u8> =
                names.iter().filter_map(|name| name.first().copied()).collect();
            heads.sort_unstable();
            heads.dedup();
            let mut own =
                if names.iter().any(|name| name.is_empty()) { vec![2, 0, 0] } else { vec![0] };
            own.push(u8::try_from(heads.len()).unwrap());
            let mut children = Vec::new();
            let children_at = at + own.len() + heads.len() * 5;
            for head in heads {
                let child = children_at + children.len();
                let group = |shift: usize| ((child >> shift) & 0x7f) as u8;
                own.extend([head, 0, group(0) | 0x80, group(7) | 0x80, group(14)]);
                let rest: Vec<&[u8]> = names
                    .iter()
                    .filter(|name| name.first() == Some(&head))
                    .map(|name| &name[1..])
                    .collect();
                children.extend(write(&rest, child));
            }
            own.extend(children);
            own
        }
        write(&names.iter().map(|name| name.as_bytes()).collect::<Vec<_>>(), 0)
    }

    fn names(trie: &[u8]) -> Option<Vec<String>> {
        let names = names_with_prefix(trie, b"_PyInit_", 16)?;
        Some(names.into_iter().map(|name| String::from_utf8(name).unwrap()).collect())
    }

    #[test]
    fn only_names_with_the_prefix_are_found() {
        let trie = trie_of(&["_PyInit_b", "_PyInit_abc", "_PyInit", "_PyInitX_d", "_main", "x"]);
        assert_eq!(names(&trie), Some(vec!["abc".to_owned(), "b".to_owned()]));
        assert_eq!(names(&trie_of(&["_PyInit_"])), Some(vec![String::new()]));
        assert_eq!(names(&trie_of(&[])), Some(vec![]));
    }

    #[test]
    fn the_limit_is_kept() {
        let trie = trie_of(&["_PyInit_b", "_PyInit_abc"]);
        assert_eq!(names_with_prefix(&trie, b"_PyInit_", 1).unwrap(), [b"abc".to_vec()]);
    }

    #[test]
    fn loops_end() {
        // The root's only edge leads back to the root, without and with a letter.
        assert_eq!(names(b"\0\x01\0\0"), None);
        assert_eq!(names_with_prefix(b"\0\x01a\0\0", b"", 16), None);
        // Each node has two edges to the next one: a million names in sixty bytes.
        let mut trie = Vec::new();
        for step in 1..=20 {
            let next = step * 8;
            trie.extend([0, 2, b'a', 0, next, b'b', 0, next]);
        }
        trie.extend([1, 0, 0]);
        assert_eq!(names_with_prefix(&trie, b"", usize::MAX), None);
    }

    #[test]
    fn numbers_are_read_to_their_limits() {
        assert_eq!(number(&mut &b"\x7f"[..]), Some(0x7f));
        assert_eq!(number(&mut &b"\x80\x01"[..]), Some(0x80));
        assert_eq!(number(&mut &b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"[..]), Some(u64::MAX));
        assert_eq!(number(&mut &b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"[..]), None);
        assert_eq!(number(&mut &b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"[..]), None);
        assert_eq!(number(&mut &b"\x80"[..]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_end(bytes in proptest::collection::vec(0u8..8, 0..400)) {
            let _ = names_with_prefix(&bytes, b"", usize::MAX);
            let _ = names(&bytes);
        }

        #[test]
        fn every_name_is_found(mut list in proptest::collection::vec("[a-c]{0,5}", 0..30)) {
            list.sort();
            list.dedup();
            let full: Vec<String> = list.iter().map(|name| format!("_PyInit_{name}")).collect();
            let trie = trie_of(&full.iter().map(String::as_str).collect::<Vec<_>>());
            let found = names_with_prefix(&trie, b"_PyInit_", 100).unwrap();
            let expected: Vec<Vec<u8>> = list.into_iter().map(String::into_bytes).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
