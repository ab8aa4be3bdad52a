//! What one Rust source declares for Python. Bodies of functions are not parsed, only looked
//! through for what they put into modules; what is no item is passed over.

use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{Ident, Token};

use super::attributes::{Attributes, plain};
use super::exports::Exports;
use super::tokens::{
    body, braces, function_name, identifier, is_macro, is_unsafe_impl, self_type, starts_function,
    visibility,
};
use crate::DeclaredKind;

/// Nested brackets beyond which a source is not parsed, so that no source can exhaust the stack.
const DEPTH: usize = 100;

/// A declaration, by names as Rust has them.
pub(super) struct Declared {
    pub(super) kind: DeclaredKind,
    /// The name in Python.
    pub(super) name: String,
    /// The name in Rust: of the item, or of the class that a member belongs to.
    pub(super) item: String,
    pub(super) conditions: Vec<String>,
    pub(super) line: usize,
}

/// `mod name;`
pub(super) struct Module {
    pub(super) name: String,
    /// `#[path = "..."]`
    pub(super) path: Option<String>,
    /// Modules of this file that it stands in.
    pub(super) inside: Vec<String>,
    pub(super) conditions: Vec<String>,
}

/// What one source says.
#[derive(Default)]
pub(super) struct Source {
    pub(super) declared: Vec<Declared>,
    pub(super) exports: Exports,
    pub(super) modules: Vec<Module>,
}

/// Where an item stands.
#[derive(Clone, Default)]
struct Place {
    inside: Vec<String>,
    conditions: Vec<String>,
    /// Directly in a `#[pymodule] mod`.
    in_pymodule: bool,
}

/// Reads a source; the reason where it makes no sense.
pub(super) fn read(text: &str) -> Result<Source, String> {
    let tokens: TokenStream = text.parse().map_err(|_| "it is no Rust".to_owned())?;
    if is_too_deep(&tokens) {
        return Err(format!("its brackets are nested more than {DEPTH} deep"));
    }
    let mut source = Source::default();
    let parser = |input: ParseStream<'_>| source.items(input, &Place::default());
    parser.parse2(tokens).map_err(|error| error.to_string())?;
    Ok(source)
}

fn is_too_deep(tokens: &TokenStream) -> bool {
    let mut levels = vec![tokens.clone().into_iter()];
    while let Some(level) = levels.last_mut() {
        match level.next() {
            Some(TokenTree::Group(group)) if levels.len() == DEPTH => {
                drop(group);
                return true;
            }
            Some(TokenTree::Group(group)) => levels.push(group.stream().into_iter()),
            Some(_) => {}
            None => {
                levels.pop();
            }
        }
    }
    false
}

impl Source {
    fn items(&mut self, input: ParseStream<'_>, place: &Place) -> syn::Result<()> {
        let mut place = place.clone();
        while !input.is_empty() {
            let attributes = Attributes::parse(input)?;
            // `#![cfg(...)]` is about everything around it.
            place.conditions.extend(attributes.conditions_around.iter().cloned());
            self.item(input, &attributes, &place)?;
        }
        Ok(())
    }

    fn item(
        &mut self,
        input: ParseStream<'_>,
        attributes: &Attributes,
        place: &Place,
    ) -> syn::Result<()> {
        if input.is_empty() {
            return Ok(());
        }
        visibility(input)?;
        let conditions = [place.conditions.as_slice(), attributes.conditions.as_slice()].concat();
        let here = Place { conditions, ..place.clone() };
        if input.peek(Token![mod]) {
            self.module(input, attributes, here)
        } else if input.peek(Token![use]) {
            self.import(input, attributes, &here)
        } else if input.peek(Token![impl]) || is_unsafe_impl(input) {
            self.implementation(input, attributes, &here)
        } else if input.peek(Token![struct]) || input.peek(Token![enum]) {
            self.class(input, attributes, &here)
        } else if input.peek(Token![macro]) || is_macro(input) {
            self.macro_call(input, &here)
        } else if starts_function(input) {
            self.function(input, attributes, &here)
        } else {
            input.parse::<TokenTree>().map(drop)
        }
    }

    fn declare(
        &mut self,
        kind: DeclaredKind,
        name: String,
        item: &str,
        place: &Place,
        line: usize,
    ) {
        self.declared.push(Declared {
            kind,
            name,
            item: item.to_owned(),
            conditions: place.conditions.clone(),
            line,
        });
    }

