//! A connection's place in one topic. Live delivery, replay, resume and catching up are the same [`Cursor::read`].

use std::sync::{Arc, PoisonError, atomic::Ordering};

use bytes::Bytes;

use super::{
    access::Access,
    content::{Gone, fitting},
    durable::{self, Backlog, CATCH_UP_EVENTS, Look},
    entry::Entry,
    mailbox::{Mailbox, Slot},
    topic::{State, TopicCell},
};
use crate::wire::{Position, Topic, stream::ResetReason};

/// Where a new cursor begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// At the head: only what is published from now on.
    Now,
    /// After this position, as far as it is still kept; a reset otherwise.
    After(Position),
}

/// Dropping it takes the reader off the topic.
#[derive(Debug)]
pub struct Cursor {
    topic: Arc<TopicCell>,
    position: Position,
    key: usize,
    reset_owed: Option<ResetReason>,
    /// What follows the position, from the store, while the ring begins later.
    backlog: Option<Backlog>,
    /// Whether the store has been asked how far the topic has come, for a cursor that is further.
    look: Option<Look>,
    mailbox: Arc<Mailbox>,
    slot: Slot,
    /// None for what everybody may read.
    access: Option<Access>,
    /// The right to this topic alone, of those who have it by belonging to something.
    membership: Option<Access>,
}

#[derive(Debug)]
pub enum Read {
    /// Whoever reads here no longer may. Nothing more will come.
    Revoked,
    /// They may no longer read this topic. Nothing more of it will come.
    Lost,
    /// What follows is being read from the store: the mailbox slot is marked when it is there.
    NotYet,
    /// The cursor is at the head and armed: its mailbox slot is marked at the next publish.
    UpToDate,
    Events(Batch),
    Reset(Reset),
}

#[derive(Debug)]
pub struct Batch {
    /// At least one, in order.
    pub entries: Vec<Arc<Entry>>,
    /// If not, the cursor is not armed: read again without waiting for a mark.
    pub reached_head: bool,
}

#[derive(Debug)]
pub struct Reset {
    pub reason: ResetReason,
    /// The cursor stands here now, armed.
    pub position: Position,
    /// The JSON of a [`crate::wire::stream::Snapshot`] that is true at `position`.
    pub snapshot: Bytes,
}

impl Cursor {
    /// Fails if the topic was removed in the meantime.
    pub(super) fn open(
        topic: &Arc<TopicCell>,
        from: From,
        mailbox: &Arc<Mailbox>,
        slot: Slot,
        connection: u64,
    ) -> Option<Self> {
        let mut state = topic.lock();
        if state.removed {
            return None;
        }
        state.used = true;
        let head = state.head();
        let (position, reset_owed) = match from {
            From::Now => (head, None),
            // Until the reset is handed out the cursor stands where its reader does: a position named meanwhile must not
            // claim more than the reader has got.
            // What is not in memory may be in the store: the first read looks.
            From::After(position) if topic.durable.is_some() => (position, None),
            From::After(position) if position.epoch != head.epoch => (position, Some(ResetReason::UnknownEpoch)),
            From::After(position) => match state.content.check(position.offset) {
                Ok(()) => (position, None),
                Err(gone) => (position, Some(gone.into())),
            },
        };
        let key = state.readers.insert(mailbox.clone(), slot, connection, position.offset);
        drop(state);
        // Nobody reads a new cursor unless told: whatever is due now, or nothing, is found by the first read.
        mailbox.mark(slot);
        let (topic, mailbox) = (topic.clone(), mailbox.clone());
        Some(Self {
            topic,
            position,
            key,
            reset_owed,
            backlog: None,
            look: None,
            mailbox,
            slot,
            access: None,
            membership: None,
        })
    }

    /// Reads only as long as this right lasts. Its end marks the mailbox.
    pub fn with_access(mut self, access: Access) -> Self {
        access.watch(&self.mailbox, self.slot);
        self.access = Some(access);
        self
    }

    /// Reads this topic only as long as this right lasts.
    pub fn with_membership(mut self, membership: Access) -> Self {
        membership.watch(&self.mailbox, self.slot);
        self.membership = Some(membership);
        self
    }

