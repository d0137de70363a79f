//! What the wires are like, direction by direction.

use std::time::Duration;

use super::Stage;
use crate::lab::line::{Conditions, Line};

impl Stage<'_> {
    /// Every frame that no rule stops takes this long on the wire, in each direction; order is kept.
    pub fn delay(&mut self, one_way: Option<Duration>) {
        self.delay = one_way.unwrap_or_default();
    }

    /// What host number `from` sends meets these conditions from now on, on every network that it is joined to.
    pub fn conditions(&mut self, from: usize, conditions: Conditions) {
        self.each_line(|host, line| {
            if host == from {
                line.set(conditions);
            }
        });
    }

    /// Conditions of what enters network number `fabric` at its port number `port`.
    pub(in crate::lab) fn conditions_at(&mut self, (fabric, port): (usize, usize), conditions: Conditions) {
        if let Some(line) = self.line((fabric, port)) {
            line.set(conditions);
        }
    }

    /// Nothing that host number `from` sends passes any more, until [`Stage::mend`]. What is under way arrives.
    pub fn cut(&mut self, from: usize) {
        self.each_line(|host, line| line.cut |= host == from);
    }

    /// What host number `from` sends passes again.
    pub fn mend(&mut self, from: usize) {
        self.each_line(|host, line| line.cut &= host != from);
    }

    fn each_line(&mut self, mut change: impl FnMut(usize, &mut Line)) {
        for fabric in &mut self.fabrics {
            for (port, line) in fabric.ports.iter().zip(&mut fabric.lines) {
                change(port.host, line);
            }
        }
    }

    pub(super) fn line(&mut self, (fabric, port): (usize, usize)) -> Option<&mut Line> {
        self.fabrics.get_mut(fabric)?.lines.get_mut(port)
    }

    /// Whether every frame of every direction passes at once.
    pub(super) fn lines_are_plain(&self) -> bool {
        self.delay.is_zero() && self.fabrics.iter().flat_map(|fabric| &fabric.lines).all(Line::is_plain)
    }
}
