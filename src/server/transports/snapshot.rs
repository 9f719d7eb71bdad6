//! `GET /api/snapshot?topic=`: a topic's state and the position it is true at; `GET /api/head?topic=`: the position
//! alone, a hundred bytes for who only wants to know how far a topic has come.

use axum::{
    extract::{Query, State},
    http::header,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use crate::{
    server::{
        connections::refusal,
        http_error,
        session::{Action, may},
        state::AppState,
    },
    wire::{Topic, stream::RefusedCode},
};

#[derive(Debug, Deserialize)]
pub struct Asked {
    #[serde(default)]
    topic: String,
}

pub async fn snapshot(State(state): State<AppState>, Query(asked): Query<Asked>) -> Response {
    readable(&state, &asked).map_or_else(unknown, |topic| json(state.topics.snapshot(&topic)))
}

pub async fn head(State(state): State<AppState>, Query(asked): Query<Asked>) -> Response {
    let head = |topic| json(format!(r#"{{"topic":"{topic}","position":"{}"}}"#, state.topics.head(&topic)));
    readable(&state, &asked).map_or_else(unknown, head)
}

fn readable(state: &AppState, asked: &Asked) -> Option<Topic> {
    asked.topic.parse().ok().filter(|topic| may(state, Action::Read, topic))
}

/// What one may not read does not exist.
fn unknown() -> Response {
    http_error::refused(&refusal(RefusedCode::UnknownTopic, None, 0))
}

fn json(body: impl IntoResponse) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (headers, body).into_response()
}
