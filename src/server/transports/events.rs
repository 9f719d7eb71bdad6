//! `/api/topics/{topic}/events`: publishing from any program (`POST`), and reading after a position (`GET`), which
//! waits for what comes next if asked to: a long poll over the same cursor that streams have.

use std::{future::poll_fn, sync::Arc, task::Poll, time::Duration};

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use tokio::time::Instant;

use crate::{
    server::{
        connections::refusal,
        features::{
            keys::Action,
            publish::{self, Event, PublishError},
            rooms::RoomError,
        },
        http_error,
        session::{Asking, may},
        state::AppState,
        topics::{Cursor, From, Mailbox, Read},
        transports::entrance,
    },
    wire::{Position, Topic, stream::RefusedCode},
};

/// An answer carries at most about this much, in bytes.
const ANSWER_BYTES: usize = 256 * 1024;

/// The longest wait, in seconds: shorter than the time after which proxies give up on a silent request.
const WAIT_SECONDS: u64 = 50;

/// The store is given so long to answer.
const STORE_PATIENCE: Duration = Duration::from_secs(10);

/// An event's type and data have at most this many bytes together, as they are sent.
pub const EVENT_BYTES: usize = 32 * 1024;

#[derive(Debug, Deserialize)]
pub struct Asked {
    /// Read on from here; without it, from now on.
    after: Option<String>,
    /// Wait for so many seconds if there is nothing yet.
    #[serde(default)]
    wait: u64,
}

