//! The native module of the wheel `arrow_quant_v2`: Python objects in and out of `arrow-quant`.
//!
//! Everything that computes runs detached from the interpreter; everything here is a thin adapter.

mod array_interface;
mod buffer;
mod capsule;
mod diffusion;
mod error;
mod files;
mod functions;
mod input;
mod negotiate;
mod options;
mod rows;
mod schema;
mod splats;
mod table;
mod work;

use pyo3::prelude::*;

#[pymodule]
mod _native {
    #[pymodule_export]
    use super::buffer::Buffer;
    #[pymodule_export]
    use super::diffusion::{activation_ranges, smoothness};
    #[pymodule_export]
    use super::files::{evaluate_file, manifest, quantize_file, read_quantized, read_weights};
    #[pymodule_export]
    use super::functions::{allocate, dequantize, evaluate, matmul_nbits, output_schema, quantize};
    #[pymodule_export]
    use super::schema::Schema;
    #[pymodule_export]
    use super::splats::{SplatArray, read_spz, read_spz_info};
    #[pymodule_export]
    use super::table::{Evaluation, QuantTable, Table};

    use super::{Bound, PyModule, PyModuleMethods as _, PyResult};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", arrow_quant::VERSION)?;
        module.add("NF4", arrow_quant::NF4.to_vec())
    }
}
