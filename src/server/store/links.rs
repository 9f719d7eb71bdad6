//! Rows of links that sign somebody in.

use sqlx::Row;

use super::{Store, StoreError, Tx, people::Person};

/// Where a link leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Who asked for it.
    pub person: String,
    /// Where it was mailed: it leads to whoever has this address, and if nobody does, to who asked.
    pub email: Option<String>,
}

impl Store {
    /// Where an unused link leads that has not expired. Looking uses nothing up.
    pub async fn link(&self, hash: &str, now_ms: i64) -> Result<Option<Target>, StoreError> {
        let row =
            sqlx::query("SELECT person_id, email FROM link WHERE hash = $1 AND used_ms IS NULL AND expires_ms > $2")
                .bind(hash)
                .bind(now_ms)
                .fetch_optional(&self.reads)
                .await?;
        Ok(row.map(|row| Target { person: row.get(0), email: row.get(1) }))
    }
}

impl Store {
    /// Who has this address, or this id.
    pub async fn person_known_as(&self, email: Option<&str>, id: &str) -> Result<Option<Person>, StoreError> {
        let row = sqlx::query(
            "SELECT id, name, hue, email FROM person WHERE email = $1 OR id = $2 ORDER BY email = $1 DESC LIMIT 1",
        )
        .bind(email)
        .bind(id)
        .fetch_optional(&self.reads)
        .await?;
        Ok(row.as_ref().map(super::people::person))
    }
}

impl Tx {
    pub async fn add_link(&mut self, hash: &str, target: &Target, lasts_ms: i64) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO link (hash, email, person_id, expires_ms) VALUES ($1, $2, $3, $4)")
            .bind(hash)
            .bind(&target.email)
            .bind(&target.person)
            .bind(self.now_ms + lasts_ms)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// Uses a link up. Nothing if it was, or expired, or never was.
    pub async fn use_link(&mut self, hash: &str) -> Result<Option<Target>, StoreError> {
        let row = sqlx::query(
            "UPDATE link SET used_ms = $1 WHERE hash = $2 AND used_ms IS NULL AND expires_ms > $1 \
             RETURNING person_id, email",
        )
        .bind(self.now_ms)
        .bind(hash)
        .fetch_optional(&mut self.connection)
        .await?;
        Ok(row.map(|row| Target { person: row.get(0), email: row.get(1) }))
    }

    /// Makes a person's unused links worth nothing.
    pub async fn spend_links(&mut self, person: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE link SET used_ms = $1 WHERE person_id = $2 AND used_ms IS NULL")
            .bind(self.now_ms)
            .bind(person)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    pub async fn forget_links(&mut self, before_ms: i64) -> Result<u64, StoreError> {
        let forgotten =
            sqlx::query("DELETE FROM link WHERE expires_ms < $1").bind(before_ms).execute(&mut self.connection).await?;
        Ok(forgotten.rows_affected())
    }

    pub async fn person_by_email(&mut self, email: &str) -> Result<Option<Person>, StoreError> {
        let row = sqlx::query("SELECT id, name, hue, email FROM person WHERE email = $1")
            .bind(email)
            .fetch_optional(&mut self.connection)
            .await?;
        Ok(row.as_ref().map(super::people::person))
    }

    pub async fn set_email(&mut self, person: &str, email: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE person SET email = $1 WHERE id = $2")
            .bind(email)
            .bind(person)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// Ends one session.
    pub async fn revoke_session(&mut self, id: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE session SET revoked_ms = $1 WHERE id = $2 AND revoked_ms IS NULL")
            .bind(self.now_ms)
            .bind(id)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }
}
