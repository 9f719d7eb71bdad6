//! What outlives the process: one SQLite file in the data folder. Features write through [`Store::write`], where rows
//! and the events that tell of them are one transaction; one writer groups such transactions into commits, and hands
//! what was published to the topics before anybody is told that it is done. Reads have a pool of their own.
//!
//! `sqlite.rs` keeps what is SQLite's own; all other SQL is portable (`$1`, standard upserts). One file of queries a
//! feature.

pub mod answers;
mod conversation_search;
pub mod conversations;
mod error;
pub mod jobs;
pub mod keys;
pub mod links;
pub mod log;
pub mod messages;
pub mod notifications;
pub mod people;
pub mod questions;
pub mod rooms;
pub mod search;
mod sqlite;
pub mod usage;
mod writer;

use std::{path::Path, sync::Arc};

use futures::future::BoxFuture;
use sqlx::{Sqlite, SqliteConnection, SqlitePool, Transaction};

pub use error::StoreError;
pub use log::{Committed, Stored, StoredLog};
pub use sqlite::FILE;
pub use writer::Tx;

use writer::Writer;

/// Cloning is cheap: all clones share the pool and the writer.
#[derive(Clone, Debug)]
pub struct Store {
    reads: SqlitePool,
    writer: Writer,
    /// From this the epoch of each topic without a row is derived; see [`log::first_epoch`].
    seed: u64,
}

/// Told of every commit, in order, before those who wrote are.
pub type OnCommit = Arc<dyn Fn(&[Committed]) + Send + Sync>;

impl Store {
    /// Opens or creates the database in `folder` and brings it up to date. A full disk, a folder without the right to
    /// write and a database of a newer version are errors that say so.
    pub async fn open(folder: &Path, on_commit: OnCommit) -> Result<Self, StoreError> {
        let file = folder.join(FILE);
        sqlite::create(&file);
        let mut connection = sqlite::connect(&file).await?;
        sqlite::migrate(&mut connection).await?;
        let seed = sqlite::epoch_seed(&mut connection).await?;
        let reads = sqlite::pool(&file).await?;
        Ok(Self { reads, writer: Writer::start(file, connection, seed, on_commit), seed })
    }

    /// Runs `work` in a transaction and returns what it returned, once that is on the disk and in the topics. If it
    /// fails, nothing of it is kept. It runs alone: no other writer sees its half.
    pub async fn write<R, E, F>(&self, work: F) -> Result<R, E>
    where
        R: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<R, E>> + Send + 'static,
    {
        self.writer.write(work).await
    }

    /// A transaction that sees one state of everything. It is read-only.
    pub async fn read(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.reads.begin().await?)
    }

    /// A copy of the database as it is at one moment, while it is in use. `to` must not exist.
    pub async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let mut connection = self.reads.acquire().await?;
        sqlite::backup(&mut connection, to).await
    }

    /// Whether it can be written to now: an empty write, all the way through.
    pub async fn answers(&self) -> Result<(), StoreError> {
        self.write::<(), StoreError, _>(|_| Box::pin(async { Ok(()) })).await
    }

    /// Whether the file is sound: SQLite's own look at every page and index.
    pub async fn check(&self) -> Result<(), StoreError> {
        let mut connection = self.reads.acquire().await?;
        sqlite::check(&mut connection).await
    }

    /// Waits for what is being written, then closes the file. Writes that come later fail.
    pub async fn close(&self) {
        self.writer.close().await;
        self.reads.close().await;
    }
}

/// Milliseconds since 1970 (UTC), as rows have them.
pub fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as i64)
}

/// What queries run on: a read's transaction or a write's.
pub type Connection = SqliteConnection;
