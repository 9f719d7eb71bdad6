//! The one writer: a task with the only connection that writes. What waits when a commit begins shares it (an fsync is
//! what a commit costs), each write in a savepoint of its own, so that one that fails takes no other with it.
//!
//! Order of things: rows, events, commit; then the topics learn what was published, in the order of commits; then those
//! who wrote are told. Nobody is told of what is not on the disk.

use std::{panic::AssertUnwindSafe, path::PathBuf};

use futures::{FutureExt, future::BoxFuture};
use sqlx::{Connection as _, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use super::{Committed, OnCommit, StoreError, now_ms, sqlite};

/// A commit holds at most this many writes, so that the first does not wait long for the last.
const WRITES_PER_COMMIT: usize = 256;

/// Writes that wait for the writer; beyond, who wants to write waits for a place.
const WAITING: usize = 1_024;

/// A transaction in progress, for queries ([`Tx::connection`]) and for [`Tx::publish`].
#[derive(Debug)]
pub struct Tx {
    pub connection: SqliteConnection,
    /// Milliseconds since 1970 (UTC), one moment for the whole write.
    pub now_ms: i64,
    pub(super) published: Vec<Committed>,
    pub(super) seed: u64,
}

#[derive(Clone, Debug)]
pub struct Writer {
    queue: mpsc::Sender<Order>,
}

enum Order {
    Write(Box<dyn Write>),
    Close(oneshot::Sender<()>),
}

/// A write whose result's type the queue need not know.
trait Write: Send {
    /// Runs the work; whether it succeeded.
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, bool>;

    /// Tells whoever wrote how it went: `Err` if the commit itself failed.
    fn finish(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Typed<F, R, E> {
    work: Option<F>,
    result: Option<Result<R, E>>,
    reply: oneshot::Sender<Result<R, E>>,
}

impl<R, E, F> Write for Typed<F, R, E>
where
    R: Send,
    E: From<StoreError> + Send,
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<R, E>> + Send,
{
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, bool> {
        Box::pin(async move {
            if let Some(work) = self.work.take() {
                self.result = Some(work(tx).await);
            }
            matches!(self.result, Some(Ok(_)))
        })
    }

    fn finish(self: Box<Self>, committed: Result<(), StoreError>) {
        let result = match (self.result, committed) {
            // What the work itself said is more than that the commit failed.
            (Some(Err(error)), _) => Err(error),
            (_, Err(error)) => Err(error.into()),
            (Some(Ok(result)), Ok(())) => Ok(result),
            (None, Ok(())) => Err(StoreError::Broken.into()),
        };
        // Whoever wrote may have gone away; it is written all the same.
        let _ = self.reply.send(result);
    }
}

impl Writer {
    pub fn start(file: PathBuf, connection: SqliteConnection, seed: u64, on_commit: OnCommit) -> Self {
        let (queue, orders) = mpsc::channel(WAITING);
        tokio::spawn(run(file, connection, seed, orders, on_commit));
        Self { queue }
    }

    pub async fn write<R, E, F>(&self, work: F) -> Result<R, E>
    where
        R: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<R, E>> + Send + 'static,
    {
        let (reply, result) = oneshot::channel();
        let write = Box::new(Typed { work: Some(work), result: None, reply });
        self.queue.send(Order::Write(write)).await.map_err(|_| StoreError::Closed)?;
        result.await.map_err(|_| StoreError::Closed)?
    }

    /// Returns when everything that was asked before is done and the file is closed.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.queue.send(Order::Close(done)).await.is_ok() {
            let _ = closed.await;
        }
    }
}

/// Ends on [`Order::Close`], or when the last [`Writer`] is gone.
async fn run(
    file: PathBuf,
    connection: SqliteConnection,
    seed: u64,
    mut orders: mpsc::Receiver<Order>,
    on_commit: OnCommit,
) {
    let mut tx = Tx { connection, now_ms: 0, published: Vec::new(), seed };
    let mut closing = None;
    while closing.is_none() {
        let Some(first) = orders.recv().await else { break };
        let mut writes = Vec::new();
        let mut next = Some(first);
        while let Some(order) = next.take() {
            match order {
                Order::Write(write) => writes.push(write),
                Order::Close(done) => {
                    closing = Some(done);
                    break;
                }
            }
            if writes.len() < WRITES_PER_COMMIT {
                next = orders.try_recv().ok();
            }
        }
        if !writes.is_empty() {
            commit(&file, &mut tx, writes, &on_commit).await;
        }
    }
    orders.close();
    if let Err(error) = tx.connection.close().await {
        tracing::error!(%error, "the database was not closed cleanly; it repairs itself when it is opened again");
    }
    if let Some(done) = closing {
        let _ = done.send(());
    }
}

async fn commit(file: &std::path::Path, tx: &mut Tx, mut writes: Vec<Box<dyn Write>>, on_commit: &OnCommit) {
    let committed = transaction(tx, &mut writes).await;
    let published = std::mem::take(&mut tx.published);
    if let Err(error) = &committed {
        tracing::error!(%error, writes = writes.len(), "a commit failed");
        recover(file, tx).await;
    } else if std::panic::catch_unwind(AssertUnwindSafe(|| on_commit(&published))).is_err() {
        // It is on the disk; the topics learn of it when they are compared with the store.
        tracing::error!("the topics could not be told of a commit");
    }
    let mut failure = committed.err();
    for write in writes {
        // The error cannot be copied; all but the first are told that it was not their fault.
        let outcome = match &mut failure {
            None => Ok(()),
            Some(error) => Err(std::mem::replace(error, error.again())),
        };
        write.finish(outcome);
    }
}

async fn transaction(tx: &mut Tx, writes: &mut [Box<dyn Write>]) -> Result<(), StoreError> {
    execute(tx, "BEGIN IMMEDIATE").await?;
    tx.now_ms = now_ms();
    for write in writes {
        let before = tx.published.len();
        execute(tx, "SAVEPOINT one_write").await?;
        // A write that panics fails alone: the writer is everybody's.
        let done = AssertUnwindSafe(write.run(tx)).catch_unwind().await.unwrap_or(false);
        if !done {
            tx.published.truncate(before);
            execute(tx, "ROLLBACK TO one_write").await?;
        }
        execute(tx, "RELEASE one_write").await?;
    }
    execute(tx, "COMMIT").await
}

async fn execute(tx: &mut Tx, statement: &'static str) -> Result<(), StoreError> {
    sqlx::query(statement).execute(&mut tx.connection).await?;
    Ok(())
}

/// After a commit that failed: back to a connection without a transaction. SQLite may have ended it already.
async fn recover(file: &std::path::Path, tx: &mut Tx) {
    if execute(tx, "ROLLBACK").await.is_ok() {
        return;
    }
    match sqlite::connect(file).await {
        Ok(connection) => tx.connection = connection,
        Err(error) => tracing::error!(%error, "the database cannot be opened again; the next write tries"),
    }
}
