//! Attributes before an item, as far as they matter to Python.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::parse::ParseStream;
use syn::{LitStr, Token};

/// One attribute: the last part of its path, and what stands in its parentheses.
pub(super) struct Attribute {
    pub(super) name: String,
    pub(super) arguments: TokenStream,
}

/// The attributes of one item.
#[derive(Default)]
pub(super) struct Attributes {
    pub(super) list: Vec<Attribute>,
    /// What must hold for the item to be compiled, or to be given to Python.
    pub(super) conditions: Vec<String>,
    /// The same, of what is around the item: `#![cfg(...)]`.
    pub(super) conditions_around: Vec<String>,
}

impl Attributes {
    /// Takes the attributes that come next.
    pub(super) fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut attributes = Self::default();
        while input.peek(Token![#]) {
            input.parse::<Token![#]>()?;
            let is_inner = input.parse::<Option<Token![!]>>()?.is_some();
            let TokenTree::Group(group) = input.parse::<TokenTree>()? else { continue };
            if group.delimiter() == Delimiter::Bracket {
                attributes.take(group.stream(), is_inner, 0);
            }
        }
        Ok(attributes)
    }

    fn take(&mut self, tokens: TokenStream, is_inner: bool, depth: usize) {
        let Some(attribute) = read(tokens) else { return };
        match attribute.name.as_str() {
            "cfg" if is_inner => self.conditions_around.push(attribute.arguments.to_string()),
            "cfg" => self.conditions.push(attribute.arguments.to_string()),
            // `cfg_attr(CONDITION, pyclass, ...)`
            "cfg_attr" if depth < 4 => {
                let mut parts = split(attribute.arguments).into_iter();
                let condition = parts.next().unwrap_or_default().to_string();
                for part in parts {
                    let before = self.list.len();
                    self.take(part, is_inner, depth + 1);
                    let is_pythons = self.list[before..].iter().any(Attribute::is_pythons);
                    if is_pythons && !self.conditions.contains(&condition) {
                        self.conditions.push(condition.clone());
                    }
                }
            }
            _ => self.list.push(attribute),
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Attribute> {
        self.list.iter().find(|attribute| attribute.name == name)
    }

    /// The value of `key = "..."` in one of these attributes or in `#[pyo3(...)]`.
    pub(super) fn text(&self, of: &str, key: &str) -> Option<String> {
        let named = self.list.iter().filter(|one| one.name == of || one.name == "pyo3");
        named.filter_map(|one| one.value(key)).next()
    }

    /// Whether a word stands alone in one of these attributes or in `#[pyo3(...)]`.
    pub(super) fn flag(&self, of: &str, word: &str) -> bool {
        let mut named = self.list.iter().filter(|one| one.name == of || one.name == "pyo3");
        named.any(|one| split(one.arguments.clone()).iter().any(|part| part.to_string() == word))
    }
}

impl Attribute {
    fn is_pythons(&self) -> bool {
        self.name.starts_with("py") || matches!(self.name.as_str(), "getter" | "setter")
    }

    fn value(&self, key: &str) -> Option<String> {
        split(self.arguments.clone()).into_iter().find_map(|part| {
            let mut tokens = part.into_iter();
            let Some(TokenTree::Ident(name)) = tokens.next() else { return None };
            let Some(TokenTree::Punct(sign)) = tokens.next() else { return None };
            if name != key || sign.as_char() != '=' {
                return None;
            }
            syn::parse2::<LitStr>(tokens.collect()).ok().map(|text| text.value())
        })
    }

    /// The first argument, if it is a word or a text: `getter(name)`.
    pub(super) fn first_word(&self) -> Option<String> {
        match split(self.arguments.clone()).into_iter().next()?.into_iter().next()? {
            TokenTree::Ident(word) => Some(plain(&word.to_string())),
            TokenTree::Literal(text) => {
                syn::parse2::<LitStr>(TokenTree::from(text).into()).ok().map(|text| text.value())
            }
            TokenTree::Group(_) | TokenTree::Punct(_) => None,
        }
    }
}

/// A name without the `r#` of a word that Rust has for itself.
pub(super) fn plain(name: &str) -> String {
    name.strip_prefix("r#").unwrap_or(name).to_owned()
}

fn read(tokens: TokenStream) -> Option<Attribute> {
    let mut name = None;
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(word) => name = Some(plain(&word.to_string())),
            TokenTree::Punct(sign) if sign.as_char() == ':' => {}
            TokenTree::Group(group) => {
                return Some(Attribute { name: name?, arguments: group.stream() });
            }
            // `path = "..."`: the value is all there is.
            _ => return Some(Attribute { name: name?, arguments: tokens.collect() }),
        }
    }
    Some(Attribute { name: name?, arguments: TokenStream::new() })
}

/// The parts between commas.
fn split(tokens: TokenStream) -> Vec<TokenStream> {
    let mut parts = vec![Vec::new()];
    for token in tokens {
        match &token {
            TokenTree::Punct(sign) if sign.as_char() == ',' => parts.push(Vec::new()),
            _ => {
                if let Some(last) = parts.last_mut() {
                    last.push(token);
                }
            }
        }
    }
    parts.into_iter().map(|part| part.into_iter().collect()).collect()
}
