//! What a name stands for, and its values in a packet.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use serde::Serialize;

use super::abroad;
use crate::bytes::{Escaped, Field, Value, Verdict, did_you_mean, hex, nearest};
use crate::capture::Packet;
use crate::capture::analysis::Notes;
use crate::capture::filter::Error;
use crate::capture::reassembly::Fragment;
use crate::dissect::Layer;
use crate::dissect::catalog::{self, Known};
use crate::link::received::Way;

static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(catalog::fields);

/// A value of a packet.
#[derive(Clone, Debug)]
pub enum Item<'a> {
    /// A field, and the frame it stands in.
    Field(Field, &'a [u8]),
    /// The name of a code point.
    Word(&'static str),
    /// Something that netlab says.
    Text(Cow<'a, str>),
    /// A count.
    Number(i128),
    /// A layer.
    Layer,
}

impl Item<'_> {
    /// Whether this is a flag that is not set.
    pub(super) fn is_no(&self) -> bool {
        matches!(self, Item::Field(Field { value: Value::Flag(false), .. }, _))
    }

    /// The value as text, escaped: numbers in decimal, flags as `true` and `false`, bytes in hex.
    pub fn text(&self) -> String {
        match self {
            Item::Field(field, frame) => printed(field, frame),
            Item::Word(word) => (*word).to_owned(),
            Item::Text(text) => Escaped(text.as_bytes()).to_string(),
            Item::Number(number) => number.to_string(),
            Item::Layer => "true".to_owned(),
        }
    }
}

fn printed(field: &Field, frame: &[u8]) -> String {
    if let Some(name) = field.name(frame) {
        return name.to_string();
    }
    match (field.value, field.value.number()) {
        (Value::Flag(set), _) => set.to_string(),
        (Value::Bytes, _) => hex::Packed(field.content(frame)).to_string(),
        (Value::Text | Value::Piece { .. }, _) => Escaped(field.content(frame)).to_string(),
        (_, Some(number)) => number.to_string(),
        (value, None) => value.to_string(),
    }
}

/// What a name stands for.
#[derive(Clone, Debug)]
pub struct Place {
    /// As it was written.
    pub name: String,
    quoted: bool,
    /// Whether only the analysis of conversations can tell.
    pub is_analysed: bool,
    /// Whether netlab says it itself, as a number.
    pub(super) is_own_number: bool,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Frame(fn(&Packet<'_>) -> Option<Item<'static>>),
    Text(OfText),
    Layer(&'static str),
    /// What is noted about the segment.
    Notes,
    OfLayer(&'static str, fn(&Packet<'_>, &Layer) -> Option<Item<'static>>),
    /// Names of the field as it is recorded, all with the same key.
    Field(&'static str, Vec<&'static str>),
    /// The same, for the names of its code points.
    NameOf(&'static str, Vec<&'static str>),
}

/// A key of JSON, what its values are, and its value.
type OfFrame = (&'static str, &'static str, fn(&Packet<'_>) -> Option<Item<'static>>);
type OfText = for<'a> fn(&Packet<'a>) -> &'a str;
type OfLayer = (&'static str, &'static str, fn(&Packet<'_>, &Layer) -> Option<Item<'static>>);

fn number(number: impl Into<i128>) -> Item<'static> {
    Item::Number(number.into())
}

const NUMBER: &str = "number";

/// What is known of a frame.
const FRAME: [OfFrame; 10] = [
    ("number", NUMBER, |packet| Some(number(packet.number))),
    ("time_ns", NUMBER, |packet| packet.frame.time.map(number)),
    ("since_first_ns", NUMBER, |packet| packet.since_first.map(number)),
    ("since_previous_ns", NUMBER, |packet| packet.since_previous.map(number)),
    ("direction", "word", |packet| packet.frame.way.map(|way| Item::Word(way.word()))),
    ("link_type", NUMBER, |packet| Some(number(packet.frame.link.number()))),
    ("captured_bytes", NUMBER, |packet| Some(number(packet.frame.bytes.len() as u64))),
    ("original_bytes", NUMBER, |packet| Some(number(packet.frame.original_length))),
    ("fragment", "word", |packet| packet.fragments.last().map(|fragment| Item::Word(fragment.word()))),
    ("reassembled_bytes", NUMBER, |packet| {
        packet
            .fragments
            .last()
            .filter(|fragment| fragment.completes())
            .map(|fragment| number(fragment.whole.len() as u64))
    }),
];

/// What is known of a frame and is borrowed text.
const TEXTS: [(&str, OfText); 2] =
    [("interface", |packet| packet.frame.interface), ("comment", |packet| packet.frame.comment)];

/// What is known of every layer.
const LAYER: [OfLayer; 5] = [
    ("offset_bytes", NUMBER, |packet, layer| Some(number(packet.offset(layer.bytes.start)))),
    ("length_bytes", NUMBER, |packet, layer| Some(number(packet.bytes(layer).len() as u64))),
    ("fault", "text", |_, layer| layer.fault.map(|fault| Item::Text(fault.to_string().into()))),
    ("note", "text", |_, layer| layer.note.map(|note| Item::Text(note.into()))),
    ("checksum_verdict", "word", |_, layer| layer.checksum.map(|verdict| Item::Word(verdict.word()))),
];

/// What is known of the first TCP header alone.
const TCP: [OfLayer; 2] = [
    ("relative_sequence_number", NUMBER, |packet, layer| {
        Some(number(packet.relative.filter(|_| !layer.quoted)?.sequence))
    }),
    ("relative_acknowledgment_number", NUMBER, |packet, layer| {
        Some(number(packet.relative.filter(|_| !layer.quoted)?.acknowledgment?))
    }),
];

/// What the analysis of conversations finds out about it.
const ANALYSED: [OfLayer; 3] = [
    ("rtt_ns", NUMBER, |packet, layer| Some(number(packet.finding.round_trip_ns.filter(|_| !layer.quoted)?))),
    ("initial_rtt_ns", NUMBER, |packet, layer| Some(number(packet.finding.handshake_ns.filter(|_| !layer.quoted)?))),
    ("duplicate_ack", NUMBER, |packet, layer| {
        Some(number(Some(packet.finding.duplicate).filter(|count| *count > 0 && !layer.quoted)?))
    }),
];

/// The words of what it notes, as many as there are.
const ANALYSIS: &str = "analysis";

/// Every name, for suggestions.
pub fn names() -> impl Iterator<Item = String> {
    let texts = TEXTS.iter().map(|(key, _)| *key);
    let frame = FRAME.iter().map(|(key, ..)| *key).chain(texts).map(|key| format!("frame.{key}"));
    let fields = KNOWN.iter().map(|known| format!("{}.{}", known.layer, known.key));
    layers().map(str::to_owned).chain(frame).chain(fields)
}

/// A name that conditions and columns take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// The name; `LAYER.` stands for that of any layer.
    pub name: String,
    /// What it belongs to, as people write it.
    pub of: &'static str,
    /// Where that is defined; none where netlab says it itself.
    pub reference: Option<&'static str>,
    /// What its values are.
    pub kinds: Vec<&'static str>,
    /// Its width, where it is always the same.
    pub length_bits: Option<u32>,
}

/// Every name with what it stands for, those of a layer together.
pub fn listed() -> Vec<Listed> {
    let own = |of, prefix: &str, key: &str, kind| Listed {
        name: format!("{prefix}.{key}"),
        of,
        reference: None,
        kinds: vec![kind],
        length_bits: None,
    };
    let mut all: Vec<Listed> = FRAME.iter().map(|(key, kind, _)| own("Frame", "frame", key, *kind)).collect();
    all.extend(TEXTS.iter().map(|(key, _)| own("Frame", "frame", key, "text")));
    all.extend(LAYER.iter().map(|(key, kind, _)| own("Any layer", "LAYER", key, *kind)));
    for known in KNOWN.iter() {
        all.push(Listed::field(known));
        if known.layer == "tcp" && known.key == "urgent_pointer" {
            let reference = Some(known.reference);
            let keys = TCP.iter().chain(&ANALYSED).map(|(key, kind, _)| (*key, *kind)).chain([(ANALYSIS, "word")]);
            all.extend(keys.map(|(key, kind)| Listed { reference, ..own(known.header, "tcp", key, kind) }));
        }
    }
    all
}

impl Listed {
    fn field(known: &Known) -> Self {
        let mut kinds: Vec<_> = known.samples.iter().map(|sample| kind(*sample)).collect();
        kinds.dedup();
        let fixed = known.samples.iter().all(|sample| sample.number().is_some() || kind(*sample).ends_with("address"));
        Listed {
            name: format!("{}.{}", known.layer, known.key),
            of: known.header,
            reference: Some(known.reference).filter(|reference| !reference.is_empty()),
            kinds,
            length_bits: known.length_bits.filter(|_| fixed),
        }
    }
}

/// What a value is called.
fn kind(value: Value) -> &'static str {
    match value {
        Value::Number(_) | Value::Hex(..) | Value::Signed(_) => NUMBER,
        Value::Flag(_) => "flag",
        Value::Code(..) => "number with a name",
        Value::Units(..) => "number of bytes",
        Value::Mac(_) => "link address",
        Value::Ipv4(_) => "IPv4 address",
        Value::Ipv6(_) => "IPv6 address",
        Value::Bytes => "bytes",
        Value::Text | Value::Piece { .. } => "text",
        Value::Name(_) => "domain name",
    }
}

fn layers() -> impl Iterator<Item = &'static str> {
    let mut last = "";
    KNOWN.iter().map(|known| known.layer).filter(move |layer| std::mem::replace(&mut last, *layer) != *layer)
}

