//! What the measurements start from: topics, an event of the usual size, and connections with a cursor each.

use std::{sync::Arc, task::Waker};

use tidemark::{
    server::topics::{Cursor, From, Mailbox, Read, Topics},
    wire::{Topic, feed::FeedSampled},
};

/// What one write of a stream carries at most.
pub const READ_BYTES: usize = 64 * 1024;

pub struct Connection {
    pub mailbox: Arc<Mailbox>,
    pub cursor: Cursor,
}

impl Connection {
    /// Subscribed, and nothing read yet.
    pub fn new(topics: &Topics, topic: &Topic) -> Self {
        let mailbox = Arc::default();
        let cursor = topics.subscribe(topic, From::Now, &mailbox, 0, 0);
        Self { mailbox, cursor }
    }

    /// What a connection's task does when it is woken. Afterwards the cursor is armed.
    pub fn wake(&mut self) -> Read {
        self.mailbox.register(Waker::noop());
        self.mailbox.take();
        self.cursor.read(READ_BYTES, 0)
    }
}

pub fn topic(number: usize) -> Topic {
    format!("channel/bench/{number}").parse().expect("a topic's name")
}

/// About 130 bytes of JSON.
pub fn sample() -> FeedSampled {
    FeedSampled {
        time: 1_700_000_000_000,
        value: 12.5,
        memory: 23_456_789,
        connections: 10_000,
        events_per_second: 10_000,
        interval_ms: 1_000,
    }
}
