//! The shell around a session: the upgrade, reading, writing. One task a connection. Whatever is due goes out in one
//! write; while it cannot, nothing more is read, neither from the client nor from its cursors, so a slow reader lags in
//! its cursors and not in our memory.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
    time::{Duration, Instant},
};

use axum::{
    Extension,
    extract::{
        ConnectInfo, State,
        ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::{SinkExt, StreamExt};
use rand::RngExt;
use tokio::time::Sleep;

use super::{
    commands::{self, Failed},
    session::{Session, Settings, Step, close},
};
use crate::{
    server::{
        connections::{Live, Permit},
        http_error,
        session::Asking,
        state::AppState,
        transports::{entrance, listener::Peer, sse},
    },
    wire::{
        socket::{Command, FailedCode, MESSAGE_BYTES, SUBPROTOCOL},
        stream::RefusedCode,
        topic::Mark,
    },
};

/// What is read at a time, in bytes: commands are small, and each connection has a buffer of its own.
const READ_BYTES: usize = 4 * 1024;

/// What is too large is read to its end, up to here, in bytes: or its sender would not hear why the connection ends.
const READ_MOST: usize = 16 * MESSAGE_BYTES;

/// A write that the other side does not take for so long is given up.
const WRITE_PATIENCE: Duration = Duration::from_secs(30);

/// `GET /ws`.
pub async fn open(
    State(state): State<AppState>,
    ConnectInfo(Peer(peer)): ConnectInfo<Peer>,
    Extension(asking): Extension<Asking>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return http_error::of_status(rejection.into_response().status(), "this takes a WebSocket"),
    };
    if !entrance::welcome(&state, &headers) {
        return http_error::of_status(StatusCode::FORBIDDEN, "pages of this origin may not connect here");
    }
    // A page of another site that is allowed is nobody, as it is everywhere; a key says who it is.
    let asking = if entrance::is_foreign(&headers) && asking.key.is_none() { Asking::default() } else { asking };
    let offered = headers.get(header::SEC_WEBSOCKET_PROTOCOL).and_then(|offered| offered.to_str().ok());
    let spoken = offered.is_none_or(|offered| offered.split(',').any(|name| name.trim() == SUBPROTOCOL));
    let permit = state.connections.admit(sse::address(&state, peer.ip(), &headers));
    let upgrade = upgrade
        .protocols([SUBPROTOCOL])
        .read_buffer_size(READ_BYTES)
        // Written when it is flushed; beyond this at once.
        .write_buffer_size(64 * 1024)
        .max_message_size(READ_MOST)
        .max_frame_size(READ_MOST);
    upgrade.on_upgrade(move |mut socket| async move {
        match permit {
            _ if !spoken => part(&mut socket, close::VERSION).await,
            Err(_) => part(&mut socket, close::FULL).await,
            Ok(permit) => serve(socket, state, asking, permit).await,
        }
    })
}

async fn serve(mut socket: WebSocket, state: AppState, asking: Asking, permit: Permit) {
    let connection = format!("{:032x}", rand::random::<u128>());
    let stream = &state.config.stream;
    let settings = Settings {
        heartbeat: Duration::from_millis(stream.heartbeat_ms),
        drain_retry_ms: rand::rng().random_range(stream.retry_min_ms..=stream.retry_max_ms),
    };
    let (topics, access) = (state.topics.clone(), asking.access.clone());
    let session = Session::open(topics, &connection, permit.serial, access, settings, Instant::now());
    let session = Arc::new(Mutex::new(session));
    permit.attach(connection, Live::Socket(session.clone()));
    let mut timer = Box::pin(tokio::time::sleep(Duration::ZERO));
    loop {
        // Whoever floods us with commands and whoever floods them with events take turns: the choice is by chance.
        let (step, delivered) = tokio::select! {
            due = due(&session, &mut timer) => due,
            message = socket.next() => match message {
                Some(Ok(message)) => {
                    hear(&state, &asking, &session, message).await;
                    continue;
                }
                Some(Err(error)) => return part(&mut socket, fault(&error)).await,
                None => return,
            },
        };
        match step {
            Step::Write(messages) => {
                permit.wrote(delivered, messages.iter().map(|message| message.len() as u64).sum());
                if write(&mut socket, messages.into_iter().map(Message::Text)).await.is_none() {
                    return;
                }
            }
            Step::WaitUntil(_) => {}
            Step::Close(code, words) => return part(&mut socket, (code, words)).await,
            Step::End => return,
        }
    }
}

/// The next step that is anything but waiting, and how many events it carries.
async fn due(session: &Mutex<Session>, timer: &mut Pin<Box<Sleep>>) -> (Step, u64) {
    poll_fn(|context| {
        loop {
            let mut session = session.lock().unwrap_or_else(PoisonError::into_inner);
            // First the waker, then the look: a publish in between is seen or wakes us.
            session.mailbox().register(context.waker());
            let at = match session.step(Instant::now()) {
                Step::WaitUntil(at) => at,
                step => return Poll::Ready((step, session.take_delivered())),
            };
            drop(session);
            // The timer is moved only when it fires: it wakes once too early and then sleeps on.
            if timer.is_elapsed() {
                timer.as_mut().reset(at.into());
            }
            if timer.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
        }
    })
    .await
}

async fn hear(state: &AppState, asking: &Asking, session: &Mutex<Session>, message: Message) {
    let lock = || session.lock().unwrap_or_else(PoisonError::into_inner);
    lock().heard(Instant::now());
    let text = match message {
        Message::Text(text) if text.len() > MESSAGE_BYTES => return lock().close(close::TOO_LARGE),
        Message::Text(text) => text,
        Message::Binary(_) => return lock().close(close::BINARY),
        // Pings are answered by the library, and a close too.
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) => return,
    };
    if !lock().is_open() {
        return;
    }
    let command = match commands::parse(text.as_bytes()) {
        Ok(command) => command,
        Err(failed) => return lock().answer(&failed.said(None)),
    };
    let id = command.id().map(str::to_owned);
    let result = match command {
        Command::Heartbeat => return,
        Command::Subscribe { topics, .. } => match subscribe(state, asking, session, &topics).await {
            // `subscribed` is the answer.
            Ok(()) => return,
            Err(failed) => Err(failed),
        },
        Command::Unsubscribe { topics, .. } => {
            let _ = lock().change(Vec::new(), &topics);
            Ok(commands::Done::default())
        }
        command => match too_fast(state, asking, &command) {
            Some(failed) => Err(failed),
            None => commands::perform(state, asking, &command).await,
        },
    };
    if let Some(said) = commands::answer(id.as_deref(), result) {
        lock().answer(&said);
    }
}

