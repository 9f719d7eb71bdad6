//! Small requests beside the stream.

use gloo_net::http::Request;

use super::json;
use crate::wire::{Position, Topic, stream::Notice};

/// How far a topic has come, asked for by itself and not over the stream. Nothing if the server cannot be reached or
/// does not say.
pub async fn head(topic: &Topic) -> Option<Position> {
    let response = Request::get(&["/api/head?topic=", &topic.to_string()].concat()).send().await.ok()?;
    json::parse::<Notice>(&response.text().await.ok()?)?.position
}

/// Sends one field to a server function as its form would. The error is what the server tells people.
pub async fn submit_form(url: &str, name: &str, value: &str) -> Result<(), String> {
    submit(url, [name, "=", value].concat()).await.map_err(|words| words.unwrap_or_else(|| UNREACHABLE.to_owned()))
}

pub const UNREACHABLE: &str = "The server cannot be reached.";

/// Sends a form's fields, encoded as browsers do. The error is what the server tells people; nothing if it cannot be
/// reached, and nobody knows whether it has heard.
pub async fn submit(url: &str, fields: String) -> Result<(), Option<String>> {
    let request = Request::post(url).header("content-type", "application/x-www-form-urlencoded");
    let response = request.body(fields).map_err(|_| None)?.send().await.map_err(|_| None)?;
    if response.ok() {
        return Ok(());
    }
    let text = response.text().await.map_err(|_| None)?;
    let message = json::parse::<Notice>(&text).and_then(|notice| notice.message);
    Err(Some(message.unwrap_or_else(|| "Something went wrong on the server.".to_owned())))
}

/// What the server says at this address, if it is a `T` that it says with success.
pub async fn fetch<T: serde::de::DeserializeOwned>(url: &str) -> Option<T> {
    let response = Request::get(url).send().await.ok().filter(|response| response.ok())?;
    json::parse(&response.text().await.ok()?)
}

/// `POST` of JSON, and the answer's text whatever its status. Nothing if the server cannot be reached.
pub async fn answer_to(url: &str, json: String) -> Option<String> {
    let request = Request::post(url).header("content-type", "application/json").body(json).ok()?;
    request.send().await.ok()?.text().await.ok()
}

/// Whether the server answers at all.
pub async fn gets_through() -> bool {
    Request::get("/healthz").send().await.is_ok_and(|response| response.ok())
}

/// `POST` of JSON; whether it was accepted.
pub async fn post_json(url: &str, json: String) -> bool {
    let Ok(request) = Request::post(url).header("content-type", "application/json").body(json) else { return false };
    request.send().await.is_ok_and(|response| response.ok())
}
