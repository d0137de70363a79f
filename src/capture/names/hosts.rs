//! `/etc/hosts` (hosts(5)).

use std::fs::File;
use std::io::Read;

use super::{Book, host_name};

/// Most bytes that are read: lists against advertisements are long, and say the same of all.
const MAX_BYTES: u64 = 4 << 20;

/// The names in it; none where it cannot be read.
pub(super) fn read() -> Book {
    let mut text = Vec::new();
    // A machine without the file has no names in it.
    let _ = File::open("/etc/hosts").map(|file| file.take(MAX_BYTES).read_to_end(&mut text));
    if text.len() as u64 == MAX_BYTES {
        // The last line may be cut within a name.
        text.truncate(text.iter().rposition(|byte| *byte == b'\n').unwrap_or(0));
    }
    parse(&String::from_utf8_lossy(&text))
}

/// The first name of the first line of each address.
fn parse(text: &str) -> Book {
    let mut book = Book::new();
    for line in text.lines() {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let address = words.next().and_then(|word| word.parse().ok());
        if let (Some(address), Some(name)) = (address, words.next().and_then(host_name)) {
            book.entry(address).or_insert(name);
        }
    }
    book
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_of_the_first_line_is_the_name() {
        let book =
            parse("# hosts\n127.0.0.1\tlocalhost\n192.0.2.1 Www.example.org www # web\n192.0.2.1 other\n::1\nx y\n");
        let mut rows: Vec<String> = book.iter().map(|(address, name)| format!("{address} {name}")).collect();
        rows.sort();
        assert_eq!(rows, ["127.0.0.1 localhost", "192.0.2.1 www.example.org"]);
    }
}
