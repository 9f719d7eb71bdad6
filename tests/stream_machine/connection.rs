//! A stream, the bytes under way and the browser at the other end, with a clock that the test turns. What a step ought
//! to be (something, a heartbeat, a wait, a goodbye, the end) is worked out beside it from what its cursors have read.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::{Duration, Instant},
};

use tidemark::{
    server::transports::{
        carried::Joining,
        sse::{Settings, Step, Stream},
    },
    wire::{
        Epoch, Position, Topic,
        topic::{Kind, Mark},
    },
};

use super::{
    actions::{Action, Start},
    browser::{Asked, Browser, vector},
    parser::{Frame, Parser},
    site::{Site, topic},
};

const SETTINGS: Settings = Settings { heartbeat: Duration::from_secs(1), retry_ms: 1_234, drain_retry_ms: 4_321 };

/// A write holds about this much: this, and one frame more.
const WRITE_BYTES: usize = 64 * 1024;

pub struct Connection {
    site: Site,
    stream: Option<Stream>,
    now: Instant,
    last_write: Instant,
    serial: u64,
    /// Whether the stream tells its name, as it does to all but the article's client.
    named: bool,
    first_marks: Vec<Mark>,
    /// What changed since the last write.
    asked: BTreeMap<Topic, Asked>,
    /// Resets that the stream has not written yet.
    owed: BTreeSet<Topic>,
    phase: Phase,
    writes: VecDeque<Write>,
    browser: Browser,
    parser: Parser,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Opening,
    Open,
    Draining,
    Over,
}

struct Write {
    bytes: Vec<u8>,
    carried: BTreeSet<Topic>,
    asked: BTreeMap<Topic, Asked>,
}

impl Connection {
    pub fn new(starts: &[(usize, Start)], named: bool) -> Self {
        let now = Instant::now();
        let mut connection = Self {
            site: Site::default(),
            stream: None,
            now,
            last_write: now,
            serial: 0,
            named,
            first_marks: Vec::new(),
            asked: BTreeMap::new(),
            owed: BTreeSet::new(),
            phase: Phase::Over,
            writes: VecDeque::new(),
            browser: Browser::default(),
            parser: Parser::default(),
        };
        connection.first_marks = connection.marks(starts);
        connection
    }

    pub fn perform(&mut self, action: &Action) {
        match action {
            Action::Publish { topic, text, times } => {
                for n in 0..*times {
                    // Of a latest, the same value again would be no event.
                    let text = if *times > 1 { format!("{text}{n}") } else { text.clone() };
                    self.site.publish(*topic, &text);
                }
            }
            Action::RemoveKey => self.site.remove_key(),
            Action::Pass(ms) => self.now += Duration::from_millis(*ms),
            Action::Step => _ = self.step(),
            Action::Deliver => self.deliver(),
            Action::Cut(at) => {
                let bytes = at.index(self.under_way() + 1);
                self.cut(bytes);
            }
            Action::Subscribe(starts) => self.subscribe(starts),
            Action::Unsubscribe(index) => self.unsubscribe(&topic(*index)),
            Action::Drain => self.drain(),
            Action::Sweep => _ = self.site.topics.remove_idle(),
        }
    }

    /// Whatever is due arrives, and then nothing is missing; so it does after one more break.
    pub fn finish(mut self) {
        self.step();
        for last in [false, true] {
            while self.step() {}
            let carried = self.carried();
            self.deliver();
            match self.phase {
                Phase::Over => assert!(self.stream.is_some()),
                _ => self.browser.knows_all_of(&self.site, &carried),
            }
            if !last {
                self.cut(0);
            }
        }
    }

    /// Whether there may be more to write.
    fn step(&mut self) -> bool {
        if self.stream.is_none() {
            self.open();
        }
        let due = self.is_due();
        let carried = self.carried();
        let Some(stream) = &mut self.stream else { return false };
        let heartbeat_at = self.last_write + SETTINGS.heartbeat;
        let bytes = match stream.step(self.now) {
            Step::Write(bytes) => bytes,
            Step::WaitUntil(at) => {
                assert!(!due && self.now < heartbeat_at, "it waits, though something is due");
                assert_eq!((at, self.phase), (heartbeat_at, Phase::Open));
                return false;
            }
            Step::End => {
                assert_eq!(self.phase, Phase::Over, "a stream ends after its goodbye only");
                return false;
            }
        };
        assert_ne!(self.phase, Phase::Over, "nothing is written after goodbye");
        let frames = Parser::whole(&bytes);
        self.check_size(&frames);
        let beats = frames.iter().filter(|frame| frame.event == "heartbeat").count();
        assert_eq!((beats, frames.len() - beats == 0), (usize::from(!due), !due), "a heartbeat is for silence only");
        assert!(due || self.now >= heartbeat_at, "a heartbeat came too early");
        self.last_write = self.now;
        self.written(&frames);
        let asked = std::mem::take(&mut self.asked);
        self.writes.push_back(Write { bytes: bytes.to_vec(), carried, asked });
        due && self.phase != Phase::Over
    }

    /// Whether something ought to be written now, the clock aside.
    fn is_due(&self) -> bool {
        self.phase != Phase::Open || !self.asked.is_empty() || !self.owed.is_empty() || self.lags()
    }