/// `POST`: 201 with the event's position, or 200 if it was published before under the same `Idempotency-Key`.
pub async fn publish(
    State(state): State<AppState>,
    Extension(asking): Extension<Asking>,
    Path(path): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(key) = &asking.key else {
        return http_error::unauthorized("publishing takes an API key: Authorization: Bearer tmk_…");
    };
    let topic = match allowed(&state, &asking, Action::Publish, &path).await {
        Ok(topic) => topic,
        Err(refused) => return refused,
    };
    if body.len() > EVENT_BYTES {
        return http_error::too_large(&format!("an event has at most {EVENT_BYTES} bytes"));
    }
    let event = match serde_json::from_slice::<Event>(&body) {
        Ok(event) => event,
        Err(error) => return http_error::invalid(&format!(r#"an event is {{"type":"…","data":…}}: {error}"#)),
    };
    let idempotency_key = match headers.get("idempotency-key").map(|value| value.to_str()).transpose() {
        Ok(idempotency_key) => idempotency_key,
        Err(_) => return http_error::invalid(&PublishError::IdempotencyKey.to_string()),
    };
    match publish::publish(&state.store, &state.topics, key, &topic, event, idempotency_key).await {
        Ok(done) => {
            let status = if done.repeated { StatusCode::OK } else { StatusCode::CREATED };
            (status, Json(serde_json::json!({ "topic": topic, "position": done.position }))).into_response()
        }
        Err(PublishError::Store(error)) => {
            tracing::error!(%error, %topic, "an event could not be stored");
            http_error::unavailable()
        }
        Err(PublishError::Nobody | PublishError::Room(RoomError::Unknown)) => unknown(),
        Err(PublishError::Room(RoomError::Store(error))) => {
            tracing::error!(%error, %topic, "a message could not be stored");
            http_error::unavailable()
        }
        Err(error @ PublishError::Reused) => http_error::conflict(&error.to_string()),
        Err(error) => http_error::invalid(&error.to_string()),
    }
}

/// `GET`: what follows `after`, as far as it fits, and the position to ask for next. Where there is no way on, `reset`
/// says why and brings the snapshot.
pub async fn read(
    State(state): State<AppState>,
    Extension(asking): Extension<Asking>,
    Path(path): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    // Taken before the look: a membership that ends in between ends this too.
    let membership = match topic_of(&path) {
        Some(topic) => entrance::right(&state, &asking, &topic).await,
        None => return unknown(),
    };
    let Ok(membership) = membership else { return http_error::unavailable() };
    let topic = match allowed(&state, &asking, Action::Read, &path).await {
        Ok(topic) => topic,
        Err(refused) => return refused,
    };
    let from = match asked.after.as_deref().map(str::parse::<Position>).transpose() {
        Ok(after) => after.map_or(From::Now, From::After),
        Err(error) => return http_error::refused(&refusal(RefusedCode::BadPosition, Some(error.to_string()), 0)),
    };
    if let Err(error) = state.topics.warm(&topic).await {
        tracing::error!(%error, %topic, "a topic could not be read");
        return http_error::unavailable();
    }
    let mailbox = Arc::<Mailbox>::default();
    let cursor = state.topics.subscribe(&topic, from, &mailbox, 0, 0);
    let cursor = match asking.access.clone() {
        Some(access) => cursor.with_access(access),
        None => cursor,
    };
    let mut cursor = match membership {
        Some(membership) => cursor.with_membership(membership),
        None => cursor,
    };
    let wait = Duration::from_secs(asked.wait.min(WAIT_SECONDS));
    let stop = state.connections.drained();
    let answer = tokio::select! {
        answer = due(&mut cursor, &mailbox, wait) => answer,
        () = stop => Read::UpToDate,
    };
    if matches!(answer, Read::NotYet) {
        return http_error::unavailable();
    }
    respond(&topic, cursor.position(), answer)
}

/// The first read that has something, or that there is nothing after so long. What is stored is waited for whatever
/// the client says, or it would be told that there is nothing where there is.
async fn due(cursor: &mut Cursor, mailbox: &Mailbox, wait: Duration) -> Read {
    let deadline = Instant::now() + wait;
    loop {
        let read = cursor.read(ANSWER_BYTES, 32);
        let until = match read {
            Read::UpToDate => deadline,
            Read::NotYet => deadline.max(Instant::now() + STORE_PATIENCE),
            read => return read,
        };
        let marked = poll_fn(|context| {
            mailbox.register(context.waker());
            if mailbox.take() == 0 { Poll::Pending } else { Poll::Ready(()) }
        });
        if tokio::time::timeout_at(until, marked).await.is_err() {
            return read;
        }
    }
}

fn respond(topic: &Topic, position: Position, read: Read) -> Response {
    let mut json = format!(r#"{{"topic":"{topic}","position":"{position}","events":["#);
    match read {
        Read::Revoked => return http_error::unauthorized("the session or key has ended"),
        Read::Lost => return unknown(),
        Read::UpToDate | Read::NotYet => {}
        Read::Events(batch) => {
            for (index, entry) in batch.entries.iter().enumerate() {
                let comma = if index > 0 { "," } else { "" };
                let payload = String::from_utf8_lossy(&entry.payload);
                json.push_str(&format!(r#"{comma}{{"offset":{},"data":{payload}}}"#, entry.offset));
            }
        }
        Read::Reset(reset) => {
            let reason = serde_json::json!(reset.reason);
            let snapshot = String::from_utf8_lossy(&reset.snapshot);
            json.push_str(&format!(r#"],"reset":{{"reason":{reason},"snapshot":{snapshot}}}}}"#));
            return answer(json);
        }
    }
    json.push_str("]}");
    answer(json)
}

fn answer(json: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], json).into_response()
}

/// The route ends in a wildcard, because a topic has slashes.
fn topic_of(path: &str) -> Option<Topic> {
    path.strip_suffix("/events")?.parse().ok()
}

/// The topic, if whoever asks may do this with it.
async fn allowed(state: &AppState, asking: &Asking, action: Action, path: &str) -> Result<Topic, Response> {
    let topic = topic_of(path).ok_or_else(unknown)?;
    match may(state, asking, action, &topic).await {
        Ok(true) => Ok(topic),
        Ok(false) => Err(unknown()),
        Err(error) => {
            tracing::error!(%error, %topic, "whether this may be done could not be found out");
            Err(http_error::unavailable())
        }
    }
}

/// What one may not read or publish to does not exist.
fn unknown() -> Response {
    http_error::refused(&refusal(RefusedCode::UnknownTopic, None, 0))
}
