//! Conversations while they go on: how fast each is, and the last frames that were seen.
//!
//! **Invariant:** memory is bounded: that of the conversations, an eighth of it for their rates, and two lists of frames.

use std::time::Duration;

use super::analysis::conversations::{Conversation, Forgotten};
use super::analysis::{Conversations, Finding};
use super::batch::Batch;
use super::dissector::Dissector;
use super::flows::Relative;
use super::frame::{Frame, Nanoseconds};
use super::packet::Packet;
use crate::dissect::Ports;

/// Bytes of each half of a list of frames: as many as this are always kept, and never more than twice.
const HALF: usize = 8 << 20;

/// A conversation with its rates.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The conversation.
    pub conversation: Conversation,
    /// Bytes per second that each end sends.
    pub rate: [u64; 2],
}

/// What is watched.
#[derive(Debug)]
pub struct Watch {
    dissector: Dissector,
    /// Frames that came.
    pub frames: u64,
    /// Bytes of them on the wire.
    pub bytes: u64,
    marks: Vec<Mark>,
    recent: Recent,
    focus: Option<(u64, Recent)>,
}

/// What a conversation had sent when it was last looked at, and how fast it was until then.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    /// Its number: another one may have taken its place.
    number: u64,
    bytes: [u64; 2],
    rate: [u64; 2],
}

impl Watch {
    /// Watches nothing yet, with about `memory` bytes for the conversations of what `dissector` reads.
    pub fn within(memory: usize, dissector: Dissector) -> Self {
        Watch {
            dissector: dissector.analysing(memory - memory / 8),
            frames: 0,
            bytes: 0,
            marks: Vec::new(),
            recent: Recent::default(),
            focus: None,
        }
    }

    /// Takes in a frame.
    pub fn see(&mut self, frame: Frame<'_>) {
        self.frames = self.frames.saturating_add(1);
        self.bytes = self.bytes.saturating_add(frame.original_length.into());
        let packet = self.dissector.read(frame);
        self.recent.keep(&packet);
        if let Some((number, frames)) = &mut self.focus
            && packet.conversation == Some(*number)
        {
            frames.keep(&packet);
        }
    }

    /// The conversations that are remembered.
    pub fn conversations(&self) -> &[Conversation] {
        self.dissector.conversations().map_or(&[], Conversations::list)
    }

    /// What those come to that made room.
    pub fn forgotten(&self) -> Forgotten {
        self.dissector.conversations().map(|conversations| conversations.forgotten).unwrap_or_default()
    }

    /// Measures the rates of the time since the last measurement, which was so long ago.
    pub fn measure(&mut self, since: Duration) {
        let list = self.dissector.conversations().map_or(&[][..], Conversations::list);
        self.marks.resize(list.len(), Mark::default());
        for (mark, conversation) in self.marks.iter_mut().zip(list) {
            let bytes = conversation.sent.map(|sent| sent.bytes);
            let before = if mark.number == conversation.number { mark.bytes } else { [0; 2] };
            let rate = [0, 1].map(|end| per_second(bytes[end].saturating_sub(before[end]), since));
            *mark = Mark { number: conversation.number, bytes, rate };
        }
    }

    /// The conversation at this place of the list. Those that began since the last measurement have no rate yet.
    pub fn row(&self, at: usize) -> Option<Row> {
        let conversation = *self.conversations().get(at)?;
        let mark = self.marks.get(at).filter(|mark| mark.number == conversation.number);
        Some(Row { conversation, rate: mark.map_or([0; 2], |mark| mark.rate) })
    }

    /// The conversation at this place of the list with the mean rates of its whole time.
    pub fn mean(&self, at: usize) -> Option<Row> {
        let conversation = *self.conversations().get(at)?;
        let (first, last) = conversation.times.unwrap_or_default();
        let time = Duration::from_nanos(u64::try_from(last.saturating_sub(first)).unwrap_or(0));
        Some(Row { conversation, rate: conversation.sent.map(|sent| per_second(sent.bytes, time)) })
    }

    /// Keeps the frames of this conversation apart from now on, so that others cannot push them out; none: of no one.
    pub fn focus(&mut self, number: Option<u64>) {
        if self.focus.as_ref().map(|(number, _)| *number) == number {
            return;
        }
        self.focus = number.map(|number| {
            let mut frames = Recent::default();
            self.recent.each(self.dissector.ports(), Some(number), 0, |packet| frames.keep(packet));
            (number, frames)
        });
    }

