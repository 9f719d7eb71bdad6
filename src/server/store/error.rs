//! Why the store could not. Each case that a person can do something about has a name.

use sqlx::migrate::MigrateError;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum StoreError {
    #[error("the disk is full")]
    Full,
    #[error("another process holds the database locked")]
    Locked,
    #[error("the database cannot be written to: it, its folder or its disk is read-only")]
    ReadOnly,
    #[error("the database was made by a newer version of Tidemark (its migration {0} is not known here)")]
    Newer(i64),
    #[error("the database is damaged: {0}")]
    Damaged(String),
    #[error("a write broke off; nothing of it is kept")]
    Broken,
    #[error("the store is closed")]
    Closed,
    #[error("a stored event cannot be encoded: {0}")]
    Encoding(#[from] serde_json::Error),
    #[error("the database cannot be brought up to date: {0}")]
    Migrate(MigrateError),
    #[error("the database: {0}")]
    Sql(sqlx::Error),
}

/// The primary result codes of SQLite (<https://sqlite.org/rescode.html>); an extended code has one in its low byte.
const BUSY: u32 = 5;
const LOCKED: u32 = 6;
const READONLY: u32 = 8;
const FULL: u32 = 13;
const CORRUPT: u32 = 11;
const CANTOPEN: u32 = 14;
const NOTADB: u32 = 26;

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if matches!(error, sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed) {
            return Self::Closed;
        }
        let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
        match code.map(|code| code & 0xff) {
            Some(BUSY | LOCKED) => Self::Locked,
            Some(READONLY | CANTOPEN) => Self::ReadOnly,
            Some(FULL) => Self::Full,
            Some(CORRUPT | NOTADB) => Self::Damaged(error.to_string()),
            _ => Self::Sql(error),
        }
    }
}

impl From<MigrateError> for StoreError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::VersionMissing(version) => Self::Newer(version),
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
            error => Self::Migrate(error),
        }
    }
}

impl StoreError {
    /// The same once more, for another who waited for the same commit.
    pub(super) fn again(&self) -> Self {
        match self {
            Self::Full => Self::Full,
            Self::Locked => Self::Locked,
            Self::ReadOnly => Self::ReadOnly,
            Self::Newer(version) => Self::Newer(*version),
            Self::Broken => Self::Broken,
            Self::Closed => Self::Closed,
            error => Self::Sql(sqlx::Error::Protocol(error.to_string())),
        }
    }

    /// Whether a value that has to be the only one of its kind was there already.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Sql(error) if error.as_database_error().is_some_and(|error| error.is_unique_violation()))
    }
}
