//! `GET /api/conversations`, `GET /api/conversations/{id}`: one's conversations with the assistant, and one as it is shown.

use axum::{
    Extension, Json,
    extract::{Path, Query, State},
    http::header,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use crate::server::{http_error, session::Asking, state::AppState, store::StoreError};

/// So many are listed.
pub const SHOWN: u32 = 200;

#[derive(Debug, Deserialize)]
pub struct Asked {
    /// What is looked for.
    #[serde(default)]
    q: String,
}

pub async fn list(
    State(state): State<AppState>,
    Extension(asking): Extension<Asking>,
    Query(asked): Query<Asked>,
) -> Response {
    let Some(person) = asking.person.filter(|_| !asking.unwritten) else {
        return http_error::unauthorized("conversations are listed for whoever a page's cookie belongs to");
    };
    answer(state.assistant.list(&person.id, &asked.q, SHOWN).await)
}

pub async fn one(
    State(state): State<AppState>,
    Extension(asking): Extension<Asking>,
    Path(id): Path<String>,
) -> Response {
    let person = asking.person.as_ref().map(|person| person.id.as_str());
    match state.assistant.view(&id, person).await {
        Ok(None) => http_error::not_found("there is no such conversation, or it is not for you"),
        shown => answer(shown),
    }
}

fn answer(found: Result<impl serde::Serialize, StoreError>) -> Response {
    match found {
        Ok(found) => ([(header::CACHE_CONTROL, "private, no-store")], Json(found)).into_response(),
        Err(error) => {
            tracing::error!(%error, "conversations could not be read");
            http_error::unavailable()
        }
    }
}
