//! Results: record batches that any Arrow library takes over, and rows without one.

use arrow_array::RecordBatch;
use arrow_quant::LayerQuality;
use arrow_schema::SchemaRef;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict};

use crate::schema::Schema;
use crate::{capsule, error, negotiate, rows};

/// A table: record batches with one schema.
///
/// Any Arrow library takes it over without a copy, ``pyarrow.table(t)``, ``polars.DataFrame(t)``,
/// ``nanoarrow.ArrayStream(t)``; ``rows()`` needs none.
#[pyclass(frozen, subclass, module = "arrow_quant_v2")]
pub(crate) struct Table {
    pub(crate) schema: SchemaRef,
    pub(crate) batches: Vec<RecordBatch>,
}

#[pymethods]
impl Table {
    /// Its columns.
    #[getter]
    fn schema(&self) -> Schema {
        Schema { schema: SchemaRef::clone(&self.schema) }
    }

    /// Its rows.
    #[getter]
    fn num_rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Names of its columns, in order.
    #[getter]
    fn column_names(&self) -> Vec<String> {
        self.schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    /// The record batches as a stream.
    ///
    /// Where ``requested_schema`` has the same columns, ``utf8``, ``large_binary`` and ``large_list``
    /// are given as ``large_utf8``, ``binary`` and ``list`` if it asks for them and they fit; other
    /// types stay as they are. Raises ``ValueError`` when it has other columns.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let (schema, batches) = match requested_schema {
            None => (SchemaRef::clone(&self.schema), self.batches.clone()),
            Some(requested) => {
                let requested = capsule::import_schema(requested)?;
                negotiate::fit(&self.schema, &self.batches, &requested)
                    .map_err(|reason| error::metadata(py, &reason))?
            }
        };
        capsule::export_stream(py, schema, batches)
    }

    /// The schema as a capsule.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        capsule::export_schema(py, &self.schema)
    }

    /// As a ``pyarrow.Table``, without a copy; needs pyarrow 14 or newer.
    fn to_pyarrow<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("pyarrow")?.call_method1("table", (slf,))
    }

    /// Its rows as dicts of Python objects; numbers of a layer are ``Buffer`` objects that borrow from
    /// this table.
    fn rows<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let mut all = Vec::with_capacity(self.num_rows());
        for batch in &self.batches {
            for row in 0..batch.num_rows() {
                all.push(rows::of_batch(py, batch, row)?);
            }
        }
        Ok(all)
    }

    fn __len__(&self) -> usize {
        self.num_rows()
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let name = slf.get_type().name()?;
        let table = slf.get();
        Ok(format!("{name}({} rows: {})", table.num_rows(), table.column_names().join(", ")))
    }
}

/// Quantized weights: a ``Table`` with the columns of ``output_schema()``.
#[pyclass(frozen, extends = Table, module = "arrow_quant_v2")]
pub(crate) struct QuantTable {
    layers: Vec<LayerQuality>,
}

/// What quantized weights lost, row by row: a ``Table``.
#[pyclass(frozen, extends = Table, module = "arrow_quant_v2")]
pub(crate) struct Evaluation {
    layers: Vec<LayerQuality>,
}

impl QuantTable {
    pub(crate) fn create(
        py: Python<'_>,
        schema: SchemaRef,
        batches: Vec<RecordBatch>,
        layers: Vec<LayerQuality>,
    ) -> PyResult<Py<QuantTable>> {
        let table = PyClassInitializer::from(Table { schema, batches });
        Py::new(py, table.add_subclass(QuantTable { layers }))
    }
}

impl Evaluation {
    pub(crate) fn create(
        py: Python<'_>,
        batch: RecordBatch,
        layers: Vec<LayerQuality>,
    ) -> PyResult<Py<Evaluation>> {
        let table = Table { schema: batch.schema(), batches: vec![batch] };
        Py::new(py, PyClassInitializer::from(table).add_subclass(Evaluation { layers }))
    }
}

#[pymethods]
impl QuantTable {
    /// What each layer lost, over all of its rows, in the order of their first appearance: dicts with
    /// ``layer_name``, ``elements``, ``bits_per_weight`` (scales and zero points included; ``None``
    /// without weights), ``sqnr_db`` (dB), ``cosine`` and ``max_abs_err``.
    fn layers<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        qualities(py, &self.layers)
    }
}

#[pymethods]
impl Evaluation {
    /// The same for each layer: see ``QuantTable.layers``.
    fn layers<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        qualities(py, &self.layers)
    }
}

/// Layers as dicts.
pub(crate) fn qualities<'py>(
    py: Python<'py>,
    layers: &[LayerQuality],
) -> PyResult<Vec<Bound<'py, PyDict>>> {
    layers
        .iter()
        .map(|layer| {
            let dict = PyDict::new(py);
            dict.set_item("layer_name", &layer.layer_name)?;
            dict.set_item("elements", layer.elements)?;
            dict.set_item("bits_per_weight", layer.bits_per_weight())?;
            dict.set_item("sqnr_db", layer.sums.sqnr_db())?;
            dict.set_item("cosine", layer.sums.cosine())?;
            dict.set_item("max_abs_err", layer.sums.max_abs_err())?;
            Ok(dict)
        })
        .collect()
}
