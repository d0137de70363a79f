//! What every look of a layer shares.

use super::palette::Ink;
use crate::dissect::{Data, Header};

/// Spaces in front of a layer.
pub(super) const INDENT: &str = "    ";

/// The colour of a layer.
pub fn ink(header: &Header) -> Ink {
    match header {
        Header::Ethernet(_)
        | Header::Llc(_)
        | Header::Snap(_)
        | Header::Cooked(_)
        | Header::Loopback(_)
        | Header::Vlan(_)
        | Header::Mpls(_)
        | Header::Pppoe(_)
        | Header::Ppp(_)
        | Header::Arp(_) => Ink::Link,
        Header::Tcp(_) | Header::Udp(_) => Ink::Transport,
        Header::Data(Data::Payload | Data::FragmentPayload | Data::Ciphertext) => Ink::Application,
        Header::Data(_) => Ink::Faint,
        header if header.is_application() => Ink::Application,
        _ => Ink::Internet,
    }
}
