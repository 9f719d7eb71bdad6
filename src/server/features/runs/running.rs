//! An answer that this process is writing: what is there of it, and the position of its topic at which that is true.
//! `writer.rs` and its parts change it; pages and streams look at it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::{
    server::{
        features::answer::{self, Answer, Kept},
        topics::{Hold, Topics},
    },
    wire::{
        Position, Topic,
        assistant::{Part, RunEvent},
    },
};

/// An answer that this process is writing.
#[derive(Debug)]
pub struct Running {
    pub(super) topics: Arc<Topics>,
    pub(super) topic: Topic,
    /// Its state and its topic's head change together.
    pub(super) written: Mutex<Written>,
    pub(super) stop: CancellationToken,
    /// However long it says nothing: its position, which pages and rows have, stays one.
    pub(super) _hold: Hold,
}

#[derive(Debug)]
pub(super) struct Written {
    pub answer: Answer,
    pub position: Position,
    /// Told already, the last event.
    pub end: Option<RunEvent>,
}

/// A run as it is now, and the position of its topic at which that is true.
#[derive(Clone, Debug)]
pub struct Seen {
    pub parts: Vec<Kept>,
    /// The event with which it has ended: nothing follows.
    pub end: Option<RunEvent>,
    pub position: Position,
}

impl Running {
    pub fn topic(&self) -> &Topic {
        &self.topic
    }

    /// The answer as it is now, and the position of the topic at which that is true. Nothing once it has ended: then it is
    /// stored whole.
    pub fn view(&self) -> Option<(Vec<Part>, String, Position)> {
        let mut written = self.lock();
        if written.end.is_some() {
            return None;
        }
        self.tell(&mut written);
        Some((written.answer.view(), answer::text(written.answer.parts()), written.position))
    }

    /// The same as it is stored, and whether that is the end.
    pub fn seen(&self) -> Seen {
        let mut written = self.lock();
        self.tell(&mut written);
        Seen { parts: written.answer.parts().to_vec(), end: written.end.clone(), position: written.position }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the answer and tells of it.
    pub(super) fn change(&self, change: impl FnOnce(&mut Answer)) {
        let mut written = self.lock();
        change(&mut written.answer);
        self.tell(&mut written);
    }

    /// Before somebody looks too: what is shown before its event would come twice.
    pub(super) fn tell(&self, written: &mut Written) {
        for event in written.answer.tell() {
            self.publish(written, &event);
        }
    }

    pub(super) fn publish(&self, written: &mut Written, event: &RunEvent) {
        match self.topics.publish(&self.topic, event) {
            Ok(position) => written.position = position,
            Err(error) => tracing::error!(%error, "an answer's event could not be written"),
        }
    }
}
