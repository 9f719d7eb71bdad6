//! All topics of this process, by name. Features publish here, transports open cursors here.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

use bytes::Bytes;
use serde::Serialize;
use tokio_util::task::TaskTracker;

use super::{
    content::Content,
    cursor::{Cursor, From},
    durable::{self, Durable},
    mailbox::{Mailbox, Slot},
    topic::TopicCell,
};
use crate::server::store::{Committed, Store, StoreError};
use crate::wire::{Epoch, Position, Topic, stream::Keyed, topic::Kind};

/// A topic exists from its first use until it has been idle, without cursors and not held, for a whole sweep.
///
/// The map is read far more often than changed, and only for a look-up: an `RwLock` is enough. Topics have locks of
/// their own.
#[derive(Debug, Default)]
pub struct Topics {
    cells: RwLock<HashMap<Topic, Arc<TopicCell>>>,
    /// Where durable topics live, and who owns what is read from there; without it there are none.
    store: OnceLock<(Store, TaskTracker)>,
}

/// Keeps a topic, and so its epoch, however idle it is.
#[derive(Debug)]
pub struct Hold(Arc<TopicCell>);

/// A topic as the inspector shows it.
#[derive(Debug)]
pub struct TopicView {
    pub topic: Topic,
    pub kind: Kind,
    pub head: Position,
    pub length: usize,
    /// Bytes of payloads in memory.
    pub bytes: usize,
    pub cursors: Vec<CursorView>,
}

#[derive(Clone, Copy, Debug)]
pub struct CursorView {
    pub connection: u64,
    pub offset: u64,
}

impl Topics {
    /// Appends an event to a log and wakes its readers.
    pub fn publish<T: Serialize>(&self, topic: &Topic, event: &T) -> serde_json::Result<Position> {
        debug_assert_eq!(topic.policy().kind, Kind::Log);
        let payload = Bytes::from(serde_json::to_vec(event)?);
        Ok(self.change(topic, |content| content.append(payload.clone())).0)
    }

    /// The same for an event that is JSON already, on one line.
    pub fn publish_json(&self, topic: &Topic, json: String) -> Position {
        debug_assert!(!topic.is_durable(), "what is durable is written through the store");
        let payload = Bytes::from(json);
        self.change(topic, |content| content.append(payload.clone())).0
    }

    /// Gives a key of a latest topic its value and wakes the readers, unless it has that value already.
    pub fn set<T: Serialize>(&self, topic: &Topic, key: &str, value: &T) -> serde_json::Result<Position> {
        self.put(topic, key, &Keyed { key: key.to_owned(), value: Some(value) })
    }

    /// Removes a key of a latest topic; nothing happens if it has none such.
    pub fn remove(&self, topic: &Topic, key: &str) -> serde_json::Result<Position> {
        self.put(topic, key, &Keyed::<()> { key: key.to_owned(), value: None })
    }

    /// The keys of a latest topic that have a value.
    pub fn keys(&self, topic: &Topic) -> Vec<String> {
        match &self.cell(topic).lock().content {
            Content::Latest(latest) => latest.present_keys().map(str::to_owned).collect(),
            Content::Log(_) => Vec::new(),
        }
    }

    pub fn head(&self, topic: &Topic) -> Position {
        self.cell(topic).lock().head()
    }

    /// Keeps a topic until this is dropped.
    pub fn hold(&self, topic: &Topic) -> Hold {
        loop {
            let cell = self.cell(topic);
            if cell.hold() {
                return Hold(cell);
            }
        }
    }

    /// State and the position it is true at, as the JSON of a [`crate::wire::stream::Snapshot`].
    pub fn snapshot(&self, topic: &Topic) -> Bytes {
        let cell = self.cell(topic);
        let mut state = cell.lock();
        state.used = true;
        state.snapshot(&cell)
    }

    /// Opens a cursor whose slot of `mailbox` is marked whenever there is something to read, at once to begin with.
    /// `connection` is a number for the inspector.
    pub fn subscribe(&self, topic: &Topic, from: From, mailbox: &Arc<Mailbox>, slot: Slot, connection: u64) -> Cursor {
        loop {
            if let Some(cursor) = Cursor::open(&self.cell(topic), from, mailbox, slot, connection) {
                return cursor;
            }
        }
    }

    /// Whether anybody reads this topic now; does not create it.
    pub fn has_readers(&self, topic: &Topic) -> bool {
        let cells = self.cells.read().unwrap_or_else(PoisonError::into_inner);
        cells.get(topic).is_some_and(|cell| !cell.lock().readers.is_empty())
    }