    /// Everything from the cursor to the head, up to `max_bytes` (but at least one event). An event counts as its
    /// payload and `overhead` bytes of framing.
    pub fn read(&mut self, max_bytes: usize, overhead: usize) -> Read {
        if self.access.as_ref().is_some_and(Access::is_revoked) {
            return Read::Revoked;
        }
        if self.membership.as_ref().is_some_and(Access::is_revoked) {
            return Read::Lost;
        }
        let topic = &self.topic;
        let mut state = topic.lock();
        let reason = match (self.reset_owed.take(), state.content.check(self.position.offset)) {
            (Some(owed), _) => Some(owed),
            // A database that was restored has new epochs.
            _ if self.position.epoch != state.epoch => Some(ResetReason::UnknownEpoch),
            (None, Ok(())) => None,
            (None, Err(Gone::TooOld)) if topic.durable.is_some() => {
                match Self::stored(&mut self.backlog, topic, &state, self.position, max_bytes, overhead) {
                    Stored::Events(entries) => {
                        self.position.offset = entries.last().map_or(self.position.offset, |last| last.offset);
                        state.readers.has_read(self.key, self.position.offset, false);
                        return Read::Events(Batch { entries, reached_head: false });
                    }
                    Stored::NotYet => {
                        if self.backlog.is_none() {
                            self.backlog = durable::fetch(topic, self.position.offset, &self.mailbox, self.slot);
                        }
                        return Read::NotYet;
                    }
                    Stored::Gone => Some(ResetReason::TooOld),
                }
            }
            // Another process may have come further than this one has heard.
            (None, Err(Gone::AheadOfHead)) if topic.durable.is_some() => match &self.look {
                None => {
                    self.look = durable::look(topic, &self.mailbox, self.slot);
                    return Read::NotYet;
                }
                Some(look) if look.load(Ordering::Acquire) => Some(ResetReason::AheadOfHead),
                Some(_) => return Read::NotYet,
            },
            (None, Err(gone)) => Some(gone.into()),
        };
        self.look = None;
        if let Some(reason) = reason {
            self.backlog = None;
            return Read::Reset(Self::reset(&mut self.position, self.key, topic, &mut state, reason));
        }
        self.backlog = None;
        let entries = state.content.after(self.position.offset, max_bytes, overhead);
        if let Some(last) = entries.last() {
            self.position.offset = last.offset;
        }
        let reached_head = self.position.offset == state.content.head();
        state.readers.has_read(self.key, self.position.offset, reached_head);
        if entries.is_empty() { Read::UpToDate } else { Read::Events(Batch { entries, reached_head }) }
    }

    /// What of the store is at hand for a cursor at `position`.
    fn stored(
        backlog: &mut Option<Backlog>,
        topic: &TopicCell,
        state: &State,
        position: Position,
        max_bytes: usize,
        overhead: usize,
    ) -> Stored {
        if state.content.head() - position.offset > CATCH_UP_EVENTS {
            return Stored::Gone;
        }
        let Some(shared) = backlog else { return Stored::NotYet };
        let mut fetched = shared.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(entries) = fetched.as_mut() else { return Stored::NotYet };
        if entries.front().is_none_or(|first| first.offset != position.offset + 1) {
            tracing::debug!(topic = %topic.name, %position, "a cursor waits for what the store no longer has");
            return Stored::Gone;
        }
        let fitting = fitting(entries.iter(), max_bytes, overhead);
        entries.drain(..fitting.len());
        let used_up = entries.is_empty();
        drop(fetched);
        if used_up {
            *backlog = None;
        }
        Stored::Events(fitting)
    }

    pub fn topic(&self) -> &Topic {
        &self.topic.name
    }

    /// How far it has read.
    pub fn position(&self) -> Position {
        self.position
    }

    pub fn head(&self) -> Position {
        self.topic.lock().head()
    }

    fn reset(position: &mut Position, key: usize, topic: &TopicCell, state: &mut State, reason: ResetReason) -> Reset {
        *position = state.head();
        state.readers.has_read(key, position.offset, true);
        Reset { reason, position: *position, snapshot: state.snapshot(topic) }
    }
}

/// What the store has for a cursor.
enum Stored {
    Events(Vec<Arc<Entry>>),
    NotYet,
    Gone,
}

impl Drop for Cursor {
    fn drop(&mut self) {
        self.topic.lock().readers.remove(self.key);
    }
}

impl std::convert::From<Gone> for ResetReason {
    fn from(gone: Gone) -> Self {
        match gone {
            Gone::TooOld => Self::TooOld,
            Gone::AheadOfHead => Self::AheadOfHead,
        }
    }
}