    /// The numbers of the frames of the conversation in focus that are still there, oldest first.
    pub fn numbers(&self) -> Vec<u64> {
        let frames = self.focus.iter().flat_map(|(_, frames)| [&frames.old, &frames.young]);
        frames.flat_map(|half| half.known.iter().map(|known| known.number)).collect()
    }

    /// These frames, from number `first` on.
    pub fn each(&self, first: u64, see: impl FnMut(&Packet<'_>)) {
        if let Some((number, frames)) = &self.focus {
            frames.each(self.dissector.ports(), Some(*number), first, see);
        }
    }

    /// The frame of this number among those in focus, with its fields.
    pub fn frame(&self, number: u64, see: impl FnOnce(&Packet<'_>)) {
        if let Some((_, frames)) = &self.focus {
            frames.one(self.dissector.ports(), number, see);
        }
    }
}

/// Nothing has no rate: not even in no time.
fn per_second(bytes: u64, time: Duration) -> u64 {
    let seconds = time.as_secs_f64();
    if seconds > 0.0 { (bytes as f64 / seconds) as u64 } else { 0 }
}

/// The last frames, in two halves of which the older is forgotten when the younger is full.
#[derive(Debug, Default)]
struct Recent {
    old: Half,
    young: Half,
}

#[derive(Debug, Default)]
struct Half {
    frames: Batch,
    known: Vec<Known>,
}

/// What was found out about a frame when it was read among all others; its layers are read again when they are wanted.
#[derive(Clone, Copy, Debug)]
struct Known {
    number: u64,
    since_first: Option<Nanoseconds>,
    since_previous: Option<Nanoseconds>,
    relative: Option<Relative>,
    finding: Finding,
    conversation: Option<u64>,
    /// There are fragments in it: what it makes whole is made of those before it.
    fragmented: bool,
}

impl Recent {
    fn keep(&mut self, packet: &Packet<'_>) {
        if self.young.frames.size() + self.young.known.len() * size_of::<Known>() >= HALF {
            std::mem::swap(&mut self.old, &mut self.young);
            self.young.frames.clear();
            self.young.known.clear();
        }
        let Packet { number, since_first, since_previous, relative, finding, conversation, .. } = *packet;
        self.young.frames.push(&packet.frame);
        let fragmented = !packet.fragments.is_empty();
        self.young.known.push(Known {
            number,
            since_first,
            since_previous,
            relative,
            finding,
            conversation,
            fragmented,
        });
    }

    /// Frames of a conversation, from number `first` on.
    fn each(&self, ports: &Ports, conversation: Option<u64>, first: u64, see: impl FnMut(&Packet<'_>)) {
        let own = |known: &Known| known.conversation == conversation;
        self.read(ports, false, own, |known| known.number >= first, see);
    }

    fn one(&self, ports: &Ports, number: u64, see: impl FnOnce(&Packet<'_>)) {
        let mut see = Some(see);
        let before = |known: &Known| known.number <= number;
        let show = |packet: &Packet<'_>| {
            if let Some(see) = see.take() {
                see(packet);
            }
        };
        self.read(ports, true, before, |known| known.number == number, show);
    }

    /// Reads frames that are `wanted` among its `own`, and the fragments before them, of which they may be made.
    fn read(
        &self,
        ports: &Ports,
        fields: bool,
        own: impl Fn(&Known) -> bool,
        wanted: impl Fn(&Known) -> bool,
        mut see: impl FnMut(&Packet<'_>),
    ) {
        let mut dissector = Dissector::new(fields).absolute().decoding(ports.clone());
        if [&self.old, &self.young].into_iter().any(|half| half.known.iter().any(|known| known.fragmented)) {
            dissector = dissector.reassembling();
        }
        for half in [&self.old, &self.young] {
            for (at, known) in half.known.iter().enumerate().filter(|(_, known)| own(known)) {
                let is_wanted = wanted(known);
                let Some(frame) = half.frames.get(at).filter(|_| is_wanted || known.fragmented) else { continue };
                let packet = dissector.read(frame);
                if is_wanted {
                    let Known { number, since_first, since_previous, relative, finding, conversation, .. } = *known;
                    see(&Packet { number, since_first, since_previous, relative, finding, conversation, ..packet });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An IPv4 datagram of UDP between two ports of two hosts, `data` bytes of payload.
    fn udp(from: u16, data: u16) -> Vec<u8> {
        let mut frame = vec![2; 12];
        frame.extend([8, 0, 0x45, 0]);
        frame.extend((28 + data).to_be_bytes());
        frame.extend([0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
        frame.extend(from.to_be_bytes());
        frame.extend(9u16.to_be_bytes());
        frame.extend((8 + data).to_be_bytes());
        frame.extend([0, 0]);
        frame.resize(frame.len() + usize::from(data), 7);
        frame
    }

    fn see(watch: &mut Watch, from: u16, data: u16) {
        watch.see(Frame::ethernet(&udp(from, data)));
    }

    #[test]
    fn a_rate_is_what_came_since_the_last_look() {
        let mut watch = Watch::within(0, Dissector::new(false));
        see(&mut watch, 5, 58);
        assert_eq!(watch.row(0).unwrap().rate, [0, 0], "not measured yet");
        watch.measure(Duration::from_secs(2));
        assert_eq!(watch.row(0).unwrap().rate, [50, 0]);
        watch.measure(Duration::from_secs(2));
        assert_eq!(watch.row(0).unwrap().rate, [0, 0], "it is silent now");
    }

    #[test]
    fn frames_in_focus_stay_whatever_else_comes() {
        let mut watch = Watch::within(0, Dissector::new(false));
        see(&mut watch, 5, 10);
        see(&mut watch, 6, 10);
        watch.focus(Some(1));
        for _ in 0..2 * HALF / 1400 {
            see(&mut watch, 6, 1400);
        }
        see(&mut watch, 5, 10);
        let numbers = watch.numbers();
        assert_eq!((numbers.len(), numbers[0]), (2, 1));
        let mut layers = 0;
        watch.frame(numbers[1], |packet| layers = packet.layers.len());
        assert_eq!(layers, 4, "Ethernet, IPv4, UDP, data");
    }

    #[test]
    fn frames_are_read_again_as_what_their_ports_carry() {
        use crate::dissect::ports::{Application, Choice, Ports};
        let choice = Choice { transport: None, port: 5, application: Some(Application::Ntp) };
        let mut watch = Watch::within(0, Dissector::new(false).decoding(Ports(vec![choice])));
        watch.focus(Some(1));
        let mut bytes = udp(5, 48);
        bytes[42] = 0x23;
        watch.see(Frame::ethernet(&bytes));
        let mut last = Vec::new();
        watch.each(0, |packet| last.push(packet.layers.last().unwrap().header.key()));
        watch.frame(1, |packet| last.push(packet.layers.last().unwrap().header.key()));
        assert_eq!(last, ["ntp", "ntp"]);
    }

    #[test]
    fn fragments_are_put_together_again_when_they_are_looked_at() {
        let whole = udp(5, 64);
        // The same datagram in two fragments: 8 bytes of UDP header and 32 of data, and the rest.
        let fragment = |bytes: &[u8], offset: u16, more: u16| {
            let mut frame = whole[..34].to_vec();
            frame[16..18].copy_from_slice(&(20 + bytes.len() as u16).to_be_bytes());
            frame[20..22].copy_from_slice(&((more << 13) | (offset / 8)).to_be_bytes());
            [&frame, bytes].concat()
        };
        let mut watch = Watch::within(0, Dissector::new(false).reassembling());
        watch.see(Frame::ethernet(&fragment(&whole[34..74], 0, 1)));
        watch.see(Frame::ethernet(&fragment(&whole[74..], 40, 0)));
        watch.focus(Some(1));
        let numbers = watch.numbers();
        assert_eq!(numbers, [1, 2], "both are of the conversation");
        let ports = |packet: &Packet<'_>| {
            packet.layers.iter().find_map(|layer| match &layer.header {
                crate::dissect::Header::Udp(udp) => Some(udp.source),
                _ => packet.fragments.first().and_then(|fragment| fragment.taken.ports).map(|(source, _)| source),
            })
        };
        let mut seen = Vec::new();
        watch.each(0, |packet| seen.push(ports(packet)));
        watch.each(2, |packet| seen.push(ports(packet)));
        watch.frame(2, |packet| {
            seen.push(packet.fields.iter().find(|field| field.name == "source port").and(ports(packet)));
        });
        assert_eq!(seen, [Some(5); 4]);
    }

    #[test]
    fn the_memory_of_frames_is_bounded_and_the_last_are_there() {
        let mut watch = Watch::within(0, Dissector::new(false));
        watch.focus(Some(1));
        let sent = 4 * HALF as u64 / 1400;
        for _ in 0..sent {
            see(&mut watch, 6, 1400);
        }
        let numbers = watch.numbers();
        assert_eq!(numbers.last(), Some(&sent));
        assert!(numbers.len() as u64 * 1400 >= HALF as u64 / 2 && (numbers.len() as u64) < sent, "{}", numbers.len());
        watch.focus(None);
        assert!(watch.focus.is_none());
    }
}
