//! The fake's HTTP: looks at requests, does what their script says, and remembers what it was asked.

use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, State, connect_info::IntoMakeServiceWithConnectInfo},
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    anthropic::{self, Anthropic},
    openai::{self, OpenAi},
    script::{Before, End, Script},
    wire::{Asked, Check, Why, Wire, Wrong},
    words,
};

/// So many requests are remembered, the newest.
const REMEMBERED: usize = 1_000;

/// What the official clients and ours wait before they ask again, in milliseconds.
const SHORTLY_MS: u64 = 20;

#[derive(Debug, Default)]
pub struct Shared {
    /// What is done where a question has no marker of its own.
    always: String,
    requests: Mutex<VecDeque<Recorded>>,
    /// How often each question was too much.
    busy: Mutex<HashMap<String, u32>>,
    number: AtomicUsize,
    open: AtomicUsize,
}

#[derive(Clone, Debug)]
pub struct Recorded {
    pub path: String,
    pub body: Value,
    /// The connection that it came over.
    pub peer: SocketAddr,
}

/// Counts an answer while it is being read.
struct Open(Arc<Shared>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Shared {
    pub fn new(always: String) -> Arc<Self> {
        Arc::new(Self { always, ..Self::default() })
    }

    pub fn recorded(&self) -> Vec<Recorded> {
        self.lock().iter().cloned().collect()
    }

    /// How many answers are being read.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Recorded>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_busy(&self, question: &str) -> bool {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        let times = busy.entry(question.to_owned()).or_default();
        *times += 1;
        !times.is_multiple_of(3)
    }
}

/// What is served: connections have a peer, which is recorded.
pub fn service(shared: Arc<Shared>) -> IntoMakeServiceWithConnectInfo<Router, SocketAddr> {
    let router = Router::new()
        .route("/v1/messages", post(messages))
        .route("/v1/chat/completions", post(completions))
        .route("/requests", get(requests).delete(forget))
        .route("/open", get(async |State(shared): State<Arc<Shared>>| Json(shared.open())))
        .with_state(shared);
    router.into_make_service_with_connect_info()
}

async fn requests(State(shared): State<Arc<Shared>>) -> Json<Vec<Value>> {
    let shown = |Recorded { path, body, peer }| json!({ "path": path, "body": body, "peer": peer });
    Json(shared.recorded().into_iter().map(shown).collect())
}

async fn forget(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.lock().clear();
    shared.busy.lock().unwrap_or_else(PoisonError::into_inner).clear();
    StatusCode::NO_CONTENT
}

/// Where a request goes, and where it comes from.
type From = (Uri, ConnectInfo<SocketAddr>);

async fn messages(state: State<Arc<Shared>>, from: From, headers: HeaderMap, request: Json<Value>) -> Response {
    let refused = |Wrong { status, kind, message }| {
        let error = json!({ "type": kind, "message": message });
        (status, Json(json!({ "type": "error", "error": error, "request_id": "req_1" }))).into_response()
    };
    let wire = |model: &str, number| Anthropic::new(model, number);
    answer(state.0, from, &headers, request.0, anthropic::check, wire, refused).await
}

async fn completions(state: State<Arc<Shared>>, from: From, headers: HeaderMap, request: Json<Value>) -> Response {
    let refused = |Wrong { status, kind, message }| {
        // They know no 529.
        let status = if status.as_u16() == 529 { StatusCode::SERVICE_UNAVAILABLE } else { status };
        let error = json!({ "message": message, "type": kind, "param": null, "code": null });
        (status, Json(json!({ "error": error }))).into_response()
    };
    let wire = |model: &str, number| OpenAi::new(model, number);
    answer(state.0, from, &headers, request.0, openai::check, wire, refused).await
}

async fn answer<W: Wire>(
    shared: Arc<Shared>,
    (uri, ConnectInfo(peer)): From,
    headers: &HeaderMap,
    request: Value,
    check: Check,
    wire: impl Fn(&str, usize) -> W,
    refused: impl Fn(Wrong) -> Response,
) -> Response {
    let checked = check(headers, &request);
    let model = request["model"].as_str().unwrap_or_default().to_owned();
    {
        let mut requests = shared.lock();
        requests.push_back(Recorded { path: uri.path().to_owned(), body: request, peer });
        if requests.len() > REMEMBERED {
            requests.pop_front();
        }
    }
    let asked = match checked {
        Ok(asked) => asked,
        Err(wrong) => return refused(wrong),
    };
    let said =
        if Script::is_in(&asked.question) { asked.question.clone() } else { shared.always.clone() + &asked.question };
    let script = Script::read(&said);
    let no = |status: u16, kind, message: &str| {
        let status = StatusCode::from_u16(status).expect("a status");
        let mut response = refused(Wrong { status, kind, message: message.to_owned() });
        if matches!(status.as_u16(), 429 | 529) {
            response.headers_mut().insert("retry-after", 1.into());
            response.headers_mut().insert("retry-after-ms", SHORTLY_MS.into());
        }
        response
    };
    match script.before {
        Some(Before::Error) => return no(500, "api_error", "Internal server error"),
        Some(Before::Busy) if shared.is_busy(&asked.question) => return no(429, "rate_limit_error", "Slow down"),
        Some(Before::Overloaded) => return no(529, "overloaded_error", "Overloaded"),
        Some(Before::Refuse) => return no(400, "invalid_request_error", "prompt is too long: too many tokens"),
        Some(Before::KeyIsWrong) => return no(401, "authentication_error", "wrong key sk-secret"),
        Some(Before::SayNothing) => std::future::pending().await,
        Some(Before::Busy) | None => {}
    }
    shared.open.fetch_add(1, Ordering::SeqCst);
    let open = Open(shared.clone());
    let number = shared.number.fetch_add(1, Ordering::SeqCst);
    let body = body(&script, asked, wire(&model, number)).map(move |chunk| {
        let _ = &open;
        chunk
    });
    let headers = [("content-type", "text/event-stream; charset=utf-8"), ("request-id", "req_1")];
    (headers, Body::from_stream(body)).into_response()
}

