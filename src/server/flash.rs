//! What a form that was sent without JavaScript has to say on the next page: a cookie that lives for one minute and
//! is shown once. It never stands in the address, where it would be shared and shown again.

use axum::{
    http::{HeaderMap, HeaderValue, header, request::Parts},
    response::{IntoResponse, Redirect},
};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

use super::{plain_forms::Failed, state::AppState};
use crate::error::AppError;

const COOKIE: &str = "tidemark_flash";

/// What fits into a cookie with room to spare.
const MESSAGE_BYTES: usize = 512;

/// Whether the request in hand is a plain form's: its answer is a page and not JSON.
pub fn is_plain_form() -> bool {
    let accepts_html = |parts: Parts| {
        parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|v| v.contains("text/html"))
    };
    use_context::<Parts>().is_some_and(accepts_html)
}

/// Ends a server function. A plain form goes back to the page it came from, which shows the error; with JavaScript the
/// result is the answer itself, and this hands it on.
pub fn answer(result: Result<(), AppError>) -> Result<(), AppError> {
    let page = page_before();
    answer_at(result, &page)
}

/// The same, but a plain form goes on to `page`.
pub fn answer_at(result: Result<(), AppError>, page: &str) -> Result<(), AppError> {
    if !is_plain_form() {
        return result;
    }
    if let Err(error) = result {
        Failed::note();
        say(&error.message);
    }
    leptos_axum::redirect(page);
    Ok(())
}

/// Says something on the next page, once.
pub fn say(text: &str) {
    if let Some(response) = is_plain_form().then(use_context::<ResponseOptions>).flatten() {
        set(&response, &encode(&text[..text.floor_char_boundary(MESSAGE_BYTES)]), 60);
    }
}

/// Sends a plain form back to its page, which says this. For what answers before a server function does.
pub fn back(state: &AppState, headers: &HeaderMap, words: &str) -> impl IntoResponse + use<> {
    let said = encode(&words[..words.floor_char_boundary(MESSAGE_BYTES)]);
    ([(header::SET_COOKIE, cookie(state, &said, 60))], Redirect::to(&referring_page(headers)))
}

fn page_before() -> String {
    use_context::<Parts>().map_or_else(|| "/".to_owned(), |parts| referring_page(&parts.headers))
}

/// Path and query of the page that the form stood on; never another site's, whatever the header says.
fn referring_page(headers: &HeaderMap) -> String {
    let referer = headers.get(header::REFERER).and_then(|referer| referer.to_str().ok()?.parse().ok());
    let path =
        referer.as_ref().and_then(|uri: &axum::http::Uri| uri.path_and_query()).map_or("/", |path| path.as_str());
    // Two slashes would name a host.
    format!("/{}", path.trim_start_matches('/'))
}

/// Takes the kept message, which is then gone.
pub fn take() -> Option<String> {
    let parts = use_context::<Parts>()?;
    let message = decode(read(&parts.headers)?)?;
    set(&use_context::<ResponseOptions>()?, "", 0);
    Some(message)
}

fn read(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value).filter(|value| !value.is_empty())
}

fn set(response: &ResponseOptions, value: &str, max_age: u32) {
    if let Ok(value) = HeaderValue::from_str(&cookie(&AppState::current(), value, max_age)) {
        response.append_header(header::SET_COOKIE, value);
    }
}

fn cookie(state: &AppState, value: &str, max_age: u32) -> String {
    let secure = if state.config.secure_cookies { "; Secure" } else { "" };
    format!("{COOKIE}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}")
}

/// Hexadecimal: safe in a cookie whatever the text.
fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// The cookie may be anybody's invention: it is bounded, has to be UTF-8, and is shown as text only.
fn decode(hex: &str) -> Option<String> {
    if hex.len() > 2 * MESSAGE_BYTES || hex.len() % 2 == 1 || !hex.is_ascii() {
        return None;
    }
    let bytes = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok());
    String::from_utf8(bytes.collect::<Option<Vec<_>>>()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_survives_the_cookie_and_inventions_do_not() {
        assert_eq!(decode(&encode("zu früh; try=again")).as_deref(), Some("zu früh; try=again"));
        for bad in ["zz", "abc", "ff", "é", &"61".repeat(600)] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
