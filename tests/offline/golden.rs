//! Frames and what is to be read from them: `golden/NAME.hex` (commented hex) → `golden/NAME.txt` (every field).
//!
//! The first lines of a `.hex` may say where the frame comes from: `# link 276`, `# original length 1514`,
//! `# checksum pending`. `scripts/update-golden` writes the `.txt` files anew; the difference is for a person to judge.

use std::cell::RefCell;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use netlab::bytes::{Escaped, Field, Fields, Silent, Value, hex};
use netlab::capture::Dissector;
use netlab::capture::frame::Frame;
use netlab::capture::names::Names;
use netlab::dissect::{Layer, Origin, dissect};
use netlab::link::LinkType;
use netlab::report::clock::Clock;
use netlab::report::headers::Numbers;
use netlab::report::packet::{self, Look};
use netlab::report::text::Text;
use netlab::report::{Palette, packet_hex, packet_json, packet_line};

/// One golden frame.
pub struct Golden {
    pub path: PathBuf,
    pub origin: Origin,
    pub frame: Vec<u8>,
}

/// All golden frames, in the order of their names.
pub fn all() -> Vec<Golden> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/offline/golden");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "hex"));
    paths.sort();
    assert!(paths.len() > 100, "the golden frames were not found");
    paths.into_iter().map(load).collect()
}

fn load(path: PathBuf) -> Golden {
    let text = fs::read_to_string(&path).unwrap();
    let frame = hex::parse_commented(&text).unwrap_or_else(|(line, what)| panic!("{}:{line}: {what}", path.display()));
    let mut origin = Origin::ethernet(&frame);
    for line in text.lines() {
        if let Some(number) = line.strip_prefix("# link ") {
            origin.link = LinkType::from_number(number.parse().unwrap());
        } else if let Some(length) = line.strip_prefix("# original length ") {
            origin.original_length = length.parse().unwrap();
        } else if line == "# checksum pending" {
            origin.checksum_pending = true;
        }
    }
    Golden { path, origin, frame }
}

/// Layers and fields of a frame.
pub fn read(origin: &Origin, frame: &[u8]) -> (Vec<Layer>, Vec<Field>) {
    let (mut layers, mut fields) = (Vec::new(), Fields::default());
    dissect(origin, frame, &mut fields, &mut layers);
    (layers, fields.0)
}

/// Everything dissection tells, as text.
pub fn render(origin: &Origin, frame: &[u8]) -> String {
    let (layers, fields) = read(origin, frame);
    let mut text = String::new();
    for layer in &layers {
        let quoted = if layer.quoted { " quoted" } else { "" };
        write!(text, "{} ({}) bytes {:?}{quoted}", layer.header.name(), layer.header.key(), layer.bytes).unwrap();
        layer.checksum.iter().for_each(|verdict| write!(text, "  checksum {verdict:04x?}").unwrap());
        layer.note.iter().for_each(|note| write!(text, "  note: {note}").unwrap());
        layer.fault.iter().for_each(|fault| write!(text, "  FAULT {fault}").unwrap());
        text.push('\n');
        for field in &fields[layer.fields.start as usize..layer.fields.end as usize] {
            let value = match field.value {
                Value::Bytes => hex::Spaced(field.bits.of(frame)).to_string(),
                Value::Text | Value::Piece { .. } => Escaped(field.content(frame)).to_string(),
                Value::Name(_) => field.name(frame).unwrap().to_string(),
                value => value.to_string(),
            };
            writeln!(text, "    {:>5}+{:<4} {:<28} {value}", field.bits.start, field.bits.length, field.name).unwrap();
        }
    }
    text
}

