//! A token bucket in front of an interface (`tbf`): what is sent faster waits in the kernel, and its senders wait too.

use netlink_packet_core::{DefaultNla, NLM_F_CREATE, NLM_F_REPLACE};
use netlink_packet_route::tc::{TcAttribute, TcHandle, TcMessage, TcOption};

use super::{Netlink, OsError};

const RTM_NEWQDISC: u16 = 36;
/// Options of tbf, `linux/pkt_sched.h`.
const PARAMETERS: u16 = 1;
const BURST: u16 = 6;
/// `TC_LINKLAYER_ETHERNET`: lengths are taken as they are.
const ETHERNET: u8 = 1;
/// How fast frames may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Bytes per second, over time.
    pub rate: u32,
    /// Bytes that each frame counts for beside its own.
    pub per_frame: u16,
    /// Bytes that may leave at once; no frame may be longer.
    pub burst: u32,
}

/// Bytes that may wait. More than programs may have under way at once, so that they wait and nothing is lost.
const WAITING_BYTES: u32 = 64 << 20;

impl Netlink {
    /// Lets frames leave interface number `index`, called `name`, at this pace at most, also where another one was set
    /// before. Needs `CAP_NET_ADMIN`.
    ///
    /// # Errors
    /// ENOENT where the kernel has no token bucket filter.
    pub fn shape(&mut self, name: &str, index: u32, pace: Pace) -> Result<(), OsError> {
        let mut message = TcMessage::default();
        message.header.index = index as i32;
        message.header.parent = TcHandle::ROOT;
        let parameters = DefaultNla::new(PARAMETERS, parameters(pace));
        let burst = DefaultNla::new(BURST, pace.burst.to_ne_bytes().to_vec());
        let options = [parameters, burst].map(TcOption::Other).to_vec();
        message.attributes = vec![TcAttribute::Kind("tbf".to_owned()), TcAttribute::Options(options)];
        self.order("limit the rate of", name, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, &message)
    }
}

/// `struct tc_tbf_qopt`: two `struct tc_ratespec`, the second of which is not used, then three numbers.
fn parameters(pace: Pace) -> Vec<u8> {
    let mut bytes = vec![0, ETHERNET];
    bytes.extend(pace.per_frame.to_ne_bytes());
    bytes.extend([0; 4]);
    bytes.extend(pace.rate.to_ne_bytes());
    bytes.extend([0; 12]);
    bytes.extend(WAITING_BYTES.to_ne_bytes());
    // The burst is given in bytes beside; the longest frame follows from it.
    bytes.extend([0; 8]);
    bytes
}
