//! Questions to the assistant that wait in rooms.

use sqlx::Row;

use super::{Connection, Store, StoreError, Tx};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuestionRow {
    /// The message that asks it.
    pub message: u64,
    /// Whose ceilings its answer counts towards.
    pub payer: String,
    pub address: String,
    pub asked_ms: i64,
}

/// What waits in a room, oldest first.
pub async fn waiting(read: &mut Connection, room: &str) -> Result<Vec<QuestionRow>, StoreError> {
    let rows = sqlx::query(
        "SELECT message_id, payer, address, asked_ms FROM room_question WHERE room_id = $1 ORDER BY message_id",
    )
    .bind(room)
    .fetch_all(read)
    .await?;
    let question = |row: &sqlx::sqlite::SqliteRow| QuestionRow {
        message: row.get::<i64, _>(0) as u64,
        payer: row.get(1),
        address: row.get(2),
        asked_ms: row.get(3),
    };
    Ok(rows.iter().map(question).collect())
}

impl Store {
    /// The rooms in which questions wait, nothing is being answered, and nobody is known to be about to.
    pub async fn rooms_that_wait(&self, now_ms: i64) -> Result<Vec<String>, StoreError> {
        let rooms = sqlx::query_scalar(
            "SELECT DISTINCT room_id FROM room_question WHERE lease_ms < $1 AND NOT EXISTS (SELECT 1 FROM message \
             WHERE message.room_id = room_question.room_id AND message.run_lease_ms >= $1) LIMIT 200",
        );
        Ok(rooms.bind(now_ms).fetch_all(&self.reads).await?)
    }
}

impl Tx {
    /// So many wait in this room.
    pub async fn questions_in(&mut self, room: &str) -> Result<u32, StoreError> {
        let count = sqlx::query_scalar("SELECT COUNT(*) FROM room_question WHERE room_id = $1").bind(room);
        Ok(count.fetch_one(&mut self.connection).await?)
    }

    /// A question waits from now on; it is left to this process until then.
    pub async fn add_question(&mut self, room: &str, question: &QuestionRow, lease_ms: i64) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO room_question (message_id, room_id, payer, address, asked_ms, lease_ms) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(question.message as i64)
        .bind(room)
        .bind(&question.payer)
        .bind(&question.address)
        .bind(question.asked_ms)
        .bind(lease_ms)
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }

    /// A question waits no longer. Whether it did.
    pub async fn take_question(&mut self, message: u64) -> Result<bool, StoreError> {
        let taken = sqlx::query("DELETE FROM room_question WHERE message_id = $1")
            .bind(message as i64)
            .execute(&mut self.connection)
            .await?;
        Ok(taken.rows_affected() > 0)
    }

    /// What waits in this room is left to this process until then.
    pub async fn lease_questions(&mut self, room: &str, lease_ms: i64) -> Result<(), StoreError> {
        sqlx::query("UPDATE room_question SET lease_ms = $1 WHERE room_id = $2")
            .bind(lease_ms)
            .bind(room)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }
}
