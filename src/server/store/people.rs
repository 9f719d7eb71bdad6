//! Rows of people and their sessions.

use sqlx::{Row, sqlite::SqliteRow};

use super::{Connection, Store, StoreError, Tx};

/// Somebody, known by one or more sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub id: String,
    pub name: String,
    /// The colour, in degrees.
    pub hue: u16,
    pub email: Option<String>,
}

/// What a session's cookie leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Person {
        person: Person,
        /// When it was last noted that they were here, in milliseconds since 1970.
        seen_ms: i64,
    },
    /// Signed out: the cookie is worth nothing.
    Revoked,
    /// Never written yet.
    Unknown,
}

impl Store {
    pub async fn session(&self, id: &str) -> Result<Found, StoreError> {
        let mut read = self.reads.acquire().await?;
        session(&mut read, id).await
    }
}

impl Store {
    /// Sessions and API keys that ended since then (milliseconds since 1970), in whichever process.
    pub async fn ended_since(&self, ms: i64) -> Result<(Vec<String>, Vec<String>), StoreError> {
        let sessions = sqlx::query_scalar("SELECT id FROM session WHERE revoked_ms >= $1").bind(ms);
        let keys = sqlx::query_scalar("SELECT id FROM api_key WHERE revoked_ms >= $1").bind(ms);
        Ok((sessions.fetch_all(&self.reads).await?, keys.fetch_all(&self.reads).await?))
    }
}

impl Store {
    /// Whether a person has an address to sign in with.
    pub async fn has_signed_in(&self, person: &str) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT 1 FROM person WHERE id = $1 AND email IS NOT NULL").bind(person);
        Ok(row.fetch_optional(&self.reads).await?.is_some())
    }
}

impl Tx {
    /// What this session leads to, as this write sees it.
    pub async fn session(&mut self, id: &str) -> Result<Found, StoreError> {
        session(&mut self.connection, id).await
    }

    pub async fn person(&mut self, id: &str) -> Result<Option<Person>, StoreError> {
        let row = sqlx::query("SELECT id, name, hue, email FROM person WHERE id = $1")
            .bind(id)
            .fetch_optional(&mut self.connection)
            .await?;
        Ok(row.as_ref().map(person))
    }

    /// Whether a name is free that looks like `skeleton`, but for the person who has it.
    pub async fn name_is_free(&mut self, skeleton: &str, but_for: &str) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT 1 FROM person WHERE name_skeleton = $1 AND id <> $2")
            .bind(skeleton)
            .bind(but_for)
            .fetch_optional(&mut self.connection)
            .await?;
        Ok(row.is_none())
    }

    pub async fn add_person(&mut self, person: &Person, skeleton: &str) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO person (id, name, name_skeleton, hue, email, created_ms) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&person.id)
        .bind(&person.name)
        .bind(skeleton)
        .bind(i64::from(person.hue))
        .bind(&person.email)
        .bind(self.now_ms)
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }

    pub async fn add_session(&mut self, id: &str, person: &str) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO session (id, person_id, created_ms, seen_ms) VALUES ($1, $2, $3, $3)")
            .bind(id)
            .bind(person)
            .bind(self.now_ms)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// Notes that a session is in use.
    pub async fn see_session(&mut self, id: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE session SET seen_ms = $1 WHERE id = $2")
            .bind(self.now_ms)
            .bind(id)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// Forgets at most `most` sessions that were last seen before this time, in milliseconds since 1970. How many.
    pub async fn forget_sessions(&mut self, before_ms: i64, most: u64) -> Result<u64, StoreError> {
        let forgotten = sqlx::query(
            "DELETE FROM session WHERE id IN (SELECT id FROM session WHERE seen_ms < $1 ORDER BY seen_ms LIMIT $2)",
        )
        .bind(before_ms)
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .execute(&mut self.connection)
        .await?;
        Ok(forgotten.rows_affected())
    }

    /// Forgets at most `most` people from before this time who cannot come back: without a session, an address and a key
    /// that lives. What was told them goes with them. How many.
    pub async fn forget_people(&mut self, before_ms: i64, most: u64) -> Result<u64, StoreError> {
        let forgotten: Vec<String> = sqlx::query_scalar(
            "DELETE FROM person WHERE id IN (SELECT id FROM person WHERE email IS NULL AND created_ms < $2 \
             AND NOT EXISTS (SELECT 1 FROM session WHERE session.person_id = person.id) \
             AND NOT EXISTS (SELECT 1 FROM api_key WHERE api_key.person_id = person.id AND api_key.revoked_ms IS NULL) \
             LIMIT $1) RETURNING id",
        )
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .bind(before_ms)
        .fetch_all(&mut self.connection)
        .await?;
        for person in &forgotten {
            sqlx::query("DELETE FROM topic WHERE name IN ($1, $2)")
                .bind(format!("user/{person}"))
                .bind(format!("conversations/{person}"))
                .execute(&mut self.connection)
                .await?;
        }
        Ok(forgotten.len() as u64)
    }

    pub async fn rename(&mut self, person: &str, name: &str, skeleton: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE person SET name = $1, name_skeleton = $2 WHERE id = $3")
            .bind(name)
            .bind(skeleton)
            .bind(person)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// Ends every session of a person and returns those that were alive.
    pub async fn revoke_sessions(&mut self, person: &str) -> Result<Vec<String>, StoreError> {
        let rows =
            sqlx::query("UPDATE session SET revoked_ms = $1 WHERE person_id = $2 AND revoked_ms IS NULL RETURNING id")
                .bind(self.now_ms)
                .bind(person)
                .fetch_all(&mut self.connection)
                .await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }
}

async fn session(connection: &mut Connection, id: &str) -> Result<Found, StoreError> {
    let row = sqlx::query(
        "SELECT person.id, person.name, person.hue, person.email, session.revoked_ms, session.seen_ms \
         FROM session JOIN person ON person.id = session.person_id WHERE session.id = $1",
    )
    .bind(id)
    .fetch_optional(connection)
    .await?;
    Ok(match row {
        None => Found::Unknown,
        Some(row) if row.get::<Option<i64>, _>(4).is_some() => Found::Revoked,
        Some(row) => Found::Person { person: person(&row), seen_ms: row.get(5) },
    })
}

pub(super) fn person(row: &SqliteRow) -> Person {
    Person { id: row.get(0), name: row.get(1), hue: row.get::<i64, _>(2) as u16, email: row.get(3) }
}