/// What changes something has the same budget as over HTTP.
fn too_fast(state: &AppState, asking: &Asking, command: &Command) -> Option<Failed> {
    if matches!(command, Command::Typing { .. } | Command::Read { .. }) {
        return None;
    }
    let wait = state.writes.ask(&asking.name()?)?;
    let retry_ms = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX);
    let words = format!("that was too fast; try again in {} s", retry_ms.div_ceil(1_000).max(1));
    Some(Failed { retry_ms: Some(retry_ms), ..Failed::new(FailedCode::TooFast, words) })
}

async fn subscribe(
    state: &AppState,
    asking: &Asking,
    session: &Mutex<Session>,
    topics: &[String],
) -> Result<(), Failed> {
    let not_found = || Failed::new(FailedCode::NotFound, "there is no such topic, or you may not read it");
    let marks: Result<Vec<Mark>, _> = topics.iter().map(|topic| topic.parse()).collect();
    let joining = match entrance::readable(state, asking, marks.map_err(|_| not_found())?).await {
        Ok(joining) => joining,
        Err(RefusedCode::Overloaded) => {
            return Err(Failed::new(
                FailedCode::Unavailable,
                "the server cannot reach its data; try again in a moment",
            ));
        }
        Err(_) => return Err(not_found()),
    };
    let mut session = session.lock().unwrap_or_else(PoisonError::into_inner);
    let changed = session.change(joining, &[]);
    changed.map_err(|error| Failed::new(FailedCode::TooManyTopics, error.to_string()))
}

/// Sends all of it with one flush. Nothing if the other side is gone, or does not read.
async fn write(socket: &mut WebSocket, messages: impl Iterator<Item = Message>) -> Option<()> {
    let sending = async {
        for message in messages {
            socket.feed(message).await?;
        }
        socket.flush().await
    };
    tokio::time::timeout(WRITE_PATIENCE, sending).await.ok()?.ok()
}

/// What is wrong with what was read, as RFC 6455 has it.
fn fault(error: &axum::Error) -> (u16, &'static str) {
    use std::error::Error;
    match error.source().and_then(|source| source.downcast_ref::<tungstenite::Error>()) {
        Some(tungstenite::Error::Capacity(_)) => close::TOO_LARGE,
        Some(tungstenite::Error::Utf8(_)) => close::NOT_TEXT,
        _ => close::NO_FRAMES,
    }
}

/// Says why, and waits a moment for the other side to have heard it.
async fn part(socket: &mut WebSocket, (code, words): (u16, &'static str)) {
    let frame = Message::Close(Some(CloseFrame { code, reason: words.into() }));
    if write(socket, std::iter::once(frame)).await.is_some() {
        let _ = tokio::time::timeout(Duration::from_secs(5), async { while let Some(Ok(_)) = socket.next().await {} })
            .await;
    }
}
