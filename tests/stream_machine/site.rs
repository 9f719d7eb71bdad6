//! The server's side of the test: a few topics, and all that was ever said in each of their lives.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use tidemark::{
    server::topics::{TopicView, Topics},
    wire::{
        Epoch, Position, Topic,
        stream::{Keyed, ResetReason},
        topic::Kind,
    },
};

pub const TOPICS: usize = 6;

/// Names short and as long as they get, both kinds, and logs that keep more and less.
pub fn topic(index: usize) -> Topic {
    match index % TOPICS {
        0 => Topic::Feed,
        1 => Topic::Inspector,
        2 => format!("channel/{0}/{0}", "long-name_".repeat(5).split_at(48).0).parse().unwrap(),
        index => format!("channel/site/{index}").parse().unwrap(),
    }
}

#[derive(Default)]
pub struct Site {
    pub topics: Arc<Topics>,
    said: HashMap<(Topic, Epoch), Said>,
}

#[derive(Default)]
struct Said {
    /// The data of each event, from offset 1.
    data: Vec<String>,
    /// Of a latest: which key each event changed, and whether it has a value since.
    keys: Vec<(String, bool)>,
}

impl Site {
    pub fn publish(&mut self, index: usize, text: &str) {
        let topic = topic(index);
        match topic.policy().kind {
            Kind::Log => {
                let position = self.topics.publish(&topic, &text).unwrap();
                self.note(&topic, position, serde_json::to_string(text).unwrap(), None);
            }
            Kind::Latest => {
                let (key, value) = text.split_at(text.chars().next().map_or(0, char::len_utf8));
                let position = self.topics.set(&topic, key, &value).unwrap();
                let data = serde_json::to_string(&Keyed { key: key.to_owned(), value: Some(value) }).unwrap();
                self.note(&topic, position, data, Some((key.to_owned(), true)));
            }
        }
    }

    /// Removes the key that was changed longest ago, if there is one.
    pub fn remove_key(&mut self) {
        let topic = Topic::Inspector;
        let Some(Position { epoch, offset: head }) = self.view(&topic).map(|view| view.head) else { return };
        let Some(&offset) = self.present(Position { epoch, offset: head }).first() else { return };
        let (key, _) = self.said[&(topic.clone(), epoch)].keys[offset as usize - 1].clone();
        let position = self.topics.remove(&topic, &key).unwrap();
        let data = serde_json::to_string(&Keyed::<()> { key: key.clone(), value: None }).unwrap();
        self.note(&topic, position, data, Some((key, false)));
    }

    fn note(&mut self, topic: &Topic, position: Position, data: String, key: Option<(String, bool)>) {
        let said = self.said.entry((topic.clone(), position.epoch)).or_default();
        // A value that is the same as before is no event.
        if position.offset > said.data.len() as u64 {
            said.data.push(data);
            said.keys.extend(key);
        }
        assert_eq!(position.offset, said.data.len() as u64);
    }

    /// The data of an event, as a browser should have got it.
    pub fn data(&self, topic: &Topic, at: Position) -> &str {
        &self.said[&(topic.clone(), at.epoch)].data[at.offset as usize - 1]
    }

    /// The versions of the inspector's keys that had a value once everything up to `at` had happened.
    pub fn present(&self, at: Position) -> Vec<u64> {
        let keys = self.said.get(&(Topic::Inspector, at.epoch)).map_or(&[][..], |said| &said.keys);
        let mut newest = BTreeMap::new();
        for ((key, present), version) in keys.iter().zip(1..=at.offset) {
            newest.insert(key, (version, *present));
        }
        let mut versions: Vec<_> =
            newest.into_values().filter_map(|(version, there)| there.then_some(version)).collect();
        versions.sort_unstable();
        versions
    }

    pub fn view(&self, topic: &Topic) -> Option<TopicView> {
        self.topics.view().into_iter().find(|view| view.topic == *topic)
    }

    /// Where a topic ends and what it no longer has, if it exists.
    pub fn head_and_floor(&self, topic: &Topic) -> Option<(Position, u64)> {
        let view = self.view(topic)?;
        let floor = match view.kind {
            Kind::Log => view.head.offset - view.length as u64,
            // Nothing here removes so many keys that the removals are forgotten.
            Kind::Latest => 0,
        };
        Some((view.head, floor))
    }

    /// The reset that a reader from this position is due now.
    pub fn reset_due(&self, topic: &Topic, position: Position) -> Option<ResetReason> {
        match self.head_and_floor(topic) {
            Some((head, _)) if head.epoch != position.epoch => Some(ResetReason::UnknownEpoch),
            Some((head, _)) if position.offset > head.offset => Some(ResetReason::AheadOfHead),
            Some((_, floor)) if position.offset < floor => Some(ResetReason::TooOld),
            Some(_) => None,
            None => Some(ResetReason::UnknownEpoch),
        }
    }
}
