//! What numpy 1 calls the names of numpy 2.

use crate::data::{Rename, rules};

/// What becomes of a name of numpy 2 in a pickle for numpy 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renamed {
    /// It is called something else.
    Name {
        /// The module.
        module: String,
        /// The name in it.
        name: String,
    },
    /// The class of a bit generator, for which numpy 1 gives its name.
    BitGenerator,
    /// numpy 1 has nothing of the kind: what it is that it has not.
    Impossible(&'static str),
}

/// What numpy 1 calls a name of numpy 2; nothing, if it is called the same or nothing is known of it.
#[must_use]
pub fn name_in_numpy_1(module: &str, name: &str) -> Option<Renamed> {
    let first = name.split('.').next().unwrap_or(name);
    let (rename, rest) = rules().renames.iter().find_map(|rename| {
        let rest = module.strip_prefix(rename.module.as_str())?;
        let fits = match &rename.names {
            Some(names) => rest.is_empty() && names.split_whitespace().any(|known| known == first),
            None => rest.is_empty() || rest.starts_with('.'),
        };
        fits.then_some((rename, rest))
    })?;
    let Rename { to, becomes, bit_generator, impossible, .. } = rename;
    if let Some(what) = impossible {
        return Some(Renamed::Impossible(what));
    }
    if *bit_generator {
        return Some(Renamed::BitGenerator);
    }
    let to = to.as_deref()?;
    let name = becomes.as_deref().unwrap_or(name).to_owned();
    Some(Renamed::Name { module: format!("{to}{rest}"), name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_numpy_2_have_names_in_numpy_1() {
        let told = |module: &str, name: &str| match name_in_numpy_1(module, name) {
            Some(Renamed::Name { module, name }) => format!("{module} {name}"),
            Some(Renamed::BitGenerator) => "its name".to_owned(),
            Some(Renamed::Impossible(what)) => format!("no {what}"),
            None => String::new(),
        };
        for (module, name, expected) in [
            ("numpy._core.multiarray", "_reconstruct", "numpy.core.multiarray _reconstruct"),
            ("numpy._core", "_ufunc_reconstruct", "numpy.core _ufunc_reconstruct"),
            ("numpy._core._internal", "_convert_to_stringdtype_kwargs", "no text of StringDType"),
            ("numpy._core._internal", "other", "numpy.core._internal other"),
            ("numpy._corefoo", "x", ""),
            ("numpy.rec", "recarray", "numpy recarray"),
            ("numpy.rec", "fromarrays", ""),
            ("numpy", "bool", "numpy bool_"),
            ("numpy", "ndarray", ""),
            ("numpy.random._pcg64", "PCG64", "its name"),
            ("collections", "OrderedDict", ""),
        ] {
            assert_eq!(told(module, name), expected, "{module} {name}");
        }
    }
}
