//! What makes a topic durable: its ring is the newest part of a log in the store. A cold topic fills its ring once for
//! all who wait; commits are appended in their order and holes filled from the store; a cursor that fell off the ring
//! reads on from the store until it has caught up with the ring.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::OnceCell;
use tokio_util::task::TaskTracker;

use super::{
    entry::Entry,
    mailbox::{Mailbox, Slot},
    topic::{State, TopicCell},
};
use crate::{
    server::store::{Committed, Store, StoreError, Stored},
    wire::Position,
};

/// A cursor further behind than this, in events, is reset: catching up would take it longer than a look at the
/// snapshot, and cost everyone.
pub const CATCH_UP_EVENTS: u64 = 100_000;

/// One read of the store on the way there, in events: a few writes' worth.
const CHUNK_EVENTS: usize = 1_000;

/// After the store failed it is asked again after this long.
const STORE_PAUSE: Duration = Duration::from_secs(1);

#[derive(Clone, Debug)]
pub struct Durable {
    pub(super) store: Store,
    /// Owns what is read in the background. Closed with the process.
    pub(super) tasks: TaskTracker,
    warm: Arc<OnceCell<()>>,
}

/// What a cursor has had fetched for it. Nothing while the store is being asked.
pub type Backlog = Arc<Mutex<Option<VecDeque<Arc<Entry>>>>>;

/// Set when the ring has come as far as the store.
pub type Look = Arc<AtomicBool>;

impl Durable {
    pub fn new(store: Store, tasks: TaskTracker) -> Self {
        Self { store, tasks, warm: Arc::default() }
    }
}

/// Fills the ring of a topic that has just come into memory; whoever comes meanwhile waits for the same.
pub async fn warm(cell: &Arc<TopicCell>) -> Result<(), StoreError> {
    if let Some(durable) = &cell.durable {
        durable.warm.get_or_try_init(|| cell.load(durable)).await?;
        // Commits that came meanwhile were only noted.
        refill_if_behind(cell);
    }
    Ok(())
}

/// A commit of this process.
pub fn committed(cell: &Arc<TopicCell>, event: &Committed) {
    cell.change(|state| {
        state.used = true;
        let Position { epoch, offset } = event.position;
        match state.content.head() {
            head if !cell.is_warm() || epoch != state.epoch || offset > head + 1 => state.announce(event.position),
            head if offset == head + 1 => drop(state.content.append(event.payload.clone())),
            _ => state.rewrite(offset, event.payload.clone()),
        }
    });
    refill_if_behind(cell);
}

/// Another process, or a look at the store, says how far the topic has come.
pub fn announced(cell: &Arc<TopicCell>, head: Position) {
    cell.lock().announce(head);
    refill_if_behind(cell);
}

impl State {
    fn announce(&mut self, head: Position) {
        let newer = self.announced.is_none_or(|known| known.epoch != head.epoch || known.offset < head.offset);
        if newer && (head.epoch != self.epoch || head.offset > self.content.head()) {
            self.announced = Some(head);
        }
    }

    fn is_behind(&self) -> bool {
        self.announced.is_some_and(|known| known.epoch != self.epoch || known.offset > self.content.head())
    }
}

/// Fills the ring from the store if it is known to be behind, in one task at a time.
fn refill_if_behind(cell: &Arc<TopicCell>) {
    let Some(durable) = cell.durable.clone() else { return };
    {
        let mut state = cell.lock();
        if !cell.is_warm() || state.refilling || !state.is_behind() {
            return;
        }
        state.refilling = true;
    }
    let (cell, tasks) = (cell.clone(), durable.tasks.clone());
    tasks.spawn(async move {
        loop {
            let before = cell.position_and_rumour();
            let refilled = cell.advance(&durable, before).await;
            if let Err(error) = &refilled {
                tracing::error!(%error, topic = %cell.name, "a topic's ring could not be filled from the store");
                tokio::time::sleep(STORE_PAUSE).await;
            }
            let mut state = cell.lock();
            // The store knows nothing of what was announced: it is the truth, so that was a rumour.
            let nothing_new = refilled.is_ok() && before == (state.head(), state.announced);
            if nothing_new || !state.is_behind() || state.removed {
                state.announced = None;
                state.refilling = false;
                return;
            }
        }
    });
}

