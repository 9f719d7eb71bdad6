//! `POST /api/chat` with the AI SDK's messages, `GET /api/chat/{id}/stream`, `POST /api/chat/{id}/stop`.

use std::time::Duration;

use axum::{
    Extension, Json,
    body::Body,
    extract::{Path, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use serde::Deserialize;
use serde_json::{Value, json};

use super::stream;
use crate::server::{
    asker,
    features::conversations::{ConversationError, Given, Watched},
    http_error,
    session::{Asking, Source},
    state::AppState,
    transports::chat,
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
    let asker = asker::reading(state, asking, source);
    match state.assistant.answer_in(&asker, &id, given, chat.model.as_deref()).await {
        Ok(watched) => respond(state, asking, watched),
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
    let asker = asker::reading(&state, &asking, source.map(|Extension(Source(source))| source).unwrap_or_default());
    match state.assistant.watch(&asker, &id).await {
        Ok(Some(watched)) => respond(&state, &asking, watched),
        Ok(None) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refuse(&error),
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

fn respond(state: &AppState, asking: &Asking, watched: Watched) -> Response {
    let connections = state.connections.clone();
    let drained = Box::pin(async move { connections.drained().await });
    let heartbeat = Duration::from_millis(state.config.stream.heartbeat_ms);
    // The client asks for the rest when it is back: a drain just ends the stream.
    let bytes = stream::of(&state.topics, watched, asking.access.clone(), heartbeat).take_until(drained);
    let mut response = Body::from_stream(bytes.map(Ok::<_, std::convert::Infallible>)).into_response();
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
        ConversationError::Busy | ConversationError::Reused | ConversationError::Decided | ConversationError::Whole => {
            http_error::conflict(&words)
        }
        ConversationError::TooMany => http_error::too_many(&words),
        ConversationError::TooLong => http_error::too_large(&words),
        ConversationError::Store(error) => {
            tracing::error!(%error, "a conversation could not be reached");
            http_error::unavailable()
        }
        _ => http_error::invalid(&words),
    }
}
