//! Rows of conversations with the assistant, their turns, and what was added to answers that are being written.

use sqlx::{Row, sqlite::SqliteRow};

use super::{Connection, Store, StoreError, Tx, conversation_search::plain, jobs::Owner};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationRow {
    pub id: String,
    /// Nobody's where a program made it that showed nothing.
    pub owner: Option<Owner>,
    pub chat: Option<String>,
    pub title: String,
    pub shared: bool,
    pub leaf: Option<u64>,
    pub updated_ms: i64,
}

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

pub(super) const CONVERSATION: &str =
    "SELECT id, person_id, api_key_id, chat, title, shared, leaf, updated_ms FROM conversation";

/// Topics of conversations that are gone: those whose name ends with no conversation's id. Looked up by the index of the
/// names and that of the ids, however many there are. "0" is what follows "/".
const STRAY_TOPICS: &str = "SELECT name FROM topic WHERE name >= 'conversation/' AND name < 'conversation0' \
     AND NOT EXISTS (SELECT 1 FROM conversation WHERE conversation.id = substr(topic.name, 14)) LIMIT $1";

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

/// One of the two, or nothing, as it is bound.
fn person(owner: Option<&Owner>) -> Option<&str> {
    owner.and_then(|owner| if let Owner::Person(id) = owner { Some(id.as_str()) } else { None })
}

fn key(owner: Option<&Owner>) -> Option<&str> {
    owner.and_then(|owner| if let Owner::Key(id) = owner { Some(id.as_str()) } else { None })
}

async fn one(connection: &mut Connection, id: &str) -> Result<Option<ConversationRow>, StoreError> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!("{CONVERSATION} WHERE id = $1")))
        .bind(id)
        .fetch_optional(connection)
        .await?;
    Ok(row.as_ref().map(conversation))
}

/// What somebody's client calls so.
async fn named(
    connection: &mut Connection,
    owner: Option<&Owner>,
    chat: &str,
) -> Result<Option<ConversationRow>, StoreError> {
    let text = format!("{CONVERSATION} WHERE COALESCE(person_id, api_key_id, '') = $1 AND chat = $2");
    let row = sqlx::query(sqlx::AssertSqlSafe(text))
        .bind(person(owner).or(key(owner)).unwrap_or_default())
        .bind(chat)
        .fetch_optional(connection)
        .await?;
    Ok(row.as_ref().map(conversation))
}

/// All turns of a conversation, in the order in which they were made.
pub async fn turns(connection: &mut Connection, conversation: &str) -> Result<Vec<TurnRow>, StoreError> {
    let text = format!("{TURN} WHERE conversation_id = $1 ORDER BY id");
    let rows = sqlx::query(sqlx::AssertSqlSafe(text)).bind(conversation).fetch_all(connection).await?;
    Ok(rows.iter().map(turn).collect())
}

/// What was added to an answer that is being written, oldest first.
pub async fn chunks(connection: &mut Connection, turn: u64) -> Result<Vec<String>, StoreError> {
    let rows = sqlx::query_scalar("SELECT added FROM turn_chunk WHERE turn_id = $1 ORDER BY number")
        .bind(turn as i64)
        .fetch_all(connection)
        .await?;
    Ok(rows)
}

pub async fn conversation_in(connection: &mut Connection, id: &str) -> Result<Option<ConversationRow>, StoreError> {
    one(connection, id).await
}

impl Store {
    pub async fn conversation(&self, id: &str) -> Result<Option<ConversationRow>, StoreError> {
        one(&mut *self.reads.acquire().await?, id).await
    }

    pub async fn conversation_named(
        &self,
        owner: Option<&Owner>,
        chat: &str,
    ) -> Result<Option<ConversationRow>, StoreError> {
        named(&mut *self.reads.acquire().await?, owner, chat).await
    }

    /// The conversation that this run writes in.
    pub async fn conversation_of_run(&self, run: &str) -> Result<Option<ConversationRow>, StoreError> {
        let text = format!("{CONVERSATION} WHERE id = (SELECT conversation_id FROM turn WHERE run = $1)");
        let row = sqlx::query(sqlx::AssertSqlSafe(text)).bind(run).fetch_optional(&self.reads).await?;
        Ok(row.as_ref().map(conversation))
    }

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
    pub async fn conversation(&mut self, id: &str) -> Result<Option<ConversationRow>, StoreError> {
        one(&mut self.connection, id).await
    }

    pub async fn conversation_named(
        &mut self,
        owner: Option<&Owner>,
        chat: &str,
    ) -> Result<Option<ConversationRow>, StoreError> {
        named(&mut self.connection, owner, chat).await
    }

    pub async fn turns(&mut self, conversation: &str) -> Result<Vec<TurnRow>, StoreError> {
        turns(&mut self.connection, conversation).await
    }

