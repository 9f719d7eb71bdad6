//! The core. **A topic is a log. A connection is a cursor.** The tidemark is how far a connection has read.
//!
//! The contract, which `tests/topics.rs` holds every kind of topic to:
//!
//! - *Order.* Offsets rise with every publish; in a log by exactly one. A cursor gets events in that order, each once.
//! - *No silent gap.* [`Cursor::read`] returns what follows the cursor, or an explicit [`Reset`] with the reason, the
//!   new position and the snapshot there. Of a latest topic "what follows" is the newest event of each changed key.
//! - *Positions.* An epoch is random for each creation of a topic. A position of another epoch, beyond the head, or
//!   older than what is kept is answered with a reset, never with a guess.
//! - *Snapshots.* State and the position it is true at are taken under one lock.
//! - *Memory.* A subscriber holds a cursor, not a queue: what it costs does not grow with traffic or with its lag.
//!   What a topic keeps is bounded by its declared retention, in events and in bytes.
//! - *Wake-ups.* A cursor is *armed* when a read reached the head. A publish wakes the armed cursors, once each, and
//!   owes the others nothing: they are reading already. So a publish costs no more for readers that lag, and a wake-up
//!   is followed by one read of all that has come since.
//! - *Locks.* One std mutex a topic, held for a few hundred nanoseconds and never across an `.await`. Tasks are woken
//!   after it is released.
//!
//! Not here: encoding for a transport (each fills its slot of an [`Entry`]), permissions (`server/session/may.rs`), what
//! events mean (`features/`).
//!
//! A *durable* topic's log is in the store, and its ring the newest part of it (`durable.rs`). Features write it through
//! [`crate::server::store::Store::write`]; what is committed is appended here before the writer is told.

mod access;
mod content;
mod cursor;
mod durable;
mod entry;
mod latest;
mod mailbox;
mod registry;
mod ring;
mod subscribers;
mod topic;

pub use access::{Access, WeakAccess};
pub use content::{Content, Gone};
pub use cursor::{Batch, Cursor, From, Read, Reset};
pub use durable::CATCH_UP_EVENTS;
pub use entry::{Entry, SseFrame};
pub use latest::Latest;
pub use mailbox::{MAILBOX_SLOTS, Mailbox, Slot};
pub use registry::{CursorView, Hold, TopicView, Topics};
pub use ring::Ring;