#[test]
fn every_golden_frame_reads_as_its_text_says() {
    let update = std::env::var_os("NETLAB_UPDATE_GOLDEN").is_some();
    let mut different = Vec::new();
    for Golden { path, origin, frame } in all() {
        let expected = path.with_extension("txt");
        let found = render(&origin, &frame);
        if update {
            fs::write(&expected, found).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != found {
            different.push(format!("{}\n{found}", expected.display()));
        }
    }
    assert!(different.is_empty(), "run scripts/update-golden and look at what changed:\n{}", different.join("\n"));
}

thread_local! {
    /// Its tables are used again for every frame, as the program does.
    static DISSECTOR: RefCell<Dissector> = RefCell::new(Dissector::new(true).naming(Names::default()));
}

/// Every look of a frame: none panics, none lets a control character through.
fn show(origin: &Origin, bytes: &[u8]) {
    let Origin { link, original_length, checksum_pending } = *origin;
    let frame = Frame { link, original_length, checksum_pending, ..Frame::ethernet(bytes) };
    let (clock, numbers, palette) = (Clock::SinceFirst, Numbers::Relative, Palette::PLAIN);
    let mut text = Text::default();
    DISSECTOR.with_borrow_mut(|dissector| {
        let packet = dissector.read(frame);
        packet::write(&mut text, &packet, &Look { fields: true, hex: true, clock, numbers, palette });
        packet_line::write(&mut text, &packet, clock, numbers, palette);
        packet_json::write(&mut text, &packet);
        packet_hex::dump(&mut text, &frame);
    });
    let text = String::from_utf8(text.into_bytes()).expect("reports are UTF-8");
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
}

/// What must hold for any bytes: no gap, no overlap, layers and fields that belong together, and silence that sees the
/// same.
pub fn check(origin: &Origin, frame: &[u8], what: &str) {
    let (layers, fields) = read(origin, frame);
    show(origin, frame);
    let mut bit = 0;
    for field in &fields {
        assert_eq!(field.bits.start, bit, "gap or overlap before {} in {what}", field.name);
        bit = field.bits.end();
    }
    assert_eq!(bit as usize, frame.len() * 8, "the end of {what} is not covered");
    let (mut byte, mut index) = (0, 0);
    for layer in &layers {
        assert_eq!((layer.bytes.start, layer.fields.start), (byte, index), "{} in {what}", layer.header.name());
        (byte, index) = (layer.bytes.end, layer.fields.end);
    }
    assert_eq!(
        (byte as usize, index as usize),
        (frame.len(), fields.len()),
        "the layers of {what} leave something out"
    );
    let mut silent = Vec::new();
    dissect(origin, frame, Silent, &mut silent);
    let strip = |layers: &[Layer]| layers.iter().map(|l| Layer { fields: 0..0, ..l.clone() }).collect::<Vec<_>>();
    assert_eq!(strip(&silent), strip(&layers), "a silent recorder sees other layers of {what}");
}

#[test]
fn a_frame_cut_anywhere_is_read_as_far_as_it_goes() {
    for Golden { path, mut origin, frame } in all() {
        for length in 0..=frame.len() {
            let what = format!("{} cut to {length}", path.display());
            origin.original_length = frame.len() as u32;
            check(&origin, &frame[..length], &what);
            origin.original_length = length as u32;
            check(&origin, &frame[..length], &what);
        }
    }
}

/// xorshift64*: the same numbers on every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }
}

/// Up to five bytes changed, and half the time an end somewhere else: cut short, or another frame's bytes behind it.
fn damage(dice: &mut Dice, frame: &[u8], other: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    for _ in 0..=dice.below(5) {
        if !frame.is_empty() {
            let at = dice.below(frame.len());
            frame[at] = [dice.below(256) as u8, 0, 0xff, frame[at] ^ 1 << dice.below(8)][dice.below(4)];
        }
    }
    match dice.below(4) {
        0 => frame.truncate(dice.below(frame.len() + 1)),
        1 => frame.extend_from_slice(&other[dice.below(other.len() + 1)..]),
        _ => {}
    }
    frame
}

#[test]
fn damaged_frames_are_read_without_a_gap() {
    let golden = all();
    let mut dice = Dice(0x6e65_746c_6162);
    let mut faults = 0;
    for round in 0..20_000 {
        let seed = &golden[dice.below(golden.len())];
        let other = &golden[dice.below(golden.len())];
        let frame = damage(&mut dice, &seed.frame, &other.frame);
        let mut origin = seed.origin;
        origin.original_length = (frame.len() + dice.below(2) * dice.below(2000)) as u32;
        check(&origin, &frame, &format!("{} in round {round}: {}", seed.path.display(), hex::Packed(&frame)));
        faults += read(&origin, &frame).0.iter().filter(|layer| layer.fault.is_some()).count();
        render(&origin, &frame);
    }
    assert!(faults > 5_000, "the damage does no harm: {faults} faults");
}

#[test]
fn noise_is_read_without_a_gap_on_every_link() {
    let mut dice = Dice(7);
    for round in 0..5_000 {
        let frame: Vec<u8> = (0..dice.below(120)).map(|_| dice.below(256) as u8).collect();
        let link = LinkType::from_number([0, 1, 9, 101, 108, 113, 276, 147][dice.below(8)]);
        let origin = Origin { link, original_length: frame.len() as u32, checksum_pending: false };
        check(&origin, &frame, &format!("noise of round {round}: {}", hex::Packed(&frame)));
    }
}

#[test]
fn every_key_is_a_snake_case_word_and_every_field_name_fits_a_filter() {
    for Golden { path, origin, frame } in all() {
        let (layers, fields) = read(&origin, &frame);
        for layer in &layers {
            let key = layer.header.key();
            assert!(key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'), "{key}");
        }
        for Field { name, .. } in fields {
            let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b' ' | b'-');
            assert!(name.bytes().all(fits), "{name:?} in {}", path.display());
        }
    }
}
