//! `GET /api/rooms`: the rooms that whoever asks may enter, and what is unread in each. Made to be polled.

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};

use super::tag;
use crate::server::{
    features::rooms::{SHOWN, items},
    http_error,
    session::Asking,
    state::AppState,
};

pub async fn list(State(state): State<AppState>, Extension(asking): Extension<Asking>, headers: HeaderMap) -> Response {
    let person = asking.person.map(|person| person.id).unwrap_or_default();
    match state.store.rooms_of(&person, SHOWN).await {
        Ok(rooms) => {
            let rooms: Vec<_> = rooms.into_iter().map(items).collect();
            let tag = tag::of(&rooms);
            let common = [(header::ETAG, tag.as_str()), (header::CACHE_CONTROL, "private, no-cache")];
            if tag::is_held(&headers, &tag) { tag::not_modified(common) } else { (common, Json(rooms)).into_response() }
        }
        Err(error) => {
            tracing::error!(%error, "the rooms could not be read");
            http_error::unavailable()
        }
    }
}
