//! A connection's place in one topic. Live delivery, replay, resume and catching up are the same [`Cursor::read`].

use std::sync::Arc;

use bytes::Bytes;

use super::{
    content::Gone,
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
}

#[derive(Debug)]
pub enum Read {
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
        Some(Self { topic: topic.clone(), position, key, reset_owed })
    }

    /// Everything from the cursor to the head, up to `max_bytes` (but at least one event). An event counts as its
    /// payload and `overhead` bytes of framing.
    pub fn read(&mut self, max_bytes: usize, overhead: usize) -> Read {
        let topic = &self.topic;
        let mut state = topic.lock();
        let owed = self.reset_owed.take();
        if let Some(reason) = owed.or_else(|| state.content.check(self.position.offset).err().map(Into::into)) {
            return Read::Reset(Self::reset(&mut self.position, self.key, topic, &mut state, reason));
        }
        let entries = state.content.after(self.position.offset, max_bytes, overhead);
        if let Some(last) = entries.last() {
            self.position.offset = last.offset;
        }
        let reached_head = self.position.offset == state.content.head();
        state.readers.has_read(self.key, self.position.offset, reached_head);
        if entries.is_empty() { Read::UpToDate } else { Read::Events(Batch { entries, reached_head }) }
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
