//! Names of members.

/// The characters of code page 437 from 0x80 on, for names without the UTF-8 flag.
const CP437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// The text of a name, or none when it claims to be UTF-8 and is not.
pub(crate) fn decode(bytes: &[u8], utf8: bool) -> Option<String> {
    if utf8 || bytes.is_ascii() {
        return String::from_utf8(bytes.to_vec()).ok();
    }
    let upper: Vec<char> = CP437.chars().collect();
    bytes
        .iter()
        .map(|&byte| match byte {
            0..0x80 => Some(char::from(byte)),
            _ => upper.get(usize::from(byte - 0x80)).copied(),
        })
        .collect()
}

/// Refuses names that lead out of a directory, or that file systems and other readers cut short.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("it is empty");
    }
    if name.chars().any(char::is_control) {
        return Err("it contains a control character");
    }
    if name.starts_with(['/', '\\']) {
        return Err("it is an absolute path");
    }
    let bytes = name.as_bytes();
    if bytes.len() >= 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' {
        return Err("it names a drive");
    }
    if name.split(['/', '\\']).any(|part| part == "..") {
        return Err("it leads to a parent directory");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_decoded() {
        assert_eq!(CP437.chars().count(), 128);
        assert_eq!(decode(b"a.npy", false).unwrap(), "a.npy");
        assert_eq!(decode(&[0x81], false).unwrap(), "\u{fc}");
        assert_eq!(decode("\u{fc}".as_bytes(), true).unwrap(), "\u{fc}");
        assert_eq!(decode(&[0x81], true), None);
    }

    #[test]
    fn unsafe_names_are_refused() {
        for name in ["", "/a", "\\a", "C:a", "../a", "a/../b", "a\\..\\b", "..", "a\0b", "a\n"] {
            assert!(check(name).is_err(), "{name:?}");
        }
        for name in ["a.npy", "layer.0.weight.npy", "group/a.npy", "..a", "a..", "\u{442}.npy"] {
            assert!(check(name).is_ok(), "{name:?}");
        }
    }
}
