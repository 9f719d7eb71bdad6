//! The oracle of a latest: every change of a key there ever was, and which of the removals ought to be remembered.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use proptest::prelude::*;
use tidemark::{
    server::topics::Topics,
    wire::{Position, Topic, stream::Keyed},
};

use super::oracle::{Expected, Oracle};

#[derive(Debug, Default)]
pub struct Latest {
    history: Vec<(String, Option<String>)>,
    /// Of each key that is remembered: the newest change, and how many bytes it has.
    newest: BTreeMap<String, (u64, Bytes)>,
    removals: BTreeSet<u64>,
    bytes: usize,
    floor: u64,
}

#[derive(Clone, Debug)]
pub enum Change {
    Set {
        key: u8,
        value: u8,
    },
    Remove {
        key: u8,
    },
    /// Keys that come and go, more of them than are remembered.
    Churn {
        keys: usize,
    },
    /// Values that weigh more than what is remembered, or nearly so: `keys` of them are set.
    Weigh {
        keys: u8,
    },
}

impl Latest {
    fn set(&mut self, topics: &Topics, key: String, value: Option<String>) -> Position {
        let topic = Self::topic();
        let said = match &value {
            Some(value) => topics.set(&topic, &key, value),
            None => topics.remove(&topic, &key),
        };
        if self.value(&key) != value.as_ref() {
            self.note(key, value);
        }
        said.unwrap()
    }

    fn value(&self, key: &str) -> Option<&String> {
        let (offset, _) = self.newest.get(key)?;
        self.history[*offset as usize - 1].1.as_ref()
    }

    fn note(&mut self, key: String, value: Option<String>) {
        self.forget(&key);
        self.history.push((key.clone(), value.clone()));
        let offset = self.head();
        if value.is_none() {
            self.removals.insert(offset);
        }
        let payload = Bytes::from(serde_json::to_vec(&Keyed { key: key.clone(), value }).unwrap());
        self.bytes += payload.len();
        self.newest.insert(key, (offset, payload));
        let retention = Self::topic().policy().retention;
        while self.removals.len() > 1 && (self.newest.len() > retention.events || self.bytes > retention.bytes) {
            self.floor = *self.removals.first().expect("there are two");
            let (key, _) = self.history[self.floor as usize - 1].clone();
            self.forget(&key);
        }
    }

    fn forget(&mut self, key: &str) {
        if let Some((offset, payload)) = self.newest.remove(key) {
            self.removals.remove(&offset);
            self.bytes -= payload.len();
        }
    }

    fn ordered(&self, wanted: impl Fn(u64) -> bool) -> Vec<Expected> {
        let mut events: Vec<_> = self.newest.values().filter(|(offset, _)| wanted(*offset)).cloned().collect();
        events.sort_by_key(|(offset, _)| *offset);
        events
    }
}

impl Oracle for Latest {
    type Home = Topics;
    type Change = Change;
    type Event = Keyed<String>;
    /// The newest version seen, and the map.
    type Held = (u64, BTreeMap<String, String>);

    const DURABLE: bool = false;

    fn topic() -> Topic {
        Topic::Inspector
    }

    /// Few keys and few values, so that the same value comes twice and a removed key comes back.
    fn changes() -> BoxedStrategy<Change> {
        prop_oneof![
            60 => (0..6u8, 0..3u8).prop_map(|(key, value)| Change::Set { key, value }),
            30 => (0..6u8).prop_map(|key| Change::Remove { key }),
            1 => (1..4_500usize).prop_map(|keys| Change::Churn { keys }),
            1 => (2..6u8).prop_map(|keys| Change::Weigh { keys }),
        ]
        .boxed()
    }

    fn make(&mut self, topics: &Topics, change: &Change) -> Position {
        match *change {
            Change::Set { key, value } => self.set(topics, key.to_string(), Some(value.to_string())),
            Change::Remove { key } => self.set(topics, key.to_string(), None),
            Change::Weigh { keys } => {
                let value = "~".repeat(1_100_000);
                let set = |key: u8| self.set(topics, key.to_string(), Some(value.clone()));
                (0..keys).map(set).last().expect("there is a key")
            }
            Change::Churn { keys } => {
                let values = [Some(String::new()), None];
                let sets =
                    values.iter().flat_map(|value| (0..keys).map(move |n| (format!("passing {n}"), value.clone())));
                sets.map(|(key, value)| self.set(topics, key, value)).last().expect("there is a key")
            }
        }
    }

    fn head(&self) -> u64 {
        self.history.len() as u64
    }

    fn floor(&self) -> u64 {
        self.floor
    }

    fn forget(&mut self) {
        *self = Self::default();
    }

    fn due(&self, offset: u64) -> Vec<Expected> {
        self.ordered(|changed| changed > offset)
    }

    fn snapshot(&self) -> Vec<Expected> {
        self.ordered(|changed| !self.removals.contains(&changed))
    }

    fn kept(&self) -> (usize, usize) {
        (self.newest.len(), self.bytes)
    }

    fn held_at(&self, offset: u64) -> Self::Held {
        let mut map = BTreeMap::new();
        for (key, value) in &self.history[..offset as usize] {
            match value {
                Some(value) => map.insert(key, value),
                None => map.remove(key),
            };
        }
        (offset, map.into_iter().map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn held_after(position: u64, snapshot: Vec<(u64, Keyed<String>)>) -> Self::Held {
        let mut held = Self::Held::default();
        snapshot.into_iter().for_each(|(version, event)| Self::apply(&mut held, version, event));
        assert!(held.0 <= position, "nothing in a snapshot is newer than its position");
        (position, held.1)
    }

    fn apply(held: &mut Self::Held, version: u64, Keyed { key, value }: Keyed<String>) {
        assert!(version > held.0, "versions rise: {version} after {}", held.0);
        held.0 = version;
        match value {
            Some(value) => held.1.insert(key, value),
            None => held.1.remove(&key),
        };
    }
}
