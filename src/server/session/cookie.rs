//! The cookie that a visitor is known by. `identify.rs` reads and gives it; whoever signs in (`api/sign_in.rs`) is given
//! another.

use axum::{
    http::{HeaderMap, header},
    response::IntoResponse,
};
use axum_extra::extract::cookie::{Cookie, SameSite, SignedCookieJar};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

use crate::server::state::AppState;

pub(super) const COOKIE: &str = "tidemark_session";

/// As long as browsers keep a cookie (400 days), in seconds.
const COOKIE_SECONDS: i64 = 400 * 24 * 60 * 60;

/// From the next request on, the browser that is being answered has this session.
pub fn become_(state: &AppState, session: &str) {
    let jar = SignedCookieJar::from_headers(&HeaderMap::new(), state.key.clone());
    let signed = jar.add(cookie(session.to_owned(), state.config.secure_cookies)).into_response();
    let set = signed.headers().get(header::SET_COOKIE).cloned();
    if let (Some(set), Some(response)) = (set, use_context::<ResponseOptions>()) {
        response.append_header(header::SET_COOKIE, set);
    }
}

pub(super) fn cookie(session: String, secure: bool) -> Cookie<'static> {
    Cookie::build((COOKIE, session))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(secure)
        .max_age(time::Duration::seconds(COOKIE_SECONDS))
        .build()
}
