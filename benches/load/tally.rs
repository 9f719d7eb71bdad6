//! What is counted over a whole run, by all connections together.

use std::collections::BTreeMap;

use serde::Serialize;

#[derive(Clone, Debug, Default, Serialize)]
pub struct Tally {
    /// Connections that got a first frame, each counted once.
    pub opened: u64,
    /// Connections that never did; they are not tried again.
    pub failed: u64,
    /// Why connections failed, were refused or dropped, and how often.
    pub reasons: BTreeMap<String, u64>,
    pub events: u64,
    pub heartbeats: u64,
    /// Times that offsets were left out, and how many offsets.
    pub gaps: u64,
    pub missing: u64,
    pub duplicates: u64,
    pub out_of_order: u64,
    /// The numbering changed and no reset said so.
    pub other_epochs: u64,
    /// Ids that cannot be read, or that name a topic nobody asked for.
    pub unreadable: u64,
    /// Ids whose positions of the stream's other topics are not what was delivered of them.
    pub mismatched: u64,
    pub resets: u64,
    pub drains: u64,
    /// Connections that ended without our doing.
    pub drops: u64,
    /// Connections that we dropped, to see them resume.
    pub churned: u64,
    pub resumes: u64,
    /// Events due before their reader had come back, delivered after.
    pub recovered: u64,
    /// Events that came before they were due: the clocks of server and generator differ.
    pub early: u64,
    /// Connections that, when all was over, were not back or had not been sent what others had.
    pub behind: u64,
}

impl Tally {
    /// Why a run is no success; empty if it is one.
    pub fn faults(&self) -> Vec<String> {
        let faults = [
            (self.failed, "connections failed"),
            (self.gaps, "gaps"),
            (self.duplicates, "duplicates"),
            (self.out_of_order, "events out of order"),
            (self.other_epochs, "changes of epoch without a reset"),
            (self.unreadable, "events with an unreadable id"),
            (self.mismatched, "ids that disagree with what was delivered"),
            (self.behind, "connections behind at the end"),
        ];
        let mut faults: Vec<_> =
            faults.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        if self.events == 0 {
            faults.push("no event was received".into());
        }
        faults
    }

    pub fn because(&mut self, reason: String) {
        *self.reasons.entry(reason).or_default() += 1;
    }
}
