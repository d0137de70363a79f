//! The list of names that conditions and columns take.

use std::io::{self, Write};

use super::Palette;
use super::palette::Ink;
use crate::capture::condition::Listed;

/// Widths of the columns: name, width in bits.
const NAME: usize = 44;
const BITS: usize = 8;

/// Writes a line for each field below its header.
///
/// # Errors
/// What the writer refused.
pub fn list(out: &mut impl Write, palette: Palette, fields: &[Listed]) -> io::Result<()> {
    for (at, group) in fields.chunk_by(|a, b| a.of == b.of).enumerate() {
        let Some(first) = group.first() else { continue };
        if at > 0 {
            writeln!(out)?;
        }
        let reference = first.reference.map_or_else(String::new, |reference| format!("  {reference}"));
        writeln!(out, "{}{}", palette.paint(Ink::Strong, first.of), palette.paint(Ink::Faint, reference))?;
        for field in group {
            let bits = field
                .length_bits
                .map_or_else(String::new, |bits| format!("{bits} bit{}", if bits == 1 { "" } else { "s" }));
            writeln!(out, "  {:NAME$} {bits:>BITS$}  {}", field.name, field.kinds.join(", "))?;
        }
    }
    Ok(())
}
