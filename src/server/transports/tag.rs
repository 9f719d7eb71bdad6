//! Versions of what is polled: an answer that its reader holds already is not sent again (RFC 9110, 8.8.3 and 13.1.2).

use std::hash::{DefaultHasher, Hasher};

use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// The tag of an answer that has no version of its own. Another process may give another one, and then the same is sent
/// once more.
pub fn of(answer: &impl Serialize) -> String {
    let mut hasher = DefaultHasher::new();
    // What is sent is what is compared: if it had no JSON, it could not be sent either.
    hasher.write(&serde_json::to_vec(answer).unwrap_or_default());
    format!("\"{:016x}\"", hasher.finish())
}

/// Whether the request says that its sender holds this version.
pub fn is_held(headers: &HeaderMap, tag: &str) -> bool {
    let lines = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut held = lines.flat_map(|line| line.split(',')).map(|tag| tag.trim().trim_start_matches("W/"));
    held.any(|held| held == tag || held == "*")
}

pub fn not_modified(headers: impl IntoResponse) -> Response {
    let (parts, _) = headers.into_response().into_parts();
    let mut answer = StatusCode::NOT_MODIFIED.into_response();
    answer.headers_mut().extend(parts.headers);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_version_is_recognised_in_a_list_and_weak_too() {
        let asking = |line: &str| HeaderMap::from_iter([(header::IF_NONE_MATCH, line.parse().unwrap())]);
        for line in ["\"a\"", "W/\"a\"", "\"b\", \"a\"", "*"] {
            assert!(is_held(&asking(line), "\"a\""), "{line}");
        }
        for line in ["a", "\"b\"", "\"aa\"", ""] {
            assert!(!is_held(&asking(line), "\"a\""), "{line}");
        }
        assert!(!is_held(&HeaderMap::new(), "\"a\""));
        assert_ne!(of(&1), of(&2));
    }
}
