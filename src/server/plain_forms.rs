//! Forms that are sent without JavaScript. One that fails is shown again with what was typed into it, which is kept
//! for a minute, in memory, for the session that sent it: it would not fit into a cookie, and has no place in an address.
//! One that comes too fast goes back to its page like any other that fails. `flash.rs` has what the page then says.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Form,
    body::{Body, Bytes},
    extract::{FromRequest, Request, State},
    http::{HeaderMap, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use leptos::prelude::use_context;

use super::{bodies, flash, http_error, session::Asking, state::AppState};

/// What was typed is kept for so long: the browser asks for the page at once.
const KEPT: Duration = Duration::from_secs(60);

/// For so many sessions at once, and so many bytes in all; beyond, the newest is not kept. The limit on writes makes that hard
/// to reach.
const SESSIONS: usize = 1_000;
const KEPT_BYTES: usize = 64 * 1024 * 1024;

/// The fields of forms that failed, by session.
#[derive(Debug, Default)]
pub struct Typed(Mutex<HashMap<String, Kept>>);

#[derive(Debug)]
struct Kept {
    form: String,
    fields: Vec<(String, String)>,
    until: Instant,
}

/// What was typed into a form, to be shown in it again. Mostly nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

/// Set by `flash::answer` when a form has failed.
#[derive(Clone, Debug, Default)]
pub struct Failed(Arc<AtomicBool>);

impl Fields {
    pub fn get(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(field, _)| field == name).map(|(_, text)| text.clone())
    }
}

impl Failed {
    /// The form of the request that is being answered has failed.
    pub fn note() {
        let parts = use_context::<Parts>();
        if let Some(failed) = parts.as_ref().and_then(|parts| parts.extensions.get::<Self>()) {
            failed.0.store(true, Ordering::Relaxed);
        }
    }
}

impl Typed {
    fn keep(&self, session: &str, form: &str, fields: Vec<(String, String)>, now: Instant) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, kept| now < kept.until);
        let length =
            |fields: &[(String, String)]| fields.iter().map(|(name, text)| name.len() + text.len()).sum::<usize>();
        let bytes = kept.values().map(|kept| length(&kept.fields)).sum::<usize>() + length(&fields);
        if kept.len() < SESSIONS && bytes <= KEPT_BYTES {
            kept.insert(session.to_owned(), Kept { form: form.to_owned(), fields, until: now + KEPT });
        }
    }

    /// What this session typed into this form, if it failed just now. It is gone afterwards.
    fn take(&self, session: &str, form: &str, now: Instant) -> Fields {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match kept.remove(session) {
            Some(found) if found.form == form && now < found.until => Fields(found.fields),
            Some(other) if now < other.until => {
                // Another form on the same page.
                kept.insert(session.to_owned(), other);
                Fields::default()
            }
            _ => Fields::default(),
        }
    }
}

/// What the visitor whose page is being rendered typed into this form (a server function's path), if it failed.
pub fn typed(form: &str) -> Fields {
    let session = Asking::current().session;
    session.map_or_else(Fields::default, |session| AppState::current().typed.take(&session, form, Instant::now()))
}

/// Around everything that a plain form may be sent to.
pub async fn watch(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if !is_plain_form(request.method(), request.uri().path(), request.headers()) {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let most = bodies::most(&state, parts.uri.path());
    let Ok(bytes) = axum::body::to_bytes(body, most).await else {
        return http_error::too_large(&format!("a form has at most {most} bytes"));
    };
    let failed = Failed::default();
    parts.extensions.insert(failed.clone());
    let (form, headers) = (parts.uri.path().to_owned(), parts.headers.clone());
    let session = parts.extensions.get::<Asking>().and_then(|asking| asking.session.clone());
    let answer = next.run(Request::from_parts(parts, Body::from(bytes.clone()))).await;
    let too_fast = answer.status() == StatusCode::TOO_MANY_REQUESTS;
    if let Some(session) = session.filter(|_| too_fast || failed.0.load(Ordering::Relaxed)) {
        state.typed.keep(&session, &form, fields(&headers, bytes).await, Instant::now());
    }
    if too_fast { flash::back(&state, &headers, &too_fast_in_words(&answer)).into_response() } else { answer }
}

fn too_fast_in_words(answer: &Response) -> String {
    let seconds = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()).unwrap_or("1");
    format!("That was too fast. Try again in {seconds} s.")
}

fn is_plain_form(method: &Method, path: &str, headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    *method == Method::POST
        && path.starts_with("/api/fn/")
        && text(header::ACCEPT).contains("text/html")
        && text(header::CONTENT_TYPE).starts_with("application/x-www-form-urlencoded")
}

/// Nothing of a body that is no form.
async fn fields(headers: &HeaderMap, bytes: Bytes) -> Vec<(String, String)> {
    let mut request = Request::new(Body::from(bytes));
    *request.method_mut() = Method::POST;
    *request.headers_mut() = headers.clone();
    Form::<Vec<(String, String)>>::from_request(request, &()).await.map_or_else(|_| Vec::new(), |Form(fields)| fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_is_its_session_s_and_its_form_s_and_taken_once() {
        let (typed, now) = (Typed::default(), Instant::now());
        let fields = || vec![("title".to_owned(), "x".repeat(61))];
        typed.keep("a", "/api/fn/create-room", fields(), now);
        assert_eq!(typed.take("b", "/api/fn/create-room", now), Fields::default());
        assert_eq!(typed.take("a", "/api/fn/rename-room", now), Fields::default());
        assert_eq!(typed.take("a", "/api/fn/create-room", now).get("title"), Some("x".repeat(61)));
        assert_eq!(typed.take("a", "/api/fn/create-room", now), Fields::default());
        typed.keep("a", "/api/fn/create-room", fields(), now);
        assert_eq!(typed.take("a", "/api/fn/create-room", now + KEPT), Fields::default(), "not for ever");
        let long = || vec![("text".to_owned(), "x".repeat(KEPT_BYTES / 2))];
        for session in ["a", "b", "c"] {
            typed.keep(session, "/api/fn/ask-assistant", long(), now);
        }
        let is_kept = |session| typed.take(session, "/api/fn/ask-assistant", now) != Fields::default();
        assert_eq!(["a", "b", "c"].map(is_kept), [true, false, false], "not as much as anybody sends");
    }
}
