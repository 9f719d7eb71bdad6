//! Messages that the assistant is writing in rooms: what there is of them, and whose process is alive.

use sqlx::Row;

use super::{Connection, Store, StoreError, Tx};
use crate::wire::{Topic, topic::Mark};

/// Whether an answer is being written in this room.
pub async fn is_answering(connection: &mut Connection, room: &str, now_ms: i64) -> Result<bool, StoreError> {
    let row = sqlx::query("SELECT 1 FROM message WHERE run_lease_ms >= $1 AND room_id = $2")
        .bind(now_ms)
        .bind(room)
        .fetch_optional(connection)
        .await?;
    Ok(row.is_some())
}

impl Store {
    /// The room in which this run writes, or has written.
    pub async fn room_of_run(&self, run: &str) -> Result<Option<String>, StoreError> {
        let room = sqlx::query_scalar("SELECT room_id FROM message WHERE run = $1").bind(run);
        Ok(room.fetch_optional(&self.reads).await?)
    }

    /// Room and id of the messages whose process is not known to be alive.
    pub async fn abandoned_messages(&self, now_ms: i64) -> Result<Vec<(String, u64)>, StoreError> {
        let rows = sqlx::query("SELECT room_id, id FROM message WHERE run_lease_ms < $1 LIMIT 200")
            .bind(now_ms)
            .fetch_all(&self.reads)
            .await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get::<i64, _>(1) as u64)).collect())
    }
}

impl Tx {
    /// The run and the text of a message whose process is not known to be alive.
    pub async fn abandoned_message(&mut self, id: u64) -> Result<Option<(String, String)>, StoreError> {
        let row = sqlx::query("SELECT run, text FROM message WHERE id = $1 AND run_lease_ms < $2")
            .bind(id as i64)
            .bind(self.now_ms)
            .fetch_optional(&mut self.connection)
            .await?;
        Ok(row.map(|row| (row.get(0), row.get(1))))
    }

    /// A message's run begins, at this position of its topic: its process is trusted until then.
    pub async fn begin_message(&mut self, id: u64, run: &Mark, lease_ms: i64) -> Result<(), StoreError> {
        let Topic::Run { id: name } = &run.topic else { return Err(StoreError::Broken) };
        sqlx::query("UPDATE message SET run = $1, run_position = $2, run_lease_ms = $3 WHERE id = $4")
            .bind(name.as_str())
            .bind(run.position.map(|position| position.to_string()))
            .bind(lease_ms)
            .bind(id as i64)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// Stores what there is of a message, and that its process is alive (until then) or that it is whole (nothing). Whether
    /// this run still writes it.
    pub async fn write_message(
        &mut self,
        id: u64,
        run: &str,
        text: &str,
        lease_ms: Option<i64>,
    ) -> Result<bool, StoreError> {
        let written = sqlx::query(
            "UPDATE message SET text = $1, run_lease_ms = $2 WHERE id = $3 AND run = $4 AND run_lease_ms IS NOT NULL \
             AND deleted_ms IS NULL",
        )
        .bind(text)
        .bind(lease_ms)
        .bind(id as i64)
        .bind(run)
        .execute(&mut self.connection)
        .await?;
        Ok(written.rows_affected() > 0)
    }
}
