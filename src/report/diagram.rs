//! Headers as RFCs draw them: 32 bits on a line, each field a box as wide as its bits, with its value in it.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::Palette;
use super::cells::Cells;
use super::layer::ink;
use super::palette::Ink;
use super::paragraph::{columns, cut};
use crate::bytes::{Escaped, Field, Fields, Value, hex};
use crate::dissect::sample::Shape;
use crate::dissect::{Origin, dissect};

/// Bits on a line.
const LINE: u32 = 32;
/// Columns of a line: two per bit and the closing bar.
const WIDTH: usize = LINE as usize * 2 + 1;
/// Lines of bits that a field of many bytes (a payload, options that are not read) takes at most.
const TALLEST: u32 = 4;

/// Draws every header of an Ethernet frame.
///
/// # Errors
/// What the writer refused.
pub fn frame(out: &mut (impl Write + ?Sized), palette: Palette, number: u64, bytes: &[u8]) -> io::Result<()> {
    let (mut fields, mut layers) = (Fields::default(), Vec::new());
    dissect(&Origin::ethernet(bytes), bytes, &mut fields, &mut layers);
    writeln!(out, "{}  {} bytes", palette.paint(Ink::Strong, format_args!("#{number}")), bytes.len())?;
    for layer in &layers {
        let own = fields.0.get(layer.fields.start as usize..layer.fields.end as usize).unwrap_or_default();
        let (name, length) = (layer.header.name(), layer.bytes.len());
        writeln!(out, "\n{}  {length} bytes", palette.paint(ink(&layer.header), name))?;
        header(out, palette, ink(&layer.header), own, bytes)?;
    }
    Ok(())
}

/// Draws one header: its fields, which follow each other without a gap, with their values, which `frame` holds.
///
/// # Errors
/// What the writer refused.
pub fn header(
    out: &mut (impl Write + ?Sized),
    palette: Palette,
    ink: Ink,
    fields: &[Field],
    frame: &[u8],
) -> io::Result<()> {
    draw(out, palette, ink, &boxes(fields, frame))
}

/// Draws the fields of a header with their names alone.
///
/// # Errors
/// What the writer refused.
pub fn shape(out: &mut (impl Write + ?Sized), palette: Palette, shape: &Shape) -> io::Result<()> {
    let boxes = shape.fields.iter().map(|field| Boxed {
        start: field.start_bit,
        end: field.start_bit + field.length_bits,
        name: field.name.to_owned(),
        value: String::new(),
        short: String::new(),
    });
    draw(out, palette, Ink::Faint, &boxes.collect::<Vec<_>>())
}

/// What the letters in the boxes of single bits stand for, where they are not the whole name.
pub fn legend(shape: &Shape) -> String {
    let bits = shape.fields.iter().filter(|field| field.length_bits == 1);
    let letters = bits.map(|field| (name_lines(field.name, 1).concat(), field.name));
    let short = letters.filter(|(letters, name)| !letters.eq_ignore_ascii_case(name));
    short.map(|(letters, name)| format!("{letters} {name}")).collect::<Vec<_>>().join(", ")
}

fn draw(out: &mut (impl Write + ?Sized), palette: Palette, ink: Ink, boxes: &[Boxed]) -> io::Result<()> {
    let Some(bits) = boxes.iter().map(|b| b.end).max() else { return Ok(()) };
    scale(out, palette, bits)?;
    let lines = bits.div_ceil(LINE);
    for line in 0..=lines {
        border(out, palette, boxes, line)?;
        if line < lines {
            contents(out, palette, ink, boxes, line)?;
        }
    }
    Ok(())
}

/// A field and the bits that it is drawn on, counted from the first bit of the header.
#[derive(Debug)]
struct Boxed {
    start: u32,
    end: u32,
    name: String,
    value: String,
    /// The value in fewer characters.
    short: String,
}

fn boxes(fields: &[Field], frame: &[u8]) -> Vec<Boxed> {
    let origin = fields.first().map_or(0, |field| field.bits.start);
    let drawn = fields.iter().filter(|field| field.bits.length > 0).map(|field| {
        let start = field.bits.start.saturating_sub(origin);
        let length = field.bits.length.min(TALLEST * LINE);
        let (value, short) = value(field, frame);
        Boxed { start, end: start + length, name: field.name.to_owned(), value, short }
    });
    drawn.collect()
}

/// The value of a field, in full and as short as it gets.
fn value(field: &Field, frame: &[u8]) -> (String, String) {
    let bytes = field.content(frame);
    let start = bytes.get(..TALLEST as usize * 4).unwrap_or(bytes);
    match field.value {
        Value::Code(number, ..) | Value::Units(number, _) => (field.value.to_string(), number.to_string()),
        Value::Name(_) => {
            let name = field.name(frame).map_or_else(String::new, |name| name.to_string());
            (name, format!("{} bytes", bytes.len()))
        }
        Value::Text | Value::Piece { .. } => {
            let length = format!("{} bytes", bytes.len());
            (format!("{length}: \"{}\"", Escaped(start)), length)
        }
        Value::Bytes => {
            let length = format!("{} bytes", bytes.len());
            let text = start.iter().all(|byte| matches!(byte, b' '..=b'~'));
            let shown = if text { format!("\"{}\"", Escaped(start)) } else { hex::Spaced(start).to_string() };
            let more = if start.len() < bytes.len() { " …" } else { "" };
            (format!("{length}: {shown}{more}"), length)
        }
        other => (other.to_string(), other.to_string()),
    }
}

