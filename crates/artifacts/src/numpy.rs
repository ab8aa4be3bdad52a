//! How a module that mentions numpy was compiled against it, by the messages in its bytes.

use memchr::memmem;

use crate::model::NumpyUse;

/// What Cython says of a type that has become smaller.
const SIZE_CHANGED: &str = "size changed, may indicate binary incompatibility. Expected %zd from C";

/// What stands before the oldest numpy that a module accepts, in a message of numpy 2's headers.
const COMPILED_AGAINST: &[u8] = b"compiled against NumPy C-API version 0x%x (NumPy ";

/// Completes what is said of a module that mentions numpy's modules.
pub(crate) fn look_closer(bytes: &[u8], numpy: &mut NumpyUse) {
    let holds = |text: &str| memmem::find(bytes, text.as_bytes()).is_some();
    numpy.mentions_c_api = holds("_ARRAY_API") || holds("_UFUNC_API");
    numpy.imports_c_api = numpy.mentions_c_api && holds("_API is not PyCapsule object");
    // Every Cython module that uses numpy's declarations takes `flatiter` from numpy, and nothing
    // else speaks of it.
    numpy.checks_type_sizes = holds(SIZE_CHANGED) && holds("flatiter");
    numpy.oldest_numpy = memmem::find(bytes, COMPILED_AGAINST)
        .and_then(|at| two_numbers(&bytes[at + COMPILED_AGAINST.len()..]));
}

/// The numbers of `1.20)`.
fn two_numbers(rest: &[u8]) -> Option<(u16, u16)> {
    let end = memchr::memchr(b')', &rest[..rest.len().min(16)])?;
    let (major, minor) = std::str::from_utf8(&rest[..end]).ok()?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numpy_use(text: &str) -> NumpyUse {
        crate::scan::scan(text.as_bytes()).numpy
    }

    #[test]
    fn the_ways_to_numpy_are_told_apart() {
        let c = numpy_use("numpy.core._multiarray_umath\0_ARRAY_API is not PyCapsule object\0");
        assert!(c.imports_c_api && !c.checks_type_sizes);
        let pybind11 = numpy_use("numpy.core.multiarray\0_ARRAY_API\0");
        assert!(pybind11.mentions_c_api && !pybind11.imports_c_api);
        let size = "%.200s.%.200s size changed, may indicate binary incompatibility. \
                    Expected %zd from C header, got %zd from PyObject\0";
        let cython =
            numpy_use(&format!("numpy.core.multiarray failed to import\0flatiter\0{size}"));
        assert!(cython.checks_type_sizes && !cython.imports_c_api);
        // Cython code that has a word about numpy in a text, and other types' sizes to check.
        assert!(!numpy_use(&format!("see numpy.core\0{size}")).checks_type_sizes);
    }

    #[test]
    fn numpy_2s_headers_name_the_oldest_numpy() {
        let message = "numpy._core module was compiled against NumPy C-API version 0x%x (NumPy ";
        assert_eq!(numpy_use(&format!("{message}1.20) but")).oldest_numpy, Some((1, 20)));
        for broken in ["", "1.", "1.20", "x.y)", "1.99999999)"] {
            assert_eq!(numpy_use(&format!("{message}{broken}")).oldest_numpy, None, "{broken}");
        }
    }
}
