//! One live stream as a pure state machine: cursors and a clock in, bytes out. It owns no task and no timer, so its
//! I/O can be anybody's; `body.rs` is hyper's.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use thiserror::Error;

use super::{frame, query::REFUSED_ID};
use crate::{
    server::{
        connections::refusal,
        topics::{Access, Cursor, From, Mailbox, Read, Slot, Topics},
    },
    wire::{
        Topic,
        stream::{Connected, Draining, Joined, RefusedCode, Subscribed, name},
        topic::{Mark, TOPICS_PER_STREAM},
    },
};

/// One write carries at most about this much: enough for a thousand events, little enough that a slow reader holds
/// no more than this of its own.
const WRITE_BYTES: usize = 64 * 1024;

/// What a frame adds to its payload, the id of several topics aside: field names, line ends, one mark.
const FRAME_BYTES: usize = 64;

#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// A comment goes out after this long without a write.
    pub heartbeat: Duration,
    /// What the client is told to wait before it comes back, in milliseconds; drawn by the caller.
    pub retry_ms: u32,
    /// Drawn by the caller too: the delay to announce when the server shuts down.
    pub drain_retry_ms: u32,
}

pub struct Stream {
    topics: Arc<Topics>,
    pub(super) mailbox: Arc<Mailbox>,
    cursors: Vec<(Slot, Cursor)>,
    /// Slots that may have something to read.
    pending: u64,
    /// The cursor that reads first at the next step: one that always has much due must not starve the others.
    turn: usize,
    /// What is to be said before the first event.
    greeting: BytesMut,
    /// Slots that joined since the last step and have not been announced. A set, not frames: whoever changes topics
    /// faster than they read makes nothing grow.
    joined: u64,
    settings: Settings,
    last_write: Instant,
    serial: u64,
    phase: Phase,
    /// The right by which all of it is read; none for a stream of what everybody may read.
    access: Option<Access>,
    /// Events handed out since the caller last took the count.
    delivered: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    Draining,
    Ended,
}

/// What the shell is to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    Write(Bytes),
    /// Nothing is due: wait for the mailbox, or until this moment.
    WaitUntil(Instant),
    End,
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum SubscribeError {
    #[error("a stream carries at most {TOPICS_PER_STREAM} topics")]
    TooManyTopics,
}

impl Stream {
    /// `connection` is told to the client, unless it is the article's client, which is told `connected` and no more.
    pub fn open(
        topics: Arc<Topics>,
        marks: &[Mark],
        connection: Option<&str>,
        serial: u64,
        access: Option<Access>,
        settings: Settings,
        now: Instant,
    ) -> Result<Self, SubscribeError> {
        let mut stream = Self {
            topics,
            mailbox: Arc::default(),
            cursors: Vec::with_capacity(marks.len()),
            pending: 0,
            turn: 0,
            greeting: BytesMut::new(),
            joined: 0,
            settings,
            last_write: now,
            serial,
            phase: Phase::Open,
            access: access.clone(),
            delivered: 0,
        };
        stream.subscribe(marks)?;
        let topics = stream.take_joined();
        stream.greet(connection, topics);
        Ok(stream)
    }

    /// Adds topics to a live stream, or moves the cursors of those it has. All or none.
    pub fn subscribe(&mut self, marks: &[Mark]) -> Result<(), SubscribeError> {
        self.change(marks, &[])
    }

    /// Takes topics off a live stream and adds others, all of it or nothing.
    pub fn change(&mut self, marks: &[Mark], leave: &[Topic]) -> Result<(), SubscribeError> {
        let new = marks.iter().enumerate().filter(|(index, mark)| {
            let repeated = marks[..*index].iter().any(|earlier| earlier.topic == mark.topic);
            !repeated && !self.topics().any(|topic| *topic == mark.topic && !leave.contains(topic))
        });
        let staying = self.topics().filter(|topic| !leave.contains(topic)).count();
        if staying + new.count() > TOPICS_PER_STREAM {
            return Err(SubscribeError::TooManyTopics);
        }
        leave.iter().for_each(|topic| self.unsubscribe(topic));
        marks.iter().for_each(|mark| self.add(mark));
        self.mailbox.wake();
        Ok(())
    }

    pub fn unsubscribe(&mut self, topic: &Topic) {
        self.cursors.retain(|(_, cursor)| cursor.topic() != topic);
        // A mark or an announcement whose topic has left has nobody to clear it.
        let held = self.slots();
        self.pending &= held;
        self.joined &= held;
    }

    pub fn topics(&self) -> impl Iterator<Item = &Topic> {
        self.cursors.iter().map(|(_, cursor)| cursor.topic())
    }

    /// Says goodbye at the next step: what is due, then when to come back.
    pub fn drain(&mut self) {
        if self.phase == Phase::Open {
            self.phase = Phase::Draining;
            self.mailbox.wake();
        }
    }

    /// Events handed out since the last call.
    pub fn take_delivered(&mut self) -> u64 {
        std::mem::take(&mut self.delivered)
    }

