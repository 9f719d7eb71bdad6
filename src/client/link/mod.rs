//! When to connect, and when to wait: the life of one connection as a pure state machine. Time (milliseconds of any
//! clock that rises) and random numbers are passed in; the answer is at most one command for the shell (`tab/`).
//!
//! `input.rs` is what goes in and what comes out.

mod input;
#[cfg(test)]
mod tests;

use super::{ConnectionState, backoff};

pub use input::{Command, Input};

/// Silence of this many heartbeats means that the connection is dead, whatever the browser believes.
const SILENT_HEARTBEATS: f64 = 2.5;

#[derive(Clone, Debug, PartialEq)]
enum State {
    Idle,
    Opening { since: f64 },
    Live { since: f64, heard: f64, silence_ms: f64 },
    Waiting { until: f64 },
    Refused { message: String, until: Option<f64> },
}

#[derive(Clone, Debug)]
pub struct Link {
    state: State,
    wanted: bool,
    cut: bool,
    frozen: bool,
    /// Since when nobody can see the tab.
    hidden: Option<f64>,
    /// Hidden for so long that its connection was given up.
    resting: bool,
    offline: bool,
    /// Over a connection that does not count among a browser's six.
    lasting: bool,
    /// Failed attempts since the connection was last live for a while.
    failures: u32,
    /// The time of the last input.
    last: f64,
}

/// An attempt that has said nothing for this long, in milliseconds, has failed.
const OPENING_MS: f64 = 20_000.0;

/// A tab that was hidden for this long, in milliseconds, gives up its connection, and goes on from its mark when it is
/// looked at again. Over HTTP/1.1 a browser opens six connections to a server for all its tabs: without this, six open
/// tabs would keep a seventh from loading at all. Long enough to switch to another tab and back.
const REST_AFTER_MS: f64 = 10_000.0;

impl Default for Link {
    fn default() -> Self {
        Self {
            state: State::Idle,
            wanted: false,
            cut: false,
            frozen: false,
            hidden: None,
            resting: false,
            offline: false,
            lasting: false,
            failures: 0,
            last: 0.0,
        }
    }
}

/// A connection that lasted for so long, in milliseconds, was a good one: the next failure is the first again. One that
/// is greeted and then dropped at once is not, or its server would be hammered.
const GOOD_MS: f64 = 5_000.0;

impl Link {
    pub fn handle(&mut self, input: Input, now: f64, random: f64) -> Option<Command> {
        self.follow_clock(now);
        match input {
            Input::Want(wanted) => self.allow(now, |link| link.wanted = wanted),
            Input::Cut(cut) => self.allow(now, |link| link.cut = cut),
            Input::Frozen(frozen) => self.allow(now, |link| link.frozen = frozen),
            Input::Opened { heartbeat_ms } => {
                self.offline = false;
                let silence_ms = f64::from(heartbeat_ms) * SILENT_HEARTBEATS;
                self.state = State::Live { since: now, heard: now, silence_ms };
                None
            }
            Input::Heard => {
                if let State::Live { heard, .. } = &mut self.state {
                    *heard = now;
                }
                None
            }
            Input::Failed => self.fail(now, random),
            Input::Drained { retry_ms } => self.wait(now + f64::from(retry_ms)),
            Input::Refused { message, retry_ms } => {
                let until = retry_ms.map(|ms| now + f64::from(ms));
                self.state = State::Refused { message, until };
                Some(Command::Close)
            }
            Input::Tick => self.tick(now, random),
            Input::Online => {
                self.offline = false;
                self.hurry(now)
            }
            Input::Offline => {
                self.offline = true;
                // The browser may be wrong (a server on this machine needs no network), so attempts go on.
                self.fail(now, random)
            }
            Input::Visible => {
                self.hidden = None;
                let woken = self.allow(now, |link| link.resting = false);
                woken.or_else(|| self.tick(now, random)).or_else(|| self.hurry(now))
            }
            Input::Hidden => {
                self.hidden.get_or_insert(now);
                // One that was opened in the background waits until it is looked at.
                self.resting |= !self.wanted;
                None
            }
        }
    }

