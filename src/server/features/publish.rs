//! Publishing from outside: any program, with an API key, to a channel or to a person.
//!
//! Under an idempotency key the same event is published once, however often it is sent; the answer is the same. What
//! goes to a person is a notification: a row, and the event that tells of it, in one transaction.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{keys::Key, messages, notifications, rooms::RoomError};
use crate::{
    server::{
        store::{Store, StoreError, Tx, keys::Published},
        topics::Topics,
    },
    wire::{Position, Topic},
};

/// A type's name is at most this long, in bytes.
const TYPE_BYTES: usize = 64;

/// An idempotency key is at most this long, in bytes.
const IDEMPOTENCY_KEY_BYTES: usize = 128;

/// What is sent: `{"type":"Deployed","data":{…}}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub data: Value,
}

#[derive(Debug, Error)]
pub enum PublishError {
    #[error("an event's type is 1 to {TYPE_BYTES} letters, digits, dots, dashes and underscores, as in Deployed")]
    Type,
    #[error("{0}")]
    Data(&'static str),
    #[error("an idempotency key is 1 to {IDEMPOTENCY_KEY_BYTES} printable ASCII characters")]
    IdempotencyKey,
    #[error("this idempotency key was used for another event")]
    Reused,
    #[error(transparent)]
    Room(#[from] RoomError),
    #[error("there is nobody with this id")]
    Nobody,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where an event went, and whether that was now or, under the same idempotency key, before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    pub position: Position,
    pub repeated: bool,
}

/// Publishes for the key `by`. The caller has asked the door.
pub async fn publish(
    store: &Store,
    topics: &Arc<Topics>,
    by: &Key,
    topic: &Topic,
    event: Event,
    idempotency_key: Option<&str>,
) -> Result<Done, PublishError> {
    let harmless = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    if !(1..=TYPE_BYTES).contains(&event.kind.len()) || !event.kind.bytes().all(harmless) {
        return Err(PublishError::Type);
    }
    let post = Post::new(by, topic, event)?;
    let Some(idempotency_key) = idempotency_key else {
        return match post {
            // No row, no disk: as fast as memory.
            Post::Channel { topic, json } => Ok(Done { position: topics.publish_json(&topic, json), repeated: false }),
            post => {
                let position = store.write(|tx| Box::pin(post.now(tx))).await?;
                Ok(Done { position, repeated: false })
            }
        };
    };
    let printable = idempotency_key.bytes().all(|b| b.is_ascii_graphic());
    if !(1..=IDEMPOTENCY_KEY_BYTES).contains(&idempotency_key.len()) || !printable {
        return Err(PublishError::IdempotencyKey);
    }
    let (by, idempotency_key) = (by.id.clone(), idempotency_key.to_owned());
    match post {
        Post::Channel { topic, json } => {
            let (store, topics) = (store.clone(), topics.clone());
            // Whoever asked may go away in the middle; what was begun is finished all the same.
            let once = tokio::spawn(once_in_memory(store, topics, by, idempotency_key, topic, json));
            once.await.map_err(|_| StoreError::Broken)?
        }
        post => store.write(move |tx| Box::pin(once(tx, by, idempotency_key, post))).await,
    }
}

async fn once(tx: &mut Tx, by: String, idempotency_key: String, post: Post) -> Result<Done, PublishError> {
    let fingerprint = post.fingerprint();
    if let Some(before) = tx.published(&by, &idempotency_key).await? {
        let position = before.position.parse().ok().filter(|_| before.fingerprint == fingerprint);
        return Ok(Done { position: position.ok_or(PublishError::Reused)?, repeated: true });
    }
    let position = post.now(tx).await?;
    let published = Published { fingerprint, position: position.to_string() };
    tx.remember_published(&by, &idempotency_key, &published).await?;
    Ok(Done { position, repeated: false })
}

/// One after the other, so that the same event sent twice at once is told the same position.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A channel lives in memory: the idempotency key is on the disk before the event is out, and where the event went after
/// it. A key without a position is that of an event which never came out, because the process ended in between (and all
/// channels with it): it is published now.
async fn once_in_memory(
    store: Store,
    topics: Arc<Topics>,
    by: String,
    idempotency_key: String,
    topic: Topic,
    json: String,
) -> Result<Done, PublishError> {
    let _turn = TURN.lock().await;
    let fingerprint = hash(&format!("{topic}\n{json}"));
    let (owner, key, own) = (by.clone(), idempotency_key.clone(), fingerprint.clone());
    let before = store.write::<_, StoreError, _>(move |tx| {
        Box::pin(async move {
            let before = tx.published(&owner, &key).await?;
            if before.is_none() {
                let taken = Published { fingerprint: own, position: String::new() };
                tx.remember_published(&owner, &key, &taken).await?;
            }
            Ok(before)
        })
    });
    if let Some(before) = before.await? {
        if before.fingerprint != fingerprint {
            return Err(PublishError::Reused);
        }
        if let Ok(position) = before.position.parse() {
            return Ok(Done { position, repeated: true });
        }
    }
    let position = topics.publish_json(&topic, json);
    let noted = store.write::<_, StoreError, _>(move |tx| {
        Box::pin(async move { tx.note_position(&by, &idempotency_key, &position.to_string()).await })
    });
    if let Err(error) = noted.await {
        tracing::error!(%error, "where an event went could not be noted");
    }
    Ok(Done { position, repeated: false })
}

/// An event that has been looked at, and where it goes.
enum Post {
    /// `by` is the key.
    Room {
        by: Key,
        room: String,
        text: String,
    },
    Channel {
        topic: Topic,
        json: String,
    },
    Person {
        id: String,
        kind: String,
        text: String,
        link: Option<String>,
    },
}

impl Post {
    fn new(by: &Key, topic: &Topic, event: Event) -> Result<Self, PublishError> {
        if let Topic::Room { room } = topic {
            let text = event.data.get("text").and_then(Value::as_str).filter(|_| event.kind == "MessagePosted");
            let text = text.ok_or(PublishError::Data("to a room goes a MessagePosted with data.text"))?.to_owned();
            return Ok(Self::Room { by: by.clone(), room: room.to_string(), text });
        }
        let Topic::User { id } = topic else {
            let json = serde_json::json!({ "type": event.kind, "data": event.data }).to_string();
            return Ok(Self::Channel { topic: topic.clone(), json });
        };
        let text = event.data.get("text").and_then(Value::as_str).unwrap_or_default().trim().to_owned();
        let link = event.data.get("link").and_then(Value::as_str).map(str::to_owned);
        notifications::check(&text, link.as_deref()).map_err(PublishError::Data)?;
        Ok(Self::Person { id: id.to_string(), kind: event.kind, text, link })
    }

    /// As part of a write: what goes to a person.
    async fn now(self, tx: &mut Tx) -> Result<Position, PublishError> {
        match self {
            // It never gets here: a channel is no part of a write.
            Self::Channel { .. } => Err(StoreError::Broken.into()),
            Self::Room { by, room, text } => {
                let client = format!("{:032x}", rand::random::<u128>());
                let posted = messages::post_as_bot(tx, &by.id, &by.name, &room, &client, &text).await?;
                Ok(posted.position.ok_or(StoreError::Broken)?)
            }
            Self::Person { id, kind, text, link } => {
                if tx.person(&id).await?.is_none() {
                    return Err(PublishError::Nobody);
                }
                Ok(notifications::notify(tx, &id, &kind, &text, link.as_deref()).await?)
            }
        }
    }

    fn fingerprint(&self) -> String {
        let whole = match self {
            Self::Channel { topic, json } => format!("{topic}\n{json}"),
            Self::Room { room, text, .. } => format!("room {room}\n{text}"),
            Self::Person { id, kind, text, link } => format!("{id}\n{kind}\n{text}\n{}", link.as_deref().unwrap_or("")),
        };
        hash(&whole)
    }
}

fn hash(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
