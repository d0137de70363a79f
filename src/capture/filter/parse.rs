//! Tokens to a tree, by the reference grammar: `and` and `or` bind equally and from the left, a term that is only an
//! id takes the qualifiers of the term before it.

use std::ops::Range;

use super::error::Error;
use super::keyword::{self, Keyword};
use super::lexer::{Spanned, Token, tokens};
use super::syntax::{Comparison, Direction, Expression, Kind, LlcType, Primitive, Protocol, Qualifiers, Relation};

/// Reads an expression; none where the text is empty, which accepts every packet.
pub(super) fn parse(text: &str) -> Result<Option<Expression>, Error> {
    let tokens = tokens(text)?;
    let closing = closing(&tokens)?;
    let mut parser = Parser { tokens, closing, at: 0, depth: 0 };
    if parser.peek() == &Token::End {
        return Ok(None);
    }
    let (expression, _) = parser.expression(None)?;
    match parser.peek() {
        Token::End => Ok(Some(expression)),
        _ => Err(parser.unexpected("`and`, `or` or the end of the filter")),
    }
}

/// Nested parentheses, negations and changes between `and` and `or` that are followed; nobody writes as many.
const DEPTH: usize = 200;

pub(super) struct Parser {
    tokens: Vec<Spanned>,
    /// For each opening parenthesis where it closes.
    closing: Vec<usize>,
    at: usize,
    depth: usize,
}

/// What a piece of the text begins with: an id without qualifiers, or a term of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    Id,
    Term,
}

type Inherited = Option<Qualifiers>;

impl Parser {
    pub(super) fn peek(&self) -> &Token {
        self.ahead(0)
    }

    pub(super) fn ahead(&self, count: usize) -> &Token {
        self.tokens.get(self.at + count).map_or(&Token::End, |spanned| &spanned.token)
    }

    pub(super) fn span(&self) -> Range<usize> {
        let last = self.tokens.len().saturating_sub(1);
        self.tokens.get(self.at.min(last)).map_or(0..0, |spanned| spanned.span.clone())
    }

    /// From `start` to the end of the token read last.
    pub(super) fn since(&self, start: usize) -> Range<usize> {
        let end = self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(start, |s| s.span.end);
        start..end.max(start)
    }

    pub(super) fn advance(&mut self) {
        self.at += 1;
    }

    pub(super) fn eat(&mut self, wanted: &Token) -> bool {
        let found = self.peek() == wanted;
        self.at += usize::from(found);
        found
    }

    pub(super) fn eat_word(&mut self, word: Keyword) -> bool {
        self.eat(&Token::Word(word))
    }

    pub(super) fn expect(&mut self, sign: &'static str) -> Result<(), Error> {
        if self.eat(&Token::Sign(sign)) { Ok(()) } else { Err(self.unexpected(&format!("`{sign}`"))) }
    }

    pub(super) fn unexpected(&self, expected: &str) -> Error {
        let found = match self.peek() {
            Token::End => return Error::new(self.span(), format!("the filter ends where {expected} was expected")),
            Token::Word(Keyword::Foreign(link)) => return foreign(self.span(), link),
            _ => "this",
        };
        let error = Error::new(self.span(), format!("expected {expected}, not {found}"));
        match self.peek() {
            Token::Word(_) => error.hint("a keyword used as a name is written with a backslash, such as \\tcp"),
            _ => error,
        }
    }

    pub(super) fn number(&mut self, what: &str) -> Result<u32, Error> {
        let Token::Number(number) = *self.peek() else { return Err(self.unexpected(what)) };
        self.advance();
        Ok(number)
    }

