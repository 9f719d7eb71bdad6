//! `GET /api/rooms/{room}/messages?before=ID`: a room's newest messages, or those before one, and the position they are
//! true at.

use axum::{
    Extension, Json,
    extract::{Path, Query, State},
    http::header,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use crate::{
    server::{
        connections::refusal,
        features::{keys::Action, messages, rooms},
        http_error,
        session::{Asking, may},
        state::AppState,
    },
    wire::stream::RefusedCode,
};

#[derive(Debug, Deserialize)]
pub struct Asked {
    before: Option<u64>,
}

pub async fn messages(
    State(state): State<AppState>,
    Extension(asking): Extension<Asking>,
    Path(room): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    let unknown = || http_error::refused(&refusal(RefusedCode::UnknownTopic, None, 0));
    let Ok(topic) = rooms::topic(&room) else { return unknown() };
    match may(&state, &asking, Action::Read, &topic).await {
        Ok(true) => {}
        Ok(false) => return unknown(),
        Err(error) => {
            tracing::error!(%error, %topic, "whether this may be read could not be found out");
            return http_error::unavailable();
        }
    }
    match messages::history(&state.store, &room, asked.before, None).await {
        Ok((history, _)) => ([(header::CACHE_CONTROL, "no-store")], Json(history)).into_response(),
        Err(error) => {
            tracing::error!(%error, %topic, "messages could not be read");
            http_error::unavailable()
        }
    }
}
