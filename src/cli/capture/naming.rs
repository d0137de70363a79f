//! `netlab capture --names`: names for addresses.

use crate::capture::Dissector;
use crate::capture::names::Names;

/// Whether addresses are shown by their names.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Naming {
    /// Show names in place of addresses: what /etc/hosts says, and what the capture itself tells in answers of DNS, mDNS and
    /// LLMNR, in TLS and in DHCP, the last one of each address. Nobody is asked, and nothing proves that a name is right
    #[arg(long)]
    names: bool,
}

impl Naming {
    /// The dissector, which learns names where they are wanted.
    pub(super) fn with(self, dissector: Dissector) -> Dissector {
        if self.names { dissector.naming(Names::of_hosts()) } else { dissector }
    }
}
