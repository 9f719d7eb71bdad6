//! HTTP around a live stream: what is asked, whether it is allowed, and answers that an EventSource can live with.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Extension, Json,
    body::Body,
    extract::{ConnectInfo, Path, Query, State, rejection::JsonRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::BytesMut;
use rand::RngExt;

use super::{
    body::StreamBody,
    frame,
    query::{self, REFUSED_ID},
    stream::{Settings, Stream},
};
use crate::{
    server::{
        config::client_address,
        connections::{Live, refusal},
        http_error,
        session::Asking,
        state::AppState,
        transports::{entrance::readable, listener::Peer},
    },
    wire::{
        stream::{ChangeTopics, Refused, RefusedCode, name},
        topic::{Mark, TOPICS_PER_STREAM},
    },
};

/// Who is refused for now comes back after about this long, in milliseconds, jittered.
pub const BUSY_RETRY_MS: std::ops::RangeInclusive<u32> = 5_000..=15_000;

/// `GET /api/stream`: without `topic=` the article's stream; otherwise one of up to 16 topics, each with the position
/// to read on from: `?topic=feed@9f3ac04e51d27b86:1234`.
pub async fn open(
    State(state): State<AppState>,
    ConnectInfo(Peer(peer)): ConnectInfo<Peer>,
    Extension(asking): Extension<Asking>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Response {
    let last_event_id = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    if last_event_id == Some(REFUSED_ID) {
        return StatusCode::NO_CONTENT.into_response();
    }
    let named: Vec<_> = query.iter().filter(|(key, _)| key == "topic").map(|(_, topic)| topic.as_str()).collect();
    match try_open(&state, &asking, address(&state, peer.ip(), &headers), &named, last_event_id).await {
        Ok(body) => event_stream(Body::new(body)),
        Err((code, message)) => {
            let refused = refusal(code, message, rand::rng().random_range(BUSY_RETRY_MS));
            if accepts_events(&headers) { refused_stream(&refused) } else { http_error::refused(&refused) }
        }
    }
}

/// `POST /api/stream/{connection}`: changes what a live stream carries, without reconnecting it.
pub async fn change_topics(
    State(state): State<AppState>,
    Extension(asking): Extension<Asking>,
    Path(connection): Path<String>,
    change: Result<Json<ChangeTopics>, JsonRejection>,
) -> Response {
    let change = match change {
        Ok(Json(change)) => change,
        Err(rejection) => return http_error::rejected(&rejection),
    };
    let too_many = || http_error::refused(&refusal(RefusedCode::TooManyTopics, None, 0));
    // Each is looked up in the store.
    if change.subscribe.len() > TOPICS_PER_STREAM {
        return too_many();
    }
    let entering = match readable(&state, &asking, change.subscribe, false).await {
        Ok(entering) => entering,
        Err(code) => return http_error::refused(&refusal(code, None, rand::rng().random_range(BUSY_RETRY_MS))),
    };
    let Some(stream) = state.connections.find(&connection) else {
        if state.connections.has_said_goodbye(&connection) {
            // It has told when to come back. What crossed that on its way is no mistake: browsers show each as an error.
            return Json(serde_json::json!({ "topics": [] })).into_response();
        }
        return http_error::not_found("there is no such stream, or it has ended");
    };
    let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
    // What is added is read by the right with which the stream was opened, and ends with it.
    if !stream.is_by(asking.access.as_ref()) {
        return http_error::not_found("there is no such stream, or it has ended");
    }
    if stream.change(entering, &change.unsubscribe).is_err() {
        return too_many();
    }
    let topics: Vec<_> = stream.topics().map(ToString::to_string).collect();
    Json(serde_json::json!({ "topics": topics })).into_response()
}

async fn try_open(
    state: &AppState,
    asking: &Asking,
    address: IpAddr,
    named: &[&str],
    last_event_id: Option<&str>,
) -> Result<StreamBody, (RefusedCode, Option<String>)> {
    let marks: Vec<Mark> = query::marks(named.iter().copied(), last_event_id)?;
    let back = last_event_id.is_some_and(|id| !id.is_empty());
    let entering = readable(state, asking, marks, back).await.map_err(|code| (code, None))?;
    let permit = state.connections.admit(address).map_err(|code| (code, None))?;
    // 128 random bits: whoever knows them may change the stream's topics.
    let connection = format!("{:032x}", rand::random::<u128>());
    let told = (!named.is_empty()).then_some(connection.as_str());
    let access = asking.access.clone();
    let (topics, now) = (state.topics.clone(), Instant::now());
    let stream = Stream::open(topics, entering, told, permit.serial, access, settings(state), now)
        .map_err(|error| (RefusedCode::TooManyTopics, Some(error.to_string())))?;
    let stream = Arc::new(Mutex::new(stream));
    permit.attach(connection, Live::Stream(stream.clone()));
    Ok(StreamBody::new(stream, permit))
}

fn settings(state: &AppState) -> Settings {
    let stream = &state.config.stream;
    let mut rng = rand::rng();
    Settings {
        heartbeat: Duration::from_millis(stream.heartbeat_ms),
        retry_ms: rng.random_range(stream.retry_min_ms..=stream.retry_max_ms),
        drain_retry_ms: rng.random_range(stream.retry_min_ms..=stream.retry_max_ms),
    }
}

/// Where a request comes from, as configured.
pub fn address(state: &AppState, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let forwarded_for = headers.get_all("x-forwarded-for").iter().next_back().and_then(|value| value.to_str().ok());
    client_address(state.config.client_address, peer, forwarded_for)
}

/// An EventSource always asks for this type; curl and fetch do not unless told, and want a status.
fn accepts_events(headers: &HeaderMap) -> bool {
    let accepts = |value: &HeaderValue| value.to_str().is_ok_and(|value| value.contains("text/event-stream"));
    headers.get_all(header::ACCEPT).iter().any(accepts)
}

/// Any status but 200 ends an EventSource for good and hides the reason from its page. So a refusal is a stream of one
/// event that ends: with a delay when coming back can help, and with an id that earns a 204 when it cannot.
fn refused_stream(refused: &Refused) -> Response {
    let mut out = BytesMut::new();
    frame::put_retry(&mut out, refused.retry_ms.unwrap_or(1_000));
    let id = refused.retry_ms.is_none().then_some(REFUSED_ID);
    frame::put_named(&mut out, name::REFUSED, id, refused);
    event_stream(Body::from(out.freeze()))
}

fn event_stream(body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        // `no-transform`: a proxy that compresses would hold events back.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform")),
        (header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, body).into_response()
}
