//! Which protocols, inside which.

use super::Volume;
use crate::capture::packet::Packet;
use crate::dissect::{Data, Header};

/// One protocol inside those above it.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Node {
    /// The protocol's name for people.
    pub name: &'static str,
    /// The protocol's key, as in the documents of frames.
    pub layer: &'static str,
    /// Frames that have it here.
    #[serde(flatten)]
    pub volume: Volume,
    /// What was inside it.
    pub inside: Vec<Node>,
}

/// The hierarchy. It is as large as there are kinds of frames, no larger: protocols are few, and so are their depths.
#[derive(Debug, Default)]
pub struct Protocols {
    /// What frames began with.
    pub roots: Vec<Node>,
}

/// Layers that are counted in one frame. Real frames have fewer; frames made to fill memory end here.
const DEPTH: usize = 12;
/// Nodes of the hierarchy.
const NODES: usize = 10_000;

impl Protocols {
    /// Takes in a frame: its headers, but not what is quoted in it nor bytes without a header.
    pub fn see(&mut self, packet: &Packet<'_>) {
        let bytes = packet.frame.original_length;
        let full = count(&self.roots) >= NODES;
        let mut level = &mut self.roots;
        let layers = packet.layers.iter().take_while(|layer| !layer.quoted);
        let headers = layers.filter(|layer| !packet.is_put_together(layer)).map(|layer| &layer.header);
        let mut before = None;
        for header in headers.filter(|header| is_protocol(header)).take(DEPTH) {
            // Messages of a protocol stand behind each other, not inside.
            if header.is_application() && before.replace(header.key()) == Some(header.key()) {
                continue;
            }
            let at = match level.iter().position(|node| node.layer == header.key()) {
                Some(at) => at,
                None if full => return,
                None => {
                    level.push(Node { name: header.name(), layer: header.key(), ..Node::default() });
                    level.len() - 1
                }
            };
            level[at].volume.add(bytes);
            level = &mut level[at].inside;
        }
    }
}

fn is_protocol(header: &Header) -> bool {
    !matches!(header, Header::Data(Data::Padding | Data::Trailer | Data::Surplus | Data::Unread))
}

fn count(nodes: &[Node]) -> usize {
    nodes.iter().map(|node| 1 + count(&node.inside)).sum()
}
