//! Options of the TCP header.

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use crate::bytes::{Codes, Fault, Part, Reader, Record};

/// Option kinds (IANA "TCP option kind numbers").
pub const KINDS: Codes = Codes(&[
    (0, "end of option list"),
    (1, "no operation"),
    (2, "maximum segment size"),
    (3, "window scale"),
    (4, "SACK permitted"),
    (5, "SACK"),
    (6, "echo"),
    (7, "echo reply"),
    (8, "timestamps"),
    (9, "partial order connection permitted"),
    (10, "partial order service profile"),
    (11, "connection count"),
    (12, "new connection count"),
    (13, "connection count echo"),
    (14, "alternate checksum request"),
    (15, "alternate checksum data"),
    (16, "Skeeter"),
    (17, "Bubba"),
    (18, "trailer checksum"),
    (19, "MD5 signature"),
    (20, "SCPS capabilities"),
    (21, "selective negative acknowledgments"),
    (22, "record boundaries"),
    (23, "corruption experienced"),
    (24, "SNAP"),
    (26, "TCP compression filter"),
    (27, "quick-start response"),
    (28, "user timeout"),
    (29, "authentication"),
    (30, "multipath TCP"),
    (34, "fast open cookie"),
    (69, "encryption negotiation"),
    (172, "accurate ECN order 0"),
    (174, "accurate ECN order 1"),
    (253, "experiment 1"),
    (254, "experiment 2"),
]);

/// Subtypes of the multipath TCP option (RFC 8684, section 8.2).
pub const MPTCP_SUBTYPES: Codes = Codes(&[
    (0, "MP_CAPABLE"),
    (1, "MP_JOIN"),
    (2, "DSS"),
    (3, "ADD_ADDR"),
    (4, "REMOVE_ADDR"),
    (5, "MP_PRIO"),
    (6, "MP_FAIL"),
    (7, "MP_FASTCLOSE"),
    (8, "MP_TCPRST"),
    (15, "MP_EXPERIMENTAL"),
]);

/// SACK blocks that fit into 40 bytes of options.
pub const MAX_SACK_BLOCKS: usize = 4;

/// What the options of a TCP header say to programs; people see every option's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct TcpOptions {
    /// Largest segment the sender takes, in bytes (RFC 9293).
    pub mss: Option<u16>,
    /// Power of two by which the sender's windows are to be multiplied (RFC 7323).
    pub window_scale: Option<u8>,
    /// Selective acknowledgments are understood (RFC 2018).
    pub sack_permitted: bool,
    /// Received blocks as left and right edge (RFC 2018); the first [`TcpOptions::sack_count`] count.
    pub sack_blocks: [(u32, u32); MAX_SACK_BLOCKS],
    /// How many of the SACK blocks are filled, 0–4.
    pub sack_count: u8,
    /// The sender's clock and the last one it saw from its peer (RFC 7323).
    pub timestamps: Option<Timestamps>,
    /// Bytes of the fast open cookie; 0 asks for one (RFC 7413).
    pub fast_open: Option<u8>,
    /// Subtype of the first multipath TCP option (RFC 8684).
    pub mptcp: Option<u8>,
    /// The segment is signed: MD5 signature (RFC 2385) or TCP-AO (RFC 5925).
    pub signed: bool,
    /// The kind of the first option that has no place in this structure.
    pub other: Option<u8>,
}

/// The timestamps option, RFC 7323 section 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Timestamps {
    /// The sender's clock, in ticks.
    pub value: u32,
    /// The peer's clock as last seen; meaningful with ACK.
    pub echo_reply: u32,
}

impl TcpOptions {
    /// The SACK blocks as (left edge, right edge).
    pub fn sack_blocks(&self) -> &[(u32, u32)] {
        self.sack_blocks.get(..self.sack_count.into()).unwrap_or_default()
    }

    /// Reads options up to the end of the window.
    #[inline]
    pub(super) fn read<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        while r.remaining() > 0 {
            match r.code8("option kind", KINDS)? {
                0 => {
                    r.rest("padding");
                    return Ok(());
                }
                1 => {}
                kind => {
                    let length = r.u8("option length")?;
                    let Some(body) = usize::from(length).checked_sub(2) else {
                        let value = length.into();
                        return Err(Fault::Invalid { field: "option length", value, expected: "at least 2" });
                    };
                    r.area("option data", body, "option data", |r| self.option(r, kind))?;
                }
            }
        }
        Ok(())
    }

    #[inline]
    fn option<R: Record>(&mut self, r: &mut Reader<'_, R>, kind: u8) -> Result<(), Fault> {
        match kind {
            2 => self.mss = Some(r.u16("maximum segment size")?),
            3 => self.window_scale = Some(r.u8("shift count")?),
            4 => self.sack_permitted = true,
            5 => self.sack(r)?,
            8 => {
                let value = r.u32("timestamp value")?;
                self.timestamps = Some(Timestamps { value, echo_reply: r.u32("timestamp echo reply")? });
            }
            19 => {
                self.signed = true;
                r.bytes("md5 digest", 16)?;
            }
            29 => {
                self.signed = true;
                r.u8("key id")?;
                r.u8("receive next key id")?;
                r.rest("message authentication code");
            }
            30 => {
                let [subtype, _] =
                    r.bits::<1, 2>(&[Part::code("mptcp subtype", 4, MPTCP_SUBTYPES), Part::hex("mptcp flags", 4)])?;
                self.mptcp.get_or_insert(subtype as u8);
                r.rest("mptcp data");
            }
            34 => self.fast_open = Some(r.rest("fast open cookie").len() as u8),
            other => self.other(r, other)?,
        }
        Ok(())
    }

    fn sack<R: Record>(&mut self, r: &mut Reader<'_, R>) -> Result<(), Fault> {
        while r.remaining() > 0 {
            let block = (r.u32("left edge")?, r.u32("right edge")?);
            if let Some(slot) = self.sack_blocks.get_mut(usize::from(self.sack_count)) {
                *slot = block;
                self.sack_count = self.sack_count.saturating_add(1);
            }
        }
        Ok(())
    }

    fn other<R: Record>(&mut self, r: &mut Reader<'_, R>, kind: u8) -> Result<(), Fault> {
        self.other.get_or_insert(kind);
        match kind {
            6 | 7 => drop(r.u32("echo data")?),
            28 => {
                r.bits::<2, 2>(&[Part::flag("granularity"), Part::number("user timeout", 15)])?;
            }
            253 | 254 => drop(r.hex16("experiment identifier")?),
            _ => {}
        }
        Ok(())
    }
}
