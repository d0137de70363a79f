//! What experiments with frames share: the frames with their layers.

use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use crate::bytes::Silent;
use crate::dissect::{Header, Layer, Origin, dissect};
use crate::internet::Ipv4;
use crate::lab::fate::Told;
use crate::lab::observation::{Frame, Observation};
use crate::lab::stage::{LabError, Stage};
use crate::lab::tcp::needed;

/// So long nothing moves when everything that was under way has arrived.
pub(super) const QUIET: Duration = Duration::from_millis(30);

/// The frames that arrived at the wire, each once, with their layers.
pub(super) fn frames(observation: &Observation) -> Vec<(&Frame, Vec<Layer>)> {
    let first = observation.frames().filter(|frame| !matches!(frame.fate, Told::Released | Told::Suppressed));
    let layers = |frame: &Frame| {
        let mut layers = Vec::new();
        dissect(&Origin::ethernet(&frame.bytes), &frame.bytes, Silent, &mut layers);
        layers
    };
    first.map(|frame| (frame, layers(frame))).collect()
}

/// The IPv4 header among the layers of a frame.
pub(super) fn ipv4(layers: &[Layer]) -> Option<Ipv4> {
    layers.iter().find_map(|layer| if let Header::Ipv4(ipv4) = layer.header { Some(ipv4) } else { None })
}

/// Sends a datagram from a host and lets the frames arrive.
pub(super) fn send_datagram(
    stage: &mut Stage<'_>,
    from: usize,
    to: (Ipv4Addr, u16),
    length: usize,
) -> Result<(), LabError> {
    let program = stage.program(from);
    let sent = stage.call(&program, "sendto()", move || {
        UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(|socket| socket.send_to(&vec![b'x'; length], to))
    })?;
    needed("sendto", sent)?;
    stage.settle(QUIET)
}
