//! `--step`: somebody at the keyboard decides about each frame.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use super::super::Context;
use crate::bytes::Escaped;
use crate::capture::Dissector;
use crate::capture::frame::Frame;
use crate::kernel::signal::Interrupts;
use crate::kernel::terminal::{Key, Keys};
use crate::lab::fate::{Fate, Passing};
use crate::lab::observation::{Language, Observation, Words};
use crate::lab::sockets::Seen;
use crate::lab::stage::LabError;
use crate::report::ladder_label::label;
use crate::report::ladder_step;
use crate::report::palette::Ink;
use crate::report::paragraph::lines;
use crate::report::{diagram, lab_words};

/// Somebody at the keyboard.
pub(super) struct Stepper<'a> {
    interrupts: &'a Interrupts,
    language: Language,
    dissector: Dissector,
    /// Whether the rest of the lab runs without asking.
    to_the_end: bool,
}

const NO_TERMINAL: Words = Words {
    en: "--step needs a terminal; the lab runs through",
    zh: "--step 需要终端;实验将直接运行到底",
};
const PATIENT: Words = Words {
    en: "The wire waits for your key. What the hosts repeat only because you think is left out.",
    zh: "线路等待按键。只因您在思考而重传的帧会被略去。",
};
const KEYS: Words = Words {
    en: "[Enter] pass  [d]rop  [2] twice  [l] 1 s late  [b]its  [r]un on  [q]uit",
    zh: "[Enter] 放行  [d] 丢弃  [2] 两次  [l] 晚 1 秒  [b] 各位  [r] 运行到底  [q] 退出",
};
const LAB_SAYS: Words = Words { en: "Enter does what the lab has in mind", zh: "回车按实验的安排处理" };

/// What `l` delays a frame by.
const DELAY: Duration = Duration::from_secs(1);

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    Decide(Fate),
    ToTheEnd,
    Bits,
    Leave,
}

/// The meaning of a key for a frame that would meet `fate`; none for a key without one.
fn choice(key: Key, fate: Fate) -> Option<Choice> {
    match key {
        Key::Byte(b'\r' | b'\n' | b' ') => Some(Choice::Decide(fate)),
        Key::Byte(b'd' | b'D') => Some(Choice::Decide(Fate::Drop)),
        Key::Byte(b'2') => Some(Choice::Decide(Fate::Duplicate)),
        Key::Byte(b'l' | b'L') => Some(Choice::Decide(Fate::Delay(DELAY))),
        Key::Byte(b'b' | b'B') => Some(Choice::Bits),
        Key::Byte(b'r' | b'R') => Some(Choice::ToTheEnd),
        Key::Byte(b'q' | b'Q' | 3 | 4) | Key::End | Key::Interrupted => Some(Choice::Leave),
        Key::Byte(_) | Key::Other => None,
    }
}

impl<'a> Stepper<'a> {
    /// A stepper at the terminal; none, with a note, where there is no terminal to ask at.
    pub(super) fn new(
        context: &mut Context,
        language: Language,
        interrupts: &'a Interrupts,
    ) -> anyhow::Result<Option<Self>> {
        if !(io::stdin().is_terminal() && context.terminal) || context.json {
            context.note(NO_TERMINAL.get(language));
            return Ok(None);
        }
        writeln!(context.out, "{}\n", context.palette.paint(Ink::Faint, PATIENT.get(language)))?;
        Ok(Some(Stepper { interrupts, language, dissector: Dissector::default(), to_the_end: false }))
    }

    /// Whether it asks before the next frame.
    pub(super) fn asks(&self) -> bool {
        !self.to_the_end
    }