    /// Runs `inner` one level deeper.
    pub(super) fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        if self.depth >= DEPTH {
            return Err(Error::new(self.span(), format!("more than {DEPTH} levels of nesting")));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn start(&self, at: usize) -> Start {
        let mut at = at;
        loop {
            match self.tokens.get(at).map_or(&Token::End, |s| &s.token) {
                Token::Name(_) | Token::Dotted(_) | Token::Address6(_) | Token::Link(_) => return Start::Id,
                Token::Number(_) if self.computes(at + 1) => return Start::Term,
                Token::Number(_) => return Start::Id,
                Token::Sign("(") if self.is_arithmetic(at) => return Start::Term,
                Token::Sign("(" | "!") | Token::Word(Keyword::Not) => at += 1,
                _ => return Start::Term,
            }
        }
    }

    /// Whether the token there continues a computation.
    fn computes(&self, at: usize) -> bool {
        let signs = ["+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", "=", "==", "!=", "<", ">", "<=", ">="];
        matches!(self.tokens.get(at).map(|s| &s.token), Some(Token::Sign(sign)) if signs.contains(sign))
    }

    /// Whether the parenthesis that opens there holds a number rather than a condition.
    pub(super) fn is_arithmetic(&self, at: usize) -> bool {
        self.closing.get(at).is_some_and(|close| self.computes(close + 1))
    }

    fn expression(&mut self, inherited: Inherited) -> Result<(Expression, Inherited), Error> {
        let (mut whole, mut qualifiers) = self.term(inherited)?;
        let mut changes = 0;
        while let Some(word) = self.connective() {
            let (next, inherited) = match self.start(self.at) {
                Start::Id => {
                    let taken = qualifiers.ok_or_else(|| self.unqualified())?;
                    (self.id(taken)?, qualifiers)
                }
                Start::Term => self.term(qualifiers)?,
            };
            whole = self.join(word, whole, next, &mut changes)?;
            qualifiers = inherited;
        }
        Ok((whole, qualifiers))
    }

    /// `left word right`; counts how often a chain changes between `and` and `or`, because each change is a level.
    pub(super) fn join(
        &self,
        word: Keyword,
        left: Expression,
        right: Expression,
        changes: &mut usize,
    ) -> Result<Expression, Error> {
        match (word, left) {
            (Keyword::And, Expression::All(mut parts)) => {
                parts.push(right);
                Ok(Expression::All(parts))
            }
            (Keyword::Or, Expression::Any(mut parts)) => {
                parts.push(right);
                Ok(Expression::Any(parts))
            }
            _ if *changes >= DEPTH => {
                Err(Error::new(self.span(), format!("more than {DEPTH} changes between `and` and `or`")))
            }
            (word, left) => {
                *changes += 1;
                let parts = vec![left, right];
                Ok(if word == Keyword::And { Expression::All(parts) } else { Expression::Any(parts) })
            }
        }
    }

    pub(super) fn connective(&mut self) -> Option<Keyword> {
        let word = match self.peek() {
            Token::Word(Keyword::And) | Token::Sign("&&") => Keyword::And,
            Token::Word(Keyword::Or) | Token::Sign("||") => Keyword::Or,
            _ => return None,
        };
        self.advance();
        Some(word)
    }

    fn unqualified(&self) -> Error {
        let message = "no qualifier says what this is, and there is none to take over from the term before";
        Error::new(self.span(), message).hint("write host, net, port or proto before it")
    }

    fn negation(&mut self) -> bool {
        self.eat_word(Keyword::Not) || self.eat(&Token::Sign("!"))
    }

    fn term(&mut self, inherited: Inherited) -> Result<(Expression, Inherited), Error> {
        self.deeper(|parser| {
            if parser.negation() {
                let (inner, qualifiers) = parser.term(inherited)?;
                return Ok((Expression::Not(Box::new(inner)), qualifiers));
            }
            if parser.peek() == &Token::Sign("(") && !parser.is_arithmetic(parser.at) {
                parser.advance();
                let (inner, _) = parser.expression(inherited)?;
                parser.expect(")")?;
                return Ok((inner, inherited));
            }
            parser.plain()
        })
    }

    /// A term without negation and parentheses.
    fn plain(&mut self) -> Result<(Expression, Inherited), Error> {
        let start = self.span().start;
        if self.start(self.at) == Start::Id {
            return Err(self.unqualified());
        }
        let protocol = match (self.peek(), self.ahead(1)) {
            (Token::Word(Keyword::Protocol(_)), Token::Sign("[")) => None,
            (Token::Word(Keyword::Protocol(protocol)), _) => Some(*protocol),
            _ => None,
        };
        if protocol.is_some() {
            self.advance();
        }
        let primitive = match self.special(protocol)? {
            Some(primitive) => primitive,
            None => match self.qualifiers(protocol)? {
                Some(qualifiers) => return Ok((self.id(qualifiers)?, Some(qualifiers))),
                None => protocol.map_or_else(|| self.relation(), |protocol| Ok(Primitive::Protocol(protocol)))?,
            },
        };
        Ok((Expression::Primitive(primitive, self.since(start)), None))
    }

    /// The primitives that are not built from qualifiers and an id.
    fn special(&mut self, protocol: Option<Protocol>) -> Result<Option<Primitive>, Error> {
        let Token::Word(word) = *self.peek() else { return Ok(None) };
        let primitive = match word {
            Keyword::Broadcast => Primitive::Broadcast(protocol),
            Keyword::Multicast => Primitive::Multicast(protocol),
            _ if protocol.is_some() => return Ok(None),
            Keyword::Inbound => Primitive::Inbound,
            Keyword::Outbound => Primitive::Outbound,
            Keyword::PppoeDiscovery => Primitive::PppoeDiscovery,
            _ => return self.numbered(word),
        };
        self.advance();
        Ok(Some(primitive))
    }

    /// The primitives that take a number, or may.
    fn numbered(&mut self, word: Keyword) -> Result<Option<Primitive>, Error> {
        self.advance();
        let primitive = match word {
            Keyword::Less => length(Comparison::Greater, true, self.number("a length in bytes")?),
            Keyword::Greater => length(Comparison::GreaterOrEqual, false, self.number("a length in bytes")?),
            Keyword::Byte => self.byte()?,
            Keyword::InterfaceIndex => Primitive::InterfaceIndex(self.number("an interface index")?),
            Keyword::Vlan => Primitive::Vlan(self.optional_number()?),
            Keyword::Mpls => Primitive::Mpls(self.optional_number()?),
            Keyword::PppoeSession => Primitive::PppoeSession(self.optional_number()?),
            Keyword::Geneve => Primitive::Geneve(self.optional_number()?),
            Keyword::Llc => Primitive::Llc(self.llc_type()?),
            _ => {
                self.at -= 1;
                return Ok(None);
            }
        };
        Ok(Some(primitive))
    }

    /// A number that may stand in parentheses, or nothing.
    fn optional_number(&mut self) -> Result<Option<u32>, Error> {
        match *self.peek() {
            Token::Number(number) => {
                self.advance();
                Ok(Some(number))
            }
            Token::Sign("(") => self.deeper(|parser| {
                parser.advance();
                let number = parser.optional_number()?.ok_or_else(|| parser.unexpected("a number"))?;
                parser.expect(")")?;
                Ok(Some(number))
            }),
            _ => Ok(None),
        }
    }

    fn byte(&mut self) -> Result<Primitive, Error> {
        let offset = self.number("an offset in bytes")?;
        let (comparison, negated) = match self.peek() {
            Token::Sign("=" | "==") => (Comparison::Equal, false),
            Token::Sign("<") => (Comparison::GreaterOrEqual, true),
            Token::Sign(">") => (Comparison::Greater, false),
            _ => return Err(self.unexpected("`=`, `<` or `>`").hint("anything more is written link[N] & MASK != 0")),
        };
        self.advance();
        Ok(Primitive::Byte(offset, Relation { comparison, negated }, self.number("a value")?))
    }

    fn llc_type(&mut self) -> Result<Option<LlcType>, Error> {
        let name = match self.peek() {
            Token::Name(name) => name.to_ascii_lowercase(),
            Token::Word(Keyword::Rnr) => "rnr".to_owned(),
            _ => return Ok(None),
        };
        let row = keyword::LLC_TYPES.iter().find(|(known, ..)| *known == name);
        let Some(&(_, mask, value)) = row else {
            let names: Vec<&str> = keyword::LLC_TYPES.iter().map(|(name, ..)| *name).collect();
            return Err(Error::new(self.span(), format!("an LLC type is one of {}", names.join(", "))));
        };
        self.advance();
        Ok(Some(LlcType { mask, value }))
    }

    /// Direction and kind, in that order; none where neither is there.
    fn qualifiers(&mut self, protocol: Option<Protocol>) -> Result<Option<Qualifiers>, Error> {
        let direction = self.direction()?;
        let (kind, directed) = match self.peek() {
            Token::Word(Keyword::Host) => (Kind::Host, true),
            Token::Word(Keyword::Net) => (Kind::Net, true),
            Token::Word(Keyword::Port) => (Kind::Port, true),
            Token::Word(Keyword::PortRange) => (Kind::PortRange, true),
            Token::Word(Keyword::Proto) => (Kind::Proto, false),
            Token::Word(Keyword::ProtoChain) => (Kind::ProtoChain, false),
            Token::Word(Keyword::Gateway) => (Kind::Gateway, false),
            Token::Word(Keyword::Foreign(link)) => return Err(foreign(self.span(), link)),
            _ if direction.is_none() => return Ok(None),
            _ => return Ok(Some(Qualifiers { protocol, direction, kind: Kind::Unsaid })),
        };
        if direction.is_some() && !directed {
            return Err(self.unexpected("host, net, port or portrange after a direction"));
        }
        self.advance();
        Ok(Some(Qualifiers { protocol, direction, kind }))
    }

    fn direction(&mut self) -> Result<Option<Direction>, Error> {
        let (first, other) = match self.peek() {
            Token::Word(Keyword::Source) => (Direction::Source, Keyword::Destination),
            Token::Word(Keyword::Destination) => (Direction::Destination, Keyword::Source),
            _ => return Ok(None),
        };
        self.advance();
        let joined = match self.connective() {
            Some(Keyword::And) => Direction::Both,
            Some(_) => Direction::Either,
            None => return Ok(Some(first)),
        };
        if !self.eat_word(other) {
            return Err(self.unexpected("the other direction"));
        }
        Ok(Some(joined))
    }
}

fn foreign(span: Range<usize>, link: &str) -> Error {
    Error::new(span, format!("this asks about {link}, which no link type read here carries"))
}

fn length(comparison: Comparison, negated: bool, bytes: u32) -> Primitive {
    use super::syntax::Arithmetic;
    Primitive::Relation(Arithmetic::Length, Relation { comparison, negated }, Arithmetic::Number(bytes))
}

/// Where each opening parenthesis closes; zero for every other token.
fn closing(tokens: &[Spanned]) -> Result<Vec<usize>, Error> {
    let mut closing = vec![0; tokens.len()];
    let mut open = Vec::new();
    for (at, spanned) in tokens.iter().enumerate() {
        match spanned.token {
            Token::Sign("(") => open.push(at),
            Token::Sign(")") => {
                let opened =
                    open.pop().ok_or_else(|| Error::new(spanned.span.clone(), "this parenthesis closes nothing"))?;
                if let Some(entry) = closing.get_mut(opened) {
                    *entry = at;
                }
            }
            _ => {}
        }
    }
    match open.pop().and_then(|at| tokens.get(at)) {
        Some(unclosed) => Err(Error::new(unclosed.span.clone(), "this parenthesis is never closed")),
        None => Ok(closing),
    }
}
