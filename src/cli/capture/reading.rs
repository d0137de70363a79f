//! How much of each frame `netlab capture` reads: as little as those need who are handed the packet.

use super::Args;
use crate::capture::{Condition, Dissector};
use crate::cli::Context;

impl Args {
    /// What reads every frame, once for all who want packets; none where nobody does.
    pub(super) fn dissector(&self, context: &Context) -> Option<Dissector> {
        let (shows, table, condition) = (self.shows(context), self.parquet.wanted(), self.filter.condition.as_ref());
        let writes_names = self.naming.wanted() && self.write.is_some();
        if !shows && !table && condition.is_none() && !self.summaries.wanted() && !writes_names {
            return None;
        }
        let shows_fields = shows && (self.verbose || self.columns.wanted() || context.json);
        let dissector = self.decoding.with(Dissector::new(condition.is_some() || shows_fields));
        let dissector = self.naming.with(dissector, writes_names);
        let tells_numbers = shows || table || condition.is_some();
        let dissector = if tells_numbers { dissector } else { dissector.absolute() };
        let dissector = self.fragments.with(dissector);
        let tells_findings = self.summaries.analyze && (shows || table);
        let is_asked = condition.is_some_and(Condition::is_analysed) || self.columns.are_analysed();
        Some(if tells_findings || is_asked { dissector.timing(self.summaries.memory()) } else { dissector })
    }

    /// What reads frames for the live screen.
    pub(super) fn watching(&self) -> Dissector {
        self.fragments.with(self.decoding.with(Dissector::new(false)))
    }
}
