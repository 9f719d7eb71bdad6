//! The oracle of a durable log: every event there ever was, which of them the store keeps, and which the ring.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use proptest::prelude::*;
use tempfile::TempDir;
use tidemark::{
    server::{
        store::{Committed, Store, StoreError},
        topics::Topics,
    },
    wire::{Position, Topic, topic::Policy},
};
use tokio::runtime::Runtime;
use tokio_util::task::TaskTracker;

use super::oracle::{Expected, Home, Oracle};

#[derive(Debug, Default)]
pub struct DurableLog {
    history: Vec<Bytes>,
    /// How many the store has no longer.
    pruned: usize,
    /// Where the ring begins, while the topic is in memory.
    ring: Option<usize>,
}

#[derive(Clone, Debug)]
pub enum Change {
    /// Events of one write.
    Publish { count: usize, padding: usize },
    /// The store keeps so many of the newest.
    Prune { keep: u64 },
}

/// A process with a database in a folder of its own.
#[derive(Debug)]
pub struct Process {
    store: Store,
    topics: Arc<Topics>,
    _folder: TempDir,
}

/// What every store of these tests works in.
pub static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap());

impl Default for Process {
    fn default() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let topics = Arc::<Topics>::default();
        let appended = topics.clone();
        let on_commit = Arc::new(move |events: &[Committed]| appended.committed(events));
        let store = RUNTIME.block_on(Store::open(folder.path(), on_commit)).unwrap();
        topics.attach(store.clone(), TaskTracker::new());
        Self { store, topics, _folder: folder }
    }
}

impl Home for Process {
    fn topics(&self) -> &Topics {
        &self.topics
    }

    fn warm(&self, topic: &Topic) {
        RUNTIME.block_on(self.topics.warm(topic)).unwrap();
    }
}

impl DurableLog {
    fn policy() -> Policy {
        Self::topic().policy()
    }

    fn weight(&self, from: usize) -> usize {
        self.history[from..].iter().map(Bytes::len).sum()
    }

    /// Where the ring begins: as much as fits, from `floor` on.
    fn fitting(&self, mut floor: usize) -> usize {
        let retention = Self::policy().retention;
        let (mut kept, mut bytes) = (self.history.len() - floor, self.weight(floor));
        while kept > 1 && (kept > retention.events || bytes > retention.bytes) {
            bytes -= self.history[floor].len();
            (floor, kept) = (floor + 1, kept - 1);
        }
        floor
    }

    fn ring(&self) -> usize {
        self.ring.unwrap_or_else(|| self.fitting(self.pruned))
    }

    fn numbered(&self, from: usize) -> Vec<Expected> {
        (from..self.history.len()).map(|index| (index as u64 + 1, self.history[index].clone())).collect()
    }
}

impl Oracle for DurableLog {
    type Home = Process;
    type Change = Change;
    type Event = String;
    /// The last offset.
    type Held = u64;

    const DURABLE: bool = true;

    fn topic() -> Topic {
        "user/contract".parse().unwrap()
    }

    /// One event, mostly; sometimes more than the ring holds, in number or in bytes, or more than is fetched at a time.
    fn changes() -> BoxedStrategy<Change> {
        prop_oneof![
            40 => (1..4usize, 0..40usize).prop_map(|(count, padding)| Change::Publish { count, padding }),
            6 => (50..90usize).prop_map(|count| Change::Publish { count, padding: 0 }),
            2 => (1_000..1_300usize).prop_map(|count| Change::Publish { count, padding: 0 }),
            2 => (1..8usize).prop_map(|count| Change::Publish { count, padding: 20_000 }),
            1 => Just(Change::Publish { count: 1, padding: 70_000 }),
            4 => (1..200u64).prop_map(|keep| Change::Prune { keep }),
        ]
        .boxed()
    }

    fn make(&mut self, home: &Process, change: &Change) -> Position {
        let topic = Self::topic();
        home.warm(&topic);
        let floor = self.ring();
        match change {
            Change::Publish { count, padding } => {
                let first = self.history.len();
                let event = |number| format!("{number} {}", "~".repeat(*padding));
                let events: Vec<_> = (0..*count).map(|index| event(first + index)).collect();
                self.history.extend(events.iter().map(|event| Bytes::from(serde_json::to_vec(event).unwrap())));
                let write = home.store.write::<_, StoreError, _>(move |tx| {
                    Box::pin(async move {
                        for event in events {
                            tx.publish(&Self::topic(), &event).await?;
                        }
                        Ok(())
                    })
                });
                RUNTIME.block_on(write).unwrap();
            }
            Change::Prune { keep } => {
                let keep = *keep;
                let prune = home.store.write::<_, StoreError, _>(move |tx| {
                    Box::pin(async move { tx.prune(&Self::topic(), keep, 0, u64::MAX).await })
                });
                let removed = RUNTIME.block_on(prune).unwrap();
                let gone = self.history.len().saturating_sub(keep.max(1) as usize).max(self.pruned);
                assert_eq!(removed as usize, gone - self.pruned, "as many are pruned as there are too many");
                self.pruned = gone;
            }
        }
        self.ring = Some(self.fitting(floor));
        home.topics().head(&topic)
    }

    fn head(&self) -> u64 {
        self.history.len() as u64
    }

    fn floor(&self) -> u64 {
        self.ring().min(self.pruned) as u64
    }

    fn forget(&mut self) {
        self.ring = None;
    }

    fn due(&self, offset: u64) -> Vec<Expected> {
        self.numbered(offset as usize)
    }

    fn snapshot(&self) -> Vec<Expected> {
        self.numbered(self.ring().max(self.history.len().saturating_sub(Self::policy().snapshot_events)))
    }

    fn kept(&self) -> (usize, usize) {
        (self.history.len() - self.ring(), self.weight(self.ring()))
    }

    fn held_at(&self, offset: u64) -> u64 {
        offset
    }

    fn held_after(position: u64, snapshot: Vec<(u64, String)>) -> u64 {
        let first = position + 1 - snapshot.len() as u64;
        assert!(snapshot.iter().map(|(offset, _)| *offset).eq(first..=position), "a snapshot ends at its position");
        position
    }

    fn apply(held: &mut u64, offset: u64, event: String) {
        assert_eq!(offset, *held + 1, "a log has neither gaps nor duplicates");
        assert!(event.starts_with(&format!("{held} ")), "{event} at {offset}");
        *held = offset;
    }
}