    pub async fn turn(&mut self, id: u64) -> Result<Option<TurnRow>, StoreError> {
        let text = format!("{TURN} WHERE id = $1");
        let row = sqlx::query(sqlx::AssertSqlSafe(text)).bind(id as i64).fetch_optional(&mut self.connection).await?;
        Ok(row.as_ref().map(turn))
    }

    /// How many conversations somebody has.
    pub async fn conversations_owned(&mut self, owner: &Owner) -> Result<u32, StoreError> {
        let count: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM conversation WHERE person_id = $1 OR api_key_id = $2")
                .bind(person(Some(owner)))
                .bind(key(Some(owner)))
                .fetch_one(&mut self.connection)
                .await?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// Removes nobody's oldest conversations, so that there is a place below so many.
    pub async fn forget_nobodys_conversations_beyond(&mut self, most: u32) -> Result<(), StoreError> {
        sqlx::query(
            "DELETE FROM conversation WHERE id IN (SELECT id FROM conversation WHERE person_id IS NULL \
             AND api_key_id IS NULL ORDER BY updated_ms DESC LIMIT 100 OFFSET $1)",
        )
        .bind(most.saturating_sub(1))
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }

    pub async fn add_conversation(&mut self, row: &ConversationRow) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO conversation (id, person_id, api_key_id, chat, title, shared, leaf, created_ms, updated_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)",
        )
        .bind(&row.id)
        .bind(person(row.owner.as_ref()))
        .bind(key(row.owner.as_ref()))
        .bind(&row.chat)
        .bind(&row.title)
        .bind(row.shared)
        .bind(row.leaf.map(|leaf| leaf as i64))
        .bind(self.now_ms)
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }

    /// What is shown from now on ends with this turn.
    pub async fn set_leaf(&mut self, conversation: &str, leaf: u64) -> Result<(), StoreError> {
        sqlx::query("UPDATE conversation SET leaf = $2, updated_ms = $3 WHERE id = $1")
            .bind(conversation)
            .bind(leaf as i64)
            .bind(self.now_ms)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    pub async fn set_conversation(&mut self, id: &str, title: &str, shared: bool) -> Result<(), StoreError> {
        sqlx::query("UPDATE conversation SET title = $2, shared = $3 WHERE id = $1")
            .bind(id)
            .bind(title)
            .bind(shared)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    pub async fn delete_conversation(&mut self, id: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM conversation WHERE id = $1").bind(id).execute(&mut self.connection).await?;
        Ok(())
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

    /// Removes nobody's conversations that were not touched since; how many.
    pub async fn forget_nobodys_conversations(&mut self, before_ms: i64, most: u64) -> Result<u64, StoreError> {
        let removed = sqlx::query(
            "DELETE FROM conversation WHERE id IN (SELECT id FROM conversation WHERE person_id IS NULL \
             AND api_key_id IS NULL AND updated_ms < $1 LIMIT $2)",
        )
        .bind(before_ms)
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .execute(&mut self.connection)
        .await?;
        Ok(removed.rows_affected())
    }

    /// Removes topics of conversations that are gone; how many.
    pub async fn forget_stray_conversation_topics(&mut self, most: u64) -> Result<u64, StoreError> {
        let text = format!("DELETE FROM topic WHERE name IN ({STRAY_TOPICS})");
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let removed = sqlx::query(sqlx::AssertSqlSafe(text)).bind(most).execute(&mut self.connection).await?;
        Ok(removed.rows_affected())
    }
}

pub(super) fn conversation(row: &SqliteRow) -> ConversationRow {
    let (person, key): (Option<String>, Option<String>) = (row.get(1), row.get(2));
    ConversationRow {
        id: row.get(0),
        owner: person.map(Owner::Person).or_else(|| key.map(Owner::Key)),
        chat: row.get(3),
        title: row.get(4),
        shared: row.get(5),
        leaf: row.get::<Option<i64>, _>(6).map(|id| id as u64),
        updated_ms: row.get(7),
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// How SQLite goes about a query, step by step.
    async fn plan(store: &Store, query: &str) -> Vec<String> {
        let mut read = store.read().await.expect("the store");
        let text = format!("EXPLAIN QUERY PLAN {query}");
        let rows = sqlx::query(sqlx::AssertSqlSafe(text)).fetch_all(&mut *read).await.expect("a plan");
        rows.iter().map(|row| row.get("detail")).collect()
    }

    #[tokio::test]
    async fn what_is_tidied_is_looked_up_and_not_searched_for_among_all() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path(), Arc::new(|_| {})).await.expect("a store");
        // The second is what SQLite asks for each turn that goes.
        for query in [STRAY_TOPICS, "SELECT id FROM turn WHERE parent = $1"] {
            let plan = plan(&store, query).await;
            assert!(plan.iter().any(|step| step.starts_with("SEARCH")), "{query}: {plan:#?}");
            assert!(plan.iter().all(|step| !step.contains("SCAN")), "{query}: {plan:#?}");
        }
    }
}
