//! Rows of messages.

use sqlx::{Row, sqlite::SqliteRow};

use super::{Connection, StoreError, Tx};
use crate::wire::room::{Author, Message};

const COLUMNS: &str = "message.id, message.author_id, COALESCE(person.name, message.author_name), message.author_hue, \
     message.bot, message.client_id, message.text, message.mentions, message.created_ms, message.edited_ms, \
     message.deleted_ms, message.run, message.run_position, message.run_lease_ms FROM message LEFT JOIN person ON person.id = message.author_id";

/// A room's messages before one (or the newest), oldest first: at most `most`, and whether there are more.
pub async fn before(
    read: &mut Connection,
    room: &str,
    before: Option<u64>,
    most: u32,
) -> Result<(Vec<Message>, bool), StoreError> {
    let text =
        format!("SELECT {COLUMNS} WHERE message.room_id = $1 AND message.id < $2 ORDER BY message.id DESC LIMIT $3");
    // Safe: it holds our own words and nothing else.
    let rows = sqlx::query(sqlx::AssertSqlSafe(text))
        .bind(room)
        .bind(before.map_or(i64::MAX, |id| i64::try_from(id).unwrap_or(i64::MAX)))
        .bind(i64::from(most) + 1)
        .fetch_all(read)
        .await?;
    let more = rows.len() > most as usize;
    let mut messages: Vec<_> = rows.iter().take(most as usize).map(message).collect();
    messages.reverse();
    Ok((messages, more))
}

/// A room's newest message (0: none).
pub async fn newest(read: &mut Connection, room: &str) -> Result<u64, StoreError> {
    let id: Option<i64> =
        sqlx::query_scalar("SELECT MAX(id) FROM message WHERE room_id = $1").bind(room).fetch_one(read).await?;
    Ok(id.unwrap_or(0) as u64)
}

/// How many messages a room has, and which is the newest (0: none).
pub async fn extent(read: &mut Connection, room: &str) -> Result<(u64, u64), StoreError> {
    let row = sqlx::query("SELECT COUNT(*), COALESCE(MAX(id), 0) FROM message WHERE room_id = $1")
        .bind(room)
        .fetch_one(read)
        .await?;
    Ok((row.get::<i64, _>(0) as u64, row.get::<i64, _>(1) as u64))
}

/// A room's messages after one, up to another, oldest first: at most `most`.
pub async fn between(
    read: &mut Connection,
    room: &str,
    after: u64,
    last: u64,
    most: u32,
) -> Result<Vec<Message>, StoreError> {
    let text = format!(
        "SELECT {COLUMNS} WHERE message.room_id = $1 AND message.id > $2 AND message.id <= $3 \
         ORDER BY message.id LIMIT $4"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(text))
        .bind(room)
        .bind(i64::try_from(after).unwrap_or(i64::MAX))
        .bind(i64::try_from(last).unwrap_or(i64::MAX))
        .bind(most)
        .fetch_all(read)
        .await?;
    Ok(rows.iter().map(message).collect())
}

impl Tx {
    pub async fn message(&mut self, room: &str, id: u64) -> Result<Option<Message>, StoreError> {
        let text = format!("SELECT {COLUMNS} WHERE message.room_id = $1 AND message.id = $2");
        let row = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(room)
            .bind(i64::try_from(id).unwrap_or(i64::MAX))
            .fetch_optional(&mut self.connection)
            .await?;
        Ok(row.as_ref().map(message))
    }

    /// What this author wrote under this id before, and in which room.
    pub async fn message_of(&mut self, author: &str, client: &str) -> Result<Option<(String, Message)>, StoreError> {
        let text = COLUMNS.replacen(" FROM", ", message.room_id FROM", 1);
        let text = format!("SELECT {text} WHERE message.author_id = $1 AND message.client_id = $2");
        let row = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(author)
            .bind(client)
            .fetch_optional(&mut self.connection)
            .await?;
        Ok(row.map(|row| (row.get(14), message(&row))))
    }

