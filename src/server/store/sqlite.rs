//! What is SQLite's own: how the file is opened, brought up to date, and copied while in use.

use std::{path::Path, time::Duration};

use sqlx::{
    ConnectOptions, Connection as _, SqliteConnection, SqlitePool,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::StoreError;

/// The database's name in the data folder.
pub const FILE: &str = "tidemark.sqlite";

/// Append-only: a migration that has run anywhere is never changed.
static MIGRATIONS: Migrator = sqlx::migrate!("src/server/store/migrations");

/// Another process may hold the lock for as long as one of its commits takes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Reads are short; more connections would only wait for the same two or four cores.
const READERS: u32 = 4;

fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        // What was acknowledged survives a power cut.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true)
        .disable_statement_logging()
}

/// Makes the file, if it is not there. It is for its owner alone: it holds addresses and what opens sessions. SQLite
/// gives the files beside it the same rights.
///
/// A file that is there is never opened but by SQLite: closing it, however it was opened, would end all the locks that
/// this process has on it (POSIX), and other processes would take the database for theirs.
pub fn create(file: &Path) {
    use std::os::unix::fs::OpenOptionsExt;
    let made = std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(file);
    if let Err(error) = made.map(drop) {
        tracing::debug!(%error, file = %file.display(), "the database was not made");
    }
}

/// The writer's connection.
pub async fn connect(file: &Path) -> Result<SqliteConnection, StoreError> {
    Ok(options(file).create_if_missing(true).connect().await?)
}

pub async fn pool(file: &Path) -> Result<SqlitePool, StoreError> {
    let options = options(file).pragma("query_only", "on");
    // A connection is a thread of this process, and was tried when it was put back: to try it again before each query
    // would find nothing new and be one more trip to that thread.
    let pool = SqlitePoolOptions::new().max_connections(READERS).test_before_acquire(false);
    Ok(pool.connect_with(options).await?)
}

pub async fn migrate(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    Ok(MIGRATIONS.run_direct(None, connection, false).await?)
}

/// The number that unwritten topics' epochs come from. A database that was restored from a backup gets a new one, and
/// its topics new epochs: clients have seen offsets that it knows nothing of.
pub async fn epoch_seed(connection: &mut SqliteConnection) -> Result<u64, StoreError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let held: Option<(i64, bool)> =
        sqlx::query_as("SELECT epoch_seed, is_copy FROM life").fetch_optional(&mut *transaction).await?;
    let seed = match held {
        Some((seed, false)) => return Ok(seed as u64),
        Some((_, true)) => {
            sqlx::query("UPDATE topic SET epoch = random()").execute(&mut *transaction).await?;
            sqlx::query("DELETE FROM life").execute(&mut *transaction).await?;
            rand::random::<u64>()
        }
        None => rand::random(),
    };
    sqlx::query("INSERT INTO life (epoch_seed, is_copy) VALUES ($1, FALSE)")
        .bind(seed as i64)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(seed)
}

/// `VACUUM INTO` copies one moment's state in a transaction of its own, and the copy is marked as one.
pub async fn backup(connection: &mut SqliteConnection, to: &Path) -> Result<(), StoreError> {
    let name = to.to_str().ok_or_else(|| sqlx::Error::Configuration("the backup's path is not UTF-8".into()))?;
    // A reader may not write, and the statement counts as one although it leaves the database alone.
    sqlx::query("PRAGMA query_only = off").execute(&mut *connection).await?;
    let copied = sqlx::query("VACUUM INTO $1").bind(name).execute(&mut *connection).await;
    sqlx::query("PRAGMA query_only = on").execute(&mut *connection).await?;
    copied?;
    let mut copy = options(to).journal_mode(SqliteJournalMode::Delete).connect().await?;
    sqlx::query("UPDATE life SET is_copy = TRUE").execute(&mut copy).await?;
    Ok(copy.close().await?)
}

pub async fn check(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let found: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check").fetch_all(connection).await?;
    match found.as_slice() {
        [one] if one == "ok" => Ok(()),
        found => Err(StoreError::Damaged(found.join("; "))),
    }
}
