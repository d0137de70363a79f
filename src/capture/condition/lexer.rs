//! A condition's text to tokens.

use std::ops::Range;

use super::Comparison;
use crate::capture::filter::Error;

/// What a piece of the text is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A name, a keyword, a number or an address.
    Word(String),
    /// Text in quotes, without them.
    Text(Vec<u8>),
    Operator(Comparison),
    And,
    Or,
    Not,
    Open,
    Close,
    End,
}

/// A token and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Spanned {
    pub token: Token,
    pub span: Range<usize>,
}

/// Longest first.
const SIGNS: [(&str, Token); 12] = [
    ("&&", Token::And),
    ("||", Token::Or),
    ("==", Token::Operator(Comparison::Equal)),
    ("!=", Token::Operator(Comparison::NotEqual)),
    ("<=", Token::Operator(Comparison::LessOrEqual)),
    (">=", Token::Operator(Comparison::GreaterOrEqual)),
    ("<", Token::Operator(Comparison::Less)),
    (">", Token::Operator(Comparison::Greater)),
    ("~", Token::Operator(Comparison::Contains)),
    ("!", Token::Not),
    ("(", Token::Open),
    (")", Token::Close),
];

/// The tokens of `text`, ended by [`Token::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Spanned>, Error> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let space = rest.len() - rest.trim_start().len();
        if space > 0 {
            at += space;
            continue;
        }
        let (token, length) = next(rest, at)?;
        found.push(Spanned { token, span: at..at + length });
        at += length;
    }
    found.push(Spanned { token: Token::End, span: text.len()..text.len() });
    Ok(found)
}

fn next(rest: &str, at: usize) -> Result<(Token, usize), Error> {
    if let Some((sign, token)) = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign)) {
        return Ok((token.clone(), sign.len()));
    }
    if rest.starts_with('"') {
        return quoted(rest, at);
    }
    if rest.starts_with('=') {
        return Err(Error::new(at..at + 1, "a comparison is written =="));
    }
    let part = |c: char| c.is_alphanumeric() || matches!(c, '.' | ':' | '/' | '_' | '-');
    let length = rest.find(|c| !part(c)).unwrap_or(rest.len());
    if length == 0 {
        let width = rest.chars().next().map_or(1, char::len_utf8);
        return Err(Error::new(at..at + width, "a name, a value or an operator was expected")
            .hint("text stands in quotes: dns.name ~ \"example\""));
    }
    let word = rest.get(..length).unwrap_or(rest);
    let token = match word {
        "and" => Token::And,
        "or" => Token::Or,
        "not" => Token::Not,
        word => Token::Word(word.to_owned()),
    };
    Ok((token, length))
}

/// Text in quotes, with `\"`, `\\`, `\n`, `\r`, `\t`, `\0` and `\xNN`.
fn quoted(rest: &str, at: usize) -> Result<(Token, usize), Error> {
    let mut text = Vec::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((here, character)) = characters.next() {
        match character {
            '"' => return Ok((Token::Text(text), here + 1)),
            '\\' => {
                let escape = characters.next().map(|(_, escape)| escape);
                let byte = match escape {
                    Some('x') => hex(rest.get(here + 2..here + 4)),
                    Some('n') => Some(b'\n'),
                    Some('r') => Some(b'\r'),
                    Some('t') => Some(b'\t'),
                    Some('0') => Some(0),
                    Some(same @ ('"' | '\\')) => Some(same as u8),
                    _ => None,
                };
                if escape == Some('x') && byte.is_some() {
                    characters.nth(1);
                }
                let here = at + here;
                let length = 1 + escape.map_or(0, char::len_utf8);
                text.push(
                    byte.ok_or_else(|| Error::new(here..here + length, r#"an escape is \\ \" \n \r \t \0 or \xNN"#))?,
                );
            }
            other => text.extend(other.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    Err(Error::new(at..at + rest.len(), "the text does not end").hint("a second \" is missing"))
}

fn hex(digits: Option<&str>) -> Option<u8> {
    let digits = digits.filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u8::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_bytes_and_wrong_ones_are_pointed_at() {
        let text = |text: &str| tokens(text).map(|tokens| tokens[0].token.clone());
        assert_eq!(text(r#""a\x1b\"\\\0é""#).unwrap(), Token::Text(b"a\x1b\"\\\0\xc3\xa9".to_vec()));
        assert_eq!(text(r#""a\q""#).unwrap_err().span, 2..4);
        assert_eq!(text(r#""\x4""#).unwrap_err().span, 1..3);
        assert_eq!(text("€").unwrap_err().span, 0..3);
    }
}