impl Place {
    /// What `name` stands for.
    ///
    /// # Errors
    /// No such layer or field; the nearest names are the hint. `span` is where the name stands.
    pub fn of(name: &str, span: Range<usize>) -> Result<Self, Error> {
        if name.is_empty() {
            return Err(Error::new(span, "a name is missing").hint("`netlab explain fields` lists all"));
        }
        let (quoted, plain) = name.strip_prefix("quoted.").map_or((false, name), |rest| (true, rest));
        let (layer, key) = plain.split_once('.').map_or((plain, None), |(layer, key)| (layer, Some(key)));
        let what = match key {
            Some(key) if layer == "frame" => of_frame(key),
            Some(key) => of_layer(layer, key),
            None => layers().find(|own| *own == layer).map(What::Layer),
        };
        let what = what.ok_or_else(|| unknown(plain, key.is_some(), span))?;
        let found = |key| ANALYSED.iter().map(|(own, ..)| *own).chain([ANALYSIS]).any(|own| own == key);
        let is_analysed = layer == "tcp" && key.is_some_and(found);
        let is_own_number = key.is_some_and(|key| is_own_number(layer, key));
        Ok(Place { name: name.to_owned(), quoted, is_analysed, is_own_number, what })
    }

    /// The catalog's entries for the field; none for what is no field.
    pub(super) fn known(&self) -> Vec<&'static Known> {
        let What::Field(layer, names) = &self.what else { return Vec::new() };
        KNOWN.iter().filter(|known| known.layer == *layer && names.contains(&known.name)).collect()
    }

    /// The words that netlab has for it; none where they are not counted.
    pub(super) fn words(&self) -> Vec<&'static str> {
        let plain = self.name.strip_prefix("quoted.").unwrap_or(&self.name);
        match plain.split_once('.') {
            Some(("frame", "direction")) => Way::ALL.map(Way::word).to_vec(),
            Some(("frame", "fragment")) => Fragment::WORDS.to_vec(),
            Some((_, "checksum_verdict")) => Verdict::WORDS.to_vec(),
            Some(("tcp", ANALYSIS)) => Notes::ALL.iter().map(|(.., key)| *key).collect(),
            _ => Vec::new(),
        }
    }

    pub(super) fn is_layer(&self) -> bool {
        matches!(self.what, What::Layer(_))
    }

    /// Whether any of the values in `packet` meets `test`.
    pub fn any<'a>(&self, packet: &Packet<'a>, mut test: impl FnMut(Item<'a>) -> bool) -> bool {
        match &self.what {
            What::Frame(item) => item(packet).is_some_and(test),
            What::Text(text) => !text(packet).is_empty() && test(Item::Text(text(packet).into())),
            What::Layer(key) => self.layers(packet, key).next().is_some_and(|_| test(Item::Layer)),
            What::Notes if self.quoted => false,
            What::Notes => packet.finding.notes.each().any(|(.., key)| test(Item::Word(key))),
            What::OfLayer(key, item) => self.layers(packet, key).filter_map(|layer| item(packet, layer)).any(test),
            What::Field(key, names) => {
                let mut fields = self.layers(packet, key).flat_map(|layer| packet.fields(layer));
                fields.any(|field| names.contains(&field.name) && test(Item::Field(*field, packet.bytes)))
            }
            What::NameOf(key, names) => {
                let fields = self.layers(packet, key).flat_map(|layer| packet.fields(layer));
                let mut words = fields.filter(|field| names.contains(&field.name)).filter_map(code_name);
                words.any(|word| test(Item::Word(word)))
            }
        }
    }

    fn layers<'a>(&self, packet: &Packet<'a>, key: &'static str) -> impl Iterator<Item = &'a Layer> + use<'a> {
        let quoted = self.quoted;
        packet.layers.iter().filter(move |layer| layer.quoted == quoted && layer.header.key() == key)
    }
}