    /// Shows the frame and both ends' states, and asks what is to become of it.
    pub(super) fn decide(
        &mut self,
        context: &mut Context,
        observation: &Observation,
        frame: &Passing<'_>,
        states: &[Vec<Seen>],
        fate: Fate,
    ) -> Result<Fate, LabError> {
        let label = label(&self.dissector.read(Frame::ethernet(frame.bytes)), self.language).full();
        // Before the question: a key that answers it must not be thrown away with what was typed ahead.
        let keys = Keys::take(io::stdin())?;
        let mut shown = self.prompt(context, observation, frame, &label, states, fate).map_err(LabError::Show)?;
        loop {
            let choice = choice(keys.next(self.interrupts)?, fate);
            match choice {
                None => continue,
                Some(Choice::Bits) => {
                    diagram::frame(&mut context.out, context.palette, frame.number, frame.bytes)
                        .map_err(LabError::Show)?;
                    // The drawing stays; the question is asked again below it.
                    shown = self.prompt(context, observation, frame, &label, states, fate).map_err(LabError::Show)?;
                    continue;
                }
                _ => {}
            }
            erase(context, shown).map_err(LabError::Show)?;
            match choice {
                Some(Choice::Decide(fate)) => return Ok(fate),
                Some(Choice::ToTheEnd) => {
                    self.to_the_end = true;
                    return Ok(fate);
                }
                _ => return Err(LabError::Left),
            }
        }
    }

    /// Prints the question and tells how many lines it takes.
    fn prompt(
        &self,
        context: &mut Context,
        observation: &Observation,
        frame: &Passing<'_>,
        label: &str,
        states: &[Vec<Seen>],
        fate: Fate,
    ) -> io::Result<usize> {
        let (palette, out) = (context.palette, &mut context.out);
        let width = context.width.map_or(super::run::WIDTH, usize::from);
        let mut parts = vec![(Ink::Strong, format!("#{} {label}", frame.number))];
        if fate != Fate::Forward {
            let told = lab_words::fate(fate.told()).get(self.language);
            parts.push((Ink::Warn, format!("{} ({told})", LAB_SAYS.get(self.language))));
        }
        for (station, sockets) in observation.hosts.iter().zip(states) {
            let words = ladder_step::HostStates { words: ladder_step::words(sockets), changed: true };
            parts.push((Ink::Warn, format!("{}: {}", Escaped(station.name.as_bytes()), words.line())));
        }
        parts.push((Ink::Faint, KEYS.get(self.language).to_owned()));
        let mut count = 0;
        for (ink, part) in parts {
            for line in lines(&part, width.saturating_sub(3)) {
                writeln!(out, "  {}", palette.paint(ink, line))?;
                count += 1;
            }
        }
        out.flush()?;
        Ok(count)
    }
}

/// Takes the question away again, so that the ladder stays whole. A dumb terminal keeps it.
fn erase(context: &mut Context, lines: usize) -> io::Result<()> {
    if std::env::var_os("TERM").is_none_or(|term| term == "dumb") {
        return Ok(());
    }
    write!(context.out, "\x1b[{lines}A\x1b[J")?;
    context.out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_mean_what_the_prompt_says() {
        let lab = Fate::Drop;
        assert_eq!(choice(Key::Byte(b'\r'), lab), Some(Choice::Decide(Fate::Drop)));
        assert_eq!(choice(Key::Byte(b'\n'), Fate::Forward), Some(Choice::Decide(Fate::Forward)));
        assert_eq!(choice(Key::Byte(b'd'), Fate::Forward), Some(Choice::Decide(Fate::Drop)));
        assert_eq!(choice(Key::Byte(b'2'), Fate::Forward), Some(Choice::Decide(Fate::Duplicate)));
        assert_eq!(choice(Key::Byte(b'l'), Fate::Forward), Some(Choice::Decide(Fate::Delay(DELAY))));
        assert_eq!(choice(Key::Byte(b'r'), lab), Some(Choice::ToTheEnd));
        for leave in [Key::Byte(b'q'), Key::Byte(3), Key::Byte(4), Key::End, Key::Interrupted] {
            assert_eq!(choice(leave, lab), Some(Choice::Leave));
        }
        assert_eq!(choice(Key::Byte(b'x'), lab), None);
        assert_eq!(choice(Key::Other, lab), None);
    }
}
