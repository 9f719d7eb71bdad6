//! Who reads a topic, and which of them wait for news. All operations are O(1), draining aside.

use std::sync::Arc;

use slab::Slab;

use super::mailbox::{Mailbox, Slot};

#[derive(Debug, Default)]
pub struct Subscribers {
    readers: Slab<Reader>,
    /// Keys of the readers that have read up to the head. A publish drains it.
    armed: Vec<usize>,
}

#[derive(Debug)]
struct Reader {
    mailbox: Arc<Mailbox>,
    slot: Slot,
    connection: u64,
    /// How far it has read, for the inspector.
    offset: u64,
    armed_at: Option<usize>,
}

/// A reader to be woken, once the topic's lock is released.
#[derive(Debug)]
pub struct Wake(Arc<Mailbox>, Slot);

impl Wake {
    pub fn deliver(self) {
        self.0.mark(self.1);
    }
}

impl Subscribers {
    pub fn insert(&mut self, mailbox: Arc<Mailbox>, slot: Slot, connection: u64, offset: u64) -> usize {
        self.readers.insert(Reader { mailbox, slot, connection, offset, armed_at: None })
    }

    pub fn remove(&mut self, key: usize) {
        self.disarm(key);
        self.readers.remove(key);
    }

    /// Notes how far a reader has come and, if that is the head, arms it.
    pub fn has_read(&mut self, key: usize, offset: u64, reached_head: bool) {
        let next = self.armed.len();
        let reader = &mut self.readers[key];
        reader.offset = offset;
        if reached_head && reader.armed_at.is_none() {
            reader.armed_at = Some(next);
            self.armed.push(key);
        }
    }

    /// Takes all that are armed; they are woken outside the lock.
    pub fn drain(&mut self) -> Vec<Wake> {
        let readers = &mut self.readers;
        self.armed
            .drain(..)
            .map(|key| {
                let reader = &mut readers[key];
                reader.armed_at = None;
                Wake(reader.mailbox.clone(), reader.slot)
            })
            .collect()
    }

    pub fn is_empty(&self) -> bool {
        self.readers.is_empty()
    }

    /// (connection, offset) of each reader.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        self.readers.iter().map(|(_, reader)| (reader.connection, reader.offset))
    }

    fn disarm(&mut self, key: usize) {
        let Some(at) = self.readers[key].armed_at.take() else { return };
        self.armed.swap_remove(at);
        if let Some(moved) = self.armed.get(at) {
            self.readers[*moved].armed_at = Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_leaves_takes_its_place_among_the_armed_with_it() {
        let mut subscribers = Subscribers::default();
        let mailboxes: Vec<_> = (0..4).map(|_| Arc::new(Mailbox::default())).collect();
        let keys: Vec<_> = mailboxes.iter().map(|m| subscribers.insert(m.clone(), 3, 0, 0)).collect();
        for key in &keys {
            subscribers.has_read(*key, 0, true);
            subscribers.has_read(*key, 0, true);
        }
        subscribers.remove(keys[0]);
        subscribers.remove(keys[3]);
        let woken = subscribers.drain();
        assert_eq!(woken.len(), 2);
        woken.into_iter().for_each(Wake::deliver);
        assert_eq!(mailboxes.iter().map(|m| m.take()).collect::<Vec<_>>(), [0, 8, 8, 0]);
        assert!(subscribers.drain().is_empty(), "who has been woken is owed nothing until it reads again");
    }
}
