//! What became of the frames of a live capture, in a line.

use std::fmt;

use super::palette::{Ink, Palette};
use crate::capture::Accounting;

/// The last line of a live capture: `5 frames seen: 3 shown, 2 dropped by the kernel`, and what to do about loss.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    /// The counts.
    pub accounting: Accounting,
    /// Whether the frames were written to a file.
    pub written: bool,
    /// Whether it ended because all frames that were asked for had come.
    pub all: bool,
    /// Loss stands out.
    pub palette: Palette,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ink = if self.accounting.lost() > 0 { Some(Ink::Bad) } else { None };
        self.palette.switch(f, None, ink)?;
        self.line(f)?;
        self.palette.switch(f, ink, None)?;
        self.hints().try_for_each(|hint| write!(f, "\nhint: {hint}"))
    }
}

impl Summary {
    fn line(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Accounting { seen, shown, unwanted, dropped, overrun, missed, left } = self.accounting;
        let frames = if seen == 1 { "frame" } else { "frames" };
        let done = if self.written { "written" } else { "shown" };
        write!(f, "{seen} {frames} seen: {shown} {done}, ")?;
        if unwanted > 0 {
            write!(f, "{unwanted} passed over by --where, ")?;
        }
        write!(f, "{dropped} dropped by the kernel")?;
        if overrun > 0 {
            write!(f, ", {overrun} dropped because the output was too slow")?;
        }
        if left > 0 {
            let why = match left {
                _ if self.all => "came after the last one asked for",
                1 => "was still waiting",
                _ => "were still waiting",
            };
            write!(f, ", {left} {why}")?;
        }
        if missed > 0 {
            write!(f, "; before that, {missed} lost by the interface")?;
        }
        Ok(())
    }

    fn hints(&self) -> impl Iterator<Item = &'static str> {
        let Accounting { dropped, overrun, .. } = self.accounting;
        let hints = [
            (dropped, "a larger --ring or a smaller --snaplen lose less in the kernel"),
            (overrun, "a larger --queue, a filter, -q or -w FILE lose less on the way to the output"),
        ];
        hints.into_iter().filter(|(count, _)| *count > 0).map(|(_, hint)| hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(accounting: Accounting, all: bool) -> String {
        Summary { accounting, written: false, all, palette: Palette::PLAIN }.to_string()
    }

    #[test]
    fn every_place_where_frames_went_is_named() {
        let quiet = Accounting { seen: 1, shown: 1, ..Accounting::default() };
        assert_eq!(summary(quiet, false), "1 frame seen: 1 shown, 0 dropped by the kernel");
        let choice = Accounting { seen: 5, shown: 2, left: 3, ..Accounting::default() }.without(2);
        assert_eq!(
            summary(choice, false),
            "5 frames seen: 2 shown, 2 passed over by --where, 0 dropped by the kernel, 1 was still waiting"
        );
        let loss = Accounting { seen: 20, shown: 3, unwanted: 0, dropped: 4, overrun: 5, missed: 6, left: 8 };
        assert_eq!(
            summary(loss, true),
            "20 frames seen: 3 shown, 4 dropped by the kernel, 5 dropped because the output was too slow, \
             8 came after the last one asked for; before that, 6 lost by the interface\n\
             hint: a larger --ring or a smaller --snaplen lose less in the kernel\n\
             hint: a larger --queue, a filter, -q or -w FILE lose less on the way to the output"
        );
    }
}
