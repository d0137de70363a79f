//! Numbers computed from a packet, and their comparison.
//!
//! The reference grammar gives `%` and `^` no precedence: whatever follows them is computed first, and so are they
//! when they follow another operator. A filter must mean the same here, so this is kept.

use super::error::Error;
use super::keyword::Keyword;
use super::lexer::Token;
use super::parse::Parser;
use super::program::Operator;
use super::syntax::{Arithmetic, Comparison, Primitive, Relation};

/// How tightly an operator binds; none for `%` and `^`.
type Level = Option<u8>;

const UNARY: Level = Some(6);

fn operator(token: &Token) -> Option<(Operator, Level)> {
    let Token::Sign(sign) = token else { return None };
    Some(match *sign {
        "|" => (Operator::Or, Some(1)),
        "&" => (Operator::And, Some(2)),
        "<<" => (Operator::ShiftLeft, Some(3)),
        ">>" => (Operator::ShiftRight, Some(3)),
        "+" => (Operator::Add, Some(4)),
        "-" => (Operator::Subtract, Some(4)),
        "*" => (Operator::Multiply, Some(5)),
        "/" => (Operator::Divide, Some(5)),
        "%" => (Operator::Modulo, None),
        "^" => (Operator::Xor, None),
        _ => return None,
    })
}

/// Whether `next` belongs to the right operand of what stands before it.
fn binds_tighter(next: Level, before: Level) -> bool {
    next.zip(before).is_none_or(|(next, before)| next > before)
}

impl Parser {
    /// `left relation right`.
    pub(super) fn relation(&mut self) -> Result<Primitive, Error> {
        let left = self.arithmetic(Some(0))?;
        let (comparison, negated) = match self.peek() {
            Token::Sign(">") => (Comparison::Greater, false),
            Token::Sign(">=") => (Comparison::GreaterOrEqual, false),
            Token::Sign("=" | "==") => (Comparison::Equal, false),
            Token::Sign("<=") => (Comparison::Greater, true),
            Token::Sign("<") => (Comparison::GreaterOrEqual, true),
            Token::Sign("!=") => (Comparison::Equal, true),
            _ => return Err(self.unexpected("an operator or a comparison (=, !=, <, >, <=, >=)")),
        };
        self.advance();
        Ok(Primitive::Relation(left, Relation { comparison, negated }, self.arithmetic(Some(0))?))
    }

    fn arithmetic(&mut self, before: Level) -> Result<Arithmetic, Error> {
        self.deeper(|parser| {
            let mut left = parser.operand()?;
            let mut chain = 0;
            while let Some((operator, level)) = operator(parser.peek()).filter(|(_, l)| binds_tighter(*l, before)) {
                parser.advance();
                let start = parser.span().start;
                let right = Box::new(parser.arithmetic(level)?);
                left = Arithmetic::Binary { operator, left: Box::new(left), right, span: parser.since(start) };
                chain += 1;
                if chain > 200 {
                    return Err(Error::new(parser.span(), "more than 200 operators in a row"));
                }
            }
            Ok(left)
        })
    }

    fn operand(&mut self) -> Result<Arithmetic, Error> {
        let start = self.span().start;
        match *self.peek() {
            Token::Number(number) => {
                self.advance();
                Ok(Arithmetic::Number(number))
            }
            Token::Word(Keyword::Length) => {
                self.advance();
                Ok(Arithmetic::Length)
            }
            Token::Sign("-") => {
                self.advance();
                Ok(Arithmetic::Negate(Box::new(self.arithmetic(UNARY)?)))
            }
            Token::Sign("(") => {
                self.advance();
                let inner = self.arithmetic(Some(0))?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Word(Keyword::Protocol(protocol)) => {
                self.advance();
                self.expect("[")?;
                let index = Box::new(self.arithmetic(Some(0))?);
                let size = self.size()?;
                self.expect("]")?;
                Ok(Arithmetic::Load { protocol, index, size, span: self.since(start) })
            }
            _ => Err(self.unexpected("a protocol, a qualifier, a number or `(`")),
        }
    }

    fn size(&mut self) -> Result<u32, Error> {
        if !self.eat(&Token::Sign(":")) {
            return Ok(1);
        }
        let span = self.span();
        let size = self.number("a size in bytes")?;
        let fault = || Error::new(span, "a field is read with 1, 2 or 4 bytes");
        Some(size).filter(|size| matches!(size, 1 | 2 | 4)).ok_or_else(fault)
    }
}
