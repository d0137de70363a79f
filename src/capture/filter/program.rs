//! The instructions of the classic BPF machine, and how they are written down.
//!
//! The machine (McCanne and Jacobson, "The BSD Packet Filter", 1993; Documentation/networking/filter.rst of Linux) has
//! an accumulator A, an index X, sixteen words of memory M and only forward jumps. `ret` says how many bytes to keep.

use std::fmt;

use crate::link::packet_socket::Instruction;

/// Instructions that the kernel takes at most (`BPF_MAXINSNS`).
pub const LIMIT: usize = 4096;

/// Words of scratch memory (`BPF_MEMWORDS`).
pub(super) const MEMORY: usize = 16;

/// Loads beyond this offset read what the kernel knows about the packet, not its bytes (`SKF_AD_OFF`).
pub(super) const ANCILLARY: u32 = 0xffff_f000;

/// An instruction that does not jump.
pub(super) const fn step(code: u16, constant: u32) -> Instruction {
    Instruction { code, jump_true: 0, jump_false: 0, constant }
}

/// Whether it compares and goes one of two ways.
const fn is_conditional(instruction: Instruction) -> bool {
    instruction.code & 7 == code::JUMP && instruction.code & 0xf0 != code::ALWAYS
}

/// The numbers of the instruction set (`linux/bpf_common.h`).
pub(super) mod code {
    pub const LOAD: u16 = 0x00;
    pub const LOAD_X: u16 = 0x01;
    pub const STORE: u16 = 0x02;
    pub const STORE_X: u16 = 0x03;
    pub const COMPUTE: u16 = 0x04;
    pub const JUMP: u16 = 0x05;
    pub const RETURN: u16 = 0x06;
    pub const A_TO_X: u16 = 0x07;
    pub const X_TO_A: u16 = 0x87;

    pub const WORD: u16 = 0x00;
    pub const HALF: u16 = 0x08;
    pub const BYTE: u16 = 0x10;

    pub const IMMEDIATE: u16 = 0x00;
    pub const ABSOLUTE: u16 = 0x20;
    pub const INDIRECT: u16 = 0x40;
    pub const MEMORY: u16 = 0x60;
    pub const LENGTH: u16 = 0x80;
    /// `X = 4 * (byte & 15)`: the length of an IPv4 header.
    pub const HEADER_LENGTH: u16 = 0xb1;

    pub const X: u16 = 0x08;
    pub const RETURN_A: u16 = 0x16;
    pub const NEGATE: u16 = 0x84;

    pub const ALWAYS: u16 = 0x00;
    pub const EQUAL: u16 = 0x10;
    pub const GREATER: u16 = 0x20;
    pub const GREATER_OR_EQUAL: u16 = 0x30;
    pub const COMMON_BIT: u16 = 0x40;
}

/// The operations on A; the value is the one in the instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Operator {
    Add = 0x00,
    Subtract = 0x10,
    Multiply = 0x20,
    Divide = 0x30,
    Or = 0x40,
    And = 0x50,
    ShiftLeft = 0x60,
    ShiftRight = 0x70,
    Modulo = 0x90,
    Xor = 0xa0,
}

impl Operator {
    pub(super) const ALL: [Operator; 10] = [
        Operator::Add,
        Operator::Subtract,
        Operator::Multiply,
        Operator::Divide,
        Operator::Or,
        Operator::And,
        Operator::ShiftLeft,
        Operator::ShiftRight,
        Operator::Modulo,
        Operator::Xor,
    ];

    /// The result; none for a division by zero, which ends a program with "no".
    pub(super) fn apply(self, left: u32, right: u32) -> Option<u32> {
        match self {
            Operator::Add => Some(left.wrapping_add(right)),
            Operator::Subtract => Some(left.wrapping_sub(right)),
            Operator::Multiply => Some(left.wrapping_mul(right)),
            Operator::Divide => left.checked_div(right),
            Operator::Modulo => left.checked_rem(right),
            Operator::Or => Some(left | right),
            Operator::And => Some(left & right),
            Operator::Xor => Some(left ^ right),
            Operator::ShiftLeft => Some(left.checked_shl(right).unwrap_or(0)),
            Operator::ShiftRight => Some(left.checked_shr(right).unwrap_or(0)),
        }
    }