    /// Whether the connection that is being opened stays open while nobody looks: a WebSocket is none of the six.
    pub fn lasts_while_hidden(&mut self, lasting: bool) {
        self.lasting = lasting;
    }

    pub fn state(&self, now: f64) -> ConnectionState {
        match &self.state {
            _ if self.cut => ConnectionState::Cut,
            State::Idle if self.resting => ConnectionState::Resting,
            State::Idle => ConnectionState::Idle,
            State::Live { .. } => ConnectionState::Live,
            State::Refused { message, .. } => ConnectionState::Refused(message.clone()),
            _ if self.offline => ConnectionState::Offline,
            State::Opening { .. } if self.failures > 0 => ConnectionState::Reconnecting { seconds: 0 },
            State::Opening { .. } => ConnectionState::Connecting,
            State::Waiting { until } => {
                let seconds = ((until - now) / 1_000.0).max(0.0);
                ConnectionState::Reconnecting {
                    seconds: seconds as u32 + u32::from(seconds > f64::from(seconds as u32)),
                }
            }
        }
    }

    /// Changes what stands in the way of a connection, and opens or closes it if that makes the difference.
    fn allow(&mut self, now: f64, change: impl FnOnce(&mut Self)) -> Option<Command> {
        let allowed = |link: &Self| link.wanted && !link.cut && !link.frozen && !link.resting;
        let before = allowed(self);
        change(self);
        match (before, allowed(self)) {
            (false, true) => self.open(now),
            (true, false) => {
                self.state = State::Idle;
                self.failures = 0;
                Some(Command::Close)
            }
            _ => None,
        }
    }

    /// The clock may be set back. Every moment that is held goes back with it, or nothing would be due for hours.
    fn follow_clock(&mut self, now: f64) {
        let back = (self.last - now).max(0.0);
        self.last = now;
        if let Some(since) = &mut self.hidden {
            *since -= back;
        }
        match &mut self.state {
            State::Opening { since: at } | State::Waiting { until: at } | State::Refused { until: Some(at), .. } => {
                *at -= back
            }
            State::Live { since, heard, .. } => {
                *since -= back;
                *heard -= back;
            }
            State::Idle | State::Refused { until: None, .. } => {}
        }
    }

    fn open(&mut self, now: f64) -> Option<Command> {
        self.state = State::Opening { since: now };
        Some(Command::Open)
    }

    fn wait(&mut self, until: f64) -> Option<Command> {
        self.state = State::Waiting { until };
        Some(Command::Close)
    }

    fn fail(&mut self, now: f64, random: f64) -> Option<Command> {
        match self.state {
            State::Opening { .. } | State::Live { .. } => {
                if matches!(self.state, State::Live { since, .. } if now - since >= GOOD_MS) {
                    self.failures = 0;
                }
                self.failures += 1;
                self.wait(now + f64::from(backoff::delay_ms(self.failures, random)))
            }
            State::Idle | State::Waiting { .. } | State::Refused { .. } => None,
        }
    }

    /// No reason to wait any longer.
    fn hurry(&mut self, now: f64) -> Option<Command> {
        match self.state {
            State::Waiting { .. } => self.open(now),
            State::Idle | State::Opening { .. } | State::Live { .. } | State::Refused { .. } => None,
        }
    }

    fn tick(&mut self, now: f64, random: f64) -> Option<Command> {
        // Who was refused has no connection to give up, and stays refused.
        let refused = matches!(self.state, State::Refused { .. });
        if !refused && !self.resting && !self.lasting && self.hidden.is_some_and(|since| now - since >= REST_AFTER_MS) {
            return self.allow(now, |link| link.resting = true);
        }
        match self.state {
            State::Waiting { until } | State::Refused { until: Some(until), .. } if now >= until => self.open(now),
            State::Opening { since } if now - since > OPENING_MS => self.fail(now, random),
            // After sleep the browser believes for minutes that a dead connection lives. Resuming costs little.
            State::Live { heard, silence_ms, .. } if now - heard > silence_ms => self.open(now),
            _ => None,
        }
    }
}