    /// Whether a cursor of this stream is behind the head.
    fn lags(&self) -> bool {
        self.site.topics.view().iter().any(|view| {
            let mut cursors = view.cursors.iter().filter(|cursor| cursor.connection == self.serial);
            cursors.any(|cursor| cursor.offset != view.head.offset)
        })
    }

    fn written(&mut self, frames: &[Frame]) {
        for reset in frames.iter().filter(|frame| frame.event == "reset") {
            let marks = vector(reset.id.as_deref().expect("a reset has an id"));
            self.owed.remove(&marks[0].topic);
        }
        let over = frames.iter().position(|frame| frame.event == "draining");
        assert!(over.is_none_or(|at| at + 1 == frames.len() && self.phase == Phase::Draining));
        match (self.phase, over) {
            (Phase::Opening, None) => self.phase = Phase::Open,
            (_, Some(_)) => {
                self.phase = Phase::Over;
                assert!(!self.lags() && self.owed.is_empty(), "first what is due, then goodbye");
            }
            _ => {}
        }
    }

    fn check_size(&self, frames: &[Frame]) {
        let parting = usize::from(frames.last().is_some_and(|frame| frame.event == "draining"));
        let but_the_last = frames.len().saturating_sub(1 + parting);
        let bytes: usize = frames[..but_the_last].iter().map(|frame| frame.length).sum();
        assert!(bytes <= WRITE_BYTES, "a write of {bytes} bytes, and then some");
    }

    /// As the transport does with what an EventSource sends: with the positions of its last id, if there is one.
    fn open(&mut self) {
        let marks = match self.parser.last_event_id.as_str() {
            "" => self.first_marks.clone(),
            id => vector(id),
        };
        self.serial += 1;
        self.phase = Phase::Opening;
        self.last_write = self.now;
        self.note(&marks);
        let name = self.named.then_some("secret");
        let stream = Stream::open(
            self.site.topics.clone(),
            Joining::everybody(&marks),
            name,
            self.serial,
            None,
            SETTINGS,
            self.now,
        );
        self.stream = Some(stream.expect("there are few topics"));
    }

    fn note(&mut self, marks: &[Mark]) {
        for Mark { topic, position } in marks {
            let owed = position.and_then(|position| self.site.reset_due(topic, position));
            match owed {
                Some(_) => self.owed.insert(topic.clone()),
                None => self.owed.remove(topic),
            };
            self.asked.insert(topic.clone(), Asked { position: *position, owed });
        }
    }

    fn marks(&self, starts: &[(usize, Start)]) -> Vec<Mark> {
        let mark = |&(index, start): &(usize, Start)| {
            let topic = topic(index);
            let head = self.site.head_and_floor(&topic).map(|(head, _)| head);
            // A topic that does not exist has no position worth asking for.
            let position = head.and_then(|head| match start {
                Start::Now => None,
                Start::Beginning => Some(Position { offset: 0, ..head }),
                Start::Head => Some(head),
                // What a latest is ahead of its head by, it would have to know the keys of.
                Start::AheadOfHead if topic.policy().kind == Kind::Latest => Some(head),
                Start::AheadOfHead => Some(Position { offset: head.offset + 2, ..head }),
                Start::OtherEpoch => Some(Position { epoch: Epoch(!head.epoch.0), ..head }),
            });
            Mark { topic, position }
        };
        starts.iter().map(mark).collect()
    }

    /// Whoever changes a stream's topics has had its greeting, which named the stream.
    fn subscribe(&mut self, starts: &[(usize, Start)]) {
        let marks = self.marks(starts);
        if let Some(stream) = self.stream.as_mut().filter(|_| self.phase == Phase::Open) {
            stream.change(Joining::everybody(&marks), &[]).expect("there are few topics");
            self.note(&marks);
        }
    }

    fn unsubscribe(&mut self, topic: &Topic) {
        if let Some(stream) = self.stream.as_mut().filter(|_| self.phase == Phase::Open) {
            stream.change(Vec::new(), std::slice::from_ref(topic)).expect("fewer topics");
            self.asked.remove(topic);
            self.owed.remove(topic);
        }
    }

    fn drain(&mut self) {
        if let Some(stream) = &mut self.stream {
            stream.drain();
            self.phase = if self.phase == Phase::Over { Phase::Over } else { Phase::Draining };
        }
    }

    fn carried(&self) -> BTreeSet<Topic> {
        self.stream.iter().flat_map(|stream| stream.topics().cloned()).collect()
    }

    fn deliver(&mut self) {
        self.arrive(self.under_way());
    }

    /// Bytes written that have not arrived.
    pub fn under_way(&self) -> usize {
        self.writes.iter().map(|write| write.bytes.len()).sum()
    }

    /// The connection breaks when so many more bytes have arrived.
    pub fn cut(&mut self, bytes: usize) {
        self.arrive(bytes);
        self.stream = None;
        (self.phase, self.asked, self.owed) = (Phase::Over, BTreeMap::new(), BTreeSet::new());
        self.parser = std::mem::take(&mut self.parser).reconnected();
        self.browser.reconnect();
    }

    fn arrive(&mut self, mut bytes: usize) {
        while let Some(write) = self.writes.pop_front() {
            let arrives = bytes.min(write.bytes.len());
            for byte in &write.bytes[..arrives] {
                if let Some(frame) = self.parser.feed(*byte) {
                    self.browser.take(&frame, &self.site, &write.carried, &write.asked, &SETTINGS);
                }
            }
            bytes -= arrives;
        }
    }
}
