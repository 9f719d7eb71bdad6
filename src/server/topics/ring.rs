//! A log's newest part in memory: consecutive offsets, bounded in events and bytes. Pure; `topic.rs` holds the lock.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;

use super::Entry;
use crate::wire::topic::Retention;

#[derive(Debug)]
pub struct Ring {
    entries: VecDeque<Arc<Entry>>,
    /// The offset of the newest entry ever pushed; 0 before the first.
    head: u64,
    bytes: usize,
    retention: Retention,
}

impl Ring {
    pub fn new(retention: Retention) -> Self {
        Self { entries: VecDeque::new(), head: 0, bytes: 0, retention }
    }

    /// Begins anew with what is stored, which ends at `head`.
    pub fn restore(&mut self, head: u64, newest: impl ExactSizeIterator<Item = Bytes>) {
        *self = Self { head: head - newest.len() as u64, ..Self::new(self.retention) };
        newest.for_each(|payload| {
            self.push(payload);
        });
    }

    /// Appends and returns the offset. The newest entry always stays, even when it alone is over the byte limit.
    pub fn push(&mut self, payload: Bytes) -> u64 {
        self.head += 1;
        self.bytes += payload.len();
        self.entries.push_back(Arc::new(Entry::new(self.head, payload)));
        while self.entries.len() > 1 && self.is_over() {
            self.pop();
        }
        self.head
    }

    /// Gives an entry another payload, if it is still here.
    pub fn rewrite(&mut self, offset: u64, payload: Bytes) {
        let place = offset.checked_sub(self.floor() + 1).and_then(|place| usize::try_from(place).ok());
        if let Some(entry) = place.and_then(|place| self.entries.get_mut(place)) {
            self.bytes = self.bytes - entry.payload.len() + payload.len();
            *entry = Arc::new(Entry::new(offset, payload));
        }
    }

    pub fn head(&self) -> u64 {
        self.head
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The smallest offset from which reading on leaves no gap.
    pub fn floor(&self) -> u64 {
        self.head - self.entries.len() as u64
    }

    /// Entries after `offset`, which lies between `floor` and `head`.
    pub fn after(&self, offset: u64) -> impl Iterator<Item = &Arc<Entry>> {
        let skip = usize::try_from(offset.saturating_sub(self.floor())).unwrap_or(usize::MAX);
        self.entries.range(skip.min(self.entries.len())..)
    }

    fn is_over(&self) -> bool {
        self.entries.len() > self.retention.events || self.bytes > self.retention.bytes
    }

    fn pop(&mut self) {
        if let Some(entry) = self.entries.pop_front() {
            self.bytes -= entry.payload.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offsets(ring: &Ring, after: u64) -> Vec<u64> {
        ring.after(after).map(|entry| entry.offset).collect()
    }

    #[test]
    fn the_oldest_leave_when_there_are_too_many_or_they_weigh_too_much() {
        let mut ring = Ring::new(Retention { events: 3, bytes: 10 });
        for _ in 0..5 {
            ring.push(Bytes::from_static(b"12"));
        }
        assert_eq!((ring.floor(), ring.head(), ring.len(), ring.bytes()), (2, 5, 3, 6));
        ring.push(Bytes::from_static(b"12345678"));
        assert_eq!((ring.floor(), offsets(&ring, 4)), (4, vec![5, 6]));
        ring.push(Bytes::from_static(b"far more than the limit"));
        assert_eq!((ring.floor(), offsets(&ring, 6)), (6, vec![7]));
    }

    #[test]
    fn an_entry_is_rewritten_in_its_place_and_one_that_is_gone_is_not() {
        let mut ring = Ring::new(Retention { events: 2, bytes: 100 });
        for _ in 0..3 {
            ring.push(Bytes::from_static(b"secret"));
        }
        for offset in [0, 1, 3, 4] {
            ring.rewrite(offset, Bytes::from_static(b"gone"));
        }
        let texts: Vec<_> = ring.after(1).map(|entry| (entry.offset, &*entry.payload)).collect();
        assert_eq!(texts, [(2, &b"secret"[..]), (3, b"gone")]);
        assert_eq!(ring.bytes(), 10);
    }

    #[test]
    fn reading_from_the_head_is_empty() {
        let mut ring = Ring::new(Retention { events: 3, bytes: 10 });
        assert!(offsets(&ring, 0).is_empty());
        ring.push(Bytes::new());
        assert_eq!(offsets(&ring, 0), [1]);
        assert!(offsets(&ring, 1).is_empty());
    }
}
