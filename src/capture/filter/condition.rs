//! What a program asks, before it is instructions: conditions on 32-bit values.
//!
//! A value that lies beyond the packet ends the whole program with "no", so the order of conditions matters and is kept.

use std::hash::{Hash, Hasher};
use std::rc::Rc;

use super::program::{Ancillary, Operator};
use super::syntax::Comparison;
use super::words::Meaning;

/// Bytes that one load reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Size {
    Byte = 1,
    Half = 2,
    Word = 4,
}

/// A 32-bit number that the machine can compute.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Value {
    Number(u32),
    /// Bytes on the wire.
    Length,
    /// The big-endian bytes at `base + offset`; the sum does not wrap.
    Load {
        base: Option<Rc<Value>>,
        offset: u32,
        size: Size,
        meaning: Label,
    },
    /// `4 * (byte & 15)`.
    HeaderLength(u32),
    /// What the kernel knows about the packet.
    Ancillary(Ancillary),
    /// What [`Condition::Set`] stored.
    Slot(u8),
    Binary(Operator, Rc<Value>, Rc<Value>),
    Negate(Rc<Value>),
}

/// What a value means to people; two values are the same whatever they are called.
#[derive(Clone, Copy, Debug)]
pub(super) struct Label(pub Meaning);

impl PartialEq for Label {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Label {}

impl Hash for Label {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl Value {
    /// `left operator right`, computed now where both are known.
    ///
    /// # Errors
    /// A division by a known zero, which no packet can pass: told by `None`.
    pub(super) fn binary(operator: Operator, left: Value, right: Value) -> Option<Value> {
        Some(match (operator, &left, &right) {
            (Operator::Divide | Operator::Modulo, _, Value::Number(0)) => return None,
            (_, Value::Number(a), Value::Number(b)) => Value::Number(operator.apply(*a, *b)?),
            (Operator::And | Operator::Multiply, _, Value::Number(0)) => Value::Number(0),
            (Operator::And, _, Value::Number(u32::MAX))
            | (Operator::Multiply | Operator::Divide, _, Value::Number(1)) => left,
            (
                Operator::Add
                | Operator::Subtract
                | Operator::Or
                | Operator::Xor
                | Operator::ShiftLeft
                | Operator::ShiftRight,
                _,
                Value::Number(0),
            ) => left,
            (Operator::Add | Operator::Or | Operator::Xor, Value::Number(0), _) => right,
            (
                Operator::Multiply | Operator::Divide | Operator::And | Operator::ShiftLeft | Operator::ShiftRight,
                Value::Number(0),
                _,
            ) => Value::Number(0),
            _ => Value::Binary(operator, Rc::new(left), Rc::new(right)),
        })
    }

    pub(super) fn plus(self, right: Value) -> Value {
        let sum = Value::binary(Operator::Add, self.clone(), right.clone());
        sum.unwrap_or_else(|| Value::Binary(Operator::Add, Rc::new(self), Rc::new(right)))
    }

    pub(super) fn masked(self, mask: u32) -> Value {
        Value::binary(Operator::And, self, Value::Number(mask)).unwrap_or(Value::Number(0))
    }

    pub(super) fn shifted_left(self, bits: u32) -> Value {
        Value::Binary(Operator::ShiftLeft, Rc::new(self), Rc::new(Value::Number(bits)))
    }

    pub(super) fn negated(self) -> Value {
        match self {
            Value::Number(number) => Value::Number(number.wrapping_neg()),
            other => Value::Negate(Rc::new(other)),
        }
    }

    /// Whether it, or anything it is computed from, satisfies `test`.
    pub(super) fn any(&self, test: &impl Fn(&Value) -> bool) -> bool {
        test(self)
            || match self {
                Value::Load { base: Some(inner), .. } | Value::Negate(inner) => inner.any(test),
                Value::Binary(_, left, right) => left.any(test) || right.any(test),
                _ => false,
            }
    }

