//! What was added to an answer while it is written: a row about once a second, so that a process that dies takes little with
//! it. Taken when the answer is whole.

use crate::server::store::{Connection, StoreError, Tx};

/// What was added to an answer that is being written, oldest first.
pub async fn chunks(connection: &mut Connection, turn: u64) -> Result<Vec<String>, StoreError> {
    let rows = sqlx::query_scalar("SELECT added FROM turn_chunk WHERE turn_id = $1 ORDER BY number")
        .bind(turn as i64)
        .fetch_all(connection)
        .await?;
    Ok(rows)
}

impl Tx {
    /// Adds to what is kept of an answer, and says that its process is alive. Whether it is to stop;
    /// nothing if the run does not count any more.
    pub async fn add_chunk(
        &mut self,
        turn: u64,
        run: &str,
        added: Option<&str>,
        lease_ms: i64,
    ) -> Result<Option<bool>, StoreError> {
        let stopping: Option<bool> = sqlx::query_scalar(
            "UPDATE turn SET lease_ms = $3 WHERE id = $1 AND run = $2 AND status = 'running' RETURNING stopping",
        )
        .bind(turn as i64)
        .bind(run)
        .bind(lease_ms)
        .fetch_optional(&mut self.connection)
        .await?;
        if let (Some(_), Some(added)) = (stopping, added) {
            sqlx::query(
                "INSERT INTO turn_chunk (turn_id, number, added) SELECT $1, COALESCE(MAX(number), 0) + 1, $2 \
                 FROM turn_chunk WHERE turn_id = $1",
            )
            .bind(turn as i64)
            .bind(added)
            .execute(&mut self.connection)
            .await?;
        }
        Ok(stopping)
    }

    /// Takes what was added to an answer: it is whole from now on.
    pub async fn take_chunks(&mut self, turn: u64) -> Result<Vec<String>, StoreError> {
        let taken = chunks(&mut self.connection, turn).await?;
        sqlx::query("DELETE FROM turn_chunk WHERE turn_id = $1")
            .bind(turn as i64)
            .execute(&mut self.connection)
            .await?;
        Ok(taken)
    }
}
