//! An Arrow schema that any library can take over.

use std::collections::BTreeMap;

use arrow_schema::SchemaRef;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::capsule;

/// The columns of a table: names, types and metadata, as any Arrow library takes them
/// (``pyarrow.schema(schema)``).
#[pyclass(frozen, module = "arrow_quant_v2")]
pub(crate) struct Schema {
    pub(crate) schema: SchemaRef,
}

#[pymethods]
impl Schema {
    /// Names of the columns, in order.
    #[getter]
    fn names(&self) -> Vec<String> {
        self.schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    /// Arrow types of the columns, in order, as text.
    #[getter]
    fn types(&self) -> Vec<String> {
        self.schema.fields().iter().map(|field| field.data_type().to_string()).collect()
    }

    /// Its metadata.
    #[getter]
    fn metadata(&self) -> BTreeMap<String, String> {
        self.schema.metadata().iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// The schema as a capsule.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        capsule::export_schema(py, &self.schema)
    }

    /// As a ``pyarrow.Schema``.
    fn to_pyarrow<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("pyarrow")?.call_method1("schema", (slf,))
    }

    fn __len__(&self) -> usize {
        self.schema.fields().len()
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Schema>().is_ok_and(|other| other.get().schema == self.schema)
    }

    fn __repr__(&self) -> String {
        let columns = self.schema.fields().iter();
        let columns: Vec<String> =
            columns.map(|field| format!("{}: {}", field.name(), field.data_type())).collect();
        format!("Schema({})", columns.join(", "))
    }
}
