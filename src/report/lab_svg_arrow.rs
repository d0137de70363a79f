//! A frame as an arrow between the lanes of a picture.

use maud::{Markup, html};

use super::lab_svg::{fate_class, ink_class, lane};
use super::lab_words;
use super::ladder_step::{Arrow, End, Part};
use super::paragraph::columns;
use crate::lab::fate::Told;
use crate::lab::observation::Language;

/// Draws `arrow` at this height, in a picture of so many hosts.
pub(super) fn draw(arrow: &Arrow, hosts: usize, y: usize, language: Language) -> Markup {
    html! {
        @for (at, side) in arrow.sides().enumerate() {
            (one_side(arrow, side, hosts, y))
            @if at == 0 { (label(arrow, side, hosts, y, language)) }
        }
    }
}

/// Where an arrow begins and ends: `near` is the x of its first receiver, `far` of its last.
fn stretch(part: Part, from: f64, near: f64, far: f64) -> (f64, f64) {
    let at = |share: f64| from + (near - from) * share;
    match part {
        Part::Whole => (from, far),
        Part::Leaves | Part::Stops => (from, at(0.62)),
        Part::Arrives => (at(0.38), far),
    }
}

/// The x of the first and the last lane that the arrow comes to.
fn reach(side: &[End], hosts: usize) -> (f64, f64) {
    let x = |end: Option<&End>| lane(end.map_or(0, |end| end.lane), hosts) as f64;
    (x(side.first()), x(side.last()))
}

fn one_side(arrow: &Arrow, side: &[End], hosts: usize, y: usize) -> Markup {
    let from = lane(arrow.from, hosts) as f64;
    let (near, far) = reach(side, hosts);
    let (start, end) = stretch(arrow.part, from, near, far);
    let direction = if far > from { -10.0 } else { 10.0 };
    let class = fate_class(arrow.fate);
    let open = matches!(arrow.part, Part::Leaves | Part::Arrives);
    html! {
        line class={ "wire " (class) @if open { " open" } } x1=(start) x2=(end) y1=(y) y2=(y) {}
        @if matches!(arrow.part, Part::Whole | Part::Arrives) {
            @for end in side {
                @let x = lane(end.lane, hosts) as f64;
                polygon class={ "tip " (class) @if end.overheard { " overheard" } }
                    points=(format!("{x},{y} {0},{1} {0},{2}", x + direction, y - 5, y + 5)) {}
            }
        }
        @if arrow.part == Part::Stops {
            text class="no" x=(end) y=(y + 6) text-anchor="middle" { "✗" }
        }
    }
}

/// The label on a piece of paper that hides the line below it, between the sender and the lane beside it.
fn label(arrow: &Arrow, side: &[End], hosts: usize, y: usize, language: Language) -> Markup {
    let from = lane(arrow.from, hosts) as f64;
    let (near, far) = reach(side, hosts);
    let (start, end) = stretch(arrow.part, from, near, near);
    let gap = lane(1, hosts.max(2)) as f64 - lane(0, hosts) as f64;
    // What is on its way or arrives is drawn so.
    let drawn = matches!(arrow.fate, Told::Delayed | Told::Released);
    let fate = if drawn { "" } else { lab_words::fate(arrow.fate).get(language) };
    let suffix = if fate.is_empty() { String::new() } else { format!(" ({fate})") };
    let number = format!("#{} ", arrow.number);
    let around = number.len() + columns(&suffix);
    let room = |length: f64| ((length - MARGINS) / CHARACTER) as usize;
    let part = (end - start).abs().min(gap);
    let fits = room(part) >= around + columns(&arrow.label.head);
    let (x, length) = if fits {
        (start + (part / 2.0).copysign(far - from), part)
    } else {
        (from + (gap / 2.0).copysign(far - from), gap)
    };
    let text = number + &arrow.label.fitting(room(length).saturating_sub(around).max(LEAST));
    let width = (columns(&text) + columns(&suffix)) as f64 * CHARACTER + 10.0;
    html! {
        rect class="paper" x=(x - width / 2.0) y=(y - 9) width=(width) height="19" {}
        text class={ "label " (ink_class(arrow.label.ink)) } x=(x) y=(y + 5) text-anchor="middle" { (text) (suffix) }
    }
}

/// Width of a monospaced character: 0.6 em.
const CHARACTER: f64 = 9.05;
/// What is left of a line around its label.
const MARGINS: f64 = 40.0;
/// Characters of a label that are shown in the narrowest place.
const LEAST: usize = 12;
