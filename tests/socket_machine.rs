//! A WebSocket's session as a state machine, driven through any sequence of what may happen: whatever is due is said once,
//! in order and no later than it must be, and nothing is said after the end.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use proptest::prelude::*;
use tidemark::{
    server::{
        topics::{Access, Topics},
        transports::{
            carried::{Entering, Joining},
            ws::{Session, Settings, Step, close},
        },
    },
    wire::{
        Position, Topic,
        socket::{FailedCode, Said},
        topic::Mark,
    },
};

const SETTINGS: Settings = Settings { heartbeat: Duration::from_secs(10), drain_retry_ms: 777 };
const SILENCE: Duration = Duration::from_secs(25);

#[derive(Clone, Debug)]
enum Action {
    Publish {
        topic: u8,
        events: u8,
    },
    Subscribe {
        topic: u8,
        back: u8,
    },
    /// To a topic that was lost meanwhile.
    ComeBack {
        topic: u8,
    },
    Unsubscribe {
        topic: u8,
    },
    /// The client says something that needs no answer.
    Hear,
    /// Something that makes no sense.
    Fault,
    Step,
    Wait {
        seconds: u8,
    },
    Remove {
        topic: u8,
    },
    SignOut,
    Drain,
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let topic = || 0..3u8;
    let action = prop_oneof![
        20 => (topic(), 1..20u8).prop_map(|(topic, events)| Action::Publish { topic, events }),
        8 => (topic(), 0..30u8).prop_map(|(topic, back)| Action::Subscribe { topic, back }),
        3 => topic().prop_map(|topic| Action::ComeBack { topic }),
        3 => topic().prop_map(|topic| Action::Unsubscribe { topic }),
        8 => Just(Action::Hear),
        1 => Just(Action::Fault),
        25 => Just(Action::Step),
        6 => (0..12u8).prop_map(|seconds| Action::Wait { seconds }),
        1 => topic().prop_map(|topic| Action::Remove { topic }),
        1 => Just(Action::SignOut),
        1 => Just(Action::Drain),
    ];
    prop::collection::vec(action, 1..120)
}

fn topic(number: u8) -> Topic {
    format!("channel/socket/{number}").parse().unwrap()
}

struct World {
    topics: Arc<Topics>,
    session: Session,
    access: Access,
    memberships: Vec<Access>,
    now: Instant,
    heard: Instant,
    last_write: Instant,
    faults: u32,
    /// What the client holds of each topic it subscribed to.
    held: BTreeMap<u8, Position>,
    signed_out: bool,
    draining: bool,
    ended: Option<u16>,
}

impl World {
    fn new() -> Self {
        let (topics, now) = (Arc::<Topics>::default(), Instant::now());
        let access = Access::default();
        let session = Session::open(topics.clone(), "secret", 1, Some(access.clone()), SETTINGS, now);
        Self {
            topics,
            session,
            access,
            memberships: (0..3).map(|_| Access::default()).collect(),
            now,
            heard: now,
            last_write: now,
            faults: 0,
            held: BTreeMap::new(),
            signed_out: false,
            draining: false,
            ended: None,
        }
    }

    fn act(&mut self, action: &Action) {
        match *action {
            Action::Publish { topic: number, events } => {
                for _ in 0..events {
                    self.topics.publish(&topic(number), &"news").unwrap();
                }
            }
            Action::Subscribe { topic: number, back } => self.subscribe(number, back.into()),
            Action::ComeBack { topic: number } => {
                let entering = Entering { joining: Vec::new(), lost: vec![topic(number); 17] };
                self.session.change(entering, &[]).unwrap();
                self.held.insert(number, self.topics.head(&topic(number)));
            }
            Action::Unsubscribe { topic: number } => {
                self.session.change(Vec::new(), &[topic(number)]).unwrap();
                self.held.remove(&number);
            }
            Action::Hear => {
                self.session.heard(self.now);
                self.heard = self.now;
            }
            Action::Fault => {
                self.faults += 1;
                let (code, message) = (FailedCode::Malformed, "no".to_owned());
                self.session.answer(&Said::Failed { id: None, code, message, retry_ms: None });
            }
            Action::Step => while self.step() {},
            Action::Wait { seconds } => self.now += Duration::from_secs(seconds.into()),
            Action::Remove { topic: number } => {
                self.memberships[usize::from(number)].revoke();
                self.memberships[usize::from(number)] = Access::default();
            }
            Action::SignOut => {
                self.access.revoke();
                self.signed_out = true;
            }
            Action::Drain => {
                self.session.drain();
                self.draining = true;
            }
        }
    }

