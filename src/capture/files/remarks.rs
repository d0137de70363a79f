//! What a pcapng file says of itself to people: comments, filters, losses.

use super::options::{self, Options};
use super::order::Order;

/// Most remarks that are kept, and most bytes of each.
const MOST: usize = 64;
const MOST_BYTES: usize = 4096;

/// Remarks in the order of the file. Foreign text: escape it before printing.
#[derive(Debug, Default)]
pub(super) struct Remarks(pub Vec<String>);

impl Remarks {
    /// Keeps a remark of the file (`of` is empty) or of an interface.
    fn add(&mut self, of: &str, what: &str, text: &[u8]) {
        if self.0.len() < MOST {
            let between = if of.is_empty() { "" } else { ": " };
            let text = String::from_utf8_lossy(text.get(..MOST_BYTES).unwrap_or(text));
            self.0.push(format!("{of}{between}{what}{text}"));
        }
    }

    fn comments(&mut self, of: &str, options: Options<'_>) {
        for (_, text) in options.filter(|(number, _)| *number == options::COMMENT) {
            self.add(of, "comment: ", text);
        }
    }

    /// What stands in a section header.
    pub fn section(&mut self, body: &[u8], order: Order) {
        self.comments("", options_from(body, 24, order));
    }

    /// What stands in the description of an interface.
    pub fn interface(&mut self, name: &str, body: &[u8], order: Order) {
        self.comments(name, options_from(body, 16, order));
        let mut options = options_from(body, 16, order);
        let filter = options.find(|(number, _)| *number == options::INTERFACE_FILTER);
        match filter.and_then(|(_, filter)| filter.split_first()) {
            Some((&options::LANGUAGE_OF_LIBPCAP, filter)) => self.add(name, "captured with the filter ", filter),
            Some(_) => self.add(name, "captured with a filter of another kind", b""),
            None => {}
        }
    }

    /// What was counted on an interface, as far as something was lost.
    pub fn statistics(&mut self, name: &str, body: &[u8], order: Order) {
        self.comments(name, options_from(body, 20, order));
        let losses = [(options::STATISTICS_MISSED, "the interface"), (options::STATISTICS_DROPPED, "the kernel")];
        for (number, value) in options_from(body, 20, order) {
            let who = losses.iter().find(|(own, _)| *own == number).map(|(_, who)| who);
            if let Some(who) = who.filter(|_| order.u64(value, 0) > 0) {
                let count = order.u64(value, 0);
                let frames = if count == 1 { "frame" } else { "frames" };
                let text = format!("{who} lost {count} {frames} of this capture");
                self.add(name, &text, b"");
            }
        }
    }
}

fn options_from(body: &[u8], start: usize, order: Order) -> Options<'_> {
    Options { bytes: body.get(start..).unwrap_or_default(), order }
}
