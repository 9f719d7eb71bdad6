//! One WebSocket's session as a pure state machine: cursors, answers and a clock in, messages out. It owns no task and
//! no timer; `socket.rs` moves its bytes.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::extract::ws::Utf8Bytes;

use super::frame;
use crate::{
    server::{
        topics::{Access, Mailbox, Topics},
        transports::{
            carried::{Carried, Due, Entering, SubscribeError},
            sse::lost,
        },
    },
    wire::{
        Topic,
        socket::{FailedCode, Said},
    },
};

/// One write carries at most about this much of events, in bytes.
const WRITE_BYTES: usize = 64 * 1024;

/// Silence of so many heartbeats, in tenths, means that nobody is there.
const SILENT_TENTHS: u32 = 25;

/// Whoever says so many things that cannot be understood does not speak this protocol.
const FAULTS: u32 = 10;

/// More messages than this in one second are no conversation.
const MESSAGES_A_SECOND: u32 = 200;

/// Why a connection is closed: the codes of RFC 6455 and the WebSocket registry, and our own above 4000.
pub mod close {
    pub const PROTOCOL: (u16, &str) = (1002, "ten messages that could not be understood");
    pub const TOO_LARGE: (u16, &str) = (1009, "a message has at most 65,536 bytes");
    pub const NOT_TEXT: (u16, &str) = (1007, "a text that is not UTF-8");
    pub const NO_FRAMES: (u16, &str) = (1002, "these are no frames of a WebSocket");
    pub const BINARY: (u16, &str) = (1003, "this version has no binary messages");
    pub const RESTART: (u16, &str) = (1012, "the server restarts: come back");
    pub const SILENT: (u16, &str) = (1013, "nothing was heard from you: come back");
    pub const FULL: (u16, &str) = (1013, "too many connections: try again later");
    pub const SIGNED_OUT: (u16, &str) = (4401, "you have signed out");
    pub const VERSION: (u16, &str) = (4406, "none of these subprotocols is known here: offer tidemark.1");
    pub const TOO_FAST: (u16, &str) = (4429, "far too fast: try again in a minute");
}

#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Each side says something at least this often.
    pub heartbeat: Duration,
    /// Drawn by the caller: when the client is to come back after a shutdown, in milliseconds.
    pub drain_retry_ms: u32,
}

pub struct Session {
    carried: Carried,
    /// What is to be said before the next event.
    answers: Vec<Utf8Bytes>,
    settings: Settings,
    last_write: Instant,
    last_heard: Instant,
    /// Since when, and how many messages were heard since then.
    second: (Instant, u32),
    faults: u32,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    Draining,
    /// Nothing is said any more but this.
    Closing(u16, &'static str),
    Ended,
}

/// What the shell is to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// All of it in one write.
    Write(Vec<Utf8Bytes>),
    /// Nothing is due: wait for the mailbox, for the client, or until this moment.
    WaitUntil(Instant),
    Close(u16, &'static str),
    End,
}

impl Session {
    pub fn open(
        topics: Arc<Topics>,
        connection: &str,
        serial: u64,
        access: Option<Access>,
        settings: Settings,
        now: Instant,
    ) -> Self {
        let connected = Said::Connected {
            connection: connection.to_owned(),
            heartbeat_ms: settings.heartbeat.as_millis() as u32,
            topics: Vec::new(),
        };
        Self {
            carried: Carried::new(topics, serial, access),
            answers: vec![frame::said(&connected)],
            settings,
            last_write: now,
            last_heard: now,
            second: (now, 0),
            faults: 0,
            phase: Phase::Open,
        }
    }

    pub fn mailbox(&self) -> &Arc<Mailbox> {
        &self.carried.mailbox
    }

    pub fn topics(&self) -> impl Iterator<Item = &Topic> {
        self.carried.topics()
    }

    /// Events handed out since the last call.
    pub fn take_delivered(&mut self) -> u64 {
        self.carried.take_delivered()
    }

