//! Rows of turns: the questions and answers of a conversation. What is in them is JSON, which only the search looks into
//! (`conversation_search.rs`). Called by `features/conversations/`.

use sqlx::{Row, sqlite::SqliteRow};

use crate::server::store::{Connection, Store, StoreError, Tx, conversation_search::plain};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnRow {
    pub id: u64,
    pub conversation: String,
    pub parent: Option<u64>,
    pub answer: bool,
    pub client: Option<String>,
    /// JSON of `features/answer/`.
    pub parts: String,
    pub status: String,
    pub error: Option<String>,
    pub run: Option<String>,
    pub lease_ms: i64,
    pub stopping: bool,
    pub cost: Option<String>,
    pub created_ms: i64,
}

const TURN: &str = "SELECT id, conversation_id, parent, answer, client, parts, status, error, run, lease_ms, stopping, \
     cost, created_ms FROM turn";

impl TurnRow {
    /// One that nothing more happens to, with nothing in it yet.
    pub fn complete(conversation: &str, answer: bool) -> Self {
        Self {
            id: 0,
            conversation: conversation.to_owned(),
            parent: None,
            answer,
            client: None,
            parts: "[]".to_owned(),
            status: "complete".to_owned(),
            error: None,
            run: None,
            lease_ms: 0,
            stopping: false,
            cost: None,
            created_ms: 0,
        }
    }
}

/// All turns of a conversation, in the order in which they were made.
pub async fn turns(connection: &mut Connection, conversation: &str) -> Result<Vec<TurnRow>, StoreError> {
    let text = format!("{TURN} WHERE conversation_id = $1 ORDER BY id");
    let rows = sqlx::query(sqlx::AssertSqlSafe(text)).bind(conversation).fetch_all(connection).await?;
    Ok(rows.iter().map(turn).collect())
}

impl Store {
    /// Answers whose process is not known to be alive.
    pub async fn abandoned_turns(&self, now_ms: i64) -> Result<Vec<u64>, StoreError> {
        let ids: Vec<i64> =
            sqlx::query_scalar("SELECT id FROM turn WHERE status = 'running' AND lease_ms < $1 LIMIT 200")
                .bind(now_ms)
                .fetch_all(&self.reads)
                .await?;
        Ok(ids.into_iter().map(|id| id as u64).collect())
    }
}

impl Tx {
    pub async fn turns(&mut self, conversation: &str) -> Result<Vec<TurnRow>, StoreError> {
        turns(&mut self.connection, conversation).await
    }

    pub async fn turn(&mut self, id: u64) -> Result<Option<TurnRow>, StoreError> {
        let text = format!("{TURN} WHERE id = $1");
        let row = sqlx::query(sqlx::AssertSqlSafe(text)).bind(id as i64).fetch_optional(&mut self.connection).await?;
        Ok(row.as_ref().map(turn))
    }

    /// Adds a turn; its id is given to it.
    pub async fn add_turn(&mut self, row: &TurnRow) -> Result<u64, StoreError> {
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO turn (conversation_id, parent, answer, client, parts, status, error, run, lease_ms, stopping, \
             cost, created_ms, plain) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING id",
        )
        .bind(&row.conversation)
        .bind(row.parent.map(|parent| parent as i64))
        .bind(row.answer)
        .bind(&row.client)
        .bind(&row.parts)
        .bind(&row.status)
        .bind(&row.error)
        .bind(&row.run)
        .bind(row.lease_ms)
        .bind(row.stopping)
        .bind(&row.cost)
        .bind(self.now_ms)
        .bind(plain(&row.parts))
        .fetch_one(&mut self.connection)
        .await?;
        Ok(id as u64)
    }

    /// Writes down what a turn is now, but for what never changes.
    pub async fn set_turn(&mut self, row: &TurnRow) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE turn SET parts = $2, status = $3, error = $4, run = $5, lease_ms = $6, stopping = $7, cost = $8, \
             plain = $9 WHERE id = $1",
        )
        .bind(row.id as i64)
        .bind(&row.parts)
        .bind(&row.status)
        .bind(&row.error)
        .bind(&row.run)
        .bind(row.lease_ms)
        .bind(row.stopping)
        .bind(&row.cost)
        .bind(plain(&row.parts))
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }
}

fn turn(row: &SqliteRow) -> TurnRow {
    TurnRow {
        id: row.get::<i64, _>(0) as u64,
        conversation: row.get(1),
        parent: row.get::<Option<i64>, _>(2).map(|id| id as u64),
        answer: row.get(3),
        client: row.get(4),
        parts: row.get(5),
        status: row.get(6),
        error: row.get(7),
        run: row.get(8),
        lease_ms: row.get(9),
        stopping: row.get(10),
        cost: row.get(11),
        created_ms: row.get(12),
    }
}
