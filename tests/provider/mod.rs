//! A fake of a language model's provider: Anthropic's Messages API or OpenAI's chat completions, behaving as it is told.

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Anthropic,
    OpenAi,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    Answer,
    BusyTwice,
    Busy,
    BreakInTheMiddle,
    Refuse,
    KeyIsWrong,
    SayNothing,
    Garbage,
    EndAtOnce,
    FallSilent,
    Endless,
}

pub struct Provider {
    pub kind: Kind,
    pub url: String,
    shared: Arc<Shared>,
    stop: CancellationToken,
}

struct Shared {
    kind: Kind,
    does: Does,
    requests: Mutex<Vec<Value>>,
    open: AtomicUsize,
}

/// Counts an answer while it is being read.
struct Open(Arc<Shared>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Provider {
    pub async fn new(kind: Kind, does: Does) -> Self {
        let shared = Arc::new(Shared { kind, does, requests: Mutex::default(), open: AtomicUsize::new(0) });
        let router = Router::new()
            .route("/v1/messages", post(answer))
            .route("/v1/chat/completions", post(answer))
            .with_state(shared.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                served = axum::serve(listener, router).into_future() => served.expect("served"),
                () = stopped.cancelled() => {}
            }
        });
        Self { kind, url, shared, stop }
    }

    pub fn requests(&self) -> Vec<Value> {
        self.shared.requests.lock().expect("unpoisoned").clone()
    }

    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until nobody reads an answer any more.
    pub async fn all_are_gone(&self) {
        let gone = async {
            while self.shared.open.load(Ordering::SeqCst) > 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), gone).await.expect("they stop");
    }
}

async fn answer(State(shared): State<Arc<Shared>>, headers: HeaderMap, Json(request): Json<Value>) -> Response {
    let number = {
        let mut requests = shared.requests.lock().expect("unpoisoned");
        requests.push(request.clone());
        requests.len()
    };
    if let Some(wrong) = wrong(shared.kind, &headers, &request) {
        return error(StatusCode::BAD_REQUEST, wrong);
    }
    let busy = || {
        let status = if shared.kind == Kind::Anthropic { 529 } else { 429 };
        let mut response = error(StatusCode::from_u16(status).expect("a status"), "Overloaded");
        response.headers_mut().insert("retry-after-ms", 15.into());
        response
    };
    let events = events(shared.kind);
    match shared.does {
        Does::BusyTwice if number <= 2 => busy(),
        Does::Busy => busy(),
        Does::Refuse => error(StatusCode::BAD_REQUEST, "too many tokens"),
        Does::KeyIsWrong => error(StatusCode::UNAUTHORIZED, "wrong key sk-secret"),
        Does::SayNothing => std::future::pending().await,
        Does::Garbage => body(&shared, vec!["data: {\"type\":\n\n".into()], Does::Answer),
        Does::EndAtOnce => body(&shared, vec![], Does::Answer),
        Does::BreakInTheMiddle => body(&shared, half(&events), Does::Answer),
        Does::FallSilent | Does::Endless => body(&shared, half(&events), shared.does),
        Does::Answer | Does::BusyTwice => body(&shared, vec![events], Does::Answer),
    }
}

/// What a real provider would not accept.
fn wrong(kind: Kind, headers: &HeaderMap, request: &Value) -> Option<&'static str> {
    let last = request["messages"].as_array().and_then(|messages| messages.last());
    match kind {
        Kind::Anthropic if !headers.contains_key("x-api-key") => Some("no key"),
        Kind::Anthropic if headers.get("anthropic-version").is_none_or(|v| v != "2023-06-01") => Some("no version"),
        Kind::Anthropic if request["max_tokens"].as_u64().is_none_or(|most| most == 0) => {
            Some("max_tokens is required")
        }
        _ if request["stream"] != true => Some("not streamed"),
        _ if request["model"].as_str().is_none_or(str::is_empty) => Some("no model"),
        _ if last.is_none_or(|last| last["role"] != "user") => Some("the conversation must end with a user message"),
        _ => None,
    }
}

fn error(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "type": "error", "error": { "type": "some_error", "message": message } }))).into_response()
}

/// A whole answer with everything that may come between.
fn events(kind: Kind) -> String {
    let texts = ["Guten ", "Morgen ☀️", ", 世界"];
    let mut out = String::new();
    match kind {
        Kind::Anthropic => {
            let mut say = |name: &str, data: Value| out.push_str(&format!("event: {name}\ndata: {data}\n\n"));
            let usage = json!({ "input_tokens": 9, "output_tokens": 1 });
            say("message_start", json!({ "type": "message_start", "message": { "usage": usage } }));
            say("ping", json!({ "type": "ping" }));
            let thought = json!({ "type": "thinking_delta", "thinking": "a hidden thought" });
            say("content_block_delta", json!({ "type": "content_block_delta", "index": 0, "delta": thought }));
            for text in texts {
                let delta = json!({ "type": "text_delta", "text": text });
                say("content_block_delta", json!({ "type": "content_block_delta", "index": 1, "delta": delta }));
            }
            let delta = json!({ "stop_reason": "end_turn" });
            let usage = json!({ "output_tokens": 12 });
            say("message_delta", json!({ "type": "message_delta", "delta": delta, "usage": usage }));
            say("message_stop", json!({ "type": "message_stop" }));
        }
        Kind::OpenAi => {
            let mut say = |data: Value| out.push_str(&format!("data: {data}\n\n"));
            let choice = |delta: Value| json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": null }] });
            say(choice(json!({ "role": "assistant", "content": "" })));
            say(choice(json!({ "reasoning_content": "a hidden thought" })));
            texts.iter().for_each(|text| say(choice(json!({ "content": text }))));
            say(json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] }));
            say(json!({ "choices": [], "usage": { "prompt_tokens": 9, "completion_tokens": 12 } }));
            out.push_str("data: [DONE]\n\n");
        }
    }
    out
}

/// Up to the first word.
fn half(events: &str) -> Vec<String> {
    let word = events.find("Guten ").expect("a word");
    let end = events[word..].find("\n\n").expect("an end") + word + 2;
    vec![events[..end].to_owned()]
}

/// Sends this three bytes at a time: pieces end where they please. Then what the mode says.
fn body(shared: &Arc<Shared>, parts: Vec<String>, then: Does) -> Response {
    shared.open.fetch_add(1, Ordering::SeqCst);
    let open = Open(shared.clone());
    let bytes: Vec<u8> = parts.concat().into_bytes();
    let chunks: Vec<_> = bytes.chunks(3).map(|chunk| Ok::<_, Infallible>(Bytes::copy_from_slice(chunk))).collect();
    let more = half(&events(shared.kind)).concat();
    let rest = match then {
        Does::FallSilent => stream::pending().boxed(),
        Does::Endless => stream::repeat(Bytes::from(more))
            .then(|more| async {
                tokio::time::sleep(Duration::from_millis(10)).await;
                Ok(more)
            })
            .boxed(),
        _ => stream::empty().boxed(),
    };
    let counted = stream::iter(chunks).chain(rest).map(move |chunk| {
        let _ = &open;
        chunk
    });
    ([("content-type", "text/event-stream")], Body::from_stream(counted)).into_response()
}
