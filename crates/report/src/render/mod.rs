//! One renderer per file; each reads a [`crate::Report`] and returns text.
