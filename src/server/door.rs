//! Live access: who holds which right to read, so that taking it away ends delivery at once, on every transport.
//! Whether somebody has a right at all is `session/may.rs`'s to say.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use super::topics::{Access, WeakAccess};

/// The rights in use, by session.
#[derive(Debug, Default)]
pub struct Door {
    sessions: Mutex<HashMap<String, WeakAccess>>,
}

impl Door {
    /// The access of this session: one for all its streams.
    pub fn access(&self, session: &str) -> Access {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(access) = sessions.get(session).and_then(WeakAccess::upgrade) {
            return access;
        }
        // Few are new; those that are gone leave with them.
        sessions.retain(|_, access| access.upgrade().is_some());
        let access = Access::default();
        sessions.insert(session.to_owned(), access.downgrade());
        access
    }

    /// These sessions are over.
    pub fn close(&self, ended: &[String]) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let open: Vec<_> = ended.iter().filter_map(|session| sessions.remove(session)?.upgrade()).collect();
        drop(sessions);
        open.iter().for_each(Access::revoke);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_that_ends_takes_its_access_with_it_and_no_other() {
        let door = Door::default();
        let (own, again, other) = (door.access("a"), door.access("a"), door.access("b"));
        door.close(&["a".to_owned(), "unknown".to_owned()]);
        assert!(own.is_revoked() && again.is_revoked() && !other.is_revoked());
        assert!(!door.access("a").is_revoked(), "another life of the name is another right");
    }
}