impl TopicCell {
    pub(super) fn is_warm(&self) -> bool {
        self.durable.as_ref().is_none_or(|durable| durable.warm.initialized())
    }

    fn position_and_rumour(&self) -> (Position, Option<Position>) {
        let state = self.lock();
        (state.head(), state.announced)
    }

    async fn load(&self, durable: &Durable) -> Result<(), StoreError> {
        let kept = self.policy.retention;
        let stored = durable.store.newest(&self.name, kept.events, kept.bytes).await?;
        self.change(|state| {
            // A commit may have been appended in the meantime, and then this is old news.
            if state.epoch != stored.head.epoch || state.content.head() < stored.head.offset {
                state.epoch = stored.head.epoch;
                state.content.restore(stored.head.offset, stored.newest.into_iter().map(|event| event.payload));
            }
        });
        Ok(())
    }

    /// Appends what is stored beyond the ring's head, or begins anew where that is not what follows.
    async fn advance(&self, durable: &Durable, (held, known): (Position, Option<Position>)) -> Result<(), StoreError> {
        let most = self.policy.retention.events;
        let missing =
            known.filter(|known| known.epoch == held.epoch).map(|known| known.offset.saturating_sub(held.offset));
        if missing.is_none_or(|missing| missing > most as u64) {
            return self.load(durable).await;
        }
        let rows = durable.store.after(&self.name, held.offset, most).await?;
        if rows.first().is_none_or(|first| first.offset != held.offset + 1) {
            return self.load(durable).await;
        }
        self.change(|state| {
            for Stored { offset, payload } in rows {
                if state.epoch == held.epoch && offset == state.content.head() + 1 {
                    state.content.append(payload);
                }
            }
        });
        Ok(())
    }
}

/// Has the store asked for what follows `after`. When it has answered, `slot` is marked. Whatever goes wrong is tried
/// again for as long as somebody holds the backlog.
pub fn fetch(cell: &Arc<TopicCell>, after: u64, mailbox: &Arc<Mailbox>, slot: Slot) -> Option<Backlog> {
    let durable = cell.durable.clone()?;
    let backlog = Backlog::default();
    let (cell, mailbox, kept) = (cell.clone(), mailbox.clone(), Arc::downgrade(&backlog));
    let tasks = durable.tasks.clone();
    tasks.spawn(async move {
        while kept.strong_count() > 0 {
            match durable.store.after(&cell.name, after, CHUNK_EVENTS).await {
                Ok(rows) => {
                    let entries = rows.into_iter().map(|row| Arc::new(Entry::new(row.offset, row.payload)));
                    if let Some(backlog) = kept.upgrade() {
                        *backlog.lock().unwrap_or_else(PoisonError::into_inner) = Some(entries.collect());
                        mailbox.mark(slot);
                    }
                    return;
                }
                Err(StoreError::Closed) => return,
                Err(error) => {
                    tracing::error!(%error, topic = %cell.name, "the store could not be read");
                    tokio::time::sleep(STORE_PAUSE).await;
                }
            }
        }
    });
    Some(backlog)
}

/// Brings the ring up to the store. When that is done, `slot` is marked.
pub fn look(cell: &Arc<TopicCell>, mailbox: &Arc<Mailbox>, slot: Slot) -> Option<Look> {
    let durable = cell.durable.clone()?;
    let done = Look::default();
    let (cell, mailbox, held) = (cell.clone(), mailbox.clone(), Arc::downgrade(&done));
    let tasks = durable.tasks.clone();
    tasks.spawn(async move {
        while held.strong_count() > 0 {
            match cell.load(&durable).await {
                Err(StoreError::Closed) => return,
                Err(error) => {
                    tracing::error!(%error, topic = %cell.name, "the store could not be read");
                    tokio::time::sleep(STORE_PAUSE).await;
                }
                Ok(()) => {
                    if let Some(done) = held.upgrade() {
                        done.store(true, Ordering::Release);
                        mailbox.mark(slot);
                    }
                    return;
                }
            }
        }
    });
    Some(done)
}
