//! Tokens to a condition.

use std::net::IpAddr;
use std::ops::Range;

use super::compare::Literal;
use super::lexer::{Spanned, Token, tokens};
use super::place::Place;
use super::{Comparison, Test};
use crate::bytes::{Codes, Value, amounts, did_you_mean, nearest};
use crate::capture::filter::Error;

/// Brackets and negations inside each other that are followed.
const MAX_DEPTH: usize = 64;

/// Reads a whole condition.
pub(super) fn condition(text: &str) -> Result<Test, Error> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let test = parser.any()?;
    match parser.next() {
        Spanned { token: Token::End, .. } => Ok(test),
        other => Err(Error::new(other.span, "and, or or the end was expected")),
    }
}

struct Parser {
    tokens: Vec<Spanned>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens.get(self.at).map_or(&Token::End, |spanned| &spanned.token)
    }

    /// The next token; the end again and again.
    fn next(&mut self) -> Spanned {
        let last = self.tokens.len().saturating_sub(1);
        let found = self.tokens.get(self.at.min(last)).cloned();
        self.at += 1;
        found.unwrap_or(Spanned { token: Token::End, span: 0..0 })
    }

    fn any(&mut self) -> Result<Test, Error> {
        let mut tests = vec![self.all()?];
        while *self.peek() == Token::Or {
            self.at += 1;
            tests.push(self.all()?);
        }
        Ok(if tests.len() == 1 { tests.remove(0) } else { Test::Any(tests) })
    }

    fn all(&mut self) -> Result<Test, Error> {
        let mut tests = vec![self.one()?];
        while *self.peek() == Token::And {
            self.at += 1;
            tests.push(self.one()?);
        }
        Ok(if tests.len() == 1 { tests.remove(0) } else { Test::All(tests) })
    }

    fn one(&mut self) -> Result<Test, Error> {
        let Spanned { token, span } = self.next();
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Error::new(span, format!("more than {MAX_DEPTH} brackets stand inside each other")));
        }
        let test = match token {
            Token::Not => Test::Not(Box::new(self.one()?)),
            Token::Open => {
                let test = self.any()?;
                match self.next() {
                    Spanned { token: Token::Close, .. } => test,
                    other => return Err(Error::new(other.span, ") is missing")),
                }
            }
            Token::Word(name) => self.comparison(Place::of(&name, span)?)?,
            _ => return Err(Error::new(span, "a name is missing").hint("such as tcp.window == 0")),
        };
        self.depth -= 1;
        Ok(test)
    }

    fn comparison(&mut self, place: Place) -> Result<Test, Error> {
        let Token::Operator(comparison) = *self.peek() else { return Ok(Test::Present(place)) };
        let operator = self.next().span;
        if place.is_layer() {
            let message = format!("{} is a layer: it is there or not, and has no value", place.name);
            return Err(
                Error::new(operator, message).hint(format!("`netlab explain fields {}` lists its fields", place.name))
            );
        }
        let Spanned { token, span } = self.next();
        let literal = literal(&place, comparison, token, span)?;
        if has_no_order(&place, &literal) && !is_for_all(comparison) {
            return Err(Error::new(operator, format!("{} has no order: compare it with ==, != or ~", place.name)));
        }
        Ok(Test::Compare(place, comparison, literal))
    }
}

fn is_for_all(comparison: Comparison) -> bool {
    matches!(comparison, Comparison::Equal | Comparison::NotEqual | Comparison::Contains)
}

fn has_no_order(place: &Place, literal: &Literal) -> bool {
    matches!(literal, Literal::Text(_)) || matches!(literal, Literal::Address(..)) && place.known().is_empty()
}

/// What `token` means beside `place`.
fn literal(place: &Place, comparison: Comparison, token: Token, span: Range<usize>) -> Result<Literal, Error> {
    let word = match token {
        Token::Text(text) => return text_for(place, comparison, text, span),
        Token::Word(word) => word,
        _ => return Err(Error::new(span, "a value is missing")),
    };
    if comparison == Comparison::Contains {
        return Ok(Literal::Text(word.into_bytes()));
    }
    let samples: Vec<Value> = place.known().iter().flat_map(|known| known.samples.iter().copied()).collect();
    let meant = |value: &Value| match value {
        Value::Ipv4(_) | Value::Ipv6(_) => address(&word),
        Value::Mac(_) => word.parse().ok().map(Literal::Mac),
        Value::Flag(_) => flag(&word).or_else(|| number(&word)),
        value if value.number().is_some() => number(&word),
        _ => None,
    };
    if let Some(literal) = samples.iter().find_map(meant) {
        return Ok(literal);
    }
    match samples.first() {
        // What netlab says itself is a number or a word.
        None if place.is_own_number => {
            number(&word).or_else(|| time(place, &word)).ok_or_else(|| no_number(place, span))
        }
        None => number(&word).map_or_else(|| own_word(place, word.into_bytes(), span), Ok),
        Some(_) => text_for(place, comparison, word.into_bytes(), span),
    }
}

