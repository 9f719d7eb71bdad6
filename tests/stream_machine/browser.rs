//! The reader's side of the test: it takes frames one by one, knows how far it was brought in every topic, and fails the
//! test at a gap, a duplicate, an id that claims more or less than it was told, or a reset that it did not need.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::value::Value;
use tidemark::{
    server::transports::sse::Settings,
    wire::{
        Position, Topic,
        stream::{Connected, Draining, Joined, Keyed, Reset, ResetReason, Subscribed},
        topic::{Kind, Mark},
    },
};

use super::{parser::Frame, site::Site};

/// What was asked of a stream, and its next frame must answer.
#[derive(Clone, Debug)]
pub struct Asked {
    /// None: from now on.
    pub position: Option<Position>,
    pub owed: Option<ResetReason>,
}

#[derive(Default)]
pub struct Browser {
    /// How far it was brought.
    places: BTreeMap<Topic, Position>,
    /// What must be said of a topic before anything else.
    owed: BTreeMap<Topic, ResetReason>,
    /// Keys of the inspector that have a value, and since which version.
    keys: BTreeMap<String, u64>,
    connected: bool,
    left: bool,
}

impl Browser {
    pub fn reconnect(&mut self) {
        (self.connected, self.left) = (false, false);
        // Whoever is owed a reset and did not get it will be owed it again, or not, by what it asks for.
        self.owed.clear();
    }

    /// One frame of a write, made while the stream carried `carried`; `asked` is what changed before that write.
    pub fn take(
        &mut self,
        frame: &Frame,
        site: &Site,
        carried: &BTreeSet<Topic>,
        asked: &BTreeMap<Topic, Asked>,
        settings: &Settings,
    ) {
        assert!(!self.left, "after goodbye there is {frame:?}");
        let marks = frame.id.as_deref().map(vector);
        let greets = !std::mem::replace(&mut self.connected, true);
        assert_eq!(frame.comment, frame.event == "heartbeat");
        match (frame.event.as_str(), &marks) {
            ("connected", Some(_)) if greets => {
                let Connected { connection, heartbeat_ms, topics } = json(&frame.data);
                assert_eq!((connection.as_str(), heartbeat_ms), ("secret", settings.heartbeat.as_millis() as u32));
                self.subscribed(site, topics, asked);
            }
            ("message", Some(marks)) if greets => {
                assert_eq!(frame.data, "connected", "this is how a stream for the article's client begins");
                self.subscribed(site, marks.iter().map(subscribed).collect(), asked);
            }
            (event, _) if greets => panic!("a stream begins with a greeting, not with {event}"),
            ("subscribed", Some(_)) => self.subscribed(site, json::<Joined>(&frame.data).topics, asked),
            ("reset", Some(marks)) => self.reset(site, &marks[0], json(&frame.data)),
            ("message", Some(marks)) => self.event(site, &marks[0], &frame.data),
            ("heartbeat", None) => assert_eq!(frame.data, "{}"),
            ("draining", None) => {
                assert_eq!(json::<Draining>(&frame.data).retry_ms, settings.drain_retry_ms);
                self.left = true;
            }
            _ => panic!("no such frame: {frame:?}"),
        }
        let retry = [(greets, settings.retry_ms), (self.left, settings.drain_retry_ms)];
        assert_eq!(frame.retry, retry.into_iter().find_map(|(due, ms)| due.then_some(ms)));
        if let Some(marks) = marks {
            let named: BTreeSet<_> = marks.iter().map(|mark| mark.topic.clone()).collect();
            assert_eq!((&named, marks.len()), (carried, carried.len()), "an id names each topic of the stream once");
            for mark in marks {
                assert_eq!(mark.position.as_ref(), self.places.get(&mark.topic), "an id says how far {mark} was told");
            }
        }
    }

    /// At the end, when all was delivered: it knows all there is to know of the topics it follows.
    pub fn knows_all_of(&self, site: &Site, carried: &BTreeSet<Topic>) {
        assert!(self.owed.is_empty(), "resets that never came: {:?}", self.owed);
        for topic in carried {
            let head = site.view(topic).expect("a topic with a reader exists").head;
            assert_eq!(self.places.get(topic), Some(&head), "{topic} was read to its head");
            if topic.policy().kind == Kind::Latest {
                let mut versions: Vec<_> = self.keys.values().copied().collect();
                versions.sort_unstable();
                assert_eq!(versions, site.present(head), "every key at its newest version, the removed ones gone");
            }
        }
    }

