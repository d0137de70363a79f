//! Every field that reading can tell, learnt by reading frames that hold them all: the list cannot differ from what is
//! read.
//!
//! The frames are those of tests/offline/golden that show something new; `scripts/update-golden` puts them together.

use std::mem::{Discriminant, discriminant};

use super::{Origin, dissect};
use crate::bytes::{Codes, Field, Fields, Value, order};
use crate::link::LinkType;

/// Link type (two bytes), length (two bytes) and bytes of each frame.
const FRAMES: &[u8] = include_bytes!("catalog.bin");

/// A field of a header.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// The header's name as people write it.
    pub header: &'static str,
    /// The header's name in conditions and JSON.
    pub layer: &'static str,
    /// Where the header is defined; empty for bytes without a header.
    pub reference: &'static str,
    /// The field's name as it is recorded.
    pub name: &'static str,
    /// The field's name in conditions and JSON, without that of the layer.
    pub key: String,
    /// A value of each kind that the field has.
    pub samples: Vec<Value>,
    /// Its width, where it is the same in every frame.
    pub length_bits: Option<u32>,
}

/// What makes a value another kind of value: its type, and the table that names its numbers.
type Kind = (Discriminant<Value>, Option<Codes>);

fn kind(value: Value) -> Kind {
    let codes = if let Value::Code(_, codes, _) = value { Some(codes) } else { None };
    (discriminant(&value), codes)
}

/// The fields of all headers, each header's together, in the order in which they were first met.
pub fn fields() -> Vec<Known> {
    let mut known = Vec::new();
    for (origin, frame) in frames(FRAMES) {
        learn(&mut known, &origin, frame);
    }
    let mut layers: Vec<&'static str> = Vec::new();
    for field in &known {
        if !layers.contains(&field.layer) {
            layers.push(field.layer);
        }
    }
    order::by_key(&mut known, |field| layers.iter().position(|layer| *layer == field.layer));
    known
}

/// The frames of a collection.
fn frames(mut rest: &[u8]) -> impl Iterator<Item = (Origin, &[u8])> {
    std::iter::from_fn(move || {
        let ([l0, l1, n0, n1], behind) = rest.split_first_chunk()?;
        let (frame, behind) = behind.split_at_checked(u16::from_be_bytes([*n0, *n1]).into())?;
        rest = behind;
        let link = LinkType::from_number(u16::from_be_bytes([*l0, *l1]).into());
        Some((Origin { link, ..Origin::ethernet(frame) }, frame))
    })
}

/// Adds what `frame` shows, and tells whether any of it was new.
pub fn learn(known: &mut Vec<Known>, origin: &Origin, frame: &[u8]) -> bool {
    let (mut fields, mut layers) = (Fields::default(), Vec::new());
    dissect(origin, frame, &mut fields, &mut layers);
    let mut new = false;
    for layer in &layers {
        let own = fields.0.get(layer.fields.start as usize..layer.fields.end as usize).unwrap_or_default();
        for field in own {
            let header = &layer.header;
            let at = known.iter().position(|k| k.layer == header.key() && k.name == field.name && k.key == field.key());
            if let Some(known) = at.and_then(|at| known.get_mut(at)) {
                new |= known.meet(field);
                continue;
            }
            new = true;
            known.push(Known {
                header: header.name(),
                layer: header.key(),
                reference: header.reference(),
                name: field.name,
                key: field.key(),
                samples: vec![field.value],
                length_bits: Some(field.bits.length),
            });
        }
    }
    new
}

impl Known {
    /// Takes in another occurrence, and tells whether it showed something new.
    fn meet(&mut self, field: &Field) -> bool {
        let other_width = self.length_bits.is_some_and(|bits| bits != field.bits.length);
        if other_width {
            self.length_bits = None;
        }
        let other_kind = self.samples.iter().all(|sample| kind(*sample) != kind(field.value));
        if other_kind {
            self.samples.push(field.value);
        }
        other_width || other_kind
    }
}
