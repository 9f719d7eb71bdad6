//! The events of durable topics: appended in a write's transaction, read back by offset.

use bytes::Bytes;
use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Row, sqlite::SqliteRow};

use super::{Connection, Store, StoreError, Tx};
use crate::wire::{Epoch, Position, Topic};

/// An event that is on the disk, for the topic's ring: a new one, or another text of one that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    pub topic: Topic,
    pub position: Position,
    pub payload: Bytes,
}

/// A query has at most 32,766 parameters in SQLite; fewer make a plan that is kept.
const TOPICS_PER_QUERY: usize = 500;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub offset: u64,
    pub payload: Bytes,
}

/// A topic as one read saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredLog {
    pub head: Position,
    /// The newest, oldest first, without a gap up to the head.
    pub newest: Vec<Stored>,
}

impl Tx {
    /// Appends an event and returns the position it will have. Readers see it once the write is committed.
    pub async fn publish<T: Serialize>(&mut self, topic: &Topic, event: &T) -> Result<Position, StoreError> {
        let payload = serde_json::to_string(event)?;
        self.publish_json(topic, payload).await
    }

    /// The same for an event that is JSON already, on one line.
    pub async fn publish_json(&mut self, topic: &Topic, payload: String) -> Result<Position, StoreError> {
        let row = sqlx::query(
            "INSERT INTO topic (name, epoch, head) VALUES ($1, $2, 1) \
             ON CONFLICT (name) DO UPDATE SET head = topic.head + 1 RETURNING id, epoch, head",
        )
        .bind(topic.to_string())
        .bind(first_epoch(self.seed, topic).0 as i64)
        .fetch_one(&mut self.connection)
        .await?;
        let position = Position { epoch: Epoch(row.get::<i64, _>(1) as u64), offset: row.get::<i64, _>(2) as u64 };
        sqlx::query("INSERT INTO event (topic_id, \"offset\", payload, published_ms) VALUES ($1, $2, $3, $4)")
            .bind(row.get::<i64, _>(0))
            .bind(position.offset as i64)
            .bind(&payload)
            .bind(self.now_ms)
            .execute(&mut self.connection)
            .await?;
        self.published.push(Committed { topic: topic.clone(), position, payload: payload.into() });
        Ok(position)
    }

    /// Gives an event another text, if it is still kept. Whoever has read it keeps what they read; whoever reads it from
    /// now on gets this. For what was taken back: an event's meaning never changes.
    pub async fn rewrite<T: Serialize>(&mut self, topic: &Topic, offset: u64, event: &T) -> Result<(), StoreError> {
        let payload = serde_json::to_string(event)?;
        let found: Option<(i64, i64)> = sqlx::query_as("SELECT id, epoch FROM topic WHERE name = $1")
            .bind(topic.to_string())
            .fetch_optional(&mut self.connection)
            .await?;
        let Some((id, epoch)) = found else { return Ok(()) };
        let rewritten = sqlx::query("UPDATE event SET payload = $1 WHERE topic_id = $2 AND \"offset\" = $3")
            .bind(&payload)
            .bind(id)
            .bind(offset as i64)
            .execute(&mut self.connection)
            .await?;
        if rewritten.rows_affected() > 0 {
            let position = Position { epoch: Epoch(epoch as u64), offset };
            self.published.push(Committed { topic: topic.clone(), position, payload: payload.into() });
        }
        Ok(())
    }
}

impl Tx {
    /// Whether anything was ever published to a topic that is not forgotten.
    pub async fn knows(&mut self, topic: &Topic) -> Result<bool, StoreError> {
        let found: Option<i64> = sqlx::query_scalar("SELECT 1 FROM topic WHERE name = $1")
            .bind(topic.to_string())
            .fetch_optional(&mut self.connection)
            .await?;
        Ok(found.is_some())
    }

    /// Removes a topic's oldest events, at most `most` of them: those beyond the newest `keep`, and those from before a
    /// time (milliseconds since 1970). The newest stays, and so does the head. How many were removed.
    pub async fn prune(&mut self, topic: &Topic, keep: u64, before_ms: i64, most: u64) -> Result<u64, StoreError> {
        let found = sqlx::query("SELECT id, head FROM topic WHERE name = $1")
            .bind(topic.to_string())
            .fetch_optional(&mut self.connection)
            .await?;
        let Some(row) = found else { return Ok(0) };
        let (id, head): (i64, i64) = (row.get(0), row.get(1));
        let removed = sqlx::query(
            "DELETE FROM event WHERE topic_id = $1 AND \"offset\" IN (\
             SELECT \"offset\" FROM event WHERE topic_id = $1 AND \"offset\" < $2 \
             AND (\"offset\" <= $3 OR published_ms < $4) ORDER BY \"offset\" LIMIT $5)",
        )
        .bind(id)
        .bind(head)
        .bind(head.saturating_sub(i64::try_from(keep).unwrap_or(i64::MAX)))
        .bind(before_ms)
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .execute(&mut self.connection)
        .await?;
        Ok(removed.rows_affected())
    }
}

