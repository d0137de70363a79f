//! How `netlab capture` shows packets, each for itself.

use super::process::Known;
use crate::capture::Packet;
use crate::capture::condition::Place;
use crate::kernel::zone::Zone;
use crate::report::clock::Clock;
use crate::report::columns::{self, Style};
use crate::report::packet::Look;
use crate::report::text::Text;
use crate::report::{packet, packet_hex, packet_json, packet_line};

/// How packets are shown.
pub(super) struct Show {
    form: Form,
    look: Look,
    /// Whether the bytes of each frame stand below it.
    dump: bool,
    /// The time zone of times that are shown.
    zone: Option<Zone>,
    /// Which processes frames come from and go to.
    owners: Option<Known>,
    text: Text,
    /// What is still to be printed before the first packet.
    head: Vec<u8>,
}

/// The form of what is shown.
pub(super) enum Form {
    /// A line for each frame.
    Line,
    /// A line for each layer.
    Layers,
    /// A JSON object for each frame.
    Json,
    /// Chosen fields of each frame.
    Columns(Vec<Place>, Style),
}

impl Show {
    /// Packets in this form and look.
    pub fn new(form: Form, look: Look) -> Self {
        Show { form, look, dump: false, zone: None, owners: None, text: Text::default(), head: Vec::new() }
    }

    /// The same with something to be printed before the first packet.
    pub fn headed(self, head: Vec<u8>) -> Self {
        Show { head, ..self }
    }

    /// The same with the bytes of each frame below it, where `dump`.
    pub fn dumping(self, dump: bool) -> Self {
        Show { dump, ..self }
    }

    /// The same with times of this zone, if any.
    pub fn in_zone(self, zone: Option<Zone>) -> Self {
        Show { zone, ..self }
    }

    /// The same with the processes that frames come from and go to.
    pub fn owned(self, owners: Option<Known>) -> Self {
        Show { owners, ..self }
    }

    pub fn owners(&self) -> Option<&Known> {
        self.owners.as_ref()
    }

    /// What is to be printed before the first packet, once.
    pub fn head(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.head)
    }

    /// What is to be printed for `packet`.
    #[inline]
    pub fn packet(&mut self, packet: &Packet<'_>) -> &[u8] {
        self.text.truncate(0);
        if let (Some(zone), Some(time)) = (&mut self.zone, packet.frame.time) {
            self.look.clock = Clock::Local(zone.ahead(time.div_euclid(1_000_000_000)));
        }
        match &mut self.owners {
            Some(owners) => {
                let owned = Packet { parties: owners.of(packet), ..*packet };
                self.form.write(&mut self.text, &owned, &self.look);
            }
            None => self.form.write(&mut self.text, packet, &self.look),
        }
        if self.dump && matches!(self.form, Form::Line | Form::Layers) {
            packet_hex::dump(&mut self.text, &packet.frame);
        }
        self.text.bytes()
    }
}

impl Form {
    fn write(&self, text: &mut Text, packet: &Packet<'_>, look: &Look) {
        match self {
            Form::Line => packet_line::write(text, packet, look.clock, look.numbers, look.palette),
            Form::Layers => packet::write(text, packet, look),
            Form::Json => packet_json::write(text, packet),
            Form::Columns(places, style) => columns::write(text, packet, places, *style),
        }
    }
}
