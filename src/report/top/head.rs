//! What stands above everything: where frames come from, how many, how fast, and what was lost where.

use ratatui_core::layout::Rect;

use super::{Canvas, Head, Pace, Phase};
use crate::capture::queue::Progress;
use crate::report::palette::Ink;
use crate::report::quantity::{Bytes, Count, Time};

/// Lines of the head, the last one empty.
pub(super) const LINES: u16 = 5;

/// Draws as many lines as there is room for.
pub(super) fn draw(canvas: &mut Canvas<'_>, head: &Head<'_>, area: Rect) {
    let at = canvas.text(area, 0, 0, head.sources, Some(Ink::Strong));
    let (phase, ink) = match head.phase {
        Phase::Live => ("live", Ink::Good),
        Phase::Paused => ("paused", Ink::Warn),
        Phase::Ended => ("ended", Ink::Warn),
        Phase::Stored => ("stored", Ink::Faint),
    };
    let at = canvas.text(area, 0, at.saturating_add(2), phase, Some(ink));
    if let Some(time) = head.time {
        canvas.text(area, 0, at.saturating_add(2), &Time(time).to_string(), None);
    }
    let whole = format!("{} frames  {}", Count(head.frames), Bytes(head.bytes));
    let at = canvas.text(area, 1, 0, &whole, None);
    if let Some((progress, pace)) = head.live {
        let Pace { frames, bytes } = pace;
        let now = format!("now {} frames/s  {}/s", Count(frames), Bytes(bytes));
        canvas.text(area, 1, at.saturating_add(4), &now, Some(Ink::Strong));
        losses(canvas, area, head, progress);
    }
    flows(canvas, area, head);
}

/// Seen is what was shown, what was lost, and what is on its way.
fn losses(canvas: &mut Canvas<'_>, area: Rect, head: &Head<'_>, progress: Progress) {
    let Progress { frames, dropped, overrun, missed, waiting, .. } = progress;
    let seen = frames.saturating_add(dropped);
    let text = format!("seen {}: {} shown, lost ", Count(seen), Count(head.frames));
    let mut at = canvas.text(area, 2, 0, &text, None);
    let places = [(dropped, " kernel, "), (overrun, " queue, "), (missed, " interface")];
    for (count, place) in places {
        let ink = (count > 0).then_some(Ink::Bad);
        at = canvas.text(area, 2, at, &format!("{}{place}", Count(count)), ink);
    }
    canvas.text(area, 2, at, &format!("; {} waiting", Bytes(waiting as u64)), None);
}

fn flows(canvas: &mut Canvas<'_>, area: Rect, head: &Head<'_>) {
    let (known, matching) = head.flows;
    let line = if head.live.is_some() { 3 } else { 2 };
    let word = if known == 1 { "conversation" } else { "conversations" };
    let mut at = canvas.text(area, line, 0, &format!("{} {word}", Count(known as u64)), None);
    if !head.filter.is_empty() {
        let text = format!(", {} with \"{}\"", Count(matching as u64), head.filter);
        at = canvas.text(area, line, at, &text, Some(Ink::Warn));
    }
    if head.forgotten.conversations > 0 {
        let text = format!(", {} more made room", Count(head.forgotten.conversations));
        canvas.text(area, line, at, &text, Some(Ink::Warn));
    }
}