/// Some bytes, and whether they are a word that keeps the pace.
type Step = (String, bool);

fn body(script: &Script, asked: Asked, wire: impl Wire) -> BoxStream<'static, Result<Bytes, std::io::Error>> {
    let rate = if script.end == End::Never { Some(script.rate.unwrap_or(100.0)) } else { script.rate };
    let begun = Instant::now();
    let end = script.end;
    let paced = stream::iter(steps(script, asked, wire)).scan(0_u32, move |words, (bytes, is_word)| {
        *words += u32::from(is_word);
        let due = rate.filter(|_| is_word).map(|rate| begun + Duration::from_secs_f64(f64::from(*words) / rate));
        std::future::ready(Some((bytes, due)))
    });
    let sent = paced.then(async |(bytes, due)| {
        if let Some(due) = due {
            tokio::time::sleep_until(due).await;
        }
        bytes
    });
    let size = if script.split { 3 } else { usize::MAX };
    let chunks = sent.flat_map(move |bytes| {
        let bytes = Bytes::from(bytes);
        let starts = (0..bytes.len()).step_by(size);
        stream::iter(starts.map(move |at| Ok(bytes.slice(at..bytes.len().min(at.saturating_add(size))))))
    });
    let rest = match end {
        End::Cut => stream::once(async {
            // What was said before has to leave first.
            tokio::time::sleep(Duration::from_millis(SHORTLY_MS)).await;
            Err(std::io::Error::other("cut"))
        })
        .boxed(),
        End::Silence => stream::pending().boxed(),
        _ => stream::empty().boxed(),
    };
    chunks.chain(rest).boxed()
}

fn steps(script: &Script, asked: Asked, mut wire: impl Wire) -> Box<dyn Iterator<Item = Step> + Send> {
    if script.end == End::Nothing {
        return Box::new(std::iter::empty());
    }
    if script.end == End::Garbage {
        return Box::new(std::iter::once(("event: message_start\ndata: {\"type\":\n\n".to_owned(), false)));
    }
    let input = script.usage.map_or(asked.input_tokens, |(input, _)| input);
    let mut head = vec![wire.begin(input)];
    if script.thinks {
        head.extend(words::THOUGHTS.iter().map(|thought| wire.thought(thought)));
    }
    let wanted = script.calls.iter().filter(|call| call.again || asked.result.is_none());
    let (known, unknown): (Vec<_>, Vec<_>) = wanted.partition(|call| asked.tools.contains(&call.name));
    let text = match (&asked.result, unknown.first()) {
        (_, Some(call)) => words::without(&call.name),
        (_, None) if !known.is_empty() => script.text.clone().unwrap_or_default(),
        (Some(result), None) => words::about_result(result),
        (None, None) => script.text.clone().unwrap_or_else(|| words::answer(&script.question, asked.messages)),
    };
    let calls: Vec<_> = known.into_iter().cloned().collect();
    let why = match script.end {
        End::TooLong => Why::TooLong,
        End::Refused => Why::Refused,
        _ if !calls.is_empty() => Why::Tools,
        _ => Why::Done,
    };
    let (end, counted) = (script.end, script.usage.map(|(_, output)| output));
    let mut pieces: Box<dyn Iterator<Item = String> + Send> = Box::new(words::pieces(text));
    match end {
        End::Never => pieces = Box::new(std::iter::repeat_with(|| "on ".to_owned())),
        // In the middle is after the first words.
        End::Error | End::Cut | End::Silence => pieces = Box::new(pieces.take(2)),
        End::Refused => pieces = Box::new(std::iter::empty()),
        _ => {}
    }
    let mut said = 0;
    let mut state = Some(());
    let words_and_end = std::iter::from_fn(move || {
        if let Some(piece) = pieces.next() {
            said += 1;
            return Some((wire.text(&piece), true));
        }
        state.take()?;
        let mut out = String::new();
        match end {
            End::Cut | End::Silence => return None,
            End::Error => return Some((wire.error(), false)),
            End::Refused => out += &wire.refusal(),
            _ => {}
        }
        for call in &calls {
            out += &wire.call(&call.name, &call.input);
        }
        out += &wire.end(why, (input, counted.unwrap_or(said)));
        Some((out, false))
    });
    Box::new(head.into_iter().map(|bytes| (bytes, false)).chain(words_and_end))
}
