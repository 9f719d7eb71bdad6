//! Asks a provider over HTTP, and asks again while nothing has come. Knows how providers refuse, and nothing of what their
//! events mean.

use std::time::Duration;

use futures::{FutureExt, StreamExt};
use reqwest::{Client, RequestBuilder, Response, StatusCode, header::HeaderMap, redirect::Policy};

use super::{
    Answer, ModelError,
    answering::{Answering, Reading},
};

/// A provider that wants us to wait longer than this is told to the asker instead.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// Of a refusal, so many bytes are read, and its words are logged up to so many characters.
const REFUSAL_BYTES: usize = 64 * 1024;
const WORDS: usize = 300;

/// What an answer may be on the wire: a token is an event of a few hundred bytes.
const BYTES_A_TOKEN: usize = 1_024;
const BYTES_AROUND: usize = 256 * 1_024;

/// How long a provider is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    pub connect: Duration,
    /// Until the first piece.
    pub first: Duration,
    /// Until it says anything more.
    pub silence: Duration,
    /// Between two pieces, where it says only that it is alive: it thinks, or writes to a tool.
    pub thought: Duration,
    /// How often a question is asked again that was not answered at all.
    pub retries: u32,
    /// The first pause before that; each further one is twice as long. A random part of it is waited.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first: Duration::from_secs(120),
            silence: Duration::from_secs(60),
            thought: Duration::from_secs(600),
            retries: 2,
            pause: Duration::from_millis(500),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Upstream {
    pub client: Client,
    patience: Patience,
}

impl Upstream {
    pub fn new(patience: Patience) -> Result<Self, reqwest::Error> {
        // Whoever an address redirects to would be sent the key and the conversation.
        let nowhere_else = Policy::none();
        let client =
            Client::builder().connect_timeout(patience.connect).tcp_nodelay(true).redirect(nowhere_else).build()?;
        Ok(Self { client, patience })
    }

    /// What this request is answered with, of at most so many tokens: a provider that keeps to no limit is not read for ever.
    pub fn answer(&self, request: RequestBuilder, reading: impl Reading, max_tokens: u32) -> Answer {
        let bytes = max_tokens as usize * BYTES_A_TOKEN + BYTES_AROUND;
        Answering::new(ask(request, self.patience).boxed(), reading, self.patience, bytes).boxed()
    }
}

/// Asks, and asks again where that may help: nothing has been answered yet, so nothing is said twice.
async fn ask(request: RequestBuilder, patience: Patience) -> Result<Response, ModelError> {
    let mut tries = 0;
    loop {
        // A request whose body is in memory can be copied.
        let again = request.try_clone().ok_or(ModelError::Unreachable)?;
        let (error, wait) = match tokio::time::timeout(patience.first, again.send()).await {
            Err(_) => return Err(ModelError::Silent),
            Ok(Err(error)) => {
                tracing::warn!(error = %error.without_url(), "a model's provider could not be reached");
                (ModelError::Unreachable, None)
            }
            Ok(Ok(response)) if response.status().is_success() => return Ok(response),
            Ok(Ok(response)) => {
                let (status, wait) = (response.status(), wait_of(response.headers()));
                let may_help = may_help(status, response.headers());
                let error = refusal(status, wait, &words(response, patience.first).await);
                if !may_help {
                    return Err(error);
                }
                (error, wait)
            }
        };
        let pause =
            wait.unwrap_or_else(|| patience.pause.mul_f64(2_f64.powi(tries as i32) * rand::random_range(0.5..1.0)));
        if tries >= patience.retries || pause > LONGEST_PAUSE {
            return Err(error);
        }
        tries += 1;
        tokio::time::sleep(pause).await;
    }
}

/// Whether the same question may be answered a moment later. Some providers say so themselves.
fn may_help(status: StatusCode, headers: &HeaderMap) -> bool {
    match headers.get("x-should-retry").map(|told| told.as_bytes()) {
        Some(b"true") => true,
        Some(b"false") => false,
        _ => {
            matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS)
                || status.is_server_error()
        }
    }
}

/// How long a provider wants us to wait, in its own header or the common one.
fn wait_of(headers: &HeaderMap) -> Option<Duration> {
    let number =
        |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok().filter(|n| (0.0..1e6).contains(n));
    number("retry-after-ms").map(|ms| ms / 1_000.0).or_else(|| number("retry-after")).map(Duration::from_secs_f64)
}

/// What a refusal says. Its status is known already, so what does not come is not waited for.
async fn words(response: Response, patience: Duration) -> String {
    let mut body = Vec::new();
    let mut bytes = response.bytes_stream();
    let read = async {
        while let Some(Ok(more)) = bytes.next().await {
            body.extend_from_slice(&more);
            if body.len() > REFUSAL_BYTES {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(patience, read).await;
    // Both kinds of provider answer {"error":{"message":…}}.
    let said = serde_json::from_slice::<serde_json::Value>(&body).unwrap_or_default();
    said["error"]["message"].as_str().unwrap_or_default().chars().take(WORDS).collect()
}

/// Its words are for the log: they speak of accounts, credit and limits that are not the asker's.
fn refusal(status: StatusCode, retry_after: Option<Duration>, said: &str) -> ModelError {
    // Some providers quote a key that they do not accept.
    let about_the_key = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    tracing::warn!(%status, said = if about_the_key { "" } else { said }, "a model's provider refused");
    match status {
        StatusCode::TOO_MANY_REQUESTS => ModelError::Busy { retry_after },
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ModelError::Refused("its key is not accepted"),
        StatusCode::NOT_FOUND => ModelError::Refused("there is no such model, or no such address"),
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => {
            ModelError::Refused("it does not take this conversation as it is")
        }
        status if status.is_server_error() => ModelError::Busy { retry_after },
        _ => ModelError::Refused("the log of this server says why"),
    }
}
