//! What code puts into a module: `add_class`, `wrap_pyfunction!`, `add`.

use proc_macro2::{TokenStream, TokenTree};
use syn::LitStr;

use super::attributes::plain;

/// What was found.
#[derive(Default)]
pub(super) struct Exports {
    /// Names in Rust of classes, functions and modules.
    pub(super) items: Vec<String>,
    /// Names in Python of everything else.
    pub(super) added: Vec<String>,
}

impl Exports {
    /// Looks through a body, whose groups are nested no deeper than a parser of the whole file
    /// goes. What stands under a condition does not count as exported.
    pub(super) fn read(&mut self, body: TokenStream, mut is_conditional: bool) {
        let tokens: Vec<TokenTree> = body.into_iter().collect();
        is_conditional |=
            tokens.windows(2).any(|pair| is_word(&pair[0], "cfg") && is(&pair[1], '!'));
        let mut until_semicolon = false;
        for (at, token) in tokens.iter().enumerate() {
            let rest = &tokens[at + 1..];
            let counts = !is_conditional && !until_semicolon;
            match token {
                TokenTree::Group(group) => {
                    let is_attribute = at > 0 && is(&tokens[at - 1], '#');
                    until_semicolon |= is_attribute && starts_with_cfg(&group.stream());
                    self.read(group.stream(), !counts);
                }
                TokenTree::Punct(sign) if sign.as_char() == ';' => until_semicolon = false,
                TokenTree::Ident(word) => self.word(&word.to_string(), rest, counts),
                _ => {}
            }
        }
    }

    fn word(&mut self, word: &str, rest: &[TokenTree], counts: bool) {
        match word {
            "wrap_pyfunction" | "wrap_pyfunction_bound" | "wrap_pymodule" => {
                if let [sign, TokenTree::Group(group), ..] = rest
                    && is(sign, '!')
                    && counts
                {
                    self.items.extend(last_word(group.stream()));
                }
            }
            "add_class" | "get_type" | "get_type_bound" | "type_object" if counts => {
                self.items.extend(generic(rest));
            }
            // Exceptions, and what is not declared by an attribute.
            "create_exception" | "import_exception" => {
                if let [sign, TokenTree::Group(group), ..] = rest
                    && is(sign, '!')
                {
                    let words = group.stream().into_iter().filter_map(|token| match token {
                        TokenTree::Ident(word) => Some(plain(&word.to_string())),
                        _ => None,
                    });
                    self.added.extend(words);
                }
            }
            "add" | "setattr" | "pyfn" => {
                if let [TokenTree::Group(group), ..] = rest {
                    self.added.extend(group.stream().into_iter().filter_map(text));
                }
            }
            _ => {}
        }
    }
}

fn is(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(found) if found.as_char() == sign)
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(found) if found == word)
}

fn starts_with_cfg(attribute: &TokenStream) -> bool {
    attribute.clone().into_iter().next().is_some_and(|first| is_word(&first, "cfg"))
}

fn text(token: TokenTree) -> Option<String> {
    let TokenTree::Literal(literal) = token else { return None };
    syn::parse2::<LitStr>(TokenTree::from(literal).into()).ok().map(|text| text.value())
}

/// The last part of the path that a macro is given first.
fn last_word(tokens: TokenStream) -> Option<String> {
    let mut last = None;
    for token in tokens {
        match token {
            TokenTree::Ident(word) => last = Some(plain(&word.to_string())),
            TokenTree::Punct(sign) if sign.as_char() == ':' => {}
            _ => break,
        }
    }
    last
}

/// The last part of the path in `::<path>`.
fn generic(rest: &[TokenTree]) -> Option<String> {
    let [first, second, open, path @ ..] = rest else { return None };
    if !(is(first, ':') && is(second, ':') && is(open, '<')) {
        return None;
    }
    last_word(path.iter().cloned().collect())
}
