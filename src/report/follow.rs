//! TCP connections followed: who said what, in order.

use std::io::{self, Write};

use serde_json::json;

use super::flows::end;
use super::palette::Ink;
use super::quantity::Things;
use super::{Palette, json};
use crate::bytes::Escaped;
use crate::capture::streams::{Piece, Said};

/// How the bytes are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As text, with what is no text escaped.
    Text,
    /// In hex, sixteen to a line, with the text beside.
    Hex,
    /// A JSON object for each piece.
    Json,
}

/// Writes what is said, with a heading wherever another end speaks than before.
#[derive(Debug)]
pub struct Follower {
    form: Form,
    palette: Palette,
    /// Who spoke last, and whether the line is not ended yet.
    last: Option<(u64, std::net::IpAddr, u16)>,
    open: bool,
}

impl Follower {
    /// Nobody has spoken yet.
    pub fn new(form: Form, palette: Palette) -> Self {
        Follower { form, palette, last: None, open: false }
    }

    /// Writes what one end said.
    ///
    /// # Errors
    /// What the writer refused.
    pub fn said(&mut self, out: &mut (impl Write + ?Sized), said: &Said) -> io::Result<()> {
        if self.form == Form::Json {
            return said.pieces.iter().try_for_each(|piece| json::line(out, &object(said, piece)));
        }
        let who = Some((said.connection, said.from.0, said.from.1));
        if self.last != who {
            self.end_line(out)?;
            let Said { connection, from, to, .. } = said;
            let title = format!("── #{connection} {} → {}", end(from.0, from.1), end(to.0, to.1));
            writeln!(out, "{}", self.palette.paint(Ink::Strong, title))?;
            self.last = who;
        }
        said.pieces.iter().try_for_each(|piece| self.piece(out, piece))
    }

    fn piece(&mut self, out: &mut (impl Write + ?Sized), piece: &Piece) -> io::Result<()> {
        match piece {
            Piece::Missing(bytes) => {
                self.end_line(out)?;
                let missing = format!("[{} not captured]", Things(*bytes, "byte"));
                writeln!(out, "{}", self.palette.paint(Ink::Bad, missing))
            }
            Piece::Data(data) if self.form == Form::Hex => hex(out, data),
            Piece::Data(data) => {
                for line in data.split_inclusive(|byte| *byte == b'\n') {
                    let (text, ended) = line.strip_suffix(b"\n").map_or((line, false), |text| (text, true));
                    let text = if ended { text.strip_suffix(b"\r").unwrap_or(text) } else { text };
                    write!(out, "{}", Escaped(text))?;
                    self.open = true;
                    if ended {
                        self.end_line(out)?;
                    }
                }
                Ok(())
            }
        }
    }

    /// Ends the line that the last text left open.
    ///
    /// # Errors
    /// What the writer refused.
    pub fn end_line(&mut self, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
        if std::mem::take(&mut self.open) { writeln!(out) } else { Ok(()) }
    }
}

fn hex(out: &mut (impl Write + ?Sized), data: &[u8]) -> io::Result<()> {
    for line in data.chunks(16) {
        let hex: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        let text: String = line
            .iter()
            .map(|byte| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' })
            .collect();
        writeln!(out, "  {:<47}  {text}", hex.join(" "))?;
    }
    Ok(())
}

fn object(said: &Said, piece: &Piece) -> serde_json::Value {
    let Said { connection, from, to, .. } = said;
    let (from, to) = (end(from.0, from.1), end(to.0, to.1));
    match piece {
        Piece::Missing(bytes) => json!({ "connection": connection, "from": from, "to": to, "missing_bytes": bytes }),
        Piece::Data(data) => {
            let hex = data.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
            json!({ "connection": connection, "from": from, "to": to, "data_hex": hex })
        }
    }
}
