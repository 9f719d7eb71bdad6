//! A peer for `scripts/soak`: the same feed as it is usually written with axum, `Sse` over a `broadcast` channel.
//! `PORT=3200 cargo run --release --features ssr --example peer_axum`

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    extract::State,
    response::sse::{Event, KeepAlive, Sse},
    routing::get,
};
use futures::{Stream, StreamExt, stream};
use tokio::{
    net::TcpListener,
    sync::broadcast::{self, error::RecvError},
};

const INTERVAL_MS: u64 = 1_000;
const HEARTBEAT: Duration = Duration::from_secs(15);
const EPOCH: &str = "0000000000000001";

/// Samples that a slow reader may be late by before it misses some.
const BUFFERED: usize = 64;

#[derive(Clone, Debug)]
struct Sample {
    offset: u64,
    json: Arc<str>,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    rlimit::increase_nofile_limit(u64::MAX)?;
    let port = std::env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(3200);
    let (samples, _) = broadcast::channel(BUFFERED);
    let app = Router::new().route("/api/stream", get(open)).with_state(samples.clone());
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    tokio::select! {
        result = axum::serve(listener, app) => result,
        () = sample(samples) => Ok(()),
    }
}

async fn open(State(samples): State<broadcast::Sender<Sample>>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let live = stream::unfold(samples.subscribe(), async |mut receiver| {
        loop {
            match receiver.recv().await {
                Ok(sample) => {
                    let id = format!("feed@{EPOCH}:{}", sample.offset);
                    return Some((Event::default().id(id).data(&sample.json), receiver));
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    });
    let connected = Event::default().retry(Duration::from_secs(3)).event("connected").data("{}");
    Sse::new(stream::once(async { connected }).chain(live).map(Ok)).keep_alive(KeepAlive::new().interval(HEARTBEAT))
}

/// Each sample is due on a full interval of the wall clock.
async fn sample(samples: broadcast::Sender<Sample>) {
    let mut due = now_ms().next_multiple_of(INTERVAL_MS);
    for offset in 1.. {
        tokio::time::sleep(Duration::from_millis(due.saturating_sub(now_ms()))).await;
        let connections = samples.receiver_count();
        let json = format!(
            r#"{{"time":{due},"value":0.1,"memory":50000000,"connections":{connections},"interval_ms":{INTERVAL_MS}}}"#
        );
        // Nobody listening is no error.
        let _ = samples.send(Sample { offset, json: json.into() });
        due += INTERVAL_MS;
    }
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