/// The numbers of the bits above the first line.
fn scale(out: &mut (impl Write + ?Sized), palette: Palette, bits: u32) -> io::Result<()> {
    let (mut tens, mut ones) = (String::new(), String::new());
    for bit in 0..bits.min(LINE) {
        let ten = if bit % 10 == 0 { char::from_digit(bit / 10, 10).unwrap_or(' ') } else { ' ' };
        // Writing to a string cannot fail.
        let _ = write!(tens, " {ten}");
        let _ = write!(ones, " {}", bit % 10);
    }
    writeln!(out, "{}", palette.paint(Ink::Faint, tens.trim_end()))?;
    writeln!(out, "{}", palette.paint(Ink::Faint, ones))
}

/// The field that a bit belongs to.
fn owner(boxes: &[Boxed], bit: u32) -> Option<usize> {
    boxes.iter().position(|b| (b.start..b.end).contains(&bit))
}

/// The border above line `line`: open where one field stands on both sides of it.
fn border(out: &mut (impl Write + ?Sized), palette: Palette, boxes: &[Boxed], line: u32) -> io::Result<()> {
    let at = |line: Option<u32>, column: u32| line.and_then(|line| owner(boxes, line * LINE + column));
    let mut row = Cells::new(WIDTH);
    for column in 0..LINE {
        let (above, below) = (at(line.checked_sub(1), column), at(Some(line), column));
        if above.or(below).is_none() {
            continue;
        }
        let place = column as usize * 2;
        if above != below {
            row.put(place, "+-+", Ink::Faint);
        } else if column == 0 {
            row.put(place, "|", Ink::Faint);
        }
        if column == LINE - 1 && above == below {
            row.put(place + 2, "|", Ink::Faint);
        }
    }
    row.write(out, palette)
}

/// The names and values of the fields on line `line`.
fn contents(out: &mut (impl Write + ?Sized), palette: Palette, ink: Ink, boxes: &[Boxed], line: u32) -> io::Result<()> {
    let (first, last) = (line * LINE, (line + 1) * LINE);
    let here: Vec<&Boxed> = boxes.iter().filter(|b| b.start < last && b.end > first).collect();
    let mut columns_of = Vec::new();
    for field in here {
        let (from, to) = (field.start.max(first) - first, field.end.min(last) - first);
        let room = (to - from) as usize * 2 - 1;
        // A field on several lines is named on the one where it has most room, the first of those.
        let names_here = line == named_on(field);
        let name = if names_here { name_lines(&field.name, room) } else { Vec::new() };
        columns_of.push((
            from as usize * 2,
            to as usize * 2,
            name,
            (names_here && !field.value.is_empty()).then(|| fitting_value(field, room)),
        ));
    }
    let height = columns_of.iter().map(|(_, _, name, _)| name.len()).max().unwrap_or(0);
    let has_values = columns_of.iter().any(|(.., value)| value.is_some());
    for at in 0..(height + usize::from(has_values)).max(1) {
        let mut row = Cells::new(WIDTH);
        for (from, to, name, value) in &columns_of {
            row.put(*from, "|", Ink::Faint);
            row.put(*to, "|", Ink::Faint);
            let (text, ink) = match (name.get(at), value) {
                (Some(part), _) if at < height => (part.as_str(), Ink::Faint),
                (None, Some(value)) if at == height => (value.as_str(), ink),
                _ => continue,
            };
            let room = to - from - 1;
            row.put(from + 1 + room.saturating_sub(columns(text)) / 2, text, ink);
        }
        row.write(out, palette)?;
    }
    Ok(())
}

/// The line of bits on which a field has most room.
fn named_on(field: &Boxed) -> u32 {
    let lines = field.start / LINE..=(field.end - 1) / LINE;
    let room = |line: u32| field.end.min((line + 1) * LINE) - field.start.max(line * LINE);
    lines.rev().max_by_key(|line| room(*line)).unwrap_or(0)
}

/// Columns in which a number and the start of its name tell something.
const NAMED: usize = 15;

fn fitting_value(field: &Boxed, room: usize) -> String {
    let fits = |text: &&String| columns(text) <= room;
    let named = (field.value.starts_with(&field.short) && room >= NAMED).then(|| cut(&field.value, room - 1) + ")");
    let named = named.filter(|_| columns(&field.value) > room && field.value.ends_with(')'));
    let text = [Some(&field.value), named.as_ref(), Some(&field.short)].into_iter().flatten().find(fits);
    text.map_or_else(|| cut(&field.short, room), Clone::clone)
}

