//! Rows of API keys, and of what was published under an idempotency key.

use sqlx::{Row, sqlite::SqliteRow};

use super::{Store, StoreError, Tx};

/// A key as it is stored: everything but the key itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    pub id: String,
    pub name: String,
    /// Of the person who made it on a page.
    pub person: Option<String>,
    pub grants: String,
    pub created_ms: i64,
    pub revoked_ms: Option<i64>,
}

/// What was published before under an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    pub fingerprint: String,
    pub position: String,
}

impl Store {
    /// The living key with this hash.
    pub async fn key_by_hash(&self, hash: &str) -> Result<Option<KeyRow>, StoreError> {
        let row = sqlx::query(
            "SELECT id, name, person_id, grants, created_ms, revoked_ms FROM api_key \
             WHERE hash = $1 AND revoked_ms IS NULL",
        )
        .bind(hash)
        .fetch_optional(&self.reads)
        .await?;
        Ok(row.as_ref().map(key))
    }

    /// All keys, or those of one person; newest first, the revoked ones too.
    pub async fn keys(&self, person: Option<&str>) -> Result<Vec<KeyRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, name, person_id, grants, created_ms, revoked_ms FROM api_key \
             WHERE $1 IS NULL OR person_id = $1 ORDER BY created_ms DESC, id",
        )
        .bind(person)
        .fetch_all(&self.reads)
        .await?;
        Ok(rows.iter().map(key).collect())
    }
}

impl Tx {
    pub async fn add_key(&mut self, row: &KeyRow, hash: &str) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO api_key (id, name, hash, person_id, grants, created_ms) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&row.id)
        .bind(&row.name)
        .bind(hash)
        .bind(&row.person)
        .bind(&row.grants)
        .bind(self.now_ms)
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }

    /// How many keys of a person live.
    pub async fn living_keys(&mut self, person: &str) -> Result<u32, StoreError> {
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM api_key WHERE person_id = $1 AND revoked_ms IS NULL")
            .bind(person)
            .fetch_one(&mut self.connection)
            .await?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// Whether there was such a key, alive, of this person (of anybody for the command line).
    pub async fn revoke_key(&mut self, id: &str, person: Option<&str>) -> Result<bool, StoreError> {
        let revoked = sqlx::query(
            "UPDATE api_key SET revoked_ms = $1 \
             WHERE id = $2 AND revoked_ms IS NULL AND ($3 IS NULL OR person_id = $3)",
        )
        .bind(self.now_ms)
        .bind(id)
        .bind(person)
        .execute(&mut self.connection)
        .await?;
        Ok(revoked.rows_affected() > 0)
    }

    /// Ends all living keys that a person made, and returns their ids.
    pub async fn revoke_keys(&mut self, person: &str) -> Result<Vec<String>, StoreError> {
        let revoked = sqlx::query_scalar(
            "UPDATE api_key SET revoked_ms = $1 WHERE person_id = $2 AND revoked_ms IS NULL RETURNING id",
        )
        .bind(self.now_ms)
        .bind(person);
        Ok(revoked.fetch_all(&mut self.connection).await?)
    }

    pub async fn published(&mut self, key: &str, idempotency_key: &str) -> Result<Option<Published>, StoreError> {
        let row =
            sqlx::query("SELECT fingerprint, position FROM published WHERE api_key_id = $1 AND idempotency_key = $2")
                .bind(key)
                .bind(idempotency_key)
                .fetch_optional(&mut self.connection)
                .await?;
        Ok(row.map(|row| Published { fingerprint: row.get(0), position: row.get(1) }))
    }

    pub async fn remember_published(
        &mut self,
        key: &str,
        idempotency_key: &str,
        published: &Published,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO published (api_key_id, idempotency_key, fingerprint, position, created_ms) \
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(key)
        .bind(idempotency_key)
        .bind(&published.fingerprint)
        .bind(&published.position)
        .bind(self.now_ms)
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }

    /// Forgets keys that were revoked before this time, in milliseconds since 1970. How many.
    pub async fn forget_keys(&mut self, before_ms: i64) -> Result<u64, StoreError> {
        let forgotten = sqlx::query("DELETE FROM api_key WHERE revoked_ms < $1")
            .bind(before_ms)
            .execute(&mut self.connection)
            .await?;
        Ok(forgotten.rows_affected())
    }

    /// Where it went, once that is known.
    pub async fn note_position(&mut self, key: &str, idempotency_key: &str, position: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE published SET position = $1 WHERE api_key_id = $2 AND idempotency_key = $3")
            .bind(position)
            .bind(key)
            .bind(idempotency_key)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// Forgets what was published under idempotency keys before this time, in milliseconds since 1970.
    pub async fn forget_published(&mut self, before_ms: i64) -> Result<u64, StoreError> {
        let forgotten = sqlx::query("DELETE FROM published WHERE created_ms < $1")
            .bind(before_ms)
            .execute(&mut self.connection)
            .await?;
        Ok(forgotten.rows_affected())
    }
}

fn key(row: &SqliteRow) -> KeyRow {
    KeyRow {
        id: row.get(0),
        name: row.get(1),
        person: row.get(2),
        grants: row.get(3),
        created_ms: row.get(4),
        revoked_ms: row.get(5),
    }
}
