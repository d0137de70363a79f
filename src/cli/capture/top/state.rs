//! What the keys do: a machine without a terminal.

use super::keys::Key;
use crate::report::top::Sort;

/// Where somebody is on the screen, and how it is to look.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is switched by a key of its own")]
pub(super) struct State {
    pub page: Page,
    /// The conversation that is selected; none: whichever stands first.
    pub flow: Option<u64>,
    pub sort: Sort,
    /// Text that conversations must have.
    pub filter: String,
    /// The filter is being typed.
    pub typing: bool,
    pub paused: bool,
    pub help: bool,
    /// Of a frame, every field and every byte.
    pub fields: bool,
    /// Columns of long lines that are out of sight on the left.
    pub shift: usize,
    pub hex: bool,
}

/// What the screen is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    /// All conversations.
    Flows,
    /// The frames of one, and which is selected; none: the newest.
    Frames { flow: u64, frame: Option<u64> },
    /// The layers of a frame, from this line on.
    Layers { flow: u64, frame: u64, first: usize },
}

/// What is on the screen at present.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Conversations in their order.
    pub flows: Vec<u64>,
    /// Frames in their order.
    pub frames: Vec<u64>,
    /// Lines of the frame.
    pub lines: usize,
    /// Rows that there is room for.
    pub height: usize,
}

/// Columns that ← and → go.
const SHIFT: usize = 40;

impl Default for State {
    fn default() -> Self {
        State {
            page: Page::Flows,
            flow: None,
            sort: Sort::Rate,
            filter: String::new(),
            typing: false,
            paused: false,
            help: false,
            fields: false,
            shift: 0,
            hex: false,
        }
    }
}

impl State {
    /// Does what a key asks for, and tells whether that is to leave.
    pub fn press(&mut self, key: Key, seen: &Seen) -> bool {
        if self.help {
            self.help = false;
            return false;
        }
        if self.typing {
            self.type_filter(key);
            return false;
        }
        match key {
            Key::Escape | Key::Char('q' | 'Q') => return self.back(),
            Key::Char('?' | 'h') => self.help = true,
            // Longer lines are shown nowhere.
            Key::Right => self.shift = (self.shift + SHIFT).min(10 * SHIFT),
            Key::Left => self.shift = self.shift.saturating_sub(SHIFT),
            Key::Char('p' | ' ') => self.paused = !self.paused,
            _ => match self.page {
                Page::Flows => self.flows(key, seen),
                Page::Frames { flow, frame } => self.frames(key, seen, flow, frame),
                Page::Layers { flow, frame, first } => self.layers(key, seen, flow, frame, first),
            },
        }
        false
    }

    /// The page before; whether there is none.
    fn back(&mut self) -> bool {
        self.shift = 0;
        self.page = match self.page {
            Page::Flows => return true,
            Page::Frames { .. } => Page::Flows,
            Page::Layers { flow, frame, .. } => Page::Frames { flow, frame: Some(frame) },
        };
        false
    }

    fn type_filter(&mut self, key: Key) {
        match key {
            Key::Enter => self.typing = false,
            Key::Escape => (self.typing, self.filter) = (false, String::new()),
            Key::Backspace => drop(self.filter.pop()),
            // More than that fits on no screen.
            Key::Char(c) if self.filter.len() < 200 => self.filter.push(c),
            _ => {}
        }
    }

    fn flows(&mut self, key: Key, seen: &Seen) {
        let at = position(&seen.flows, self.flow).unwrap_or(0);
        match key {
            Key::Enter => {
                if let Some(flow) = seen.flows.get(at) {
                    self.flow = Some(*flow);
                    self.page = Page::Frames { flow: *flow, frame: None };
                }
            }
            Key::Char('s') => self.sort = turn(self.sort, 1),
            Key::Char('S') => self.sort = turn(self.sort, Sort::ALL.len() - 1),
            Key::Char('/') => self.typing = true,
            // Whichever is the first from now on.
            Key::Home | Key::Char('g') => self.flow = None,
            key => {
                if let Some(at) = moved(key, at, seen.flows.len(), seen.height) {
                    self.flow = seen.flows.get(at).copied();
                }
            }
        }
    }

    fn frames(&mut self, key: Key, seen: &Seen, flow: u64, frame: Option<u64>) {
        let last = seen.frames.len().saturating_sub(1);
        let at = position(&seen.frames, frame).unwrap_or(if frame.is_some() { 0 } else { last });
        let to = |at: usize| Page::Frames { flow, frame: seen.frames.get(at).copied() };
        self.page = match key {
            Key::Enter => match seen.frames.get(at) {
                Some(frame) => Page::Layers { flow, frame: *frame, first: 0 },
                None => self.page,
            },
            Key::End | Key::Char('G') => Page::Frames { flow, frame: None },
            key => moved(key, at, seen.frames.len(), seen.height).map_or(self.page, to),
        };
    }

    fn layers(&mut self, key: Key, seen: &Seen, flow: u64, frame: u64, first: usize) {
        match key {
            Key::Char('v') => self.fields = !self.fields,
            Key::Char('x') => self.hex = !self.hex,
            key => {
                // The last line stays at the bottom.
                let places = (seen.lines + 1).saturating_sub(seen.height);
                if let Some(first) = moved(key, first, places, seen.height) {
                    self.page = Page::Layers { flow, frame, first };
                }
            }
        }
    }
}

