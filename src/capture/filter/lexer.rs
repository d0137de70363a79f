//! Text to tokens. The longest match wins, as in the reference scanner: `icmp-echo` is a number, `icmp-x` a name,
//! `1.2.3.4` an address, `80-90` a name (a port range), `aa:bb:cc:dd:ee:ff` a link address.

use std::net::Ipv6Addr;
use std::ops::Range;

use super::error::Error;
use super::keyword::{self, Keyword};
use crate::bytes::Mac;

/// What a piece of the text is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(Keyword),
    /// A number in C notation, or a named constant such as `tcp-syn`.
    Number(u32),
    /// Anything that is not a keyword, or is escaped with a backslash.
    Name(String),
    /// Two to four decimal numbers with dots: an address or the leading part of one, left as written.
    Dotted(String),
    Address6(Ipv6Addr),
    Link(Mac),
    /// An operator or a bracket.
    Sign(&'static str),
    End,
}

/// A token and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Spanned {
    pub token: Token,
    pub span: Range<usize>,
}

/// Longest first, so that `<<` is not read as two `<`.
const SIGNS: [&str; 26] = [
    "&&", "||", ">=", "<=", "!=", "==", "<<", ">>", "+", "-", "*", "/", "%", ":", "[", "]", "!", "<", ">", "(", ")",
    "&", "|", "^", "=", "$",
];

/// The tokens of `text`, ended by [`Token::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Spanned>, Error> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let space = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
        if space > 0 {
            at += space;
            continue;
        }
        let (token, length) = next(rest).map_err(|fault| fault.at(at))?;
        found.push(Spanned { token, span: at..at + length });
        at += length;
    }
    found.push(Spanned { token: Token::End, span: text.len()..text.len() });
    Ok(found)
}

/// A fault in the first `length` bytes of what remains.
struct Fault {
    length: usize,
    message: String,
}

impl Fault {
    fn at(self, start: usize) -> Error {
        Error::new(start..start + self.length, self.message)
    }
}

fn next(rest: &str) -> Result<(Token, usize), Fault> {
    if let Some(escaped) = rest.strip_prefix('\\') {
        let length = escaped.find([' ', '!', '(', ')', '\n', '\t']).unwrap_or(escaped.len());
        let message = "a name must follow the backslash".to_owned();
        return match escaped.get(..length).filter(|name| !name.is_empty()) {
            Some(name) => Ok((Token::Name(name.to_owned()), length + 1)),
            None => Err(Fault { length: 1, message }),
        };
    }
    let word = word_length(rest);
    if let Some(found) = colons(rest, word)? {
        return Ok(found);
    }
    if word > 0 {
        return Ok((classify(rest.get(..word).unwrap_or(rest))?, word));
    }
    let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
    sign.map(|sign| (Token::Sign(sign), sign.len())).ok_or_else(|| Fault {
        length: rest.chars().next().map_or(1, char::len_utf8),
        message: "this character has no meaning in a filter".to_owned(),
    })
}

/// Bytes of the name that starts here: letters, digits, dots, and inside it also `-` and `_`.
fn word_length(rest: &str) -> usize {
    if !rest.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return 0;
    }
    let run = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))).unwrap_or(rest.len());
    rest.get(..run).map_or(0, |word| word.trim_end_matches(['-', '_']).len())
}

/// An IPv6 or link address written with colons, if it is longer than the plain word of `word` bytes.
fn colons(rest: &str, word: usize) -> Result<Option<(Token, usize)>, Fault> {
    let run = rest.find(|c: char| !(c.is_ascii_hexdigit() || matches!(c, ':' | '.'))).unwrap_or(rest.len());
    let text = rest.get(..run).unwrap_or(rest);
    let ends = |end: &usize| *end > word && text.get(..*end).is_some_and(|t| t.contains(':'));
    for end in (1..=run.min(45)).rev().filter(ends) {
        let part = text.get(..end).unwrap_or(text);
        if let Ok(address) = part.parse() {
            return Ok(Some((Token::Address6(address), end)));
        }
        if let Some(mac) = link_address(part) {
            return Ok(Some((Token::Link(mac), end)));
        }
    }
    let pairs = text.trim_end_matches([':', '.']);
    if pairs.split(':').filter(|part| !part.is_empty()).count() >= 3
        && pairs.split(':').all(|part| part.len() <= 2 && !part.contains('.'))
    {
        let message = "a link address has six pairs of hexadecimal digits".to_owned();
        return Err(Fault { length: pairs.len(), message });
    }
    Ok(None)
}