    /// Whether the operands may be exchanged.
    pub(super) fn commutes(self) -> bool {
        matches!(self, Operator::Add | Operator::Multiply | Operator::Or | Operator::And | Operator::Xor)
    }

    fn name(self) -> &'static str {
        match self {
            Operator::Add => "add",
            Operator::Subtract => "sub",
            Operator::Multiply => "mul",
            Operator::Divide => "div",
            Operator::Or => "or",
            Operator::And => "and",
            Operator::ShiftLeft => "lsh",
            Operator::ShiftRight => "rsh",
            Operator::Modulo => "mod",
            Operator::Xor => "xor",
        }
    }
}

/// A compiled filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    pub(super) instructions: Vec<Instruction>,
    /// For each instruction what it is about, in words; may be empty.
    pub(super) notes: Vec<String>,
}

impl Program {
    /// The instructions, as a packet socket takes them: between 1 and [`LIMIT`] of them.
    pub fn instructions(&self) -> &[Instruction] {
        &self.instructions
    }

    /// One line per instruction: number, mnemonic, operand and targets in the notation of `tcpdump -d`, then what it is
    /// about in words.
    pub fn listing(&self) -> impl fmt::Display + '_ {
        Listing(self)
    }

    /// An initializer for C, as `tcpdump -dd` prints it.
    pub fn initializer(&self) -> impl fmt::Display + '_ {
        Lines(self, |f, i| writeln!(f, "{{ {:#x}, {}, {}, {:#010x} }},", i.code, i.jump_true, i.jump_false, i.constant))
    }

    /// Decimal numbers after their count, as `tcpdump -ddd` prints them.
    pub fn numbers(&self) -> impl fmt::Display + '_ {
        Counted(self)
    }
}

struct Listing<'a>(&'a Program);

impl fmt::Display for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Program { instructions, notes } = self.0;
        for (at, (instruction, note)) in instructions.iter().zip(notes).enumerate() {
            let line = image(at, *instruction);
            if note.is_empty() {
                writeln!(f, "{line}")?;
            } else {
                writeln!(f, "{line:<48} ; {note}")?;
            }
        }
        Ok(())
    }
}

struct Lines<'a>(&'a Program, fn(&mut fmt::Formatter<'_>, &Instruction) -> fmt::Result);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.instructions.iter().try_for_each(|instruction| (self.1)(f, instruction))
    }
}

struct Counted<'a>(&'a Program);

impl fmt::Display for Counted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.0.instructions.len())?;
        write!(f, "{}", Lines(self.0, |f, i| writeln!(f, "{} {} {} {}", i.code, i.jump_true, i.jump_false, i.constant)))
    }
}

/// One instruction in the notation of the reference.
fn image(at: usize, instruction: Instruction) -> String {
    let (name, operand) = mnemonic(at, instruction);
    if is_conditional(instruction) {
        let (jt, jf) = (at + 1 + usize::from(instruction.jump_true), at + 1 + usize::from(instruction.jump_false));
        return format!("({at:03}) {name:<8} {operand:<16} jt {jt:<4} jf {jf}");
    }
    format!("({at:03}) {name:<8} {operand}")
}

fn mnemonic(at: usize, instruction: Instruction) -> (&'static str, String) {
    let Instruction { code, constant: k, .. } = instruction;
    let signed = k as i32;
    match (code & 7, code) {
        (code::LOAD, _) => load(code, k),
        (_, code::HEADER_LENGTH) => ("ldxb", format!("4*([{signed}]&0xf)")),
        (code::LOAD_X, _) if code & 0xe0 == code::MEMORY => ("ldx", format!("M[{k}]")),
        (code::LOAD_X, _) if code & 0xe0 == code::LENGTH => ("ldx", "#pktlen".to_owned()),
        (code::LOAD_X, _) => ("ldx", format!("#{k:#x}")),
        (code::STORE, _) => ("st", format!("M[{k}]")),
        (code::STORE_X, _) => ("stx", format!("M[{k}]")),
        (_, code::NEGATE) => ("neg", String::new()),
        (code::COMPUTE, _) => compute(code, k),
        (code::JUMP, _) => jump(at, code, k),
        (_, code::RETURN_A) => ("ret", "a".to_owned()),
        (code::RETURN, _) => ("ret", format!("#{signed}")),
        (_, code::X_TO_A) => ("txa", String::new()),
        _ => ("tax", String::new()),
    }
}

