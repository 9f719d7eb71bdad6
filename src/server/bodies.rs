//! How long the body of a request may be.

use axum::{
    extract::{DefaultBodyLimit, Request, State},
    middleware::Next,
    response::Response,
};

use super::state::AppState;

/// A body is never longer, in bytes: what people send here are small commands.
pub const BODY_BYTES: usize = 64 * 1024;

/// But for questions to the assistant.
const QUESTION: &str = "/api/fn/ask-assistant";

/// How forms send a character, at the longest: four bytes of three letters (`%F0%9F%8C%8A`).
const FORM_CHAR: usize = 12;

/// And what else is in one.
const AROUND: usize = 4 * 1024;

/// Of what is sent to this path: whatever may be said fits, in any script. What is too long then has words that fit it.
pub fn most(state: &AppState, path: &str) -> usize {
    let question = state.config.assistant.message_chars as usize * FORM_CHAR + AROUND;
    if path == QUESTION { BODY_BYTES.max(question) } else { BODY_BYTES }
}

/// What is longer is refused by whoever reads it.
pub async fn limit(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    DefaultBodyLimit::max(most(&state, request.uri().path())).apply(&mut request);
    next.run(request).await
}
