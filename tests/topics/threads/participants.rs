//! Who takes part in the tests with threads: publishers that take turns, and followers that park until they are woken.

use std::{
    sync::Arc,
    task::{Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use tidemark::{
    server::topics::{Cursor, From, Mailbox, Read, Topics},
    wire::Topic,
};

/// Far longer than anything here takes, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(30);

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// A thread that sleeps until its mailbox has a mark.
#[derive(Default)]
pub struct Parked {
    pub mailbox: Arc<Mailbox>,
}

impl Parked {
    pub fn wait(&self) -> u64 {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        loop {
            self.mailbox.register(&waker);
            let marks = self.mailbox.take();
            if marks != 0 {
                return marks;
            }
            let asleep = Instant::now();
            thread::park_timeout(PATIENCE);
            assert!(asleep.elapsed() < PATIENCE, "a wake-up was lost; marks now: {:b}", self.mailbox.take());
        }
    }
}

/// Reads some logs at once, each as (publisher, number of its event).
pub struct Follower {
    parked: Parked,
    cursors: Vec<Followed>,
}

struct Followed {
    cursor: Cursor,
    offset: u64,
    /// The newest number of each publisher, once known.
    numbers: [Option<usize>; 8],
}

impl Follower {
    pub fn open(topics: &Topics, names: &[Topic], from: impl Fn(usize) -> From) -> Self {
        let parked = Parked::default();
        let open = |(index, topic)| {
            let cursor = topics.subscribe(topic, from(index), &parked.mailbox, index as u8, 0);
            Followed { offset: cursor.position().offset, cursor, numbers: [None; 8] }
        };
        let cursors = names.iter().enumerate().map(open).collect();
        Self { cursors, parked }
    }

    /// Until every log was read up to `offset`. Fails at a gap, a duplicate, a reset or a lost wake-up.
    pub fn follow_until(&mut self, offset: u64, max_bytes: usize) {
        while self.cursors.iter().any(|followed| followed.offset < offset) {
            let marks = self.parked.wait();
            for (slot, followed) in self.cursors.iter_mut().enumerate() {
                while marks & 1 << slot != 0 && followed.read_on(max_bytes) {}
            }
        }
    }
}

impl Followed {
    /// Whether there is more to read. If not, the next event will mark.
    fn read_on(&mut self, max_bytes: usize) -> bool {
        let batch = match self.cursor.read(max_bytes, 0) {
            Read::UpToDate => return false,
            Read::Events(batch) => batch,
            other => panic!("{other:?}"),
        };
        for entry in batch.entries {
            assert_eq!(entry.offset, self.offset + 1, "neither gap nor duplicate");
            self.offset = entry.offset;
            let (who, number): (usize, usize) = serde_json::from_slice(&entry.payload).unwrap();
            let before = self.numbers[who].replace(number);
            assert!(before.is_none_or(|before| number == before + 1), "what one thread publishes stays in order");
        }
        !batch.reached_head
    }
}

pub fn channel(round: usize, number: usize) -> Topic {
    format!("channel/threads/{round}-{number}").parse().unwrap()
}

/// Publishes `count` events to each topic, with pauses in which readers reach the head and park.
pub fn publish_in_turns(topics: &Topics, names: &[Topic], who: usize, count: usize) {
    for number in 0..count {
        names.iter().for_each(|topic| drop(topics.publish(topic, &(who, number))));
        match number % 16 {
            15 => thread::sleep(Duration::from_micros(50)),
            3 | 8 => thread::yield_now(),
            _ => {}
        }
    }
}
