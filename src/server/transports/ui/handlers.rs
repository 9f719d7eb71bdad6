//! `POST /api/chat` with the AI SDK's messages, `GET /api/chat/{id}/stream`, `POST /api/chat/{id}/stop`.

use std::{net::IpAddr, time::Duration};

use axum::{
    Extension, Json,
    body::Body,
    extract::{Path, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use rand::RngExt;
use serde::Deserialize;
use serde_json::{Value, json};

use super::stream;
use crate::{
    server::{
        asker,
        connections::{Permit, refusal},
        features::conversations::{ConversationError, Given, Watched},
        http_error,
        session::{Asking, Source},
        state::AppState,
        transports::{chat, sse::BUSY_RETRY_MS},
    },
    wire::stream::RefusedCode,
};

const VERSION: HeaderName = HeaderName::from_static("x-vercel-ai-ui-message-stream");

/// What the client sends: the whole conversation. Fields that say nothing to us are passed over.
#[derive(Debug, Deserialize)]
pub struct Chat {
    /// What the client calls the conversation.
    pub id: Option<String>,
    pub messages: Vec<Message>,
    /// One of those that are set up; else the first.
    #[serde(default)]
    pub model: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct Message {
    #[serde(default)]
    pub id: String,
    pub role: String,
    #[serde(default)]
    pub parts: Vec<Value>,
}

pub async fn answer(state: &AppState, asking: &Asking, source: String, chat: Chat) -> Response {
    let Some(id) = chat.id else {
        return http_error::invalid_field("id", "a conversation of messages with parts has an id");
    };
    let mut given = Vec::with_capacity(chat.messages.len());
    for Message { id, role, parts } in chat.messages {
        let answer = match role.as_str() {
            "user" => false,
            "assistant" => true,
            _ => return http_error::invalid_field("messages", "a message's role is user or assistant"),
        };
        let texts = parts.iter().filter(|part| part["type"] == "text").filter_map(|part| part["text"].as_str());
        given.push(Given { id, answer, text: texts.collect::<Vec<_>>().join("\n\n") });
    }
    let permit = match admit(state, &source) {
        Ok(permit) => permit,
        Err(code) => return full(code),
    };
    let asker = asker::reading(state, asking, source);
    match state.assistant.answer_in(&asker, &id, given, chat.model.as_deref()).await {
        Ok(watched) => respond(state, asking, watched, permit),
        Err(error) => refuse(&error),
    }
}

/// 204 where nothing is being written.
pub async fn resume(
    State(state): State<AppState>,
    Extension(asking): Extension<Asking>,
    source: Option<Extension<Source>>,
    Path(id): Path<String>,
) -> Response {
    let source = source.map(|Extension(Source(source))| source).unwrap_or_default();
    let asker = asker::reading(&state, &asking, source.clone());
    let watched = match state.assistant.watch(&asker, &id).await {
        Ok(Some(watched)) => watched,
        Ok(None) => return StatusCode::NO_CONTENT.into_response(),
        Err(error) => return refuse(&error),
    };
    match admit(&state, &source) {
        Ok(permit) => respond(&state, &asking, watched, permit),
        Err(code) => full(code),
    }
}

pub async fn stop(
    State(state): State<AppState>,
    Extension(asking): Extension<Asking>,
    source: Option<Extension<Source>>,
    Path(id): Path<String>,
) -> Response {
    let asker = asker::reading(&state, &asking, source.map(|Extension(Source(source))| source).unwrap_or_default());
    match state.assistant.stop_chat(&asker, &id).await {
        Ok(stopped) => Json(json!({ "stopped": stopped })).into_response(),
        Err(error) => refuse(&error),
    }
}

/// A place for a stream to whoever asks from there, as all streams take one. Taken before an answer is begun, or nobody would
/// read it. Whoever has no address counts as one.
fn admit(state: &AppState, source: &str) -> Result<Permit, RefusedCode> {
    state.connections.admit(source.parse().unwrap_or(IpAddr::from([0, 0, 0, 0])))
}

fn full(code: RefusedCode) -> Response {
    let retry_ms = rand::rng().random_range(BUSY_RETRY_MS);
    http_error::refused(&refusal(code, None, retry_ms))
}

fn respond(state: &AppState, asking: &Asking, watched: Watched, permit: Permit) -> Response {
    let connections = state.connections.clone();
    let drained = Box::pin(async move { connections.drained().await });
    let heartbeat = Duration::from_millis(state.config.stream.heartbeat_ms);
    // The client asks for the rest when it is back: a drain just ends the stream.
    let bytes = stream::of(&state.topics, watched, asking.access.clone(), heartbeat).take_until(drained);
    // The place is given back with the stream.
    let bytes = bytes.map(move |bytes| {
        permit.wrote(1, bytes.len() as u64);
        Ok::<_, std::convert::Infallible>(bytes)
    });
    let mut response = Body::from_stream(bytes).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache, no-transform"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
        (VERSION, "v1"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn refuse(error: &ConversationError) -> Response {
    let words = error.to_string();
    match error {
        ConversationError::Chat(error) => chat::refuse(error),
        ConversationError::Unknown | ConversationError::Message => http_error::not_found(&words),
        ConversationError::Busy | ConversationError::Decided | ConversationError::Whole => http_error::conflict(&words),
        ConversationError::TooMany => http_error::too_many(&words),
        ConversationError::TooLong => http_error::too_large(&words),
        ConversationError::Store(error) => {
            tracing::error!(%error, "a conversation could not be reached");
            http_error::unavailable()
        }
        _ => http_error::invalid(&words),
    }
}
