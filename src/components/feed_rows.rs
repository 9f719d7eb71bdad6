//! What the feed's table shows, as a pure model: the newest samples, newest first, and dividers where a reset came.

use std::collections::VecDeque;

use crate::wire::{
    Epoch,
    feed::{FEED_ROWS, FeedSampled},
    stream::{Event, Reset, ResetReason, Snapshot},
};

/// So many dividers are kept among the samples; what lies beneath one more is let go.
pub const DIVIDERS: usize = 3;

#[derive(Clone, Debug, PartialEq)]
pub struct FeedRows {
    epoch: Epoch,
    rows: VecDeque<Row>,
    resets: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    Sample {
        epoch: Epoch,
        offset: u64,
        sample: FeedSampled,
    },
    /// What is beneath it came before a reset.
    Divider {
        number: u32,
        reason: ResetReason,
    },
}

/// What a row is, however the list around it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowKey {
    Sample(u64, u64),
    Divider(u32),
}

impl Row {
    pub fn key(&self) -> RowKey {
        match self {
            Self::Sample { epoch, offset, .. } => RowKey::Sample(epoch.0, *offset),
            Self::Divider { number, .. } => RowKey::Divider(*number),
        }
    }

    pub fn sample(&self) -> Option<&FeedSampled> {
        match self {
            Self::Sample { sample, .. } => Some(sample),
            Self::Divider { .. } => None,
        }
    }
}

impl FeedRows {
    pub fn new(snapshot: Snapshot<FeedSampled>) -> Self {
        let mut rows = Self { epoch: snapshot.position.epoch, rows: VecDeque::new(), resets: 0 };
        rows.add(snapshot.events);
        rows
    }

    /// Newest first.
    pub fn iter(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter()
    }

    pub fn newest(&self) -> Option<&FeedSampled> {
        self.rows.iter().find_map(Row::sample)
    }

    /// Events that follow those held, oldest first.
    pub fn add(&mut self, events: Vec<Event<FeedSampled>>) {
        let epoch = self.epoch;
        for Event { offset, data } in events {
            self.rows.push_front(Row::Sample { epoch, offset, sample: data });
        }
        let samples = |rows: &VecDeque<Row>| rows.iter().filter(|row| row.sample().is_some()).count();
        let too_many = |rows: &VecDeque<Row>| samples(rows) > FEED_ROWS || rows.len() - samples(rows) > DIVIDERS;
        // A divider with nothing beneath it divides nothing.
        while too_many(&self.rows) || matches!(self.rows.back(), Some(Row::Divider { .. })) {
            self.rows.pop_back();
        }
    }

    /// What was held stays, beneath a divider; of the same epoch, only what the snapshot does not bring again.
    pub fn reset(&mut self, reset: Reset<FeedSampled>) {
        let first = reset.snapshot.events.first().map_or(u64::MAX, |event| event.offset);
        let epoch = reset.position.epoch;
        self.rows.retain(|row| !matches!(row, Row::Sample { epoch: e, offset, .. } if *e == epoch && *offset >= first));
        self.epoch = epoch;
        self.resets += 1;
        self.rows.push_front(Row::Divider { number: self.resets, reason: reset.reason });
        self.add(reset.snapshot.events);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Position, Topic};

    fn event(offset: u64) -> Event<FeedSampled> {
        let data = FeedSampled {
            time: offset,
            value: 0.5,
            memory: 0,
            connections: 0,
            events_per_second: 0,
            interval_ms: 1_000,
        };
        Event { offset, data }
    }

    fn snapshot(epoch: u64, offsets: std::ops::RangeInclusive<u64>) -> Snapshot<FeedSampled> {
        let position = Position { epoch: Epoch(epoch), offset: *offsets.end() };
        Snapshot { topic: Topic::Feed, position, events: offsets.map(event).collect() }
    }

    fn shown(rows: &FeedRows) -> String {
        let text = |row: &Row| match row {
            Row::Sample { offset, .. } => offset.to_string(),
            Row::Divider { .. } => "-".to_owned(),
        };
        rows.iter().map(text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_newest_fifty_stay() {
        let mut rows = FeedRows::new(snapshot(1, 1..=50));
        rows.add((51..=60).map(event).collect());
        assert_eq!(rows.iter().count(), FEED_ROWS);
        assert!(shown(&rows).starts_with("60 59 ") && shown(&rows).ends_with(" 12 11"));
    }

    #[test]
    fn rows_from_before_a_reset_stay_beneath_a_divider_until_they_age_out() {
        let mut rows = FeedRows::new(snapshot(1, 8..=10));
        let reason = ResetReason::UnknownEpoch;
        let snapshot = snapshot(2, 1..=2);
        rows.reset(Reset { topic: Topic::Feed, reason, position: snapshot.position, snapshot });
        assert_eq!(shown(&rows), "2 1 - 10 9 8");
        rows.add((3..=60).map(event).collect());
        assert_eq!(rows.iter().filter(|row| row.sample().is_none()).count(), 0);
    }

    #[test]
    fn many_resets_leave_room_for_the_newest_fifty() {
        let mut rows = FeedRows::new(snapshot(1, 1..=50));
        for epoch in 2..9 {
            let snapshot = snapshot(epoch, 1..=2);
            let reason = ResetReason::UnknownEpoch;
            rows.reset(Reset { topic: Topic::Feed, reason, position: snapshot.position, snapshot });
        }
        assert_eq!(shown(&rows), "2 1 - 2 1 - 2 1 - 2 1");
        rows.add((3..=60).map(event).collect());
        assert_eq!(rows.iter().count(), FEED_ROWS);
    }

    #[test]
    fn a_reset_within_an_epoch_repeats_no_row() {
        let mut rows = FeedRows::new(snapshot(1, 1..=5));
        let snapshot = snapshot(1, 4..=9);
        rows.reset(Reset { topic: Topic::Feed, reason: ResetReason::TooOld, position: snapshot.position, snapshot });
        assert_eq!(shown(&rows), "9 8 7 6 5 4 - 3 2 1");
    }
}
