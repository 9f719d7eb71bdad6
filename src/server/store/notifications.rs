//! Rows of notifications.

use sqlx::{Row, sqlite::SqliteRow};

use super::{Connection, StoreError, Tx};
use crate::wire::notification::Notification;

/// A person's newest notifications, newest first.
pub async fn newest(read: &mut Connection, person: &str, most: u32) -> Result<Vec<Notification>, StoreError> {
    let rows = sqlx::query(
        "SELECT id, kind, text, link, created_ms, read_ms FROM notification WHERE person_id = $1 \
         ORDER BY id DESC LIMIT $2",
    )
    .bind(person)
    .bind(most)
    .fetch_all(read)
    .await?;
    Ok(rows.iter().map(notification).collect())
}

pub async fn unread(read: &mut Connection, person: &str) -> Result<u32, StoreError> {
    let row = sqlx::query("SELECT COUNT(*) FROM notification WHERE person_id = $1 AND read_ms IS NULL")
        .bind(person)
        .fetch_one(read)
        .await?;
    Ok(u32::try_from(row.get::<i64, _>(0)).unwrap_or(u32::MAX))
}

impl Tx {
    /// The id of the new row. Ids rise.
    pub async fn add_notification(
        &mut self,
        person: &str,
        kind: &str,
        text: &str,
        link: Option<&str>,
    ) -> Result<u64, StoreError> {
        let row = sqlx::query(
            "INSERT INTO notification (person_id, kind, text, link, created_ms) VALUES ($1, $2, $3, $4, $5) RETURNING id",
        )
        .bind(person)
        .bind(kind)
        .bind(text)
        .bind(link)
        .bind(self.now_ms)
        .fetch_one(&mut self.connection)
        .await?;
        Ok(row.get::<i64, _>(0) as u64)
    }

    /// Marks a person's notifications up to this id as read; how many were not.
    pub async fn mark_read(&mut self, person: &str, through: u64) -> Result<u64, StoreError> {
        let marked =
            sqlx::query("UPDATE notification SET read_ms = $1 WHERE person_id = $2 AND id <= $3 AND read_ms IS NULL")
                .bind(self.now_ms)
                .bind(person)
                .bind(i64::try_from(through).unwrap_or(i64::MAX))
                .execute(&mut self.connection)
                .await?;
        Ok(marked.rows_affected())
    }

    /// Forgets at most `most` notifications from before this time, in milliseconds since 1970. How many.
    pub async fn forget_notifications(&mut self, before_ms: i64, most: u64) -> Result<u64, StoreError> {
        let forgotten = sqlx::query(
            "DELETE FROM notification WHERE id IN \
             (SELECT id FROM notification WHERE created_ms < $1 ORDER BY created_ms LIMIT $2)",
        )
        .bind(before_ms)
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .execute(&mut self.connection)
        .await?;
        Ok(forgotten.rows_affected())
    }
}

fn notification(row: &SqliteRow) -> Notification {
    Notification {
        id: row.get::<i64, _>(0) as u64,
        kind: row.get(1),
        text: row.get(2),
        link: row.get(3),
        time: row.get::<i64, _>(4) as u64,
        read: row.get::<Option<i64>, _>(5).is_some(),
    }
}