    pub(super) fn uses_slot(&self, slot: u8) -> bool {
        self.any(&|value| *value == Value::Slot(slot))
    }
}

/// One comparison of two values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Test {
    pub value: Value,
    pub comparison: Comparison,
    pub operand: Value,
}

impl Test {
    /// Whether it reads what a packet may not have, or divides by what may be zero.
    pub(super) fn can_end_the_program(&self) -> bool {
        let fails = |value: &Value| match value {
            Value::Load { .. } | Value::HeaderLength(_) => true,
            Value::Binary(Operator::Divide | Operator::Modulo, _, right) => !matches!(**right, Value::Number(_)),
            _ => false,
        };
        self.value.any(&fails) || self.operand.any(&fails)
    }
}

/// A condition on a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Constant(bool),
    Test(Test),
    /// Stores a value, then holds.
    Set(u8, Value),
    Not(Box<Condition>),
    /// Every one holds; tried in order, up to the first that does not.
    All(Vec<Condition>),
    /// At least one holds; tried in order, up to the first that does.
    Any(Vec<Condition>),
    /// The second where the first holds, the third where it does not.
    If(Box<[Condition; 3]>),
    /// One of the tags in front of the packet has this identifier, or any: only where every tag is seen through.
    Tagged(Option<u32>),
}

impl Condition {
    /// `value comparison operand`, in the form the machine does with the fewest steps.
    pub(super) fn test(value: Value, comparison: Comparison, operand: Value) -> Condition {
        match (value, comparison, operand) {
            (Value::Number(a), comparison, Value::Number(b)) => Condition::Constant(comparison.holds(a, b)),
            // A difference that is zero is an equality.
            (Value::Binary(Operator::Subtract, left, right), Comparison::Equal, Value::Number(0)) => {
                Condition::test((*left).clone(), Comparison::Equal, (*right).clone())
            }
            (Value::Binary(Operator::Subtract, left, right), Comparison::Equal, Value::Number(k))
                if matches!(*right, Value::Number(_)) =>
            {
                let Value::Number(subtracted) = *right else { return Condition::Constant(false) };
                Condition::test((*left).clone(), Comparison::Equal, Value::Number(k.wrapping_add(subtracted)))
            }
            (Value::Binary(Operator::And, left, right), Comparison::Equal, Value::Number(0))
                if matches!(*right, Value::Number(_)) =>
            {
                Condition::test((*left).clone(), Comparison::CommonBit, (*right).clone()).not()
            }
            // An equality can be asked either way round; the constant belongs into the instruction.
            (value @ Value::Number(_), Comparison::Equal, operand) => {
                Condition::test(operand, Comparison::Equal, value)
            }
            (value, comparison, operand) => Condition::Test(Test { value, comparison, operand }),
        }
    }

    pub(super) fn equal(value: Value, number: u32) -> Condition {
        Condition::test(value, Comparison::Equal, Value::Number(number))
    }

    pub(super) fn not(self) -> Condition {
        match self {
            Condition::Constant(known) => Condition::Constant(!known),
            Condition::Not(inner) => *inner,
            other => Condition::Not(Box::new(other)),
        }
    }

    pub(super) fn and(self, next: Condition) -> Condition {
        match self {
            Condition::All(mut parts) => {
                parts.push(next);
                Condition::All(parts)
            }
            first => Condition::All(vec![first, next]),
        }
    }

    pub(super) fn or(self, next: Condition) -> Condition {
        match self {
            Condition::Any(mut parts) => {
                parts.push(next);
                Condition::Any(parts)
            }
            first => Condition::Any(vec![first, next]),
        }
    }
}

impl Comparison {
    pub(super) fn holds(self, left: u32, right: u32) -> bool {
        match self {
            Comparison::Equal => left == right,
            Comparison::Greater => left > right,
            Comparison::GreaterOrEqual => left >= right,
            Comparison::CommonBit => left & right != 0,
        }
    }
}
