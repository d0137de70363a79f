//! Chosen fields of a packet as a line of columns, for programs that read tables.
//!
//! **Invariant:** a packet is one line, whatever its bytes are: they are escaped before they are quoted.

use super::text::Text;
use crate::capture::Packet;
use crate::capture::condition::Place;

/// What stands between columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Tabs.
    Tabs,
    /// Commas, with values in quotes where they hold a comma or a quote (RFC 4180).
    Csv,
}

/// Adds the line with the names of the columns.
pub fn names(text: &mut Text, places: &[Place]) {
    line(text, places, Style::Csv, |place| place.name.clone());
}

/// Adds the line of one packet. Several values of a field have commas between them; no value is an empty column.
pub fn write(text: &mut Text, packet: &Packet<'_>, places: &[Place], style: Style) {
    line(text, places, style, |place| {
        let mut values: Vec<String> = Vec::new();
        place.any(packet, |item| {
            values.push(item.text());
            false
        });
        values.join(",")
    });
}

fn line(text: &mut Text, places: &[Place], style: Style, value: impl Fn(&Place) -> String) {
    for (at, place) in places.iter().enumerate() {
        let value = value(place);
        match style {
            Style::Tabs => text.str(if at > 0 { "\t" } else { "" }).str(&value),
            Style::Csv => csv(text.str(if at > 0 { "," } else { "" }), &value),
        };
    }
    text.str("\n");
}

fn csv<'t>(text: &'t mut Text, value: &str) -> &'t mut Text {
    if value.contains([',', '"']) { text.str("\"").str(&value.replace('"', "\"\"")).str("\"") } else { text.str(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_and_quotes_are_quoted_and_nothing_else() {
        let quoted = |value| String::from_utf8(csv(&mut Text::default(), value).bytes().to_vec()).unwrap();
        assert_eq!(quoted("a b"), "a b");
        assert_eq!(quoted("a,b"), "\"a,b\"");
        assert_eq!(quoted("say \"a\""), "\"say \"\"a\"\"\"");
    }
}
