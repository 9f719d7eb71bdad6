//! The right to read, held by those who read. Revoking it ends delivery at once: every cursor asks before each read is
//! handed out, and whoever waits is woken to find out.

use std::sync::{
    Arc, Mutex, PoisonError, Weak,
    atomic::{AtomicBool, Ordering},
};

use super::{Mailbox, Slot};

/// Shared by everything that was opened with the same right. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Access(Arc<Right>);

#[derive(Debug, Default)]
struct Right {
    revoked: AtomicBool,
    watchers: Mutex<Vec<(Weak<Mailbox>, Slot)>>,
}

/// Finds an [`Access`] again without keeping it.
#[derive(Clone, Debug)]
pub struct WeakAccess(Weak<Right>);

impl Access {
    /// Marks this slot when the right is revoked.
    pub fn watch(&self, mailbox: &Arc<Mailbox>, slot: Slot) {
        let mut watchers = self.0.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        watchers.retain(|(watcher, _)| watcher.strong_count() > 0);
        watchers.push((Arc::downgrade(mailbox), slot));
        drop(watchers);
        // It may have been revoked between the check and this.
        if self.is_revoked() {
            mailbox.mark(slot);
        }
    }

    pub fn is_revoked(&self) -> bool {
        self.0.revoked.load(Ordering::Acquire)
    }

    /// Whether both are the same right.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// From now on nothing is handed out to whoever holds it.
    pub fn revoke(&self) {
        self.0.revoked.store(true, Ordering::Release);
        let watchers = std::mem::take(&mut *self.0.watchers.lock().unwrap_or_else(PoisonError::into_inner));
        for (mailbox, slot) in watchers.iter().filter_map(|(mailbox, slot)| Some((mailbox.upgrade()?, *slot))) {
            mailbox.mark(slot);
        }
    }

    pub fn downgrade(&self) -> WeakAccess {
        WeakAccess(Arc::downgrade(&self.0))
    }
}

impl WeakAccess {
    pub fn upgrade(&self) -> Option<Access> {
        self.0.upgrade().map(Access)
    }
}