    fn module(
        &mut self,
        input: ParseStream<'_>,
        attributes: &Attributes,
        here: Place,
    ) -> syn::Result<()> {
        input.parse::<Token![mod]>()?;
        let (rust, line) = identifier(input)?;
        let path = attributes.get("path").and_then(super::attributes::Attribute::first_word);
        if input.parse::<Option<Token![;]>>()?.is_some() {
            self.modules.push(Module {
                name: rust,
                path,
                inside: here.inside,
                conditions: here.conditions,
            });
            return Ok(());
        }
        let Some(body) = braces(input)? else { return Ok(()) };
        let in_pymodule = attributes.has("pymodule");
        if in_pymodule && here.in_pymodule {
            let name = attributes.text("pymodule", "name").unwrap_or_else(|| rust.clone());
            self.exports.items.push(rust.clone());
            self.declare(DeclaredKind::Module, name, &rust, &here, line);
        }
        let mut inside = here.inside.clone();
        inside.push(rust);
        let place = Place { inside, in_pymodule, ..here };
        (|inner: ParseStream<'_>| self.items(inner, &place)).parse2(body)
    }

    /// `#[pymodule_export] use a::{B, c}`
    fn import(
        &mut self,
        input: ParseStream<'_>,
        attributes: &Attributes,
        here: &Place,
    ) -> syn::Result<()> {
        input.parse::<Token![use]>()?;
        let counts = attributes.has("pymodule_export") && here.conditions.is_empty();
        let mut pending: Option<String> = None;
        let mut names = Vec::new();
        let mut stack: Vec<std::vec::IntoIter<TokenTree>> = Vec::new();
        loop {
            let token = match stack.last_mut() {
                Some(group) => match group.next() {
                    Some(token) => token,
                    None => {
                        names.extend(pending.take());
                        stack.pop();
                        continue;
                    }
                },
                None if input.is_empty() => break,
                None => input.parse::<TokenTree>()?,
            };
            match token {
                // A new name of its own, `as`, is none of Python's.
                TokenTree::Ident(word) if word == "as" => names.extend(pending.take()),
                TokenTree::Ident(word) => pending = Some(plain(&word.to_string())),
                TokenTree::Punct(sign) if sign.as_char() == ',' => names.extend(pending.take()),
                TokenTree::Punct(sign) if sign.as_char() == ';' => break,
                TokenTree::Group(group) => {
                    pending = None;
                    let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
                    stack.push(tokens.into_iter());
                }
                _ => {}
            }
        }
        names.extend(pending);
        if counts {
            self.exports.items.extend(names);
        }
        Ok(())
    }

    fn function(
        &mut self,
        input: ParseStream<'_>,
        attributes: &Attributes,
        here: &Place,
    ) -> syn::Result<()> {
        let Some((rust, line)) = function_name(input)? else { return Ok(()) };
        let body = body(input)?;
        if attributes.has("pyfunction") {
            let name = attributes.text("pyfunction", "name").unwrap_or_else(|| rust.clone());
            if here.in_pymodule {
                self.exports.items.push(rust.clone());
            }
            self.declare(DeclaredKind::Function, name, &rust, here, line);
        }
        if let Some(body) = body {
            self.exports.read(body, !here.conditions.is_empty());
        }
        Ok(())
    }

    fn class(
        &mut self,
        input: ParseStream<'_>,
        attributes: &Attributes,
        here: &Place,
    ) -> syn::Result<()> {
        let is_enum = input.peek(Token![enum]);
        input.parse::<TokenTree>()?;
        let (rust, line) = identifier(input)?;
        let body = body(input)?;
        if !attributes.has("pyclass") {
            return Ok(());
        }
        let name = attributes.text("pyclass", "name").unwrap_or_else(|| rust.clone());
        if here.in_pymodule {
            self.exports.items.push(rust.clone());
        }
        self.declare(DeclaredKind::Class, name, &rust, here, line);
        // Names that a rule makes are not told.
        let (Some(body), None) = (body, attributes.text("pyclass", "rename_all")) else {
            return Ok(());
        };
        let all = ["get_all", "set_all"].into_iter().any(|word| attributes.flag("pyclass", word));
        (|inner: ParseStream<'_>| self.members(inner, is_enum, all, &rust, here)).parse2(body)
    }

    /// Fields of a structure, or variants of an enumeration.
    fn members(
        &mut self,
        input: ParseStream<'_>,
        is_enum: bool,
        all: bool,
        class: &str,
        here: &Place,
    ) -> syn::Result<()> {
        while !input.is_empty() {
            let attributes = Attributes::parse(input)?;
            visibility(input)?;
            let is_named = input.peek(Ident::peek_any)
                && (is_enum || (input.peek2(Token![:]) && !input.peek2(Token![::])));
            if is_named {
                let (rust, line) = identifier(input)?;
                let flag = |word: &str| attributes.flag("pyo3", word);
                if is_enum || all || flag("get") || flag("set") {
                    let name = attributes.text("pyo3", "name").unwrap_or(rust);
                    let conditions = [here.conditions.as_slice(), &attributes.conditions].concat();
                    let here = Place { conditions, ..here.clone() };
                    self.declare(DeclaredKind::Attribute, name, class, &here, line);
                }
            }
            // To the comma; those in types do no harm, for no name and colon follow them.
            while !input.is_empty() {
                if input.parse::<Option<Token![,]>>()?.is_some() {
                    break;
                }
                input.parse::<TokenTree>()?;
            }
        }
        Ok(())
    }

    fn implementation(
        &mut self,
        input: ParseStream<'_>,
        attributes: &Attributes,
        here: &Place,
    ) -> syn::Result<()> {
        let class = self_type(input)?;
        let Some(body) = braces(input)? else { return Ok(()) };
        let class = class.filter(|_| attributes.has("pymethods"));
        (|inner: ParseStream<'_>| self.methods(inner, class.as_deref(), here)).parse2(body)
    }

    /// What stands in an `impl`; members of Python's if it is one of `#[pymethods]`.
    fn methods(
        &mut self,
        input: ParseStream<'_>,
        class: Option<&str>,
        here: &Place,
    ) -> syn::Result<()> {
        while !input.is_empty() {
            let attributes = Attributes::parse(input)?;
            if input.is_empty() {
                break;
            }
            visibility(input)?;
            let conditions = [here.conditions.as_slice(), &attributes.conditions].concat();
            let here = Place { conditions, ..here.clone() };
            if starts_function(input) {
                let Some((rust, line)) = function_name(input)? else { continue };
                let body = body(input)?;
                if let Some(class) = class
                    && let Some((kind, name)) = member(&attributes, rust)
                {
                    self.declare(kind, name, class, &here, line);
                }
                if let Some(body) = body {
                    self.exports.read(body, !here.conditions.is_empty());
                }
            } else if input.peek(Token![const]) && input.peek2(Ident::peek_any) {
                input.parse::<Token![const]>()?;
                let (rust, line) = identifier(input)?;
                if let Some(class) = class
                    && attributes.has("classattr")
                {
                    let name = attributes.text("classattr", "name").unwrap_or(rust);
                    self.declare(DeclaredKind::Attribute, name, class, &here, line);
                }
            } else {
                input.parse::<TokenTree>()?;
            }
        }
        Ok(())
    }

    /// `create_exception!(...)` and the like, at the level of items.
    fn macro_call(&mut self, input: ParseStream<'_>, here: &Place) -> syn::Result<()> {
        let mut tokens = vec![input.parse::<TokenTree>()?];
        while !input.is_empty() {
            let token = input.parse::<TokenTree>()?;
            let is_end = matches!(token, TokenTree::Group(_));
            tokens.push(token);
            if is_end {
                break;
            }
        }
        if !matches!(&tokens[0], TokenTree::Ident(word) if word == "macro_rules") {
            self.exports.read(tokens.into_iter().collect(), !here.conditions.is_empty());
        }
        Ok(())
    }
}

/// What a function in `#[pymethods]` is to Python; nothing for one that fills a slot.
fn member(attributes: &Attributes, rust: String) -> Option<(DeclaredKind, String)> {
    if attributes.has("new") || attributes.has("deleter") || attributes.flag("pyo3", "constructor")
    {
        return None;
    }
    let named = attributes.text("pyo3", "name");
    for (attribute, prefix) in [("getter", "get_"), ("setter", "set_")] {
        if let Some(found) = attributes.get(attribute) {
            let name = named.or_else(|| found.first_word());
            let name =
                name.unwrap_or_else(|| rust.strip_prefix(prefix).unwrap_or(&rust).to_owned());
            return Some((DeclaredKind::Attribute, name));
        }
    }
    let name = named.unwrap_or(rust);
    let is_slot = name.starts_with("__") && name.ends_with("__");
    let kind =
        if attributes.has("classattr") { DeclaredKind::Attribute } else { DeclaredKind::Method };
    (!is_slot).then_some((kind, name))
}
