//! The picture of a stored file, from keys to cells.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ratatui_core::buffer::{Buffer, Cell};
use ratatui_core::layout::Rect;
use ratatui_core::style::Color;

use super::keys;
use super::picture::{Picture, lock};
use super::state::State;
use crate::capture::queue::Progress;
use crate::capture::watch::Watch;
use crate::capture::{Dissector, Frame, Source, Stored};
use crate::report::clock::Clock;
use crate::report::headers::Numbers;
use crate::report::packet::Look;
use crate::report::{Palette, top};

const COLOURED: Palette = Palette { colour: true };
const LOOK: Look =
    Look { fields: false, hex: false, clock: Clock::SinceFirst, numbers: Numbers::Relative, palette: Palette::PLAIN };

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn watched(stored: Vec<u8>) -> Arc<Mutex<Watch>> {
    let mut watch = Watch::within(0, Dissector::new(false));
    let mut frames = Stored::open(Cursor::new(stored)).unwrap();
    while let Some(frame) = frames.next().unwrap() {
        watch.see(frame);
    }
    Arc::new(Mutex::new(watch))
}

/// A screen over the example, with the keys that were pressed so far.
struct Screen {
    picture: Picture,
    state: State,
    size: (u16, u16),
}

impl Screen {
    fn stored(size: (u16, u16)) -> Self {
        let example = fs::read(root().join("docs/example.pcapng")).unwrap();
        let picture = Picture::new(watched(example), "docs/example.pcapng".to_owned(), LOOK, false);
        Screen { picture, state: State::default(), size }
    }

    fn press(mut self, bytes: &[u8]) -> Self {
        for key in keys::read(bytes) {
            self.picture.take(&self.state, self.size.1);
            assert!(!self.state.press(key, &self.picture.seen()), "{key:?} left");
        }
        self.picture.take(&self.state, self.size.1);
        self
    }

    fn buffer(&self, palette: Palette) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, self.size.0, self.size.1));
        top::draw(&self.picture.view(&self.state, palette), &mut buffer);
        buffer
    }

    fn text(&self) -> String {
        text(&self.buffer(Palette::PLAIN))
    }
}

fn text(buffer: &Buffer) -> String {
    let lines = buffer.content.chunks(usize::from(buffer.area.width).max(1));
    let line = |cells: &[Cell]| {
        let line: String = cells.iter().map(Cell::symbol).collect();
        format!("{}\n", line.trim_end())
    };
    lines.map(line).collect()
}

#[test]
fn the_screens_in_the_documentation_are_what_is_drawn() {
    let screens = [
        Screen::stored((110, 16)).press(b""),
        Screen::stored((80, 16)).press(b"s/192.0.2.2:80"),
        Screen::stored((100, 16)).press(b"/:80\rj\r"),
        Screen::stored((100, 16)).press(b"/:80\r\r\x1b[H\x1b[B\x1b[B\x1b[B\r"),
        Screen::stored((90, 20)).press(b"?"),
    ];
    let path = root().join("docs/top.md");
    let page = fs::read_to_string(&path).unwrap();
    let mut texts = screens.iter().map(Screen::text);
    let mut written = String::new();
    let mut inside = false;
    for line in page.lines() {
        let fence = line.starts_with("```");
        if !inside || fence {
            written.push_str(line);
            written.push('\n');
        }
        if fence {
            inside = line == "```text";
            written.push_str(&if inside { texts.next().expect("a screen for every block") } else { String::new() });
        }
    }
    assert_eq!(texts.next(), None, "a block for every screen");
    if std::env::var_os("NETLAB_UPDATE_DOCS").is_some() {
        fs::write(&path, &written).unwrap();
    }
    assert!(written == page, "docs/top.md is not what is drawn: NETLAB_UPDATE_DOCS=1 writes it:\n{written}");
}

#[test]
fn every_size_of_terminal_is_drawn_and_has_the_selected_row() {
    let pages: [&[u8]; 7] = [b"", b"jjjj", b"/tcp", b"\r", b"\r\r", b"\r\rvx\x1b[6~\x1b[C", b"?"];
    for keys in pages {
        let mut screen = Screen::stored((80, 24)).press(keys);
        for (width, height) in (0..=90).flat_map(|width| (0..=26).map(move |height| (width, height))) {
            screen.picture.take(&screen.state, height);
            let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
            top::draw(&screen.picture.view(&screen.state, COLOURED), &mut buffer);
            let rows = keys == b"jjjj" && width > 0 && height > 2;
            assert!(!rows || text(&buffer).lines().any(|line| line.starts_with('>')), "{width}x{height}");
        }
    }
}