    /// Adds a message; its id is set here, and its time, if it has none.
    pub async fn add_message(&mut self, room: &str, message: &mut Message) -> Result<(), StoreError> {
        if message.time == 0 {
            message.time = self.now_ms as u64;
        }
        let row = sqlx::query(
            "INSERT INTO message \
             (room_id, author_id, author_name, author_hue, bot, client_id, text, mentions, created_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id",
        )
        .bind(room)
        .bind(&message.author.id)
        .bind(&message.author.name)
        .bind(i64::from(message.author.hue))
        .bind(message.author.bot)
        .bind(&message.client)
        .bind(&message.text)
        .bind(serde_json::to_string(&message.mentions)?)
        .bind(message.time as i64)
        .fetch_one(&mut self.connection)
        .await?;
        message.id = row.get::<i64, _>(0) as u64;
        Ok(())
    }

    /// Stores another text.
    pub async fn edit_message(&mut self, message: &Message) -> Result<(), StoreError> {
        sqlx::query("UPDATE message SET text = $1, mentions = $2, edited_ms = $3 WHERE id = $4")
            .bind(&message.text)
            .bind(serde_json::to_string(&message.mentions)?)
            .bind(self.now_ms)
            .bind(message.id as i64)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// Notes that this event of its room holds a message's text.
    pub async fn note_message_event(&mut self, id: u64, offset: u64) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO message_event (message_id, \"offset\") VALUES ($1, $2)")
            .bind(id as i64)
            .bind(offset as i64)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// The events that hold a message's text, which is about to be taken out of them.
    pub async fn take_message_events(&mut self, id: u64) -> Result<Vec<u64>, StoreError> {
        let offsets: Vec<i64> =
            sqlx::query_scalar("DELETE FROM message_event WHERE message_id = $1 RETURNING \"offset\"")
                .bind(id as i64)
                .fetch_all(&mut self.connection)
                .await?;
        Ok(offsets.into_iter().map(|offset| offset as u64).collect())
    }

    /// Forgets the text; that there was a message stays.
    pub async fn delete_message(&mut self, id: u64) -> Result<(), StoreError> {
        sqlx::query("UPDATE message SET text = '', mentions = '[]', deleted_ms = $1 WHERE id = $2")
            .bind(self.now_ms)
            .bind(id as i64)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// The people whose names look like one of these.
    pub async fn people_like(&mut self, skeletons: &[String]) -> Result<Vec<(String, String)>, StoreError> {
        let mut found = Vec::new();
        for skeleton in skeletons {
            let row = sqlx::query("SELECT id, name_skeleton FROM person WHERE name_skeleton = $1")
                .bind(skeleton)
                .fetch_optional(&mut self.connection)
                .await?;
            found.extend(row.map(|row| (row.get(0), row.get(1))));
        }
        Ok(found)
    }
}

fn message(row: &SqliteRow) -> Message {
    Message {
        id: row.get::<i64, _>(0) as u64,
        author: Author { id: row.get(1), name: row.get(2), hue: row.get::<i64, _>(3) as u16, bot: row.get(4) },
        client: row.get(5),
        text: row.get(6),
        html: Vec::new(),
        mentions: serde_json::from_str(&row.get::<String, _>(7)).unwrap_or_default(),
        time: row.get::<i64, _>(8) as u64,
        edited: row.get::<Option<i64>, _>(9).is_some(),
        deleted: row.get::<Option<i64>, _>(10).is_some(),
        run: run(row),
    }
}

/// Of a message that is being written, and has a lease.
fn run(row: &SqliteRow) -> Option<String> {
    let (run, position): (Option<String>, Option<String>) = (row.get(11), row.get(12));
    row.get::<Option<i64>, _>(13)?;
    Some(["run/", &run?, "@", &position?].concat())
}
