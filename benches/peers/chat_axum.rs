//! A peer for `scripts/bench-chat`: the article's route as it is written by hand with axum and reqwest, and no more. Nobody is
//! asked who they are, nothing is limited, counted or waited for, and each token is written as it comes.
//! `PORT=3200 ANTHROPIC_BASE_URL=http://127.0.0.1:4010 cargo run --release --features ssr --example peer_chat`

use std::{collections::VecDeque, sync::Arc};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use futures::{Stream, StreamExt, stream};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

const MODEL: &str = "claude-sonnet-4-6";
const MAX_TOKENS: u32 = 1_024;

#[derive(Clone, Debug)]
struct Provider {
    client: reqwest::Client,
    messages: Arc<str>,
}

#[derive(Debug, Deserialize)]
struct Question {
    messages: Vec<Value>,
}

/// Of an event, what the route looks at.
#[derive(Debug, Deserialize)]
struct Event {
    delta: Option<Delta>,
}

#[derive(Debug, Deserialize)]
struct Delta {
    text: Option<String>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    rlimit::increase_nofile_limit(u64::MAX)?;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let port = std::env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(3200);
    let base = std::env::var("ANTHROPIC_BASE_URL").map_err(|_| "ANTHROPIC_BASE_URL names the provider")?;
    let client = reqwest::Client::builder().tcp_nodelay(true).build()?;
    let provider = Provider { client, messages: format!("{base}/v1/messages").into() };
    let app = Router::new().route("/api/chat", post(answer)).with_state(provider);
    Ok(axum::serve(TcpListener::bind(("127.0.0.1", port)).await?, app).await?)
}

async fn answer(State(provider): State<Provider>, Json(question): Json<Question>) -> Response {
    let asked = json!({
        "model": MODEL, "max_tokens": MAX_TOKENS, "stream": true, "messages": question.messages,
    });
    let request = provider.client.post(&*provider.messages).json(&asked);
    match request.header("x-api-key", "key").header("anthropic-version", "2023-06-01").send().await {
        Ok(response) if response.status().is_success() => {
            let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")];
            (headers, Body::from_stream(frames(response))).into_response()
        }
        _ => StatusCode::BAD_GATEWAY.into_response(),
    }
}

/// Its tokens, each as soon as it is there, and the end.
fn frames(response: reqwest::Response) -> impl Stream<Item = reqwest::Result<Bytes>> {
    let reading = (response.bytes_stream().boxed(), Vec::new(), VecDeque::new(), false);
    stream::unfold(reading, async |(mut bytes, mut unread, mut frames, mut is_over)| {
        loop {
            if let Some(frame) = frames.pop_front() {
                return Some((Ok(frame), (bytes, unread, frames, is_over)));
            }
            if is_over {
                return None;
            }
            match bytes.next().await {
                Some(Ok(more)) => {
                    unread.extend_from_slice(&more);
                    frames.extend(read(&mut unread));
                }
                Some(Err(error)) => return Some((Err(error), (bytes, unread, frames, true))),
                None => {
                    is_over = true;
                    frames.push_back(Bytes::from_static(b"data: [DONE]\n\n"));
                }
            }
        }
    })
}

/// Takes the whole lines.
fn read(unread: &mut Vec<u8>) -> Vec<Bytes> {
    let Some(end) = unread.iter().rposition(|&byte| byte == b'\n') else { return Vec::new() };
    let lines: Vec<u8> = unread.drain(..=end).collect();
    let data = lines.split(|&byte| byte == b'\n').filter_map(|line| line.strip_prefix(b"data: "));
    let text = data.filter_map(|data| serde_json::from_slice::<Event>(data).ok()?.delta?.text);
    text.map(|text| format!("data: {}\n\n", json!({ "text": text })).into()).collect()
}
