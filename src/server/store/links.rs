//! Rows of links that sign somebody in.

use sqlx::Row;

use super::{Store, StoreError, Tx, people::Person};

/// Where a link leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Whoever has this address.
    Email(String),
    /// This person.
    Person(String),
}

impl Store {
    /// Where an unused link leads that has not expired. Looking uses nothing up.
    pub async fn link(&self, hash: &str, now_ms: i64) -> Result<Option<Target>, StoreError> {
        let row =
            sqlx::query("SELECT email, person_id FROM link WHERE hash = $1 AND used_ms IS NULL AND expires_ms > $2")
                .bind(hash)
                .bind(now_ms)
                .fetch_optional(&self.reads)
                .await?;
        Ok(row.and_then(|row| target(row.get(0), row.get(1))))
    }
}

impl Tx {
    pub async fn add_link(&mut self, hash: &str, target: &Target, lasts_ms: i64) -> Result<(), StoreError> {
        let (email, person) = match target {
            Target::Email(email) => (Some(email), None),
            Target::Person(person) => (None, Some(person)),
        };
        sqlx::query("INSERT INTO link (hash, email, person_id, expires_ms) VALUES ($1, $2, $3, $4)")
            .bind(hash)
            .bind(email)
            .bind(person)
            .bind(self.now_ms + lasts_ms)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// Uses a link up. Nothing if it was, or expired, or never was.
    pub async fn use_link(&mut self, hash: &str) -> Result<Option<Target>, StoreError> {
        let row = sqlx::query(
            "UPDATE link SET used_ms = $1 WHERE hash = $2 AND used_ms IS NULL AND expires_ms > $1 \
             RETURNING email, person_id",
        )
        .bind(self.now_ms)
        .bind(hash)
        .fetch_optional(&mut self.connection)
        .await?;
        Ok(row.and_then(|row| target(row.get(0), row.get(1))))
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

fn target(email: Option<String>, person: Option<String>) -> Option<Target> {
    email.map(Target::Email).or_else(|| person.map(Target::Person))
}