/// A text beside what netlab says itself: one of the words that it has for that, where they are counted.
fn own_word(place: &Place, text: Vec<u8>, span: Range<usize>) -> Result<Literal, Error> {
    let words = place.words();
    if words.is_empty() || words.iter().any(|word| word.as_bytes().eq_ignore_ascii_case(&text)) {
        return Ok(Literal::Text(text));
    }
    let shown = String::from_utf8_lossy(&text).into_owned();
    let near = did_you_mean(&nearest(&shown, words.iter().map(|word| (*word).to_owned()), 3));
    let hint = near.unwrap_or_else(|| format!("its words are {}", words.join(", ")));
    Err(Error::new(span, format!("{} has no value called {shown}", place.name)).hint(hint))
}

/// A text beside `place`, where that can be one.
fn text_for(place: &Place, comparison: Comparison, text: Vec<u8>, span: Range<usize>) -> Result<Literal, Error> {
    let known = place.known();
    let samples: Vec<Value> = known.iter().flat_map(|known| known.samples.iter().copied()).collect();
    if place.is_own_number && comparison != Comparison::Contains {
        return Err(no_number(place, span));
    }
    let textual = |value: &Value| matches!(value, Value::Bytes | Value::Text | Value::Piece { .. } | Value::Name(_));
    if comparison == Comparison::Contains || samples.iter().any(textual) {
        return Ok(Literal::Text(text));
    }
    if samples.is_empty() {
        return own_word(place, text, span);
    }
    let shown = String::from_utf8_lossy(&text).into_owned();
    let tables: Vec<Codes> = samples
        .iter()
        .filter_map(|value| if let Value::Code(_, codes, _) = value { Some(*codes) } else { None })
        .collect();
    if tables.iter().any(|codes| codes.number(&shown).is_some()) {
        return Ok(Literal::Text(text));
    }
    let expected = samples.iter().map(|value| expected(*value)).collect::<Vec<_>>().join(" or ");
    if tables.is_empty() || shown.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(Error::new(span, format!("{} is {expected}", place.name)));
    }
    let names = tables.iter().flat_map(|codes| codes.0.iter().map(|(_, name)| (*name).to_owned()));
    let hint = did_you_mean(&nearest(&shown, names, 3));
    let hint = hint.unwrap_or_else(|| "the number will do as well".to_owned());
    Err(Error::new(span, format!("{} has no value called {shown}", place.name)).hint(hint))
}

/// What a value of this kind is called.
fn expected(value: Value) -> &'static str {
    match value {
        Value::Ipv4(_) => "an IPv4 address, such as 192.0.2.1 or 192.0.2.0/24",
        Value::Ipv6(_) => "an IPv6 address, such as 2001:db8::1 or 2001:db8::/32",
        Value::Mac(_) => "a link address, such as 02:fc:00:00:00:01",
        Value::Flag(_) => "a flag: true or false",
        Value::Code(..) => "a number or the name of one",
        _ => "a number",
    }
}

fn flag(word: &str) -> Option<Literal> {
    word.parse::<bool>().ok().map(|set| Literal::Number(set.into()))
}

fn number(word: &str) -> Option<Literal> {
    let number = match word.strip_prefix("0x") {
        Some(digits) => i128::from_str_radix(digits, 16),
        None => word.parse(),
    };
    number.ok().map(Literal::Number)
}

/// A time where nanoseconds are counted.
fn time(place: &Place, word: &str) -> Option<Literal> {
    let time = place.name.ends_with("_ns").then(|| amounts::duration(word).ok())??;
    i128::try_from(time.as_nanos()).ok().map(Literal::Number)
}

fn no_number(place: &Place, span: Range<usize>) -> Error {
    if place.name.ends_with("_ns") {
        let message = format!("{} counts nanoseconds", place.name);
        return Error::new(span, message).hint("a number, or a time such as 1ms, 20us or 2s");
    }
    Error::new(span, format!("{} is a number", place.name))
}

fn address(word: &str) -> Option<Literal> {
    let (address, length) = word.split_once('/').map_or((word, None), |(address, length)| (address, Some(length)));
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let length = length.map_or(Some(most), |length| length.parse().ok().filter(|length| *length <= most))?;
    Some(Literal::Address(address, length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::Mac;

    #[test]
    fn addresses_may_be_networks_of_their_length() {
        assert!(address("10.0.0.0/33").is_none() && address("10.0.0/8").is_none() && address("::/129").is_none());
        assert_eq!(address("10.0.0.0/8"), Some(Literal::Address([10, 0, 0, 0].into(), 8)));
        assert_eq!(number("-20"), Some(Literal::Number(-20)));
        assert_eq!("02:fc:00:00:00:01".parse(), Ok(Mac([2, 0xfc, 0, 0, 0, 1])));
    }
}
