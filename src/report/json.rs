//! JSON: one document for a result, one line per item for a stream. Keys are documented in docs/json.md.

use std::io::{self, Write};

use serde::Serialize;

/// Writes one result as an indented document that ends with a line end.
///
/// # Errors
/// What the writer refused.
pub fn document(out: &mut (impl Write + ?Sized), value: &(impl Serialize + ?Sized)) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    out.write_all(b"\n")
}

/// Writes one item of a stream as a line (JSON Lines).
///
/// # Errors
/// What the writer refused.
pub fn line(out: &mut (impl Write + ?Sized), value: &(impl Serialize + ?Sized)) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}