    /// Removes the topics that have no cursor, are not held and were not used since the last call. Call it once a minute or
    /// so.
    pub fn remove_idle(&self) -> usize {
        let mut cells = self.cells.write().unwrap_or_else(PoisonError::into_inner);
        let before = cells.len();
        cells.retain(|_, cell| {
            let mut state = cell.lock();
            let stays = state.used || state.holds > 0 || !state.readers.is_empty();
            state.used = false;
            state.removed = !stays;
            stays
        });
        before - cells.len()
    }

    pub fn len(&self) -> usize {
        self.cells.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What every topic is doing now, each seen under its own lock.
    pub fn view(&self) -> Vec<TopicView> {
        let cells: Vec<_> = self.cells.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        cells.iter().map(|cell| view(cell)).collect()
    }

    /// Where durable topics live from now on. Once, before the first of them is asked for.
    pub fn attach(&self, store: Store, tasks: TaskTracker) {
        let attached = self.store.set((store, tasks));
        debug_assert!(attached.is_ok(), "there is one store");
    }

    /// Brings a durable topic into memory. Before it is, it has neither head nor snapshot; cursors wait.
    pub async fn warm(&self, topic: &Topic) -> Result<(), StoreError> {
        if !topic.is_durable() {
            return Ok(());
        }
        let cell = self.cell(topic);
        cell.lock().used = true;
        durable::warm(&cell).await
    }

    /// Appends what was committed to the rings in memory, in order. Called by the store's writer.
    pub fn committed(&self, events: &[Committed]) {
        for event in events {
            if let Some(cell) = self.known(&event.topic) {
                durable::committed(&cell, event);
            }
        }
    }

    /// How far a durable topic has come according to somebody who should know.
    pub fn announced(&self, topic: &Topic, head: Position) {
        if let Some(cell) = self.known(topic) {
            durable::announced(&cell, head);
        }
    }

    /// Compares the durable topics in memory with the stored heads: announcements between processes may be lost.
    pub async fn reconcile(&self) -> Result<(), StoreError> {
        let Some((store, _)) = self.store.get() else { return Ok(()) };
        let topics: Vec<_> = {
            let cells = self.cells.read().unwrap_or_else(PoisonError::into_inner);
            cells.values().filter(|cell| cell.durable.is_some()).map(|cell| cell.name.clone()).collect()
        };
        for (topic, head) in store.heads(&topics).await? {
            self.announced(&topic, head);
        }
        Ok(())
    }

    fn known(&self, topic: &Topic) -> Option<Arc<TopicCell>> {
        self.cells.read().unwrap_or_else(PoisonError::into_inner).get(topic).cloned()
    }

    fn durable(&self, topic: &Topic) -> Option<Durable> {
        let (store, tasks) = self.store.get().filter(|_| topic.is_durable())?;
        Some(Durable::new(store.clone(), tasks.clone()))
    }

    fn put<T: Serialize>(&self, topic: &Topic, key: &str, event: &Keyed<T>) -> serde_json::Result<Position> {
        debug_assert_eq!(topic.policy().kind, Kind::Latest);
        let payload = Bytes::from(serde_json::to_vec(event)?);
        let (head, _) = self.change(topic, |content| match content {
            Content::Latest(latest) if event.value.is_some() => latest.set(key, payload.clone()),
            Content::Latest(latest) => latest.remove(key, payload.clone()),
            Content::Log(_) => None,
        });
        Ok(head)
    }

    fn change<R>(&self, topic: &Topic, mut change: impl FnMut(&mut Content) -> R) -> (Position, R) {
        loop {
            let changed = self.cell(topic).publish(|content| {
                let result = change(content);
                (content.head(), result)
            });
            if let Some((epoch, (offset, result))) = changed {
                return (Position { epoch, offset }, result);
            }
        }
    }

    fn cell(&self, topic: &Topic) -> Arc<TopicCell> {
        if let Some(cell) = self.cells.read().unwrap_or_else(PoisonError::into_inner).get(topic) {
            return cell.clone();
        }
        let mut cells = self.cells.write().unwrap_or_else(PoisonError::into_inner);
        let new = || TopicCell::new(topic.clone(), Epoch(rand::random()), self.durable(topic));
        cells.entry(topic.clone()).or_insert_with(new).clone()
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.lock().holds -= 1;
    }
}

fn view(cell: &TopicCell) -> TopicView {
    let state = cell.lock();
    TopicView {
        topic: cell.name.clone(),
        kind: cell.policy.kind,
        head: state.head(),
        length: state.content.len(),
        bytes: state.content.bytes(),
        cursors: state.readers.iter().map(|(connection, offset)| CursorView { connection, offset }).collect(),
    }
}
