//! Publishing from outside: any program, with an API key, to a channel or to a person.
//!
//! Under an idempotency key the same event is published once, however often it is sent; the answer is the same. What
//! goes to a person is a notification: a row, and the event that tells of it, in one transaction.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::notifications;
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
    by: &str,
    topic: &Topic,
    event: Event,
    idempotency_key: Option<&str>,
) -> Result<Done, PublishError> {
    let harmless = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    if !(1..=TYPE_BYTES).contains(&event.kind.len()) || !event.kind.bytes().all(harmless) {
        return Err(PublishError::Type);
    }
    let post = Post::new(topic, event)?;
    let Some(idempotency_key) = idempotency_key else {
        return match post {
            // No row, no disk: as fast as memory.
            Post::Channel { topic, json } => Ok(Done { position: topics.publish_json(&topic, json), repeated: false }),
            post => {
                let position = store.write(|tx| Box::pin(post.now(tx, None))).await?;
                Ok(Done { position, repeated: false })
            }
        };
    };
    let printable = idempotency_key.bytes().all(|b| b.is_ascii_graphic());
    if !(1..=IDEMPOTENCY_KEY_BYTES).contains(&idempotency_key.len()) || !printable {
        return Err(PublishError::IdempotencyKey);
    }
    let (by, idempotency_key, topics) = (by.to_owned(), idempotency_key.to_owned(), topics.clone());
    store.write(move |tx| Box::pin(once(tx, by, idempotency_key, post, topics))).await
}

async fn once(
    tx: &mut Tx,
    by: String,
    idempotency_key: String,
    post: Post,
    topics: Arc<Topics>,
) -> Result<Done, PublishError> {
    let fingerprint = post.fingerprint();
    if let Some(before) = tx.published(&by, &idempotency_key).await? {
        let position = before.position.parse().ok().filter(|_| before.fingerprint == fingerprint);
        return Ok(Done { position: position.ok_or(PublishError::Reused)?, repeated: true });
    }
    let position = post.now(tx, Some(&topics)).await?;
    let published = Published { fingerprint, position: position.to_string() };
    tx.remember_published(&by, &idempotency_key, &published).await?;
    Ok(Done { position, repeated: false })
}

/// An event that has been looked at, and where it goes.
enum Post {
    Channel { topic: Topic, json: String },
    Person { id: String, kind: String, text: String, link: Option<String> },
}

impl Post {
    fn new(topic: &Topic, event: Event) -> Result<Self, PublishError> {
        let Topic::User { id } = topic else {
            let json = serde_json::json!({ "type": event.kind, "data": event.data }).to_string();
            return Ok(Self::Channel { topic: topic.clone(), json });
        };
        let text = event.data.get("text").and_then(Value::as_str).unwrap_or_default().trim().to_owned();
        let link = event.data.get("link").and_then(Value::as_str).map(str::to_owned);
        notifications::check(&text, link.as_deref()).map_err(PublishError::Data)?;
        Ok(Self::Person { id: id.to_string(), kind: event.kind, text, link })
    }

    async fn now(self, tx: &mut Tx, topics: Option<&Arc<Topics>>) -> Result<Position, PublishError> {
        match self {
            Self::Channel { topic, json } => {
                let topics = topics.ok_or(StoreError::Closed)?;
                Ok(topics.publish_json(&topic, json))
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
            Self::Person { id, kind, text, link } => format!("{id}\n{kind}\n{text}\n{}", link.as_deref().unwrap_or("")),
        };
        Sha256::digest(whole).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
