//! Small requests beside the stream. All of them are one `async` function: each other future is code for every visitor.

use gloo_net::http::Request;

use super::json;
use crate::wire::{Position, Topic, stream::Notice};

/// How far a topic has come, asked for by itself and not over the stream. Nothing if the server cannot be reached or
/// does not say.
pub async fn head(topic: &Topic) -> Option<Position> {
    let answer = get(&["/api/head?topic=", &topic.to_string()].concat()).await?;
    json::parse::<Notice>(&answer.text)?.position
}

/// Sends one field to a server function as its form would. The error is what the server tells people.
pub async fn submit_form(url: &str, name: &str, value: &str) -> Result<(), String> {
    submit(url, [name, "=", value].concat()).await.map_err(|words| words.unwrap_or_else(|| UNREACHABLE.to_owned()))
}

pub const UNREACHABLE: &str = "The server cannot be reached.";

/// Sends a form's fields, encoded as browsers do. The error is what the server tells people; nothing if it cannot be
/// reached, and nobody knows whether it has heard.
pub async fn submit(url: &str, fields: String) -> Result<(), Option<String>> {
    let Some(answer) = post(url, "application/x-www-form-urlencoded", fields).await else { return Err(None) };
    if answer.ok { Ok(()) } else { Err(Some(why(&answer.text))) }
}

/// What the server tells people of a request that has failed.
pub fn why(answer: &str) -> String {
    let message = json::parse::<Notice>(answer).and_then(|notice| notice.message);
    message.unwrap_or_else(|| "Something went wrong on the server.".to_owned())
}

/// What the server says at this address, if it is a `T` that it says with success.
pub async fn fetch<T: serde::de::DeserializeOwned>(url: &str) -> Option<T> {
    let answer = get(url).await.filter(|answer| answer.ok)?;
    json::parse(&answer.text)
}

/// What the server says at this address, if it says it with success.
pub async fn fetch_text(url: &str) -> Option<String> {
    Some(get(url).await.filter(|answer| answer.ok)?.text)
}

/// `POST` of JSON, and the answer's text whatever its status. Nothing if the server cannot be reached.
pub async fn answer_to(url: &str, json: String) -> Option<String> {
    Some(post(url, JSON, json).await?.text)
}

/// Whether the server answers at all.
pub async fn gets_through() -> bool {
    get("/healthz").await.is_some_and(|answer| answer.ok)
}

/// `POST` of JSON; whether it was accepted.
pub async fn post_json(url: &str, json: String) -> bool {
    post(url, JSON, json).await.is_some_and(|answer| answer.ok)
}

const JSON: &str = "application/json";

/// All of an answer.
struct Answer {
    ok: bool,
    text: String,
}

async fn get(url: &str) -> Option<Answer> {
    ask(Request::get(url).build().ok()?).await
}

async fn post(url: &str, kind: &str, body: String) -> Option<Answer> {
    ask(Request::post(url).header("content-type", kind).body(body).ok()?).await
}

/// Nothing if the server cannot be reached, or its answer breaks off.
async fn ask(request: Request) -> Option<Answer> {
    let response = request.send().await.ok()?;
    Some(Answer { ok: response.ok(), text: response.text().await.ok()? })
}