/// A name in a box of `room` columns: on as many lines as it has words, shortened where a word is too long, downwards
/// where there is room for a single letter.
fn name_lines(name: &str, room: usize) -> Vec<String> {
    let words: Vec<&str> = name.split_whitespace().collect();
    if room == 1 {
        let letters: String = match words.as_slice() {
            [word] if word.len() <= 3 => word.to_ascii_uppercase(),
            words => words.iter().filter_map(|word| word.chars().next()).collect::<String>().to_ascii_uppercase(),
        };
        return letters.chars().map(String::from).collect();
    }
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        let word = shortened(word, room);
        match lines.last_mut() {
            Some(line) if columns(line) + 1 + columns(&word) <= room => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

/// A word without its later vowels, and at last cut, when it is longer than `room`.
fn shortened(word: &str, room: usize) -> String {
    if columns(word) <= room {
        return word.to_owned();
    }
    let consonants = word.chars().enumerate().filter(|(at, c)| *at == 0 || !"aeiou".contains(*c)).map(|(_, c)| c);
    consonants.take(room).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::Bits;

    fn drawn(fields: &[(&'static str, u32, Value)], frame: &[u8]) -> String {
        let mut at = 0;
        let fields: Vec<Field> = fields
            .iter()
            .map(|(name, length, value)| {
                at += length;
                Field { name, value: *value, bits: Bits { start: at - length, length: *length } }
            })
            .collect();
        let mut out = Vec::new();
        header(&mut out, Palette::PLAIN, Ink::Transport, &fields, frame).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn udp_looks_as_in_rfc_768() {
        let number = Value::Number;
        let fields = [
            ("source port", 16, number(51_234)),
            ("destination port", 16, number(53)),
            ("length", 16, number(30)),
            ("checksum", 16, Value::Hex(0x1a2b, 4)),
        ];
        let expected = "
 0                   1                   2                   3
 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|          source port          |       destination port        |
|             51234             |              53               |
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|            length             |           checksum            |
|              30               |            0x1a2b             |
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
";
        assert_eq!(drawn(&fields, &[]), expected.trim_start_matches('\n'));
    }

    #[test]
    fn a_shape_has_names_and_no_values_and_single_bits_are_spelled_out_below() {
        for key in crate::dissect::sample::keys() {
            let known = crate::dissect::sample::shape(key).unwrap();
            let mut out = Vec::new();
            shape(&mut out, Palette::PLAIN, &known).unwrap();
            let text = String::from_utf8(out).unwrap();
            assert!(text.lines().all(|line| columns(line) <= WIDTH), "{text}");
            let wide = known.fields.iter().filter(|field| field.length_bits >= 16);
            assert!(wide.clone().all(|field| text.contains(field.name)), "{text}");
        }
        assert_eq!(legend(&crate::dissect::sample::shape("udp").unwrap()), "");
        let ipv4 = legend(&crate::dissect::sample::shape("ipv4").unwrap());
        assert_eq!(ipv4, "R reserved, DF dont fragment, MF more fragments");
    }

    #[test]
    fn a_field_over_a_line_end_is_one_open_box() {
        let mac = Value::Mac(crate::bytes::Mac([2, 0, 0, 0, 0, 1]));
        let drawn = drawn(&[("destination", 48, mac), ("source", 48, mac)], &[]);
        let lines: Vec<&str> = drawn.lines().collect();
        assert!(lines[3].contains("destination") && lines[4].contains("02:00:00:00:00:01"), "{drawn}");
        assert_eq!(lines[5], "|                               +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+", "{drawn}");
        assert_eq!(drawn.matches("02:00:00:00:00:01").count(), 2, "{drawn}");
    }

    #[test]
    fn flags_are_named_downwards_and_long_words_lose_their_vowels() {
        assert_eq!(name_lines("syn", 1), ["S", "Y", "N"]);
        assert_eq!(name_lines("more fragments", 1), ["M", "F"]);
        assert_eq!(name_lines("reserved", 5), ["rsrvd"]);
        assert_eq!(name_lines("data offset", 7), ["data", "offset"]);
    }

    #[test]
    fn a_long_payload_takes_a_few_lines_and_tells_its_length() {
        let drawn = drawn(&[("payload", 8000, Value::Bytes)], &[b'x'; 1000]);
        assert!(drawn.contains("1000 bytes: \"xxxxxxxxxxxxxxxx\" …"), "{drawn}");
        assert!(drawn.lines().count() < 15);
    }

    #[test]
    fn no_line_is_longer_than_80_columns_whatever_the_bytes_are() {
        for length in 0..120 {
            let bytes: Vec<u8> = (0..length).map(|at: u8| at.wrapping_mul(37)).collect();
            let mut out = Vec::new();
            frame(&mut out, Palette::PLAIN, 1, &bytes).unwrap();
            let text = String::from_utf8(out).unwrap();
            assert!(text.lines().all(|line| columns(line) <= 80), "{text}");
        }
    }
}
