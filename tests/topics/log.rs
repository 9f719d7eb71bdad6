//! The oracle of a log: every event there ever was, and how many of the newest ought to be kept.

use bytes::Bytes;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use tidemark::{
    server::topics::Topics,
    wire::{Position, Topic, topic::Policy},
};

use super::oracle::{Expected, Oracle};

#[derive(Debug, Default)]
pub struct Log {
    history: Vec<Bytes>,
    floor: usize,
    /// Of the payloads after the floor.
    bytes: usize,
}

#[derive(Clone, Debug)]
pub struct Publish {
    pub count: usize,
    pub padding: usize,
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
pub struct Numbered {
    number: usize,
    padding: String,
}

impl Log {
    fn policy() -> Policy {
        Self::topic().policy()
    }

    fn publish(&mut self, topics: &Topics, padding: usize) -> Position {
        let event = Numbered { number: self.history.len() + 1, padding: "~".repeat(padding) };
        let payload = Bytes::from(serde_json::to_vec(&event).unwrap());
        self.bytes += payload.len();
        self.history.push(payload);
        let retention = Self::policy().retention;
        while self.kept().0 > 1 && (self.kept().0 > retention.events || self.bytes > retention.bytes) {
            self.bytes -= self.history[self.floor].len();
            self.floor += 1;
        }
        topics.publish(&Self::topic(), &event).unwrap()
    }

    fn numbered(&self, from: usize) -> Vec<Expected> {
        (from..self.history.len()).map(|index| (index as u64 + 1, self.history[index].clone())).collect()
    }
}

impl Oracle for Log {
    type Home = Topics;
    type Change = Publish;
    type Event = Numbered;
    /// The last offset.
    type Held = u64;

    const DURABLE: bool = false;

    fn topic() -> Topic {
        "channel/contract/log".parse().unwrap()
    }

    /// One event, mostly; sometimes more than the ring holds, in number or in bytes.
    fn changes() -> BoxedStrategy<Publish> {
        prop_oneof![
            60 => (1..4usize, 0..40usize).prop_map(|(count, padding)| Publish { count, padding }),
            3 => (700..1_500usize).prop_map(|count| Publish { count, padding: 0 }),
            2 => (1..8usize).prop_map(|count| Publish { count, padding: 200_000 }),
            1 => Just(Publish { count: 1, padding: 1_100_000 }),
        ]
        .boxed()
    }

    fn make(&mut self, topics: &Topics, change: &Publish) -> Position {
        (0..change.count).map(|_| self.publish(topics, change.padding)).last().expect("a burst is not empty")
    }

    fn head(&self) -> u64 {
        self.history.len() as u64
    }

    fn floor(&self) -> u64 {
        self.floor as u64
    }

    fn forget(&mut self) {
        *self = Self::default();
    }

    fn due(&self, offset: u64) -> Vec<Expected> {
        self.numbered(offset as usize)
    }

    fn snapshot(&self) -> Vec<Expected> {
        self.numbered(self.floor.max(self.history.len().saturating_sub(Self::policy().snapshot_events)))
    }

    fn kept(&self) -> (usize, usize) {
        (self.history.len() - self.floor, self.bytes)
    }

    fn held_at(&self, offset: u64) -> u64 {
        offset
    }

    fn held_after(position: u64, snapshot: Vec<(u64, Numbered)>) -> u64 {
        let first = position + 1 - snapshot.len() as u64;
        assert!(snapshot.iter().map(|(offset, _)| *offset).eq(first..=position), "a snapshot ends at its position");
        position
    }

    fn apply(held: &mut u64, offset: u64, event: Numbered) {
        assert_eq!((offset, event.number as u64), (*held + 1, *held + 1), "a log has neither gaps nor duplicates");
        *held = offset;
    }
}