    fn subscribe(&mut self, number: u8, back: u64) {
        let head = self.topics.head(&topic(number));
        let from = Position { offset: head.offset.saturating_sub(back), ..head };
        let mark = Mark { topic: topic(number), position: Some(from) };
        let membership = Some(self.memberships[usize::from(number)].clone());
        self.session.change(vec![Joining { mark, membership, presence: None }], &[]).unwrap();
        self.held.insert(number, from);
    }

    /// Whether to step again at once.
    fn step(&mut self) -> bool {
        let silent = self.now >= self.heard + SILENCE;
        match self.session.step(self.now) {
            Step::Write(messages) => {
                assert_eq!(self.ended, None, "nothing is said after the end");
                assert!(!messages.is_empty(), "a write says something");
                let bytes: usize = messages.iter().map(|message| message.len()).sum();
                assert!(bytes < 80_000, "{bytes} bytes in one write");
                messages.iter().for_each(|message| self.hear(message.as_str()));
                self.last_write = self.now;
                true
            }
            Step::WaitUntil(at) => {
                assert!(at > self.now && at <= self.last_write + SETTINGS.heartbeat, "a heartbeat is due by then");
                assert!(at <= self.heard + SILENCE && !silent && !self.draining);
                for (number, held) in &self.held {
                    assert_eq!(*held, self.topics.head(&topic(*number)), "whoever waits has been told all");
                }
                assert!(!self.signed_out || self.held.is_empty(), "whoever signed out is told at once");
                false
            }
            Step::Close(code, _) => {
                let expected = [
                    (close::PROTOCOL.0, self.faults >= 10),
                    (close::SILENT.0, silent),
                    (close::SIGNED_OUT.0, self.signed_out),
                    (close::RESTART.0, self.draining),
                ];
                assert!(expected.contains(&(code, true)), "{code} of {expected:?}");
                assert_eq!(self.ended.replace(code), None, "one end");
                true
            }
            Step::End => {
                assert!(self.ended.is_some());
                false
            }
        }
    }

    fn hear(&mut self, text: &str) {
        let said: serde_json::Value = serde_json::from_str(text).expect("JSON");
        let number = || said["topic"].as_str().unwrap().rsplit('/').next().unwrap().parse::<u8>().unwrap();
        match said["type"].as_str().unwrap() {
            "event" => {
                assert!(!self.signed_out, "nothing is said to whoever signed out");
                let at: Position = said["position"].as_str().unwrap().parse().unwrap();
                let held = self.held.get_mut(&number()).expect("a topic that was asked for");
                assert_eq!(at, Position { offset: held.offset + 1, ..*held }, "no gap, nothing twice");
                *held = at;
            }
            "lost" => assert!(self.held.remove(&number()).is_some(), "what is lost was held"),
            "connected" | "subscribed" | "failed" | "heartbeat" | "draining" => {}
            other => panic!("{other}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_due_is_said_once_in_order_and_in_time(actions in actions()) {
        let mut world = World::new();
        actions.iter().for_each(|action| world.act(action));
        while world.step() {}
    }
}

/// A second's worth, unless `PROPTEST_CASES` says otherwise.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(500)
}