fn load(code: u16, k: u32) -> (&'static str, String) {
    let name = match code & 0x18 {
        code::HALF => "ldh",
        code::BYTE => "ldb",
        _ => "ld",
    };
    let operand = match code & 0xe0 {
        code::ABSOLUTE => match Ancillary::ALL.iter().find(|field| field.offset() == k) {
            Some(field) => format!("[{}]", field.name()),
            None => format!("[{}]", k as i32),
        },
        code::INDIRECT => format!("[x + {}]", k as i32),
        code::MEMORY => format!("M[{k}]"),
        code::LENGTH => "#pktlen".to_owned(),
        _ => format!("#{k:#x}"),
    };
    (name, operand)
}

fn compute(code: u16, k: u32) -> (&'static str, String) {
    let operator = Operator::ALL.into_iter().find(|operator| *operator as u16 == code & 0xf0);
    let operand = match operator {
        _ if code & code::X != 0 => "x".to_owned(),
        Some(Operator::And | Operator::Or | Operator::Xor) => format!("#{k:#x}"),
        _ => format!("#{}", k as i32),
    };
    (operator.map_or("unimp", Operator::name), operand)
}

fn jump(at: usize, code: u16, k: u32) -> (&'static str, String) {
    let name = match code & 0xf0 {
        code::ALWAYS => return ("ja", (at as i64 + 1 + i64::from(k as i32)).to_string()),
        code::EQUAL => "jeq",
        code::GREATER => "jgt",
        code::GREATER_OR_EQUAL => "jge",
        _ => "jset",
    };
    (name, if code & code::X != 0 { "x".to_owned() } else { format!("#{k:#x}") })
}

/// What the kernel knows about a packet besides its bytes (linux/filter.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Ancillary {
    Protocol = 0,
    PacketType = 4,
    Interface = 8,
    Hardware = 28,
    VlanTag = 44,
    VlanPresent = 48,
    VlanProtocol = 60,
}

impl Ancillary {
    pub(super) const ALL: [Ancillary; 7] = [
        Ancillary::Protocol,
        Ancillary::PacketType,
        Ancillary::Interface,
        Ancillary::Hardware,
        Ancillary::VlanTag,
        Ancillary::VlanPresent,
        Ancillary::VlanProtocol,
    ];

    /// Where a load finds it.
    pub(super) const fn offset(self) -> u32 {
        ANCILLARY + self as u32
    }

    /// How many bytes it has.
    pub(super) const fn bytes(self) -> u32 {
        match self {
            Ancillary::VlanPresent | Ancillary::PacketType => 1,
            Ancillary::Interface => 4,
            _ => 2,
        }
    }

    /// With which width the reference loads it; the kernel does not care.
    pub(super) const fn size(self) -> u16 {
        match self {
            Ancillary::VlanPresent => code::BYTE,
            Ancillary::Interface => code::WORD,
            _ => code::HALF,
        }
    }

    /// What it is, for people.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Ancillary::Protocol => "ether type, from the kernel",
            Ancillary::PacketType => "packet type, from the kernel",
            Ancillary::Interface => "interface index, from the kernel",
            Ancillary::Hardware => "kind of link, from the kernel",
            Ancillary::VlanTag => "VLAN tag, taken out by the kernel",
            Ancillary::VlanPresent => "has the kernel taken out a VLAN tag?",
            Ancillary::VlanProtocol => "ether type of the VLAN tag taken out by the kernel",
        }
    }

    /// How the reference calls it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Ancillary::Protocol => "proto",
            Ancillary::PacketType => "type",
            Ancillary::Interface => "ifidx",
            Ancillary::Hardware => "hatype",
            Ancillary::VlanTag => "vlan_tci",
            Ancillary::VlanPresent => "vlanp",
            Ancillary::VlanProtocol => "vlan_tpid",
        }
    }
}