    /// The client has said something.
    pub fn heard(&mut self, now: Instant) {
        self.last_heard = now;
        if now.saturating_duration_since(self.second.0) >= Duration::from_secs(1) {
            self.second = (now, 0);
        }
        self.second.1 += 1;
        if self.second.1 > MESSAGES_A_SECOND {
            self.close(close::TOO_FAST);
        }
    }

    /// What the client asked for is done, or is not.
    pub fn answer(&mut self, said: &Said) {
        self.answers.push(frame::said(said));
        if matches!(said, Said::Failed { code: FailedCode::Malformed, .. }) {
            self.faults += 1;
            if self.faults >= FAULTS {
                self.close(close::PROTOCOL);
            }
        }
    }

    /// Takes topics off and adds others, all of it or nothing.
    pub fn change(&mut self, entering: impl Into<Entering>, leave: &[Topic]) -> Result<(), SubscribeError> {
        self.carried.change(entering, leave)
    }

    /// Says goodbye at the next step: what is due, then when to come back.
    pub fn drain(&mut self) {
        if self.phase == Phase::Open {
            self.phase = Phase::Draining;
            self.carried.mailbox.wake();
        }
    }

    /// What was answered already is said; no event is.
    pub fn close(&mut self, (code, words): (u16, &'static str)) {
        if matches!(self.phase, Phase::Open | Phase::Draining) {
            self.phase = Phase::Closing(code, words);
        }
    }

    /// Whether commands are still taken.
    pub fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::Draining)
    }

    pub fn step(&mut self, now: Instant) -> Step {
        if let Phase::Closing(code, words) = self.phase {
            if !self.answers.is_empty() {
                return Step::Write(std::mem::take(&mut self.answers));
            }
            self.phase = Phase::Ended;
            return Step::Close(code, words);
        }
        if self.phase == Phase::Ended {
            return Step::End;
        }
        let silent_at = self.last_heard + self.settings.heartbeat * SILENT_TENTHS / 10;
        if now >= silent_at {
            self.phase = Phase::Ended;
            return Step::Close(close::SILENT.0, close::SILENT.1);
        }
        let more = self.carried.look();
        let mut out = std::mem::take(&mut self.answers);
        let topics = self.carried.take_joined();
        if !topics.is_empty() {
            out.push(frame::said(&Said::Subscribed { topics }));
        }
        if more && self.read_due(&mut out).is_err() {
            // Of what was due nothing is said.
            self.phase = Phase::Ended;
            return Step::Close(close::SIGNED_OUT.0, close::SIGNED_OUT.1);
        }
        if self.phase == Phase::Draining && !self.carried.look() {
            out.push(frame::said(&Said::Draining { retry_ms: self.settings.drain_retry_ms }));
            self.phase = Phase::Closing(close::RESTART.0, close::RESTART.1);
        }
        let heartbeat_at = self.last_write + self.settings.heartbeat;
        if out.is_empty() {
            if now < heartbeat_at {
                return Step::WaitUntil(heartbeat_at.min(silent_at));
            }
            out.push(frame::said(&Said::Heartbeat));
        }
        self.last_write = now;
        Step::Write(out)
    }

    fn read_due(&mut self, out: &mut Vec<Utf8Bytes>) -> Result<(), super::super::carried::Revoked> {
        let mut held = 0;
        self.carried.read(WRITE_BYTES, frame::EVENT_BYTES, |topic, due, _| {
            let before = out.len();
            match due {
                Due::Events { epoch, entries } => {
                    out.extend(entries.iter().map(|entry| frame::event(entry, topic, epoch)));
                }
                Due::Reset(reset) => out.push(frame::reset(topic, reset)),
                Due::Lost => out.push(frame::said(&Said::Lost(lost(topic)))),
            }
            held += out[before..].iter().map(|message| message.len()).sum::<usize>();
            held
        })
    }
}