fn classify(word: &str) -> Result<Token, Fault> {
    if let Some(keyword) = keyword::find(word) {
        return Ok(Token::Word(keyword));
    }
    if let Some(mac) = link_address(word) {
        return Ok(Token::Link(mac));
    }
    let hexadecimal = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
    let all = |digits: &str, test: fn(&char) -> bool| !digits.is_empty() && digits.chars().all(|c| test(&c));
    if all(word, char::is_ascii_digit) || hexadecimal.is_some_and(|digits| all(digits, char::is_ascii_hexdigit)) {
        return number(word, hexadecimal).map(Token::Number).map_err(|m| Fault { length: word.len(), message: m });
    }
    let parts: Vec<&str> = word.split('.').collect();
    if (2..=4).contains(&parts.len()) && parts.iter().all(|part| all(part, char::is_ascii_digit)) {
        return Ok(Token::Dotted(word.to_owned()));
    }
    Ok(keyword::constant(word).map_or_else(|| Token::Name(word.to_owned()), Token::Number))
}

/// A number as C writes it: `0x` hexadecimal, leading `0` octal, else decimal.
fn number(word: &str, hexadecimal: Option<&str>) -> Result<u32, String> {
    let (digits, radix) = match hexadecimal {
        Some(digits) => (digits, 16),
        None if word.len() > 1 && word.starts_with('0') => (word, 8),
        None => (word, 10),
    };
    if radix == 8 && digits.contains(['8', '9']) {
        return Err("a number that starts with 0 is octal and has no digit 8 or 9".to_owned());
    }
    u32::from_str_radix(digits, radix).map_err(|_| "the number does not fit into 32 bits".to_owned())
}

/// A link address in one of its spellings: six pairs with `:`, `-` or `.` (a digit each may be missing), three groups
/// of four digits with `.`, or twelve digits.
fn link_address(text: &str) -> Option<Mac> {
    let hexadecimal = |part: &str| part.chars().all(|c| c.is_ascii_hexdigit());
    let whole: Vec<String> = if text.len() == 12 && hexadecimal(text) {
        text.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).into_owned()).collect()
    } else if text.len() == 14 && text.split('.').all(|group| group.len() == 4 && hexadecimal(group)) {
        return link_address(&text.replace('.', ""));
    } else {
        let separator = [':', '-', '.'].into_iter().find(|c| text.contains(*c))?;
        text.split(separator).map(str::to_owned).collect()
    };
    let ok = whole.iter().all(|part| (1..=2).contains(&part.len()) && hexadecimal(part));
    let bytes: Vec<u8> = whole.iter().filter_map(|part| u8::from_str_radix(part, 16).ok()).collect();
    <[u8; 6]>::try_from(bytes).ok().filter(|_| ok).map(Mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(text: &str) -> Token {
        let found = tokens(text).unwrap();
        assert_eq!(found.len(), 2, "{text} is one token, not {found:?}");
        found[0].token.clone()
    }

    #[test]
    fn the_longest_match_decides_what_a_word_is() {
        assert_eq!(only("tcp-syn"), Token::Number(2));
        assert_eq!(only("tcp-x"), Token::Name("tcp-x".into()));
        assert_eq!(only("80-90"), Token::Name("80-90".into()));
        assert_eq!(only("10.1"), Token::Dotted("10.1".into()));
        assert_eq!(only("010"), Token::Number(8));
        assert_eq!(only("\\tcp"), Token::Name("tcp".into()));
        assert_eq!(only("fe80::1"), Token::Address6("fe80::1".parse().unwrap()));
        for spelling in ["2:fc:0:0:0:1", "02-fc-00-00-00-01", "02fc.0000.0001", "02fc00000001", "2.fc.0.0.0.1"] {
            assert_eq!(only(spelling), Token::Link(Mac([2, 0xfc, 0, 0, 0, 1])), "{spelling}");
        }
    }

    #[test]
    fn an_index_with_a_size_is_not_an_address() {
        let signs: Vec<Token> = tokens("ip[6:2]").unwrap().into_iter().map(|s| s.token).collect();
        assert_eq!(signs[2..5], [Token::Number(6), Token::Sign(":"), Token::Number(2)]);
    }

    #[test]
    fn faults_point_at_their_characters() {
        assert_eq!(tokens("port 08").unwrap_err().span, 5..7);
        assert_eq!(tokens("port 4294967296").unwrap_err().span, 5..15);
        assert_eq!(tokens("ip @").unwrap_err().span, 3..4);
        assert_eq!(tokens("ether host 1:2:3:4").unwrap_err().span, 11..18);
    }
}