/// Removes a topic and its events. What it was is no topic's past: whoever knows a position of it is reset.
pub(super) async fn forget(connection: &mut Connection, topic: &Topic) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM topic WHERE name = $1").bind(topic.to_string()).execute(connection).await?;
    Ok(())
}

impl Store {
    /// Where a topic stands, as the transaction sees it: state read in the same one is true at this position.
    pub async fn head(&self, read: &mut Connection, topic: &Topic) -> Result<Position, StoreError> {
        let row = sqlx::query("SELECT epoch, head FROM topic WHERE name = $1")
            .bind(topic.to_string())
            .fetch_optional(read)
            .await?;
        Ok(row.map_or_else(|| self.unwritten(topic), |row| position(&row)))
    }

    /// The topic's newest events, as many as `events` and `bytes` allow (one at least, if there is one).
    pub async fn newest(&self, topic: &Topic, events: usize, bytes: usize) -> Result<StoredLog, StoreError> {
        let mut read = self.read().await?;
        let head = self.head(&mut read, topic).await?;
        let rows = sqlx::query(
            "SELECT \"offset\", payload FROM event WHERE topic_id = (SELECT id FROM topic WHERE name = $1) \
             ORDER BY \"offset\" DESC LIMIT $2",
        )
        .bind(topic.to_string())
        .bind(i64::try_from(events).unwrap_or(i64::MAX))
        .fetch_all(&mut *read)
        .await?;
        let mut weight = 0;
        let fits = |event: &Stored| {
            weight += event.payload.len();
            weight == event.payload.len() || weight <= bytes
        };
        let mut newest: Vec<_> = rows.iter().map(stored).take_while(fits).collect();
        newest.reverse();
        Ok(StoredLog { head, newest })
    }

    /// What follows `after`, at most `events` of it, oldest first. It begins later than at the next offset if that is
    /// no longer kept.
    pub async fn after(&self, topic: &Topic, after: u64, events: usize) -> Result<Vec<Stored>, StoreError> {
        let rows = sqlx::query(
            "SELECT \"offset\", payload FROM event WHERE topic_id = (SELECT id FROM topic WHERE name = $1) \
             AND \"offset\" > $2 ORDER BY \"offset\" LIMIT $3",
        )
        .bind(topic.to_string())
        .bind(after as i64)
        .bind(i64::try_from(events).unwrap_or(i64::MAX))
        .fetch_all(&self.reads)
        .await?;
        Ok(rows.iter().map(stored).collect())
    }

    /// The topics that were ever written to.
    pub async fn topics(&self) -> Result<Vec<Topic>, StoreError> {
        let names: Vec<String> = sqlx::query_scalar("SELECT name FROM topic").fetch_all(&self.reads).await?;
        Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
    }

    /// Where these topics stand. Those without a row are left out.
    pub async fn heads(&self, topics: &[Topic]) -> Result<Vec<(Topic, Position)>, StoreError> {
        let mut heads = Vec::with_capacity(topics.len());
        for topics in topics.chunks(TOPICS_PER_QUERY) {
            self.some_heads(topics, &mut heads).await?;
        }
        Ok(heads)
    }

    async fn some_heads(&self, topics: &[Topic], heads: &mut Vec<(Topic, Position)>) -> Result<(), StoreError> {
        let marks: Vec<_> = (1..=topics.len()).map(|number| format!("${number}")).collect();
        let text = format!("SELECT epoch, head, name FROM topic WHERE name IN ({})", marks.join(", "));
        // Safe: it holds numbers of ours and nothing else.
        let query = sqlx::query(AssertSqlSafe(text));
        let query = topics.iter().fold(query, |query, topic| query.bind(topic.to_string()));
        let rows = query.fetch_all(&self.reads).await?;
        heads.extend(rows.iter().filter_map(|row| Some((row.get::<String, _>(2).parse().ok()?, position(row)))));
        Ok(())
    }

    pub(super) fn unwritten(&self, topic: &Topic) -> Position {
        Position { epoch: first_epoch(self.seed, topic), offset: 0 }
    }
}

/// The epoch of a topic's first life: random, and yet known before its first event, so that nothing need be written for
/// a topic that is only asked for.
pub fn first_epoch(seed: u64, topic: &Topic) -> Epoch {
    let digest = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(topic.to_string()).finalize();
    Epoch(digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn position(row: &SqliteRow) -> Position {
    Position { epoch: Epoch(row.get::<i64, _>(0) as u64), offset: row.get::<i64, _>(1) as u64 }
}

fn stored(row: &SqliteRow) -> Stored {
    Stored { offset: row.get::<i64, _>(0) as u64, payload: Bytes::from(row.get::<String, _>(1)) }
}
