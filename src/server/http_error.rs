//! Errors of the HTTP interface: a status, and JSON that says why (`{"error":{"code":…,"message":…}}`).

use std::time::Duration;

use axum::{
    Json,
    extract::rejection::JsonRejection,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::wire::stream::{Refused, RefusedCode};

pub fn refused(refused: &Refused) -> Response {
    let status = match refused.code {
        RefusedCode::UnknownTopic => StatusCode::NOT_FOUND,
        RefusedCode::BadPosition | RefusedCode::TooManyTopics => StatusCode::BAD_REQUEST,
        RefusedCode::SignedOut => StatusCode::UNAUTHORIZED,
        RefusedCode::TooManyConnections => StatusCode::TOO_MANY_REQUESTS,
        RefusedCode::Overloaded | RefusedCode::Draining => StatusCode::SERVICE_UNAVAILABLE,
    };
    let mut response = error(status, &serde_json::json!(refused.code), &refused.message);
    if let Some(ms) = refused.retry_ms {
        // Whole seconds, rounded up (RFC 9110, 10.2.3).
        response.headers_mut().insert(header::RETRY_AFTER, ms.div_ceil(1_000).into());
    }
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, BEARER);
    }
    response
}

/// How to say who one is (RFC 9110, 15.5.2).
const BEARER: header::HeaderValue = header::HeaderValue::from_static("Bearer");

pub fn not_found(message: &str) -> Response {
    error(StatusCode::NOT_FOUND, &serde_json::json!("not-found"), message)
}

pub fn invalid(message: &str) -> Response {
    error(StatusCode::UNPROCESSABLE_ENTITY, &serde_json::json!("invalid"), message)
}

/// The same, and which field is wrong.
pub fn invalid_field(field: &str, message: &str) -> Response {
    let error = serde_json::json!({ "error": { "code": "invalid", "field": field, "message": message } });
    (StatusCode::UNPROCESSABLE_ENTITY, Json(error)).into_response()
}

pub fn malformed(message: &str) -> Response {
    error(StatusCode::BAD_REQUEST, &serde_json::json!("malformed"), message)
}

/// It was there.
pub fn gone(message: &str) -> Response {
    error(StatusCode::GONE, &serde_json::json!("gone"), message)
}

/// Somebody has as much as they may; when that changes is not known.
pub fn too_many(message: &str) -> Response {
    let mut response = error(StatusCode::TOO_MANY_REQUESTS, &serde_json::json!("too-many"), message);
    response.headers_mut().insert(header::RETRY_AFTER, 5.into());
    response
}

/// A body that is too large, of another type, or not what was expected.
pub fn rejected(rejection: &JsonRejection) -> Response {
    let status = match rejection.status() {
        StatusCode::BAD_REQUEST => StatusCode::UNPROCESSABLE_ENTITY,
        status => status,
    };
    error(status, &serde_json::json!("invalid"), &rejection.body_text())
}

/// What a library refused with words or without, said as all else is.
pub fn of_status(status: StatusCode, words: &str) -> Response {
    let (code, usual) = match status {
        StatusCode::FORBIDDEN => ("forbidden", "requests from pages of other sites are not accepted here"),
        StatusCode::METHOD_NOT_ALLOWED => ("method-not-allowed", "this address does not take that method"),
        StatusCode::PAYLOAD_TOO_LARGE => ("too-large", "the request is too large"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ("unsupported-media-type", "the request's content type is not taken"),
        _ => ("malformed", "the request cannot be read"),
    };
    // What a library says of a body that is too long is about its own inside.
    let usual_is_better = words.is_empty() || status == StatusCode::PAYLOAD_TOO_LARGE;
    error(status, &serde_json::json!(code), if usual_is_better { usual } else { words })
}

/// Who is asking has to say who they are first.
pub fn unauthorized(message: &str) -> Response {
    let mut response = error(StatusCode::UNAUTHORIZED, &serde_json::json!("unauthorized"), message);
    response.headers_mut().insert(header::WWW_AUTHENTICATE, BEARER);
    response
}

pub fn conflict(message: &str) -> Response {
    error(StatusCode::CONFLICT, &serde_json::json!("conflict"), message)
}

pub fn too_large(message: &str) -> Response {
    error(StatusCode::PAYLOAD_TOO_LARGE, &serde_json::json!("too-large"), message)
}

/// Somebody writes faster than they may.
pub fn too_fast(wait: Duration) -> Response {
    let words = format!("that was too fast; try again in {} s", seconds(wait));
    too_many_until("too-fast", &words, wait)
}

/// Somebody has had as much as they may, until then.
pub fn too_many_until(code: &str, message: &str, wait: Duration) -> Response {
    let mut response = error(StatusCode::TOO_MANY_REQUESTS, &serde_json::json!(code), message);
    response.headers_mut().insert(header::RETRY_AFTER, seconds(wait).into());
    response
}

/// Something that we need has no room now, and may in a while.
pub fn unavailable_because(code: &str, message: &str, wait: Duration) -> Response {
    let mut response = error(StatusCode::SERVICE_UNAVAILABLE, &serde_json::json!(code), message);
    response.headers_mut().insert(header::RETRY_AFTER, seconds(wait).into());
    response
}

/// Somebody whom we asked did not answer as they should, or in time.
pub fn upstream(code: &str, message: &str, too_late: bool) -> Response {
    let status = if too_late { StatusCode::GATEWAY_TIMEOUT } else { StatusCode::BAD_GATEWAY };
    error(status, &serde_json::json!(code), message)
}

/// The store cannot be reached now.
pub fn unavailable() -> Response {
    let words = "the server cannot reach its data; try again in a moment";
    let mut response = error(StatusCode::SERVICE_UNAVAILABLE, &serde_json::json!("unavailable"), words);
    response.headers_mut().insert(header::RETRY_AFTER, 5.into());
    response
}

/// Whole seconds, rounded up (RFC 9110, 10.2.3).
fn seconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX).max(1)
}

fn error(status: StatusCode, code: &serde_json::Value, message: &str) -> Response {
    (status, Json(serde_json::json!({ "error": { "code": code, "message": message } }))).into_response()
}
