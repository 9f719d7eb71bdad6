//! What is no longer kept is removed from the store, in the background and in small writes, so that nobody waits long
//! behind one.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{chat, conversations, jobs};
use crate::{
    server::{
        jobs::Jobs,
        store::{Store, StoreError},
    },
    wire::{
        Topic,
        topic::{Durability, Kept},
    },
};

const PERIOD: Duration = Duration::from_secs(60 * 60);

/// So long after a start: it has better things to do.
const DELAY: Duration = Duration::from_secs(60);

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// An idempotency key is remembered for this long: longer than any client keeps trying.
const IDEMPOTENCY_DAYS: i64 = 7;

/// A browser that was not here for so long is forgotten: its cookie has expired (400 days after it was last renewed).
const SESSION_DAYS: i64 = 402;

/// As long as the events that told of them are kept.
const NOTIFICATION_DAYS: i64 = 400;

/// A revoked key stays on its owner's page for so long.
const REVOKED_KEY_DAYS: i64 = 90;

/// One write removes at most this many events, or rows of one kind.
const BATCH: u64 = 1_000;

/// And so many people: each may take thousands of events along.
const PEOPLE: u64 = 50;

/// Owned by `boot.rs`.
pub async fn run(store: &Store, jobs: &Arc<Jobs>, result_days: u32, stop: CancellationToken) {
    let mut wait = DELAY;
    while tokio::time::timeout(wait, stop.cancelled()).await.is_err() {
        wait = PERIOD;
        let tidied = async {
            tidy(store).await?;
            chat::tidy(store).await?;
            conversations::tidy(store).await?;
            jobs::tidy(store, jobs, result_days).await
        };
        if let Err(error) = tidied.await {
            tracing::error!(%error, "old rows could not be removed; they are tried again in an hour");
        }
    }
}

/// Removes everything that has been kept for long enough.
pub async fn tidy(store: &Store) -> Result<(), StoreError> {
    for topic in store.topics().await? {
        // A job's states are few, and go with the job, as those of a conversation do: a write for each of thousands would
        // find nothing.
        if matches!(topic, Topic::Job { .. } | Topic::Conversation { .. }) {
            continue;
        }
        if let Durability::Durable(kept) = topic.policy().durability {
            tidy_topic(store, &topic, kept).await?;
        }
    }
    store
        .write(|tx| {
            Box::pin(async move {
                tx.forget_published(tx.now_ms - IDEMPOTENCY_DAYS * DAY_MS).await?;
                tx.forget_keys(tx.now_ms - REVOKED_KEY_DAYS * DAY_MS).await?;
                tx.forget_removals(tx.now_ms - DAY_MS).await?;
                tx.forget_links(tx.now_ms - DAY_MS).await.map(drop)
            })
        })
        .await?;
    while tidy_people(store).await? >= BATCH {}
    Ok(())
}

/// Forgets browsers that do not come back, then people who cannot, and what they were told long ago. The most that was
/// removed of one kind.
async fn tidy_people(store: &Store) -> Result<u64, StoreError> {
    store
        .write(|tx| {
            Box::pin(async move {
                let days_ago = |days| tx.now_ms - days * DAY_MS;
                let (sessions_ms, notifications_ms) = (days_ago(SESSION_DAYS), days_ago(NOTIFICATION_DAYS));
                let sessions = tx.forget_sessions(sessions_ms, BATCH).await?;
                let people = tx.forget_people(sessions_ms, PEOPLE).await?;
                let notifications = tx.forget_notifications(notifications_ms, BATCH).await?;
                Ok(sessions.max(people * (BATCH / PEOPLE)).max(notifications))
            })
        })
        .await
}

async fn tidy_topic(store: &Store, topic: &Topic, kept: Kept) -> Result<(), StoreError> {
    loop {
        let topic = topic.clone();
        let removed = store
            .write::<u64, StoreError, _>(move |tx| {
                Box::pin(async move {
                    let oldest = tx.now_ms - i64::from(kept.days) * DAY_MS;
                    tx.prune(&topic, kept.events, oldest, BATCH).await
                })
            })
            .await?;
        if removed < BATCH {
            return Ok(());
        }
    }
}
