//! Steps to instructions: what is in which register, where everything lies, and jumps that are too far.

use std::collections::HashMap;

use super::condition::{Size, Test, Value};
use super::graph::{Graph, Id, Node};
use super::program::{LIMIT, MEMORY, Operator, Program, code, step};
use super::syntax::Comparison;
use super::words::Meaning;
use crate::link::packet_socket::Instruction;

/// Why a graph has no program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TooLarge {
    /// More instructions than the kernel takes.
    Instructions(usize),
    /// More scratch memory than there is.
    Memory,
}

/// The program that takes the steps of `graph` and keeps `snaplen` bytes of a packet that it accepts.
pub(super) fn assembled(graph: &Graph, snaplen: u32) -> Result<Program, TooLarge> {
    let mut states: HashMap<Id, Registers> = HashMap::new();
    let mut blocks = Vec::new();
    for id in graph.order() {
        let mut block = Block { id, registers: states.remove(&id).unwrap_or_default(), ..Block::default() };
        block.write(graph.node(id), snaplen)?;
        for way in graph.node(id).ways() {
            let after = &block.registers;
            states.entry(way).and_modify(|known| known.meet(after)).or_insert_with(|| after.clone());
        }
        blocks.push(block);
    }
    joined(&blocks)
}

/// What the registers are known to hold.
#[derive(Clone, Debug, Default)]
struct Registers {
    a: Option<Value>,
    x: Option<Value>,
}

impl Registers {
    fn meet(&mut self, other: &Registers) {
        self.a = self.a.take().filter(|value| other.a.as_ref() == Some(value));
        self.x = self.x.take().filter(|value| other.x.as_ref() == Some(value));
    }
}

/// How a block ends.
#[derive(Clone, Debug, Default)]
enum End {
    #[default]
    Return,
    Next(Id),
    /// The comparison, and where to go for yes and no.
    Choice(Instruction, String, Id, Id),
}

/// The instructions of one step.
#[derive(Clone, Debug, Default)]
struct Block {
    id: Id,
    registers: Registers,
    code: Vec<(Instruction, String)>,
    end: End,
    /// Memory words in use for intermediate results, counted from the last.
    temporaries: usize,
}

impl Block {
    fn write(&mut self, node: &Node, snaplen: u32) -> Result<(), TooLarge> {
        match node {
            Node::Reject => self.push(code::RETURN, 0, "does not match"),
            Node::Accept => self.push(code::RETURN, snaplen, "matches"),
            Node::Set { slot, value, next } => {
                self.load_a(value)?;
                self.push(code::STORE, u32::from(*slot), "");
                let stale = |held: &Value| held.uses_slot(*slot);
                self.registers.x = self.registers.x.take().filter(|held| !stale(held));
                self.registers.a = Some(Value::Slot(*slot));
                self.end = End::Next(*next);
            }
            Node::Test { test, yes, no } => {
                let (jump, note) = self.comparison(test)?;
                self.end = End::Choice(jump, note, *yes, *no);
            }
        }
        Ok(())
    }

    fn push(&mut self, code: u16, k: u32, note: &str) {
        self.code.push((step(code, k), note.to_owned()));
    }

    fn comparison(&mut self, test: &Test) -> Result<(Instruction, String), TooLarge> {
        let comparison = match test.comparison {
            Comparison::Equal => code::EQUAL,
            Comparison::Greater => code::GREATER,
            Comparison::GreaterOrEqual => code::GREATER_OR_EQUAL,
            Comparison::CommonBit => code::COMMON_BIT,
        };
        if let Value::Number(number) = test.operand {
            self.load_a(&test.value)?;
            let note = match test.comparison {
                Comparison::CommonBit => String::new(),
                _ => meaning(&test.value).of(number),
            };
            let note = if note.is_empty() { note } else { format!("{note}?") };
            return Ok((step(code::JUMP | comparison, number), note));
        }
        self.load_both(&test.value, &test.operand)?;
        Ok((step(code::JUMP | comparison | code::X, 0), String::new()))
    }

