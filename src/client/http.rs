//! Small requests beside the stream, with the browser's own `fetch`.

use js_sys::futures::JsFuture;
use leptos::prelude::window;
use wasm_bindgen::JsCast;
use web_sys::{Headers, RequestInit, Response};

use super::json;
use crate::wire::{Position, Topic, stream::Notice};

const JSON: &str = "application/json";

/// How far a topic has come, asked for by itself and not over the stream. Nothing if the server cannot be reached or
/// does not say.
pub async fn head(topic: &Topic) -> Option<Position> {
    let answer = get(&["/api/head?topic=", &topic.to_string()].concat()).await?;
    json::parse::<Notice>(&answer.text)?.position
}

/// Sends one field to a server function as its form would. The error is what the server tells people.
pub async fn submit_form(url: &str, name: &str, value: &str) -> Result<(), String> {
    let Some(answer) = post(url, "application/x-www-form-urlencoded", &[name, "=", value].concat()).await else {
        return Err("The server cannot be reached.".to_owned());
    };
    if answer.ok {
        return Ok(());
    }
    let message = json::parse::<Notice>(&answer.text).and_then(|notice| notice.message);
    Err(message.unwrap_or_else(|| "Something went wrong on the server.".to_owned()))
}

/// What the server says at this address, if it is a `T` that it says with success.
pub async fn fetch<T: serde::de::DeserializeOwned>(url: &str) -> Option<T> {
    json::parse(&get(url).await.filter(|answer| answer.ok)?.text)
}

/// `POST` of JSON, and the answer's text whatever its status. Nothing if the server cannot be reached.
pub async fn answer_to(url: &str, json: String) -> Option<String> {
    Some(post(url, JSON, &json).await?.text)
}

/// `POST` of JSON; whether it was accepted.
pub async fn post_json(url: &str, json: String) -> bool {
    post(url, JSON, &json).await.is_some_and(|answer| answer.ok)
}

struct Answer {
    /// It has a status of success.
    ok: bool,
    text: String,
}

async fn get(url: &str) -> Option<Answer> {
    ask(url, &RequestInit::new()).await
}

async fn post(url: &str, kind: &str, body: &str) -> Option<Answer> {
    let (init, headers) = (RequestInit::new(), Headers::new().ok()?);
    headers.set("content-type", kind).ok()?;
    init.set_method("POST");
    init.set_headers(&headers);
    init.set_body(&body.into());
    ask(url, &init).await
}

/// Nothing if the server cannot be reached, or its answer breaks off.
async fn ask(url: &str, init: &RequestInit) -> Option<Answer> {
    let response = JsFuture::from(window().fetch_with_str_and_init(url, init)).await.ok()?;
    let response: Response = response.dyn_into().ok()?;
    let text = JsFuture::from(response.text().ok()?).await.ok()?;
    Some(Answer { ok: response.ok(), text: text.as_string()? })
}
