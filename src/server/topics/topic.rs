//! One topic: its content, its readers and its epoch behind one lock. Used by `registry.rs`, `durable.rs` and `cursor.rs` only.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{BufMut, Bytes, BytesMut};

use super::{content::Content, durable::Durable, subscribers::Subscribers};
use crate::wire::{Epoch, Position, Topic, topic::Policy};

#[derive(Debug)]
pub struct TopicCell {
    pub name: Topic,
    pub policy: Policy,
    /// Of a durable topic: its way to the store.
    pub durable: Option<Durable>,
    state: Mutex<State>,
}

#[derive(Debug)]
pub struct State {
    pub epoch: Epoch,
    pub content: Content,
    pub readers: Subscribers,
    /// So many keep it though it is idle.
    pub holds: usize,
    /// The snapshot of the head, kept until something is published: a thousand resets encode it once.
    snapshot: Option<Bytes>,
    /// Cleared by each sweep for idle topics, set by each use.
    pub used: bool,
    /// The registry no longer knows this topic; whoever still holds it must look it up again.
    pub removed: bool,
    /// Of a durable topic: how far it has come according to commits and other processes, if the ring is not there yet.
    pub announced: Option<Position>,
    /// Whether somebody is filling the ring from the store.
    pub refilling: bool,
}

impl TopicCell {
    pub fn new(name: Topic, epoch: Epoch, durable: Option<Durable>) -> Arc<Self> {
        let policy = name.policy();
        let state = State {
            epoch,
            content: Content::new(&policy),
            readers: Subscribers::default(),
            holds: 0,
            snapshot: None,
            used: true,
            removed: false,
            announced: None,
            refilling: false,
        };
        Arc::new(Self { name, policy, durable, state: Mutex::new(state) })
    }

    /// A panic while the lock was held cannot leave the state half-changed in a way that readers could not bear
    /// (each change is one push), so poisoning is passed over.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps it from being removed; fails if it was.
    pub fn hold(&self) -> bool {
        let mut state = self.lock();
        state.holds += usize::from(!state.removed);
        !state.removed
    }

    /// Changes the state and wakes the armed readers if the head is another afterwards.
    pub fn change(&self, change: impl FnOnce(&mut State)) {
        let wakes = {
            let mut state = self.lock();
            let before = state.head();
            change(&mut state);
            if state.head() == before {
                return;
            }
            state.snapshot = None;
            state.readers.drain()
        };
        wakes.into_iter().for_each(super::subscribers::Wake::deliver);
    }

    /// Changes the content and wakes the armed readers after the lock is released. Fails if the topic was removed.
    pub fn publish<R>(&self, change: impl FnOnce(&mut Content) -> R) -> Option<(Epoch, R)> {
        let (epoch, result, wakes) = {
            let mut state = self.lock();
            if state.removed {
                return None;
            }
            state.used = true;
            let before = state.content.head();
            let result = change(&mut state.content);
            let changed = state.content.head() != before;
            if changed {
                state.snapshot = None;
            }
            (state.epoch, result, if changed { state.readers.drain() } else { Vec::new() })
        };
        wakes.into_iter().for_each(super::subscribers::Wake::deliver);
        Some((epoch, result))
    }
}

impl State {
    /// Gives an event another text, if it is still in memory.
    pub fn rewrite(&mut self, offset: u64, payload: Bytes) {
        self.content.rewrite(offset, payload);
        self.snapshot = None;
    }

    pub fn head(&self) -> Position {
        Position { epoch: self.epoch, offset: self.content.head() }
    }

    /// The JSON of a [`crate::wire::stream::Snapshot`], put together from payloads that are encoded already.
    pub fn snapshot(&mut self, topic: &TopicCell) -> Bytes {
        let head = self.head();
        let content = &self.content;
        self.snapshot.get_or_insert_with(|| encode_snapshot(topic, head, content)).clone()
    }
}

fn encode_snapshot(topic: &TopicCell, head: Position, content: &Content) -> Bytes {
    let entries = content.newest(topic.policy.snapshot_events);
    let mut json = BytesMut::with_capacity(128 + entries.iter().map(|e| e.payload.len() + 40).sum::<usize>());
    // A topic's and a position's text need no escaping: both are limited to harmless ASCII.
    json.put_slice(format!(r#"{{"topic":"{}","position":"{head}","events":["#, topic.name).as_bytes());
    for (index, entry) in entries.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        json.put_slice(format!(r#"{comma}{{"offset":{},"data":"#, entry.offset).as_bytes());
        json.put_slice(&entry.payload);
        json.put_u8(b'}');
    }
    json.put_slice(b"]}");
    json.freeze()
}