    fn load_a(&mut self, value: &Value) -> Result<(), TooLarge> {
        if self.registers.a.as_ref() == Some(value) {
            return Ok(());
        }
        if self.registers.x.as_ref() == Some(value) {
            self.push(code::X_TO_A, 0, "");
            self.registers.a = Some(value.clone());
            return Ok(());
        }
        match value {
            Value::Number(number) => self.push(code::LOAD, *number, ""),
            Value::Length => self.push(code::LOAD | code::LENGTH, 0, "length on the wire"),
            Value::Slot(slot) => self.push(code::LOAD | code::MEMORY, u32::from(*slot), ""),
            Value::Ancillary(field) => {
                self.push(code::LOAD | field.size() | code::ABSOLUTE, field.offset(), field.words());
            }
            Value::HeaderLength(_) => {
                self.load_x(value)?;
                self.push(code::X_TO_A, 0, "");
            }
            Value::Load { base, offset, size, meaning } => {
                let size = match size {
                    Size::Byte => code::BYTE,
                    Size::Half => code::HALF,
                    Size::Word => code::WORD,
                };
                let mode = if base.is_some() { code::INDIRECT } else { code::ABSOLUTE };
                base.as_ref().map_or(Ok(()), |base| self.load_x(base))?;
                self.push(code::LOAD | size | mode, *offset, meaning.0.field);
            }
            Value::Negate(inner) => {
                self.load_a(inner)?;
                self.push(code::NEGATE, 0, "");
            }
            Value::Binary(operator, left, right) => self.compute(*operator, left, right)?,
        }
        self.registers.a = Some(value.clone());
        Ok(())
    }

    fn compute(&mut self, operator: Operator, left: &Value, right: &Value) -> Result<(), TooLarge> {
        let with_x = code::COMPUTE | code::X | operator as u16;
        match (left, right) {
            (_, Value::Number(number)) => {
                self.load_a(left)?;
                self.push(code::COMPUTE | operator as u16, *number, "");
            }
            (Value::Number(number), _) if operator.commutes() => {
                self.load_a(right)?;
                self.push(code::COMPUTE | operator as u16, *number, "");
            }
            // What is simple belongs into X; where the order does not matter, either side will do.
            (simple, _) if operator.commutes() && is_simple(simple) && !is_simple(right) => {
                self.load_both(right, left)?;
                self.push(with_x, 0, "");
            }
            _ => {
                self.load_both(left, right)?;
                self.push(with_x, 0, "");
            }
        }
        Ok(())
    }

    /// `left` into A and `right` into X.
    fn load_both(&mut self, left: &Value, right: &Value) -> Result<(), TooLarge> {
        if is_simple(right) && !spoils_x(left) {
            self.load_a(left)?;
            return self.load_x(right);
        }
        if !spoils_x(left) {
            self.load_x(right)?;
            return self.load_a(left);
        }
        if is_simple(right) {
            self.load_a(left)?;
            return self.load_x(right);
        }
        self.load_a(right)?;
        self.temporaries += 1;
        let word = MEMORY.checked_sub(self.temporaries).filter(|word| *word >= MEMORY / 2).ok_or(TooLarge::Memory)?;
        self.push(code::STORE, word as u32, "");
        self.load_a(left)?;
        self.push(code::LOAD_X | code::MEMORY, word as u32, "");
        self.registers.x = Some(right.clone());
        self.temporaries -= 1;
        Ok(())
    }

    fn load_x(&mut self, value: &Value) -> Result<(), TooLarge> {
        if self.registers.x.as_ref() == Some(value) {
            return Ok(());
        }
        match value {
            Value::HeaderLength(offset) => self.push(code::HEADER_LENGTH, *offset, "length of the IPv4 header"),
            Value::Number(number) if self.registers.a.as_ref() != Some(value) => self.push(code::LOAD_X, *number, ""),
            Value::Slot(slot) if self.registers.a.as_ref() != Some(value) => {
                self.push(code::LOAD_X | code::MEMORY, u32::from(*slot), "");
            }
            _ => {
                self.load_a(value)?;
                self.push(code::A_TO_X, 0, "");
            }
        }
        self.registers.x = Some(value.clone());
        Ok(())
    }

    /// Its length when its jumps to these targets need so many stepping stones.
    fn length(&self, stones: usize) -> usize {
        self.code.len() + usize::from(matches!(self.end, End::Choice(..))) + stones
    }
}

