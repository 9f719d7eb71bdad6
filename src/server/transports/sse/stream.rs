//! One live stream as a pure state machine: cursors and a clock in, bytes out. It owns no task and no timer, so its
//! I/O can be anybody's; `body.rs` is hyper's.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};

use super::{frame, query::REFUSED_ID};
use crate::{
    server::{
        connections::refusal,
        topics::{Access, Topics},
        transports::carried::{Carried, Due, Entering, Revoked, SubscribeError},
    },
    wire::{
        Topic,
        stream::{Connected, Draining, Joined, Lost, RefusedCode, Subscribed, name},
    },
};

/// To somebody who may not read a topic any longer, for people.
pub fn lost(topic: &Topic) -> Lost {
    let message = match topic.room() {
        Some(_) => "you are not a member of this room",
        None => "this is not there, or not yours to read",
    };
    Lost { topic: topic.clone(), message: message.to_owned() }
}

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
    pub(super) carried: Carried,
    /// What is to be said before the first event.
    greeting: BytesMut,
    settings: Settings,
    last_write: Instant,
    phase: Phase,
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

impl Stream {
    /// `connection` is told to the client, unless it is the article's client, which is told `connected` and no more.
    pub fn open(
        topics: Arc<Topics>,
        entering: impl Into<Entering>,
        connection: Option<&str>,
        serial: u64,
        access: Option<Access>,
        settings: Settings,
        now: Instant,
    ) -> Result<Self, SubscribeError> {
        let mut carried = Carried::new(topics, serial, access);
        carried.change(entering, &[])?;
        let topics = carried.take_joined();
        let mut stream = Self { carried, greeting: BytesMut::new(), settings, last_write: now, phase: Phase::Open };
        stream.greet(connection, topics);
        Ok(stream)
    }

    /// Takes topics off a live stream and adds others, or moves the cursors of those it has: all of it or nothing.
    pub fn change(&mut self, entering: impl Into<Entering>, leave: &[Topic]) -> Result<(), SubscribeError> {
        self.carried.change(entering, leave)
    }

    /// Whether whoever has this right opened it.
    pub fn is_by(&self, access: Option<&Access>) -> bool {
        self.carried.is_by(access)
    }

    pub fn topics(&self) -> impl Iterator<Item = &Topic> {
        self.carried.topics()
    }

    /// Says goodbye at the next step: what is due, then when to come back.
    pub fn drain(&mut self) {
        if self.phase == Phase::Open {
            self.phase = Phase::Draining;
            self.carried.mailbox.wake();
        }
    }

    /// Events handed out since the last call.
    pub fn take_delivered(&mut self) -> u64 {
        self.carried.take_delivered()
    }

    pub fn step(&mut self, now: Instant) -> Step {
        if self.phase == Phase::Ended {
            return Step::End;
        }
        self.carried.look();
        let mut out = std::mem::take(&mut self.greeting);
        let topics = self.carried.take_joined();
        if !topics.is_empty() {
            frame::put_named(&mut out, name::SUBSCRIBED, self.id().as_deref(), &Joined { topics });
        }
        let Ok(single) = self.read_due(&mut out) else {
            self.phase = Phase::Ended;
            return Step::Write(farewell());
        };
        if self.phase == Phase::Draining && !self.carried.look() {
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

    /// Reads what is due into `out`, up to a write's size. The commonest case by far, one event of one topic, is handed
    /// back as the frame that all connections share, uncopied.
    fn read_due(&mut self, out: &mut BytesMut) -> Result<Option<Bytes>, Revoked> {
        let alone = self.carried.topics().count() == 1;
        let overhead = if alone { FRAME_BYTES } else { FRAME_BYTES + self.id().map_or(0, |id| id.len()) };
        let most = WRITE_BYTES.saturating_sub(out.len()).max(1);
        let already = out.len();
        let mut single = None;
        self.carried.read(most, overhead, |topic, due, others| {
            match due {
                Due::Lost => {
                    frame::put_named(out, name::LOST, None, &lost(topic));
                }
                Due::Reset(reset) => {
                    let id = frame::vector(topic, reset.position, others);
                    frame::put_reset(out, topic, &id, reset);
                }
                Due::Events { epoch, entries } if alone => match entries.as_slice() {
                    [entry] if out.is_empty() => single = Some(frame::event(entry, topic, epoch)),
                    entries => entries.iter().for_each(|e| out.extend_from_slice(&frame::event(e, topic, epoch))),
                },
                Due::Events { epoch, entries } => {
                    let others = frame::others(topic, others);
                    for entry in entries {
                        let at = crate::wire::Position { epoch, offset: entry.offset };
                        frame::put_event_with_id(out, &entry, &format!("{topic}@{at}{others}"), topic, epoch);
                    }
                }
            }
            out.len() - already
        })?;
        Ok(single)
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
        let first = self.carried.cursors().next()?;
        Some(frame::vector(first.topic(), first.position(), &mut self.carried.cursors()))
    }
}

/// The right is gone: of all that was due nothing is sent but this.
fn farewell() -> Bytes {
    let mut out = BytesMut::new();
    let refused = refusal(RefusedCode::SignedOut, None, 0);
    frame::put_named(&mut out, name::REFUSED, Some(REFUSED_ID), &refused);
    out.freeze()
}