fn code_name(field: &Field) -> Option<&'static str> {
    if let Value::Code(number, codes, _) = field.value { codes.name(number) } else { None }
}

fn of_frame(key: &str) -> Option<What> {
    let text = || TEXTS.iter().find(|(own, _)| *own == key).map(|(_, text)| What::Text(*text));
    FRAME.iter().find(|(own, ..)| *own == key).map(|(.., item)| What::Frame(*item)).or_else(text)
}

/// Whether netlab itself says this, and as a number.
fn is_own_number(layer: &str, key: &str) -> bool {
    if layer == "frame" {
        return FRAME.iter().any(|(own, kind, _)| *own == key && *kind == NUMBER);
    }
    LAYER.iter().chain(&TCP).chain(&ANALYSED).any(|(own, kind, _)| *own == key && *kind == NUMBER)
}

fn of_layer(layer: &str, key: &str) -> Option<What> {
    let layer = layers().find(|own| *own == layer)?;
    let own = || KNOWN.iter().filter(|known| known.layer == layer);
    let fields: Vec<_> = own().filter(|known| known.key == key).map(|known| known.name).collect();
    if !fields.is_empty() {
        return Some(What::Field(layer, fields));
    }
    let tcp = TCP.iter().chain(&ANALYSED).filter(|_| layer == "tcp");
    if let Some((.., item)) = LAYER.iter().chain(tcp).find(|(own, ..)| *own == key) {
        return Some(What::OfLayer(layer, *item));
    }
    if (layer, key) == ("tcp", ANALYSIS) {
        return Some(What::Notes);
    }
    let key = key.strip_suffix("_name")?;
    let coded = |known: &&Known| known.samples.iter().any(|sample| matches!(sample, Value::Code(..)));
    let fields: Vec<_> = own().filter(|known| known.key == key).filter(coded).map(|known| known.name).collect();
    (!fields.is_empty()).then_some(What::NameOf(layer, fields))
}

fn unknown(name: &str, is_field: bool, span: Range<usize>) -> Error {
    let what = if is_field { "field" } else { "layer" };
    if let Some(own) = abroad::own(name) {
        let error = Error::new(span, format!("no {what} is called {}", Escaped(name.as_bytes())));
        return error.hint(format!("what Wireshark calls {name} is {own} here; `netlab explain fields` lists all"));
    }
    let near = nearest(name, names().filter(|near| !is_field || near.contains('.')), 3);
    let near = did_you_mean(&near).map_or_else(String::new, |question| question + " ");
    let error = Error::new(span, format!("no {what} is called {}", Escaped(name.as_bytes())));
    error.hint(format!("{near}`netlab explain fields` lists all"))
}