/// Whether X takes it without the help of A.
fn is_simple(value: &Value) -> bool {
    matches!(value, Value::Number(_) | Value::Slot(_) | Value::HeaderLength(_))
}

/// Whether computing it needs X.
fn spoils_x(value: &Value) -> bool {
    value.any(&|part| match part {
        Value::Load { base, .. } => base.is_some(),
        Value::HeaderLength(_) => true,
        Value::Binary(_, _, right) => !matches!(**right, Value::Number(_)),
        _ => false,
    })
}

/// What is compared, seen through masks.
fn meaning(value: &Value) -> Meaning {
    match value {
        Value::Load { meaning, .. } => meaning.0,
        Value::Binary(Operator::And, left, _) => meaning(left),
        _ => Meaning::NONE,
    }
}

/// Which ways of a choice need a jump of their own, because they are more than 255 instructions away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stones {
    yes: bool,
    no: bool,
}

impl Stones {
    fn count(self) -> usize {
        usize::from(self.yes) + usize::from(self.no)
    }
}

/// The blocks one after the other. Stepping stones make a program longer, which may call for more of them: they are
/// added until all jumps reach.
fn joined(blocks: &[Block]) -> Result<Program, TooLarge> {
    let mut stones = vec![Stones::default(); blocks.len()];
    loop {
        let (starts, length) = placed(blocks, &stones);
        if length > LIMIT {
            return Err(TooLarge::Instructions(length));
        }
        let mut enough = true;
        for (index, (block, stone)) in blocks.iter().zip(&mut stones).enumerate() {
            let here = starts.get(&block.id).map_or(0, |start| start + block.code.len() + 1);
            let far = |target: &Id| starts.get(target).is_some_and(|start| start - here.min(*start) > 255);
            match &block.end {
                End::Choice(_, _, yes, no) => {
                    let wanted = Stones { yes: stone.yes || far(yes), no: stone.no || far(no) };
                    enough &= wanted == *stone;
                    *stone = wanted;
                }
                End::Next(next) => {
                    let wanted = Stones { yes: blocks.get(index + 1).is_none_or(|b| b.id != *next), no: false };
                    enough &= wanted == *stone;
                    *stone = wanted;
                }
                End::Return => {}
            }
        }
        if enough {
            return Ok(written(blocks, &stones, &starts));
        }
    }
}

fn placed(blocks: &[Block], stones: &[Stones]) -> (HashMap<Id, usize>, usize) {
    let mut starts = HashMap::new();
    let mut at = 0;
    for (block, stone) in blocks.iter().zip(stones) {
        starts.insert(block.id, at);
        at += block.length(stone.count());
    }
    (starts, at)
}

fn written(blocks: &[Block], stones: &[Stones], starts: &HashMap<Id, usize>) -> Program {
    let mut program = Program { instructions: Vec::new(), notes: Vec::new() };
    let mut push = |instruction: Instruction, note: &str| {
        program.instructions.push(instruction);
        program.notes.push(note.to_owned());
    };
    for (block, stone) in blocks.iter().zip(stones) {
        block.code.iter().for_each(|(instruction, note)| push(*instruction, note));
        let end = starts.get(&block.id).map_or(0, |start| start + block.code.len());
        let distance = |target: &Id, from: usize| starts.get(target).map_or(0, |start| start - (from + 1).min(*start));
        match &block.end {
            End::Return => {}
            End::Next(next) if stone.yes => push(step(code::JUMP, distance(next, end) as u32), ""),
            End::Next(_) => {}
            End::Choice(jump, note, yes, no) => {
                let first = end + 1;
                let second = first + usize::from(stone.yes);
                let near = |target: &Id, own: bool, stone: usize| {
                    (if own { stone - first } else { distance(target, end) }) as u8
                };
                let (jump_true, jump_false) = (near(yes, stone.yes, first), near(no, stone.no, second));
                push(Instruction { jump_true, jump_false, ..*jump }, note);
                if stone.yes {
                    push(step(code::JUMP, distance(yes, first) as u32), "");
                }
                if stone.no {
                    push(step(code::JUMP, distance(no, second) as u32), "");
                }
            }
        }
    }
    program
}
