//! A connection's one waker and its set of dirty topics.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    task::Waker,
};

use futures::task::AtomicWaker;

/// Which of a connection's subscriptions: an index below [`MAILBOX_SLOTS`].
pub type Slot = u8;

/// The dirty set is one word. No transport needs more; SSE allows 16 topics because of its ids.
pub const MAILBOX_SLOTS: usize = 64;

/// Marking is lock-free and wakes the connection's task only on the first mark since it last looked, so many topics
/// that move at once cost one wake-up.
#[derive(Debug, Default)]
pub struct Mailbox {
    dirty: AtomicU64,
    waker: AtomicWaker,
}

impl Mailbox {
    /// Something may be read from this slot's cursor.
    pub fn mark(&self, slot: Slot) {
        // Release: whoever takes the mark sees what was published before it.
        let before = self.dirty.fetch_or(1 << slot, Ordering::AcqRel);
        if before == 0 {
            self.waker.wake();
        }
    }

    /// Wakes the task without a mark: something other than a topic changed (topics added, shutdown).
    pub fn wake(&self) {
        self.waker.wake();
    }

    /// The marks since the last call, as a bit set.
    pub fn take(&self) -> u64 {
        self.dirty.swap(0, Ordering::AcqRel)
    }

    /// Call before [`Mailbox::take`]: a mark in between is then either taken or wakes.
    pub fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }
}
