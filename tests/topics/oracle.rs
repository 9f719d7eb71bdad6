//! What a topic ought to do, said as simply as possible: a list of all that ever happened to it. One oracle for each
//! kind of topic (`log.rs`, `latest.rs`); `world.rs` holds the real one to it.

use std::fmt::Debug;

use bytes::Bytes;
use proptest::strategy::BoxedStrategy;
use serde::de::DeserializeOwned;
use tidemark::{
    server::topics::Topics,
    wire::{Position, Topic},
};

/// An event as the oracle knows it: its offset and its payload.
pub type Expected = (u64, Bytes);

/// Where topics of a kind live.
pub trait Home: Default {
    fn topics(&self) -> &Topics;

    /// Brings a topic into memory.
    fn warm(&self, topic: &Topic);
}

impl Home for Topics {
    fn topics(&self) -> &Topics {
        self
    }

    fn warm(&self, _: &Topic) {}
}

pub trait Oracle: Debug + Default {
    type Home: Home;
    /// One thing that may be done to a topic of this kind, a burst included.
    type Change: Clone + Debug + 'static;
    type Event: DeserializeOwned + Debug + PartialEq;
    /// What a reader knows that has applied the events it was given.
    type Held: Clone + Debug + Default + PartialEq;

    /// The topic goes on after it left memory; what the ring no longer has is looked for in the store, and a position
    /// is judged when it is read from.
    const DURABLE: bool;

    fn topic() -> Topic;

    fn changes() -> BoxedStrategy<Self::Change>;

    /// Does it to the topic and notes what should have come of it. Returns what the topic said, last of all.
    fn make(&mut self, home: &Self::Home, change: &Self::Change) -> Position;

    fn head(&self) -> u64;

    /// The smallest offset from which reading on leaves no gap.
    fn floor(&self) -> u64;

    /// The topic has left memory.
    fn forget(&mut self);

    /// What a reader at `offset` is due.
    fn due(&self, offset: u64) -> Vec<Expected>;

    /// What a snapshot of now lists.
    fn snapshot(&self) -> Vec<Expected>;

    /// (entries, bytes of payload) in memory.
    fn kept(&self) -> (usize, usize);

    /// What a reader knows that has read everything up to `offset`.
    fn held_at(&self, offset: u64) -> Self::Held;

    /// What a reader knows after a snapshot.
    fn held_after(position: u64, snapshot: Vec<(u64, Self::Event)>) -> Self::Held;

    /// A reader applies an event; it fails the test if the event cannot follow what it knows.
    fn apply(held: &mut Self::Held, offset: u64, event: Self::Event);
}
