//! Errors of the HTTP interface: a status, and JSON that says why (`{"error":{"code":…,"message":…}}`).

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::wire::stream::{Refused, RefusedCode};

pub fn refused(refused: &Refused) -> Response {
    let status = match refused.code {
        RefusedCode::UnknownTopic => StatusCode::NOT_FOUND,
        RefusedCode::BadPosition | RefusedCode::TooManyTopics => StatusCode::BAD_REQUEST,
        RefusedCode::TooManyConnections => StatusCode::TOO_MANY_REQUESTS,
        RefusedCode::Overloaded | RefusedCode::Draining => StatusCode::SERVICE_UNAVAILABLE,
    };
    let mut response = error(status, &serde_json::json!(refused.code), &refused.message);
    if let Some(ms) = refused.retry_ms {
        // Whole seconds, rounded up (RFC 9110, 10.2.3).
        response.headers_mut().insert(header::RETRY_AFTER, ms.div_ceil(1_000).into());
    }
    response
}

pub fn not_found(message: &str) -> Response {
    error(StatusCode::NOT_FOUND, &serde_json::json!("not-found"), message)
}

pub fn invalid(message: &str) -> Response {
    error(StatusCode::UNPROCESSABLE_ENTITY, &serde_json::json!("invalid"), message)
}

fn error(status: StatusCode, code: &serde_json::Value, message: &str) -> Response {
    (status, Json(serde_json::json!({ "error": { "code": code, "message": message } }))).into_response()
}