    pub fn step(&mut self, now: Instant) -> Step {
        if self.phase == Phase::Ended {
            return Step::End;
        }
        self.pending |= self.mailbox.take() & self.slots();
        let mut out = std::mem::take(&mut self.greeting);
        if self.joined != 0 {
            let topics = self.take_joined();
            frame::put_named(&mut out, name::SUBSCRIBED, self.id().as_deref(), &Joined { topics });
        }
        let single = self.read_due(&mut out);
        if self.phase == Phase::Ended {
            return Step::Write(self.farewell());
        }
        if self.phase == Phase::Draining && self.pending == 0 {
            self.phase = Phase::Ended;
            let retry_ms = self.settings.drain_retry_ms;
            if let Some(frame) = &single {
                out.extend_from_slice(frame);
            }
            frame::put_retry(&mut out, retry_ms);
            frame::put_named(&mut out, name::DRAINING, None, &Draining { retry_ms });
            return Step::Write(out.freeze());
        }
        let heartbeat_at = self.last_write + self.settings.heartbeat;
        let bytes = match single {
            Some(frame) => frame,
            None if !out.is_empty() => out.freeze(),
            None if now >= heartbeat_at => frame::HEARTBEAT,
            None => return Step::WaitUntil(heartbeat_at),
        };
        self.last_write = now;
        Step::Write(bytes)
    }

    /// Reads the marked cursors in turn into `out`, up to a write's size. The commonest case by far, one event of one
    /// topic, is handed back as the frame that all connections share, uncopied.
    fn read_due(&mut self, out: &mut BytesMut) -> Option<Bytes> {
        let count = self.cursors.len();
        let alone = count == 1;
        let overhead = if alone { FRAME_BYTES } else { FRAME_BYTES + self.id().map_or(0, |id| id.len()) };
        for index in (self.turn..self.turn + count).map(|turn| turn % count) {
            let bit = 1 << self.cursors[index].0;
            if self.pending & bit == 0 {
                continue;
            }
            if out.len() >= WRITE_BYTES {
                self.turn = index;
                break;
            }
            let (before, own_and_after) = self.cursors.split_at_mut(index);
            let Some(((_, cursor), after)) = own_and_after.split_first_mut() else { continue };
            let read = cursor.read(WRITE_BYTES - out.len(), overhead);
            let others = || before.iter().chain(after.iter()).map(|(_, cursor)| cursor);
            let (topic, epoch) = (cursor.topic(), cursor.position().epoch);
            match read {
                Read::Revoked => {
                    self.phase = Phase::Ended;
                    return None;
                }
                Read::UpToDate | Read::NotYet => self.pending &= !bit,
                Read::Reset(reset) => {
                    let id = frame::vector(topic, reset.position, others());
                    frame::put_reset(out, topic, &id, &reset);
                    self.pending &= !bit;
                }
                Read::Events(batch) => {
                    if batch.reached_head {
                        self.pending &= !bit;
                    }
                    self.delivered += batch.entries.len() as u64;
                    match batch.entries.as_slice() {
                        [entry] if alone && out.is_empty() => return Some(frame::event(entry, topic, epoch)),
                        entries if alone => {
                            entries.iter().for_each(|e| out.extend_from_slice(&frame::event(e, topic, epoch)));
                        }
                        entries => {
                            for entry in entries {
                                let at = crate::wire::Position { epoch, offset: entry.offset };
                                let id = frame::vector(topic, at, others());
                                frame::put_event_with_id(out, entry, &id, topic, epoch);
                            }
                        }
                    }
                }
            }
        }
        None
    }

    fn add(&mut self, mark: &Mark) {
        self.unsubscribe(&mark.topic);
        // There is a free slot: there are more of them than topics on a stream.
        let slot = self.slots().trailing_ones() as Slot;
        let from = mark.position.map_or(From::Now, From::After);
        let cursor = self.topics.subscribe(&mark.topic, from, &self.mailbox, slot, self.serial);
        let cursor = match &self.access {
            Some(access) => cursor.with_access(access.clone()),
            None => cursor,
        };
        self.cursors.push((slot, cursor));
        self.joined |= 1 << slot;
    }

    /// The right is gone: of all that was due nothing is sent but this.
    fn farewell(&self) -> Bytes {
        let mut out = BytesMut::new();
        let refused = refusal(RefusedCode::SignedOut, None, 0);
        frame::put_named(&mut out, name::REFUSED, Some(REFUSED_ID), &refused);
        out.freeze()
    }

    /// The slots in use.
    fn slots(&self) -> u64 {
        self.cursors.iter().fold(0, |bits, (slot, _)| bits | 1 << slot)
    }

    /// Who joined, as they stand now. They have not read yet.
    fn take_joined(&mut self) -> Vec<Subscribed> {
        let joined = std::mem::take(&mut self.joined);
        let cursors = self.cursors.iter().filter(|(slot, _)| joined & 1 << slot != 0);
        let subscribed = |(_, cursor): &(Slot, Cursor)| Subscribed {
            topic: cursor.topic().clone(),
            from: cursor.position(),
            head: cursor.head(),
        };
        cursors.map(subscribed).collect()
    }

    fn greet(&mut self, connection: Option<&str>, topics: Vec<Subscribed>) {
        let id = self.id();
        let out = &mut self.greeting;
        frame::put_retry(out, self.settings.retry_ms);
        match connection {
            Some(connection) => {
                let connected = Connected {
                    connection: connection.to_owned(),
                    heartbeat_ms: self.settings.heartbeat.as_millis() as u32,
                    topics,
                };
                frame::put_named(out, name::CONNECTED, id.as_deref(), &connected);
            }
            None => {
                if let Some(id) = id {
                    frame::put_id(out, &id);
                }
                out.extend_from_slice(b"data: connected\n\n");
            }
        }
    }

    fn id(&self) -> Option<String> {
        let (_, first) = self.cursors.first()?;
        Some(frame::vector(first.topic(), first.position(), self.cursors.iter().map(|(_, cursor)| cursor)))
    }
}
