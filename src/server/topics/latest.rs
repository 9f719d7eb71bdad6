//! Key → newest value, with a version each. A cursor reads the keys that changed since its version, so values are
//! conflated by construction. Pure; `topic.rs` holds the lock.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use bytes::Bytes;

use super::Entry;
use crate::wire::topic::Retention;

#[derive(Debug)]
pub struct Latest {
    keys: HashMap<Arc<str>, u64>,
    /// By version. A key stands here once, at its newest version.
    versions: BTreeMap<u64, Value>,
    head: u64,
    /// Removed keys older than this are forgotten: a cursor behind it cannot be told of them.
    floor: u64,
    bytes: usize,
    tombstones: usize,
    retention: Retention,
}

#[derive(Debug)]
struct Value {
    key: Arc<str>,
    entry: Arc<Entry>,
    removed: bool,
}

impl Latest {
    pub fn new(retention: Retention) -> Self {
        Self { keys: HashMap::new(), versions: BTreeMap::new(), head: 0, floor: 0, bytes: 0, tombstones: 0, retention }
    }

    /// Gives `key` a new value; `payload` is the whole event, key included. Returns the version, or nothing if the
    /// value is the same as before: a latest holds states, and a state that did not change is no event.
    pub fn set(&mut self, key: &str, payload: Bytes) -> Option<u64> {
        self.put(key, payload, false)
    }

    /// Removes `key`, telling readers with `payload`. Nothing if there was no such key.
    pub fn remove(&mut self, key: &str, payload: Bytes) -> Option<u64> {
        let version = self.keys.get(key)?;
        if self.versions.get(version).is_none_or(|value| value.removed) {
            return None;
        }
        self.put(key, payload, true)
    }

    fn put(&mut self, key: &str, payload: Bytes, removed: bool) -> Option<u64> {
        let name = match self.keys.get_key_value(key) {
            Some((name, version)) => {
                let (name, version) = (name.clone(), *version);
                let unchanged = |old: &Value| old.removed == removed && old.entry.payload == payload;
                if self.versions.get(&version).is_some_and(unchanged) {
                    return None;
                }
                self.take(version);
                name
            }
            None => Arc::from(key),
        };
        self.head += 1;
        self.bytes += payload.len();
        self.tombstones += usize::from(removed);
        self.keys.insert(name.clone(), self.head);
        let entry = Arc::new(Entry::new(self.head, payload));
        self.versions.insert(self.head, Value { key: name, entry, removed });
        self.forget_tombstones();
        Some(self.head)
    }

    pub fn head(&self) -> u64 {
        self.head
    }

    pub fn len(&self) -> usize {
        self.versions.len()
    }

    pub fn is_empty(&self) -> bool {
        self.versions.is_empty()
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn floor(&self) -> u64 {
        self.floor
    }

    /// The newest event of each key that changed after `version`, removals included, in order of version.
    pub fn after(&self, version: u64) -> impl Iterator<Item = &Arc<Entry>> {
        self.versions.range(version + 1..).map(|(_, value)| &value.entry)
    }

    /// The newest event of each key that has a value.
    pub fn present(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.versions.values().filter(|value| !value.removed).map(|value| &value.entry)
    }

    /// The keys that have a value.
    pub fn present_keys(&self) -> impl Iterator<Item = &str> {
        self.versions.values().filter(|value| !value.removed).map(|value| &*value.key)
    }

    fn take(&mut self, version: u64) -> Option<Value> {
        let value = self.versions.remove(&version)?;
        self.bytes -= value.entry.payload.len();
        self.tombstones -= usize::from(value.removed);
        Some(value)
    }

    /// Values are state and stay; what retention bounds is the memory of removed keys.
    fn forget_tombstones(&mut self) {
        while self.tombstones > 1 && (self.len() > self.retention.events || self.bytes > self.retention.bytes) {
            let oldest = self.versions.iter().find(|(_, value)| value.removed).map(|(version, _)| *version);
            let Some(value) = oldest.and_then(|version| self.take(version)) else { return };
            self.keys.remove(&value.key);
            self.floor = value.entry.offset;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Retention = Retention { events: 3, bytes: 1_000 };

    fn payloads<'a>(entries: impl Iterator<Item = &'a Arc<Entry>>) -> Vec<String> {
        entries.map(|entry| String::from_utf8_lossy(&entry.payload).into_owned()).collect()
    }

    #[test]
    fn a_reader_that_was_away_gets_each_changed_key_once() {
        let mut latest = Latest::new(SMALL);
        for (key, payload) in [("a", "a1"), ("b", "b1"), ("a", "a2"), ("a", "a3")] {
            latest.set(key, Bytes::from_static(payload.as_bytes()));
        }
        assert_eq!(payloads(latest.after(0)), ["b1", "a3"]);
        assert_eq!(payloads(latest.after(2)), ["a3"]);
        assert_eq!(latest.set("a", Bytes::from_static(b"a3")), None);
        assert_eq!(latest.head(), 4);
    }

    #[test]
    fn removals_are_told_until_they_are_forgotten_and_then_the_floor_rises() {
        let mut latest = Latest::new(SMALL);
        for key in ["a", "b", "c"] {
            latest.set(key, Bytes::from_static(b"+"));
        }
        assert_eq!(latest.remove("a", Bytes::from_static(b"-a")), Some(4));
        assert_eq!(latest.remove("a", Bytes::from_static(b"-a")), None);
        assert_eq!(latest.remove("z", Bytes::from_static(b"-z")), None);
        assert_eq!((payloads(latest.after(3)), latest.floor()), (vec!["-a".to_owned()], 0));
        latest.set("d", Bytes::from_static(b"+"));
        latest.remove("b", Bytes::from_static(b"-b"));
        assert_eq!((latest.floor(), latest.len()), (4, 3));
        assert_eq!(latest.present().count(), 2);
    }
}
