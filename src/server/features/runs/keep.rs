//! Where an answer is kept while it is written, and whether it is to go on. Conversations and rooms implement it; `writer.rs`
//! calls it about once a second, and when an answer has ended.

use std::fmt;

use futures::future::BoxFuture;

use crate::{
    server::{features::answer::Kept, store::StoreError},
    wire::assistant::{Cost, Status},
};

/// An answer whose process has not been heard of for so long is taken for interrupted: it survives four saves that fail.
pub const LEASE_MS: i64 = 5_000;

/// Where an answer is kept.
pub trait Keep: Send + Sync + fmt::Debug {
    /// Stores what was added (as [`Answer::take_unsaved`](crate::server::features::answer::Answer::take_unsaved) has it),
    /// and that its process is alive.
    fn add(&self, added: Option<String>) -> BoxFuture<'_, Result<Go, StoreError>>;

    /// Stores it whole, and tells of it.
    fn end(&self, ended: Ended) -> BoxFuture<'_, Result<(), StoreError>>;

    /// What is to be done when its place is free again.
    fn after(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// Whether an answer is to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    On,
    /// Somebody wants it to stop.
    Stop,
    /// It is nobody's any more.
    Gone,
}

#[derive(Clone, Debug)]
pub struct Ended {
    pub parts: Vec<Kept>,
    pub status: Status,
    pub error: Option<String>,
    pub cost: Cost,
}
