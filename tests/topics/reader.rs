//! A cursor and what its reader knows. Each read is compared with what the oracle says is due.

use bytes::Bytes;
use tidemark::{
    server::topics::{Batch, Cursor, Read, Reset, Slot},
    wire::{
        Position,
        stream::{ResetReason, Snapshot},
    },
};

use super::{operations::Limit, oracle::Oracle};

pub struct Reader<O: Oracle> {
    pub cursor: Cursor,
    pub slot: Slot,
    pub held: O::Held,
    /// How far it was brought: what it would resume from.
    pub position: Position,
    /// What its position earned when it subscribed.
    pub owed: Option<ResetReason>,
    /// Not read yet.
    pub fresh: bool,
    /// The last read reached the head.
    pub armed: bool,
}

impl<O: Oracle> Reader<O> {
    pub fn bit(&self) -> u64 {
        1 << self.slot
    }

    /// A new reader is told to look, one that waits is told of news, and one that has not read to the head needs no
    /// telling.
    pub fn is_due_a_mark(&self, head: u64) -> bool {
        self.fresh || self.armed && head > self.position.offset
    }

    /// Whether there is more to read; nothing if that is being found out, and the slot will be marked.
    pub fn read(&mut self, oracle: &O, head: Position, limit: Limit) -> Option<bool> {
        self.fresh = false;
        let owed = if O::DURABLE { self.owed.filter(|_| self.is_astray(head)) } else { self.owed };
        let too_old = (self.position.offset < oracle.floor()).then_some(ResetReason::TooOld);
        let reason = owed.or(too_old);
        match self.cursor.read(limit.bytes, limit.overhead) {
            Read::NotYet if O::DURABLE => return None,
            Read::Reset(reset) => self.reset(oracle, reset, reason, head),
            // What was fetched in time may be handed out although the store has it no longer.
            read if O::DURABLE && owed.is_none() => self.events(oracle, read, limit),
            read => {
                assert_eq!(reason, None, "there is no way on from {}, but it reads {read:?}", self.position);
                self.events(oracle, read, limit);
            }
        }
        self.owed = None;
        assert_eq!(self.cursor.head(), head);
        if self.armed {
            assert_eq!(self.position, head);
            assert_eq!(self.held, oracle.held_at(head.offset), "a reader at the head knows all");
        }
        Some(!self.armed)
    }

    fn is_astray(&self, head: Position) -> bool {
        self.position.epoch != head.epoch || self.position.offset > head.offset
    }

    fn reset(&mut self, oracle: &O, reset: Reset, reason: Option<ResetReason>, head: Position) {
        assert_eq!(Some(reset.reason), reason, "at {}", self.position);
        assert_eq!(reset.position, head);
        let snapshot: Snapshot<O::Event> = serde_json::from_slice(&reset.snapshot).expect("a snapshot is JSON");
        assert_eq!(snapshot.position, head, "a snapshot is true where the cursor stands");
        self.held = held_after(oracle, snapshot);
        self.position = head;
        self.armed = true;
    }

    fn events(&mut self, oracle: &O, read: Read, limit: Limit) {
        let due = oracle.due(self.position.offset);
        let (entries, reached_head) = match read {
            Read::Events(Batch { entries, reached_head }) => (entries, reached_head),
            Read::UpToDate | Read::Reset(_) => (Vec::new(), true),
            other => panic!("{other:?} of a topic that is neither durable nor closed"),
        };
        let all = entries.len() == due.len();
        assert!(if O::DURABLE { all || !reached_head } else { all == reached_head }, "whoever is told so has read all");
        assert!(!entries.is_empty() || due.is_empty() && reached_head, "every read gets on");
        // Even an empty frame is one.
        let weight = |payload: &Bytes| payload.len() + limit.overhead.max(1);
        let bytes: usize = entries.iter().map(|entry| weight(&entry.payload)).sum();
        assert!(entries.len() == 1 || bytes <= limit.bytes, "{bytes} bytes are more than {limit:?}");
        // From the store come so many at a time, and then those of the ring.
        if let Some((_, next)) = due.get(entries.len()).filter(|_| !O::DURABLE) {
            assert!(bytes + weight(next) > limit.bytes, "a read hands out as much as fits");
        }
        for (entry, (offset, payload)) in entries.iter().zip(due) {
            assert_eq!((entry.offset, &entry.payload), (offset, &payload));
            O::apply(&mut self.held, offset, serde_json::from_slice(&payload).expect("a payload is JSON"));
            self.position.offset = offset;
        }
        self.armed = reached_head;
    }
}

/// What a reader knows after this snapshot, which is compared with what there is to know.
pub fn held_after<O: Oracle>(oracle: &O, snapshot: Snapshot<O::Event>) -> O::Held {
    assert_eq!(snapshot.topic, O::topic());
    let expected = oracle.snapshot().into_iter();
    let expected: Vec<(u64, O::Event)> =
        expected.map(|(offset, payload)| (offset, serde_json::from_slice(&payload).expect("JSON"))).collect();
    let shown: Vec<_> = snapshot.events.into_iter().map(|event| (event.offset, event.data)).collect();
    assert_eq!(shown, expected, "a snapshot shows what there is at its position");
    let held = O::held_after(snapshot.position.offset, shown);
    assert_eq!(held, oracle.held_at(snapshot.position.offset));
    held
}
