//! `POST /api/chat`: a conversation goes in, the answer comes as server-sent events: `data: {"text":"…"}` for each piece, and
//! `data: [DONE]`. Such an answer has no name to come back to: it stops when its reader goes. `body.rs` writes them.

mod body;

use std::time::Duration;

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderName, header},
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use serde::Deserialize;

use crate::server::{
    features::chat::{ChatError, Payer, Written},
    http_error,
    model::{ModelError, Piece, Turn},
    session::{Asking, Source},
    state::AppState,
    transports::ui,
};

use body::AnswerBody;

const EVENT_STREAM: [(HeaderName, &str); 3] = [
    (header::CONTENT_TYPE, "text/event-stream"),
    (header::CACHE_CONTROL, "no-cache, no-transform"),
    (HeaderName::from_static("x-accel-buffering"), "no"),
];

#[derive(Debug, Deserialize)]
struct Asked {
    messages: Vec<Message>,
}

#[derive(Debug, Deserialize)]
struct Message {
    role: Speaker,
    content: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Speaker {
    User,
    Assistant,
}

pub async fn answer(
    State(state): State<AppState>,
    Extension(asking): Extension<Asking>,
    source: Option<Extension<Source>>,
    body: Bytes,
) -> Response {
    let asked = match serde_json::from_slice::<Asked>(&body) {
        Ok(asked) => asked,
        Err(error) => {
            // Those of the AI SDK have parts.
            if let Ok(chat) = serde_json::from_slice::<ui::Chat>(&body)
                && chat.messages.iter().any(|message| !message.parts.is_empty())
            {
                let source = source.map(|Extension(Source(source))| source).unwrap_or_default();
                return ui::answer(&state, &asking, source, chat).await;
            }
            let example = r#"{"messages":[{"role":"user","content":"…"}]}"#;
            return http_error::invalid(&format!("a conversation is {example}: {error}"));
        }
    };
    let turn = |Message { role, content }| match role {
        Speaker::User => Turn::user(content),
        Speaker::Assistant => Turn::assistant(content),
    };
    let payer = payer(&asking, source.as_ref().map(|Extension(source)| source));
    match begin(&state, &payer, asked.messages.into_iter().map(turn).collect()).await {
        Ok((first, written)) => {
            let heartbeat = Duration::from_millis(state.config.stream.heartbeat_ms);
            let body = AnswerBody::new(first, written, state.connections.clone(), heartbeat);
            (EVENT_STREAM, Body::new(body)).into_response()
        }
        Err(error) => refuse(&error),
    }
}

/// Waits for the first piece that is said: what is wrong before it has a status.
async fn begin(
    state: &AppState,
    payer: &Payer,
    turns: Vec<Turn>,
) -> Result<(Result<Piece, ModelError>, Written), ChatError> {
    let mut written = state.chats.admit(payer, None, &turns).await?.ask(turns, Vec::new());
    loop {
        match written.next().await {
            Some(Ok(Piece::Usage(_))) => {}
            Some(Ok(first)) => return Ok((Ok(first), written)),
            Some(Err(error)) => return Err(error.into()),
            None => return Err(ModelError::Broken.into()),
        }
    }
}

/// Whose ceilings an answer counts towards. Whoever has not signed in is one with all others at their address, and so is a
/// program whose key is for other things.
pub(in crate::server) fn payer(asking: &Asking, source: Option<&Source>) -> Payer {
    let signed_in = asking.person.as_ref().filter(|person| person.email.is_some());
    let person = signed_in.map(|person| format!("person {}", person.id));
    let key = || {
        let key = asking.key.as_ref().filter(|key| key.may_talk())?;
        Some(key.person.clone().map_or_else(|| format!("key {}", key.id), |id| format!("person {id}")))
    };
    Payer::new(person.or_else(key), source.map_or("", |source| &source.0))
}

fn code(error: &ModelError) -> &'static str {
    match error {
        ModelError::Busy { .. } => "model-busy",
        ModelError::Silent => "model-silent",
        ModelError::Unreachable => "model-unreachable",
        ModelError::Refused(_) => "model-refused",
        ModelError::Broken => "model-broken",
    }
}

pub(in crate::server) fn refuse(error: &ChatError) -> Response {
    let words = error.to_string();
    match error {
        ChatError::Conversation | ChatError::NoSuchModel(_) => http_error::invalid(&words),
        ChatError::MessageTooLong(_) | ChatError::ConversationTooLong(_) | ChatError::TooManyMessages(_) => {
            http_error::too_large(&words)
        }
        ChatError::AtOnce { .. } => http_error::too_many(&words),
        ChatError::TooFast { wait, .. } => http_error::too_many_until("too-fast", &words, *wait),
        ChatError::Spent { wait, .. } | ChatError::AllSpent { wait } => {
            http_error::too_many_until("spent", &words, *wait)
        }
        ChatError::Full => http_error::unavailable_because("full", &words, Duration::from_secs(5)),
        ChatError::Crowded { wait } => http_error::unavailable_because("full", &words, *wait),
        ChatError::Model(ModelError::Busy { retry_after }) => {
            http_error::unavailable_because("model-busy", &words, retry_after.unwrap_or(Duration::from_secs(10)))
        }
        ChatError::Model(error) => http_error::upstream(code(error), &words, matches!(error, ModelError::Silent)),
        ChatError::Store(error) => {
            tracing::error!(%error, "whether an answer may be had could not be found out");
            http_error::unavailable()
        }
    }
}
