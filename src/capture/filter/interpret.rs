//! The machine that runs a filter on stored packets.
//!
//! **Invariant:** whatever the program and the packet are, [`Program::run`] returns: a jump that leaves the program, a
//! load beyond the packet, an unknown instruction, a division by zero or too long a run all mean "no".

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::program::{ANCILLARY, Ancillary, MEMORY, Operator, Program, code};
use crate::link::packet_socket::Instruction;
pub use crate::link::received::Tag;

/// What is known about a packet besides its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Bytes on the wire, of which the packet may hold fewer.
    pub length: u32,
    /// The outer VLAN tag, where the kernel took it out of the packet.
    pub vlan: Option<Tag>,
    /// The kernel's packet type ([`crate::link::received::Way`]); where it is not known, a filter that asks says no.
    pub packet_type: Option<u8>,
    /// The ether type of what the link carries.
    pub protocol: u16,
    /// The index of the interface.
    pub interface: u32,
    /// The kernel's number of the kind of link (ARPHRD).
    pub hardware: u16,
}

impl Metadata {
    /// A packet of which only the length on the wire is known.
    pub fn of_length(length: u32) -> Self {
        Metadata { length, ..Metadata::default() }
    }

    fn ancillary(&self, offset: u32) -> Option<u32> {
        let field = Ancillary::ALL.iter().find(|field| field.offset() == offset)?;
        Some(match field {
            Ancillary::Protocol => self.protocol.into(),
            Ancillary::PacketType => self.packet_type?.into(),
            Ancillary::Interface => self.interface,
            Ancillary::Hardware => self.hardware.into(),
            Ancillary::VlanTag => self.vlan.map_or(0, |tag| tag.control.into()),
            Ancillary::VlanPresent => self.vlan.is_some().into(),
            Ancillary::VlanProtocol => self.vlan.map_or(0, |tag| tag.protocol.into()),
        })
    }
}

/// Instructions that one run may take. Only programs from elsewhere jump backward; ours end after [`super::LIMIT`].
const BUDGET: u32 = 1 << 16;

impl Program {
    /// How many bytes of the packet to keep: 0 means that it does not match.
    pub fn run(&self, packet: &[u8], metadata: &Metadata) -> u32 {
        run(&self.instructions, packet, metadata)
    }
}

/// Runs any instructions, also those that no kernel would take.
pub fn run(instructions: &[Instruction], packet: &[u8], metadata: &Metadata) -> u32 {
    let mut machine = Machine { a: 0, x: 0, memory: [0; MEMORY], packet, metadata };
    let mut at = 0usize;
    for _ in 0..BUDGET {
        let Some(&instruction) = instructions.get(at) else { return 0 };
        let skip = match instruction.code & 7 {
            code::LOAD => machine.load(instruction).map(|value| {
                machine.a = value;
                0
            }),
            code::JUMP => Some(machine.jump(instruction)),
            code::RETURN if instruction.code == code::RETURN_A => return machine.a,
            code::RETURN => return instruction.constant,
            _ => machine.other(instruction).map(|()| 0),
        };
        let Some(skip) = skip else { return 0 };
        // A backward jump is a distance of nearly 2^32: it wraps round, as it does in the reference.
        at = (at as u32).wrapping_add(1).wrapping_add(skip) as usize;
    }
    0
}

struct Machine<'a> {
    a: u32,
    x: u32,
    memory: [u32; MEMORY],
    packet: &'a [u8],
    metadata: &'a Metadata,
}

impl Machine<'_> {
    fn load(&self, Instruction { code, constant: k, .. }: Instruction) -> Option<u32> {
        match code & 0xe0 {
            code::ABSOLUTE if k >= ANCILLARY => self.metadata.ancillary(k),
            code::ABSOLUTE => self.bytes(k, code),
            // No wrapping: an offset before the packet is outside of it.
            code::INDIRECT => self.bytes(self.x.checked_add(k)?, code),
            code::IMMEDIATE => Some(k),
            code::MEMORY => self.memory.get(k as usize).copied(),
            code::LENGTH => Some(self.metadata.length),
            _ => None,
        }
    }

    fn bytes(&self, offset: u32, code: u16) -> Option<u32> {
        let rest = self.packet.get(offset as usize..)?;
        match code & 0x18 {
            code::BYTE => rest.first().map(|byte| u32::from(*byte)),
            code::HALF => rest.first_chunk().map(|two| u16::from_be_bytes(*two).into()),
            code::WORD => rest.first_chunk().map(|four| u32::from_be_bytes(*four)),
            _ => None,
        }
    }

    fn jump(&self, Instruction { code, jump_true, jump_false, constant: k }: Instruction) -> u32 {
        let operand = if code & code::X == 0 { k } else { self.x };
        let holds = match code & 0xf0 {
            code::ALWAYS => return k,
            code::EQUAL => self.a == operand,
            code::GREATER => self.a > operand,
            code::GREATER_OR_EQUAL => self.a >= operand,
            _ => self.a & operand != 0,
        };
        u32::from(if holds { jump_true } else { jump_false })
    }

    fn other(&mut self, instruction: Instruction) -> Option<()> {
        let Instruction { code, constant: k, .. } = instruction;
        match code {
            code::HEADER_LENGTH => self.x = self.bytes(k, code::BYTE)?.wrapping_shl(2) & 0x3c,
            code::A_TO_X => self.x = self.a,
            code::X_TO_A => self.a = self.x,
            code::STORE => *self.memory.get_mut(k as usize)? = self.a,
            code::STORE_X => *self.memory.get_mut(k as usize)? = self.x,
            code::NEGATE => self.a = self.a.wrapping_neg(),
            _ if code & 7 == code::LOAD_X => {
                self.x = match code & 0xe0 {
                    code::IMMEDIATE => k,
                    code::MEMORY => *self.memory.get(k as usize)?,
                    code::LENGTH => self.metadata.length,
                    _ => return None,
                }
            }
            _ if code & 7 == code::COMPUTE => {
                let operator = Operator::ALL.into_iter().find(|operator| *operator as u16 == code & 0xf0)?;
                self.a = operator.apply(self.a, if code & code::X == 0 { k } else { self.x })?;
            }
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::program::step;
    use super::*;

    fn result(instructions: &[(u16, u32)], packet: &[u8]) -> u32 {
        let all: Vec<Instruction> = instructions.iter().map(|(code, k)| step(*code, *k)).collect();
        run(&all, packet, &Metadata::of_length(packet.len() as u32))
    }

    #[test]
    fn loads_beyond_the_packet_and_wrapped_offsets_mean_no() {
        let ret = (code::RETURN_A, 0);
        let half = code::LOAD | code::HALF | code::ABSOLUTE;
        assert_eq!(result(&[(half, 1), ret], &[1, 2, 3]), 0x0203);
        assert_eq!(result(&[(half, 2), ret], &[1, 2, 3]), 0);
        let indirect = code::LOAD | code::BYTE | code::INDIRECT;
        assert_eq!(result(&[(code::LOAD_X, 2), (indirect, u32::MAX), ret], &[1, 2, 3]), 0);
    }

    #[test]
    fn what_no_kernel_takes_ends_with_no() {
        assert_eq!(result(&[], &[]), 0);
        assert_eq!(result(&[(0xff, 7)], &[]), 0);
        assert_eq!(result(&[(code::JUMP, u32::MAX)], &[]), 0, "a loop ends");
        assert_eq!(result(&[(code::STORE, 16), (code::RETURN, 5)], &[]), 0);
        assert_eq!(result(&[(code::COMPUTE | Operator::Divide as u16, 0), (code::RETURN, 5)], &[]), 0);
    }
}
