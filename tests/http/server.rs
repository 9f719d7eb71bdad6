//! The real router with a state of its own, called without a socket.
#![allow(dead_code)] // Each of the test programs uses a part of it.

use std::{net::SocketAddr, sync::Arc, time::Duration, time::SystemTime};

use axum::{
    Router,
    body::{Body, BodyDataStream, Bytes},
    extract::ConnectInfo,
    http::{Method, Request, Response, StatusCode},
};
use futures::StreamExt;
use leptos::prelude::LeptosOptions;
use tidemark::{
    server::{
        assets::Assets,
        config::Config,
        connections::{Connections, Limits},
        door::Door,
        features::{
            self, chat::Chats, conversations::Assistant, feed::Feed, presence::Presence, runs::Runs, sign_in::Post,
        },
        jobs::{self, Kind},
        model::{self, Model, Models},
        rate_limit::Writes,
        router::router,
        session,
        state::{AppState, Shared},
        store::{Committed, Store},
        topics::Topics,
        transports::listener::Peer,
    },
    wire::{Position, Topic, feed::FeedSampled},
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};
use tower::ServiceExt;

pub struct Server {
    pub state: AppState,
    router: Router,
    /// Where the data are. Removed with the server.
    pub folder: tempfile::TempDir,
}

/// An answer whose body is read as it comes.
pub struct Answer {
    parts: axum::http::response::Parts,
    body: BodyDataStream,
    read: String,
}

/// How much is kept of what jobs make: little, so that tests meet the limit.
pub const ROOM: jobs::Room = jobs::Room { bytes_per_owner: 1_000_000, bytes: 3_000_000 };

/// A provider that does not answer within this does not.
pub const WITH_PROVIDERS: model::Patience = model::Patience {
    connect: Duration::from_secs(1),
    first: Duration::from_millis(1_500),
    silence: Duration::from_millis(1_500),
    thought: Duration::from_millis(1_500),
    retries: 2,
    pause: Duration::from_millis(20),
};

/// What does not come within this time does not come.
const PATIENCE: Duration = Duration::from_secs(5);

impl Server {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::with_kinds(change, jobs::KINDS).await
    }

    /// A server that can do these jobs, and begins none before [`Server::begin_jobs`].
    pub async fn with_kinds(change: impl FnOnce(&mut Config), kinds: &'static [&'static dyn Kind]) -> Self {
        Self::of(change, kinds, None).await
    }

    /// A server that asks this model.
    pub async fn with_model(change: impl FnOnce(&mut Config), model: Arc<dyn Model>) -> Self {
        Self::with_models(change, vec![model]).await
    }

    /// A server that asks these, the first where nobody chooses.
    pub async fn with_models(change: impl FnOnce(&mut Config), models: Vec<Arc<dyn Model>>) -> Self {
        Self::of(change, jobs::KINDS, Some(Models::of(models))).await
    }

    async fn of(change: impl FnOnce(&mut Config), kinds: &'static [&'static dyn Kind], models: Option<Models>) -> Self {
        let mut config = Config::default();
        change(&mut config);
        let leptos = LeptosOptions::builder().output_name("tidemark").site_root("public").build();
        let limits = Limits {
            streams_per_address: config.limits.connections_per_address,
            sockets_per_address: 1_000,
            sockets_for_streams: 1_000,
            sockets: 1_100,
        };
        let folder = tempfile::tempdir().expect("a folder");
        config.data_dir = folder.path().to_owned();
        let topics = Arc::<Topics>::default();
        let appended = topics.clone();
        let on_commit = Arc::new(move |events: &[Committed]| appended.committed(events));
        let store = Store::open(folder.path(), on_commit).await.expect("a store");
        topics.attach(store.clone(), TaskTracker::new());
        let settings = jobs::Settings { workers: 2, results: folder.path().join("results"), room: ROOM, kinds };
        let set_up = || model::set_up(config.assistant.providers(), WITH_PROVIDERS).expect("models");
        let models = models.unwrap_or_else(set_up);
        let (system, ceilings) = (config.assistant.system_prompt.clone(), config.assistant.ceilings());
        let chats = Chats::new(models, system, ceilings, store.clone());
        let (runs, door) = (Runs::new(topics.clone()), Arc::<Door>::default());
        let state = AppState::new(Shared {
            assistant: Assistant::new(store.clone(), chats.clone(), runs.clone(), door.clone()),
            jobs: jobs::Jobs::new(store.clone(), settings, features::jobs::rules(store.clone(), chats.clone())),
            chats,
            runs,
            assets: Assets::find(&leptos).expect("names without hashes"),
            presence: Presence::new(topics.clone()),
            topics,
            store,
            door,
            writes: Writes::new(config.limits.writes_per_minute),
            post: Post::new(&config.mail.smtp_url, &config.mail.from).expect("a post"),
            key: session::key(&config.session_key, folder.path()).expect("a key"),
            connections: Connections::new(limits),
            feed: Feed::new(config.feed.interval_ms),
            inspector: config.inspector_is_on(false),
            typed: Default::default(),
            started: SystemTime::now(),
            config,
            leptos,
        });
        Self { router: router(state.clone()).expect("a router"), state, folder }
    }

    /// Runs jobs until the guard is dropped.
    pub fn begin_jobs(&self) -> DropGuard {
        let stop = CancellationToken::new();
        let (jobs, stopped) = (self.state.jobs.clone(), stop.clone());
        tokio::spawn(async move { jobs.run(stopped).await });
        stop.drop_guard()
    }

    pub fn publish_sample(&self, time: u64) -> Position {
        let sample =
            FeedSampled { time, value: 1.5, memory: 1, connections: 1, events_per_second: 1, interval_ms: 1_000 };
        self.state.topics.publish(&Topic::Feed, &sample).expect("published")
    }

    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(Method::GET, path, headers, Body::empty()).await
    }

    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(body.into()).expect("a request");
        request.extensions_mut().insert(ConnectInfo(Peer(SocketAddr::from(([192, 0, 2, 1], 5)))));
        let answer: Response<Body> = self.router.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = answer.into_parts();
        Answer { parts, body: body.into_data_stream(), read: String::new() }
    }
}

impl Answer {
    pub fn status(&self) -> StatusCode {
        self.parts.status
    }

    /// The header's value, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// What comes until `end`, which it includes.
    pub async fn read_until(&mut self, end: &str) -> String {
        loop {
            if let Some(at) = self.read.find(end) {
                let rest = self.read.split_off(at + end.len());
                return std::mem::replace(&mut self.read, rest);
            }
            assert!(self.more().await, "the stream ended before {end:?}: {}", self.read);
        }
    }

    /// All that comes until the end.
    pub async fn text(&mut self) -> String {
        while self.more().await {}
        std::mem::take(&mut self.read)
    }

    /// What the server writes next, or nothing where the answer ends.
    pub async fn next_write(&mut self) -> Option<Bytes> {
        let next = tokio::time::timeout(PATIENCE, self.body.next()).await;
        let next = next.unwrap_or_else(|_| panic!("nothing more came after: {}", self.read));
        next.map(|bytes| bytes.expect("a whole body"))
    }

    async fn more(&mut self) -> bool {
        let next = self.next_write().await;
        self.read.push_str(&String::from_utf8_lossy(next.as_deref().unwrap_or_default()));
        next.is_some()
    }
}

/// The id of a stream, from its greeting.
pub fn connection_in(greeting: &str) -> &str {
    greeting.split_once(r#""connection":""#).expect("an id").1.split('"').next().expect("its end")
}
