//! Rows of conversations with the assistant. `turns.rs` has what is said in them, `chunks.rs` what was added to answers that
//! are being written, `forgetting.rs` removes what nobody can be shown any more. Called by
//! `features/conversations/`, and by the door.

mod chunks;
mod forgetting;
mod turns;

use sqlx::{Row, sqlite::SqliteRow};

use super::{Connection, Store, StoreError, Tx, jobs::Owner};

pub use chunks::chunks;
pub use turns::{TurnRow, turns};

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

pub(super) const CONVERSATION: &str =
    "SELECT id, person_id, api_key_id, chat, title, shared, leaf, updated_ms FROM conversation";

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
