//! The small parts of items: names, visibility, bodies.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::{Ident, Token};

use super::attributes::plain;

/// A name, and its line.
pub(super) fn identifier(input: ParseStream<'_>) -> syn::Result<(String, usize)> {
    let found = input.call(Ident::parse_any)?;
    Ok((plain(&found.to_string()), found.span().start().line))
}

pub(super) fn visibility(input: ParseStream<'_>) -> syn::Result<()> {
    if input.parse::<Option<Token![pub]>>()?.is_some() && input.peek(syn::token::Paren) {
        // `pub(crate)`; of a tuple structure's field, its type.
        input.parse::<TokenTree>()?;
    }
    Ok(())
}

pub(super) fn is_unsafe_impl(input: ParseStream<'_>) -> bool {
    input.peek(Token![unsafe]) && input.peek2(Token![impl])
}

pub(super) fn is_macro(input: ParseStream<'_>) -> bool {
    input.peek(Ident::peek_any) && (input.peek2(Token![!]) || input.peek2(Token![::]))
}

/// Whether `fn` follows, behind `const`, `async`, `unsafe` and `extern "C"`.
pub(super) fn starts_function(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    for _ in 0..6 {
        if ahead.peek(Token![fn]) {
            return ahead.peek2(Ident::peek_any);
        }
        let is_modifier = ahead.peek(Token![const])
            || ahead.peek(Token![async])
            || ahead.peek(Token![unsafe])
            || ahead.peek(Token![extern])
            || ahead.peek(Token![default])
            || ahead.peek(syn::LitStr);
        if !is_modifier || ahead.parse::<TokenTree>().is_err() {
            return false;
        }
    }
    false
}

pub(super) fn function_name(input: ParseStream<'_>) -> syn::Result<Option<(String, usize)>> {
    while !input.is_empty() {
        if input.parse::<Option<Token![fn]>>()?.is_some() {
            return identifier(input).map(Some);
        }
        input.parse::<TokenTree>()?;
    }
    Ok(None)
}

/// The next group in braces, if it comes before a semicolon.
pub(super) fn body(input: ParseStream<'_>) -> syn::Result<Option<TokenStream>> {
    while !input.is_empty() {
        if input.parse::<Option<Token![;]>>()?.is_some() {
            return Ok(None);
        }
        if let Some(found) = braces(input)? {
            return Ok(Some(found));
        }
        input.parse::<TokenTree>()?;
    }
    Ok(None)
}

pub(super) fn braces(input: ParseStream<'_>) -> syn::Result<Option<TokenStream>> {
    if !input.peek(syn::token::Brace) {
        return Ok(None);
    }
    match input.parse::<TokenTree>()? {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
            Ok(Some(group.stream()))
        }
        _ => Ok(None),
    }
}

/// The name of the type that an `impl` is for; the input stands before its body afterwards.
pub(super) fn self_type(input: ParseStream<'_>) -> syn::Result<Option<String>> {
    let mut found = None;
    let (mut angles, mut before, mut in_bounds) = (0_usize, ' ', false);
    while !input.is_empty() && !input.peek(syn::token::Brace) {
        match input.parse::<TokenTree>()? {
            TokenTree::Ident(word) if angles == 0 && !in_bounds => {
                match word.to_string().as_str() {
                    "where" => in_bounds = true,
                    "for" => found = None,
                    "impl" | "unsafe" | "dyn" | "const" | "mut" => {}
                    name => found = Some(plain(name)),
                }
            }
            TokenTree::Punct(sign) => {
                match sign.as_char() {
                    '<' => angles += 1,
                    '>' if before != '-' && before != '=' => angles = angles.saturating_sub(1),
                    _ => {}
                }
                before = sign.as_char();
                continue;
            }
            _ => {}
        }
        before = ' ';
    }
    Ok(found)
}