/// Where the selected one stands; what is gone stands nowhere.
pub(super) fn position(list: &[u64], selected: Option<u64>) -> Option<usize> {
    selected.and_then(|number| list.iter().position(|other| *other == number))
}

/// Where a key leads to from place number `at` of so many; none where it is no key for that.
fn moved(key: Key, at: usize, places: usize, height: usize) -> Option<usize> {
    let last = places.saturating_sub(1);
    Some(match key {
        Key::Up | Key::Char('k') => at.saturating_sub(1),
        Key::Down | Key::Char('j') => (at + 1).min(last),
        Key::PageUp => at.saturating_sub(height),
        Key::PageDown => (at + height).min(last),
        Key::Home | Key::Char('g') => 0,
        Key::End | Key::Char('G') => last,
        _ => return None,
    })
}

fn turn(sort: Sort, by: usize) -> Sort {
    let at = Sort::ALL.iter().position(|other| *other == sort).unwrap_or(0);
    Sort::ALL[(at + by) % Sort::ALL.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen() -> Seen {
        Seen { flows: vec![7, 3, 9], frames: (100..200).collect(), lines: 30, height: 10 }
    }

    fn press(state: &mut State, keys: &[Key]) -> bool {
        keys.iter().any(|key| state.press(*key, &seen()))
    }

    #[test]
    fn the_selection_stays_with_its_conversation_and_at_the_ends() {
        let mut state = State::default();
        press(&mut state, &[Key::Up, Key::Down]);
        assert_eq!(state.flow, Some(3));
        state.press(Key::Down, &Seen { flows: vec![3, 7, 9], ..seen() });
        assert_eq!(state.flow, Some(7), "the next after it was sorted anew");
        press(&mut state, &[Key::End, Key::Down, Key::PageDown]);
        assert_eq!(state.flow, Some(9));
        press(&mut state, &[Key::Home]);
        assert_eq!(state.flow, None, "whichever is first");
        state.press(Key::Down, &Seen::default());
        assert_eq!(state.flow, None, "there is none");
    }

    #[test]
    fn enter_goes_down_to_the_frames_and_the_layers_and_q_back_up_and_out() {
        let mut state = State::default();
        press(&mut state, &[Key::Down, Key::Enter]);
        assert_eq!(state.page, Page::Frames { flow: 3, frame: None });
        press(&mut state, &[Key::Char('k'), Key::Enter]);
        assert_eq!(state.page, Page::Layers { flow: 3, frame: 198, first: 0 });
        press(&mut state, &[Key::PageDown, Key::PageDown, Key::PageDown]);
        assert_eq!(state.page, Page::Layers { flow: 3, frame: 198, first: 20 }, "30 lines, 10 of them to be seen");
        assert!(!press(&mut state, &[Key::Char('q')]));
        assert_eq!(state.page, Page::Frames { flow: 3, frame: Some(198) });
        press(&mut state, &[Key::End]);
        assert_eq!(state.page, Page::Frames { flow: 3, frame: None }, "the newest, whichever that is");
        assert!(!press(&mut state, &[Key::Escape]));
        assert_eq!((state.page, state.flow), (Page::Flows, Some(3)));
        assert!(press(&mut state, &[Key::Char('q')]));
    }

    #[test]
    fn there_is_nothing_to_enter_where_there_is_nothing() {
        let mut state = State::default();
        state.press(Key::Enter, &Seen::default());
        assert_eq!(state.page, Page::Flows);
        state.page = Page::Frames { flow: 1, frame: None };
        for key in [Key::Enter, Key::Up, Key::Down, Key::PageUp, Key::PageDown, Key::Home] {
            state.press(key, &Seen::default());
            assert_eq!(state.page, Page::Frames { flow: 1, frame: None });
        }
    }

    #[test]
    fn while_a_filter_is_typed_keys_are_text() {
        let mut state = State::default();
        assert!(!press(&mut state, &[Key::Char('/'), Key::Char('q'), Key::Char('s'), Key::Backspace]));
        assert_eq!((state.filter.as_str(), state.typing), ("q", true));
        press(&mut state, &[Key::Enter]);
        assert_eq!((state.filter.as_str(), state.typing), ("q", false));
        press(&mut state, &[Key::Char('/'), Key::Escape]);
        assert_eq!((state.filter.as_str(), state.typing), ("", false));
    }

    #[test]
    fn the_sort_goes_round_both_ways() {
        let mut state = State::default();
        for _ in Sort::ALL {
            press(&mut state, &[Key::Char('s')]);
        }
        assert_eq!(state.sort, Sort::Rate);
        press(&mut state, &[Key::Char('S')]);
        assert_eq!(state.sort, Sort::SentAgain);
    }

    #[test]
    fn long_lines_are_moved_and_begin_at_their_start_on_the_page_before() {
        let mut state = State::default();
        press(&mut state, &[Key::Enter, Key::Right, Key::Right, Key::Left]);
        assert_eq!(state.shift, SHIFT);
        press(&mut state, &[Key::Left, Key::Left]);
        assert_eq!(state.shift, 0);
        press(&mut state, &[Key::Right, Key::Escape]);
        assert_eq!(state.shift, 0);
    }

    #[test]
    fn any_key_leaves_the_help_and_does_nothing_else() {
        let mut state = State::default();
        assert!(!press(&mut state, &[Key::Char('?'), Key::Char('q')]));
        assert!(!state.help);
    }
}
