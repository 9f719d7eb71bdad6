//! The shell around a session: the upgrade, reading, writing (`protocol.rs` has how). One task a connection. Whatever is due goes out in one
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
        ws::{Message, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use rand::RngExt;
use tokio::time::Sleep;

use super::{
    commands::{self, Failed},
    protocol::{self, READ_MOST, answer_close, fault, part, write},
    session::{Session, Settings, Step, close},
};
use crate::{
    server::{
        connections::{Live, Permit},
        http_error,
        session::Asking,
        state::AppState,
        transports::{carried::SubscribeError, entrance, listener::Peer, sse},
    },
    wire::{
        socket::{Command, FailedCode, MESSAGE_BYTES, SUBPROTOCOL},
        stream::RefusedCode,
        topic::{Mark, TOPICS_PER_STREAM},
    },
};

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
        Err(rejection) => return refused(rejection),
    };
    if !entrance::welcome(&state, &headers) {
        return http_error::of_status(StatusCode::FORBIDDEN, "pages of this origin may not connect here");
    }
    // A page of another site that is allowed is nobody, as it is everywhere; a key says who it is.
    let asking = if entrance::is_foreign(&headers) && asking.key.is_none() { Asking::default() } else { asking };
    let mut upgrade = protocol::limited(upgrade, READ_MOST).protocols([SUBPROTOCOL]);
    let offered = upgrade.requested_protocols().next().cloned();
    let spoken = offered.is_none() || upgrade.selected_protocol().is_some();
    if let Some(offered) = offered.filter(|_| !spoken) {
        // Browsers break off when none of their offers is taken, and would never hear the code that says why.
        upgrade.set_selected_protocol(offered);
    }
    let permit = state.connections.admit(sse::address(&state, peer.ip(), &headers));
    upgrade.on_upgrade(move |mut socket| async move {
        match permit {
            _ if !spoken => part(&mut socket, close::VERSION).await,
            Err(_) => part(&mut socket, close::FULL).await,
            Ok(permit) => serve(socket, state, asking, permit).await,
        }
    })
}

/// Not a handshake, or one of another version of WebSockets: then we say which we know (RFC 6455, 4.4).
fn refused(rejection: WebSocketUpgradeRejection) -> Response {
    if let WebSocketUpgradeRejection::InvalidWebSocketVersionHeader(_) = rejection {
        let mut response = http_error::of_status(StatusCode::UPGRADE_REQUIRED, "this takes a WebSocket of version 13");
        response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        response.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        return response;
    }
    http_error::of_status(rejection.into_response().status(), "this takes a WebSocket")
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
                Some(Ok(Message::Close(_))) => return answer_close(&mut socket).await,
                Some(Ok(message)) => {
                    hear(&state, &asking, &session, message).await;
                    continue;
                }
                Some(Err(error)) => match fault(&error) {
                    Some(why) => return part(&mut socket, why).await,
                    None => return,
                },
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
        // Pings are answered by the library.
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) => return,
    };
    if !lock().is_open() {
        return;
    }
    let command = match commands::parse(text.as_bytes()) {
        Ok(command) => command,
        Err((id, failed)) => return lock().answer(&failed.said(id.as_deref())),
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
    // Each is looked up in the store: 64 KiB of names would be thousands of look-ups.
    if topics.len() > TOPICS_PER_STREAM {
        return Err(Failed::new(FailedCode::TooManyTopics, SubscribeError::TooManyTopics.to_string()));
    }
    let not_found = || Failed::new(FailedCode::NotFound, "there is no such topic, or you may not read it");
    let marks: Result<Vec<Mark>, _> = topics.iter().map(|topic| topic.parse()).collect();
    let entering = match entrance::readable(state, asking, marks.map_err(|_| not_found())?, false).await {
        Ok(entering) => entering,
        Err(RefusedCode::Overloaded) => {
            return Err(Failed::new(
                FailedCode::Unavailable,
                "the server cannot reach its data; try again in a moment",
            ));
        }
        Err(RefusedCode::SignedOut) => {
            session.lock().unwrap_or_else(PoisonError::into_inner).close(close::SIGNED_OUT);
            return Ok(());
        }
        Err(_) => return Err(not_found()),
    };
    let mut session = session.lock().unwrap_or_else(PoisonError::into_inner);
    let changed = session.change(entering, &[]);
    changed.map_err(|error| Failed::new(FailedCode::TooManyTopics, error.to_string()))
}
