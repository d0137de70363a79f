//! What is wrong with an expression, and where.

use std::fmt;
use std::ops::Range;

/// A fault in a filter expression or condition: what it is, where it stands, what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What is wrong, and what was expected where something else stood.
    pub message: String,
    /// The bytes of the expression that it is about; empty at the end of the text.
    pub span: Range<usize>,
    /// What the user can do, where it is known.
    pub hint: Option<String>,
}

impl Error {
    /// An error about the part `span` of the expression.
    pub(in crate::capture) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Error { message: message.into(), span, hint: None }
    }

    /// Adds what to do.
    #[must_use]
    pub(in crate::capture) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The error together with the expression and a caret under the part it is about; long expressions are cut around
    /// that part.
    pub fn render<'a>(&'a self, expression: &'a str) -> Rendered<'a> {
        Rendered { error: self, expression }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// An [`Error`] shown under its expression.
#[derive(Clone, Copy, Debug)]
pub struct Rendered<'a> {
    error: &'a Error,
    expression: &'a str,
}

/// Characters of the expression shown before and after the fault.
const AROUND: usize = 60;

impl fmt::Display for Rendered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Error { message, span, hint } = self.error;
        let before = self.expression.get(..span.start).unwrap_or(self.expression);
        let inside = self.expression.get(span.clone()).unwrap_or("");
        let after = self.expression.get(span.end..).unwrap_or("");
        let skipped = before.chars().count().saturating_sub(AROUND);
        let lead: String = (if skipped > 0 { "…" } else { "" }).chars().chain(before.chars().skip(skipped)).collect();
        let tail: String = after.chars().take(AROUND).collect();
        let more = if after.chars().count() > AROUND { "…" } else { "" };
        let (shown, marks) = match inside.char_indices().nth(AROUND) {
            Some((cut, _)) => (inside.get(..cut).unwrap_or(inside), AROUND),
            None => (inside, inside.chars().count().max(1)),
        };
        let (tail, more) = if shown.len() < inside.len() { (String::new(), "…") } else { (tail, more) };
        writeln!(f, "{message}")?;
        writeln!(f, "  {}{}{}{more}", one_line(&lead), one_line(shown), one_line(&tail))?;
        write!(f, "  {}{}", " ".repeat(lead.chars().count()), "^".repeat(marks))?;
        hint.as_ref().map_or(Ok(()), |hint| write!(f, "\nhint: {hint}"))
    }
}

/// The text with one printable character for each of its characters, so that carets stay below their part.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_whitespace() || c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_under_the_fault() {
        let text = "tcp port htp";
        let shown = Error::new(9..12, "no service is called htp").hint("give the number").render(text).to_string();
        assert_eq!(shown, "no service is called htp\n  tcp port htp\n           ^^^\nhint: give the number");
        let end = Error::new(3..3, "a host, net or port is missing").render("src").to_string();
        assert_eq!(end, "a host, net or port is missing\n  src\n     ^");
    }

    #[test]
    fn a_long_expression_is_cut_around_the_fault() {
        let text = format!("{}X{}", "a".repeat(200), "b".repeat(200));
        let shown = Error::new(200..201, "here").render(&text).to_string();
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[1].chars().nth(lines[2].chars().position(|c| c == '^').unwrap()), Some('X'));
        assert!(lines[1].chars().count() < 130);
        let whole = Error::new(0..text.len(), "all of it").render(&text).to_string();
        assert!(whole.lines().all(|line| line.chars().count() < 70), "{whole}");
    }
}
