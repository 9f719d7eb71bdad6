//! `GET /api/snapshot?topic=`: a topic's state and the position it is true at; `GET /api/head?topic=`: the position
//! alone, a hundred bytes for who only wants to know how far a topic has come.

use std::convert::identity;

use crate::{
    server::{
        connections::refusal,
        features::keys::Action,
        http_error,
        session::{Asking, may},
        state::AppState,
    },
    wire::{Topic, stream::RefusedCode},
};
use axum::{
    Extension,
    extract::{Query, State},
    http::header,
    response::{IntoResponse, Response},
};

/// All that stands in the query.
type Asked = Vec<(String, String)>;

pub async fn snapshot(
    State(state): State<AppState>,
    Extension(asking): Extension<Asking>,
    Query(asked): Query<Asked>,
) -> Response {
    readable(&state, &asking, &asked).await.map_or_else(identity, |topic| json(state.topics.snapshot(&topic)))
}

pub async fn head(
    State(state): State<AppState>,
    Extension(asking): Extension<Asking>,
    Query(asked): Query<Asked>,
) -> Response {
    let head = |topic| json(format!(r#"{{"topic":"{topic}","position":"{}"}}"#, state.topics.head(&topic)));
    readable(&state, &asking, &asked).await.map_or_else(identity, head)
}

/// The topic, in memory; what one may not read does not exist.
async fn readable(state: &AppState, asking: &Asking, asked: &Asked) -> Result<Topic, Response> {
    let mut named = asked.iter().filter(|(key, _)| key == "topic").map(|(_, topic)| topic);
    let (Some(topic), None) = (named.next(), named.next()) else {
        let words = "a snapshot is of one topic, and so is a head: ?topic=feed";
        let one = refusal(RefusedCode::UnknownTopic, Some(words.to_owned()), 0);
        return Err(http_error::refused(&one));
    };
    let unknown = || http_error::refused(&refusal(RefusedCode::UnknownTopic, None, 0));
    let topic: Topic = topic.parse().map_err(|_| unknown())?;
    match may(state, asking, Action::Read, &topic).await {
        Ok(true) => {}
        Ok(false) => return Err(unknown()),
        Err(error) => {
            tracing::error!(%error, %topic, "whether this may be read could not be found out");
            return Err(http_error::unavailable());
        }
    }
    match state.topics.warm(&topic).await {
        Ok(()) => Ok(topic),
        Err(error) => {
            tracing::error!(%error, %topic, "a topic could not be read");
            Err(http_error::unavailable())
        }
    }
}

fn json(body: impl IntoResponse) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (headers, body).into_response()
}