#[test]
fn without_colour_no_cell_has_one_and_loss_is_red_with_it() {
    let mut screen = Screen::stored((100, 20)).press(b"");
    let lost = Progress { frames: 9, dropped: 7, overrun: 0, missed: 5, ..Progress::default() };
    screen.picture.measure(lost, Duration::from_secs(1));
    let plain = screen.buffer(Palette::PLAIN);
    assert!(plain.content.iter().all(|cell| (cell.fg, cell.bg) == (Color::Reset, Color::Reset)));
    let line = text(&plain).lines().find(|line| line.starts_with("seen ")).unwrap().to_owned();
    assert_eq!(line, "seen 16: 12 shown, lost 7 kernel, 0 queue, 5 interface; 0 B waiting");
    let coloured = screen.buffer(COLOURED);
    let red: String = coloured
        .content
        .iter()
        .take(300)
        .filter(|cell| cell.style().fg == Some(Color::Red))
        .map(Cell::symbol)
        .collect();
    assert_eq!(red, "7 kernel, 5 interface");
}

#[test]
fn what_comes_while_it_is_paused_is_counted_and_not_shown() {
    let example = fs::read(root().join("docs/example.pcapng")).unwrap();
    let watch = watched(example.clone());
    let mut screen = Screen {
        picture: Picture::new(Arc::clone(&watch), "eth0".to_owned(), LOOK, true),
        state: State::default(),
        size: (100, 20),
    }
    .press(b"p");
    let before = screen.text();
    let mut more = Stored::open(Cursor::new(example)).unwrap();
    while let Some(frame) = more.next().unwrap() {
        lock(&watch).see(frame);
    }
    screen = screen.press(b"");
    assert_eq!(screen.text(), before);
    assert!(before.lines().next().unwrap().ends_with("paused"), "{before}");
    // Sorting and filtering go on with what was there.
    screen = screen.press(b"ss/no such text");
    assert!(screen.text().contains(", 0 with \"no such text\""), "{}", screen.text());
    screen = screen.press(b"\x1b").press(b"p");
    assert!(screen.text().contains("24 frames"), "{}", screen.text());
}

#[test]
fn a_filter_sees_all_that_was_there_when_it_was_paused() {
    let watch = Arc::new(Mutex::new(Watch::within(1 << 20, Dissector::new(false))));
    let say = |port: u16, data: &[u8]| {
        let mut frame = vec![2; 12];
        let length = 28 + data.len() as u16;
        frame.extend([8, 0, 0x45, 0, length.to_be_bytes()[0], length.to_be_bytes()[1], 0, 0, 0, 0, 64, 17, 0, 0]);
        frame.extend([192, 0, 2, 1, 192, 0, 2, 2]);
        frame.extend([port.to_be_bytes(), [0, 9], (length - 20).to_be_bytes(), [0, 0]].concat());
        frame.extend(data);
        lock(&watch).see(Frame::ethernet(&frame));
    };
    // The quietest of more conversations than are shown.
    say(20_000, b"");
    (1..=1100).for_each(|port| say(port, b"something"));
    let picture = Picture::new(Arc::clone(&watch), "eth0".to_owned(), LOOK, true);
    let screen = Screen { picture, state: State::default(), size: (100, 20) }.press(b"ssp/20000\r");
    assert!(screen.text().contains("192.0.2.1:20000"), "{}", screen.text());
}

#[test]
fn what_others_sent_cannot_move_the_cursor() {
    let watch = Arc::new(Mutex::new(Watch::within(0, Dissector::new(false))));
    let mut frame = vec![2; 12];
    frame.extend([8, 0, 0x45, 0, 0, 48, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 0, 5, 0, 9, 0, 28, 0, 0]);
    frame.extend(b"\x1b[2J\x1b]0;title\x07\x9b31m\r\n");
    lock(&watch).see(Frame { interface: "e\x1b[2J", ..Frame::ethernet(&frame) });
    let picture = Picture::new(watch, "eth0".to_owned(), LOOK, true);
    let screen = Screen { picture, state: State::default(), size: (200, 20) }.press(b"\r");
    assert!(screen.text().contains("e\\x1b[2J"), "{}", screen.text());
    let screen = screen.press(b"\rx");
    let text = screen.text();
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
}

#[test]
fn only_what_changed_is_drawn_and_everything_on_another_size() {
    let screen = Screen::stored((80, 16)).press(b"");
    let mut out = Vec::new();
    let mut painter = top::Painter::new(&mut out);
    for size in [(80, 16), (80, 16), (81, 16)] {
        painter.paint(size, &screen.picture.view(&screen.state, COLOURED)).unwrap();
    }
    let text = String::from_utf8(out).unwrap();
    let drawn: Vec<&str> = text.split("\x1b[2J").collect();
    assert_eq!(drawn.len(), 3, "cleared for each size: {text:?}");
    assert!(drawn[1].ends_with("\x1b[0m\x1b[0m\x1b[0m"), "the same once more is nothing: {:?}", drawn[1]);
    assert!(drawn[2].contains("192.0.2.1:32000"), "{:?}", drawn[2]);
    assert!(drawn[1].contains("\x1b[0;35mICMP"), "{:?}", drawn[1]);
}
