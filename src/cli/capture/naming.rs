//! `netlab capture --names`: names for addresses.

use std::path::Path;

use anyhow::bail;

use crate::capture::Dissector;
use crate::capture::files::write::Format;
use crate::capture::names::Names;

/// Whether addresses are shown by their names.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Naming {
    /// Show names in place of addresses: what /etc/hosts says, and what the capture itself tells in answers of DNS, mDNS and
    /// LLMNR, in TLS and in DHCP, the last one of each address. Nobody is asked, and nothing proves that a name is right. A pcapng
    /// file written with -w keeps them, and tells them where it is read
    #[arg(long, conflicts_with_all = ["places", "program", "follow", "ladder", "top"])]
    names: bool,
}

impl Naming {
    /// Refuses names that would be neither shown nor written.
    pub(super) fn refuse_without_place(self, write: Option<&Path>, prints: bool) -> anyhow::Result<()> {
        let holds_none = write.is_some_and(|path| Format::of(&path.to_string_lossy()) == Format::Pcap);
        if self.names && holds_none && !prints {
            bail!("a .pcap file has no place for names\nhint: give it a name that ends in .pcapng");
        }
        Ok(())
    }

    /// Whether they are.
    pub(super) fn wanted(self) -> bool {
        self.names
    }

    /// The dissector, which learns names where they are wanted; `written`: somebody keeps those that are new.
    pub(super) fn with(self, dissector: Dissector, written: bool) -> Dissector {
        match (self.names, written) {
            (false, _) => dissector,
            (true, false) => dissector.naming(Names::of_hosts()),
            (true, true) => dissector.naming(Names::of_hosts().collecting()),
        }
    }
}