    fn subscribed(&mut self, site: &Site, topics: Vec<Subscribed>, asked: &BTreeMap<Topic, Asked>) {
        let told: BTreeSet<_> = topics.iter().map(|subscribed| &subscribed.topic).collect();
        assert!(told.len() == topics.len() && told.into_iter().eq(asked.keys()), "{topics:?} for {asked:?}");
        for Subscribed { topic, from, head } in topics {
            let asked = &asked[&topic];
            match asked.owed {
                Some(reason) => _ = self.owed.insert(topic.clone(), reason),
                None => {
                    assert!(from.epoch == head.epoch && from.offset <= head.offset);
                    self.owed.remove(&topic);
                }
            }
            assert!(asked.position.is_none_or(|position| position == from), "{asked:?} but from {from}");
            let known = self.places.insert(topic.clone(), from) == Some(from);
            if topic.policy().kind == Kind::Latest && asked.owed.is_none() && !known {
                // It asked for a place that it was not at: whoever does so knows the state there.
                self.keys = site.present(from).into_iter().map(|v| key_of(site, &topic, from, v)).collect();
            }
        }
    }

    fn event(&mut self, site: &Site, mark: &Mark, data: &str) {
        let at = mark.position.expect("vector() saw to it");
        assert_eq!(self.owed.get(&mark.topic), None, "first the reset, then events");
        let place = self.places.insert(mark.topic.clone(), at).expect("an event of a topic that was announced");
        assert_eq!(place.epoch, at.epoch, "an epoch does not change without a reset");
        match mark.topic.policy().kind {
            Kind::Log => assert_eq!(at.offset, place.offset + 1, "neither gap nor duplicate in {mark}"),
            Kind::Latest => assert!(at.offset > place.offset, "versions rise"),
        }
        assert_eq!(data, site.data(&mark.topic, at));
        if mark.topic.policy().kind == Kind::Latest {
            let Keyed { key, value } = json::<Keyed<Value>>(data);
            match value {
                Some(_) => _ = self.keys.insert(key, at.offset),
                None => _ = self.keys.remove(&key),
            }
        }
    }

    fn reset(&mut self, site: &Site, mark: &Mark, reset: Reset<Value>) {
        let at = mark.position.expect("vector() saw to it");
        let Reset { topic, reason, position, snapshot } = reset;
        assert_eq!((&topic, position), (&mark.topic, at), "a reset's id is where it leads");
        assert_eq!((&snapshot.topic, snapshot.position), (&topic, position));
        let place = self.places.insert(topic.clone(), at).expect("a reset of a topic that was announced");
        if let Some(owed) = self.owed.remove(&topic) {
            assert_eq!(reason, owed);
        } else {
            assert_eq!((reason, place.epoch), (ResetReason::TooOld, at.epoch), "the rest is found out at once");
            // The topic may have been left and swept since.
            let (head, floor) = site.head_and_floor(&topic).unwrap_or((at, u64::MAX));
            assert!(head.epoch != at.epoch || place.offset < floor, "{place} is still kept: {floor}");
        }
        let shown: Vec<u64> = snapshot.events.iter().map(|event| event.offset).collect();
        match topic.policy().kind {
            Kind::Log => assert!(shown.iter().copied().eq(at.offset + 1 - shown.len() as u64..=at.offset)),
            Kind::Latest => {
                assert_eq!(shown, site.present(at));
                self.keys = shown.iter().map(|version| key_of(site, &topic, at, *version)).collect();
            }
        }
        for event in snapshot.events {
            let data: Value = json(site.data(&topic, Position { offset: event.offset, ..at }));
            assert_eq!(event.data, data, "a snapshot shows what was said");
        }
    }
}

fn key_of(site: &Site, topic: &Topic, at: Position, version: u64) -> (String, u64) {
    let Keyed { key, value: _ } = json::<Keyed<Value>>(site.data(topic, Position { offset: version, ..at }));
    (key, version)
}

fn json<'a, T: Deserialize<'a>>(text: &'a str) -> T {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The greeting for the article's client says where it begins in its id only.
fn subscribed(mark: &Mark) -> Subscribed {
    let from = mark.position.expect("vector() saw to it");
    Subscribed { topic: mark.topic.clone(), from, head: from }
}

/// What an id says: a position of each topic.
pub fn vector(id: &str) -> Vec<Mark> {
    let marks: Vec<Mark> = id.split(',').map(|mark| mark.parse().expect("an id is made of marks")).collect();
    assert!(marks.iter().all(|mark| mark.position.is_some()), "{id} does not say where to read on from");
    marks
}
