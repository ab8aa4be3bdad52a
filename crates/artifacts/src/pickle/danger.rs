//! What a name that a pickle asks for can do.

use super::PickleName;
use super::danger_lists::{
    DANGEROUS_MODULES, DANGEROUS_NAMES, DATA, IMPORTED_EVERYWHERE, INDIRECT, NUMPY_TYPES, UFUNCS,
};

/// What asking for a name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameKind {
    /// A constructor of data: it runs nothing of the pickle's choice.
    Data,
    /// It can run code of the pickle's choice, start a program, or touch files or the network.
    Dangerous,
    /// It calls or reaches whatever else the pickle names; harmless on its own.
    Indirect,
    /// Neither is known of it: somebody's own class or function, which is imported and called.
    Other,
}

/// What a name can do, as far as it is known.
#[must_use]
pub fn classify(name: &PickleName) -> NameKind {
    let PickleName { module, name } = name;
    let listed = |table: &[(&str, &[&str])]| {
        let is_in =
            |(known, names): &(&str, &[&str])| known == module && names.contains(&name.as_str());
        table.iter().any(is_in)
    };
    if is_within(module, DANGEROUS_MODULES) || listed(DANGEROUS_NAMES) || reaches_danger(name) {
        return NameKind::Dangerous;
    }
    if listed(INDIRECT) {
        return NameKind::Indirect;
    }
    let is_ufunc_name = module == "numpy" && is_word(name, UFUNCS);
    let is_numpy_type = module == "numpy"
        && (is_ufunc_name
            || is_word(name, NUMPY_TYPES)
            || ["int", "uint", "float", "complex"].iter().any(|kind| {
                name.strip_prefix(kind).is_some_and(|bits| {
                    !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit())
                })
            }));
    let is_numpy_dtype = module == "numpy.dtypes" && name.ends_with("DType");
    let is_ufunc =
        matches!(module.as_str(), "numpy.core._multiarray_umath" | "numpy._core._multiarray_umath")
            && is_word(name, UFUNCS);
    if is_numpy_type || is_numpy_dtype || is_ufunc || listed(DATA) {
        return NameKind::Data;
    }
    NameKind::Other
}

fn is_word(name: &str, words: &str) -> bool {
    words.split_whitespace().any(|word| word == name)
}

/// Whether a module is one of these or lies within one.
fn is_within(module: &str, modules: &str) -> bool {
    modules.split_whitespace().any(|known| {
        module.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

/// A dotted name can lead out of its module, into those that the module imports.
fn reaches_danger(name: &str) -> bool {
    let is_special = |part: &str| part.starts_with("__") && part.ends_with("__");
    name.contains('.')
        // `random` has its `os` as `_os`, and it is not alone.
        && name.split('.').any(|part| {
            is_special(part) || IMPORTED_EVERYWHERE.contains(&part.trim_start_matches('_'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        for (module, name, expected) in [
            ("os", "system", NameKind::Dangerous),
            ("os.path", "join", NameKind::Dangerous),
            ("osmium", "Node", NameKind::Other),
            ("builtins", "eval", NameKind::Dangerous),
            ("__builtin__", "getattr", NameKind::Indirect),
            ("functools", "partial", NameKind::Indirect),
            ("types", "SimpleNamespace", NameKind::Data),
            ("types", "FunctionType", NameKind::Dangerous),
            ("builtins", "set", NameKind::Data),
            ("numpy", "ndarray", NameKind::Data),
            ("numpy", "float32", NameKind::Data),
            ("numpy", "load", NameKind::Dangerous),
            ("numpy", "add", NameKind::Data),
            ("numpy", "apply_over_axes", NameKind::Indirect),
            ("numpy.testing._private.utils", "runstring", NameKind::Dangerous),
            ("numpy.dtypes", "StringDType", NameKind::Data),
            ("mine", "Thing", NameKind::Other),
            ("mine", "Thing.Inner", NameKind::Other),
            ("logging", "os.system", NameKind::Dangerous),
            ("random", "_os.system", NameKind::Dangerous),
            ("mine", "Thing.__init__.__globals__", NameKind::Dangerous),
            ("collections", "OrderedDict", NameKind::Data),
        ] {
            let name = PickleName { module: module.to_owned(), name: name.to_owned() };
            assert_eq!(classify(&name), expected, "{name:?}");
        }
    }
}
